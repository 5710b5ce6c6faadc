/* When what waits will go: answers that were worked out by hand. */
#include "tests/queue/box.h"

#include "queue/forecast.h"
#include "tests/queue/talker.h"

/* BOX_NOW is not midnight, so the first day is a short one. */
#define FRONT                                                                  \
	"instance=test hostname=a.b zone=Etc/UTC no_match=crm\n"               \
	"listen l {address=127.0.0.1:1}\n"                                     \
	"source s {from_ip=192.0.2.0/24}\n"                                    \
	"type individual {weight=6 lifetime=30d}\n"                            \
	"type workflow {weight=3 lifetime=30d}\n"                              \
	"type mass {weight=1 lifetime=30d}\n"
#define RELAY(name, more) "relay " name " {host=c.d " more "}\n"
#define CRM(more)         RELAY("crm", "role=crm " more)

enum type { INDIVIDUAL, WORKFLOW, MASS };

struct row {
	const char *name;
	const char *conf;
	uint64_t waiting[3];
	/* The day on which the last one of a type goes, 0 today; -1: none does.
	 */
	int day[3];
	uint64_t expiring;
	int64_t through_s; /* of all, after now; -1: not looked at */
	int64_t apart_us;  /* between two that are due */
	uint64_t bouncing; /* the route's own word */
	uint64_t size;     /* 0: 1,000 octets each */
};

static const struct row rows[] = {
    {"nothing holds it",
     FRONT RELAY("a", "") CRM("") "route r {priority=1 "
				  "via=a}\n",
     {1000, 10, 5},
     {0, 0, 0},
     .through_s = 0},
    {"5,000 a day, 12,000 wait: the third day",
     FRONT "quota q {limit=5000}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a}\n",
     {12000, 0, 0},
     {2, -1, -1},
     .through_s = -1},
    {"what is over goes to the CRM server today",
     FRONT
     "quota q {limit=2000}\nquota e {limit=5000}\n" RELAY("a", "quota=[q, e]")
	 CRM("quota=e") "route r {priority=1 via=a on_exhausted=crm}\n",
     {5000, 0, 0},
     {0, -1, -1},
     .through_s = 0},
    {"the edition's limit holds for both together",
     FRONT
     "quota q {limit=2000}\nquota e {limit=5000}\n" RELAY("a", "quota=[q, e]")
	 CRM("quota=e") "route r {priority=1 via=a on_exhausted=crm}\n",
     {5001, 0, 0},
     {1, -1, -1},
     .through_s = -1},
    {"a cap holds one type alone",
     FRONT "quota q {limit=5000 cap {mass=100}}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a}\n",
     {100, 0, 250},
     {0, -1, 2},
     .through_s = -1},
    {"a reserve is kept for its type",
     FRONT "quota q {limit=1000 reserve {workflow=400} release=0%}\n" RELAY(
	 "a", "quota=q") CRM("") "route r {priority=1 via=a}\n",
     {601, 400, 0},
     {1, 0, -1},
     .through_s = -1},
    {"14/s: 1,400 in 100 s",
     FRONT RELAY("a", "rate=14/s") CRM("") "route r {priority=1 via=a}\n",
     {1400, 0, 0},
     {0, -1, -1},
     .through_s = 100},
    /* today, and 30 midnights until the 30 days are over: 31 times 10 */
    {"the lifetime ends first",
     FRONT "quota q {limit=10}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a}\n",
     {400, 0, 0},
     {30, -1, -1},
     .expiring = 90,
     .through_s = -1},
    {"a closed quota never opens",
     FRONT "quota q {limit=0}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a}\n",
     {3, 0, 0},
     {-1, -1, -1},
     .expiring = 3,
     .through_s = -1},
    /* 1,048,576 octets hold three of 300,000; ten of them: 3, 3, 3, 1 */
    {"octets: what is left of a day is too small for the next",
     FRONT "quota q {limit=1048576 unit=bytes}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a on_exhausted=crm}\n",
     {10, 0, 0},
     {3, -1, -1},
     .through_s = -1,
     .size = 300000},
    {"one that is larger than the limit expires, and the days pass quickly",
     FRONT "quota q {limit=1048576 unit=bytes spread=yes}\n" RELAY(
	 "a", "quota=q") CRM("") "route r {priority=1 via=a}\n",
     {7, 0, 0},
     {-1, -1, -1},
     .expiring = 7,
     .through_s = -1,
     .size = 2000000},
    {"the route bounces what is over, however much that is",
     FRONT "quota q {limit=10}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a on_exhausted=bounce}\n",
     {90000, 0, 0},
     {0, -1, -1},
     .bouncing = 89990},
    {"each is due at a moment of its own",
     FRONT RELAY("a", "") CRM("") "route r {priority=1 via=a}\n",
     {9000, 0, 0},
     {0, -1, -1},
     .through_s = 8999,
     .apart_us = SECOND_US},
    /* 44 s into a minute, which leaves when its end is a day ago: in 86,416 s,
     * and again 86,460 s later. */
    {"rolling: places of a minute come back together",
     FRONT "quota q {limit=100 window=rolling}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a}\n",
     {250, 0, 0},
     {2, -1, -1},
     .through_s = 86416 + 86460},
    /* 36,000 s of sending, then midnight, 59,056 s from now */
    {"a rate until the day's limit, and again from midnight",
     FRONT "quota q {limit=36000}\n" RELAY("a", "rate=1/s quota=q")
	 CRM("") "route r {priority=1 via=a}\n",
     {60000, 0, 0},
     {1, -1, -1},
     .through_s = 59056 + 24000},
    {"a month's limit is shared by two relays",
     FRONT "quota q {limit=300 window=month}\n" RELAY("a", "quota=q") RELAY(
	 "b", "quota=q") CRM("quota=q") "route r {priority=1 via=[a, b]}\n",
     {400, 0, 0},
     {10, -1, -1},
     .through_s = -1},
    /* at 23:45 */
    {"a quarter of an hour lets a 96th go",
     FRONT "quota q {limit=9600 spread=yes}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a}\n",
     {9600, 0, 0},
     {0, -1, -1},
     .through_s = 16 * 3600 + 9 * 60 + 16},
};

