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
	uint64_t expiring, never;
	int64_t through_s; /* of all, after now; -1: not looked at */
};

static const struct row rows[] = {
    {"nothing holds it",
     FRONT RELAY("a", "") CRM("") "route r {priority=1 "
				  "via=a}\n",
     {1000, 10, 5},
     {0, 0, 0},
     0,
     0,
     0},
    {"5,000 a day, 12,000 wait: the third day",
     FRONT "quota q {limit=5000}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a}\n",
     {12000, 0, 0},
     {2, -1, -1},
     0,
     0,
     -1},
    {"what is over goes to the CRM server today",
     FRONT
     "quota q {limit=2000}\nquota e {limit=5000}\n" RELAY("a", "quota=[q, e]")
	 CRM("quota=e") "route r {priority=1 via=a on_exhausted=crm}\n",
     {5000, 0, 0},
     {0, -1, -1},
     0,
     0,
     0},
    {"the edition's limit holds for both together",
     FRONT
     "quota q {limit=2000}\nquota e {limit=5000}\n" RELAY("a", "quota=[q, e]")
	 CRM("quota=e") "route r {priority=1 via=a on_exhausted=crm}\n",
     {5001, 0, 0},
     {1, -1, -1},
     0,
     0,
     -1},
    {"a cap holds one type alone",
     FRONT "quota q {limit=5000 cap {mass=100}}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a}\n",
     {100, 0, 250},
     {0, -1, 2},
     0,
     0,
     -1},
    {"a reserve is kept for its type",
     FRONT "quota q {limit=1000 reserve {workflow=400} release=0%}\n" RELAY(
	 "a", "quota=q") CRM("") "route r {priority=1 via=a}\n",
     {601, 400, 0},
     {1, 0, -1},
     0,
     0,
     -1},
    {"14/s: 1,400 in 100 s",
     FRONT RELAY("a", "rate=14/s") CRM("") "route r {priority=1 via=a}\n",
     {1400, 0, 0},
     {0, -1, -1},
     0,
     0,
     100},
    /* today, and 30 midnights until the 30 days are over: 31 times 10 */
    {"the lifetime ends first",
     FRONT "quota q {limit=10}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a}\n",
     {400, 0, 0},
     {30, -1, -1},
     90,
     0,
     -1},
    {"a closed quota never opens",
     FRONT "quota q {limit=0}\n" RELAY("a", "quota=q")
	 CRM("") "route r {priority=1 via=a}\n",
     {3, 0, 0},
     {-1, -1, -1},
     3,
     0,
     -1},
};

static int
day_of(int64_t at_us)
{
	return at_us == 0 ? -1 : (int)(at_us / DAY_US - BOX_NOW / DAY_US);
}

static void
play(const struct row *row)
{
	struct settings *s = talker_settings(row->conf);
	struct routing_ask ask = {.sender = text_of("a@b.example"),
				  .recipient = text_of("c@d.example"),
				  .source = text_of("s")};
	struct forecast f = {.group = NULL};
	struct routing_answer a;
	struct book *b;
	struct box box;

	box_make(&box);
	box_read(&box);
	b = book_open(box.t, s, BOX_NOW, &box.e);
	assert_non_null(b);
	for (unsigned t = 0; t < 3; t++) {
		ask.type = t;
		routing_find(s, &ask, &a);
		for (uint64_t i = 0; i < row->waiting[t]; i++)
			forecast_add(&f, a.way, t, BOX_NOW, BOX_NOW, 1000);
	}
	forecast_run(&f, s, b, BOX_NOW);
	for (unsigned t = 0; t < 3; t++)
		if (day_of(f.type[t].through_us) != row->day[t])
			fail_msg("%s: type %u on day %d, not %d", row->name, t,
				 day_of(f.type[t].through_us), row->day[t]);
	if (f.all.expiring != row->expiring || f.all.never != row->never)
		fail_msg("%s: %llu expire, %llu never go", row->name,
			 (unsigned long long)f.all.expiring,
			 (unsigned long long)f.all.never);
	if (row->through_s >= 0) {
		int64_t off =
		    f.all.through_us - BOX_NOW - row->through_s * SECOND_US;

		if (off < -SECOND_US || off > SECOND_US)
			fail_msg("%s: through %lld s off", row->name,
				 (long long)(off / SECOND_US));
	}
	forecast_free(&f);
	book_close(b);
	box_end(&box);
	box_remove(&box);
	settings_free(s);
}

static void
by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++)
		play(&rows[i]);
}

/* A busy relay's types leave by weight: when 600 of weight 6 have gone, about
 * 100 of weight 1 have. */
static void
types_share(void **state)
{
	struct settings *s = talker_settings(FRONT RELAY("a", "rate=10/s") CRM(
	    "") "route r {priority=1 via=a}\n");
	struct routing_answer a;
	struct routing_ask ask = {.recipient = text_of("c@d.example")};
	struct forecast f = {.group = NULL};
	struct book *b;
	struct box box;
	int64_t first_s;

	(void)state;
	box_make(&box);
	box_read(&box);
	b = book_open(box.t, s, BOX_NOW, &box.e);
	for (unsigned t = 0; t < 3; t += 2) {
		ask.type = t;
		routing_find(s, &ask, &a);
		for (int i = 0; i < 6000; i++)
			forecast_add(&f, a.way, t, BOX_NOW, BOX_NOW, 1000);
	}
	forecast_run(&f, s, b, BOX_NOW);
	first_s = (f.type[INDIVIDUAL].through_us - BOX_NOW) / SECOND_US;
	assert_in_range(first_s, 690, 730); /* 7,000 at 10/s */
	assert_in_range((f.all.through_us - BOX_NOW) / SECOND_US, 1195, 1205);
	forecast_free(&f);
	book_close(b);
	box_end(&box);
	box_remove(&box);
	settings_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_hand),
	    cmocka_unit_test(types_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
