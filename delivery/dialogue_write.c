/* The commands of a transaction, with the parameters the server takes. */
#include <inttypes.h>

#include "delivery/dialogue_private.h"

void
dialogue_write_mail(struct dialogue *d)
{
	const struct job *j = &d->task->job;

	bytes_printf(d->out, "MAIL FROM:<%.*s>", (int)j->sender.n, j->sender.p);
	if (d->size)
		bytes_printf(d->out, " SIZE=%" PRIu64, task_bytes(d->task));
	if (d->eightbit && (j->flags & (MESSAGE_8BIT | MESSAGE_HAS_8BIT)))
		bytes_add_text(d->out, " BODY=8BITMIME");
	if (d->utf8 && (j->flags & MESSAGE_SMTPUTF8))
		bytes_add_text(d->out, " SMTPUTF8");
	if (d->dsn && (j->flags & MESSAGE_RET_FULL))
		bytes_add_text(d->out, " RET=FULL");
	if (d->dsn && (j->flags & MESSAGE_RET_HDRS))
		bytes_add_text(d->out, " RET=HDRS");
	if (d->dsn && j->envid.n > 0)
		bytes_printf(d->out, " ENVID=%.*s", (int)j->envid.n,
			     j->envid.p);
	bytes_add_text(d->out, "\r\n");
	d->owed++;
}

static void
write_notify(struct bytes *out, uint8_t notify)
{
	static const struct {
		uint8_t bit;
		const char *word;
	} row[] = {{NOTIFY_NEVER, "NEVER"},
		   {NOTIFY_SUCCESS, "SUCCESS"},
		   {NOTIFY_FAILURE, "FAILURE"},
		   {NOTIFY_DELAY, "DELAY"}};
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < countof(row); i++)
		if (notify & row[i].bit) {
			bytes_printf(out, "%s%s", before, row[i].word);
			before = ",";
		}
}

void
dialogue_write_rcpt(struct dialogue *d, uint32_t i)
{
	const struct job_recipient *r = &d->task->rcpt[i];

	bytes_printf(d->out, "RCPT TO:<%.*s>", (int)r->address.n, r->address.p);
	if (d->dsn) {
		write_notify(d->out, r->notify);
		if (r->orcpt.n > 0)
			bytes_printf(d->out, " ORCPT=%.*s", (int)r->orcpt.n,
				     r->orcpt.p);
	}
	bytes_add_text(d->out, "\r\n");
	d->owed++;
}

void
dialogue_write_data(struct dialogue *d)
{
	bytes_add_text(d->out, "DATA\r\n");
	d->owed++;
}