/* A book without charges and a backlog for it. */
struct scene {
	struct settings *s;
	struct box box;
	struct book *b;
	struct forecast f;
};

static void
scene_open(struct scene *g, const char *conf)
{
	*g = (struct scene){.s = talker_settings(conf)};
	box_make(&g->box);
	box_read(&g->box);
	g->b = book_open(g->box.t, g->s, BOX_NOW, &g->box.e);
	assert_non_null(g->b);
}

static void
scene_close(struct scene *g)
{
	forecast_free(&g->f);
	book_close(g->b);
	box_end(&g->box);
	box_remove(&g->box);
	settings_free(g->s);
}

static uint32_t
way_of(const struct scene *g, unsigned type)
{
	struct routing_ask ask = {.sender = text_of("a@b.example"),
				  .recipient = text_of("c@d.example"),
				  .source = text_of("s"),
				  .type = type};
	struct routing_answer a;

	routing_find(g->s, &ask, &a);
	return a.way;
}

static void
add(struct scene *g, unsigned type, uint64_t n, int64_t due_us,
    int64_t apart_us, uint64_t size)
{
	uint32_t way = way_of(g, type);

	for (uint64_t i = 0; i < n; i++)
		forecast_add(&g->f, way, type, due_us + (int64_t)i * apart_us,
			     BOX_NOW, size);
}

static int
day_of(int64_t at_us)
{
	return at_us == 0 ? -1 : (int)(at_us / DAY_US - BOX_NOW / DAY_US);
}

static void
compare(const struct row *row, const struct forecast *f)
{
	int64_t off = f->all.through_us - BOX_NOW - row->through_s * SECOND_US;

	for (unsigned t = 0; t < 3; t++)
		if (day_of(f->type[t].through_us) != row->day[t])
			fail_msg("%s: type %u on day %d, not %d", row->name, t,
				 day_of(f->type[t].through_us), row->day[t]);
	if (f->all.expiring != row->expiring || f->all.never != 0 ||
	    f->all.bouncing != row->bouncing)
		fail_msg("%s: %llu expire, %llu bounce, %llu never go",
			 row->name, (unsigned long long)f->all.expiring,
			 (unsigned long long)f->all.bouncing,
			 (unsigned long long)f->all.never);
	if (row->through_s >= 0 && (off < -SECOND_US || off > SECOND_US))
		fail_msg("%s: through %lld s off", row->name,
			 (long long)(off / SECOND_US));
}

static void
by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *row = &rows[i];
		struct scene g;

		scene_open(&g, row->conf);
		for (unsigned t = 0; t < 3; t++)
			add(&g, t, row->waiting[t], BOX_NOW, row->apart_us,
			    row->size != 0 ? row->size : 1000);
		forecast_run(&g.f, g.s, g.b, BOX_NOW);
		compare(row, &g.f);
		scene_close(&g);
	}
}

/* A busy relay's types leave by weight: when 600 of weight 6 have gone, about
 * 100 of weight 1 have. */
static void
types_share(void **state)
{
	struct scene g;
	int64_t first_s;

	(void)state;
	scene_open(&g, FRONT RELAY("a", "rate=10/s")
			   CRM("") "route r {priority=1 via=a}\n");
	add(&g, INDIVIDUAL, 6000, BOX_NOW, 0, 1000);
	add(&g, MASS, 6000, BOX_NOW, 0, 1000);
	forecast_run(&g.f, g.s, g.b, BOX_NOW);
	first_s = (g.f.type[INDIVIDUAL].through_us - BOX_NOW) / SECOND_US;
	assert_in_range(first_s, 690, 730); /* 7,000 at 10/s */
	assert_in_range((g.f.all.through_us - BOX_NOW) / SECOND_US, 1195, 1205);
	scene_close(&g);
}

