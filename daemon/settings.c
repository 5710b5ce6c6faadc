#include "daemon/settings.h"

#include <stdlib.h>
#include <string.h>

struct settings *
settings_new(void)
{
	struct settings *s = must_alloc(sizeof *s);

	s->memory = must_alloc(sizeof *s->memory);
	return s;
}

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

/* An empty list names all of them. */
static bool
names(const struct texts *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->item[i], name) == 0)
			return true;
	return list->n == 0;
}

bool
settings_is_for(const struct source_settings *source, const char *listener)
{
	return names(&source->listener, listener);
}

bool
settings_is_listener(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->nlistens; i++)
		if (strcmp(s->listens[i].title, name) == 0)
			return true;
	return false;
}

bool
settings_returns_at(const struct settings *s, const char *listener)
{
	return *s->returns.domain != '\0' &&
	       names(&s->returns.listener, listener);
}
