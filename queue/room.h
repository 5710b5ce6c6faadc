/*
 * room - how near the queue's file is to its end, and what the scheduler does
 * about it.
 *
 * Above queue.high_water the receiver takes no more mail, but what is in the
 * queue still has to end: each end is an entry of the journal, each failure a
 * report.  What lies above high_water is therefore shared out: the journal takes
 * at most half of it.  When half of it is used, failed mail is no longer kept to
 * be looked at and reports hold no originals; when three quarters are, no reports
 * are made, which the journal records.  So every step can end, whatever is in the
 * queue.
 *
 * Pure.
 * Unit     octets.
 */
#ifndef MTQ_ROOM_H
#define MTQ_ROOM_H

#include "queue/bounce.h"
#include "queue/store.h"

/* What the file can grow to: its map, or what the disk has left. */
enum bounces_room room_pressure(const struct settings *s,
				const struct store_room *r);
/* How large the reports of one step may be, to fit into one transaction. */
uint64_t room_step_bytes(uint64_t map_bytes);

#endif