/* Who comes late has saved nothing up: from then on both go, 6 to 1. */
static void
a_late_type(void **state)
{
	struct scene g;

	(void)state;
	scene_open(&g, FRONT RELAY("a", "rate=10/s")
			   CRM("") "route r {priority=1 via=a}\n");
	add(&g, INDIVIDUAL, 12000, BOX_NOW, 0, 1000);
	add(&g, MASS, 600, BOX_NOW + 600 * SECOND_US, 0, 1000);
	forecast_run(&g.f, g.s, g.b, BOX_NOW);
	/* 600 s alone, then 3,600 of the one beside 600 of the other */
	assert_in_range((g.f.type[MASS].through_us - BOX_NOW) / SECOND_US, 990,
			1050);
	scene_close(&g);
}

/* By name: q is full today and opens at midnight, z is closed for good, e
 * never fills. */
static void
quotas_are_foretold(void **state)
{
	struct scene g;

	(void)state;
	scene_open(&g,
		   FRONT "quota q {limit=10}\nquota z {limit=0}\n"
			 "quota e {limit=1000}\n" RELAY("a", "quota=[q, e]")
			     RELAY("b", "quota=z")
				 CRM("") "route r {priority=1 via=[b, a]}\n");
	add(&g, MASS, 25, BOX_NOW, 0, 1000);
	forecast_run(&g.f, g.s, g.b, BOX_NOW);
	assert_int_equal(g.f.quota[0].full_us, BOX_NOW);
	assert_int_equal(g.f.quota[0].opens_us,
			 (BOX_NOW / DAY_US + 1) * DAY_US);
	assert_int_equal(g.f.quota[1].full_us, BOX_NOW);
	assert_int_equal(g.f.quota[1].opens_us, INT64_MAX);
	assert_int_equal(g.f.quota[2].full_us, INT64_MAX);
	assert_int_equal(g.f.type[MASS].through_us,
			 (BOX_NOW / DAY_US + 2) * DAY_US);
	scene_close(&g);
}

/* Each row knows its own end: the first goes, the last misses its lifetime. */
static void
each_row_has_its_end(void **state)
{
	const struct backlog *group;
	struct scene g;

	(void)state;
	scene_open(&g, FRONT "quota q {limit=100}\n" RELAY("a", "quota=q")
			   CRM("") "route r {priority=1 via=a}\n");
	add(&g, WORKFLOW, 4000, BOX_NOW, 0, 1000);
	forecast_run(&g.f, g.s, g.b, BOX_NOW);
	group = forecast_group(&g.f, way_of(&g, WORKFLOW), WORKFLOW);
	assert_non_null(group);
	assert_int_equal(group->row[0].gone_us, BOX_NOW);
	assert_int_equal(day_of(group->row[100].gone_us), 1);
	assert_int_equal(day_of(group->row[3099].gone_us), 30);
	assert_true(group->row[3100].gone_us == FORECAST_EXPIRES);
	assert_int_equal(g.f.type[WORKFLOW].expires_first_us,
			 BOX_NOW + 30 * DAY_US);
	assert_null(forecast_group(&g.f, way_of(&g, MASS), MASS));
	scene_close(&g);
}

/* A million that are due at moments of their own, rolling quotas whose minutes
 * open one by one, and a rate: it ends, and says how far it looked. */
static void
a_million(void **state)
{
	struct scene g;

	(void)state;
	scene_open(&g, FRONT
		   "quota q {limit=40000 window=rolling}\n"
		   "quota o {limit=2G unit=bytes spread=yes "
		   "reserve {individual=200M}}\n" RELAY(
		       "a", "rate=14/s quota=q") RELAY("b", "quota=[q, o]")
		       CRM("rate=1/s") "route r {priority=1 via=[a, b] "
				       "on_exhausted=crm}\n");
	for (unsigned t = 0; t < 3; t++)
		add(&g, t, 350000, BOX_NOW, 7000000, 50000);
	forecast_run(&g.f, g.s, g.b, BOX_NOW);
	assert_int_equal(g.f.all.waiting, 1050000);
	assert_int_equal(g.f.all.never, 0);
	/* 37,029 fall due a day, the last after 28.36 days, and no day lets
	 * less than 40,000 go. */
	assert_int_equal(g.f.all.expiring, 0);
	assert_in_range((g.f.all.through_us - BOX_NOW) / HOUR_US, 680, 684);
	assert_int_equal(g.f.ahead_us, BOX_NOW + FORECAST_DAYS * DAY_US);
	scene_close(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_hand),
	    cmocka_unit_test(types_share),
	    cmocka_unit_test(a_late_type),
	    cmocka_unit_test(quotas_are_foretold),
	    cmocka_unit_test(each_row_has_its_end),
	    cmocka_unit_test(a_million),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
