#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/queue/talker.h"

#define TLS_BLOCK "tls t {cert=\"file:/c\"\nkey=\"file:/k\"}\n"
static const char *const conf[] = {
    [LISTEN_TLS_OFF] = "listen l {address=127.0.0.1:1}\n",
    [LISTEN_TLS_OPTIONAL] =
	"listen l {address=127.0.0.1:1\ntls=optional}\n" TLS_BLOCK,
    [LISTEN_TLS_REQUIRED] =
	"listen l {address=127.0.0.1:1\ntls=required}\n" TLS_BLOCK,
    [LISTEN_TLS_IMPLICIT] =
	"listen l {address=127.0.0.1:1\ntls=implicit}\n" TLS_BLOCK,
};

static struct settings *
settings_of(enum listen_tls_kind mode)
{
	struct bytes b = {0};
	struct settings *s;

	bytes_printf(&b,
		     "instance=a hostname=mtq.example\n%s"
		     "source s {from_ip=192.0.2.0/24}\nrelay r {host=c.d}\n",
		     conf[mode]);
	bytes_u8(&b, '\0');
	s = talker_settings((char *)b.data);
	bytes_free(&b);
	return s;
}

static const struct session_tls told = {.on = true,
					.words = "TLSv1.3 with cipher X"};

/* Feeds one command; true if the session wants a handshake. */
static bool
say(struct talker *t, const char *line, size_t *ate)
{
	size_t n = strlen(line);
	enum session_step step =
	    session_feed(t->session, (const unsigned char *)line, &n, t->id,
			 TALKER_NOW, SESSION_ROOM);

	bytes_add(&t->said, t->out.data, t->out.n);
	t->out.n = 0;
	t->closed = step == SESSION_CLOSE;
	if (ate != NULL)
		*ate = n;
	return step == SESSION_STARTTLS;
}

enum when { READY, NO_CERTIFICATE, IN_TLS, AFTER_MAIL };

/* What STARTTLS gets, by the listener's mode and by when it comes. */
static const struct {
	const char *name;
	enum listen_tls_kind mode;
	enum when when;
	const char *line, *reply;
	bool handshake;
} rows[] = {
    {"offered", LISTEN_TLS_OPTIONAL, READY, "STARTTLS\r\n", "220 2.0.0", true},
    {"required", LISTEN_TLS_REQUIRED, READY, "starttls\r\n", "220 2.0.0", true},
    {"off", LISTEN_TLS_OFF, READY, "STARTTLS\r\n", "502 5.5.1", false},
    {"no certificate could be read", LISTEN_TLS_OPTIONAL, NO_CERTIFICATE,
     "STARTTLS\r\n", "454 4.7.0", false},
    {"twice", LISTEN_TLS_OPTIONAL, IN_TLS, "STARTTLS\r\n", "503 5.5.1", false},
    {"a message has begun", LISTEN_TLS_OPTIONAL, AFTER_MAIL, "STARTTLS\r\n",
     "503 5.5.1", false},
    {"with an argument", LISTEN_TLS_OPTIONAL, READY, "STARTTLS now\r\n",
     "501 5.5.4", false},
    {"octets behind it", LISTEN_TLS_OPTIONAL, READY,
     "STARTTLS\r\nEHLO evil\r\n", "503 5.5.1", false},
    {"one octet behind it", LISTEN_TLS_OPTIONAL, READY, "STARTTLS\r\nE",
     "503 5.5.1", false},
};

static void
starttls_by_mode_and_moment(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct settings *s = settings_of(rows[i].mode);
		struct talker t;
		bool handshake;

		talker_open(&t, s);
		session_offer_tls(t.session, rows[i].when != NO_CERTIFICATE);
		if (rows[i].when == IN_TLS)
			session_secured(t.session, &told);
		talker_feed(&t, "EHLO c.d\r\n", 10);
		if (rows[i].when == AFTER_MAIL)
			talker_feed(&t, "MAIL FROM:<a@b>\r\n", 17);
		t.said.n = 0;
		handshake = say(&t, rows[i].line, NULL);
		if (handshake != rows[i].handshake ||
		    !talker_has_said(&t, rows[i].reply))
			fail_msg("%s: %.*s", rows[i].name, (int)t.said.n,
				 (char *)t.said.data);
		talker_close(&t);
		settings_free(s);
	}
}

