/* From the greeting to the first MAIL: what the terms ask for is done, in that
 * order, or no mail goes and no credential leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/delivery/peer.h"

#define HI     "220 peer\r\n"
#define BARE   "250 peer\r\n"
#define TLS    "250-peer\r\n250 STARTTLS\r\n"
#define PLAIN  "250-peer\r\n250 AUTH PLAIN LOGIN\r\n"
#define CLEAR  "250-peer\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"
#define SCRAM  "250-peer\r\n250 AUTH SCRAM-SHA-256\r\n"
#define GO     "220 go\r\n"
#define IN     "235 2.7.0 welcome\r\n"
#define SECRET "czNjcmV0" /* "s3cret" */

/* Which terms. */
enum terms {
	NONE,     /* tls = off */
	MAY,      /* preferred */
	MUST,     /* required */
	NAME,     /* required-verify */
	MAY_NAME, /* preferred-verify */
};
static const struct row {
	const char *name;
	enum terms terms;
	bool auth, verified, insecure;
	const char *says;
	const char *status; /* NULL: MAIL was written */
	enum stage stage;
	const char *wrote; /* somewhere in it */
	const char *never; /* nowhere in it; NULL: the password */
} rows[] = {
    {"nothing asked, nothing offered", NONE, false, false, false, HI BARE, NULL,
     0, "EHLO mtq.test\r\nMAIL", "STARTTLS"},
    {"off: offered, not used", NONE, false, false, false, HI TLS, NULL, 0,
     "EHLO mtq.test\r\nMAIL", "STARTTLS"},
    {"preferred: offered, used", MAY, false, false, false, HI TLS GO BARE, NULL,
     0, "STARTTLS\r\nEHLO mtq.test\r\nMAIL", "AUTH"},
    {"preferred: not offered, in clear", MAY, false, false, false, HI BARE,
     NULL, 0, "EHLO mtq.test\r\nMAIL", "STARTTLS"},
    {"preferred: refused after it was offered", MAY, false, false, false,
     HI TLS "454 4.7.0 not now\r\n", "4.7.0", STAGE_STARTTLS, "STARTTLS",
     "MAIL"},
    {"preferred-verify: refused after it was offered", MAY_NAME, false, false,
     false, HI TLS "501 5.5.4 no\r\n", "4.5.4", STAGE_STARTTLS, "STARTTLS",
     "MAIL"},
    {"preferred-verify: not offered, in clear", MAY_NAME, false, false, false,
     HI BARE, NULL, 0, "MAIL", "STARTTLS"},
    {"required: not offered", MUST, false, false, false, HI BARE, "4.7.4",
     STAGE_EHLO, "EHLO", "MAIL"},
    {"required: EHLO is not even known", MUST, false, false, false,
     HI "502 5.5.1 what\r\n" BARE, "4.7.4", STAGE_HELO, "HELO", "MAIL"},
    {"required: 250 to STARTTLS", MUST, false, false, false, HI TLS BARE, NULL,
     STAGE_STARTTLS, "STARTTLS", "MAIL"},
    {"required: used", MUST, false, false, false, HI TLS GO BARE, NULL, 0,
     "STARTTLS\r\nEHLO mtq.test\r\nMAIL", "AUTH"},
    {"STARTTLS offered inside again", MUST, false, false, false, HI TLS GO TLS,
     NULL, 0, "EHLO mtq.test\r\nMAIL", "AUTH"},
    {"what was offered in clear is forgotten", NAME, true, true, false,
     HI CLEAR GO BARE, "4.7.0", STAGE_EHLO, "STARTTLS\r\nEHLO", NULL},
    {"421 to EHLO inside", MUST, false, false, false,
     HI TLS GO "421 4.3.2 x\r\n", "4.3.2", STAGE_EHLO, "STARTTLS", "MAIL"},
    {"PLAIN inside", NAME, true, true, false, HI TLS GO PLAIN IN, NULL, 0,
     "AUTH PLAIN AGNybQBzM2NyZXQ=\r\nMAIL", SECRET},
    {"PLAIN, in clear, not even asked", NONE, true, false, false, HI PLAIN,
     "4.7.0", STAGE_EHLO, "EHLO", NULL},
    {"PLAIN, TLS not offered", MAY_NAME, true, false, false, HI PLAIN, "4.7.0",
     STAGE_EHLO, "EHLO", NULL},
    {"PLAIN, certificate not checked", MUST, true, false, false,
     HI TLS GO PLAIN, "4.7.0", STAGE_EHLO, "STARTTLS", NULL},
    {"PLAIN, in clear, told to", NONE, true, false, true, HI PLAIN IN, NULL, 0,
     "AUTH PLAIN AGNybQBzM2NyZXQ=\r\nMAIL", SECRET},
    {"no AUTH offered", NAME, true, true, false, HI TLS GO BARE, "4.7.0",
     STAGE_EHLO, "EHLO", NULL},
    {"refused", NAME, true, true, false, HI TLS GO PLAIN "535 5.7.8 no\r\n",
     "4.7.8", STAGE_AUTH, "AUTH", "MAIL"},
    {"put off", NAME, true, true, false, HI TLS GO PLAIN "454 4.7.0 later\r\n",
     "4.7.0", STAGE_AUTH, "AUTH", "MAIL"},
    {"421", NAME, true, true, false, HI TLS GO PLAIN "421 4.7.0 x\r\n", "4.7.0",
     STAGE_AUTH, "AUTH", "MAIL"},
    {"250 to AUTH is no 235", NAME, true, true, false, HI TLS GO PLAIN BARE,
     "4.5.0", STAGE_AUTH, "AUTH", "MAIL"},
    {"334 after all was said", NAME, true, true, false,
     HI TLS GO PLAIN "334 \r\n", "4.7.8", STAGE_AUTH, "AUTH", "MAIL"},
    {"235 before SCRAM's proof", NAME, true, true, false, HI TLS GO SCRAM IN,
     "4.7.8", STAGE_AUTH, "AUTH SCRAM-SHA-256", "MAIL"},
    {"SCRAM, garbage for a challenge", NAME, true, true, false,
     HI TLS GO SCRAM "334 !!!\r\n", "4.7.8", STAGE_AUTH, "AUTH", "MAIL"},
    {"lost in AUTH", NAME, true, true, false, HI TLS GO PLAIN, "4.4.2",
     STAGE_AUTH, "AUTH", "MAIL"},
    {"lost in STARTTLS", MUST, false, false, false, HI TLS, "4.4.2",
     STAGE_STARTTLS, "STARTTLS", "MAIL"},
    {"the reply to MAIL comes with EHLO's", MUST, false, false, false,
     HI TLS GO BARE BARE, NULL, 0, "MAIL", "AUTH"},
};

