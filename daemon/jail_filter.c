#include "daemon/jail_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/jail_calls.h"

#ifndef PR_SET_VMA
#	define PR_SET_VMA 0x53564d41 /* linux 5.17 */
#endif

/* A sanitizer asks for calls of its own at any time. */
#if defined(__SANITIZE_ADDRESS__)
#	define SANITIZED true
#elif defined(__has_feature)
#	if __has_feature(address_sanitizer)
#		define SANITIZED true
#	endif
#endif
#ifndef SANITIZED
#	define SANITIZED false
#endif

enum {
	PROGRAM_MOST = 1024, /* instructions; the kernel takes 4096 */
	YOUNG = 424,         /* the first call of Linux 5.1 */
	X32_BIT = 0x40000000,
};

enum answer { ALLOW, REFUSE, MISSING, KILL };
enum test { ALWAYS, IS, HAS, ABOVE, SELF };

struct call {
	uint32_t nr;
	unsigned who;
	enum answer answer;
	enum test test;
	uint8_t argument;
	uint32_t value;
};

#if defined(__x86_64__) && !defined(__ILP32__)
#	define M   JAIL_MTQD
#	define R   JAIL_RECEIVER
#	define S   JAIL_SCHEDULER
#	define W   JAIL_WORKER
#	define ALL (JAIL_RECEIVER | JAIL_SCHEDULER | JAIL_WORKER)
static const struct call calls[] = {
#	define C(name, who, answer, test, argument, value)                    \
		{SYS_##name, who, answer, test, argument, value},
    JAIL_CALLS(C)
#	undef C
};
#	undef M
#	undef R
#	undef S
#	undef W
#	undef ALL
#	define NCALLS       countof(calls)
#	define ARCHITECTURE AUDIT_ARCH_X86_64
#else
static const struct call calls[1];
#	define NCALLS       0
#	define ARCHITECTURE 0
#endif

struct program {
	struct sock_filter at[PROGRAM_MOST];
	size_t n;
};

static void
put(struct program *p, unsigned code, uint32_t k, unsigned yes, unsigned no)
{
	must(p->n < PROGRAM_MOST);
	p->at[p->n++] = (struct sock_filter){.code = (uint16_t)code,
					     .jt = (uint8_t)yes,
					     .jf = (uint8_t)no,
					     .k = k};
}

static void
load(struct program *p, size_t offset)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
answer(struct program *p, enum answer a)
{
	uint32_t k = 0;

	switch (a) {
	case ALLOW:
		k = SECCOMP_RET_ALLOW;
		break;
	case REFUSE:
		k = SECCOMP_RET_ERRNO | EPERM;
		break;
	case MISSING:
		k = SECCOMP_RET_ERRNO | ENOSYS;
		break;
	case KILL:
		k = SECCOMP_RET_KILL_PROCESS;
		break;
	}
	put(p, BPF_RET | BPF_K, k, 0, 0);
}

static unsigned
jump_of(enum test t)
{
	switch (t) {
	case ALWAYS:
	case IS:
	case SELF:
		return BPF_JEQ;
	case HAS:
		return BPF_JSET;
	case ABOVE:
		return BPF_JGT;
	}
	return BPF_JEQ;
}

/* The accumulator holds the call's number before and after a row.  Arguments
 * are of 32 bits wherever the table looks at one: the low half is all that the
 * kernel reads of them (x86 is little-endian). */
static void
add_call(struct program *p, const struct call *c, enum answer a)
{
	uint32_t value = c->test == SELF ? (uint32_t)getpid() : c->value;

	if (c->test == ALWAYS) {
		put(p, BPF_JMP | BPF_JEQ | BPF_K, c->nr, 0, 1);
		answer(p, a);
		return;
	}
	put(p, BPF_JMP | BPF_JEQ | BPF_K, c->nr, 0, 4);
	load(p, offsetof(struct seccomp_data, args) +
		    c->argument * sizeof(uint64_t));
	put(p, BPF_JMP | jump_of(c->test) | BPF_K, value, 0, 1);
	answer(p, a);
	load(p, offsetof(struct seccomp_data, nr));
}

static void
build(struct program *p, enum jail_who who)
{
	bool role = who != JAIL_MTQD;

	load(p, offsetof(struct seccomp_data, arch));
	put(p, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	answer(p, role ? KILL : REFUSE);
	load(p, offsetof(struct seccomp_data, nr));
	put(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	answer(p, role ? KILL : REFUSE);
	for (size_t i = 0; i < NCALLS; i++) {
		enum answer a = calls[i].answer;

		/* A program that mtqd starts may try and do without. */
		if (!role && a == KILL)
			a = REFUSE;
		if ((calls[i].who & who) != 0)
			add_call(p, &calls[i], a);
	}
	if (role) {
		put(p, BPF_JMP | BPF_JGE | BPF_K, YOUNG, 0, 1);
		answer(p, MISSING);
	}
	answer(p, role ? REFUSE : ALLOW);
}

const char *
jail_filter_missing(void)
{
	uint32_t kill = SECCOMP_RET_KILL_PROCESS;

	if (SANITIZED)
		return "a build with sanitizers: calls are not filtered";
	if (NCALLS == 0)
		return "there is no table of calls for this architecture: "
		       "calls are not filtered";
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill) != 0)
		return "this kernel has no seccomp: calls are not filtered";
	return NULL;
}

bool
jail_filter(enum jail_who who, struct err *e)
{
	struct program p = {.n = 0};
	struct sock_fprog f = {.filter = p.at};

	if (jail_filter_missing() != NULL)
		return true;
	build(&p, who);
	f.len = (unsigned short)p.n;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_TSYNC, &f) == 0)
		return true;
	err_set(e, ERR_SYSTEM, "filter the process's calls: %m");
	return false;
}