/* EHLO says STARTTLS in clear only, and only when it can be done. */
static void
announced_only_when_it_works(void **state)
{
	struct settings *s = settings_of(LISTEN_TLS_OPTIONAL);
	struct talker t;

	(void)state;
	talker_open(&t, s);
	talker_feed(&t, "EHLO c.d\r\n", 10);
	assert_false(talker_has_said(&t, "STARTTLS"));
	session_offer_tls(t.session, true);
	talker_feed(&t, "EHLO c.d\r\n", 10);
	assert_true(talker_has_said(&t, "250-STARTTLS\r\n"));
	t.said.n = 0;
	session_secured(t.session, &told);
	talker_feed(&t, "EHLO c.d\r\n", 10);
	assert_false(talker_has_said(&t, "STARTTLS"));
	talker_close(&t);
	settings_free(s);
}

/* RFC 3207 4.2: what was known before is as unknown as at the beginning. */
static void
all_is_forgotten(void **state)
{
	static const char opening[] = "EHLO before.test\r\n";
	struct settings *s = settings_of(LISTEN_TLS_OPTIONAL);
	struct talker t;

	(void)state;
	talker_open(&t, s);
	session_offer_tls(t.session, true);
	talker_feed(&t, opening, strlen(opening));
	assert_true(say(&t, "STARTTLS\r\n", NULL));
	t.said.n = 0;
	session_secured(t.session, &told);
	assert_int_equal(t.out.n, 0); /* no second greeting */
	talker_feed(&t, "MAIL FROM:<a@b>\r\n", 17);
	assert_true(talker_has_said(&t, "503 5.5.1"));
	talker_feed(&t, "EHLO c.d\r\n", 10);
	talker_feed(&t, "MAIL FROM:<a@b>\r\n", 17);
	talker_feed(&t, "RCPT TO:<c@d>\r\n", 15);
	talker_feed(&t, "DATA\r\n", 6);
	talker_feed(&t, "Subject: x\r\n\r\nx\r\n.\r\n", 21);
	assert_int_equal(t.messages, 1);
	bytes_u8(&t.stored, '\0');
	assert_non_null(strstr((char *)t.stored.data, "with ESMTPS id"));
	assert_non_null(strstr((char *)t.stored.data,
			       "\t(using TLSv1.3 with cipher X)\r\n"));
	assert_null(strstr((char *)t.stored.data, "before.test"));
	talker_close(&t);
	settings_free(s);
}

/* With implicit TLS nothing is said before the handshake, and then once. */
static void
implicit_greets_inside(void **state)
{
	struct settings *s = settings_of(LISTEN_TLS_IMPLICIT);
	struct talker t;

	(void)state;
	talker_open(&t, s);
	assert_int_equal(t.out.n, 0);
	session_secured(t.session, &told);
	assert_int_equal(t.out.n, strlen("220 mtq.example ESMTP mtq\r\n"));
	talker_close(&t);

	/* the server stops meanwhile: no greeting, a good-bye */
	talker_open(&t, s);
	session_stop(t.session);
	session_secured(t.session, &told);
	say(&t, "", NULL);
	assert_true(t.closed && talker_has_said(&t, "421 4.3.2"));
	assert_false(talker_has_said(&t, "220"));
	talker_close(&t);
	settings_free(s);
}

/* Required: no mail in clear, whatever else holds. */
static void
required_means_before_mail(void **state)
{
	struct settings *s = settings_of(LISTEN_TLS_REQUIRED);
	struct talker t;

	(void)state;
	talker_open(&t, s);
	session_offer_tls(t.session, true);
	talker_feed(&t, "EHLO c.d\r\n", 10);
	talker_feed(&t, "MAIL FROM:<a@b>\r\n", 17);
	assert_true(talker_has_said(
	    &t, "530 5.7.0 Must issue a STARTTLS command first\r\n"));
	session_secured(t.session, &told);
	talker_feed(&t, "EHLO c.d\r\n", 10);
	talker_feed(&t, "MAIL FROM:<a@b>\r\n", 17);
	assert_true(talker_has_said(&t, "250 2.1.0 Ok"));
	talker_close(&t);
	settings_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(starttls_by_mode_and_moment),
	    cmocka_unit_test(announced_only_when_it_works),
	    cmocka_unit_test(all_is_forgotten),
	    cmocka_unit_test(implicit_greets_inside),
	    cmocka_unit_test(required_means_before_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
