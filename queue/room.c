#include "queue/room.h"

enum {
	STEP_BYTES = 16 << 20, /* of reports in one transaction ... */
	STEP_PART = 64,        /* ... and at most this part of the map */
};

enum bounces_room
room_pressure(const struct settings *s, const struct store_room *r)
{
	uint64_t all = min_of(r->map_bytes, r->file_bytes + r->disk_free_bytes);
	uint64_t part = all / 100;
	uint64_t above = 100 - s->queue.high_water_percent;

	if (r->used_bytes > all - part * above / 4)
		return BOUNCES_NONE;
	if (r->used_bytes > all - part * above / 2)
		return BOUNCES_TIGHT;
	return BOUNCES_ROOM;
}

uint64_t
room_step_bytes(uint64_t map_bytes)
{
	return min_of((uint64_t)STEP_BYTES, map_bytes / STEP_PART);
}
