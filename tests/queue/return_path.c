/* Envelope senders: what each mode gives, and that an address of ours says the
 * truth or nothing. */
#include "tests/queue/box.h"

#include <ctype.h>

#include "queue/return_path.h"

static const struct return_key KEY = {{1, 2, 3, 4, 5, 6, 7, 8}};
static const struct return_key OTHER = {{1, 2, 3, 4, 5, 6, 7, 9}};
#define ARRIVAL_US (BOX_NOW)
#define EXPIRES_US (30 * DAY_US)

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define L11 "abcdefghijk"
/* The longest domain that an address of ours has room for, and one more. */
#define D203 L63 "." L63 "." L63 "." L11
#define D204 L63 "." L63 "." L63 "." L11 "l"

static const struct {
	const char *name, *mode, *sender, *author;
	bool utf8;
	const char *domain; /* NULL: r.example */
	const char *out;    /* NULL: one of ours */
	const char *why;    /* NULL: none */
} made[] = {
    {"keep keeps", "keep", "a@b.example", "c@d.example", .out = "a@b.example"},
    {"keep leaves the CRM's address octet for octet", "keep",
     "Bob=Ex.example__0-abc123@x-1.bnc.salesforce.com", "c@d.example",
     .out = "Bob=Ex.example__0-abc123@x-1.bnc.salesforce.com"},
    {"keep keeps what it would not send itself", "keep", "not an address",
     "c@d.example", .out = "not an address"},
    {"from takes header From's", "from", "a@b.example", "C@d.example",
     .out = "C@d.example"},
    {"from without a header From", "from", "a@b.example", "",
     .out = "a@b.example", .why = "header From"},
    {"from beyond ASCII in mail that may have it", "from", "a@b.example",
     "\xc3\xa4@d.example", .utf8 = true, .out = "\xc3\xa4@d.example"},
    {"from beyond ASCII in mail that may not", "from", "a@b.example",
     "\xc3\xa4@d.example", .out = "a@b.example", .why = "SMTPUTF8"},
    {"an address is that one", "bounce@e.example", "a@b.example", "c@d.example",
     .out = "bounce@e.example"},
    {"verp is one of ours", "verp", "a@b.example", "c@d.example", .utf8 = true},
    {"verp with the longest domain", "verp", "a@b.example", "", .domain = D203},
    {"verp with a domain that leaves no room", "verp", "a@b.example", "",
     .domain = D204, .out = "a@b.example", .why = "254"},
    {"verp without a domain", "verp", "a@b.example", "", .domain = "",
     .out = "a@b.example", .why = "returns.domain"},
    {"null stays null: keep", "keep", "", "c@d.example", .out = ""},
    {"null stays null: from", "from", "", "c@d.example", .out = ""},
    {"null stays null: an address", "b@e.example", "", "c@d.example",
     .out = ""},
    {"null stays null: verp", "verp", "", "c@d.example", .out = ""},
};

static struct return_path_ask
ask_of(size_t i)
{
	return (struct return_path_ask){
	    .mode = made[i].mode,
	    .domain = made[i].domain != NULL ? made[i].domain : "r.example",
	    .sender = text_of(made[i].sender),
	    .author = text_of(made[i].author),
	    .utf8 = made[i].utf8,
	    .who = {.message = 77, .rcpt = 3, .arrival_us = ARRIVAL_US},
	    .key = &KEY};
}

static void
each_mode(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(made); i++) {
		struct return_path_ask ask = ask_of(i);
		char out[ADDRESS_MOST + 1];
		const char *why = return_path_make(&ask, out);

		if ((why == NULL) != (made[i].why == NULL) ||
		    (why != NULL && strstr(why, made[i].why) == NULL))
			fail_msg("%s: %s", made[i].name, why ? why : "no why");
		if (made[i].out != NULL && strcmp(out, made[i].out) != 0)
			fail_msg("%s: %s", made[i].name, out);
		if (made[i].out == NULL &&
		    (strncmp(out, "b+", 2) != 0 ||
		     strcmp(out + RETURN_PATH_LOCAL + 1, ask.domain) != 0))
			fail_msg("%s: %s", made[i].name, out);
		assert_int_equal(return_path_single(ask.mode, ask.sender),
				 strcmp(ask.mode, "verp") == 0 &&
				     ask.sender.n > 0);
	}
}

/* The local part of our address for this recipient. */
static void
local_of(uint64_t message, uint32_t rcpt, int64_t arrival_us,
	 char out[RETURN_PATH_LOCAL + 1])
{
	char address[ADDRESS_MOST + 1];
	struct return_path_ask ask = {.mode = "verp",
				      .domain = "r.example",
				      .sender = text_of("a@b.example"),
				      .who = {message, rcpt, arrival_us},
				      .key = &KEY};
	struct address a;
	const char *why;

	assert_null(return_path_make(&ask, address));
	assert_true(address_parse(address, strlen(address), false, &a, &why));
	assert_int_equal(a.local.n, RETURN_PATH_LOCAL);
	text_copy(a.local, out, RETURN_PATH_LOCAL + 1);
	for (const char *p = out + 2; *p != '\0'; p++)
		assert_true(islower((unsigned char)*p) ||
			    isdigit((unsigned char)*p));
}

