/* Reports: what one looks like, and what hostile octets become in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "queue/field.h"
#include "tests/queue/dsn_rows.h"
#include "tests/queue/report.h"

static const struct dsn_recipient bob = {
    .address = {"bob@example.net", 15},
    .orcpt = {"rfc822;Bob+2Btag@example.net", 28},
    .status = {"5.1.1", 5},
    .reply = {"550 5.1.1 No such user (in reply to RCPT TO command)", 52},
    .remote = {"mx.example.net[192.0.2.1]:25", 28},
    .code = 550,
    .last_us = INT64_C(1795244543000000),
    .until_us = INT64_C(1795604544000000),
};

static struct dsn
plain(enum dsn_action a, const struct dsn_recipient *r, size_t n)
{
	return (struct dsn){
	    .action = a,
	    .hostname = text_of("mx1.example.com"),
	    .id = text_of("0M5RTX2BK7QD"),
	    .original = text_of("0M5RTX2BK7QC"),
	    .to = text_of("crm@example.com"),
	    .envid = text_of("QQ+2B314159"),
	    .subject = text_of("Your invoice"),
	    .client = text_of("crm.example.com"),
	    .message_id = text_of("<1@crm.example.com>"),
	    .now_us = INT64_C(1795244544000000),
	    .arrival_us = INT64_C(1795244484000000),
	    .recipient = r,
	    .n = n,
	};
}

static void
check(const char *name, const struct dsn *d)
{
	static struct report_reader r;

	if (report_wrong(d, (struct text){"", 0}, &r) != NULL)
		fail_msg("%s: %s: %s: [%s], planned [%s]", name, r.wrong,
			 r.name, r.value, r.plan);
}

/* What `d` reads like, and what it ends with. */
static char *
written(const struct dsn *d)
{
	struct bytes b = {0};

	dsn_head(d, &b);
	bytes_add_text(&b, "Subject: x\r\n\r\n");
	dsn_tail(d, &b);
	bytes_add(&b, "", 1);
	return (char *)b.data;
}

static void
test_golden(void **state)
{
	struct dsn d = plain(DSN_FAILED, &bob, 1);
	char *got = written(&d);

	(void)state;
	assert_string_equal(got, golden);
	free(got);
}

static struct text
or_plain(const char *s, struct text t)
{
	return s != NULL ? text_of(s) : t;
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *w = &rows[i];
		struct dsn_recipient r = bob;
		struct dsn d = plain(w->d.action, &r, 1);
		char *got;

		d.full = w->d.full;
		d.eightbit = w->d.eightbit;
		d.utf8 = w->d.utf8;
		d.to = or_plain(w->d.to, d.to);
		d.envid = or_plain(w->d.envid, d.envid);
		d.subject = or_plain(w->d.subject, d.subject);
		d.client = or_plain(w->d.client, d.client);
		d.message_id = or_plain(w->d.message_id, d.message_id);
		d.foreign = w->d.foreign;
		r.address = or_plain(w->r.address, r.address);
		r.orcpt = or_plain(w->r.orcpt, r.orcpt);
		r.status = or_plain(w->r.status, r.status);
		r.reply = or_plain(w->r.reply, r.reply);
		r.remote = or_plain(w->r.remote, r.remote);
		if (w->r.code != 0)
			r.code = w->r.code < 0 ? 0 : (uint16_t)w->r.code;
		check(w->name, &d);
		got = written(&d);
		for (size_t k = 0; k < countof(w->has); k++)
			if (w->has[k] != NULL && strstr(got, w->has[k]) == NULL)
				fail_msg("%s: no [%s] in\n%s", w->name,
					 w->has[k], got);
		free(got);
	}
}

/* Every octet, alone and many times, in each place. */
static void
test_octets(void **state)
{
	static const size_t length[] = {0, 1, 2, 64, 253, 2000};
	static char many[2000];

	(void)state;
	for (size_t i = 0; i < 256 * countof(length); i++) {
		struct dsn_recipient r = bob;
		struct text t = {many, length[i % countof(length)]};

		memset(many, (int)(i / countof(length)), sizeof many);
		for (unsigned place = 0; place < 10; place++)
			for (unsigned utf8 = 0; utf8 < 2; utf8++) {
				struct dsn d = plain(DSN_FAILED, &r, 1);
				struct text *const at[] = {
				    &d.to,        &d.envid,   &d.subject,
				    &d.client,    &r.address, &r.orcpt,
				    &r.status,    &r.reply,   &r.remote,
				    &d.message_id};

				r = bob;
				d.utf8 = utf8 == 1;
				*at[place] = t;
				check("one octet many times", &d);
			}
	}
}

/* As many recipients as a report may have, in one. */
static void
test_many(void **state)
{
	static struct dsn_recipient r[DSN_RECIPIENTS_MOST];
	struct dsn d = plain(DSN_FAILED, r, countof(r));

	(void)state;
	for (size_t i = 0; i < countof(r); i++)
		r[i] = bob;
	check("1000 recipients", &d);
}

/* The boundary differs from that of every other report. */
static void
test_boundary(void **state)
{
	struct dsn d = plain(DSN_FAILED, &bob, 1);
	struct bytes one = {0}, two = {0};

	(void)state;
	dsn_tail(&d, &one);
	d.now_us++;
	dsn_tail(&d, &two);
	assert_int_equal(one.n, two.n);
	assert_memory_not_equal(one.data, two.data, one.n);
	bytes_free(&one);
	bytes_free(&two);
}

static void
test_header_octets(void **state)
{
	static const struct {
		const char *name, *message;
		size_t n;
	} row[] = {
	    {"nothing", "", 0},
	    {"a header and a body", "A: b\r\n\r\nc\r\n", 8},
	    {"two empty lines", "A: b\r\n\r\n\r\n", 8},
	    {"no header", "\r\nbody\r\n\r\n", 2},
	    {"no end", "A: b\r\n", 6},
	    {"half an end", "A: b\r\n\r", 7},
	    {"line feeds alone", "A: b\n\nc", 7},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		if (dsn_header_octets((const unsigned char *)row[i].message,
				      strlen(row[i].message)) != row[i].n)
			fail_msg("%s", row[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_octets),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_boundary),
	    cmocka_unit_test(test_header_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
