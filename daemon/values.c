#include "daemon/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/conf.h"

#define because(why, ...) snprintf(why, VALUE_WHY, __VA_ARGS__)

struct unit {
	const char *name;
	uint64_t times;
};

/* Smallest first.  A kind whose first unit is "" takes a bare number. */
static const struct unit count_units[] = {
    {"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}, {0}};
static const struct unit size_units[] = {{"kb", UINT64_C(1) << 10},
					 {"mb", UINT64_C(1) << 20},
					 {"gb", UINT64_C(1) << 30},
					 {"tb", UINT64_C(1) << 40},
					 {0}};
static const struct unit duration_units[] = {{"s", (uint64_t)SECOND_US},
					     {"min", (uint64_t)MINUTE_US},
					     {"h", (uint64_t)HOUR_US},
					     {"d", (uint64_t)DAY_US},
					     {0}};
static const struct unit percent_units[] = {{"%", 1}, {0}};

#define W_WORD(id, word) word,
#define E(kind, ID, WORDS)                                                     \
	static const char *const kind##_words[] = {WORDS(W_WORD) NULL};
ENUMS(E)
#undef E

/* The words of a set; NULL for other kinds. */
static const char *const *
words_of(enum value_kind kind)
{
#define E(kind, ID, WORDS) [VALUE_##kind] = kind##_words,
	static const char *const *const words[VALUE_COUNT] = {ENUMS(E)};
#undef E

	return words[kind];
}

static const struct unit *
units_of(enum value_kind kind)
{
	switch (kind) {
	case VALUE_count:
		return count_units;
	case VALUE_size:
		return size_units;
	case VALUE_duration:
	case VALUE_durations:
		return duration_units;
	case VALUE_percent:
		return percent_units;
	case VALUE_text:
	case VALUE_flag:
	case VALUE_words:
	case VALUE_sockets:
	case VALUE_networks:
	case VALUE_rate:
	case VALUE_counts:
	case VALUE_lists:
	case VALUE_deliver:
	case VALUE_lookup:
	case VALUE_tls:
	case VALUE_tls_start:
	case VALUE_dane:
	case VALUE_authority:
	case VALUE_at_rcpt:
	case VALUE_in_doubt:
	case VALUE_then:
	case VALUE_category:
	case VALUE_unit:
	case VALUE_window:
	case VALUE_duty:
	case VALUE_listen_tls:
	case VALUE_client_cert:
	case VALUE_dkim_gate:
	case VALUE_profile:
	case VALUE_sign_when:
	case VALUE_provider:
	case VALUE_COUNT:
		break;
	}
	return NULL;
}

/* "5min, 5h": what a number could look like with each unit. */
static void
name_units(const struct unit *u, const char *digits, char *out, size_t size)
{
	int ndigits = (int)strspn(digits, "0123456789");
	size_t n = 0;

	*out = '\0';
	for (const struct unit *i = u; i->name != NULL && n < size; i++) {
		const char *between = i == u ? "" : i[1].name ? ", " : " or ";

		n += (size_t)snprintf(out + n, size - n, "%s%.*s%s", between,
				      min_of(ndigits, 12), digits, i->name);
	}
}

/* Digits and a unit; UINT64_MAX stands for everything too large. */
static bool
parse_number(enum value_kind kind, const char *s, uint64_t *out,
	     char why[VALUE_WHY])
{
	const struct unit *units = units_of(kind), *u = units;
	size_t n = strspn(s, "0123456789");
	char forms[128];
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
			v = UINT64_MAX / 8; /* stays too large in any unit */
	while (u->name != NULL && strcmp(u->name, s + n) != 0)
		u++;
	if (n > 0 && u->name != NULL) {
		if (__builtin_mul_overflow(v, u->times, out))
			*out = UINT64_MAX;
		return true;
	}
	name_units(units, n ? s : "5", forms, sizeof forms);
	if (n > 0 && s[n] == '\0')
		because(why, "has no unit; write %s", forms);
	else if (n > 0)
		because(why, "has an unknown unit; write %s", forms);
	else
		because(why, "is not a number; write one as %s", forms);
	return false;
}

static bool
parse_bounded(enum value_kind kind, const char *s, const char *least,
	      const char *most, uint64_t *out, char why[VALUE_WHY])
{
	uint64_t low = 0, high = INT64_MAX;

	must(least == NULL || parse_number(kind, least, &low, why));
	must(most == NULL || parse_number(kind, most, &high, why));
	if (!parse_number(kind, s, out, why))
		return false;
	if (*out >= low && *out <= high)
		return true;
	if (*out < low)
		because(why, "is too small; the least is %s", least);
	else if (most != NULL)
		because(why, "is too large; the most is %s", most);
	else
		because(why, "is too large");
	return false;
}

/* Which of the words s is; false with all of them in `why`. */
static bool
parse_word(const char *const *words, const char *s, unsigned *out,
	   char why[VALUE_WHY])
{
	size_t n = 0;

	for (unsigned i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], s) == 0) {
			*out = i;
			return true;
		}
	n = (size_t)because(why, "is none of");
	for (unsigned i = 0; words[i] != NULL && n < VALUE_WHY; i++)
		n += (size_t)snprintf(why + n, VALUE_WHY - n, "%s %s",
				      i ? "," : "", words[i]);
	return false;
}

