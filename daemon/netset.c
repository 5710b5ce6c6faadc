#include "daemon/netset.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/file.h"
#include "daemon/zone.h"

struct netsets *
netsets_make(struct arena *a)
{
	struct netsets *all = arena_alloc(a, sizeof *all);

	all->arena = a;
	return all;
}

/* --- merging -------------------------------------------------------------- */

/* By address, the wider one first. */
static int
compare(const void *a, const void *b)
{
	const struct network *x = a, *y = b;
	int order = memcmp(x->addr, y->addr, sizeof x->addr);

	return order != 0 ? order : (x->bits > y->bits) - (x->bits < y->bits);
}

/* Two halves of one network, if that is one that may be named. */
static bool
are_halves(const struct network *a, const struct network *b)
{
	const unsigned widest =
	    net_is_v4(a) ? NET_MAPPED + NET_WIDEST_V4 : NET_WIDEST_V6;
	struct network whole = *a;

	if (a->bits != b->bits || a->bits <= widest ||
	    net_is_v4(a) != net_is_v4(b))
		return false;
	whole.bits--;
	return (a->addr[whole.bits / 8] & 0x80 >> whole.bits % 8) == 0 &&
	       net_holds(&whole, b->addr);
}

void
netset_merge(struct networks *l)
{
	size_t n = 0;

	if (l->n > 1)
		qsort(l->net, l->n, sizeof *l->net, compare);
	for (size_t i = 0; i < l->n; i++) {
		if (n > 0 && net_holds(&l->net[n - 1], l->net[i].addr))
			continue; /* it begins inside, so it ends there too */
		l->net[n++] = l->net[i];
		for (; n > 1 && are_halves(&l->net[n - 2], &l->net[n - 1]); n--)
			l->net[n - 2].bits--;
	}
	l->n = n;
}

/* --- one file ------------------------------------------------------------- */

struct reading {
	struct netset *set;
	struct arena *arena;
	struct report *report;
	unsigned line;
};

/* What follows `word` behind the '#' of a comment; NULL: another comment. */
static const char *
after(const char *comment, const char *word)
{
	const char *p = comment + 1 + strspn(comment + 1, " \t");
	size_t n = strlen(word);

	if (strncmp(p, word, n) != 0)
		return NULL;
	return p + n + strspn(p + n, " \t");
}

static void
read_comment(struct reading *in, const char *text)
{
	const char *date = after(text, "as of "), *url = after(text, "source:");
	int64_t us;

	if (url != NULL && *in->set->source == '\0')
		in->set->source = arena_text(in->arena, url, strlen(url));
	if (date == NULL || in->set->as_of_line != 0)
		return;
	in->set->as_of_line = in->line;
	if (strlen(date) == sizeof in->set->as_of - 1 &&
	    zone_date("Etc/UTC", date, &us))
		memcpy(in->set->as_of, date, sizeof in->set->as_of);
	else
		report_error(in->report, in->set->file, in->line,
			     "'%.40s' is no date as 2026-11-21", date);
}

static void
read_line(struct reading *in, char *text)
{
	struct networks *l = &in->set->nets;
	char why[NET_WHY];

	text += strspn(text, " \t\r");
	if (*text == '#') {
		read_comment(in, text);
		return;
	}
	text[strcspn(text, " \t\r#")] = '\0';
	if (*text == '\0')
		return;
	if (l->n == NETSET_NETWORKS)
		report_error(in->report, in->set->file, in->line,
			     "more than %d networks", NETSET_NETWORKS);
	else if (!net_parse_network(text, &l->net[l->n], why))
		report_error(in->report, in->set->file, in->line, "'%.100s' %s",
			     text, why);
	if (l->n < NETSET_NETWORKS)
		l->n++;
}

/* The end of a line is cut of blanks: a CR, too. */
static void
trim(char *line)
{
	size_t n = strlen(line);

	while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL)
		line[--n] = '\0';
}

static bool
read_set(struct reading *in, char *text, size_t n)
{
	unsigned before = in->report->errors;
	struct network *room =
	    must_alloc(NETSET_NETWORKS * sizeof *in->set->nets.net);
	char *end;

	in->set->nets = (struct networks){room, 0};
	if (memchr(text, '\0', n) != NULL)
		report_error(in->report, in->set->file, 0, "not a text");
	for (char *p = text; *p != '\0'; p = end) {
		end = p + strcspn(p, "\n");
		if (*end != '\0')
			*end++ = '\0';
		in->line++;
		trim(p);
		read_line(in, p);
	}
	if (in->set->as_of_line == 0)
		report_error(in->report, in->set->file, 0,
			     "a line \"# as of 2026-11-21\" must say how old "
			     "the list is");
	if (in->set->nets.n == 0)
		report_error(in->report, in->set->file, 0,
			     "there is no network in it");
	netset_merge(&in->set->nets);
	n = in->set->nets.n * sizeof *room;
	in->set->nets.net = arena_alloc(in->arena, n);
	if (n > 0)
		memcpy(in->set->nets.net, room, n);
	free(room);
	return in->report->errors == before;
}

