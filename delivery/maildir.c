#include "delivery/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/file.h"

struct drop {
	struct outlet *outlet;
	struct outgoing outgoing;
	struct task *task;
	struct body body;
	bool more;
	char *dir;
	char *tmp, *new;
	char name[96];
	int fd;
	struct bytes out;
	int error; /* errno of what failed on the thread */
	const char *failed;
	bool renamed;
	void (*done)(void *arg, struct task *t);
	void *arg;
};

bool
maildir_make(const char *dir, struct err *e)
{
	static const char *const sub[] = {"", "/tmp", "/new", "/cur"};

	for (size_t i = 0; i < countof(sub); i++) {
		char *path = must_printf("%s%s", dir, sub[i]);
		bool ok = mkdir(path, 0700) == 0 || errno == EEXIST;

		if (!ok)
			err_set(e, ERR_SYSTEM, "%s: %m", path);
		free(path);
		if (!ok)
			return false;
	}
	return true;
}

/* CRLF becomes LF; a stored body has no bare CR or LF. */
static void
put_lines(void *arg, const unsigned char *p, size_t n)
{
	struct drop *d = arg;
	const unsigned char *end = p + n;

	while (p < end) {
		const unsigned char *cr = memchr(p, '\r', (size_t)(end - p));
		const unsigned char *stop = cr != NULL ? cr : end;

		bytes_add(&d->out, p, (size_t)(stop - p));
		p = cr != NULL ? cr + 1 : end;
	}
}

static void
put_header(struct drop *d)
{
	const struct task *t = d->task;

	bytes_printf(&d->out, "Return-Path: <%.*s>\n", (int)t->job.sender.n,
		     t->job.sender.p);
	for (uint32_t i = 0; i < t->n; i++)
		bytes_printf(&d->out, "Delivered-To: %.*s\n",
			     (int)t->rcpt[i].address.n, t->rcpt[i].address.p);
}

static void
finish(struct drop *d, const struct verdict *v)
{
	struct verdict told = *v;

	snprintf(told.remote, sizeof told.remote, "maildir:%.200s", d->dir);
	task_judge_rest(d->task, &told);
	if (d->fd >= 0)
		close(d->fd);
	if (v->kind != VERDICT_SENT)
		unlink(d->tmp);
	d->done(d->arg, d->task);
	bytes_free(&d->out);
	free(d->dir);
	free(d->tmp);
	free(d->new);
	free(d);
}

static void
failed(struct drop *d, const char *what, int error)
{
	char text[200];
	struct verdict v;

	snprintf(text, sizeof text, "%s: %s", what, strerror(error));
	v = verdict_of(STATUS_NO_FILE, STAGE_FILE, text);
	finish(d, &v);
}

/* On the thread: what is in `out` into the file. */
static void
write_chunk(void *arg)
{
	struct drop *d = arg;

	if (!file_write_all(d->fd, d->out.data, d->out.n)) {
		d->error = errno;
		d->failed = "write";
	}
}

static bool
sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* On the thread: durable under its final name, or not there at all. */
static void
make_durable(void *arg)
{
	struct drop *d = arg;
	char *folder = must_printf("%s/new", d->dir);

	write_chunk(d);
	if (d->failed == NULL && fsync(d->fd) != 0)
		d->failed = "sync";
	if (d->failed == NULL) {
		d->renamed = rename(d->tmp, d->new) == 0;
		if (!d->renamed)
			d->failed = "rename";
	}
	if (d->failed == NULL && !sync_folder(folder))
		d->failed = "sync the folder";
	if (d->failed != NULL && d->error == 0)
		d->error = errno;
	free(folder);
}

static void
durable(void *arg)
{
	struct drop *d = arg;
	struct verdict v;

	d->task->dot_sent = d->renamed;
	if (d->failed != NULL) {
		failed(d, d->failed, d->error);
		return;
	}
	v = verdict_of(STATUS_DELIVERED, STAGE_FILE, d->name);
	finish(d, &v);
}

/* Announced: the file may get its name. */
static void
go(struct outgoing *o, int64_t steady_us)
{
	struct drop *d = container_of(o, struct drop, outgoing);

	(void)steady_us;
	o->dot = DOT_GOES;
	loop_work(d->outlet->loop, make_durable, durable, d);
}

static void next_chunk(void *arg);

static void
written(void *arg)
{
	struct drop *d = arg;

	if (d->failed != NULL) {
		failed(d, d->failed, d->error);
		return;
	}
	d->out.n = 0;
	next_chunk(d);
}

static void
next_chunk(void *arg)
{
	struct drop *d = arg;
	struct verdict v;
	struct err e;

	if (!body_next(&d->body, put_lines, d, &d->more, &e)) {
		v = verdict_of(STATUS_DAMAGED, STAGE_FILE, e.text);
		finish(d, &v);
		return;
	}
	if (d->more) {
		loop_work(d->outlet->loop, write_chunk, written, d);
		return;
	}
	d->outgoing.dot = DOT_DUE;
	outlet_mark(d->outlet, &d->outgoing);
}

void
maildir_deliver(struct outlet *o, const char *dir, struct task *t,
		int64_t now_us, void (*done)(void *arg, struct task *t),
		void *arg)
{
	struct drop *d = must_alloc(sizeof *d);
	char id[ID_TEXT + 1];

	d->outlet = o;
	d->outgoing = (struct outgoing){
	    .go = go, .job = t->job.job, .permit = t->job.permit};
	d->task = t;
	d->body = body_of(o->store, &t->job);
	d->done = done;
	d->arg = arg;
	d->dir = must_strdup(dir);
	/* The job's number makes it unique, the queue id tells whose it is. */
	id_text(t->job.message, id);
	snprintf(d->name, sizeof d->name, "%lld.%s_%llx.mtq",
		 (long long)(now_us / SECOND_US), id,
		 (unsigned long long)t->job.job);
	d->tmp = must_printf("%s/tmp/%s", dir, d->name);
	d->new = must_printf("%s/new/%s", dir, d->name);
	d->fd = open(d->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (d->fd < 0) {
		failed(d, "create a file", errno);
		return;
	}
	put_header(d);
	if (t->fields.n > 0)
		put_lines(d, t->fields.data, t->fields.n);
	next_chunk(d);
}
