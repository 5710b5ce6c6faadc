#include "queue/session_private.h"

size_t
session_memory(const struct session *s)
{
	const size_t each = sizeof s->rcpt[0] + sizeof s->order[0];
	size_t n = sizeof *s + s->texts.room + s->chunk.room +
		   s->refusals.texts.room + s->verdicts.texts.room +
		   s->header.from.room + s->back.copy.room;

	n += s->rcpt_room * each;
	if (s->door != NULL)
		n += sizeof *s->door;
	n += dkim_memory(s->dkim);
	if (s->given != NULL)
		n += s->nrcpt * sizeof s->given[0];
	if (s->watched != NULL)
		n += sizeof *s->watched +
		     s->watched->n * sizeof s->watched->field[0];
	if (s->back.report != NULL)
		n += sizeof *s->back.report;
	return n;
}

uint64_t
session_octets(const struct session *s)
{
	return s->id != 0 ? s->content_bytes : 0;
}

/* Of several types the lightest waits; where all weigh the same there is none
 * that could wait for the others. */
static bool
lightest(const struct settings *s, unsigned type)
{
	bool others = false;

	for (size_t i = 0; i < s->ntypes; i++) {
		if (s->types[i].weight < s->types[type].weight)
			return false;
		others = others || s->types[i].weight > s->types[type].weight;
	}
	return others;
}

bool
session_shed(struct session *s)
{
	if (s->room == SESSION_ROOM || !lightest(s->settings, s->type_place))
		return false;
	session_decline(s, "END-OF-MESSAGE",
			"451 4.3.2 %s Error: overloaded, try again later",
			s->hostname);
	return true;
}
