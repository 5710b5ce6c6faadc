/* Secrets: references, files, sets and how a set travels. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/secret.h"

static char folder[] = "/tmp/mtq-secret-XXXXXX";

/* A reference says where a secret is; the secret itself is refused, and never
 * repeated in what is said about it. */
static void
references(void **state)
{
	static const struct {
		const char *name, *ref;
		bool token;
		const char *says; /* a part; NULL: good */
	} row[] = {
	    {"a file", "file:/etc/mtq/secret", false, NULL},
	    {"a relative file", "file:secret", false, "begins with /"},
	    {"no file", "file:", false, "begins with /"},
	    {"the root", "file:/", false, "begins with /"},
	    {"a credential", "cred:relay.password-1", false, NULL},
	    {"a credential with a path", "cred:../secret", false, "the name"},
	    {"a hidden credential", "cred:.x", false, "the name"},
	    {"no credential", "cred:", false, "the name"},
	    {"a variable", "env:RELAY_PASSWORD", false, NULL},
	    {"a variable that is none", "env:1A", false, "the name"},
	    {"a variable with a sign", "env:A=B", false, "the name"},
	    {"a variable of 60 letters",
	     "env:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	     false, NULL},
	    {"a variable of 61 letters",
	     "env:"
	     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	     false, "the name"},
	    {"a command for a token", "cmd:/usr/bin/token --app 1", true, NULL},
	    {"a command for a password", "cmd:/usr/bin/pw", false,
	     "only a token"},
	    {"a relative command", "cmd:token", true, "begins with /"},
	    {"the secret itself", "hunter2", false, "never stands here"},
	    {"the token itself", "eyJhbGciOi", true, "never stands here"},
	    {"nothing", "", false, "is no reference"},
	    {"another prefix", "vault:/x", false, "is no reference"},
	    {"a prefix in capitals", "FILE:/x", false, "is no reference"},
	};
	char why[160];

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		bool ok = secret_reference(row[i].ref, row[i].token, why);

		if (ok != (row[i].says == NULL) ||
		    (!ok && strstr(why, row[i].says) == NULL) ||
		    strstr(why, "hunter2") != NULL ||
		    strstr(why, "eyJ") != NULL)
			fail_msg("%s: %d, %s", row[i].name, ok, why);
	}
}

/* What a file gives: its first line, or the whole of it; and when it is not
 * taken. */
static void
files(void **state)
{
	static char large[SECRET_MOST + 2];
	const struct {
		const char *name, *holds;
		size_t n;
		mode_t mode;
		bool whole;
		const char *gives; /* NULL: refused with `says` */
		const char *says;
	} row[] = {
	    {"a line", "geheim\n", 7, 0600, false, "geheim", NULL},
	    {"no line end", "geheim", 6, 0600, false, "geheim", NULL},
	    {"a line of Windows", "geheim\r\nx", 9, 0640, false, "geheim",
	     NULL},
	    {"blanks are part of it", " a b \n", 6, 0400, false, " a b ", NULL},
	    {"two lines as a whole", "a\nb\n", 4, 0600, true, "a\nb\n", NULL},
	    {"empty", "", 0, 0600, false, NULL, "it is empty"},
	    {"an empty first line", "\nx\n", 3, 0600, false, NULL,
	     "it is empty"},
	    {"a NUL", "a\0b\n", 4, 0600, false, NULL, "it holds a NUL"},
	    {"others may read", "a\n", 2, 0604, false, NULL, "mode is 0604"},
	    {"others may write", "a\n", 2, 0602, false, NULL, "mode is 0602"},
	    {"as large as may be", large, SECRET_MOST, 0600, true, large, NULL},
	    {"too large", large, SECRET_MOST + 1, 0600, true, NULL,
	     "File too large"},
	};
	char *path = must_printf("%s/s", folder);
	char *ref = must_printf("file:%s", path);

	(void)state;
	memset(large, 'x', sizeof large - 1);
	for (size_t i = 0; i < countof(row); i++) {
		int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
		struct bytes b = {0};
		struct err e = {0};
		bool ok;

		assert_int_equal(write(fd, row[i].holds, row[i].n), row[i].n);
		assert_int_equal(fchmod(fd, row[i].mode), 0);
		close(fd);
		ok = secret_fetch(ref, row[i].whole, &b, &e);
		if (ok != (row[i].gives != NULL))
			fail_msg("%s: %d %s", row[i].name, ok, e.text);
		if (ok &&
		    (b.n != min_of(strlen(row[i].gives), (size_t)SECRET_MOST) ||
		     memcmp(b.data, row[i].gives, b.n) != 0))
			fail_msg("%s: %zu octets", row[i].name, b.n);
		if (!ok && strstr(e.text, row[i].says) == NULL)
			fail_msg("%s: %s", row[i].name, e.text);
		if (!ok)
			assert_int_equal(b.n, 0);
		bytes_free(&b);
		unlink(path);
	}
	free(path);
	free(ref);
}

