/*
 * A queue file with anything in it: the look at its pages must come back with
 * yes or no, and after a yes LMDB and verify must be able to walk through all
 * of it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "queue/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void
remove_file(void)
{
	unlink(path);
}

static void
write_file(const uint8_t *data, size_t size)
{
	int fd;

	if (path[0] == '\0') {
		snprintf(path, sizeof path, "%s/mtq-fuzz-pages-%d",
			 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
			 (int)getpid());
		atexit(remove_file);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	must(close(fd) == 0);
}

/* Every row of every table can be read to its last octet. */
static void
read_all(struct store *s)
{
	const unsigned char *k, *v;
	struct txn *t;
	uint32_t crc = 0;
	struct err e;

	t = store_begin(s, false, &e);
	if (t == NULL)
		return;
	for (int db = 0; db < STORE_DB_COUNT; db++) {
		const void *key, *val;
		size_t nk, nv;
		bool more = txn_seek(t, (enum store_db)db, "", 1, &key, &nk,
				     &val, &nv, &e);

		for (; more; more = txn_next(t, (enum store_db)db, &key, &nk,
					     &val, &nv, &e)) {
			k = key;
			v = val;
			crc = crc32c(crc, k, nk);
			crc = crc32c(crc, v, nv);
		}
	}
	store_abort(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verify_report r;
	struct store *s;
	struct err e;

	write_file(data, size);
	s = store_open(path, STORE_COPY, 0, NULL, &e);
	if (s == NULL)
		return 0;
	if (!verify_store(s, &r, NULL, NULL, &e))
		must(e.text[0] != '\0');
	read_all(s);
	store_close(s);
	return 0;
}
