/* mtq account: who may authenticate, and with which passwords. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "admin/account_file.h"
#include "admin/account_password.h"
#include "admin/command.h"
#include "admin/moment.h"
#include "admin/show.h"
#include "queue/sasl_server.h"

static const struct option options[] = {
    {"file", required_argument, NULL, 'f'},
    {"password-file", required_argument, NULL, 'p'},
    {"generate", no_argument, NULL, 'g'},
    {"replace", no_argument, NULL, 'r'},
    {"not-after", required_argument, NULL, 'n'},
    {"old-not-after", required_argument, NULL, 'o'},
    {NULL, 0, NULL, 0}};

struct account_options {
	const char *path;
	const char *name;
	struct account_password_from from;
	bool replace;
	int64_t not_after_us;
	int64_t old_not_after_us; /* 0: as it was */
};

static bool
take_time(struct command *c, const char *option, int64_t *out)
{
	char why[MOMENT_WHY];

	if (!moment_parse(optarg, c->now_us, out, why)) {
		command_say(c, EXIT_USAGE, "%s: %s", option, why);
		return false;
	}
	*out = *out / SECOND_US * SECOND_US;
	return true;
}

static bool
take_option(struct command *c, struct account_options *o, int letter)
{
	switch (letter) {
	case 'f':
		o->path = optarg;
		return true;
	case 'p':
		o->from.file = optarg;
		return true;
	case 'g':
		o->from.generate = true;
		return true;
	case 'r':
		o->replace = true;
		return true;
	case 'n':
		return take_time(c, "--not-after", &o->not_after_us);
	case 'o':
		return take_time(c, "--old-not-after", &o->old_not_after_us);
	default:
		command_usage(c, NULL);
		return false;
	}
}

/* --file, or the one of the configuration. */
static bool
find_file(struct command *c, struct account_options *o, int *code)
{
	static const char scheme[] = "file:";
	const struct settings *s;

	if (o->path != NULL)
		return true;
	s = command_settings(c);
	*code = EXIT_CONFIG;
	if (s == NULL)
		return false;
	if (strncmp(s->accounts, scheme, sizeof scheme - 1) == 0)
		o->path = s->accounts + sizeof scheme - 1;
	else
		command_say(c, EXIT_CONFIG,
			    "accounts: the configuration names no file "
			    "(accounts = file:/etc/mtq/accounts); --file does "
			    "it here");
	return o->path != NULL;
}

/* --- a password -------------------------------------------------------------
 */

/* The new password into `a`, whose salt and rounds are set. */
static bool
set_password(struct account *a, const struct account_options *o, int64_t now_us,
	     struct bytes *password, struct err *e)
{
	struct account_password *p = &a->password[a->npasswords];
	struct bytes prepared = {0};

	if (!account_password_get(&o->from, password, e))
		return false;
	if (!sasl_server_prepare((const char *)password->data, &prepared)) {
		err_set(e, ERR_CONFIG, "the password is no text (SASLprep)");
		return false;
	}
	*p = (struct account_password){.created_us =
					   now_us / SECOND_US * SECOND_US,
				       .not_after_us = o->not_after_us};
	account_prove((struct text){(const char *)prepared.data, prepared.n},
		      a->salt, a->nsalt, a->rounds, &p->proof);
	a->npasswords++;
	secret_wipe(prepared.data, prepared.n);
	bytes_free(&prepared);
	return true;
}

static bool
set_salt(struct account *a, struct err *e)
{
	a->nsalt = ACCOUNT_SALT;
	a->rounds = ACCOUNT_ROUNDS;
	a->npasswords = 0;
	if (getrandom(a->salt, a->nsalt, 0) == (ssize_t)a->nsalt)
		return true;
	err_set(e, ERR_SYSTEM, "getrandom: %m");
	return false;
}

/* Passwords that are over make room; those that stay get their end. */
static void
tidy(struct account *a, const struct account_options *o, int64_t now_us)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < a->npasswords; i++) {
		struct account_password *p = &a->password[i];

		if (p->not_after_us < now_us)
			continue;
		if (o->old_not_after_us != 0)
			p->not_after_us =
			    min_of(p->not_after_us, o->old_not_after_us);
		a->password[kept++] = *p;
	}
	a->npasswords = kept;
}

static int
save(struct command *c, struct account_file *f, const char *name,
     const struct account *a)
{
	struct err e;

	if (account_file_put(f, name, a, &e) && account_file_write(f, &e))
		return EXIT_DONE;
	return command_fail(c, &e);
}

static int
put_password(struct command *c, const struct account_options *o,
	     struct account_file *f, struct account *a)
{
	struct bytes password = {0};
	struct err e;
	int code;

	if ((a->npasswords == 0 && !set_salt(a, &e)) ||
	    !set_password(a, o, c->now_us, &password, &e))
		code = command_fail(c, &e);
	else
		code = save(c, f, a->name, a);
	if (code == EXIT_DONE && o->from.generate)
		printf("%s\n", (const char *)password.data);
	if (password.data != NULL)
		secret_wipe(password.data, password.room);
	bytes_free(&password);
	return code;
}