/* A folder, a pipe nobody writes to, nothing: none of them hangs us. */
static void
no_files(void **state)
{
	char *ref = must_printf("file:%s", folder);
	char *pipe = must_printf("%s/pipe", folder);
	char *pipe_ref = must_printf("file:%s", pipe);
	struct bytes b = {0};
	struct err e;

	(void)state;
	assert_false(secret_fetch(ref, false, &b, &e));
	assert_string_equal(e.text, "it is not a file");
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_false(secret_fetch(pipe_ref, false, &b, &e));
	assert_string_equal(e.text, "it is not a file");
	assert_false(secret_fetch("file:/none/such", false, &b, &e));
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_string_equal(e.text, "No such file or directory");
	assert_false(secret_fetch("cmd:/bin/true", false, &b, &e));
	unlink(pipe);
	free(ref);
	free(pipe);
	free(pipe_ref);
	bytes_free(&b);
}

static void
environment(void **state)
{
	char *path = must_printf("%s/name", folder);
	struct bytes b = {0};
	struct err e;
	FILE *f;

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_false(secret_fetch("cred:name", false, &b, &e));
	assert_non_null(strstr(e.text, "LoadCredential="));
	f = fopen(path, "w");
	fputs("from systemd\n", f);
	fclose(f);
	chmod(path, 0400);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	assert_true(secret_fetch("cred:name", false, &b, &e));
	assert_int_equal(b.n, 12);
	unlink(path);
	free(path);
	b.n = 0;
	assert_false(secret_fetch("env:MTQ_TEST_SECRET", false, &b, &e));
	setenv("MTQ_TEST_SECRET", "of the shell", 1);
	assert_true(secret_fetch("env:MTQ_TEST_SECRET", false, &b, &e));
	assert_int_equal(b.n, 12);
	secret_forget("file:MTQ_TEST_SECRET");
	assert_non_null(getenv("MTQ_TEST_SECRET"));
	secret_forget("env:MTQ_TEST_SECRET");
	assert_null(getenv("MTQ_TEST_SECRET"));
	secret_forget("env:MTQ_TEST_SECRET");
	bytes_free(&b);
}

static void
sets(void **state)
{
	struct secrets *s = secrets_open();
	const struct secret *x;

	(void)state;
	assert_null(secret_find(NULL, "out", "password"));
	assert_null(secret_find(s, "out", "password"));
	secrets_put(s, "out", "password", "one", 3);
	secrets_put(s, "out", "password2", "two", 3);
	secrets_put(s, "in", "password", "", 0);
	secrets_put(s, "out", "password", "changed", 7);
	x = secret_find(s, "out", "password");
	assert_string_equal(x->value, "changed");
	assert_int_equal(x->n, 7);
	assert_int_equal(secret_find(s, "in", "password")->n, 0);
	secrets_drop(s, "out", "password");
	secrets_drop(s, "out", "password");
	assert_null(secret_find(s, "out", "password"));
	assert_string_equal(secret_find(s, "out", "password2")->value, "two");
	assert_non_null(secret_find(s, "in", "password"));
	secrets_free(s);
	secrets_free(NULL);
}

