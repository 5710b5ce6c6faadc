#include <stdio.h>
#include <string.h>

#include "daemon/settings_table.h"

enum { MANUAL_WIDTH = 76 };

/* What etc/mtq.conf sets; everything else stands there as a comment with its
 * default.  Blocks that a first file does not need are comments as a whole.
 * Row: block, its title, key, value. */
static const struct example {
	enum block_kind kind;
	const char *title;
	const char *key;
	const char *value;
} examples[] = {
    {BLOCK_global, "", "instance", "prod-1"},
    {BLOCK_global, "", "hostname", "relay1.example.com"},
    {BLOCK_global, "", "user", "mtq"},
    {BLOCK_tls, "relay1.example.com", "cert", "file:/etc/mtq/fullchain.pem"},
    {BLOCK_tls, "relay1.example.com", "key", "file:/etc/mtq/key.pem"},
    {BLOCK_listen, "smtp", "address", "[127.0.0.1:25, \"[::1]:25\"]"},
    {BLOCK_source, "local", "from_ip", "[127.0.0.1, ::1]"},
    {BLOCK_type, "mass", "lifetime", "1d"},
    {BLOCK_classify, "", "priority", "10"},
    {BLOCK_classify, "", "type", "mass"},
    {BLOCK_classify, "", "header", "{ Precedence = [bulk, list] }"},
    {BLOCK_quota, "smarthost", "limit", "2000"},
    {BLOCK_quota, "smarthost", "cap", "{ mass = 1200 }"},
    {BLOCK_relay, "smarthost", "host", "mail.example.com"},
    {BLOCK_route, "example", "priority", "100"},
    {BLOCK_route, "example", "from", "[example.com, *.example.com]"},
    {BLOCK_route, "example", "via", "{ * = [smarthost] }"},
    {BLOCK_expect, "newsletter", "from", "news@example.com"},
    {BLOCK_expect, "newsletter", "to", "somebody@example.net"},
    {BLOCK_expect, "newsletter", "type", "mass"},
    {BLOCK_expect, "newsletter", "relay", "smarthost"},
    {BLOCK_reply, "spam-filter", "priority", "10"},
    {BLOCK_reply, "spam-filter", "match", "\"554 5.7.1 *spam*\""},
    {BLOCK_reply, "spam-filter", "category", "content"},
    {BLOCK_dkim, "example.com", "selector", "mtq2026"},
    {BLOCK_dkim, "example.com", "key", "file:/etc/mtq/dkim.pem"},
    {BLOCK_archive, "copies", "to", "maildir:/var/lib/mtq/archive"},
    {BLOCK_retry, "normal", "", ""},
};

/* Behind the first listener: those that need a certificate. */
static const char more_listeners[] =
    "\n# With a block tls: the other ports that CRMs and applications use.\n"
    "#listen \"submission\" {\n"
    "    #address = [127.0.0.1:587, 127.0.0.1:10025]\n"
    "    #tls = required\n"
    "#}\n"
    "#listen \"submissions\" {\n"
    "    #address = 127.0.0.1:465\n"
    "    #tls = implicit\n"
    "#}\n";

static bool
is_optional(enum block_kind kind)
{
	switch (kind) {
	case BLOCK_type:
	case BLOCK_classify:
	case BLOCK_quota:
	case BLOCK_route:
	case BLOCK_expect:
	case BLOCK_reply:
	case BLOCK_tls:
	case BLOCK_dkim:
	case BLOCK_archive:
		return true;
	case BLOCK_global:
	case BLOCK_queue:
	case BLOCK_bounce:
	case BLOCK_suppress:
	case BLOCK_history:
	case BLOCK_returns:
	case BLOCK_dns:
	case BLOCK_guard:
	case BLOCK_listen:
	case BLOCK_source:
	case BLOCK_relay:
	case BLOCK_retry:
	case BLOCK_COUNT:
		break;
	}
	return false;
}

static const struct example *
find_example(enum block_kind kind, const char *key)
{
	for (size_t i = 0; i < countof(examples); i++)
		if (examples[i].kind == kind &&
		    (key == NULL || strcmp(examples[i].key, key) == 0))
			return &examples[i];
	return NULL;
}

/* Words of `text` in lines that begin with `front`. */
static void
wrap(struct bytes *out, const char *front, const char *text)
{
	size_t column = 0;

	for (const char *p = text; *p != '\0';) {
		size_t n = strcspn(p, " ");

		if (column > 0 && column + 1 + n > MANUAL_WIDTH) {
			bytes_add_text(out, "\n");
			column = 0;
		}
		bytes_add_text(out, column ? " " : front);
		column += column ? 1 : strlen(front);
		bytes_add(out, p, n);
		column += n;
		p += n;
		p += strspn(p, " ");
	}
	bytes_add_text(out, "\n");
}

