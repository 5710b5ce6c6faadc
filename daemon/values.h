/*
 * values - what the value of a key can be: parsed, checked against its least
 * and most, and printed again.
 *
 * Units    always spelled out; a bare number where a unit is needed is an
 *          error.  kb, mb, gb, tb count in steps of 1,024, k and M of 1,000.
 * Owner    results live in the arena.
 * Errors   a sentence in `why`, without the key's name.
 */
#ifndef MTQ_VALUES_H
#define MTQ_VALUES_H

#include "daemon/arena.h"
#include "daemon/keys.h"
#include "daemon/net.h"

struct texts {
	char **item;
	size_t n;
};
struct durations {
	int64_t *us;
	size_t n;
};
/* count in any stretch of window_us; window_us 0: no limit. */
struct rate {
	uint64_t count;
	int64_t window_us;
};
/* NAME = number, in the order of the file; each name once. */
struct counts {
	struct count_of {
		char *name;
		uint64_t count;
	} * item;
	size_t n;
};
/* NAME = text or list; a list alone stands under the name "*". */
struct lists {
	struct list_of {
		char *name;
		struct texts value;
	} * item;
	size_t n;
};
#define W_DELIVER(id, word)     DELIVER_##id,
#define W_LOOKUP(id, word)      LOOKUP_##id,
#define W_TLS(id, word)         TLS_##id,
#define W_TLS_START(id, word)   TLS_START_##id,
#define W_AUTHORITY(id, word)   AUTHORITY_##id,
#define W_AT_RCPT(id, word)     AT_RCPT_##id,
#define W_IN_DOUBT(id, word)    IN_DOUBT_##id,
#define W_THEN(id, word)        THEN_##id,
#define W_CATEGORY(id, word)    CATEGORY_##id,
#define W_DANE(id, word)        DANE_##id,
#define W_UNIT(id, word)        UNIT_##id,
#define W_WINDOW(id, word)      WINDOW_##id,
#define W_DUTY(id, word)        DUTY_##id,
#define W_LISTEN_TLS(id, word)  LISTEN_TLS_##id,
#define W_CLIENT_CERT(id, word) CLIENT_CERT_##id,
#define W_DKIM_GATE(id, word)   DKIM_GATE_##id,
#define W_PROFILE(id, word)     PROFILE_##id,
#define W_SIGN_WHEN(id, word)   SIGN_WHEN_##id,
#define W_PROVIDER(id, word)    PROVIDER_##id,
#define E(kind, ID, WORDS)      enum kind##_kind{WORDS(W_##ID) ID##_COUNT};
ENUMS(E)
#undef E

/*	kind, what the manual shows behind '='; "" of a set: its words */
#define VALUE_KINDS(V)                                                         \
	V(text, "text")                                                        \
	V(flag, "yes | no")                                                    \
	V(count, "number")                                                     \
	V(size, "size")                                                        \
	V(duration, "time")                                                    \
	V(percent, "share")                                                    \
	V(words, "text | [text, ...]")                                         \
	V(durations, "time | [time, ...]")                                     \
	V(sockets, "address:port | [address:port, ...]")                       \
	V(networks, "network | [network, ...]")                                \
	V(rate, "number/s | number/min | number/h")                            \
	V(counts, "{ name = number ... }")                                     \
	V(lists, "{ name = text | [text, ...] ... }")                          \
	V(deliver, "")                                                         \
	V(lookup, "")                                                          \
	V(tls, "")                                                             \
	V(tls_start, "")                                                       \
	V(dane, "")                                                            \
	V(authority, "")                                                       \
	V(at_rcpt, "")                                                         \
	V(in_doubt, "")                                                        \
	V(then, "")                                                            \
	V(category, "")                                                        \
	V(unit, "")                                                            \
	V(window, "")                                                          \
	V(duty, "")                                                            \
	V(listen_tls, "")                                                      \
	V(client_cert, "")                                                     \
	V(dkim_gate, "")                                                       \
	V(profile, "")                                                         \
	V(sign_when, "")                                                       \
	V(provider, "")

enum value_kind {
#define V(kind, what) VALUE_##kind,
	VALUE_KINDS(V)
#undef V
	    VALUE_COUNT
};

enum { VALUE_WHY = NET_WHY };

/* The texts of one key of the file, or of a default. */
struct value_text {
	char *const *item;
	size_t n;
	bool list;  /* stood in [ ] */
	bool block; /* stood in { }: `named` holds them, `item` nothing */
	const struct value_named *named;
	size_t nnamed;
};
struct value_named {
	const char *name;
	char *const *item;
	size_t n;
	bool list;
};

/* Writes a struct settings member of this kind at `out`.  least and most are
 * in the kind's own notation, NULL: none. */
bool value_parse(enum value_kind kind, const struct value_text *text,
		 const char *least, const char *most, struct arena *a,
		 void *out, char why[VALUE_WHY]) MUST_USE;
/* The member as the file has it, ready for value_parse. */
void value_print(enum value_kind kind, const void *member, struct bytes *out);
/* "smtp | maildir", "size" */
void value_describe(enum value_kind kind, struct bytes *out);
/* True for kinds that are written as a block of names. */
bool value_is_block(enum value_kind kind) MUST_USE;
/* True for kinds that take several values. */
bool value_is_list(enum value_kind kind) MUST_USE;
/* Lists: how many there are; others: 1, for an empty text 0. */
size_t value_items(enum value_kind kind, const void *member) MUST_USE;

#endif
