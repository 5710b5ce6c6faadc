#include "queue/lane.h"

#include "daemon/wire.h"

uint64_t
lane_pack(const struct lane *l)
{
	must(l->way < ROUTING_WAYS_MOST && l->type < SETTINGS_TYPES &&
	     l->tried < 256 && l->senders < LANE_SENDERS);
	return (uint64_t)l->epoch << 32 | (uint64_t)l->way << 18 |
	       (uint64_t)l->type << 14 | (uint64_t)l->tried << 6 | l->senders;
}

struct lane
lane_unpack(uint64_t lane)
{
	return (struct lane){.epoch = (uint32_t)(lane >> 32),
			     .way = (uint32_t)(lane >> 18) & 0x3fff,
			     .type = (unsigned)(lane >> 14) & 0xf,
			     .tried = (unsigned)(lane >> 6) & 0xff,
			     .senders = (unsigned)lane & 0x3f};
}

/* The relay that alone may carry mail of this source's sandbox; a source that
 * is no more, or names none, leads nowhere. */
static struct text
sandbox_relay(const struct settings *s, struct text source)
{
	for (size_t i = 0; i < s->nsources; i++)
		if (text_is(source, s->sources[i].title))
			return text_of(s->sources[i].sandbox_relay);
	return text_of("");
}

struct routing_ask
lane_ask(const struct settings *s, const struct message_record *m,
	 const struct recipient_record *r)
{
	struct routing_ask ask = {.recipient = r->address,
				  .type = routing_type(s, m->type)};

	if (r->archive) { /* from nobody, like a report */
		if (r->orcpt.n > 0)
			ask.only = r->orcpt;
		return ask;
	}
	ask.author = m->author;
	ask.sender = m->sender;
	ask.source = m->source;
	if (m->flags & MESSAGE_SANDBOX)
		ask.only = sandbox_relay(s, m->source);
	return ask;
}

struct lane
lane_of(const struct settings *s, const struct routing_ask *ask)
{
	struct text who = ask->author.n > 0 ? ask->author : ask->sender;
	struct routing_answer a;

	routing_find(s, ask, &a);
	return (struct lane){.epoch = routing_epoch(s),
			     .way = a.way,
			     .type = ask->type,
			     .senders = crc32c(0, who.p, who.n) %
					(unsigned)LANE_SENDERS};
}
