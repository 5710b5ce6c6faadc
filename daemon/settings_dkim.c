#include "daemon/settings_dkim.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/secret.h"

#define error_at(r, p, ...)   report_error(r, (p).file, (p).line, __VA_ARGS__)
#define warning_at(r, p, ...) report_warning(r, (p).file, (p).line, __VA_ARGS__)
#define here(s, d, key)       settings_place(s, BLOCK_dkim, d, key)
#define is_given(s, d, key)   (settings_given(s, BLOCK_dkim, d, key) != NULL)

#define DOMAINKEY "._domainkey."

const char *
settings_dkim_domain(const struct dkim_settings *d)
{
	return *d->domain != '\0' ? d->domain : d->title;
}

static bool
same_domain(const struct dkim_settings *a, const struct dkim_settings *b)
{
	return strcasecmp(settings_dkim_domain(a), settings_dkim_domain(b)) ==
	       0;
}

/* Labels of letters, digits, inner hyphens (RFC 6376 3.1); underscores are in
 * use. */
static bool
is_selector(const char *s)
{
	size_t n = 0; /* octets of this label */

	for (;; s++) {
		if (*s == '.' || *s == '\0') {
			if (n == 0 || n > NET_LABEL || s[-1] == '-')
				return false;
			if (*s == '\0')
				return true;
			n = 0;
			continue;
		}
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') &&
		    !(*s >= '0' && *s <= '9') && *s != '_' &&
		    (*s != '-' || n == 0))
			return false;
		n++;
	}
}

static void
check_name(const struct settings *s, const struct dkim_settings *d,
	   struct report *r)
{
	const char *domain = settings_dkim_domain(d);

	if (!net_is_domain(domain) || strchr(domain, '.') == NULL)
		error_at(r, here(s, d, "domain"),
			 "dkim %s: '%.100s' is not a domain%s", d->title,
			 domain, *d->domain != '\0' ? "" : "; give domain");
	if (!is_given(s, d, "selector"))
		return; /* told already */
	if (!is_selector(d->selector))
		error_at(r, here(s, d, "selector"),
			 "selector: '%.100s' is not a name as mtq2026a",
			 d->selector);
	else if (strlen(d->selector) + strlen(DOMAINKEY) + strlen(domain) >
		 NET_DOMAIN)
		error_at(r, here(s, d, "selector"),
			 "selector: with the domain it is a name of over %d "
			 "octets",
			 NET_DOMAIN);
}

static bool
is_leap(long year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* "2026-12-01", a day that there is. */
static bool
is_day(const char *s)
{
	static const char form[] = "dddd-dd-dd";
	static const long days[] = {31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31};
	long month, day;

	if (strlen(s) != sizeof form - 1)
		return false;
	for (size_t i = 0; i < sizeof form - 1; i++)
		if (form[i] == '-' ? s[i] != '-' : s[i] < '0' || s[i] > '9')
			return false;
	month = strtol(s + 5, NULL, 10);
	day = strtol(s + 8, NULL, 10);
	return month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1] +
			  (month == 2 && is_leap(strtol(s, NULL, 10)));
}

/* True: empty, or a day. */
static bool
check_day(const struct settings *s, const struct dkim_settings *d,
	  const char *key, const char *day, struct report *r)
{
	if (*day == '\0' || is_day(day))
		return true;
	error_at(r, here(s, d, key), "%s: '%.100s' is not a day as 2026-12-01",
		 key, day);
	return false;
}

/* Does another key of the domain sign on that day? */
static bool
is_followed(const struct settings *s, const struct dkim_settings *d)
{
	for (size_t i = 0; i < s->ndkims; i++) {
		const struct dkim_settings *o = &s->dkims[i];

		if (o != d && same_domain(o, d) &&
		    strcmp(o->from, d->until) <= 0 &&
		    (*o->until == '\0' || strcmp(o->until, d->until) > 0))
			return true;
	}
	return false;
}

/* Days as text are in order as they are (ISO 8601). */
static void
check_days(const struct settings *s, const struct dkim_settings *d,
	   struct report *r)
{
	bool from = check_day(s, d, "from", d->from, r);
	bool until = check_day(s, d, "until", d->until, r);

	if (!from || !until || *d->until == '\0')
		return;
	if (strcmp(d->from, d->until) >= 0)
		error_at(r, here(s, d, "until"),
			 "until: %s is not after from, %s", d->until, d->from);
	else if (!is_followed(s, d))
		warning_at(r, here(s, d, "until"),
			   "until: from %s on no key signs mail of %s",
			   d->until, settings_dkim_domain(d));
}

/* Compares block i with all before it: a selector names one key. */
static void
check_twice(const struct settings *s, size_t i, struct report *r)
{
	const struct dkim_settings *d = &s->dkims[i];

	for (size_t j = 0; j < i; j++) {
		const struct dkim_settings *o = &s->dkims[j];

		if (!same_domain(o, d) ||
		    strcasecmp(o->selector, d->selector) != 0)
			continue;
		error_at(r, here(s, d, "selector"),
			 "selector: %s of %s is that of the dkim %s of %s:%u",
			 d->selector, settings_dkim_domain(d), o->title,
			 o->file, o->line);
		return;
	}
}

void
settings_dkim_check(const struct settings *s, const char *name,
		    struct report *r)
{
	char why[160];

	if (s->ndkims > SETTINGS_DKIMS) {
		report_error(r, name, 0, "%zu dkim blocks; there may be %d",
			     s->ndkims, SETTINGS_DKIMS);
		return;
	}
	for (size_t i = 0; i < s->ndkims; i++) {
		const struct dkim_settings *d = &s->dkims[i];

		check_name(s, d, r);
		check_days(s, d, r);
		if (is_given(s, d, "selector"))
			check_twice(s, i, r);
		if (is_given(s, d, "key") &&
		    !secret_reference(d->key, false, why))
			error_at(r, here(s, d, "key"), "key %s", why);
	}
}
