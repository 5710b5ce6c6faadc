/* mtqd - the supervisor's main(): arguments, configuration, rights. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/file.h"
#include "daemon/jail.h"
#include "daemon/log.h"
#include "daemon/roles_file.h"
#include "daemon/supervisor.h"

static int
usage(FILE *out, int code)
{
	fprintf(out, "usage: mtqd [-t] [-c FILE]\n"
		     "  -c, --config FILE  configuration (default: "
		     "$MTQ_CONFIG or " MTQ_SYSCONFDIR "/mtq.conf)\n"
		     "  -t, --test         check the configuration and end\n"
		     "      --version\n"
		     "      --help\n");
	return code;
}

static int
fatal(const struct err *e)
{
	fprintf(stderr, "mtqd: %s\n", e->text);
	return err_exit(e);
}

/* Makes the state directory if it is missing; hands it to `user`. */
static bool
prepare_state_dir(const struct settings *s, struct err *e)
{
	const struct passwd *pw = NULL;
	struct stat st;

	if (mkdir(s->state_dir, 0700) != 0 && errno != EEXIST) {
		err_set(e, ERR_SYSTEM, "state_dir %s: %m", s->state_dir);
		return false;
	}
	if (stat(s->state_dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
		err_set(e, ERR_CONFIG, "state_dir %s is no folder",
			s->state_dir);
		return false;
	}
	if (geteuid() != 0)
		return true;
	pw = getpwnam(s->user);
	if (pw == NULL) {
		err_set(e, ERR_CONFIG, "user %s: there is no such user",
			s->user);
		return false;
	}
	if (st.st_uid != pw->pw_uid &&
	    chown(s->state_dir, pw->pw_uid, pw->pw_gid) != 0) {
		err_set(e, ERR_SYSTEM, "state_dir %s: %m", s->state_dir);
		return false;
	}
	return true;
}

/* The roles lie beside mtqd, or where they were installed. */
static char *
find_roles(void)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash, *probe;
	bool there;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL) {
			*slash = '\0';
			probe = must_printf("%s/mtq-receiver", self);
			there = access(probe, X_OK) == 0;
			free(probe);
			if (there)
				return must_strdup(self);
		}
	}
	return must_strdup(MTQ_LIBEXECDIR);
}

/* As the user that was configured; sockets and files are made by now. */
static bool
become_user(const struct settings *s, struct err *e)
{
	const struct passwd *pw;
	char *jobs;
	bool ok;

	if (geteuid() != 0)
		return true;
	pw = getpwnam(s->user);
	must(pw != NULL); /* prepare_state_dir looked */
	jobs = must_printf("%s/jobs.sock", s->state_dir);
	ok = lchown(jobs, pw->pw_uid, pw->pw_gid) == 0 &&
	     lchown(s->control_path, pw->pw_uid, pw->pw_gid) == 0;
	free(jobs);
	if (!ok) {
		err_set(e, ERR_SYSTEM, "hand the sockets to %s: %m", s->user);
		return false;
	}
	return jail_drop(s->user, e);
}

static int
serve(struct settings *s, const char *path)
{
	struct supervisor *v;
	char *roles;
	struct err e;

	if (geteuid() == 0 && s->user[0] == '\0') {
		fprintf(stderr,
			"mtqd: started as root it needs `user`: set "
			"user = NAME in %s\n",
			path);
		return EXIT_CONFIG;
	}
	umask(077);
	if (!prepare_state_dir(s, &e))
		return fatal(&e);
	/* The lock comes before the sockets: a second mtqd must not replace
	 * the first one's. */
	if (!roles_lock(s->state_dir, &e))
		return fatal(&e);
	roles = find_roles();
	v = supervisor_open(s, path, roles, &e);
	/* Before we are somebody whom others may look at: we hold secrets. */
	if (v == NULL || !become_user(s, &e) || !jail_mtqd(&e))
		return fatal(&e);
	free(roles);
	return supervisor_run(v);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"test", no_argument, NULL, 't'},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0}};
	const char *path = getenv("MTQ_CONFIG");
	struct bytes report = {0};
	struct settings *s;
	bool test = false;
	int o;

	if (!file_fill_standard(O_RDWR))
		return EXIT_AGAIN;
	while ((o = getopt_long(argc, argv, "+c:th", options, NULL)) != -1)
		switch (o) {
		case 'c':
			path = optarg;
			break;
		case 't':
			test = true;
			break;
		case 'V':
			printf("mtqd %s\n", MTQ_VERSION);
			return EXIT_DONE;
		case 'h':
			return usage(stdout, EXIT_DONE);
		default:
			return usage(stderr, EXIT_USAGE);
		}
	if (optind != argc)
		return usage(stderr, EXIT_USAGE);
	if (path == NULL || path[0] == '\0')
		path = MTQ_SYSCONFDIR "/mtq.conf";
	log_open("mtqd");
	must(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	s = settings_load(path, &report);
	if (report.n > 0)
		fwrite(report.data, 1, report.n, stderr);
	bytes_free(&report);
	if (s == NULL)
		return EXIT_CONFIG;
	if (test) {
		settings_free(s);
		return EXIT_DONE;
	}
	return serve(s, path);
}
