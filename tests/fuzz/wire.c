/* Every frame between our processes: what a decoder takes, it encodes to
 * octets that decode and encode to the same again. */
#include <string.h>

#include "queue/control.h"
#include "queue/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define ROUND(name)                                                            \
	static void round_##name(const uint8_t *p, size_t n)                   \
	{                                                                      \
		struct bytes one = {0}, two = {0};                             \
		struct name a, b;                                              \
                                                                               \
		if (!name##_decode(&a, p, n))                                  \
			return;                                                \
		name##_encode(&one, &a);                                       \
		must(one.n == n && memcmp(one.data, p, n) == 0);               \
		must(name##_decode(&b, one.data, one.n));                      \
		name##_encode(&two, &b);                                       \
		must(two.n == n && memcmp(two.data, p, n) == 0);               \
		bytes_free(&one);                                              \
		bytes_free(&two);                                              \
	}
ROUND(job_hello)
ROUND(job_share)
ROUND(job)
ROUND(job_recipient)
ROUND(job_dot)
ROUND(job_outcome)
ROUND(control_order)
ROUND(control_answer)
ROUND(suppress_entry)

/* A batch of the suppression list, the same way. */
static void
entries(const uint8_t *p, size_t n)
{
	struct reader r = reader_of(p, n);
	struct suppress_entry one;
	struct bytes again = {0};

	while (suppress_entry_take(&r, &one))
		suppress_entry_add(&again, &one);
	must(again.n <= n);
	must(again.n == 0 || memcmp(again.data, p, again.n) == 0);
	must(!r.ok || again.n == n);
	(void)suppress_batch_valid((struct text){(const char *)p, n});
	bytes_free(&again);
}

/* The recipients of a job: taken one by one, put together again. */
static void
recipients(const uint8_t *p, size_t n)
{
	struct reader r = reader_of(p, n);
	struct job_recipient one;
	struct bytes again = {0};

	while (job_recipient_take(&r, &one))
		job_recipient_add(&again, &one);
	must(again.n <= n);
	must(again.n == 0 || memcmp(again.data, p, again.n) == 0);
	must(!r.ok || again.n == n);
	bytes_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const round[])(const uint8_t *p,
				     size_t n) = {round_job_hello,
						  round_job_share,
						  round_job,
						  round_job_recipient,
						  round_job_dot,
						  round_job_outcome,
						  round_control_order,
						  round_control_answer,
						  round_suppress_entry,
						  entries,
						  recipients};

	if (n == 0)
		return 0;
	round[data[0] % countof(round)](data + 1, n - 1);
	return 0;
}
