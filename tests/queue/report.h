/*
 * A report read back, by code that shares nothing with what wrote it but
 * log_safe: is there exactly what was planned, whatever the octets were?
 */
#ifndef MTQ_TESTS_REPORT_H
#define MTQ_TESTS_REPORT_H

#include <stdio.h>
#include <string.h>

#include "queue/dsn.h"
#include "tests/queue/report_reader.h"

/* "rfc822; ..." or "utf-8; ..." that stands for the address itself. */
static inline void
report_address(struct report_reader *r, struct text a)
{
	char plan[REPORT_TEXT] = "rfc822; ", back[REPORT_TEXT];
	struct address parsed;
	const char *why;
	bool ascii = true;
	size_t n;

	for (size_t i = 0; i < a.n; i++)
		ascii = ascii && (unsigned char)a.p[i] < 0x80;
	if (ascii || !address_parse(a.p, a.n, true, &parsed, &why)) {
		report_clean(a, false, plan + 8, sizeof plan - 8);
		plan[900] = '\0';
		report_expect(r, "Final-Recipient", plan);
		return;
	}
	if (!report_field(r) || strcmp(r->name, "Final-Recipient") != 0 ||
	    strncmp(r->value, "utf-8; ", 7) != 0) {
		report_fail(r, "no utf-8 address");
		return;
	}
	n = report_unescape(r->value + 7, back);
	/* the longest ones are cut */
	if (memcmp(back, a.p, min_of(n, a.n)) != 0 ||
	    (n != a.n && (n > a.n || strlen(r->value) < 880)))
		report_fail(r, "another address");
}

static inline void
report_orcpt(struct report_reader *r, const struct dsn *d, struct text orcpt)
{
	const char *semi = orcpt.n > 0 ? memchr(orcpt.p, ';', orcpt.n) : NULL;
	char plan[REPORT_TEXT], plain[1024];
	size_t k = semi != NULL ? (size_t)(semi - orcpt.p) : 0, n = 0;

	while (n < k &&
	       (orcpt.p[n] == '-' || (orcpt.p[n] >= '0' && orcpt.p[n] <= '9') ||
		(orcpt.p[n] >= 'a' && orcpt.p[n] <= 'z') ||
		(orcpt.p[n] >= 'A' && orcpt.p[n] <= 'Z')))
		n++;
	if (k == 0 || k > 63 || n < k ||
	    !report_xtext((struct text){semi + 1, orcpt.n - k - 1}, plain,
			  &n) ||
	    n == 0)
		return;
	snprintf(plan, sizeof plan, "%.*s; ", (int)k, orcpt.p);
	report_clean((struct text){plain, n}, d->utf8, plan + k + 2,
		     sizeof plan - k - 2);
	report_expect(r, "Original-Recipient", plan);
}

static inline void
report_code(struct report_reader *r, const struct dsn *d, struct text status)
{
	static const char *const general[] = {"5.0.0", "4.0.0", "2.0.0",
					      "2.0.0"};
	static const char *const classes[] = {"45", "4", "2", "2"};
	char plan[24];
	unsigned a, b, c;
	int used = 0;

	snprintf(plan, sizeof plan, "%.*s", (int)min_of(status.n, 20U),
		 status.p);
	if (strlen(plan) != status.n || status.n < 5 ||
	    strspn(plan, "0123456789.") != status.n ||
	    strchr(classes[d->action], plan[0]) == NULL || plan[1] != '.' ||
	    sscanf(plan, "%1u.%3u.%3u%n", &a, &b, &c, &used) != 3 ||
	    (size_t)used != status.n)
		snprintf(plan, sizeof plan, "%s", general[d->action]);
	report_expect(r, "Status", plan);
}

static inline void
report_diagnostic(struct report_reader *r, const struct dsn *d,
		  const struct dsn_recipient *x)
{
	char plan[REPORT_TEXT], plain[1024], code[8];
	size_t n = 0, k;

	snprintf(code, sizeof code, "%03u", x->code);
	if (x->code != 0 && (x->reply.n < strlen(code) ||
			     memcmp(x->reply.p, code, strlen(code)) != 0))
		n = (size_t)snprintf(plain, sizeof plain, "%s ", code);
	k = min_of(x->reply.n, sizeof plain - n);
	if (k > 0)
		memcpy(plain + n, x->reply.p, k);
	strcpy(plan, x->code != 0 ? "smtp; " : "x-mtq; ");
	if (report_words((struct text){plain, n + k}, d->utf8,
			 plan + strlen(plan), sizeof plan - 8) > 0)
		report_expect(r, "Diagnostic-Code", plan);
}

