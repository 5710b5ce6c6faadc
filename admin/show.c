#include "admin/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <libsmartcols/libsmartcols.h>

#include "admin/human.h"
#include "admin/utf8.h"
#include "daemon/log.h"
#include "daemon/now.h"

struct show {
	FILE *out;
	bool json;
	bool headings; /* were printed */
	const struct show_field *field;
	size_t n;
	int64_t now_us;
	struct libscols_table *table;
	size_t rows; /* in the table */
};

struct show_value
show_text(struct text t)
{
	return (struct show_value){.given = true, .text = t};
}

struct show_value
show_word(const char *s)
{
	return s == NULL ? show_none() : show_text(text_of(s));
}

struct show_value
show_count(uint64_t n)
{
	return (struct show_value){.given = true, .count = n};
}

struct show_value
show_time(int64_t us)
{
	return (struct show_value){.given = true, .time_us = us};
}

struct show_value
show_ms(int64_t us)
{
	return show_time(us);
}

struct show_value
show_flag(bool f)
{
	return (struct show_value){.given = true, .flag = f};
}

struct show_value
show_words(const struct text *words, size_t n)
{
	return (struct show_value){.given = true, .words = words, .nwords = n};
}

struct show_value
show_rows(const struct show_rows *rows)
{
	return (struct show_value){.given = true, .rows = rows};
}

struct show_value
show_none(void)
{
	return (struct show_value){.given = false};
}

/* --- JSON ----------------------------------------------------------------- */

/* Takes v; jansson returns NULL only when memory is out or for malformed
 * UTF-8, and there is none of that here. */
static json_t *
sure(json_t *v)
{
	must(v != NULL);
	return v;
}

/* *tame becomes false when a control must be escaped on output. */
static json_t *
json_text(struct text t, bool *tame)
{
	struct bytes b = {0};
	json_t *v;

	if (!utf8_repair(&b, t.p, t.n))
		*tame = false;
	v = sure(json_stringn(b.n > 0 ? (const char *)b.data : "", b.n));
	bytes_free(&b);
	return v;
}

static json_t *
json_words(const struct show_value *v, bool *tame)
{
	json_t *list = sure(json_array());

	for (size_t i = 0; i < v->nwords; i++)
		must(json_array_append_new(list,
					   json_text(v->words[i], tame)) == 0);
	return list;
}

/* Everything but rows, which hold values of this kind in turn: they are one
 * deep, so that nothing here calls itself. */
static json_t *
json_plain(enum show_kind kind, const struct show_value *v, bool *tame)
{
	char time[NOW_RFC3339_SIZE];

	if (!v->given)
		return sure(json_null());
	switch (kind) {
	case SHOW_TEXT:
		return json_text(v->text, tame);
	case SHOW_COUNT:
	case SHOW_SIZE:
		return sure(json_integer(
		    (json_int_t)min_of(v->count, (uint64_t)INT64_MAX)));
	case SHOW_TIME:
		now_rfc3339(v->time_us, time);
		return sure(json_string(time));
	case SHOW_MS: /* rounded to tenths */
		return sure(json_real(
		    (double)(v->time_us / 100 + (v->time_us % 100 >= 50)) /
		    10));
	case SHOW_FLAG:
		return sure(json_boolean(v->flag));
	case SHOW_WORDS:
		return json_words(v, tame);
	case SHOW_ROWS:
	case SHOW_MAP:
		break;
	}
	must_failed("rows inside of rows", __FILE__, __LINE__);
}

static json_t *
json_row(const struct show_rows *r, size_t i, size_t from, bool *tame)
{
	const struct show_value *v = r->value + i * r->nfields;
	json_t *o = sure(json_object());

	for (size_t k = from; k < r->nfields; k++)
		if (r->field[k].name != NULL)
			must(json_object_set_new(o, r->field[k].name,
						 json_plain(r->field[k].kind,
							    &v[k], tame)) == 0);
	return o;
}

static json_t *
json_rows(const struct show_rows *r, bool *tame)
{
	json_t *list = sure(json_array());

	for (size_t i = 0; i < r->nrows; i++)
		must(json_array_append_new(list, json_row(r, i, 0, tame)) == 0);
	return list;
}

/* The first field is a name of ours: type, relay. */
static json_t *
json_map(const struct show_rows *r, bool *tame)
{
	json_t *map = sure(json_object());

	for (size_t i = 0; i < r->nrows; i++) {
		struct text key = r->value[i * r->nfields].text;
		char *name = must_printf("%.*s", (int)key.n, key.p);

		must(json_object_set_new(map, name, json_row(r, i, 1, tame)) ==
		     0);
		free(name);
	}
	return map;
}