static int
add(struct command *c, const struct account_options *o, struct account_file *f)
{
	struct account a = {.npasswords = 0};

	if (!account_is_name(text_of(o->name)))
		return command_say(c, EXIT_USAGE,
				   "a name has letters, digits and .-_@+, "
				   "%d at most",
				   ACCOUNT_NAME);
	if (accounts_find(f->accounts, text_of(o->name)) != NULL)
		return command_say(c, EXIT_NO,
				   "there is an account %s; `mtq account "
				   "passwd` gives it a password",
				   o->name);
	text_copy(text_of(o->name), a.name, sizeof a.name);
	return put_password(c, o, f, &a);
}

static int
nobody(const struct command *c, const char *name)
{
	return command_say(c, EXIT_NO, "there is no account %.128s", name);
}

static int
passwd(struct command *c, const struct account_options *o,
       struct account_file *f)
{
	const struct account *old =
	    accounts_find(f->accounts, text_of(o->name));
	struct account a;

	if (old == NULL)
		return nobody(c, o->name);
	a = *old;
	if (o->replace)
		a.npasswords = 0;
	tidy(&a, o, c->now_us);
	if (a.npasswords == ACCOUNT_PASSWORDS)
		return command_say(c, EXIT_NO,
				   "%s has two passwords that are in force; "
				   "--replace ends both",
				   o->name);
	return put_password(c, o, f, &a);
}

static int
forget(struct command *c, const struct account_options *o,
       struct account_file *f)
{
	if (accounts_find(f->accounts, text_of(o->name)) == NULL)
		return nobody(c, o->name);
	return save(c, f, o->name, NULL);
}

/* --- list ------------------------------------------------------------------- */

static const struct show_field fields[] = {
    {"name", "ACCOUNT", SHOW_TEXT, false},
    {"passwords", "PASSWORDS", SHOW_COUNT, false},
    {"created", "CREATED", SHOW_TIME, false},
    {"changed", "CHANGED", SHOW_TIME, false},
    {"not_after", "NOT AFTER", SHOW_TIME, false}};

static void
list_one(struct show *s, const struct account *a, int64_t now_us)
{
	int64_t created = INT64_MAX, changed = 0, end = 0;
	unsigned live = 0;

	for (unsigned i = 0; i < a->npasswords; i++) {
		const struct account_password *p = &a->password[i];

		created = min_of(created, p->created_us);
		changed = max_of(changed, p->created_us);
		end = max_of(end, p->not_after_us);
		live += p->not_after_us >= now_us;
	}
	show_row(s, (const struct show_value[]){
			show_word(a->name), show_count(live),
			show_time(created), show_time(changed),
			end == ACCOUNT_FOREVER ? show_none() : show_time(end)});
}

static int
list(struct command *c, const struct account_file *f)
{
	struct show *s =
	    show_open(stdout, c->json, fields, countof(fields), c->now_us);

	for (size_t i = 0; i < f->accounts->n; i++)
		list_one(s, &f->accounts->account[i], c->now_us);
	show_close(s);
	return EXIT_DONE;
}

/* ---------------------------------------------------------------------------- */

typedef int account_verb(struct command *c, const struct account_options *o,
			 struct account_file *f);

static int
change(struct command *c, struct account_options *o, account_verb *verb)
{
	struct account_file f;
	struct err e;
	int code;

	if (verb == NULL)
		return command_usage(c, NULL);
	if (!find_file(c, o, &code))
		return code;
	code = account_file_open(&f, o->path, true, &e) ? verb(c, o, &f)
							: command_fail(c, &e);
	account_file_close(&f);
	return code;
}

static int
show_all(struct command *c, struct account_options *o)
{
	struct account_file f;
	struct err e;
	int code;

	if (!find_file(c, o, &code))
		return code;
	code = account_file_open(&f, o->path, false, &e) ? list(c, &f)
							 : command_fail(c, &e);
	account_file_close(&f);
	return code;
}

int
cmd_account(struct command *c)
{
	struct account_options o = {.not_after_us = ACCOUNT_FOREVER};
	const char *verb = c->argc > 0 ? c->argv[0] : "";
	int letter, names;

	while (c->argc > 0 && (letter = getopt_long(c->argc, c->argv, "",
						    options, NULL)) != -1)
		if (!take_option(c, &o, letter))
			return EXIT_USAGE;
	names = c->argc - optind;
	if (strcmp(verb, "list") == 0 && names == 0)
		return show_all(c, &o);
	if (names != 1)
		return command_usage(c, NULL);
	o.name = c->argv[optind];
	return change(c, &o,
		      strcmp(verb, "add") == 0      ? add
		      : strcmp(verb, "passwd") == 0 ? passwd
		      : strcmp(verb, "remove") == 0 ? forget
						    : NULL);
}
