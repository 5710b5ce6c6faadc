#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <strings.h>

#include "queue/classify.h"
#include "tests/queue/talker.h"

#define BASE                                                                   \
	"instance=a hostname=mtq.example accounts=file:/a\n"                   \
	"listen l {address=127.0.0.1:1}\nlisten m {address=127.0.0.1:2}\n"     \
	"source s {from_ip=192.0.2.0/24}\nsource t "                           \
	"{from_ip=198.51.100.0/24}\n"                                          \
	"relay r {host=c.d}\n"

struct field {
	const char *name, *value;
};

/* Rules, a message, its type, and the priority of the rule; 0: none. */
static const struct {
	const char *name, *rules;
	struct field field[3];
	const char *author, *sender, *account;
	uint64_t size;
	const char *type;
	unsigned priority;
} row[] = {
    {"no rules", "", .type = "individual"},
    {"a rule for all", "classify {priority=1 type=mass}", .type = "mass",
     .priority = 1},
    {"the smallest number decides",
     "classify {priority=9 type=mass}\nclassify {priority=2 type=workflow}\n"
     "classify {priority=5 type=individual}",
     .type = "workflow", .priority = 2},
    {"one that does not hold is passed over",
     "classify {priority=2 type=workflow larger_than=1kb}\n"
     "classify {priority=9 type=mass}",
     .size = 1024, .type = "mass", .priority = 9},
    {"none holds", "classify {priority=2 type=mass sender=x.y}",
     .author = "a@x.z", .type = "individual"},

    {"size above", "classify {priority=1 type=mass larger_than=1kb}",
     .size = 1025, .type = "mass", .priority = 1},
    {"size just so", "classify {priority=1 type=mass larger_than=1kb}",
     .size = 1024, .type = "individual"},

    {"its source",
     "classify {priority=1 type=mass source=[x, s]}\n"
     "source x {from_ip=203.0.113.0/24}",
     .type = "mass", .priority = 1},
    {"another source", "classify {priority=1 type=mass source=t}",
     .type = "individual"},
    {"its account", "classify {priority=1 type=mass auth_user=[ann, joe]}",
     .account = "joe", .type = "mass", .priority = 1},
    {"another account", "classify {priority=1 type=mass auth_user=ann}",
     .account = "joe", .type = "individual"},
    {"no account", "classify {priority=1 type=mass auth_user=ann}",
     .type = "individual"},
    {"its listener", "classify {priority=1 type=mass listener=l}",
     .type = "mass", .priority = 1},
    {"another listener", "classify {priority=1 type=mass listener=m}",
     .type = "individual"},
    {"all conditions must hold",
     "classify {priority=1 type=mass listener=l source=s sender=x.y "
     "larger_than=1kb header {X-A=b X-C=d}}",
     .field = {{"X-A", "b"}, {"X-C", "d"}}, .author = "a@x.y", .size = 2000,
     .type = "mass", .priority = 1},
    {"one does not",
     "classify {priority=1 type=mass listener=l source=s sender=x.y "
     "larger_than=1kb header {X-A=b X-C=d}}",
     .field = {{"X-A", "b"}, {"X-C", "e"}}, .author = "a@x.y", .size = 2000,
     .type = "individual"},

#define SENDER(s) "classify {priority=1 type=mass sender=" s "}"
    {"a sender's address", SENDER("[b@x.y, \"A@X.y\"]"), .author = "a@x.Y",
     .type = "mass", .priority = 1},
    {"another address", SENDER("b@x.y"), .author = "a@x.y",
     .type = "individual"},
    {"an address that ends alike", SENDER("a@x.y"), .author = "aa@x.y",
     .type = "individual"},
    {"a sender's domain", SENDER("X.y"), .author = "a@x.Y", .type = "mass",
     .priority = 1},
    {"a domain is not its subdomains", SENDER("x.y"), .author = "a@b.x.y",
     .type = "individual"},
    {"subdomains", SENDER("\"*.x.y\""), .author = "a@b.c.X.Y", .type = "mass",
     .priority = 1},
    {"subdomains are not the domain", SENDER("\"*.x.y\""), .author = "a@x.y",
     .type = "individual"},
    {"nor what ends alike", SENDER("\"*.x.y\""), .author = "a@bx.y",
     .type = "individual"},
    {"a domain in a local part", SENDER("x.y"), .author = "\"a@x.y\"@b.c",
     .type = "individual"},
    {"header From comes before the envelope", SENDER("x.y"), .author = "a@b.c",
     .sender = "a@x.y", .type = "individual"},
    {"the envelope where there is none", SENDER("x.y"), .sender = "a@x.y",
     .type = "mass", .priority = 1},
    {"a bounce", SENDER("x.y"), .type = "individual"},

#define HEADER(s) "classify {priority=1 type=mass header {" s "}}"
    {"a value", HEADER("X-A=bulk"), .field = {{"X-A", "bulk"}}, .type = "mass",
     .priority = 1},
    {"letter case", HEADER("x-a=BULK"), .field = {{"X-A", "Bulk"}},
     .type = "mass", .priority = 1},
    {"blanks around it", HEADER("X-A=\" bulk \""),
     .field = {{"X-A", "bulk \t"}}, .type = "mass", .priority = 1},
    {"one of its values", HEADER("X-A=[list, bulk]"),
     .field = {{"X-A", "bulk"}}, .type = "mass", .priority = 1},
    {"another value", HEADER("X-A=bulk"), .field = {{"X-A", "bulky"}},
     .type = "individual"},
    {"no such field", HEADER("X-A=bulk"), .type = "individual"},
    {"any value", HEADER("X-A=\"*\""), .field = {{"X-A", "x"}}, .type = "mass",
     .priority = 1},
    {"no value is a value", HEADER("X-A=\"*\""), .field = {{"X-A", ""}},
     .type = "mass", .priority = 1},
    {"no such field has none", HEADER("X-A=\"*\""), .type = "individual"},
    {"a star is not a part of a word", HEADER("X-A=\"bu*\""),
     .field = {{"X-A", "bulk"}}, .type = "individual"},

#define BY(s) "classify {priority=1 by_header=X-Type" s "}"
    {"the type's name", BY(""), .field = {{"x-type", "Workflow"}},
     .type = "workflow", .priority = 1},
    {"no type's name", BY(""), .field = {{"X-Type", "news"}},
     .type = "individual"},
    {"no field names it", BY(""), .type = "individual"},
    {"an empty field", BY(""), .field = {{"X-Type", ""}}, .type = "individual"},
    {"through the map", BY(" map {news=mass 7=workflow}"),
     .field = {{"X-Type", "News"}}, .type = "mass", .priority = 1},
    {"another of the map", BY(" map {news=mass 7=workflow}"),
     .field = {{"X-Type", "7 "}}, .type = "workflow", .priority = 1},
    {"the map says otherwise", BY(" map {mass=workflow}"),
     .field = {{"X-Type", "mass"}}, .type = "workflow", .priority = 1},
    {"not in the map, but a name", BY(" map {news=mass}"),
     .field = {{"X-Type", "workflow"}}, .type = "workflow", .priority = 1},
    {"neither", BY(" map {news=mass}"), .field = {{"X-Type", "x"}},
     .type = "individual"},
    {"a rule after one that names none",
     BY("") "\nclassify {priority=2 type=mass}", .field = {{"X-Type", "x"}},
     .type = "mass", .priority = 2},
    {"a condition besides", BY(" source=t"), .field = {{"X-Type", "mass"}},
     .type = "individual"},
};