/* The page of a value is locked, in no core and in no child. */
static void
pages(void **state)
{
	struct secrets *s = secrets_open();
	char line[256], want[32];
	bool here = false, dd = false, dc = false, lo = false;
	const char *value;
	FILE *f;
	int status;
	pid_t pid;

	(void)state;
	secrets_put(s, "out", "password", "x", 1);
	value = secret_find(s, "out", "password")->value;
	snprintf(want, sizeof want, "%lx-", (unsigned long)(uintptr_t)value);
	f = fopen("/proc/self/smaps", "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		if (strchr(line, '-') != NULL && strstr(line, " rw-p ") != NULL)
			here = strncmp(line, want, strlen(want)) == 0;
		if (!here || strncmp(line, "VmFlags:", 8) != 0)
			continue;
		dd = strstr(line, " dd") != NULL;
		dc = strstr(line, " dc") != NULL;
		lo = strstr(line, " lo") != NULL;
	}
	fclose(f);
	assert_true(dd);
	assert_true(dc);
#ifdef __SANITIZE_ADDRESS__ /* which makes nothing of mlock */
	lo = secrets_locked(s);
#endif
	assert_int_equal(lo, secrets_locked(s));
	pid = fork();
	if (pid == 0) {
		unsigned char there;
		void *page = (void *)((uintptr_t)value & ~(uintptr_t)4095);

		/* ENOMEM: nothing is mapped there. */
		_exit(mincore(page, 1, &there) == 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	secrets_free(s);
}

static void
travel(void **state)
{
	struct secrets *s = secrets_open(), *t;
	static char key[SECRET_MOST];
	struct err e;
	int fd;

	(void)state;
	memset(key, 'k', sizeof key);
	secrets_put(s, "out", "client_key", key, sizeof key);
	secrets_put(s, "m365", "token", "tok", 3);
	secrets_put(s, "gone", "token", "x", 1);
	secrets_drop(s, "gone", "token");
	fd = secrets_write(s, &e);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), -1); /* sealed */
	t = secrets_read(fd, &e);
	assert_non_null(t);
	close(fd);
	assert_int_equal(secret_find(t, "out", "client_key")->n, sizeof key);
	assert_string_equal(secret_find(t, "m365", "token")->value, "tok");
	assert_null(secret_find(t, "gone", "token"));
	secrets_free(t);
	secrets_free(s);
	s = secrets_open();
	fd = secrets_write(s, &e);
	t = secrets_read(fd, &e);
	assert_non_null(t);
	close(fd);
	secrets_free(t);
	secrets_free(s);
}

/* Each shorter file, one with more behind it, one that is not sealed and one
 * that is none is refused. */
static void
broken_travel(void **state)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct secrets *s = secrets_open();
	unsigned char all[256];
	struct err e;
	ssize_t n;
	int fd;

	(void)state;
	assert_null(secrets_read(-1, &e));
	secrets_put(s, "out", "token", "tok", 3);
	fd = secrets_write(s, &e);
	n = pread(fd, all, sizeof all - 1, 0);
	close(fd);
	assert_true(n > 20);
	all[n] = 0;
	for (ssize_t i = 0; i <= n + 1; i++) {
		struct secrets *t;

		fd = memfd_create("test", MFD_ALLOW_SEALING);
		assert_int_equal(write(fd, all, (size_t)i), i);
		assert_null(secrets_read(fd, &e)); /* not sealed */
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
		t = secrets_read(fd, &e);
		if ((t != NULL) != (i == n))
			fail_msg("%zd of %zd octets: %s", i, n,
				 t ? "taken" : "refused");
		secrets_free(t);
		close(fd);
	}
	secrets_free(s);
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
	    cmocka_unit_test(references), cmocka_unit_test(files),
	    cmocka_unit_test(no_files),   cmocka_unit_test(environment),
	    cmocka_unit_test(sets),       cmocka_unit_test(pages),
	    cmocka_unit_test(travel),     cmocka_unit_test(broken_travel),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
