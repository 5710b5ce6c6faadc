/* What the model (book_model.c) does not ask: units one by one, names that go,
 * rows that contradict each other. */
#include "tests/queue/desk.h"

/* Three recipients of one message: what each outcome does to each unit. */
static void
units(void **state)
{
	static const struct {
		const char *name;
		enum book_end end[3];
		uint64_t used[3], in_flight[2][3]; /* after one, after two */
	} cases[] = {
	    {"all taken",
	     {BOOK_TAKEN, BOOK_TAKEN, BOOK_TAKEN},
	     {3, 1, 700},
	     {{2, 1, 700}, {1, 1, 700}}},
	    {"all back",
	     {BOOK_BACK, BOOK_BACK, BOOK_BACK},
	     {0, 0, 0},
	     {{2, 1, 700}, {1, 1, 700}}},
	    {"the first taken: the message is used",
	     {BOOK_TAKEN, BOOK_BACK, BOOK_BACK},
	     {1, 1, 700},
	     {{2, 1, 700}, {1, 1, 700}}},
	    {"the last taken",
	     {BOOK_BACK, BOOK_BACK, BOOK_TAKEN},
	     {1, 1, 700},
	     {{2, 1, 700}, {1, 1, 700}}},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct desk d;

		desk_open(&d, HEAD TYPES QUOTAS OUT);
		begin(&d);
		charge(&d, 7, 3, 700);
		commit(&d);
		assert_int_equal(rows(&d, STORE_CHARGE), 1);
		for (unsigned k = 0; k < 3; k++) {
			begin(&d);
			settle(&d, 7, cases[i].end[k]);
			commit(&d);
			for (unsigned q = 0; q < 3 && k < 2; q++)
				assert_int_equal(
				    book_use(d.b, q)->in_flight[MASS],
				    cases[i].in_flight[k][q]);
		}
		assert_int_equal(rows(&d, STORE_CHARGE), 0);
		for (unsigned q = 0; q < 3; q++) {
			const struct quota_use *u = book_use(d.b, q);

			if (u->used[MASS] != cases[i].used[q] ||
			    u->in_flight[MASS] != 0)
				fail_msg("%s: quota %u, used %d", cases[i].name,
					 q, (int)u->used[MASS]);
		}
		desk_close(&d);
	}
}

/* Room is that of the tightest quota, in recipients of this message. */
static void
room(void **state)
{
	static const struct {
		const char *name;
		uint32_t before; /* recipients under way, one message */
		uint64_t size, next_size;
		uint32_t room;
	} cases[] = {
	    {"recipients", 97, 10, 10, 3},
	    {"no bytes for it", 1, 8000, 1001, 0},
	    {"just enough bytes", 1, 8000, 1000, 50},
	    {"spent", 100, 10, 10, 0},
	};
	struct desk d;

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		size_t quota = 9;

		desk_open(&d, HEAD TYPES QUOTAS OUT SPARE);
		begin(&d);
		charge(&d, 1, cases[i].before, cases[i].size);
		commit(&d);
		if (book_room(d.b, RELAY_OUT, WORKFLOW, cases[i].next_size, 50,
			      d.now_us) != cases[i].room)
			fail_msg("%s", cases[i].name);
		/* Even if none is spent, there is a time to ask again. */
		if (cases[i].room == 0) {
			assert_int_equal(book_opens_us(d.b, RELAY_OUT, WORKFLOW,
						       d.now_us, &quota),
					 book_window(d.b, 0).to_us);
			assert_int_equal(quota, i == 1 ? QUOTA_B : QUOTA_R);
		}
		assert_int_equal(book_room(d.b, RELAY_SPARE, MASS, 1, 50, 0),
				 50);
		desk_close(&d);
	}
}

/* What is open when a name leaves the file is settled all the same, and is
 * there when the name comes back. */
static void
names_that_go(void **state)
{
	static const struct {
		const char *name, *meanwhile;
	} cases[] = {
	    {"the quota", HEAD TYPES "relay out { host = mail.example }\n"},
	    {"the relay", HEAD TYPES QUOTAS
	     "relay other { host = mail.example quota = r }\n"},
	    {"the type", HEAD "type workflow { }\n" QUOTAS OUT},
	    {"all", HEAD "relay other { host = mail.example }\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct settings *kept, *s;
		char text[1000];
		struct desk d;

		snprintf(text, sizeof text, "%s", cases[i].meanwhile);
		if (strstr(text, "relay out") == NULL)
			memcpy(strstr(text, "no_match = out"), "no_match=other",
			       14);
		desk_open(&d, HEAD TYPES QUOTAS OUT);
		kept = d.s;
		begin(&d);
		charge(&d, 1, 2, 50);
		charge(&d, 2, 1, 50);
		commit(&d);
		s = settings_of(text);
		box_read(&d.box);
		yes(&d.box,
		    book_configure(d.b, d.box.t, s, d.now_us, &d.box.e));
		box_end(&d.box);
		begin(&d);
		settle(&d, 1, BOOK_TAKEN);
		settle(&d, 1, BOOK_BACK);
		commit(&d);
		begin(&d);
		settle(&d, 2, BOOK_TAKEN);
		box_end(&d.box);
		book_undo(d.b); /* the line of the second was not committed */
		box_read(&d.box);
		yes(&d.box,
		    book_configure(d.b, d.box.t, kept, d.now_us, &d.box.e));
		box_end(&d.box);
		settings_free(s);
		for (unsigned q = 0; q < 3; q++) {
			const struct quota_use *u = book_use(d.b, q);

			if (u->used[MASS] != (q == QUOTA_B ? 50 : 1) ||
			    u->in_flight[MASS] != (q == QUOTA_B ? 50 : 1))
				fail_msg("%s: quota %u", cases[i].name, q);
		}
		desk_close(&d);
	}
}

static void
contradictions(void **state)
{
	struct charge_record c = {.relay = text_of("out"),
				  .type = text_of("mass"),
				  .recipients = 1,
				  .open = 1};
	unsigned char k[KEY_JOB];
	struct bytes b = {0}, quotas = {0};
	struct desk d;

	(void)state;
	desk_open(&d, HEAD TYPES QUOTAS OUT);
	begin(&d);
	settle(&d, 99, BOOK_TAKEN); /* its relay had no quota */
	charged_add(&quotas, &(struct charged){text_of("r"), UNIT_RECIPIENTS});
	c.quotas = (struct text){(char *)quotas.data, quotas.n};
	charge_seal(&b, &c);
	put_be64(k, 5);
	yes(&d.box,
	    txn_put(d.box.t, STORE_CHARGE, k, sizeof k, b.data, b.n, &d.box.e));
	assert_false(
	    book_settle(d.b, d.box.t, 5, BOOK_BACK, d.now_us, &d.box.e));
	assert_int_equal(d.box.e.kind, ERR_DAMAGED);
	box_end(&d.box);
	book_undo(d.b);
	assert_int_equal(rows(&d, STORE_CHARGE), 0);
	bytes_free(&b);
	bytes_free(&quotas);
	desk_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(units),
	    cmocka_unit_test(room),
	    cmocka_unit_test(names_that_go),
	    cmocka_unit_test(contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
