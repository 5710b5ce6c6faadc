/* Our side of AUTH against libgsasl's client, and against who speaks no SASL. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/sasl_known.h"
#include "queue/sasl_server.h"
#include "tests/queue/account_box.h"

enum { TURNS_MOST = 8 };

static struct accounts *box;

static int
set_up(void **state)
{
	(void)state;
	box = account_box_accounts(4096);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	accounts_free(box);
	return 0;
}

struct peer {
	const char *name;
	enum mechanism m;
	const char *user, *other, *password;
	const char *binding, *ours; /* of the client's, of our connection */
	bool plus;
	const char *says; /* NULL: right; else our reason */
};

static int
answer(Gsasl *g, Gsasl_session *x, Gsasl_property p)
{
	const struct peer *peer = gsasl_session_hook_get(x);
	struct bytes b = {0};
	int rc;

	(void)g;
	if (p == GSASL_AUTHID)
		return gsasl_property_set(x, p, peer->user);
	if (p == GSASL_PASSWORD)
		return gsasl_property_set(x, p, peer->password);
	if (p == GSASL_AUTHZID && peer->other != NULL)
		return gsasl_property_set(x, p, peer->other);
	if (p == GSASL_CB_TLS_EXPORTER && peer->binding != NULL) {
		base64_add(&b, peer->binding, strlen(peer->binding));
		bytes_u8(&b, 0);
		rc = gsasl_property_set(x, p, (char *)b.data);
		bytes_free(&b);
		return rc;
	}
	return GSASL_NO_CALLBACK;
}

static void
one_step(struct sasl_server *x, const char *line)
{
	assert_true(sasl_server_take(x, text_of(line)));
	sasl_server_step(x, box, BOX_NOW);
}

/* As SMTP carries it: what is said behind 334 goes to the client. */
static void
converse(const struct peer *p, struct sasl_server *x)
{
	Gsasl_session *client;
	Gsasl *g;
	char *line = NULL;
	int rc = GSASL_NEEDS_MORE, turns = 0;

	assert_int_equal(gsasl_init(&g), GSASL_OK);
	gsasl_callback_set(g, answer);
	assert_int_equal(gsasl_client_start(g, mechanism_name(p->m), &client),
			 GSASL_OK);
	gsasl_session_hook_set(client, (void *)(uintptr_t)p);
	if (p->m == MECHANISM_LOGIN)
		one_step(x, "");
	while (rc == GSASL_NEEDS_MORE &&
	       sasl_server_result(x) == SASL_SERVER_MORE) {
		struct bytes said = {0};

		assert_true(++turns < TURNS_MOST);
		bytes_add(&said, sasl_server_said(x).p, sasl_server_said(x).n);
		bytes_u8(&said, 0);
		rc = gsasl_step64(client, (char *)said.data, &line);
		bytes_free(&said);
		if (rc == GSASL_OK || rc == GSASL_NEEDS_MORE)
			one_step(x, line);
		gsasl_free(line);
		line = NULL;
	}
	/* SCRAM: the server has proved itself too. */
	if (rc == GSASL_NEEDS_MORE &&
	    sasl_server_result(x) == SASL_SERVER_YES &&
	    sasl_server_said(x).n > 0) {
		struct bytes said = {0};

		bytes_add(&said, sasl_server_said(x).p, sasl_server_said(x).n);
		bytes_u8(&said, 0);
		assert_int_equal(gsasl_step64(client, (char *)said.data, &line),
				 GSASL_OK);
		gsasl_free(line);
		bytes_free(&said);
	}
	gsasl_finish(client);
	gsasl_done(g);
}

#define PLAIN MECHANISM_PLAIN
#define LOGIN MECHANISM_LOGIN
#define SCRAM MECHANISM_SCRAM_SHA_256
#define PLUS  MECHANISM_SCRAM_SHA_256_PLUS
#define A     "first password"
#define B     "second password"

