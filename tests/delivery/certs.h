/* certs - the certificates of tests/certs.py, made once for a test program. */
#ifndef MTQ_TESTS_CERTS_H
#define MTQ_TESTS_CERTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "delivery/certificate.h"

#define CERTS_HOST "mx.mtq.example"

enum {
	CERTS_FILES = 120,       /* read by one program */
	CERTS_FILE_MOST = 16384, /* octets of one */
};
/* Days of the wall clock; good certificates hold from 2020 to 2045. */
static const int64_t certs_now = INT64_C(1780272000);   /* 2026-06-01 */
static const int64_t certs_early = INT64_C(1546300800); /* 2019-01-01 */
static const int64_t certs_late = INT64_C(2398377600);  /* 2046-01-01 */

static char certs_dir[64];
static struct {
	char name[40];
	unsigned char *p;
	size_t n;
} certs_file[CERTS_FILES];
static size_t certs_nfile;

static int
certs_run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
certs_begin(void **state)
{
	char command[160];

	(void)state;
	snprintf(certs_dir, sizeof certs_dir, "/tmp/mtq-certs-XXXXXX");
	if (mkdtemp(certs_dir) == NULL)
		return -1;
	snprintf(command, sizeof command,
		 "timeout 60 /usr/bin/python3 tests/certs.py %s " CERTS_HOST,
		 certs_dir);
	return certs_run(command);
}

static int
certs_end(void **state)
{
	char command[160];

	(void)state;
	for (size_t i = 0; i < certs_nfile; i++)
		free(certs_file[i].p);
	snprintf(command, sizeof command, "rm -r %s", certs_dir);
	return certs_run(command);
}

/* "good.der", "good.spki"; borrowed until the end. */
static const unsigned char *
certs_read(const char *name, size_t *n)
{
	char path[160];
	FILE *f;
	size_t at;

	for (at = 0; at < certs_nfile; at++)
		if (strcmp(certs_file[at].name, name) == 0)
			break;
	if (at == certs_nfile) {
		assert_true(at < CERTS_FILES);
		snprintf(path, sizeof path, "%s/%s", certs_dir, name);
		f = fopen(path, "rb");
		if (f == NULL)
			fail_msg("there is no %s", path);
		snprintf(certs_file[at].name, sizeof certs_file[at].name, "%s",
			 name);
		certs_file[at].p = must_alloc(CERTS_FILE_MOST);
		certs_file[at].n =
		    fread(certs_file[at].p, 1, CERTS_FILE_MOST, f);
		fclose(f);
		certs_nfile++;
	}
	*n = certs_file[at].n;
	return certs_file[at].p;
}

/* The certificates of these names ("good inter root"), the host's own first. */
static inline void
certs_chain(const char *names, struct chain *out)
{
	char name[40];
	int n;

	memset(out, 0, sizeof *out);
	for (const char *p = names; sscanf(p, "%30s%n", name, &n) == 1;
	     p += n) {
		snprintf(name + strlen(name), 8, ".der");
		assert_true(out->n < CHAIN_MOST);
		out->at[out->n].der = certs_read(name, &out->at[out->n].n);
		out->n++;
	}
}

#endif
