#include "daemon/settings_table.h"

#include <assert.h>
#include <string.h>

#define OFFSET_text(s, n)        offsetof(s, n)
#define OFFSET_flag(s, n)        offsetof(s, n)
#define OFFSET_count(s, n)       offsetof(s, n)
#define OFFSET_size(s, n)        offsetof(s, n##_bytes)
#define OFFSET_duration(s, n)    offsetof(s, n##_us)
#define OFFSET_percent(s, n)     offsetof(s, n##_percent)
#define OFFSET_words(s, n)       offsetof(s, n)
#define OFFSET_durations(s, n)   offsetof(s, n)
#define OFFSET_sockets(s, n)     offsetof(s, n)
#define OFFSET_networks(s, n)    offsetof(s, n)
#define OFFSET_rate(s, n)        offsetof(s, n)
#define OFFSET_counts(s, n)      offsetof(s, n)
#define OFFSET_lists(s, n)       offsetof(s, n)
#define OFFSET_deliver(s, n)     offsetof(s, n)
#define OFFSET_lookup(s, n)      offsetof(s, n)
#define OFFSET_tls(s, n)         offsetof(s, n)
#define OFFSET_tls_start(s, n)   offsetof(s, n)
#define OFFSET_authority(s, n)   offsetof(s, n)
#define OFFSET_at_rcpt(s, n)     offsetof(s, n)
#define OFFSET_in_doubt(s, n)    offsetof(s, n)
#define OFFSET_then(s, n)        offsetof(s, n)
#define OFFSET_category(s, n)    offsetof(s, n)
#define OFFSET_dane(s, n)        offsetof(s, n)
#define OFFSET_unit(s, n)        offsetof(s, n)
#define OFFSET_window(s, n)      offsetof(s, n)
#define OFFSET_duty(s, n)        offsetof(s, n)
#define OFFSET_listen_tls(s, n)  offsetof(s, n)
#define OFFSET_client_cert(s, n) offsetof(s, n)
#define OFFSET_dkim_gate(s, n)   offsetof(s, n)
#define OFFSET_profile(s, n)     offsetof(s, n)
#define OFFSET_sign_when(s, n)   offsetof(s, n)
#define OFFSET_provider(s, n)    offsetof(s, n)