/* --- the folders ---------------------------------------------------------- */

static bool
is_name(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n > 0 && n <= NETSET_NAME && s[n] == '\0';
}

static int
is_set(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && strcmp(d->d_name + n - 5, ".conf") == 0 &&
	       d->d_name[0] != '.';
}

/* "salesforce, zoho-au, zoho-cn" */
static void
list_names(char *const *folder, size_t nfolders, struct bytes *out)
{
	struct dirent **entry;

	for (size_t i = 0; i < nfolders; i++) {
		int n = scandir(folder[i], &entry, is_set, alphasort);

		for (int j = 0; j < n; j++) {
			if (out->n < REPORT_LINE)
				bytes_printf(out, "%s%.*s", out->n ? ", " : "",
					     (int)strlen(entry[j]->d_name) - 5,
					     entry[j]->d_name);
			free(entry[j]);
		}
		if (n >= 0)
			free(entry);
	}
	bytes_u8(out, '\0');
}

static void
tell_missing(char *const *folder, size_t nfolders, const char *name,
	     struct report *r, const char *file, unsigned line)
{
	struct bytes names = {0};

	list_names(folder, nfolders, &names);
	if (names.n > 1)
		report_error(r, file, line,
			     "there is no set @%.64s in %.200s; there are %s",
			     name, nfolders > 0 ? folder[0] : "network_sets",
			     (char *)names.data);
	else
		report_error(r, file, line,
			     "there is no set @%.64s: no file NAME.conf is in "
			     "%.200s (network_sets)",
			     name, nfolders > 0 ? folder[0] : "any folder");
	bytes_free(&names);
}

static const struct netset *
read_file(struct netsets *all, const char *path, const char *name, char *text,
	  size_t n, struct report *r)
{
	struct netset *set = &all->set[all->n];
	struct reading in = {set, all->arena, r, 0};

	*set =
	    (struct netset){.name = arena_text(all->arena, name, strlen(name)),
			    .file = arena_text(all->arena, path, strlen(path)),
			    .source = ""};
	if (!read_set(&in, text, n))
		return NULL;
	all->n++;
	return set;
}

const struct netset *
netset_find(struct netsets *all, char *const *folder, size_t nfolders,
	    const char *name, struct report *r, const char *file, unsigned line)
{
	const struct netset *set;

	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->set[i].name, name) == 0)
			return &all->set[i];
	if (!is_name(name) || all->n == NETSETS_MOST) {
		report_error(r, file, line,
			     all->n == NETSETS_MOST
				 ? "@%.64s: more than 64 sets"
				 : "'@%.64s' is not a set's name: letters, "
				   "digits, _ and -",
			     name);
		return NULL;
	}
	for (size_t i = 0; i < nfolders; i++) {
		char *path = must_printf("%s/%s.conf", folder[i], name);
		size_t n = 0;
		char *text = file_read(path, NETSET_OCTETS, &n);
		int why = errno;

		set = NULL;
		if (text != NULL)
			set = read_file(all, path, name, text, n, r);
		else if (why != ENOENT)
			report_error(r, file, line, "can't read %.200s: %s",
				     path,
				     why == EFBIG    ? "over 256 kB"
				     : why == EINVAL ? "not a file"
						     : strerror(why));
		free(path);
		if (text == NULL && why == ENOENT)
			continue;
		free(text);
		return set;
	}
	tell_missing(folder, nfolders, name, r, file, line);
	return NULL;
}

/* --- how old -------------------------------------------------------------- */

int
netset_age_days(const struct netset *s, int64_t now_us)
{
	int64_t then_us;

	must(zone_date("Etc/UTC", s->as_of, &then_us));
	return now_us < then_us ? -1 : (int)((now_us - then_us) / DAY_US);
}

void
netsets_tell_ages(const struct netsets *all, int64_t now_us, struct report *r)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct netset *s = &all->set[i];
		int days = netset_age_days(s, now_us);

		if (days > NETSET_OLD_DAYS)
			report_warning(
			    r, s->file, s->as_of_line,
			    "the networks of @%s are %d days old: compare them "
			    "with %s and set the new date",
			    s->name, days,
			    *s->source ? s->source : "what is published today");
		else if (days < 0)
			report_warning(r, s->file, s->as_of_line,
				       "the date of @%s is still to come",
				       s->name);
	}
}