static enum return_path_answer
parse(const char *local, int64_t now_us, struct return_path *out)
{
	return return_path_parse(text_of(local), &KEY, EXPIRES_US, now_us, out);
}

/* Any message, any recipient, any time: written and read. */
static void
round_trip(void **state)
{
	static const uint64_t message[] = {1, 0x123456789abcdef, UINT64_MAX,
					   UINT64_C(1) << 59};
	static const uint32_t rcpt[] = {0, 1, 49999, UINT32_MAX};
	static const int64_t arrival[] = {0, HOUR_US - 1, ARRIVAL_US,
					  INT64_C(0xffffff) * HOUR_US};
	char local[RETURN_PATH_LOCAL + 1], again[RETURN_PATH_LOCAL + 1];
	struct return_path r;

	(void)state;
	for (size_t i = 0; i < countof(message); i++)
		for (size_t k = 0; k < countof(rcpt); k++)
			for (size_t t = 0; t < countof(arrival); t++) {
				int64_t at = arrival[t];

				local_of(message[i], rcpt[k], at, local);
				assert_int_equal(parse(local, at, &r),
						 RETURN_PATH_OURS);
				assert_true(r.message == message[i]);
				assert_true(r.rcpt == rcpt[k]);
				assert_true(r.arrival_us ==
					    at / HOUR_US * HOUR_US);
			}
	/* all attempts have the same address: greylisting */
	local_of(1, 2, ARRIVAL_US, local);
	local_of(1, 2, ARRIVAL_US, again);
	assert_string_equal(local, again);
	local_of(1, 3, ARRIVAL_US, again);
	assert_string_not_equal(local, again);
	/* before 1970 and far behind us there are no hours */
	local_of(1, 2, INT64_MIN, local);
	assert_int_equal(parse(local, 0, &r), RETURN_PATH_OURS);
	local_of(1, 2, INT64_MAX, local);
	assert_int_not_equal(parse(local, 0, &r), RETURN_PATH_FORGED);
}

/* No other character at any place is taken, but for its case. */
static void
each_character_counts(void **state)
{
	char local[RETURN_PATH_LOCAL + 1], other[RETURN_PATH_LOCAL + 1];
	struct return_path r;

	(void)state;
	local_of(77, 3, ARRIVAL_US, local);
	for (size_t i = 0; i < RETURN_PATH_LOCAL; i++)
		for (int c = 0; c < 256; c++) {
			enum return_path_answer a;

			memcpy(other, local, sizeof local);
			other[i] = (char)c;
			a = return_path_parse(
			    (struct text){other, RETURN_PATH_LOCAL}, &KEY,
			    EXPIRES_US, ARRIVAL_US, &r);
			if (tolower(c) == local[i])
				assert_int_equal(a, RETURN_PATH_OURS);
			else
				assert_in_set(a,
					      ((LargestIntegralType[]){
						  RETURN_PATH_FORGED,
						  RETURN_PATH_FOREIGN}),
					      2);
		}
	for (size_t i = 0; i < RETURN_PATH_LOCAL; i++)
		other[i] = (char)toupper((unsigned char)local[i]);
	other[RETURN_PATH_LOCAL] = '\0';
	assert_int_equal(parse(other, ARRIVAL_US, &r), RETURN_PATH_OURS);
	assert_true(r.message == 77 && r.rcpt == 3);
}

