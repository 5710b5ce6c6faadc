/*
 * settings - the configuration as values, made from daemon/keys.h.
 *
 * settings_load reads a file with its includes, checks every key and every
 * relation between blocks, and reports all errors at once; there are settings
 * only if there is no error.  Doubts (warnings) don't stop it.
 *
 * Owner    one struct settings, freed whole; never changed after it was made.
 * Errors   each message is "FILE:LINE: what, and what to do".
 */
#ifndef MTQ_SETTINGS_H
#define MTQ_SETTINGS_H

#include "daemon/err.h"
#include "daemon/bytes.h"
#include "daemon/conf.h"
#include "daemon/keys.h"
#include "daemon/netset.h"
#include "daemon/values.h"

#define MEMBER_text(n)                                char *n;
#define MEMBER_flag(n)                                bool n;
#define MEMBER_count(n)                               uint64_t n;
#define MEMBER_size(n)                                uint64_t n##_bytes;
#define MEMBER_duration(n)                            int64_t n##_us;
#define MEMBER_percent(n)                             uint64_t n##_percent;
#define MEMBER_words(n)                               struct texts n;
#define MEMBER_durations(n)                           struct durations n;
#define MEMBER_sockets(n)                             struct sockets n;
#define MEMBER_networks(n)                            struct networks n;
#define MEMBER_rate(n)                                struct rate n;
#define MEMBER_counts(n)                              struct counts n;
#define MEMBER_lists(n)                               struct lists n;
#define MEMBER_deliver(n)                             enum deliver_kind n;
#define MEMBER_lookup(n)                              enum lookup_kind n;
#define MEMBER_tls(n)                                 enum tls_kind n;
#define MEMBER_tls_start(n)                           enum tls_start_kind n;
#define MEMBER_authority(n)                           enum authority_kind n;
#define MEMBER_at_rcpt(n)                             enum at_rcpt_kind n;
#define MEMBER_in_doubt(n)                            enum in_doubt_kind n;
#define MEMBER_then(n)                                enum then_kind n;
#define MEMBER_category(n)                            enum category_kind n;
#define MEMBER_dane(n)                                enum dane_kind n;
#define MEMBER_unit(n)                                enum unit_kind n;
#define MEMBER_window(n)                              enum window_kind n;
#define MEMBER_duty(n)                                enum duty_kind n;
#define MEMBER_listen_tls(n)                          enum listen_tls_kind n;
#define MEMBER_client_cert(n)                         enum client_cert_kind n;
#define MEMBER_dkim_gate(n)                           enum dkim_gate_kind n;
#define MEMBER_profile(n)                             enum profile_kind n;
#define MEMBER_sign_when(n)                           enum sign_when_kind n;
#define MEMBER_provider(n)                            enum provider_kind n;
#define KEY_MEMBER(type, name, def, least, most, doc) MEMBER_##type(name)

/* struct queue_settings, dns_settings, listen_settings, ...; `title` is ""
 * for blocks without one, file and line say where the block stands (line 0 and
 * node NULL: it is not in the file, the defaults hold). */
#define B(block, titled, keys, doc)                                            \
	struct block##_settings {                                              \
		char *title;                                                   \
		const char *file;                                              \
		unsigned line;                                                 \
		const struct conf_node *node;                                  \
		keys(KEY_MEMBER)                                               \
	};
BLOCKS(B)
#undef B

enum {
	SETTINGS_SOCKETS = 60, /* of all listeners; they travel beside one
				  frame, see WIRE_MOST_FDS */
	SETTINGS_RELAYS = 128,
	SETTINGS_TYPES = 16,
	SETTINGS_QUOTAS = 128,
	SETTINGS_RELAY_QUOTAS = 8, /* of one relay */
	SETTINGS_ROUTES = 10000,
	SETTINGS_CLASSIFIES = 1000, /* each message looks at all of them */
	SETTINGS_ARCHIVES = 8,      /* each may add a recipient to a message */
	SETTINGS_ARCHIVE_TO = 254,  /* octets of an address */
	SETTINGS_REPLIES = 200, /* each failed attempt looks at all of them */
	SETTINGS_FIELDS = 32,   /* header fields that classify rules name */
	SETTINGS_REQUIRED = 8,  /* header fields that one source asks for */
	SETTINGS_NETWORKS = 10000, /* of all sources; each session looks at
				      them once */
};

/* Kept whole: the tree says where each value came from. */
struct settings_memory {
	struct arena arena;
	struct conf conf;
};

struct settings {
	GLOBAL_KEYS(KEY_MEMBER)
	struct queue_settings queue;
	struct dns_settings dns;
	struct bounce_settings bounce;
	struct suppress_settings suppress;
	struct history_settings history;
	struct returns_settings returns;
	struct guard_settings guard;
	struct tls_settings *certificates; /* blocks `tls` */
	size_t ncertificates;
	struct listen_settings *listens;
	size_t nlistens;
	struct source_settings *sources;
	size_t nsources;
	struct type_settings *types; /* never empty: see settings_types.c */
	size_t ntypes;
	struct classify_settings *classifies;
	size_t nclassifies;
	struct quota_settings *quotas;
	size_t nquotas;
	struct relay_settings *relays;
	size_t nrelays;
	struct route_settings *routes;
	size_t nroutes;
	struct expect_settings *expects;
	size_t nexpects;
	struct reply_settings *replies;
	size_t nreplies;
	struct dkim_settings *dkims;
	size_t ndkims;
	struct archive_settings *archives;
	size_t narchives;
	struct retry_settings *retries;
	size_t nretries;
	const struct relay_settings *no_match_relay;
	const struct retry_settings *normal_retry; /* the block or defaults */
	const struct routing *routing;             /* daemon/routing.h */
	char *control_path;                        /* resolved */
	struct netsets *netsets; /* that sources name; NULL: none, or from
				    memory */
	const struct networks_note *network_notes; /* settings_networks.c */
	struct settings_memory *memory; /* what settings_free frees */
};

/* All errors (and warnings, marked "warning: ") as lines in `report`; NULL if
 * there was an error.  `report` is the caller's, bytes_free it. */
struct settings *settings_load(const char *path, struct bytes *report);
/* The same from memory, for text that settings_print made: it looks at no file,
 * so zones and dates are not checked.  `name` stands for the file in messages. */
struct settings *settings_parse(const char *name, const char *text, size_t n,
				struct bytes *report);
/* Without any value; for settings_load.c. */
struct settings *settings_new(void);
void settings_free(struct settings *s);

/* The configuration in force as text that settings_parse reads back to the
 * same values.  origins: each line says in a comment where it came from. */
void settings_print(const struct settings *s, bool origins, struct bytes *out);
/* etc/mtq.conf and the KEYS part of mtq.conf(5), from the table alone. */
void settings_print_sample(struct bytes *out);
void settings_print_manual(struct bytes *out);

const struct relay_settings *settings_relay(const struct settings *s,
					    const char *name);
bool settings_is_listener(const struct settings *s, const char *name);
/* True when mail may come back to this listener, from any client. */
bool settings_returns_at(const struct settings *s, const char *listener);
/* True when the source is for all listeners, or for this one. */
bool settings_is_for(const struct source_settings *source,
		     const char *listener);
/* history.max_size, or less: what the journal may take of a map of this size. */
uint64_t settings_history_bytes(const struct settings *s, uint64_t map_bytes);

#endif
