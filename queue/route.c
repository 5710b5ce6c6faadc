#include "queue/route.h"

const struct relay_settings *
route_relay(const struct settings *s)
{
	return s->no_match_relay;
}
