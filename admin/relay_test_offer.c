#include "admin/relay_test_offer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "admin/relay_test_step.h"
#include "daemon/log.h"

static const struct show_field fields[] = {
    {"extensions", NULL, SHOW_WORDS, false},
    {"tls", NULL, SHOW_FLAG, false},
};

static void
on_line(void *arg, const char *p, size_t n)
{
	struct relay_test_offer *o = arg;

	ehlo_line(&o->ehlo, p, n);
	if (n == 8 && strncasecmp(p, "STARTTLS", 8) == 0)
		o->starttls = true;
	/* "AUTH=" is how servers of 1998 say it, and some still do. */
	if (n > 5 && strncasecmp(p, "AUTH", 4) == 0 &&
	    (p[4] == ' ' || p[4] == '='))
		sasl_offer_line(&o->sasl, p + 5, n - 5);
	if (o->n < OFFER_WORDS)
		log_safe(p, n, o->word[o->n++], OFFER_WORD);
}

static void
show(struct relay_test *t, const struct relay_test_wire *w,
     const struct relay_test_offer *o, struct relay_test_step *s)
{
	struct text word[OFFER_WORDS];
	struct show_value value[countof(fields)];

	for (size_t i = 1; i < o->n; i++) {
		word[i - 1] = text_of(o->word[i]);
		sentence_add(&s->said, "%s%s", i > 1 ? ", " : "", o->word[i]);
	}
	if (o->n <= 1)
		sentence_add(&s->said, "no extensions");
	value[0] = show_words(word, o->n > 1 ? o->n - 1 : 0);
	value[1] = show_flag(w->tls != NULL);
	s->field = fields;
	s->value = value;
	s->n = countof(fields);
	relay_test_step(t->json, s);
}

bool
relay_test_offer(struct relay_test *t, struct relay_test_wire *w,
		 struct relay_test_offer *o)
{
	const int64_t within_us = t->relay->command_timeout_us;
	const int64_t began_us = now_steady_us();
	struct relay_test_step s = {.name = "ehlo", .how = STEP_OK};
	char line[300];
	bool ok;

	*o = (struct relay_test_offer){.n = 0};
	snprintf(line, sizeof line, "EHLO %.253s\r\n", t->s->hostname);
	ok = relay_test_wire_write(w, line, strlen(line), within_us) &&
	     relay_test_wire_reply(w, "the reply to EHLO", on_line, o,
				   within_us);
	if (ok && w->reply.code / 100 == 5) { /* RFC 5321 3.2 */
		snprintf(line, sizeof line, "HELO %.253s", t->s->hostname);
		*o = (struct relay_test_offer){.n = 0};
		ok = relay_test_wire_say(w, line, "the reply to HELO",
					 within_us);
	}
	s.us = now_steady_us() - began_us;
	if (ok && w->reply.code / 100 == 2) {
		o->utf8 = o->ehlo.has[EXTENSION_SMTPUTF8];
		show(t, w, o, &s);
		return true;
	}
	snprintf(t->why, sizeof t->why, "EHLO: %s",
		 ok ? w->reply.text : w->why);
	s.how = STEP_NOT;
	sentence_add(&s.said, "%s", t->why);
	relay_test_step(t->json, &s);
	return false;
}
