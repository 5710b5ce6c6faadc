/* peer - a dialogue and the server it talks to, for tests and the fuzzer. */
#ifndef MTQ_TESTS_PEER_H
#define MTQ_TESTS_PEER_H

#include <string.h>

#include "delivery/dialogue.h"

struct peer {
	struct dialogue d;
	struct dialogue_terms terms; /* no TLS, no credential, if not set */
	struct reply reply;
	struct bytes out;  /* what the dialogue has written in all */
	struct bytes sent; /* of it, what was looked at */
	struct task *task;
	bool closed;
	bool verified;    /* what the handshake says */
	bool holds;       /* the dot never gets its permit */
	unsigned done;    /* times the task came back */
	unsigned bodies;  /* times the body was sent */
	unsigned secured; /* handshakes that were asked for */
};

/* A JOB with n recipients; flags as MESSAGE_*. */
static inline struct task *
peer_task(uint32_t n, uint32_t flags, const char *sender)
{
	struct bytes blob = {0}, frame = {0};
	struct task *t;
	struct job j = {.job = 7,
			.message = 9,
			.relay = text_of("out"),
			.sender = text_of(sender),
			.envid = text_of("e+20x"),
			.flags = flags,
			.size_bytes = 1000,
			.chunks = 1,
			.nrecipients = n};

	for (uint32_t i = 0; i < n; i++) {
		struct job_recipient r = {.rcpt = i,
					  .notify =
					      NOTIFY_FAILURE | NOTIFY_DELAY,
					  .address = text_of("b@to.test"),
					  .orcpt = text_of("rfc822;b@to.test")};

		job_recipient_add(&blob, &r);
	}
	j.recipients = (struct text){(const char *)blob.data, blob.n};
	job_encode(&frame, &j);
	t = task_open(frame.data, frame.n, 1);
	bytes_free(&blob);
	bytes_free(&frame);
	return t;
}

/* A set-up that failed has touched no mail; here nobody else will have it. */
static inline void
peer_closed(struct peer *p)
{
	if (!p->d.set_up)
		task_judge_rest(p->task, &p->d.trouble);
	p->closed = true;
}

static inline void
peer_step(struct peer *p, enum dialogue_step step)
{
	switch (step) {
	case DIALOGUE_WAIT:
		break;
	case DIALOGUE_SECURE:
		p->secured++;
		peer_step(p, dialogue_secured(&p->d, p->verified,
					      "tls=TLS1.3 cipher=x"));
		break;
	case DIALOGUE_SEND:
		bytes_add_text(&p->out, "Subject: x\r\n\r\n");
		p->bodies++;
		if (p->holds)
			break;
		bytes_add_text(&p->out, dialogue_end_mark(&p->d));
		dialogue_dot(&p->d);
		break;
	case DIALOGUE_DONE:
		p->done++;
		break;
	case DIALOGUE_CLOSE:
		peer_closed(p);
		break;
	}
}

static inline void
peer_open_with(struct peer *p, struct task *t,
	       const struct dialogue_terms *terms)
{
	*p = (struct peer){.task = t, .terms = *terms, .verified = true};
	reply_begin(&p->reply);
	dialogue_init(&p->d, "mtq.test", "peer[127.0.0.1]:25", &p->terms,
		      &p->out);
	peer_step(p, dialogue_begin(&p->d, t));
}

static inline void
peer_open(struct peer *p, struct task *t)
{
	static const struct dialogue_terms none;

	peer_open_with(p, t, &none);
}

/* Octets from the server. */
static inline void
peer_says(struct peer *p, const void *octets, size_t n)
{
	const unsigned char *o = octets;

	while (n > 0 && !p->closed) {
		size_t k = n;
		enum reply_step r = reply_feed(&p->reply, o, &k);

		o += k;
		n -= k;
		if (r == REPLY_BAD) {
			dialogue_end(&p->d, STATUS_BAD_REPLY, p->reply.why);
			peer_closed(p);
			return;
		}
		if (r != REPLY_MORE && p->d.state == DIALOGUE_EHLO)
			ehlo_line(&p->d.offers, p->reply.line, p->reply.nline);
		if (r != REPLY_WHOLE)
			continue;
		peer_step(p, dialogue_reply(&p->d, &p->reply));
		reply_begin(&p->reply);
		p->reply.long_lines = p->d.state == DIALOGUE_AUTH;
	}
}

/* The connection is lost: whoever has no verdict gets one. */
static inline void
peer_lost(struct peer *p)
{
	if (!p->closed && p->done == 0)
		dialogue_end(&p->d, STATUS_LOST, NULL);
	if (!p->closed && p->done == 0)
		peer_closed(p);
	p->closed = true;
}

static inline void
peer_close(struct peer *p)
{
	dialogue_free(&p->d);
	bytes_free(&p->out);
	bytes_free(&p->sent);
	task_free(p->task);
}

#endif