static bool
parse_flag(const char *s, bool *out, char why[VALUE_WHY])
{
	*out = strcmp(s, "yes") == 0;
	if (*out || strcmp(s, "no") == 0)
		return true;
	because(why, "is neither yes nor no");
	return false;
}

/* "14/s", "30/min", "1000/h"; "" is no limit. */
static bool
parse_rate(const char *s, struct rate *out, char why[VALUE_WHY])
{
	static const struct {
		const char *name;
		int64_t us;
	} unit[] = {{"/s", SECOND_US}, {"/min", MINUTE_US}, {"/h", HOUR_US}};
	size_t n = strcspn(s, "/");
	char digits[24];

	*out = (struct rate){.count = 0};
	if (*s == '\0')
		return true;
	for (size_t i = 0; i < countof(unit); i++) {
		if (strcmp(s + n, unit[i].name) != 0 || n >= sizeof digits)
			continue;
		memcpy(digits, s, n);
		digits[n] = '\0';
		out->window_us = unit[i].us;
		return parse_bounded(VALUE_count, digits, "1", "100k",
				     &out->count, why);
	}
	because(why, "is not a rate; write one as 14/s, 30/min or 1000/h");
	return false;
}

bool
value_is_block(enum value_kind kind)
{
	return kind == VALUE_counts || kind == VALUE_lists;
}

bool
value_is_list(enum value_kind kind)
{
	return kind == VALUE_words || kind == VALUE_durations ||
	       kind == VALUE_sockets || kind == VALUE_networks;
}

/* Room for n items of a list kind at `out`. */
static void
make_list(enum value_kind kind, void *out, size_t n, struct arena *a)
{
	if (kind == VALUE_words)
		*(struct texts *)out =
		    (struct texts){arena_alloc(a, n * sizeof(char *)), n};
	if (kind == VALUE_durations)
		*(struct durations *)out =
		    (struct durations){arena_alloc(a, n * sizeof(int64_t)), n};
	if (kind == VALUE_sockets)
		*(struct sockets *)out = (struct sockets){
		    arena_alloc(a, n * sizeof(struct socket_at)), n};
	if (kind == VALUE_networks)
		*(struct networks *)out = (struct networks){
		    arena_alloc(a, n * sizeof(struct network)), n};
}

