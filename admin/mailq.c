#include "admin/mailq.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "admin/cmd_queue.h"
#include "daemon/log.h"

enum { ADDRESS_SHOWN = ADDRESS_MOST * 3 + 1, REASON_SHOWN = 2048 };

/* "Sat Nov 21 20:54:27" in the zone of who asks, as Postfix has it. */
static void
arrival(uint64_t us, char out[32])
{
	const time_t s = (time_t)(us / SECOND_US);
	struct tm tm;

	if (localtime_r(&s, &tm) == NULL ||
	    strftime(out, 32, "%a %b %e %H:%M:%S", &tm) == 0)
		out[0] = '\0';
}

static char
mark(const struct queue_message *m)
{
	char c = ' ';

	for (size_t i = 0; i < m->nrcpt; i++) {
		if (m->rcpt[i].record.state == RECIPIENT_CLAIMED)
			return '*';
		if (m->rcpt[i].record.state == RECIPIENT_HELD)
			c = '!';
	}
	return c;
}

static void
print_recipients(const struct queue_message *m)
{
	char address[ADDRESS_SHOWN], reason[REASON_SHOWN], last[REASON_SHOWN];

	last[0] = '\0';
	for (size_t i = 0; i < m->nrcpt; i++) {
		const struct recipient_record *r = &m->rcpt[i].record;

		log_safe(r->reason.p, r->reason.n, reason, sizeof reason);
		if (reason[0] != '\0' && strcmp(reason, last) != 0) {
			printf("%*s(%s)\n", 0, "", reason);
			memcpy(last, reason, sizeof last);
		}
		log_safe(r->address.p, r->address.n, address, sizeof address);
		printf("%41s%s\n", "", address);
	}
	printf("\n");
}

static void
print_message(const struct queue_message *m)
{
	char id[ID_TEXT + 1], when[32], sender[ADDRESS_SHOWN];

	id_text(m->id, id);
	arrival(m->record.arrival_us, when);
	log_safe(m->record.sender.p, m->record.sender.n, sender, sizeof sender);
	printf("%s%c %8" PRIu64 " %s  %s\n", id, mark(m), m->record.size_bytes,
	       when, sender[0] != '\0' ? sender : "MAILER-DAEMON");
	print_recipients(m);
}

static bool
print_all(struct store *store, uint64_t *n, uint64_t *octets, struct err *e)
{
	struct queue_filter every = {.any = false};
	struct queue_scan scan;

	queue_scan_init(&scan, store, &every, true);
	while (!scan.ended) {
		if (!queue_scan_page(&scan, e))
			return false;
		for (size_t i = 0; i < scan.n; i++) {
			struct queue_message m;

			if (!queue_message_read(store, scan.hit[i].id, &m, e)) {
				if (e->kind != ERR_NONE)
					return false;
				continue;
			}
			if ((*n)++ == 0)
				printf("-Queue ID-  --Size-- ----Arrival "
				       "Time---- -Sender/Recipient-------\n");
			*octets += m.record.size_bytes;
			print_message(&m);
			queue_message_free(&m);
		}
	}
	return true;
}

int
mailq(struct command *c)
{
	uint64_t n = 0, octets = 0;
	struct err e = {.kind = ERR_NONE};
	struct store *store;
	int code;

	store = queue_open(c, &code);
	if (store == NULL)
		return code;
	code =
	    print_all(store, &n, &octets, &e) ? EXIT_DONE : command_fail(c, &e);
	store_close(store);
	if (code != EXIT_DONE)
		return code;
	if (n == 0)
		printf("Mail queue is empty\n");
	else
		printf("-- %" PRIu64 " Kbytes in %" PRIu64 " Request%s.\n",
		       octets / 1024, n, n == 1 ? "" : "s");
	return EXIT_DONE;
}

int
mailq_flush(struct command *c)
{
	/* Not --all: what is held or has failed is a person's. */
	static char queue[] = "queue", retry[] = "retry", state[] = "--state",
		    waiting[] = "waiting";
	static char *words[] = {queue, retry, state, waiting, NULL};

	c->name = "queue";
	c->argc = 3;
	c->argv = words + 1;
	optind = 0; /* sendmail's options were read */
	opterr = 1;
	return cmd_queue(c);
}
