/* from_ip with sets: what is read, told, printed for the roles. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/daemon/expect.h"

static char folder[] = "/tmp/mtq-sets-XXXXXX";

static void
put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
take_away(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

/* Text without the folder's name: "D/f:5: ...". */
static void
shorten(const struct bytes *in, struct bytes *out)
{
	size_t k = strlen(folder);

	for (size_t i = 0; i < in->n;) {
		bool dir =
		    in->n - i >= k && memcmp(in->data + i, folder, k) == 0;

		bytes_u8(out, dir ? 'D' : in->data[i]);
		i += dir ? k : 1;
	}
	bytes_u8(out, 0);
}

static struct settings *
load(const char *source, struct bytes *says)
{
	struct bytes report = {0}, text = {0};
	struct settings *s;
	char path[128];

	bytes_printf(&text,
		     NAMES
		     "network_sets = %s\n"
		     "tls c { cert = file:%s/c key = file:%s/k }\n"
		     "listen in { address = 127.0.0.1:25 tls = optional }\n"
		     "%s\n" RELAY,
		     folder, folder, folder, source);
	bytes_u8(&text, 0);
	put("f", (const char *)text.data);
	snprintf(path, sizeof path, "%s/f", folder);
	s = settings_load(path, &report);
	shorten(&report, says);
	bytes_free(&report);
	bytes_free(&text);
	take_away("f");
	return s;
}

/* The first line with this word. */
static void
find_line(const struct settings *s, bool origins, const char *word, char *out,
	  size_t size)
{
	struct bytes print = {0}, text = {0};
	const char *at;

	settings_print(s, origins, &print);
	shorten(&print, &text);
	at = strstr((const char *)text.data, word);
	assert_non_null(at);
	snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
	bytes_free(&text);
	bytes_free(&print);
}

#define CRM "# as of 2026-07-12\n192.0.2.0/25\n192.0.2.128/25\n"
#define LAX                                                                    \
	"allow_from = e.example dkim = log require_header { X-SFDC-LK = "      \
	"00D4x000004z0H4 }"

static void
errors(void **state)
{
	static const struct row row[] = {
	    {"there is no such set", "source s { from_ip = @other }",
	     "D/f:6: there is no set @other in D; there are crm, odd\n"},
	    {"no name", "source s { from_ip = \"@\" }",
	     "D/f:6: '@' is not a set's name: letters, digits, _ and -\n"},
	    {"a wrong network beside it",
	     "source s { from_ip = [@crm, 10.0.0.1/8] }",
	     "D/f:6: from_ip: '10.0.0.1/8' has bits beyond its length; is one "
	     "address meant, or the network?\n"},
	    {"a set with a mistake", "source s { from_ip = @odd }",
	     "D/odd.conf:2: '1.2.3' is not a network; write 192.0.2.0/24 or "
	     "2001:db8::/32\n"},
	    {"a profile's set is not there",
	     "source s { profile = salesforce " LAX " }",
	     "D/f:6: there is no set @salesforce in D; there are crm, odd\n"},
	    {"two sources with one set",
	     "source s { from_ip = @crm }\nsource t { from_ip = @crm }",
	     "D/f:7: source t has a network of source s at D/f:6; give them "
	     "different listeners\n"},
	};

	(void)state;
	put("crm.conf", CRM);
	put("odd.conf", "# as of 2026-07-12\n1.2.3\n");
	for (size_t i = 0; i < countof(row); i++) {
		struct bytes says = {0};
		struct settings *s = load(row[i].text, &says);

		/* What else is wrong then (files of certificates) is not told
		 * of here. */
		if (s != NULL || strstr((char *)says.data, row[i].says) == NULL)
			fail_msg("%s: it says\n%swanted\n%s", row[i].name,
				 (char *)says.data, row[i].says);
		settings_free(s);
		bytes_free(&says);
	}
	take_away("odd.conf");
	take_away("crm.conf");
}

/* The roles read text that names no set, with the same networks. */
static void
values(void **state)
{
	static const struct {
		const char *name, *text, *shown, *printed;
	} row[] = {
	    {"a set alone", "source s { from_ip = @crm }",
	     "from_ip = 192.0.2.0/24 # D/f:4, @crm of 2026-07-12 (D/crm.conf)",
	     "from_ip = 192.0.2.0/24"},
	    {"with networks around it",
	     "source s { from_ip = [10.1.2.3, @crm, 192.0.3.0/24] }",
	     "from_ip = [10.1.2.3, 192.0.2.0/23] # D/f:4, @crm of 2026-07-12 "
	     "(D/crm.conf)",
	     "from_ip = [10.1.2.3, 192.0.2.0/23]"},
	    {"two sets", "source s { from_ip = [@crm, @salesforce] }",
	     "from_ip = [192.0.2.0/24, 198.51.100.0/24] # D/f:4, @crm of "
	     "2026-07-12 (D/crm.conf), @salesforce of 2026-01-01 "
	     "(D/salesforce.conf)",
	     "from_ip = [192.0.2.0/24, 198.51.100.0/24]"},
	    {"networks alone stay as they stand",
	     "source s { from_ip = [192.0.2.128/25, 192.0.2.0/25] }",
	     "from_ip = [192.0.2.128/25, 192.0.2.0/25] # D/f:4",
	     "from_ip = [192.0.2.128/25, 192.0.2.0/25]"},
	};

	(void)state;
	put("crm.conf", CRM);
	put("salesforce.conf", "# as of 2026-01-01\n198.51.100.0/24\n");
	for (size_t i = 0; i < countof(row); i++) {
		struct bytes says = {0}, text = {0};
		char line[512], wide[512], *w = line;
		struct settings *s, *again;

		bytes_printf(&text,
			     NAMES "network_sets = %s\n%s\n" LISTEN RELAY,
			     folder, row[i].text);
		bytes_u8(&text, 0);
		put("f", (const char *)text.data);
		snprintf(wide, sizeof wide, "%s/f", folder);
		s = settings_load(wide, &says);
		if (s == NULL)
			fail_msg("%s: %.*s", row[i].name, (int)says.n,
				 (char *)says.data);
		find_line(s, true, "from_ip", wide, sizeof wide);
		for (const char *p = wide; *p != '\0'; p++) /* blanks once */
			if (*p != ' ' || p[1] != ' ')
				*w++ = *p;
		*w = '\0';
		assert_string_equal(line, row[i].shown);
		find_line(s, false, "from_ip", line, sizeof line);
		assert_string_equal(line, row[i].printed);
		text.n = 0;
		settings_print(s, false, &text);
		again = settings_parse("p", (char *)text.data, text.n, &says);
		assert_non_null(again);
		assert_int_equal(again->sources[0].from_ip.n,
				 s->sources[0].from_ip.n);
		settings_free(again);
		settings_free(s);
		bytes_free(&text);
		bytes_free(&says);
		take_away("f");
	}
	take_away("crm.conf");
	take_away("salesforce.conf");
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors),
	    cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
