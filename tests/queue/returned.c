/* Every message of tests/returned, written after what servers really send: a
 * comment, what is read out of it, "=====", the message.
 *
 * The environment's RETURNED_WRITE=1 writes what is read into the files, for a
 * person to look at the difference.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/dsn.h"
#include "queue/mime.h"
#include "queue/record.h"
#include "queue/returned.h"

enum { SAMPLE_MOST = 1 << 16, SAMPLES_LEAST = 55 };
static const char BREAK[] = "\n=====\n";

static void
show(const struct returned *r, struct bytes *b)
{
	char id[ID_TEXT + 1];

	bytes_printf(b, "kind: %s", returned_word(r->kind));
	if (r->reporter[0] != '\0')
		bytes_printf(b, "\nreporter: %s", r->reporter);
	if (r->envid[0] != '\0')
		bytes_printf(b, "\nenvid: %s", r->envid);
	if (r->feedback[0] != '\0')
		bytes_printf(b, "\nfeedback: %s", r->feedback);
	if (r->message_id[0] != '\0')
		bytes_printf(b, "\nmessage-id: %s", r->message_id);
	if (r->id != 0) {
		id_text(r->id, id);
		bytes_printf(b, "\nid: %s", id);
	}
	for (unsigned i = 0; i < r->nrcpt; i++) {
		const struct returned_rcpt *x = &r->rcpt[i];

		bytes_printf(b, "\n%s: <%s> status=%s code=%u",
			     returned_word(x->kind), x->final, x->status,
			     x->code);
		if (x->original[0] != '\0')
			bytes_printf(b, " original=<%s>", x->original);
		if (x->remote[0] != '\0')
			bytes_printf(b, " remote=%s", x->remote);
		if (x->reply[0] != '\0')
			bytes_printf(b, "\n\t%s", x->reply);
	}
}

struct sample {
	char path[512];
	char text[SAMPLE_MOST];
	size_t comment; /* octets of the first line */
	struct text want;
	struct bytes message; /* with the line ends of SMTP */
};

static void
read_sample(struct sample *s, const char *name)
{
	const char *cut;
	FILE *f;
	size_t n;

	snprintf(s->path, sizeof s->path, "tests/returned/%s", name);
	f = fopen(s->path, "r");
	assert_non_null(f);
	n = fread(s->text, 1, sizeof s->text - 1, f);
	assert_int_equal(fclose(f), 0);
	s->text[n] = '\0';
	cut = strstr(s->text, BREAK);
	assert_non_null(cut);
	s->comment = (size_t)(strchr(s->text, '\n') - s->text);
	s->want = (struct text){s->text + s->comment + 1, 0};
	if (cut > s->want.p)
		s->want.n = (size_t)(cut - s->want.p);
	s->message.n = 0;
	for (const char *p = cut + strlen(BREAK); *p != '\0'; p++) {
		if (*p == '\n')
			bytes_u8(&s->message, '\r');
		bytes_u8(&s->message, (uint8_t)*p);
	}
}

static void
write_sample(const struct sample *s, const struct bytes *got)
{
	FILE *f = fopen(s->path, "w");

	assert_non_null(f);
	fprintf(f, "%.*s\n%.*s%s", (int)s->comment, s->text, (int)got->n,
		(const char *)got->data, strstr(s->text, BREAK));
	assert_int_equal(fclose(f), 0);
}

static struct returned *
parse(const struct bytes *m)
{
	struct returned *r = must_alloc(sizeof *r);

	returned_parse((struct text){(const char *)m->data, m->n}, r);
	return r;
}

/* Calls `each` for every sample. */
static void
samples(void (*each)(struct sample *s))
{
	struct sample *s = must_alloc(sizeof *s);
	DIR *d = opendir("tests/returned");
	const struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".eml") == NULL)
			continue;
		read_sample(s, e->d_name);
		each(s);
		n++;
	}
	assert_int_equal(closedir(d), 0);
	assert_true(n >= SAMPLES_LEAST);
	bytes_free(&s->message);
	free(s);
}

