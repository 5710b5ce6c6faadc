#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "queue/lane.h"
#include "queue/session_private.h"

/* What the message under way has told so far goes over by name; of a field
 * that nobody asked for until now we know what is still to come. */
static void
take_over(struct session *s, struct watched_field *w)
{
	for (size_t i = 0; s->watched != NULL && i < s->watched->n; i++) {
		struct watched_field *old = &s->watched->field[i];

		if (strcasecmp(old->name, w->name) != 0)
			continue;
		w->seen = old->seen;
		memcpy(w->value, old->value, sizeof w->value);
		if (s->header.watch == old->value)
			s->header.watch = w->value;
		return;
	}
}

void
session_watch(struct session *s)
{
	const char *name[CLASSIFY_FIELDS];
	const size_t n = classify_names(s->settings, name);
	struct watched *w = NULL;
	char *watch = s->header.watch;

	if (n > 0)
		w = must_alloc(sizeof *w + n * sizeof w->field[0]);
	for (size_t i = 0; i < n; i++) {
		w->field[i].name = name[i];
		w->field[i].nname = strlen(name[i]);
		take_over(s, &w->field[i]);
		w->n++;
	}
	if (s->header.watch == watch) /* its field is not asked for any more */
		s->header.watch = NULL;
	free(s->watched);
	s->watched = w;
}

static void
find_type(struct session *s, struct text sender)
{
	struct classify_field field[CLASSIFY_FIELDS];
	struct classify_ask ask = {.field = field,
				   .author = text_of(s->author),
				   .sender = sender,
				   .source = text_of(s->source),
				   .listener = text_of(s->listener),
				   .account = text_of(s->account),
				   .size_bytes = s->content_bytes};
	struct classify_answer a;

	for (size_t i = 0; s->watched != NULL && i < s->watched->n; i++) {
		const struct watched_field *w = &s->watched->field[i];

		field[ask.nfields++] =
		    (struct classify_field){w->name, w->seen ? w->value : NULL};
	}
	classify(s->settings, &ask, &a);
	s->type_place = a.type;
	text_copy(text_of(s->settings->types[a.type].title), s->type,
		  sizeof s->type);
}

void
session_type(struct session *s)
{
	const struct header *h = &s->header;

	mailbox_first((struct text){(const char *)h->from.data, h->from.n},
		      !h->from_cut, s->author);
	find_type(s, (struct text){(const char *)s->texts.data + s->sender,
				   s->nsender});
}

void
session_sort(struct session *s)
{
	const bool one_way = routing_ways(s->settings) == 1;
	struct message_record m = {
	    .sender = {(const char *)s->texts.data + s->sender, s->nsender},
	    .source = text_of(s->source)};

	session_type(s);
	m.author = text_of(s->author);
	m.type = text_of(s->type);
	if (s->door->verdict.sandbox)
		m.flags = MESSAGE_SANDBOX;
	for (uint32_t i = 0; i < s->nrcpt; i++) {
		struct recipient_record r = {.address = s->given[i].address};
		struct routing_ask ask;
		struct lane l;

		if (i > 0 && one_way) { /* the same for everybody */
			s->given[i].lane = s->given[0].lane;
			continue;
		}
		ask = lane_ask(s->settings, &m, &r);
		l = lane_of(s->settings, &ask);
		s->given[i].lane = lane_pack(&l);
	}
}

uint8_t
session_copies(struct session *s)
{
	const size_t room = s->nrcpt + s->settings->narchives;
	char *texts = (char *)(s->given + room);
	uint8_t n = 0;

	if (s->door->verdict.sandbox)
		return 0; /* it goes nowhere but to its relay */
	for (size_t i = 0; i < s->settings->narchives;
	     i++, texts += ARCHIVE_TEXT)
		n += archive_recipient(s->settings, i, text_of(s->type),
				       text_of(s->source), texts,
				       &s->given[s->nrcpt + n]);
	return n;
}