/* A default as the file spells it. */
static void
print_default(const struct key_row *k, struct bytes *out)
{
	if (k->def != NULL && *k->def != '\0')
		bytes_add_text(out, k->def);
	else if (value_is_block(k->kind))
		bytes_add_text(out, "{}");
	else
		bytes_add_text(out, value_is_list(k->kind) ? "[]" : "\"\"");
}

static void
sample_key(struct bytes *out, enum block_kind kind, const struct key_row *k)
{
	const struct example *e = find_example(kind, k->name);
	const char *in = kind == BLOCK_global ? "" : "    ";
	char front[8];

	snprintf(front, sizeof front, "%s# ", in);
	bytes_add_text(out, "\n");
	wrap(out, front, k->doc);
	bytes_printf(out, "%s%s%s%s", in,
		     e != NULL && !is_optional(kind) ? "" : "#", k->name,
		     value_is_block(k->kind) ? " " : " = ");
	if (e != NULL)
		bytes_add_text(out, e->value);
	else
		print_default(k, out);
	bytes_add_text(out, "\n");
}

void
settings_print_sample(struct bytes *out)
{
	bytes_add_text(
	    out,
	    "# mtq.conf: every key with its default.  See mtq.conf(5).\n"
	    "# Printed by `make manual`; `mtq check FILE` says what is wrong.\n"
	    "#\n"
	    "# This one takes mail from this machine alone and hands it to a\n"
	    "# relay host.  Change instance, hostname and host.\n"
	    "# etc/examples has files for CRMs with several relays and "
	    "caps.\n");
	for (int i = 0; i < BLOCK_COUNT; i++) {
		enum block_kind kind = (enum block_kind)i;
		const struct block_row *b = &settings_blocks[i];
		const struct example *e = find_example(kind, NULL);
		const char *off = is_optional(kind) ? "#" : "";

		if (kind != BLOCK_global) {
			bytes_add_text(out, "\n");
			wrap(out, "# ", b->doc);
			bytes_printf(out, "%s%s", off, b->name);
			if (b->titled)
				bytes_printf(out, " \"%s\"",
					     e ? e->title : "NAME");
			bytes_add_text(out, " {");
		}
		for (size_t k = 0; k < b->nkeys; k++)
			sample_key(out, kind, &b->key[k]);
		if (kind != BLOCK_global)
			bytes_printf(out, "%s}\n", off);
		if (kind == BLOCK_listen)
			bytes_add_text(out, more_listeners);
	}
}

/* A text for mdoc: sentences on lines of their own, backslashes and leading
 * dots without their meaning. */
static void
roff_text(struct bytes *out, const char *text)
{
	bool fresh = true; /* at the begin of a line */

	for (const char *p = text; *p != '\0'; p++) {
		if (fresh && (*p == '.' || *p == '\''))
			bytes_add_text(out, "\\&");
		fresh = p > text && strchr(".;", p[-1]) != NULL && *p == ' ' &&
			(p < text + 2 || p[-2] != '.');
		if (*p == '\\')
			bytes_add_text(out, "\\e");
		else
			bytes_u8(out, fresh ? '\n' : (uint8_t)*p);
	}
	bytes_add_text(out, "\n");
}

static void
manual_key(struct bytes *out, const struct key_row *k)
{
	bytes_printf(out, ".It Ic %s %sAr \"", k->name,
		     value_is_block(k->kind) ? "" : "No = ");
	value_describe(k->kind, out);
	bytes_add_text(out, "\"\n");
	roff_text(out, k->doc);
	if (k->def == NULL) {
		bytes_add_text(out, "Must be given.\n");
	} else if (*k->def != '\0') {
		bytes_add_text(out, "The default is\n.Li \"");
		print_default(k, out);
		bytes_add_text(out, "\" .\n");
	}
	if (k->least != NULL && k->most != NULL)
		bytes_printf(out, "From %s to %s.\n", k->least, k->most);
}

void
settings_print_manual(struct bytes *out)
{
	for (int i = 0; i < BLOCK_COUNT; i++) {
		const struct block_row *b = &settings_blocks[i];

		if (i == BLOCK_global)
			bytes_add_text(out, ".Ss Keys outside of blocks\n");
		else
			bytes_printf(out, ".Ss %s%s\n", b->name,
				     b->titled ? " \\(dqNAME\\(dq { ... }"
					       : " { ... }");
		if (i != BLOCK_global)
			roff_text(out, b->doc);
		bytes_add_text(out, ".Bl -tag -width Ds\n");
		for (size_t k = 0; k < b->nkeys; k++)
			manual_key(out, &b->key[k]);
		bytes_add_text(out, ".El\n");
	}
}