/* One text into the member, or into the i-th place of a list. */
static bool
parse_one(enum value_kind kind, const char *s, size_t i, const char *least,
	  const char *most, struct arena *a, void *out, char why[VALUE_WHY])
{
	struct socket_at *at;
	uint64_t number = 0;
	unsigned word = 0;
	bool ok;

	switch (kind) {
	case VALUE_text:
		*(char **)out = arena_text(a, s, strlen(s));
		return true;
	case VALUE_flag:
		return parse_flag(s, out, why);
	case VALUE_count:
	case VALUE_size:
	case VALUE_percent:
		return parse_bounded(kind, s, least, most, out, why);
	case VALUE_duration:
		ok = parse_bounded(kind, s, least, most, &number, why);
		*(int64_t *)out = (int64_t)number;
		return ok;
	case VALUE_words:
		((struct texts *)out)->item[i] = arena_text(a, s, strlen(s));
		because(why, "is empty; for none write []");
		return *s != '\0';
	case VALUE_durations:
		ok = parse_bounded(kind, s, least, most, &number, why);
		((struct durations *)out)->us[i] = (int64_t)number;
		return ok;
	case VALUE_sockets:
		at = &((struct sockets *)out)->at[i];
		at->text = arena_text(a, s, strlen(s));
		return net_parse_socket(s, at, why);
	case VALUE_networks:
		return net_parse_network(s, &((struct networks *)out)->net[i],
					 why);
	case VALUE_rate:
		return parse_rate(s, out, why);
#define E(name, ID, WORDS)                                                     \
	case VALUE_##name:                                                     \
		ok = parse_word(name##_words, s, &word, why);                  \
		*(enum name##_kind *)out = (enum name##_kind)word;             \
		return ok;
		ENUMS(E)
#undef E
	case VALUE_counts:
	case VALUE_lists:
	case VALUE_COUNT:
		break;
	}
	return false;
}

static bool
parse_counts(const struct value_text *text, struct arena *a, struct counts *out,
	     char why[VALUE_WHY])
{
	char one[VALUE_WHY];

	out->item = arena_alloc(a, text->nnamed * sizeof *out->item);
	out->n = text->nnamed;
	for (size_t i = 0; i < out->n; i++) {
		const struct value_named *v = &text->named[i];

		out->item[i].name = arena_text(a, v->name, strlen(v->name));
		snprintf(one, sizeof one, "takes one number");
		if (v->n == 1 && !v->list &&
		    parse_bounded(VALUE_count, v->item[0], NULL, NULL,
				  &out->item[i].count, one))
			continue;
		because(why, "%.64s: '%.64s' %.100s", v->name,
			v->n > 0 ? v->item[0] : "", one);
		return false;
	}
	return true;
}

static struct texts
copy_texts(char *const *item, size_t n, struct arena *a)
{
	struct texts t = {arena_alloc(a, n * sizeof(char *)), n};

	for (size_t i = 0; i < n; i++)
		t.item[i] = arena_text(a, item[i], strlen(item[i]));
	return t;
}

/* In a block each name has its list; without a block one list is for all. */
static bool
parse_lists(const struct value_text *text, struct arena *a, struct lists *out,
	    char why[VALUE_WHY])
{
	out->n = text->block ? text->nnamed : text->n > 0;
	out->item = arena_alloc(a, out->n * sizeof *out->item);
	if (!text->block && out->n > 0) {
		out->item[0].name = arena_text(a, "*", 1);
		out->item[0].value = copy_texts(text->item, text->n, a);
		return true;
	}
	for (size_t i = 0; i < out->n; i++) {
		const struct value_named *v = &text->named[i];

		out->item[i].name = arena_text(a, v->name, strlen(v->name));
		out->item[i].value = copy_texts(v->item, v->n, a);
		if (v->n > 0)
			continue;
		because(why, "%.64s: the list is empty", v->name);
		return false;
	}
	return true;
}

bool
value_parse(enum value_kind kind, const struct value_text *text,
	    const char *least, const char *most, struct arena *a, void *out,
	    char why[VALUE_WHY])
{
	char one[VALUE_WHY];
	size_t n = 0;

	if (kind == VALUE_lists)
		return parse_lists(text, a, out, why);
	if (kind == VALUE_counts) {
		if (text->block || text->n == 0)
			return parse_counts(text, a, out, why);
		because(why, "is a block: write { NAME = number }");
		return false;
	}

	if (!value_is_list(kind) && (text->list || text->n != 1)) {
		because(why, "takes one value, not a list%s",
			text->n == 1 && strchr(text->item[0], ':')
			    ? "; an address in brackets stands in quotes"
			    : "");
		return false;
	}
	if (value_is_list(kind))
		make_list(kind, out, text->n, a);
	for (size_t i = 0; i < text->n; i++) {
		if (parse_one(kind, text->item[i], i, least, most, a, out, one))
			continue;
		if (n < VALUE_WHY)
			n += (size_t)snprintf(why + n, VALUE_WHY - n,
					      "%s'%.100s' %s", n ? "; " : "",
					      text->item[i], one);
	}
	return n == 0;
}

/* With the largest unit that leaves no rest. */
static void
print_number(enum value_kind kind, uint64_t v, struct bytes *out)
{
	const struct unit *u = units_of(kind), *best = u;

	for (; u->name != NULL; u++)
		if (v != 0 && v % u->times == 0)
			best = u;
	bytes_printf(out, "%" PRIu64 "%s", v / best->times, best->name);
}

size_t
value_items(enum value_kind kind, const void *member)
{
	if (kind == VALUE_words)
		return ((const struct texts *)member)->n;
	if (kind == VALUE_durations)
		return ((const struct durations *)member)->n;
	if (kind == VALUE_sockets)
		return ((const struct sockets *)member)->n;
	if (kind == VALUE_networks)
		return ((const struct networks *)member)->n;
	if (kind == VALUE_text)
		return **(char *const *)member != '\0';
	if (kind == VALUE_rate)
		return ((const struct rate *)member)->window_us != 0;
	if (kind == VALUE_counts)
		return ((const struct counts *)member)->n;
	if (kind == VALUE_lists)
		return ((const struct lists *)member)->n;
	return 1;
}

static void
print_network(const struct network *net, struct bytes *out)
{
	struct bytes text = {0};

	net_print_network(net, &text);
	bytes_u8(&text, '\0');
	conf_print_text(out, (const char *)text.data);
	bytes_free(&text);
}

static void
print_rate(const struct rate *r, struct bytes *out)
{
	if (r->window_us == 0)
		bytes_add_text(out, "\"\"");
	else
		bytes_printf(out, "%" PRIu64 "/%s", r->count,
			     r->window_us == SECOND_US   ? "s"
			     : r->window_us == MINUTE_US ? "min"
							 : "h");
}

static void
print_texts(const struct texts *t, struct bytes *out)
{
	bytes_add_text(out, "[");
	for (size_t i = 0; i < t->n; i++) {
		bytes_add_text(out, i ? ", " : "");
		conf_print_text(out, t->item[i]);
	}
	bytes_add_text(out, "]");
}

/* "{ mass = 1200; workflow = 300 }" */
static void
print_named(enum value_kind kind, const void *member, struct bytes *out)
{
	const struct counts *c = member;
	const struct lists *l = member;
	size_t n = value_items(kind, member);

	bytes_add_text(out, "{");
	for (size_t i = 0; i < n; i++) {
		bytes_add_text(out, i ? "; " : " ");
		if (kind == VALUE_counts) {
			conf_print_text(out, c->item[i].name);
			bytes_add_text(out, " = ");
			print_number(VALUE_count, c->item[i].count, out);
		} else {
			conf_print_text(out, l->item[i].name);
			bytes_add_text(out, " = ");
			print_texts(&l->item[i].value, out);
		}
	}
	bytes_add_text(out, n ? " }" : "}");
}

static void
print_one(enum value_kind kind, const void *member, size_t i, struct bytes *out)
{
	switch (kind) {
	case VALUE_text:
		conf_print_text(out, *(char *const *)member);
		break;
	case VALUE_flag:
		bytes_add_text(out, *(const bool *)member ? "yes" : "no");
		break;
	case VALUE_count:
	case VALUE_size:
	case VALUE_percent:
		print_number(kind, *(const uint64_t *)member, out);
		break;
	case VALUE_duration:
		print_number(kind, (uint64_t) * (const int64_t *)member, out);
		break;
	case VALUE_words:
		conf_print_text(out, ((const struct texts *)member)->item[i]);
		break;
	case VALUE_durations:
		print_number(
		    kind, (uint64_t)((const struct durations *)member)->us[i],
		    out);
		break;
	case VALUE_sockets:
		conf_print_text(out,
				((const struct sockets *)member)->at[i].text);
		break;
	case VALUE_networks:
		print_network(&((const struct networks *)member)->net[i], out);
		break;
	case VALUE_rate:
		print_rate(member, out);
		break;
	case VALUE_counts:
	case VALUE_lists:
		print_named(kind, member, out);
		break;
#define E(name, ID, WORDS)                                                     \
	case VALUE_##name:                                                     \
		bytes_add_text(                                                \
		    out, name##_words[*(const enum name##_kind *)member]);     \
		break;
		ENUMS(E)
#undef E
	case VALUE_COUNT:
		break;
	}
}

void
value_print(enum value_kind kind, const void *member, struct bytes *out)
{
	size_t n = value_items(kind, member);
	bool list = value_is_list(kind);

	if (!list) {
		print_one(kind, member, 0, out);
		return;
	}
	bytes_add_text(out, n == 1 ? "" : "[");
	for (size_t i = 0; i < n; i++) {
		bytes_add_text(out, i ? ", " : "");
		print_one(kind, member, i, out);
	}
	bytes_add_text(out, n == 1 ? "" : "]");
}

void
value_describe(enum value_kind kind, struct bytes *out)
{
	static const char *const what[] = {
#define V(kind, what) what,
	    VALUE_KINDS(V)
#undef V
	};
	const char *const *words = words_of(kind);

	bytes_add_text(out, what[kind]);
	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		bytes_printf(out, "%s%s", i ? " | " : "", words[i]);
}