/* The rows of one block; IN is what they are members of, set before each. */
#define ROW(type, name, def, least, most, doc)                                 \
	{#name, VALUE_##type, def, least, most, doc, OFFSET_##type(IN, name)},

#define IN struct settings
static const struct key_row global_rows[] = {GLOBAL_KEYS(ROW)};
#undef IN
#define IN struct queue_settings
static const struct key_row queue_rows[] = {QUEUE_KEYS(ROW)};
#undef IN
#define IN struct bounce_settings
static const struct key_row bounce_rows[] = {BOUNCE_KEYS(ROW)};
#undef IN
#define IN struct suppress_settings
static const struct key_row suppress_rows[] = {SUPPRESS_KEYS(ROW)};
#undef IN
#define IN struct history_settings
static const struct key_row history_rows[] = {HISTORY_KEYS(ROW)};
#undef IN
#define IN struct returns_settings
static const struct key_row returns_rows[] = {RETURNS_KEYS(ROW)};
#undef IN
#define IN struct reply_settings
static const struct key_row reply_rows[] = {REPLY_KEYS(ROW)};
#undef IN
#define IN struct dns_settings
static const struct key_row dns_rows[] = {DNS_KEYS(ROW)};
#undef IN
#define IN struct listen_settings
static const struct key_row listen_rows[] = {LISTEN_KEYS(ROW)};
#undef IN
#define IN struct source_settings
static const struct key_row source_rows[] = {SOURCE_KEYS(ROW)};
#undef IN
#define IN struct type_settings
static const struct key_row type_rows[] = {TYPE_KEYS(ROW)};
#undef IN
#define IN struct classify_settings
static const struct key_row classify_rows[] = {CLASSIFY_KEYS(ROW)};
#undef IN
#define IN struct quota_settings
static const struct key_row quota_rows[] = {QUOTA_KEYS(ROW)};
#undef IN
#define IN struct route_settings
static const struct key_row route_rows[] = {ROUTE_KEYS(ROW)};
#undef IN
#define IN struct expect_settings
static const struct key_row expect_rows[] = {EXPECT_KEYS(ROW)};
#undef IN
#define IN struct relay_settings
static const struct key_row relay_rows[] = {RELAY_KEYS(ROW)};
#undef IN
#define IN struct guard_settings
static const struct key_row guard_rows[] = {GUARD_KEYS(ROW)};
#undef IN
#define IN struct tls_settings
static const struct key_row tls_rows[] = {TLS_KEYS(ROW)};
#undef IN
#define IN struct dkim_settings
static const struct key_row dkim_rows[] = {DKIM_KEYS(ROW)};
#undef IN
#define IN struct archive_settings
static const struct key_row archive_rows[] = {ARCHIVE_KEYS(ROW)};
#undef IN
#define IN struct retry_settings
static const struct key_row retry_rows[] = {RETRY_KEYS(ROW)};
#undef IN

/* Where each block lies in struct settings; the compiler asks for a new one. */
#define PLACE_queue    offsetof(struct settings, queue), 0
#define PLACE_bounce   offsetof(struct settings, bounce), 0
#define PLACE_suppress offsetof(struct settings, suppress), 0
#define PLACE_history  offsetof(struct settings, history), 0
#define PLACE_returns  offsetof(struct settings, returns), 0
#define PLACE_dns      offsetof(struct settings, dns), 0
#define PLACE_guard    offsetof(struct settings, guard), 0
#define MANY(p)        offsetof(struct settings, p), offsetof(struct settings, n##p)
#define PLACE_listen   MANY(listens)
#define PLACE_source   MANY(sources)
#define PLACE_type     MANY(types)
#define PLACE_classify MANY(classifies)
#define PLACE_quota    MANY(quotas)
#define PLACE_relay    MANY(relays)
#define PLACE_route    MANY(routes)
#define PLACE_expect   MANY(expects)
#define PLACE_reply    MANY(replies)
#define PLACE_tls      MANY(certificates)
#define PLACE_dkim     MANY(dkims)
#define PLACE_archive  MANY(archives)
#define PLACE_retry    MANY(retries)

const struct block_row settings_blocks[BLOCK_COUNT] = {
    {"", false, false, global_rows, countof(global_rows),
     "Keys outside of blocks.", sizeof(struct settings), 0, 0},
#define B(block, titled, keys, doc)                                            \
	{#block,                                                               \
	 (titled) == 1,                                                        \
	 (titled) > 0,                                                         \
	 block##_rows,                                                         \
	 countof(block##_rows),                                                \
	 doc,                                                                  \
	 sizeof(struct block##_settings),                                      \
	 PLACE_##block},
    BLOCKS(B)
#undef B
};

#define B(block, titled, keys, doc)                                            \
	static_assert(offsetof(struct block##_settings, title) ==              \
			      offsetof(struct block_head, title) &&            \
			  offsetof(struct block##_settings, file) ==           \
			      offsetof(struct block_head, file) &&             \
			  offsetof(struct block##_settings, line) ==           \
			      offsetof(struct block_head, line) &&             \
			  offsetof(struct block##_settings, node) ==           \
			      offsetof(struct block_head, node),               \
		      "a block begins with a struct block_head");
BLOCKS(B)
#undef B

const struct key_row *
settings_key(const struct block_row *b, const char *name)
{
	for (size_t i = 0; i < b->nkeys; i++)
		if (strcmp(b->key[i].name, name) == 0)
			return &b->key[i];
	return NULL;
}

enum block_kind
settings_kind(const char *name)
{
	enum block_kind kind = BLOCK_global + 1;

	while (kind < BLOCK_COUNT &&
	       strcmp(settings_blocks[kind].name, name) != 0)
		kind++;
	return kind;
}

/* The array of a titled block; its pointer has another type each time, so it
 * is copied, not cast. */
static void *
array_of(const struct settings *s, const struct block_row *b, size_t *n)
{
	void *p;

	memcpy(n, (const char *)s + b->count, sizeof *n);
	memcpy(&p, (const char *)s + b->place, sizeof p);
	return p;
}

const void *
settings_block(const struct settings *s, enum block_kind kind, size_t i)
{
	const struct block_row *b = &settings_blocks[kind];
	size_t n = 1;
	const char *p = (const char *)s + b->place;

	if (b->many)
		p = array_of(s, b, &n);
	return i < n ? p + i * b->size : NULL;
}

void
settings_make(struct settings *s, enum block_kind kind, size_t n)
{
	const struct block_row *b = &settings_blocks[kind];
	void *p = arena_alloc(&s->memory->arena, n * b->size);

	must(b->many);
	memcpy((char *)s + b->count, &n, sizeof n);
	memcpy((char *)s + b->place, &p, sizeof p);
}

/* A default is a word, or words in [ ]; "" is an empty text or list.  A key
 * without one is empty until the file gave it. */
void
settings_default(const struct key_row *k, void *block, struct arena *a)
{
	enum { ITEMS = 16 };
	char *item[ITEMS], why[VALUE_WHY];
	const char *p = k->def ? k->def : "";
	struct value_text text = {.item = item, .list = *p == '['};

	if (k->def == NULL && k->kind != VALUE_text)
		return; /* zeroed: an empty list */
	p += text.list;
	while (*p != '\0' && *p != ']') {
		size_t n = strcspn(p, text.list ? ",]" : "");

		must(text.n < ITEMS);
		item[text.n++] = arena_text(a, p, n);
		p += n;
		p += strspn(p, ", ");
	}
	if (text.n == 0 && !value_is_list(k->kind) && !value_is_block(k->kind))
		item[text.n++] = arena_text(a, "", 0);
	must(value_parse(k->kind, &text, k->least, k->most, a,
			 (char *)block + k->offset, why));
}

const struct conf_node *
settings_node(const struct settings *s, enum block_kind kind, const void *block,
	      const char *key)
{
	const struct conf_node *n = s->memory->conf.first;

	if (kind != BLOCK_global) {
		const struct block_head *head = block;

		if (head->node == NULL || key == NULL)
			return head->node;
		n = head->node->kid;
	}
	while (n != NULL && strcmp(n->key, key) != 0)
		n = n->next;
	return n;
}

const struct conf_node *
settings_given(const struct settings *s, enum block_kind kind,
	       const void *block, const char *key)
{
	const struct conf_node *n = settings_node(s, kind, block, key);

	return n != NULL && !n->broken ? n : NULL;
}

bool
settings_broken(const struct settings *s, enum block_kind kind,
		const void *block, const char *key)
{
	const struct conf_node *n = settings_node(s, kind, block, key);

	return n != NULL && n->broken;
}

struct settings_place
settings_place(const struct settings *s, enum block_kind kind,
	       const void *block, const char *key)
{
	const struct conf_node *n = settings_node(s, kind, block, key);
	const struct block_head *head = block;

	must(kind != BLOCK_global || n != NULL);
	return n != NULL ? (struct settings_place){n->file, n->line}
			 : (struct settings_place){head->file, head->line};
}
