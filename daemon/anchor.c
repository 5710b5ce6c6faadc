#include "daemon/anchor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/file.h"

enum {
	RECORD_MOST = 4096, /* octets of one; an RSA key of 4096 bits has 700 */
	STATE_VALID = 2,    /* as unbound writes them */
	STATE_MISSING = 3,
};

struct record {
	char text[RECORD_MOST];
	size_t n;
	bool counts;
};

/* "... ;;state=2 [  VALID  ] ;;count=0": without a state every key counts. */
static bool
state_counts(const char *p, const char *end)
{
	static const char WORD[] = "state=";
	const char *at = memmem(p, (size_t)(end - p), WORD, sizeof WORD - 1);
	int state;

	if (at == NULL)
		return true;
	at += sizeof WORD - 1; /* a NUL stands behind the file */
	state = *at - '0';
	return state == STATE_VALID || state == STATE_MISSING;
}

/* The next record on one line, without comments and parentheses.  NULL: it is
 * too long. */
static const char *
next_record(const char *p, const char *end, struct record *r)
{
	int depth = 0;

	r->n = 0;
	r->counts = true;
	while (p < end && (*p != '\n' || depth > 0)) {
		if (*p == ';') {
			const char *stop = memchr(p, '\n', (size_t)(end - p));

			stop = stop != NULL ? stop : end;
			r->counts &= state_counts(p, stop);
			p = stop;
			continue;
		}
		if (r->n == sizeof r->text - 1)
			return NULL;
		depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
		r->text[r->n++] = *p;
		if (strchr("()\n\r\t", *p) != NULL)
			r->text[r->n - 1] = ' ';
		p++;
	}
	while (r->n > 0 && r->text[r->n - 1] == ' ')
		r->n--;
	r->text[r->n] = '\0';
	return p < end ? p + 1 : end;
}

bool
anchor_read(const char *path, bool (*add)(void *arg, const char *record),
	    void *arg, char why[ANCHOR_WHY])
{
	struct record r;
	const char *p, *end;
	size_t n, keys = 0;
	char *file = file_read(path, ANCHOR_FILE_MOST, &n);

	if (file == NULL) {
		snprintf(why, ANCHOR_WHY, "%s", strerror(errno));
		return false;
	}
	p = file;
	end = file + n;
	while (p < end && keys < ANCHOR_KEYS_MOST) {
		p = next_record(p, end, &r);
		if (p == NULL || r.text[0] == '$') {
			snprintf(why, ANCHOR_WHY,
				 "only DS and DNSKEY records may stand there");
			goto fail;
		}
		if (r.n == 0 || !r.counts)
			continue;
		if (!add(arg, r.text)) {
			snprintf(why, ANCHOR_WHY, "a record is not accepted");
			goto fail;
		}
		keys++;
	}
	free(file);
	if (keys == 0)
		snprintf(why, ANCHOR_WHY, "no key that counts");
	return keys > 0;
fail:
	free(file);
	return false;
}

uint64_t
anchor_stamp(const char *path, uint64_t h)
{
	struct stat st;
	bool there = stat(path, &st) == 0;
	const uint64_t of[] = {
	    there ? (uint64_t)st.st_ino : 0,
	    there ? (uint64_t)st.st_size : 0,
	    there ? (uint64_t)st.st_mtim.tv_sec : 0,
	    there ? (uint64_t)st.st_mtim.tv_nsec : 0,
	};

	for (size_t i = 0; i < countof(of); i++)
		h = (h ^ of[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ h >> 29;
	for (const char *p = path; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	return h;
}