static void
same(struct sample *s)
{
	struct returned *r = parse(&s->message);
	struct bytes got = {0};

	show(r, &got);
	if (getenv("RETURNED_WRITE") != NULL)
		write_sample(s, &got);
	else if (got.n != s->want.n || memcmp(got.data, s->want.p, got.n) != 0)
		fail_msg("%s:\n%.*s\n--- but it should be\n%.*s", s->path,
			 (int)got.n, (const char *)got.data, (int)s->want.n,
			 s->want.p);
	bytes_free(&got);
	free(r);
}

static void
what_servers_write(void **state)
{
	(void)state;
	samples(same);
}

/* --- what we write ourselves -----------------------------------------------
 */

static const char ORIGINAL[] = "Message-ID: <1@crm.example>\r\n"
			       "Subject: x\r\n\r\n";
static const struct {
	enum dsn_action action;
	bool utf8;
	const char *address, *orcpt, *status, *reply, *remote;
	uint16_t code;
	enum returned_kind kind;
	const char *original;
} OURS[] = {
    {DSN_FAILED, false, "bob@example.com", "", "5.1.1",
     "550 5.1.1 no such user (in reply to RCPT TO command)",
     "mx.example.net[192.0.2.1]:25", 550, RETURNED_BOUNCE, ""},
    {DSN_FAILED, false, "bob@example.com", "rfc822;old+2Bx@example.com",
     "5.1.2", "the domain does not exist", "", 0, RETURNED_BOUNCE,
     "old+x@example.com"},
    {DSN_FAILED, false, "bob@example.com", "", "4.4.7",
     "the time allowed ran out (451 4.7.1 Greylisting in action)", "", 0,
     RETURNED_BOUNCE, ""},
    {DSN_FAILED, true, "j\xc3\xb6rg@example.com", "", "5.1.1", "550 5.1.1 nein",
     "mx.example.net[192.0.2.1]:25", 550, RETURNED_BOUNCE, ""},
    {DSN_DELAYED, false, "bob@example.com", "", "4.2.0", "450 4.2.0 Greylisted",
     "mx.example.net[192.0.2.1]:25", 450, RETURNED_DELAYED, ""},
    {DSN_DELIVERED, false, "bob@example.com", "", "2.0.0", "250 2.0.0 Ok",
     "mx.example.net[192.0.2.1]:25", 250, RETURNED_DELIVERED, ""},
    {DSN_RELAYED, false, "bob@example.com", "", "2.0.0", "250 2.0.0 Ok",
     "mx.example.net[192.0.2.1]:25", 250, RETURNED_DELIVERED, ""},
};

/* Two recipients, the second one another. */
static void
write_ours(size_t i, struct bytes *b)
{
	const struct dsn_recipient one = {.address = text_of(OURS[i].address),
					  .orcpt = text_of(OURS[i].orcpt),
					  .status = text_of(OURS[i].status),
					  .reply = text_of(OURS[i].reply),
					  .remote = text_of(OURS[i].remote),
					  .code = OURS[i].code,
					  .last_us = 1795244544000000};
	struct dsn_recipient rcpt[2] = {one, one};
	struct dsn d = {.action = OURS[i].action,
			.utf8 = OURS[i].utf8,
			.hostname = text_of("mx1.example.org"),
			.id = text_of("0M5RTX2BK7QD"),
			.original = text_of("0M5RTX2BK7QC"),
			.to = text_of("b+x@returns.example"),
			.envid = text_of("QQ314159"),
			.now_us = 1795244544000000,
			.arrival_us = 1795244000000000,
			.recipient = rcpt,
			.n = countof(rcpt)};

	rcpt[1].address = text_of("amy@example.com");
	dsn_head(&d, b);
	bytes_add_text(b, ORIGINAL);
	dsn_tail(&d, b);
}

