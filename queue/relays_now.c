#include "queue/relays_now.h"

static bool
is_paused(const struct gate *g, int64_t now_us)
{
	return g->paused &&
	       (g->paused_until_us == 0 || now_us < g->paused_until_us);
}

struct relay_now
relays_gate(const struct settings *s, const struct book *b, size_t relay,
	    int64_t now_us)
{
	const struct gate *g = book_gate(b, relay);

	if (!s->relays[relay].enabled)
		return (struct relay_now){SHUT_DISABLED, INT64_MAX};
	if (is_paused(g, now_us))
		return (struct relay_now){SHUT_PAUSED, g->paused_until_us != 0
							   ? g->paused_until_us
							   : INT64_MAX};
	if (now_us < g->closed_until_us)
		return (struct relay_now){SHUT_CLOSED, g->closed_until_us};
	return (struct relay_now){SHUT_NOT, now_us};
}

struct relay_now
relays_now(const struct settings *s, const struct book *b, size_t relay,
	   unsigned type, int64_t now_us)
{
	struct relay_now now = relays_gate(s, b, relay, now_us);

	if (now.shut != SHUT_NOT)
		return now;
	if (book_room(b, relay, type, 1, 1, now_us) == 0)
		return (struct relay_now){
		    SHUT_SPENT, book_opens_us(b, relay, type, now_us, NULL)};
	if (book_gate(b, relay)->failed_us != 0)
		return (struct relay_now){SHUT_UNREACHABLE, INT64_MAX};
	return now;
}
