/* The parts that programs write for programs. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"
#include "queue/record.h"
#include "queue/returned_private.h"

/* "rfc822; bob@example.com": what follows the type; without a type all. */
static char *
typed(char *value)
{
	char *semi = strchr(value, ';');

	if (semi == NULL || (size_t)(semi - value) > MIME_TYPE)
		return value;
	for (const char *p = value; p < semi; p++)
		if (*p == ' ' && p[1] != ' ' && p[1] != ';')
			return value; /* words: it is no type */
	semi++;
	return semi + strspn(semi, " ");
}

/* "\x{F6}" (RFC 6533 3, utf-8-addr-unitext) as UTF-8; else 0. */
static size_t
escape(const char *p, char out[4])
{
	unsigned long v;
	char *end;

	if (strncmp(p, "\\x{", 3) != 0)
		return 0;
	v = strtoul(p + 3, &end, 16);
	if (*end != '}' || end - p > 9 || end == p + 3 || v < 0x80 ||
	    v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 0;
	if (v < 0x800) {
		out[0] = (char)(0xc0 | v >> 6);
		out[1] = (char)(0x80 | (v & 63));
		return 2;
	}
	if (v < 0x10000) {
		out[0] = (char)(0xe0 | v >> 12);
		out[1] = (char)(0x80 | (v >> 6 & 63));
		out[2] = (char)(0x80 | (v & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | v >> 18);
	out[1] = (char)(0x80 | (v >> 12 & 63));
	out[2] = (char)(0x80 | (v >> 6 & 63));
	out[3] = (char)(0x80 | (v & 63));
	return 4;
}

/* The mailbox of an address field. */
static void
address(char *value, char out[RETURNED_TEXT + 1])
{
	char plain[MIME_VALUE];
	struct text rest;
	size_t n = 0;

	value = typed(value);
	while (*value != '\0' && n + 5 < sizeof plain) {
		size_t k = escape(value, plain + n);

		if (k == 0) {
			plain[n++] = *value++;
			continue;
		}
		n += k;
		value = strchr(value, '}') + 1;
	}
	plain[n] = '\0';
	out[0] = '\0';
	if (!returned_address((struct text){plain, n}, out, &rest))
		out[0] = '\0';
}

static enum returned_kind
action(const char *value)
{
	static const struct {
		const char *word;
		enum returned_kind kind;
	} row[] = {
	    {"failed", RETURNED_BOUNCE},     {"failure", RETURNED_BOUNCE},
	    {"delayed", RETURNED_DELAYED},   {"delivered", RETURNED_DELIVERED},
	    {"relayed", RETURNED_DELIVERED}, {"expanded", RETURNED_DELIVERED}};

	for (size_t i = 0; i < countof(row); i++)
		if (strncasecmp(value, row[i].word, strlen(row[i].word)) == 0)
			return row[i].kind;
	return RETURNED_OTHER;
}

static void
copy(char *out, size_t size, const char *value)
{
	if (out[0] == '\0') /* of several the first counts */
		log_safe(value, strlen(value), out, size);
}

/* "mx.example.net (192.0.2.1, the server for ...)": its name. */
static void
host(char out[RETURNED_TEXT + 1], char *value)
{
	static const char of_a_name[] = "abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789.-_:[]/@=";

	/* It stands in a log line, where ", to=<...>" would mean something. */
	value[strcspn(value, " ")] = '\0';
	for (char *p = value; *p != '\0'; p++)
		if (strchr(of_a_name, *p) == NULL)
			*p = '?';
	copy(out, RETURNED_TEXT + 1, value);
}

static void
diagnosis(struct returned_rcpt *x, char *value)
{
	const char *words = typed(value);

	copy(x->reply, sizeof x->reply, words);
	if (x->code == 0)
		x->code = returned_code(text_of(words));
}

/* A field of a recipient; *x is the one at hand, NULL between two. */
static bool
rcpt_field(struct text name, char *value, struct returned *out,
	   struct returned_rcpt **x)
{
	static const char *const word[] = {
	    "Final-Recipient", "Original-Recipient", "Action", "Status",
	    "Remote-MTA",      "Diagnostic-Code",    NULL};
	unsigned w = 0;

	while (word[w] != NULL && !mime_is(name, word[w]))
		w++;
	if (word[w] == NULL)
		return false;
	if (*x != NULL && w == 0 && (*x)->final[0] != '\0')
		*x = NULL; /* the empty line between two is missing */
	if (*x == NULL) {
		if (out->nrcpt == RETURNED_RECIPIENTS)
			return true;
		*x = &out->rcpt[out->nrcpt++];
		**x = (struct returned_rcpt){.kind = RETURNED_OTHER};
	}
	if (w == 0)
		address(value, (*x)->final);
	else if (w == 1)
		address(value, (*x)->original);
	else if (w == 2)
		(*x)->kind = action(value);
	else if (w == 3)
		(void)returned_status(text_of(value), (*x)->status);
	else if (w == 4)
		host((*x)->remote, typed(value));
	else
		diagnosis(*x, value);
	return true;
}

/* What the report leaves open follows from what it says. */
static void
complete(struct returned_rcpt *x)
{
	struct text words = text_of(x->reply);
	char said[12] = "";

	if (x->code == 0)
		x->code = returned_code(words);
	/* "5.0.0" says nothing; the words often do. */
	if ((x->status[0] == '\0' || strcmp(x->status + 1, ".0.0") == 0) &&
	    returned_status(words, said) &&
	    (x->status[0] == '\0' || said[0] == x->status[0]))
		memcpy(x->status, said, sizeof said);
	if (x->kind != RETURNED_OTHER)
		return;
	/* No Action: the status tells. */
	x->kind = x->status[0] == '2'   ? RETURNED_DELIVERED
		  : x->status[0] == '4' ? RETURNED_DELAYED
					: RETURNED_BOUNCE;
}

bool
returned_fields(struct text t, struct returned *out)
{
	const unsigned before = out->nrcpt;
	struct returned_rcpt *x = NULL;
	struct text name, field;
	char value[MIME_VALUE];

	while (t.n > 0) {
		if (!mime_field(&t, &name, &field)) {
			x = NULL; /* an empty line: the next group */
			if (t.n > 1 && t.p[0] == '-' && t.p[1] == '-')
				break;
			continue;
		}
		mime_value(field, value, sizeof value);
		if (rcpt_field(name, value, out, &x))
			continue;
		if (mime_is(name, "Reporting-MTA"))
			host(out->reporter, typed(value));
		else if (mime_is(name, "Original-Envelope-Id"))
			copy(out->envid, sizeof out->envid, value);
	}
	for (unsigned i = before; i < out->nrcpt; i++)
		complete(&out->rcpt[i]);
	return out->nrcpt > before;
}

/* RFC 5965 7.3, 6430, 6591: what is registered and no complaint. */
bool
returned_feedback(struct text t, struct returned *out)
{
	static const char *const no_complaint[] = {"not-spam", "auth-failure",
						   "miscategorized", "dmarc"};
	char value[MIME_VALUE], rcpt[RETURNED_TEXT + 1];
	struct text name, field;
	struct returned_rcpt *x;

	while (mime_field(&t, &name, &field)) {
		mime_value(field, value, sizeof value);
		if (mime_is(name, "Feedback-Type")) {
			copy(out->feedback, sizeof out->feedback, value);
		} else if (mime_is(name, "Reporting-MTA")) {
			host(out->reporter, typed(value));
		} else if (mime_is(name, "Original-Envelope-Id")) {
			copy(out->envid, sizeof out->envid, value);
		} else if (mime_is(name, "Original-Rcpt-To") ||
			   mime_is(name, "Removal-Recipient")) {
			address(value, rcpt);
			x = rcpt[0] != '\0' ? returned_rcpt(out, rcpt) : NULL;
			if (x != NULL)
				x->kind = RETURNED_COMPLAINT;
		}
	}
	for (size_t i = 0; i < countof(no_complaint); i++)
		if (strcasecmp(out->feedback, no_complaint[i]) == 0)
			return false;
	return out->feedback[0] != '\0';
}

/* "by mx1.example.com (mtq) with ESMTP id 0M5RTX2BK7QC": as session_data.c
 * writes it. */
static uint64_t
own_id(const char *value)
{
	const char *p = strstr(value, "(mtq) with ");
	uint64_t id;

	p = p != NULL ? strstr(p, " id ") : NULL;
	if (p == NULL || strlen(p) < 4 + ID_TEXT ||
	    !id_parse(p + 4, ID_TEXT, &id))
		return 0;
	return id;
}

void
returned_original(struct text t, struct returned *out)
{
	char value[MIME_VALUE];
	struct text name, field;

	while (mime_field(&t, &name, &field)) {
		bool received = mime_is(name, "Received");

		if (!received && !mime_is(name, "Message-ID"))
			continue;
		mime_value(field, value, sizeof value);
		if (!received)
			copy(out->message_id, sizeof out->message_id, value);
		else if (out->id == 0)
			out->id = own_id(value);
	}
}