static void
peers(void **state)
{
	static const struct peer table[] = {
	    {"PLAIN", PLAIN, "app", NULL, A, NULL, NULL, false, NULL},
	    {"PLAIN, the second", PLAIN, "app", NULL, B, NULL, NULL, false,
	     NULL},
	    {"PLAIN, wrong", PLAIN, "app", NULL, "first passworD", NULL, NULL,
	     false, "wrong password"},
	    {"PLAIN, too old", PLAIN, "old", NULL, "over and out", NULL, NULL,
	     false, "password too old"},
	    {"PLAIN, a stranger", PLAIN, "eve", NULL, A, NULL, NULL, false,
	     "no such account"},
	    {"PLAIN, as himself", PLAIN, "app", "app", A, NULL, NULL, false,
	     NULL},
	    {"PLAIN, as another", PLAIN, "app", "x", A, NULL, NULL, false,
	     "it wants to be somebody else"},
	    {"LOGIN", LOGIN, "app", NULL, A, NULL, NULL, false, NULL},
	    {"LOGIN, the second", LOGIN, "app", NULL, B, NULL, NULL, false,
	     NULL},
	    {"LOGIN, wrong", LOGIN, "app", NULL, "x", NULL, NULL, false,
	     "wrong password"},
	    {"LOGIN, a stranger", LOGIN, "eve", NULL, A, NULL, NULL, false,
	     "no such account"},
	    {"SCRAM", SCRAM, "app", NULL, A, NULL, NULL, false, NULL},
	    {"SCRAM, the second", SCRAM, "app", NULL, B, NULL, NULL, false,
	     NULL},
	    {"SCRAM, wrong", SCRAM, "app", NULL, "x", NULL, NULL, false,
	     "wrong password"},
	    {"SCRAM, too old", SCRAM, "old", NULL, "over and out", NULL, NULL,
	     false, "password too old"},
	    {"SCRAM, a stranger", SCRAM, "eve", NULL, A, NULL, NULL, false,
	     "no such account"},
	    {"SCRAM, as another", SCRAM, "app", "x", A, NULL, NULL, false,
	     "it wants to be somebody else"},
	    {"SCRAM where PLUS is offered, by who can't do it", SCRAM, "app",
	     NULL, A, NULL, "bound", true, NULL},
	    {"PLUS", PLUS, "app", NULL, A, "bound", "bound", true, NULL},
	    {"PLUS, the second", PLUS, "app", NULL, B, "bound", "bound", true,
	     NULL},
	    {"PLUS, somebody in between", PLUS, "app", NULL, A, "bound",
	     "other", true, "wrong password"},
	    {"PLUS, wrong", PLUS, "app", NULL, "x", "bound", "bound", true,
	     "wrong password"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		const struct peer *p = &table[i];
		struct sasl_server *x = sasl_server_open(
		    p->m, (const unsigned char *)p->ours,
		    p->ours == NULL ? 0 : strlen(p->ours), p->plus);
		enum sasl_server_result want =
		    p->says == NULL ? SASL_SERVER_YES : SASL_SERVER_NO;

		converse(p, x);
		if (sasl_server_result(x) != want)
			fail_msg("%s: %d, %s", p->name, sasl_server_result(x),
				 sasl_server_reason(x));
		if (p->says != NULL &&
		    strcmp(p->says, sasl_server_reason(x)) != 0)
			fail_msg("%s: %s", p->name, sasl_server_reason(x));
		assert_string_equal(sasl_server_name(x), p->user);
		sasl_server_close(x);
	}
}

/* Octets as they are, "|" ends a line, "0" in them is NUL.  What we say is
 * behind each line, as text; "!": no. */
static void
lines(void **state)
{
	static const struct {
		const char *name;
		enum mechanism m;
		const char *in[4];
		const char *said[4];
		const char *says;
	} table[] = {
	    {"PLAIN asked for its line",
	     PLAIN,
	     {"", "0app0" A},
	     {"", "yes"},
	     NULL},
	    {"PLAIN, two NULs too few", PLAIN, {"app"}, {"!"}, NULL},
	    {"PLAIN, a NUL too many",
	     PLAIN,
	     {"0app0first0password"},
	     {"!"},
	     NULL},
	    {"PLAIN, no name", PLAIN, {"00" A}, {"!"}, NULL},
	    {"PLAIN, no password", PLAIN, {"0app0"}, {"!"}, NULL},
	    {"LOGIN's words",
	     LOGIN,
	     {"", "app", A},
	     {"Username:", "Password:", "yes"},
	     NULL},
	    {"LOGIN with the name",
	     LOGIN,
	     {"app", A},
	     {"Password:", "yes"},
	     NULL},
	    {"LOGIN, an empty name",
	     LOGIN,
	     {"", ""},
	     {"Username:", "!"},
	     "empty answer"},
	    {"LOGIN, an empty password",
	     LOGIN,
	     {"", "app", ""},
	     {"Username:", "Password:", "!"},
	     "empty answer"},
	    {"LOGIN, a NUL in the name", LOGIN, {"a0p"}, {"!"}, NULL},
	    {"SCRAM, garbage", SCRAM, {"hello"}, {"!"}, NULL},
	    {"SCRAM, a client that was lied to",
	     SCRAM,
	     {"y,,n=app,r=abc"},
	     {"!"},
	     "somebody has hidden -PLUS from the client"},
	    {"SCRAM, binding without PLUS",
	     SCRAM,
	     {"p=tls-exporter,,n=app,r=abc"},
	     {"!"},
	     NULL},
	    {"PLUS without binding", PLUS, {"n,,n=app,r=abc"}, {"!"}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		struct sasl_server *x = sasl_server_open(
		    table[i].m, (const unsigned char *)"bound", 5, true);

		for (size_t j = 0; j < 4 && table[i].in[j] != NULL; j++) {
			struct bytes raw = {0}, b64 = {0};
			const char *want = table[i].said[j];
			char said[64] = "";
			size_t n = 0;

			bytes_add_text(&raw, table[i].in[j]);
			for (size_t k = 0; k < raw.n; k++)
				if (raw.data[k] == '0')
					raw.data[k] = '\0';
			base64_add(&b64, raw.data, raw.n);
			assert_true(sasl_server_take(
			    x, (struct text){(char *)b64.data, b64.n}));
			sasl_server_step(x, box, BOX_NOW);
			assert_true(base64_read(sasl_server_said(x),
						(unsigned char *)said,
						sizeof said - 1, &n));
			if (sasl_server_result(x) == SASL_SERVER_NO)
				strcpy(said, "!");
			if (sasl_server_result(x) == SASL_SERVER_YES)
				strcpy(said, "yes");
			if (strcmp(said, want) != 0)
				fail_msg("%s: line %zu: %s (%s)", table[i].name,
					 j, said, sasl_server_reason(x));
			bytes_free(&raw);
			bytes_free(&b64);
		}
		if (table[i].says != NULL)
			assert_string_equal(sasl_server_reason(x),
					    table[i].says);
		sasl_server_close(x);
	}
}

/* What a stranger sees of a name that is there and of one that is not. */
static void
scram_tells_nothing(void **state)
{
	static const char *const first[] = {"n,,n=app,r=abc", "n,,n=eve,r=abc",
					    "n,,n=old,r=abc"};
	char said[3][256];

	(void)state;
	for (size_t i = 0; i < countof(first); i++) {
		struct sasl_server *x = sasl_server_open(SCRAM, NULL, 0, false);
		struct bytes b = {0};
		size_t n;

		base64_add(&b, first[i], strlen(first[i]));
		assert_true(
		    sasl_server_take(x, (struct text){(char *)b.data, b.n}));
		assert_false(sasl_server_decides(x));
		sasl_server_step(x, box, BOX_NOW);
		assert_int_equal(sasl_server_result(x), SASL_SERVER_MORE);
		assert_true(base64_read(sasl_server_said(x),
					(unsigned char *)said[i],
					sizeof said[i] - 1, &n));
		said[i][n] = '\0';
		assert_int_equal(strlen(strstr(said[i], ",s=")),
				 strlen(",s=,i=4096") +
				     BASE64_SIZE(ACCOUNT_SALT));
		bytes_free(&b);
		sasl_server_close(x);
	}
}

static void
not_base64(void **state)
{
	struct sasl_server *x = sasl_server_open(PLAIN, NULL, 0, false);

	(void)state;
	assert_false(sasl_server_take(x, text_of("AGFwcA")));
	assert_false(sasl_server_take(x, text_of("=")));
	assert_false(sasl_server_take(x, text_of("AGFw cA==")));
	sasl_server_close(x);
	sasl_server_close(NULL);
}

/* A password that was right is right again without a computation, and only
 * while its key is in force. */
static void
presumed(void **state)
{
	static const struct {
		const char *name;
		enum mechanism m;
		const char *in[2];
		int64_t now_us;
		bool tagged, known, right;
	} table[] = {
	    {"again", PLAIN, {"0app0" A}, BOX_NOW, true, true, true},
	    {"too late",
	     PLAIN,
	     {"0app0" A},
	     BOX_NOW + 2 * HOUR_US,
	     true,
	     true,
	     false},
	    {"another password",
	     PLAIN,
	     {"0app0" B},
	     BOX_NOW,
	     true,
	     false,
	     false},
	    {"another name", PLAIN, {"0x0" A}, BOX_NOW, true, false, false},
	    {"as another", PLAIN, {"x0app0" A}, BOX_NOW, true, false, false},
	    {"the other mechanism",
	     LOGIN,
	     {"app", A},
	     BOX_NOW,
	     true,
	     false,
	     false},
	    {"its name alone", LOGIN, {"app"}, BOX_NOW, false, false, false},
	    {"nothing", PLAIN, {""}, BOX_NOW, false, false, false},
	    {"SCRAM", SCRAM, {"n,,n=app,r=abc"}, BOX_NOW, false, false, false},
	};
	static struct sasl_known known;
	const struct text key = {(const char *)known.key, MAC_SIZE};
	unsigned char tag[MAC_SIZE];
	struct sasl_server *x = sasl_server_open(PLAIN, NULL, 0, false);
	const unsigned char *stored;

	(void)state;
	assert_true(
	    sasl_server_take(x, text_of("AGFwcABmaXJzdCBwYXNzd29yZA==")));
	assert_true(sasl_server_tag(x, key, tag));
	assert_null(sasl_known_find(&known, tag));
	sasl_server_step(x, box, BOX_NOW);
	assert_int_equal(sasl_server_result(x), SASL_SERVER_YES);
	sasl_known_put(&known, tag, sasl_server_stored(x));
	sasl_server_close(x);
	for (size_t i = 0; i < countof(table); i++) {
		x = sasl_server_open(table[i].m, NULL, 0, false);
		for (size_t j = 0; j < 2 && table[i].in[j] != NULL; j++) {
			struct bytes raw = {0}, b64 = {0};

			if (j > 0)
				sasl_server_step(x, box, table[i].now_us);
			bytes_add_text(&raw, table[i].in[j]);
			for (size_t k = 0; k < raw.n; k++)
				if (raw.data[k] == '0')
					raw.data[k] = '\0';
			base64_add(&b64, raw.data, raw.n);
			assert_true(sasl_server_take(
			    x, (struct text){(char *)b64.data, b64.n}));
			bytes_free(&raw);
			bytes_free(&b64);
		}
		if (sasl_server_tag(x, key, tag) != table[i].tagged)
			fail_msg("%s: tagged", table[i].name);
		stored = table[i].tagged ? sasl_known_find(&known, tag) : NULL;
		if ((stored != NULL) != table[i].known)
			fail_msg("%s: known", table[i].name);
		if (stored != NULL &&
		    sasl_server_presume(x, box, table[i].now_us, stored) !=
			table[i].right)
			fail_msg("%s: presumed", table[i].name);
		sasl_server_step(x, box, table[i].now_us);
		if (stored != NULL && (sasl_server_result(x) ==
				       SASL_SERVER_YES) != table[i].right)
			fail_msg("%s: right", table[i].name);
		sasl_server_close(x);
	}
}

/* The oldest gives way. */
static void
many_known(void **state)
{
	static struct sasl_known known;
	unsigned char tag[MAC_SIZE] = {0}, stored[MAC_SIZE] = {0};

	(void)state;
	for (uint32_t i = 0; i < SASL_KNOWN_MOST + 3; i++) {
		put_be32(tag, i);
		put_be32(stored, i);
		sasl_known_put(&known, tag, stored);
		sasl_known_put(&known, tag, stored); /* has one place */
	}
	for (uint32_t i = 0; i < SASL_KNOWN_MOST + 3; i++) {
		const unsigned char *found;

		put_be32(tag, i);
		put_be32(stored, i);
		found = sasl_known_find(&known, tag);
		assert_int_equal(found != NULL, i >= 3);
		if (found != NULL)
			assert_memory_equal(found, stored, MAC_SIZE);
	}
}

/* RFC 4013: what looks the same is the same; what is no text is no password. */
static void
prepared(void **state)
{
	static const struct {
		const char *in, *out;
	} table[] = {{"I\xc2\xadX", "IX"},
		     {"user", "user"},
		     {"\xc2\xaa", "a"},
		     {"\xe2\x85\xa8", "IX"},
		     {"a\xc2\xa0z", "a z"},
		     {"\x07", NULL},
		     {"", NULL},
		     {"\xff\xfe", NULL}};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		struct bytes b = {0};

		if (sasl_server_prepare(table[i].in, &b) !=
			(table[i].out != NULL) ||
		    (table[i].out != NULL &&
		     !text_is((struct text){(char *)b.data, b.n},
			      table[i].out)))
			fail_msg("row %zu", i);
		bytes_free(&b);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(peers),      cmocka_unit_test(lines),
	    cmocka_unit_test(not_base64), cmocka_unit_test(scram_tells_nothing),
	    cmocka_unit_test(presumed),   cmocka_unit_test(many_known),
	    cmocka_unit_test(prepared),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