static inline void
report_recipient(struct report_reader *r, const struct dsn *d,
		 const struct dsn_recipient *x)
{
	static const char *const action[] = {
#define A(id, word) [DSN_##id] = word,
	    DSN_ACTIONS(A)
#undef A
	};
	char plan[REPORT_TEXT];
	size_t n = 0;

	report_orcpt(r, d, x->orcpt);
	report_address(r, x->address);
	report_expect(r, "Action", action[d->action]);
	report_code(r, d, x->status);
	while (n < x->remote.n && x->remote.p[n] != '[')
		n++;
	if (address_domain(x->remote.p, n, false)) {
		snprintf(plan, sizeof plan, "dns; %.*s", (int)n, x->remote.p);
		report_expect(r, "Remote-MTA", plan);
	}
	report_diagnostic(r, d, x);
	report_expect_date(r, "Last-Attempt-Date", x->last_us);
	if (d->action == DSN_DELAYED)
		report_expect_date(r, "Will-Retry-Until", x->until_us);
	report_expect_none(r);
}

static inline void
report_status(struct report_reader *r, const struct dsn *d)
{
	char plan[REPORT_TEXT], plain[1024];
	size_t n;

	if (report_xtext(d->envid, plain, &n) && n > 0) {
		report_clean((struct text){plain, n}, d->utf8, plan,
			     sizeof plan);
		report_expect(r, "Original-Envelope-Id", plan);
	}
	snprintf(plan, sizeof plan, "dns; %.*s", (int)d->hostname.n,
		 d->hostname.p);
	report_expect(r, "Reporting-MTA", plan);
	if (address_domain(d->client.p, d->client.n, d->utf8)) {
		snprintf(plan, sizeof plan, "dns; %.*s", (int)d->client.n,
			 d->client.p);
		report_expect(r, "Received-From-MTA", plan);
	}
	report_expect_date(r, "Arrival-Date", d->arrival_us);
	report_expect_none(r);
	for (size_t i = 0; i < d->n; i++)
		report_recipient(r, d, &d->recipient[i]);
	if (r->p != r->end)
		report_fail(r, "more recipients than were planned");
}

/* A subject without encoded words decodes to what it was; of those that came
 * with it only whole ones are there. */
static inline void
report_subject(struct report_reader *r, const struct dsn *d)
{
	static const char *const words[] = {"Undelivered mail", "Delayed mail",
					    "Delivered mail", "Mail passed on"};
	char safe[302], back[REPORT_TEXT];
	size_t k = strlen(words[d->action]);

	if (!report_field(r) || strcmp(r->name, "Subject") != 0 ||
	    strncmp(r->value, words[d->action], k) != 0) {
		report_fail(r, "another subject");
		return;
	}
	if (!report_encoded_whole(r->value))
		report_fail(r, "a part of an encoded word");
	log_safe(d->subject.p, d->subject.n, safe, 301);
	if (strstr(safe, "=?") != NULL)
		return;
	if (report_words(text_of(safe), true, r->plan, sizeof r->plan) == 0) {
		if (r->value[k] != '\0')
			report_fail(r, "a subject from nothing");
		return;
	}
	if (strncmp(r->value + k, ": ", 2) != 0) {
		report_fail(r, "no colon");
		return;
	}
	report_decode(r->value + k + 2, back);
	if (strcmp(back, r->plan) != 0)
		report_fail(r, "the subject reads otherwise");
}

