/* A file gets its name when the scheduler knows, and dot_sent says whether it
 * got it. */
#include "tests/delivery/place.h"

#include <dirent.h>

#include "delivery/maildir.h"

static const struct row {
	const char *name;
	enum permits permits;
	const char *missing; /* a folder that isn't there */
	enum verdict_kind kind;
	bool dot_sent;
} rows[] = {
    {"written", NO_PERMIT, NULL, VERDICT_SENT, true},
    {"not before DOT is known", DOT_UNREAD, NULL, VERDICT_SENT, true},
    {"permitted", PERMIT_SOON, NULL, VERDICT_SENT, true},
    {"permitted later", PERMIT_LATER, NULL, VERDICT_SENT, true},
    {"no tmp", NO_PERMIT, "tmp", VERDICT_DEFER, false},
    {"no new", NO_PERMIT, "new", VERDICT_DEFER, false},
    {"no new, permits", PERMIT_SOON, "new", VERDICT_DEFER, false},
};

struct files {
	char dir[64];
	struct place *place;
	unsigned early; /* files in new/ before it was allowed */
};

static unsigned
count(const char *dir, const char *sub)
{
	char path[128];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof path, "%s/%s", dir, sub);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	return n;
}

static void
empty(const char *dir)
{
	static const char *const sub[] = {"tmp", "new", "cur"};
	char path[400];

	for (size_t i = 0; i < countof(sub); i++) {
		struct dirent *e;
		DIR *d;

		snprintf(path, sizeof path, "%s/%s", dir, sub[i]);
		d = opendir(path);
		while (d != NULL && (e = readdir(d)) != NULL) {
			snprintf(path, sizeof path, "%s/%s/%s", dir, sub[i],
				 e->d_name);
			(void)unlink(path);
		}
		if (d != NULL)
			closedir(d);
		snprintf(path, sizeof path, "%s/%s", dir, sub[i]);
		(void)rmdir(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void
done(void *arg, struct task *t)
{
	struct files *f = arg;

	assert_ptr_equal(t, f->place->task);
	f->place->over = true;
}

static void
ticked(struct place *p)
{
	struct files *f = p->arg;

	if ((p->task->job.permit || p->permits == DOT_UNREAD) &&
	    p->allowed_us == 0)
		f->early += count(f->dir, "new");
}

static void
when_the_file_has_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];
		struct files f = {.dir = "/tmp/mtq-maildir-XXXXXX"};
		struct place p;
		struct err e;
		char path[128];

		assert_non_null(mkdtemp(f.dir));
		assert_true(maildir_make(f.dir, &e));
		if (r->missing != NULL) {
			snprintf(path, sizeof path, "%s/%s", f.dir, r->missing);
			assert_int_equal(rmdir(path), 0);
		}
		place_open(&p, r->permits, 3 * CHUNK_MOST);
		f.place = &p;
		p.arg = &f;
		p.ticked = ticked;
		maildir_deliver(&p.outlet, f.dir, p.task, BOX_NOW, done, &f);
		place_run(&p);
		if (!p.task->judged[0] || p.task->verdict[0].kind != r->kind ||
		    p.task->dot_sent != r->dot_sent ||
		    count(f.dir, "new") != r->dot_sent ||
		    count(f.dir, "tmp") != 0 || f.early != 0)
			fail_msg("%s: %s, dot %d", r->name,
				 verdict_word(p.task->verdict[0].kind),
				 p.task->dot_sent);
		if (r->dot_sent)
			assert_int_equal(p.dots, 1);
		place_close(&p);
		empty(f.dir);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(when_the_file_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