static void
what_we_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(OURS); i++) {
		struct bytes b = {0};
		struct returned *r;
		const struct returned_rcpt *x;
		bool named;

		print_message("%s %s\n", OURS[i].status, OURS[i].reply);
		write_ours(i, &b);
		r = parse(&b);
		assert_int_equal(r->kind, OURS[i].kind);
		assert_string_equal(r->reporter, "mx1.example.org");
		assert_string_equal(r->envid, "QQ314159");
		assert_string_equal(r->message_id, "<1@crm.example>");
		assert_int_equal(r->nrcpt, 2);
		x = returned_about(r, text_of(OURS[i].address), &named);
		assert_true(named && x == &r->rcpt[0]);
		assert_int_equal(x->kind, OURS[i].kind);
		assert_string_equal(x->final, OURS[i].address);
		assert_string_equal(x->original, OURS[i].original);
		assert_string_equal(x->status, OURS[i].status);
		assert_non_null(strstr(x->reply, OURS[i].reply));
		x = returned_about(r, text_of("AMY@example.com"), &named);
		assert_true(named && x == &r->rcpt[1]);
		x = returned_about(r, text_of("eve@example.com"), &named);
		assert_true(!named && x == &r->rcpt[0]);
		bytes_free(&b);
		free(r);
	}
}

/* --- limits ----------------------------------------------------------------
 */

static enum returned_kind
kind_of(const struct bytes *b)
{
	struct returned *r = parse(b);
	enum returned_kind kind = r->kind;

	assert_true(r->nrcpt <= RETURNED_RECIPIENTS);
	free(r);
	return kind;
}

static void
fields(struct bytes *b, const char *boundary)
{
	bytes_printf(b,
		     "--%s\r\nContent-Type: message/delivery-status\r\n\r\n"
		     "Reporting-MTA: dns; a.b\r\n\r\n"
		     "Final-Recipient: rfc822; bob@example.com\r\n"
		     "Action: failed\r\nStatus: 5.1.1\r\n",
		     boundary);
}

/* Multiparts inside each other are followed to MIME_DEPTH. */
static void
nested_too_deep(void **state)
{
	(void)state;
	for (unsigned depth = 1; depth <= 2 * MIME_DEPTH; depth++) {
		struct bytes b = {0};
		char boundary[16];

		for (unsigned i = 0; i < depth; i++) {
			if (i > 0)
				bytes_printf(&b, "\r\n--b%u\r\n", i - 1);
			bytes_printf(&b,
				     "Content-Type: multipart/mixed; "
				     "boundary=b%u\r\n\r\n",
				     i);
		}
		snprintf(boundary, sizeof boundary, "b%u", depth - 1);
		fields(&b, boundary);
		assert_int_equal(kind_of(&b), depth <= MIME_DEPTH
						  ? RETURNED_BOUNCE
						  : RETURNED_OTHER);
		bytes_free(&b);
	}
}

/* Parts are looked at up to MIME_PARTS, recipients to RETURNED_RECIPIENTS. */
static void
too_many(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 2 * MIME_PARTS; n += 7) {
		struct bytes b = {0};

		bytes_add_text(&b, "Content-Type: multipart/report; "
				   "boundary=b\r\n\r\n");
		for (unsigned i = 0; i < n; i++)
			bytes_add_text(&b, "--b\r\n\r\nx\r\n");
		fields(&b, "b");
		for (unsigned i = 0; i < n; i++)
			bytes_printf(&b,
				     "\r\nFinal-Recipient: rfc822; "
				     "u%u@example.com\r\nAction: failed\r\n",
				     i);
		assert_int_equal(kind_of(&b), n + 2 <= MIME_PARTS
						  ? RETURNED_BOUNCE
						  : RETURNED_AUTO);
		bytes_free(&b);
	}
}

/* Cut anywhere, with line ends of either kind, a report is never taken for
 * something worse than it is. */
static void
cut(struct sample *s)
{
	const size_t whole = s->message.n;

	for (size_t n = 0; n < whole; n += 3) {
		enum returned_kind kind;

		s->message.n = n;
		kind = kind_of(&s->message);
		if (strstr(s->path, "/person") != NULL)
			assert_int_equal(kind, RETURNED_OTHER);
		if (strstr(s->path, "/arf") == NULL)
			assert_int_not_equal(kind, RETURNED_COMPLAINT);
		else
			assert_int_not_equal(kind, RETURNED_BOUNCE);
	}
}

static void
cut_anywhere(void **state)
{
	(void)state;
	samples(cut);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_servers_write),
	    cmocka_unit_test(what_we_write),
	    cmocka_unit_test(nested_too_deep),
	    cmocka_unit_test(too_many),
	    cmocka_unit_test(cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
