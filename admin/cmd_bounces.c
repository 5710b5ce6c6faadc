/* mtq bounces: mail that failed, came back or was complained about. */
#include "admin/cmd_bounces.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "admin/cmd_queue.h"
#include "admin/moment.h"
#include "queue/category.h"

static_assert(CATEGORY_COUNT < 32, "a bit for each category");

static const struct option options[] = {
    {"since", required_argument, NULL, 's'},
    {"category", required_argument, NULL, 'c'},
    {"domain", required_argument, NULL, 'd'},
    {"type", required_argument, NULL, 't'},
    {"relay", required_argument, NULL, 'r'},
    {"limit", required_argument, NULL, '#'},
    {"by", required_argument, NULL, 'b'},
    {NULL, 0, NULL, 0}};

/* --- the command line ----------------------------------------------------- */

static bool
add_category(struct command *c, struct bounces_options *o, const char *word,
	     size_t n)
{
	for (unsigned k = 0; k < CATEGORY_COUNT; k++) {
		const char *w = category_word((enum category_kind)k);

		if (strlen(w) == n && strncmp(w, word, n) == 0) {
			o->categories |= 1U << k;
			return true;
		}
	}
	command_say(c, EXIT_USAGE, "there is no category %.*s",
		    (int)min_of(n, (size_t)40), word);
	for (unsigned k = 0; k < CATEGORY_COUNT; k++)
		fprintf(stderr, "%s%s", k == 0 ? "mtq: there are " : ", ",
			category_word((enum category_kind)k));
	fputc('\n', stderr);
	return false;
}

static bool
add_categories(struct command *c, struct bounces_options *o, const char *list)
{
	do {
		size_t n = strcspn(list, ",");

		if (!add_category(c, o, list, n))
			return false;
		list += n;
	} while (*list++ == ',');
	return true;
}

static bool
take_by(struct command *c, struct bounces_options *o, const char *word)
{
	for (o->by = 0; o->by < BOUNCE_BY_COUNT; o->by++)
		if (strcmp(bounce_by_word(o->by), word) == 0)
			return true;
	command_say(c, EXIT_USAGE,
		    "--by is one of domain, category, relay, type");
	return false;
}

static bool
take_since(struct command *c, struct bounces_options *o, const char *text)
{
	char why[MOMENT_WHY];

	if (moment_since(text, c->now_us, &o->since_us, why))
		return true;
	command_say(c, EXIT_USAGE, "--since: %s", why);
	return false;
}

static bool
take(struct command *c, struct bounces_options *o, int letter)
{
	switch (letter) {
	case 's':
		return take_since(c, o, optarg);
	case 'c':
		return add_categories(c, o, optarg);
	case 'd':
		o->domain = optarg + (optarg[0] == '@');
		return true;
	case 't':
		o->type = optarg;
		return true;
	case 'r':
		o->relay = optarg;
		return true;
	case '#':
		return command_limit(c, optarg, "1M", &o->limit);
	case 'b':
		return take_by(c, o, optarg);
	default:
		command_usage(c, NULL);
		return false;
	}
}

/* --- which ---------------------------------------------------------------- */

static bool
fits(const char *pattern, struct text t)
{
	return pattern == NULL || queue_filter_glob(pattern, t.p, t.n);
}

static bool
is_wanted(const void *arg, const struct journal_entry *x)
{
	const struct bounces_options *o = arg;

	return bounce_is_one((enum journal_kind)x->kind) &&
	       (int64_t)x->at_us >= o->since_us &&
	       (o->categories == 0 ||
		(x->category < CATEGORY_COUNT &&
		 (o->categories & 1U << x->category) != 0)) &&
	       fits(o->domain, bounce_domain(x->address)) &&
	       fits(o->type, x->type) && fits(o->relay, x->relay);
}

int
cmd_bounces(struct command *c)
{
	struct bounces_options o = {.since_us = c->now_us - DAY_US,
				    .limit = BOUNCES_LIMIT,
				    .by = BOUNCE_BY_COUNT};
	struct entries *r;
	int letter, code;

	while ((letter = getopt_long(c->argc + 1, c->argv - 1, "", options,
				     NULL)) != -1)
		if (!take(c, &o, letter))
			return EXIT_USAGE;
	if (optind - 1 != c->argc)
		return command_usage(c, NULL);
	r = must_alloc(sizeof *r);
	r->wanted = is_wanted;
	r->arg = &o;
	r->at = o.since_us > 0 ? journal_from(o.since_us) - 1 : 0;
	r->store = queue_open(c, &code);
	if (r->store != NULL)
		code = o.by != BOUNCE_BY_COUNT ? bounces_sum(c, &o, r)
					       : bounces_list(c, &o, r);
	entries_done(r);
	store_close(r->store);
	free(r);
	return code;
}
