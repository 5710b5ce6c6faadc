#include "admin/explain_dkim.h"

struct asking {
	struct loop *loop;
	struct dkim *dkim;
	struct timer timer;
	size_t left;
	struct question {
		struct asking *of;
		struct query query;
	} question[DKIM_TRIED];
};

static void
answered(struct query *q, const struct answer *a)
{
	struct question *x = container_of(q, struct question, query);
	struct asking *all = x->of;

	dkim_answer(all->dkim, (size_t)(x - all->question), a);
	if (--all->left == 0)
		loop_stop(all->loop);
}

static void
too_late(struct timer *t)
{
	loop_stop(container_of(t, struct asking, timer)->loop);
}

void
explain_dkim(void *arg, struct dkim *d)
{
	const struct dns_settings *dns = arg;
	struct asking *all = must_alloc(sizeof *all); /* see the header */
	size_t n = dkim_questions(d);
	struct validator *v;

	must(n <= countof(all->question));
	all->loop = loop_open();
	all->dkim = d;
	all->left = n;
	timer_open(all->loop, &all->timer, too_late);
	timer_start(&all->timer, EXPLAIN_DKIM_MS);
	v = validator_open(all->loop, dns);
	for (size_t i = 0; i < n; i++) {
		struct question *x = &all->question[i];

		x->of = all;
		x->query = (struct query){.answered = answered,
					  .name = dkim_name_at(d, i),
					  .type = RECORD_TXT};
		validator_ask(v, &x->query);
	}
	if (all->left > 0)
		loop_run(all->loop);
	for (size_t i = 0; i < n; i++)
		validator_cancel(&all->question[i].query);
	timer_stop(&all->timer);
}