/* The original's Message-ID stands in two fields, or it is none. */
static inline void
report_thread(struct report_reader *r, const struct dsn *d)
{
	char plan[REPORT_TEXT];
	struct text t = d->message_id;
	const char *at;

	if (t.n < 5 || t.n > 255)
		return;
	snprintf(plan, sizeof plan, "%.*s", (int)t.n, t.p);
	at = strchr(plan, '@');
	if (strlen(plan) != t.n || plan[0] != '<' || plan[t.n - 1] != '>' ||
	    at == NULL || at == plan + 1 || at == plan + t.n - 2 ||
	    strchr(at + 1, '@') != NULL || strstr(plan, "=?") != NULL ||
	    strspn(plan + 1,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789!#$%&'*+-./:=?@[]^_`{|}~") != t.n - 2)
		return;
	report_expect(r, "In-Reply-To", plan);
	report_expect(r, "References", plan);
}

static inline void
report_header(struct report_reader *r, const struct dsn *d, char mark[80])
{
	static const char type[] = "multipart/report; "
				   "report-type=delivery-status; boundary=\"";
	char plan[REPORT_TEXT];
	struct address a;
	const char *why;

	snprintf(plan, sizeof plan,
		 "\"Mail Delivery System\" <MAILER-DAEMON@%.*s>",
		 (int)d->hostname.n, d->hostname.p);
	report_expect(r, "From", plan);
	if (address_parse(d->to.p, d->to.n, d->utf8, &a, &why)) {
		snprintf(plan, sizeof plan, "<%.*s>", (int)d->to.n, d->to.p);
		report_expect(r, "To", plan);
	} else {
		report_expect(r, "To", "undisclosed-recipients:;");
	}
	report_subject(r, d);
	report_expect_date(r, "Date", d->now_us);
	snprintf(plan, sizeof plan, "<%.*s@%.*s>", (int)d->id.n, d->id.p,
		 (int)d->hostname.n, d->hostname.p);
	report_expect(r, "Message-ID", plan);
	report_thread(r, d);
	report_expect(r, "Auto-Submitted", "auto-replied");
	report_expect(r, "MIME-Version", "1.0");
	if (!report_field(r) || strcmp(r->name, "Content-Type") != 0 ||
	    strncmp(r->value, type, strlen(type)) != 0 ||
	    strlen(r->value) > 120 || r->value[strlen(r->value) - 1] != '"')
		report_fail(r, "no multipart/report");
	if (r->wrong == NULL)
		snprintf(mark, 80, "--%.*s",
			 (int)(strlen(r->value + strlen(type)) - 1),
			 r->value + strlen(type));
	report_expect(r, "Content-Transfer-Encoding",
		      d->utf8 || d->eightbit ? "8bit" : "7bit");
	report_expect_none(r);
}

static inline void
report_part(struct report_reader *r, const char *type, bool eightbit)
{
	report_expect(r, "Content-Type", type);
	report_expect(r, "Content-Transfer-Encoding",
		      eightbit ? "8bit" : "7bit");
	report_expect_none(r);
}

/* Octets that are ours: lines end in CRLF, are at most 998 long and hold no
 * control; UTF-8 only where it may be. */
static inline void
report_lines(struct report_reader *r, const struct dsn *d)
{
	size_t column = 0;

	for (const char *p = r->p; p < r->end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '\r' && p + 1 < r->end && p[1] == '\n') {
			column = 0;
			p++;
			continue;
		}
		if (c < ' ' || c == 0x7f)
			report_fail(r, "a control");
		if (c >= 0x80 && !d->utf8)
			report_fail(r, "beyond ASCII");
		if (++column > 998)
			report_fail(r, "a line of more than 998 octets");
	}
}

/* The words: one line in brackets for each recipient, and none that could be
 * taken for the end of the part. */
static inline void
report_human(struct report_reader *r, const struct dsn *d, struct text t)
{
	size_t recipients = 0;

	for (size_t i = 0; i < t.n; i++) {
		if (i > 0 && t.p[i - 1] != '\n')
			continue;
		recipients += t.p[i] == '<';
		if (t.p[i] == '-' || t.p[i] == '>')
			report_fail(r, "words out of their place");
	}
	if (recipients != d->n)
		report_fail(r, "another number of recipients in the words");
}

/* NULL: the report of d about `original` reads as planned. */
static inline const char *
report_wrong(const struct dsn *d, struct text original, struct report_reader *r)
{
	static const char *const third[2][2] = {
	    {"text/rfc822-headers", "message/rfc822"},
	    {"message/global-headers", "message/global"}};
	struct bytes head = {0}, tail = {0};
	char mark[80] = "--none", first[90], next[90], last[90];
	struct text part;

	dsn_head(d, &head);
	dsn_tail(d, &tail);
	memset(r, 0, sizeof *r);
	r->p = (const char *)head.data;
	r->end = r->p + head.n;
	report_lines(r, d);
	report_header(r, d, mark);
	snprintf(first, sizeof first, "%s\r\n", mark);
	snprintf(next, sizeof next, "\r\n%s\r\n", mark);
	snprintf(last, sizeof last, "\r\n%s--\r\n", mark);
	if (report_until(r, first).n != 0)
		report_fail(r, "something before the first part");
	report_part(r,
		    d->utf8 ? "text/plain; charset=utf-8"
			    : "text/plain; charset=us-ascii",
		    d->utf8);
	part = report_until(r, next);
	report_human(r, d, part);
	report_part(r,
		    d->utf8 ? "message/global-delivery-status"
			    : "message/delivery-status",
		    d->utf8);
	part = report_until(r, next);
	report_part(r, third[d->utf8][d->full], d->utf8 || d->eightbit);
	if (r->p != r->end)
		report_fail(r, "something before the original");
	if (original.n > 0 &&
	    memmem(original.p, original.n, mark, strlen(mark)) != NULL)
		report_fail(r, "the boundary is in the original");
	if (tail.n != strlen(last) || memcmp(tail.data, last, tail.n) != 0)
		report_fail(r, "another end");
	if (r->wrong == NULL) {
		r->p = part.p;
		r->end = part.p + part.n;
		report_status(r, d);
	}
	bytes_free(&head);
	bytes_free(&tail);
	return r->wrong;
}

#endif
