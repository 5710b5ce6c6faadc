/*
 * forecast_world - quotas and relays as they will be: copies of the book's terms
 * and counts, moved on in virtual time.  For queue/forecast.c alone.
 */
#ifndef MTQ_FORECAST_WORLD_H
#define MTQ_FORECAST_WORLD_H

#include "queue/book.h"
#include "queue/choose.h"
#include "queue/fair.h"

struct forecast_world {
	const struct settings *s;
	const struct book *b;
	int64_t now_us;
	int64_t since_us; /* small steps from then to now are taken together */
	struct will_quota {
		struct quota_terms terms;
		struct quota_use use;
		struct span window;
		struct book_minute *minute; /* rolling: what will leave */
		size_t first, n, room;
		int64_t full_us, opens_us;
	} * quota;
	struct will_relay {
		int64_t free_us; /* with a rate: it is busy until then */
		struct fair_turns turns;
		size_t quota[SETTINGS_RELAY_QUOTAS];
		size_t nquotas;
	} * relay;
};

void forecast_world_init(struct forecast_world *w, const struct settings *s,
			 const struct book *b, int64_t now_us);
void forecast_world_done(struct forecast_world *w);
/* To a later moment: windows turn, places leave.  What is sent there may have
 * begun at since_us. */
void forecast_world_turn(struct forecast_world *w, int64_t since_us,
			 int64_t to_us);
void forecast_world_choose(struct forecast_world *w, uint32_t way,
			   unsigned type, struct chosen *out);
/* Recipients of this size that the relay's quotas let through. */
size_t forecast_world_room(const struct forecast_world *w, size_t relay,
			   unsigned type, uint64_t size_bytes);
/* When it may let through one more of this size. */
int64_t forecast_world_opens_us(const struct forecast_world *w, size_t relay,
				unsigned type, uint64_t size_bytes);
/* Recipients that go at the relay's rate until one of its windows turns. */
size_t forecast_world_most(const struct forecast_world *w, size_t relay);
int64_t forecast_world_free_us(const struct forecast_world *w, size_t relay);
/* The type with the least has the next turn, see fair.h. */
uint64_t forecast_world_turn_of(const struct forecast_world *w, size_t relay,
				unsigned type);
/* n recipients go; when the last of them has gone. */
int64_t forecast_world_send(struct forecast_world *w, size_t relay,
			    unsigned type, uint64_t size_bytes, size_t n);
/* When it is full, and when it has room again after that; INT64_MAX: not
 * within the time. */
void forecast_world_quota(const struct forecast_world *w, size_t quota,
			  int64_t *full_us, int64_t *opens_us);

#endif
