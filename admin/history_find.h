/*
 * history_find - which recipients somebody asks about: by a Message-ID or an
 * address, in the journal and in the queue.
 *
 * Addresses are the same when the suppression list says so (queue/suppress.h):
 * letters of ASCII are compared without case.
 *
 * Bounded  HISTORY_FOUND_MOST recipients; each entry is looked at once.
 * Owner    history_find/history_found_free.
 * Errors   false with a sentence.
 */
#ifndef MTQ_HISTORY_FIND_H
#define MTQ_HISTORY_FIND_H

#include "queue/return_path.h"
#include "queue/store.h"
#include "queue/suppress.h"

enum { HISTORY_FOUND_MOST = 1 << 20 };

struct history_ask {
	struct text message_id; /* without its brackets; n 0: see key */
	const char *address;    /* as it was typed */
	unsigned char key[SUPPRESS_KEY];
	size_t nkey;
	int64_t since_us;
	/* Called for each page, with the time that was reached; may be NULL. */
	void (*progress)(void *arg, int64_t at_us, size_t found);
	void *arg;
};
/* "<a@b>" is a Message-ID, "a@b" an address.  False: it is neither. */
bool history_ask_parse(struct history_ask *a, const char *text) MUST_USE;

/* An address of our own that mail left with (return_path = verp) names its
 * recipient; how old it is does not matter here. */
bool history_of_return_path(struct store *s, const struct settings *settings,
			    const char *text, int64_t now_us,
			    enum return_path_answer *answer,
			    struct return_path *out, struct err *e) MUST_USE;

struct history_target {
	uint64_t message;
	uint32_t rcpt; /* UINT32_MAX: all of them */
};
struct history_found {
	struct history_target *at; /* in order, each once */
	size_t n;
	size_t room;
};
bool history_find(struct store *s, const struct history_ask *a,
		  struct history_found *out, struct err *e) MUST_USE;
void history_found_free(struct history_found *f);

#endif
