/*
 * supervisor_private - what the files of the supervisor share; nobody else's.
 *
 *	supervisor.c		starting, watching, reaping
 *	supervisor_stop.c	the orderly stop, stage by stage
 *	supervisor_secrets.c	passwords, tokens and keys for the workers
 *	supervisor_files.c	certificates and accounts for the receiver, and who
 *				gets which secret
 *	supervisor_reload.c	a new configuration
 */
#ifndef MTQ_SUPERVISOR_PRIVATE_H
#define MTQ_SUPERVISOR_PRIVATE_H

#include "daemon/child.h"
#include "daemon/log.h"
#include "daemon/run.h"
#include "daemon/secret.h"
#include "daemon/supervisor.h"
#include "daemon/token.h"

enum {
	TICK_MS = 50,
	WORKERS_MOST = 32, /* as in daemon/keys.h */
	CHILDREN_MOST = 2 + WORKERS_MOST,
	RECEIVER = 0, /* places in children[] */
	SCHEDULER = 1,
	FIRST_WORKER = 2,
};

/* How far an orderly stop has come: one stage after the other. */
enum stop_stage { STOP_NOT, STOP_RECEIVER, STOP_SCHEDULER, STOP_WORKERS };

/* Workers wait so long for the first token of each command, so that the first
 * mail is not put off for want of it. */
#define TOKENS_WITHIN_US (5 * SECOND_US)

/* A relay whose token changes while we run. */
struct token_source {
	char *relay;
	char *ref;
	bool command; /* cmd: else a file that is looked at now and then */
	bool asked;   /* at least once */
	struct token_times times;
};

struct supervisor {
	struct loop *loop;
	struct settings *settings;
	char *path;
	char *role_dir;
	char *jobs_path;
	struct sockets_set listeners;
	int jobs_fd;
	int control_fd;
	int bell_fd;
	uint32_t epoch;
	struct child child[CHILDREN_MOST];
	size_t nchildren;
	struct secrets *secrets;     /* all of v->settings */
	struct secrets *environment; /* of env: references, by reference */
	struct token_source token[SETTINGS_RELAYS];
	size_t ntokens;
	struct run run; /* the one command that runs, for token[running] */
	size_t running;
	int64_t look_us; /* when the receiver's files are looked at again */
	bool look_failed;
	int64_t start_us;
	struct timer tick;
	enum stop_stage stop;
	int64_t stage_us; /* when the stage began */
	bool told_started;
	int exit_code;
	uint64_t watchdog_ms;
	int64_t watchdog_us; /* when the manager was last told */
};

/* Tells the world who runs (daemon/roles_file.h). */
void supervisor_write_roles(struct supervisor *v);
/* Sends the configuration with the role's descriptors; `link` is a worker's
 * connection to the job socket, -1 at a reload. */
void supervisor_configure(struct supervisor *v, struct child *c, int link);
/* As many workers as the settings say. */
void supervisor_set_workers(struct supervisor *v, size_t n);
void supervisor_stop_child(struct child *c);
/* Begins the next stage of the stop; behind the last one the loop ends. */
void supervisor_next_stage(struct supervisor *v);
void supervisor_drive_stop(struct supervisor *v);
void supervisor_reload(struct supervisor *v);

/* All secrets of these settings; false says which one can't be had, and why. */
bool supervisor_secrets_fetch(struct supervisor *v, const struct settings *s,
			      struct secrets **out, struct err *e) MUST_USE;
/* They belong to v->settings from now on. */
void supervisor_secrets_take(struct supervisor *v, struct secrets *set,
			     int64_t now_us);
/* One reference; a variable is taken only once. */
bool supervisor_secrets_read(struct supervisor *v, const char *ref, bool whole,
			     struct bytes *out, struct err *e) MUST_USE;
/* Each role gets what it needs. */
void supervisor_secrets_send(struct supervisor *v, struct child *c);
/* The receiver's part of supervisor_secrets_fetch. */
bool supervisor_files_fetch(struct supervisor *v, const struct settings *s,
			    struct secrets *set, struct err *e) MUST_USE;
/* Files that have changed are handed over without a reload. */
void supervisor_files_tick(struct supervisor *v, int64_t now_us);
/* Logs which certificates have ended or soon will. */
void supervisor_files_doubts(const struct supervisor *v);
/* Each line of a report as one event. */
void supervisor_log_lines(enum event ev, const struct bytes *report);
void supervisor_secrets_tick(struct supervisor *v, int64_t now_us);
/* True while a command has not been asked once. */
bool supervisor_secrets_wait(const struct supervisor *v) MUST_USE;
/* A worker says that this relay refused the token. */
void supervisor_secrets_refused(struct supervisor *v, const char *relay,
				size_t n, int64_t now_us);

#endif