void
show_json(FILE *out, const struct show_field *field, size_t n,
	  const struct show_value *value)
{
	json_t *o = sure(json_object());
	bool tame = true;
	int rc;

	for (size_t i = 0; i < n; i++) {
		bool rows =
		    (field[i].kind == SHOW_ROWS || field[i].kind == SHOW_MAP) &&
		    value[i].given;
		json_t *v;

		if (field[i].name == NULL)
			continue;
		if (!rows)
			v = json_plain(field[i].kind, &value[i], &tame);
		else if (field[i].kind == SHOW_ROWS)
			v = json_rows(value[i].rows, &tame);
		else
			v = json_map(value[i].rows, &tame);
		must(json_object_set_new(o, field[i].name, v) == 0);
	}
	/* jansson escapes C0 only.  An object with other controls is written
	 * in ASCII: the same text, harmless to whoever looks at it. */
	rc = json_dumpf(
	    o, out, JSON_REAL_PRECISION(15) | (tame ? 0 : JSON_ENSURE_ASCII));
	if (rc == 0)
		fputc('\n', out); /* an error stays in ferror(out) */
	json_decref(o);
}

/* --- people --------------------------------------------------------------- */

/* The value as a text for people; the caller frees it. */
static char *
spell(enum show_kind kind, const struct show_value *v, int64_t now_us)
{
	char text[HUMAN_TEXT];
	char *out;

	if (!v->given)
		return must_strdup("");
	switch (kind) {
	case SHOW_TEXT:
		out = must_alloc(v->text.n + 1);
		log_safe(v->text.p, v->text.n, out, v->text.n + 1);
		return out;
	case SHOW_COUNT:
		return must_printf("%" PRIu64, v->count);
	case SHOW_SIZE:
		return must_strdup(human_size(v->count, text));
	case SHOW_TIME:
		return must_strdup(human_when(v->time_us, now_us, text));
	case SHOW_MS:
		return must_printf("%.1f", (double)v->time_us / 1000);
	case SHOW_FLAG:
		return must_strdup(v->flag ? "yes" : "no");
	case SHOW_WORDS:
	case SHOW_ROWS:
	case SHOW_MAP:
		break;
	}
	must_failed("a list in a table", __FILE__, __LINE__);
}

void
show_card(FILE *out, const struct show_field *field, size_t n,
	  const struct show_value *value, int64_t now_us)
{
	char time[NOW_RFC3339_SIZE];
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		if (field[i].heading != NULL && value[i].given)
			width = max_of(width, strlen(field[i].heading));
	for (size_t i = 0; i < n; i++) {
		char *text;

		if (field[i].heading == NULL || !value[i].given)
			continue;
		text = spell(field[i].kind, &value[i], now_us);
		fprintf(out, "%-*s  ", (int)width, field[i].heading);
		if (field[i].kind == SHOW_TIME) {
			now_rfc3339(value[i].time_us, time);
			fprintf(out, "%s (%s)\n", time, text);
		} else {
			fprintf(out, "%s\n", text);
		}
		free(text);
	}
}

static void
begin_table(struct show *s)
{
	s->table = scols_new_table();
	must(s->table != NULL);
	must(scols_table_set_stream(s->table, s->out) == 0);
	must(scols_table_enable_noheadings(s->table, s->headings) == 0);
	s->rows = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct show_field *f = &s->field[i];
		bool right = f->kind == SHOW_COUNT || f->kind == SHOW_SIZE;
		/* A width below 1 is a share of the terminal. */
		double width =
		    f->cut
			? 0.2
			: (double)strlen(f->heading != NULL ? f->heading : "");
		int flags = (right ? SCOLS_FL_RIGHT : 0) |
			    (f->cut ? SCOLS_FL_TRUNC : 0);

		if (f->heading != NULL)
			must(scols_table_new_column(s->table, f->heading, width,
						    flags) != NULL);
	}
}

/* Prints what the table holds, and forgets it. */
static void
end_table(struct show *s)
{
	/* A failed write stays in ferror(out). */
	if (s->rows > 0) {
		(void)scols_print_table(s->table);
		s->headings = true;
	}
	scols_unref_table(s->table);
	s->table = NULL;
}

struct show *
show_open(FILE *out, bool json, const struct show_field *field, size_t n,
	  int64_t now_us)
{
	struct show *s = must_alloc(sizeof *s);

	*s = (struct show){
	    .out = out, .json = json, .field = field, .n = n, .now_us = now_us};
	return s;
}

void
show_row(struct show *s, const struct show_value *value)
{
	struct libscols_line *line;
	size_t column = 0;

	if (s->json) {
		show_json(s->out, s->field, s->n, value);
		return;
	}
	if (s->table == NULL)
		begin_table(s);
	line = scols_table_new_line(s->table, NULL);
	must(line != NULL);
	for (size_t i = 0; i < s->n; i++)
		if (s->field[i].heading != NULL)
			must(scols_line_refer_data(line, column++,
						   spell(s->field[i].kind,
							 &value[i],
							 s->now_us)) == 0);
	if (++s->rows == SHOW_TABLE_ROWS)
		end_table(s);
}

void
show_close(struct show *s)
{
	if (s->table != NULL)
		end_table(s);
	free(s);
}