static struct dialogue_terms
terms_of(const struct row *r, const struct secret *password)
{
	struct dialogue_terms t = {
	    .policy = {.tls = r->terms != NONE,
		       .must = r->terms == MUST || r->terms == NAME,
		       .check = r->terms == NAME || r->terms == MAY_NAME
				    ? CHECK_NAME
				    : CHECK_NOTHING,
		       .insecure_auth = r->insecure},
	    .wants_auth = r->auth,
	    .auth = {.enabled = true,
		     .order = {MECHANISM_SCRAM_SHA_256, MECHANISM_PLAIN},
		     .norder = 2},
	    .account = {.user = "crm", .password = password, .host = "peer"}};

	return t;
}

static void
wrote(const struct row *r, const struct peer *p, const char *what, bool wanted)
{
	if ((memmem(p->out.data, p->out.n, what, strlen(what)) != NULL) !=
	    wanted)
		fail_msg("%s: %s%s in \"%.*s\"", r->name, wanted ? "no " : "",
			 what, (int)p->out.n, (const char *)p->out.data);
}

static void
check_row(const struct row *r, size_t piece)
{
	char value[] = "s3cret";
	const struct secret password = {value, 6};
	struct dialogue_terms terms = terms_of(r, &password);
	size_t n = strlen(r->says);
	const struct verdict *v;
	struct peer p;

	peer_open_with(&p, peer_task(1, 0, "a@from.test"), &terms);
	p.verified = r->verified;
	for (size_t at = 0; at < n; at += piece)
		peer_says(&p, r->says + at, min_of(piece, n - at));
	wrote(r, &p, r->wrote, true);
	wrote(r, &p, r->never != NULL ? r->never : "AUTH", false);
	peer_lost(&p);
	v = &p.task->verdict[0];
	assert_true(p.task->judged[0]);
	if (r->status != NULL &&
	    (strcmp(v->status, r->status) != 0 || v->stage != r->stage ||
	     v->kind != VERDICT_DEFER))
		fail_msg("%s: %s, %s", r->name, v->status,
			 stage_text(v->stage));
	peer_close(&p);
}

static void
setup_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		check_row(&rows[i], strlen(rows[i].says) + 1);
		check_row(&rows[i], 1);
	}
}

/* How the way was secured goes with the mail that took it. */
static void
how_it_was_secured(void **state)
{
	static const char says[] = HI TLS GO PLAIN IN BARE;
	char value[] = "s3cret";
	const struct secret password = {value, 6};
	struct dialogue_terms terms = terms_of(
	    &(struct row){.terms = NAME, .auth = true, .verified = true},
	    &password);
	struct peer p;

	(void)state;
	peer_open_with(&p, peer_task(1, 0, "a@from.test"), &terms);
	peer_says(&p, says, strlen(says));
	assert_string_equal(p.task->security,
			    "tls=TLS1.3 cipher=x verify=name auth=PLAIN");
	peer_lost(&p);
	peer_close(&p);
	peer_open(&p, peer_task(1, 0, "a@from.test"));
	peer_says(&p, HI BARE BARE, strlen(HI BARE BARE));
	assert_string_equal(p.task->security, "tls=no");
	peer_lost(&p);
	peer_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(setup_rows),
	    cmocka_unit_test(how_it_was_secured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
