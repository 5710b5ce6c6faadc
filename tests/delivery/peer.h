/* peer - a dialogue and the server it talks to, for tests and the fuzzer. */
#ifndef MTQ_TESTS_PEER_H
#define MTQ_TESTS_PEER_H

#include <string.h>

#include "delivery/dialogue.h"

struct peer {
	struct dialogue d;
	struct reply reply;
	struct bytes out;  /* what the dialogue has written in all */
	struct bytes sent; /* of it, what was looked at */
	struct task *task;
	bool closed;
	bool holds;      /* the dot never gets its permit */
	unsigned done;   /* times the task came back */
	unsigned bodies; /* times the body was sent */
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

static inline void
peer_step(struct peer *p, enum dialogue_step step)
{
	switch (step) {
	case DIALOGUE_WAIT:
		break;
	case DIALOGUE_SEND:
		bytes_add_text(&p->out, "Subject: x\r\n\r\n");
		p->bodies++;
		if (p->holds)
			break;
		bytes_add_text(&p->out, ".\r\n");
		dialogue_dot(&p->d);
		break;
	case DIALOGUE_DONE:
		p->done++;
		break;
	case DIALOGUE_CLOSE:
		p->closed = true;
		break;
	}
}

static inline void
peer_open(struct peer *p, struct task *t)
{
	*p = (struct peer){.task = t};
	reply_begin(&p->reply);
	dialogue_init(&p->d, "mtq.test", "peer[127.0.0.1]:25", &p->out);
	peer_step(p, dialogue_begin(&p->d, t));
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
			p->closed = true;
			return;
		}
		if (r != REPLY_MORE && p->d.state == DIALOGUE_EHLO)
			ehlo_line(&p->d.offers, p->reply.line, p->reply.nline);
		if (r != REPLY_WHOLE)
			continue;
		peer_step(p, dialogue_reply(&p->d, &p->reply));
		reply_begin(&p->reply);
	}
}

/* The connection is lost: whoever has no verdict gets one. */
static inline void
peer_lost(struct peer *p)
{
	if (!p->closed && p->done == 0)
		dialogue_end(&p->d, STATUS_LOST, NULL);
	p->closed = true;
}

static inline void
peer_close(struct peer *p)
{
	bytes_free(&p->out);
	bytes_free(&p->sent);
	task_free(p->task);
}

#endif