static void
one(size_t i)
{
	char text[2048];
	struct settings *s;
	struct classify_field field[CLASSIFY_FIELDS];
	const char *name[CLASSIFY_FIELDS];
	struct classify_ask ask = {.field = field,
				   .source = text_of("s"),
				   .listener = text_of("l"),
				   .size_bytes = row[i].size};
	struct classify_answer a;

	snprintf(text, sizeof text, "%s%s\n", BASE, row[i].rules);
	s = talker_settings(text);
	ask.nfields = classify_names(s, name);
	for (size_t k = 0; k < ask.nfields; k++) {
		field[k] = (struct classify_field){name[k], NULL};
		for (size_t j = 0; j < countof(row[i].field); j++)
			if (row[i].field[j].name != NULL &&
			    strcasecmp(row[i].field[j].name, name[k]) == 0)
				field[k].value = row[i].field[j].value;
	}
	if (row[i].author != NULL)
		ask.author = text_of(row[i].author);
	if (row[i].sender != NULL)
		ask.sender = text_of(row[i].sender);
	if (row[i].account != NULL)
		ask.account = text_of(row[i].account);
	classify(s, &ask, &a);
	if (strcmp(s->types[a.type].title, row[i].type) != 0 ||
	    (a.rule != NULL ? a.rule->priority : 0) != row[i].priority)
		fail_msg("%s: %s, by rule %u", row[i].name,
			 s->types[a.type].title,
			 a.rule != NULL ? (unsigned)a.rule->priority : 0);
	settings_free(s);
}

static void
rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		one(i);
}

/* Mail that no rule takes is individual, or of the first type. */
static void
types_of_ones_own(void **state)
{
	struct settings *s =
	    talker_settings(BASE "type bulk {}\ntype news {}\n");
	struct classify_answer a;

	(void)state;
	classify(s, &(struct classify_ask){.size_bytes = 1}, &a);
	assert_null(a.rule);
	assert_int_equal(a.type, 0);
	settings_free(s);
}

static void
names_once(void **state)
{
	struct settings *s = talker_settings(
	    BASE "classify {priority=1 type=mass header {X-A=b X-C=d}}\n"
		 "classify {priority=2 by_header=x-a header {X-E=\"*\"}}\n");
	const char *name[CLASSIFY_FIELDS];

	(void)state;
	assert_int_equal(classify_names(s, name), 3);
	settings_free(s);
	s = talker_settings(BASE "classify {priority=1 type=mass}\n");
	assert_int_equal(classify_names(s, name), 0);
	settings_free(s);
}

/* A value is compared as far as it is kept. */
static void
long_values(void **state)
{
	char text[1024], value[CLASSIFY_VALUE + 1];
	struct settings *s;
	struct classify_field f = {"X-A", value};
	struct classify_answer a;

	(void)state;
	memset(value, 'v', CLASSIFY_VALUE);
	value[CLASSIFY_VALUE] = '\0';
	snprintf(text, sizeof text,
		 BASE "classify {priority=1 type=mass header {X-A=%smore}}\n",
		 value);
	s = talker_settings(text);
	classify(s, &(struct classify_ask){.field = &f, .nfields = 1}, &a);
	assert_non_null(a.rule);
	value[CLASSIFY_VALUE - 1] = 'w';
	classify(s, &(struct classify_ask){.field = &f, .nfields = 1}, &a);
	assert_null(a.rule);
	settings_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rules),
	    cmocka_unit_test(types_of_ones_own),
	    cmocka_unit_test(names_once),
	    cmocka_unit_test(long_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
