#include "daemon/settings.h"

#include <stdlib.h>
#include <string.h>

void
settings_free(struct settings *s)
{
	struct settings_memory *m;

	if (s == NULL)
		return;
	m = s->memory;
	conf_free(&m->conf);
	arena_free(&m->arena);
	free(m);
	free(s);
}

const struct relay_settings *
settings_relay(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->nrelays; i++)
		if (strcmp(s->relays[i].title, name) == 0)
			return &s->relays[i];
	return NULL;
}

static bool
is_for(const struct source_settings *source, const struct listen_settings *l)
{
	for (size_t i = 0; i < source->listener.n; i++)
		if (strcmp(source->listener.item[i], l->title) == 0)
			return true;
	return source->listener.n == 0;
}

const struct source_settings *
settings_source(const struct settings *s, const struct listen_settings *l,
		const struct sockaddr *peer)
{
	unsigned char addr[16];

	if (!net_address(peer, addr))
		return NULL;
	for (size_t i = 0; i < s->nsources; i++) {
		const struct source_settings *source = &s->sources[i];

		for (size_t j = 0; j < source->from_ip.n; j++)
			if (net_holds(&source->from_ip.net[j], addr) &&
			    is_for(source, l))
				return source;
	}
	return NULL;
}
