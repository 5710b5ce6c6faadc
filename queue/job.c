#include "queue/job.h"

WIRE_CODEC(job_hello, HELLO_FIELDS)
WIRE_CODEC(job_share, SHARE_FIELDS)
WIRE_CODEC(job, JOB_FIELDS)
WIRE_CODEC(job_recipient, JOB_RECIPIENT_FIELDS)
WIRE_CODEC(job_dot, DOT_FIELDS)
WIRE_CODEC(job_permit, PERMIT_FIELDS)
WIRE_CODEC(job_outcome, OUTCOME_FIELDS)

void
job_recipient_add(struct bytes *blob, const struct job_recipient *r)
{
	size_t at = blob->n;

	bytes_u32(blob, 0);
	job_recipient_encode(blob, r);
	put_le32(blob->data + at, (uint32_t)(blob->n - at - 4));
}

bool
job_recipient_take(struct reader *r, struct job_recipient *out)
{
	struct text one;

	if (!r->ok || r->p == r->end)
		return false;
	r->ok = wire_get_blob(r, &one, UINT32_MAX) &&
		job_recipient_decode(out, one.p, one.n);
	return r->ok;
}