static void
what_is_not_ours(void **state)
{
	static const char *const foreign[] = {
	    "",
	    "b+",
	    "b",
	    "postmaster",
	    "b+abc",
	    "bob+x",
	    "a=b",
	    "b+aaaaaaaaaaaaaaaaaaaaaaaa",
	    "b-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "b+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1",
	    "b+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "\"b+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
	};
	char local[RETURN_PATH_LOCAL + 1];
	struct return_path r = {.message = 5};

	(void)state;
	for (size_t i = 0; i < countof(foreign); i++)
		if (parse(foreign[i], ARRIVAL_US, &r) != RETURN_PATH_FOREIGN)
			fail_msg("%s", foreign[i]);
	assert_int_equal(
	    parse("b+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  ARRIVAL_US, &r),
	    RETURN_PATH_FORGED);
	/* signed by another queue */
	local_of(77, 3, ARRIVAL_US, local);
	assert_int_equal(return_path_parse(text_of(local), &OTHER, EXPIRES_US,
					   ARRIVAL_US, &r),
			 RETURN_PATH_FORGED);
	assert_true(r.message == 5); /* out is written on success only */
}

static void
it_expires(void **state)
{
	static const struct {
		const char *name;
		int64_t after_us;
		enum return_path_answer answer;
	} row[] = {
	    {"at once", 0, RETURN_PATH_OURS},
	    {"the clock went back", -3 * DAY_US, RETURN_PATH_OURS},
	    {"to the last moment", EXPIRES_US, RETURN_PATH_OURS},
	    {"an hour more at the most", EXPIRES_US + HOUR_US, RETURN_PATH_OLD},
	    {"for ever", 3650 * DAY_US, RETURN_PATH_OLD},
	};
	char local[RETURN_PATH_LOCAL + 1];
	struct return_path r;

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		for (int64_t cut = 0; cut < HOUR_US; cut += HOUR_US - 1) {
			int64_t at = ARRIVAL_US / HOUR_US * HOUR_US + cut;

			local_of(77, 3, at, local);
			if (parse(local, at + row[i].after_us, &r) !=
			    row[i].answer)
				fail_msg("%s", row[i].name);
			assert_true(r.message == 77 && r.rcpt == 3);
		}
}

static void
the_crm_s_own(void **state)
{
	static const struct {
		const char *address;
		bool yes;
	} row[] = {
	    {"bob=example.com__0-abc123xyz@x-12345.bnc.salesforce.com", true},
	    {"BOB=EXAMPLE.COM__0-ABC@X-1.BNC.SALESFORCE.COM", true},
	    {"a=b__c@x.na12.bnc.salesforce.com", true},
	    {"a=b__c@bnc.salesforce.com", false},
	    {"a=b__c@xbnc.salesforce.com", false},
	    {"a=b__c@x.bnc.salesforce.com.example", false},
	    {"a@b__c@x.bnc.salesforce.com", false},
	    {"=b__c@x.bnc.salesforce.com", false},
	    {"a=__c@x.bnc.salesforce.com", false},
	    {"a=b__@x.bnc.salesforce.com", false},
	    {"a=b_c@x.bnc.salesforce.com", false},
	    {"a__b=c@x.bnc.salesforce.com", false},
	    {"a=@x.bnc.salesforce.com", false},
	    {"bob@example.com", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		if (return_path_is_crm(text_of(row[i].address)) != row[i].yes)
			fail_msg("%s", row[i].address);
}

/* Two queues have two keys; one has the same for good, in its backup too. */
static void
each_queue_has_its_key(void **state)
{
	struct return_key first, second, again;
	struct box a, b;
	char copy[128];

	(void)state;
	box_make(&a);
	box_make(&b);
	box_read(&a);
	yes(&a, return_key_read(a.t, &first, &a.e));
	box_end(&a);
	box_read(&b);
	yes(&b, return_key_read(b.t, &second, &b.e));
	box_end(&b);
	assert_memory_not_equal(&first, &second, sizeof first);
	box_close(&a);
	box_open(&a, STORE_WRITE);
	box_read(&a);
	yes(&a, return_key_read(a.t, &again, &a.e));
	box_end(&a);
	assert_memory_equal(&first, &again, sizeof first);
	snprintf(copy, sizeof copy, "%s.copy", a.file);
	yes(&a, store_backup(a.store, copy, &a.e));
	box_remove(&b);
	b.store = store_open(copy, STORE_COPY, 0, "test", &b.e);
	assert_non_null(b.store);
	box_read(&b);
	yes(&b, return_key_read(b.t, &again, &b.e));
	box_end(&b);
	assert_memory_equal(&first, &again, sizeof first);
	store_close(b.store);
	assert_int_equal(unlink(copy), 0);
	return_key_wipe(&first);
	assert_int_equal(first.octets[0], 0);
	box_remove(&a);
}

/* A key that was changed on disk signs nothing. */
static void
a_damaged_key_is_seen(void **state)
{
	struct return_key k;
	const void *row;
	unsigned char octets[128];
	struct box b;
	size_t n;

	(void)state;
	box_make(&b);
	box_begin(&b);
	yes(&b, txn_get(b.t, STORE_STATE, "returns", 7, &row, &n, &b.e));
	assert_in_range(n, RETURN_KEY_SIZE, sizeof octets);
	memcpy(octets, row, n);
	octets[n - 1] ^= 1;
	yes(&b, txn_put(b.t, STORE_STATE, "returns", 7, octets, n, &b.e));
	assert_false(return_key_read(b.t, &k, &b.e));
	assert_int_equal(b.e.kind, ERR_DAMAGED);
	octets[n - 1] ^= 1;
	yes(&b, txn_put(b.t, STORE_STATE, "returns", 7, octets, n - 1, &b.e));
	assert_false(return_key_read(b.t, &k, &b.e));
	assert_int_equal(b.e.kind, ERR_DAMAGED);
	yes(&b, txn_del(b.t, STORE_STATE, "returns", 7, &b.e));
	assert_false(return_key_read(b.t, &k, &b.e));
	assert_int_equal(b.e.kind, ERR_DAMAGED);
	store_abort(b.t);
	box_remove(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_mode),
	    cmocka_unit_test(round_trip),
	    cmocka_unit_test(each_character_counts),
	    cmocka_unit_test(what_is_not_ours),
	    cmocka_unit_test(it_expires),
	    cmocka_unit_test(the_crm_s_own),
	    cmocka_unit_test(each_queue_has_its_key),
	    cmocka_unit_test(a_damaged_key_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
