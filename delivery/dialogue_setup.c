/* The set-up of a connection: greeting, EHLO, STARTTLS, AUTH. */
#include <stdio.h>
#include <string.h>

#include "delivery/dialogue_private.h"
#include "delivery/judge.h"

static enum dialogue_step
fail(struct dialogue *d, enum status why, const char *detail)
{
	struct verdict v = dialogue_ours(d, why, detail);

	return dialogue_give_up(d, &v);
}

static enum dialogue_step
host_said(struct dialogue *d, const struct reply *r)
{
	struct verdict v = judge_host(r, dialogue_stage(d), d->remote);

	return dialogue_give_up(d, &v);
}

static void
say_hello(struct dialogue *d, const char *verb, enum dialogue_state next)
{
	/* What was said in clear is forgotten (RFC 3207 4.2). */
	d->offers = (struct ehlo){.size_bytes = 0};
	bytes_printf(d->out, "%s %s\r\n", verb, d->hostname);
	dialogue_ask(d, next);
}

static void
learn(struct dialogue *d)
{
	d->pipelining = d->offers.has[EXTENSION_PIPELINING];
	d->eightbit = d->offers.has[EXTENSION_8BITMIME];
	d->utf8 = d->offers.has[EXTENSION_SMTPUTF8];
	d->dsn = d->offers.has[EXTENSION_DSN];
	d->size = d->offers.has[EXTENSION_SIZE];
	d->chunking = d->offers.has[EXTENSION_CHUNKING];
	d->size_most = d->offers.size_bytes;
}

/* An enumerator's words are ours: nothing of them comes from the host. */
static void
note_security(struct dialogue *d, const char *mechanism)
{
	size_t n = strlen(d->security);

	if (n == 0)
		n = (size_t)snprintf(d->security, sizeof d->security, "tls=no");
	if (mechanism != NULL)
		snprintf(d->security + n, sizeof d->security - n, " auth=%s",
			 mechanism);
}

static enum dialogue_step
authenticated(struct dialogue *d)
{
	char why[160];

	if (!sasl_proved(d->sasl, why))
		return fail(d, STATUS_AUTH_FAILED, why);
	note_security(d, mechanism_name(d->mechanism));
	return dialogue_ready(d);
}

static enum dialogue_step
authenticate(struct dialogue *d)
{
	const struct dialogue_terms *t = d->terms;
	struct bytes first = {0};
	char why[160];

	if (!policy_may_auth(&t->policy, d->tls, d->verified))
		return fail(d, STATUS_NO_MECHANISM,
			    d->tls ? "the certificate was not verified"
				   : "the connection is not encrypted");
	if (!sasl_choose(&t->auth, &d->offers.sasl, &t->account, &d->mechanism,
			 why))
		return fail(d, STATUS_NO_MECHANISM, why);
	d->sasl = sasl_open(d->mechanism, &t->account);
	if (d->sasl == NULL || !sasl_first(d->sasl, &first, why)) {
		bytes_free(&first);
		return fail(d, STATUS_AUTH_FAILED,
			    d->sasl == NULL ? "libgsasl refuses" : why);
	}
	bytes_printf(d->out, "AUTH %s", mechanism_name(d->mechanism));
	if (first.n > 0) {
		bytes_add_text(d->out, " ");
		bytes_add(d->out, first.data, first.n);
		secret_wipe(first.data, first.n);
	}
	bytes_add_text(d->out, "\r\n");
	bytes_free(&first);
	dialogue_ask(d, DIALOGUE_AUTH);
	return DIALOGUE_WAIT;
}

/* EHLO (or HELO) was answered: secure it, say who we are, or go on. */
static enum dialogue_step
greeted(struct dialogue *d)
{
	const struct policy *p = &d->terms->policy;

	if (!d->tls && p->tls && d->offers.has[EXTENSION_STARTTLS]) {
		bytes_add_text(d->out, "STARTTLS\r\n");
		dialogue_ask(d, DIALOGUE_STARTTLS);
		return DIALOGUE_WAIT;
	}
	if (!d->tls && p->must)
		return fail(d, STATUS_NO_TLS, NULL);
	if (d->terms->wants_auth)
		return authenticate(d);
	note_security(d, NULL);
	return dialogue_ready(d);
}

static enum dialogue_step
after_auth(struct dialogue *d, const struct reply *r)
{
	struct verdict v;
	char why[160];

	if (r->code == 235)
		return authenticated(d);
	if (r->code == 334) {
		struct bytes line = {0};

		if (sasl_next(d->sasl, r->line, r->nline, &line, why)) {
			bytes_add(d->out, line.data, line.n);
			if (line.n > 0)
				secret_wipe(line.data, line.n);
			bytes_free(&line);
			bytes_add_text(d->out, "\r\n");
			dialogue_ask(d, DIALOGUE_AUTH);
			return DIALOGUE_WAIT;
		}
		bytes_free(&line);
		return fail(d, STATUS_AUTH_FAILED, why);
	}
	if (r->code / 100 != 4 && r->code / 100 != 5)
		return fail(d, STATUS_BAD_REPLY, r->text);
	/* It is about our account, whichever host said it. */
	v = judge_host(r, STAGE_AUTH, d->remote);
	v.blame = BLAME_RELAY;
	if (*sasl_error(d->sasl) != '\0') {
		size_t n = strlen(v.reply);

		snprintf(v.reply + n, sizeof v.reply - n, " (%s)",
			 sasl_error(d->sasl));
	}
	return dialogue_give_up(d, &v);
}

enum dialogue_step
dialogue_setup_reply(struct dialogue *d, const struct reply *r)
{
	switch (d->state) {
	case DIALOGUE_GREETING:
		if (r->code != 220)
			break;
		say_hello(d, "EHLO", DIALOGUE_EHLO);
		return DIALOGUE_WAIT;
	case DIALOGUE_EHLO:
		if (r->code / 100 == 2) {
			learn(d);
			return greeted(d);
		}
		if (r->code / 100 != 5)
			break;
		say_hello(d, "HELO", DIALOGUE_HELO);
		return DIALOGUE_WAIT;
	case DIALOGUE_HELO:
		if (r->code / 100 != 2)
			break;
		learn(d); /* nothing is offered */
		return greeted(d);
	case DIALOGUE_STARTTLS:
		if (r->code != 220)
			break;
		d->state = DIALOGUE_TLS;
		return DIALOGUE_SECURE;
	case DIALOGUE_AUTH:
		return after_auth(d, r);
	case DIALOGUE_TLS:
	case DIALOGUE_READY:
	case DIALOGUE_MAIL:
	case DIALOGUE_RCPT:
	case DIALOGUE_DATA:
	case DIALOGUE_BODY:
	case DIALOGUE_DOT:
	case DIALOGUE_RSET:
	case DIALOGUE_QUIT:
		break;
	}
	return host_said(d, r);
}

enum dialogue_step
dialogue_secured(struct dialogue *d, bool verified, const char *words)
{
	must(d->owed <= 1);
	d->tls = true;
	d->verified = verified;
	snprintf(d->security, sizeof d->security, "%s verify=%s", words,
		 verified ? policy_check_word(d->terms->policy.check) : "no");
	if (d->state == DIALOGUE_GREETING)
		return DIALOGUE_WAIT; /* implicit TLS: it comes now */
	must(d->state == DIALOGUE_TLS);
	say_hello(d, "EHLO", DIALOGUE_EHLO);
	return DIALOGUE_WAIT;
}
