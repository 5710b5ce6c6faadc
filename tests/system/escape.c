/*
 * escape - what somebody could do who runs code in one of our processes.
 *
 *	escape CONF ROLE STATE OUTSIDE INSIDE_PORT OUTSIDE_PORT SIBLING
 *
 * For each row of TRIES a child becomes the user of CONF, takes the same steps
 * as the role at its start, and tries.  One line each: the result, a TAB, the
 * name.  OUTSIDE is a folder whose files belong to that user; SIBLING a process
 * of the user's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log.h"
#include "delivery/confine_worker.h"
#include "queue/confine.h"

static const char *state, *outside;
static unsigned short inside_port, outside_port;
static pid_t sibling;

/* 0, or why not. */
static int
why(long rc)
{
	return rc >= 0 ? 0 : errno;
}

static int
at(const char *folder, const char *name, int flags)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return why(open(path, flags | O_CLOEXEC, 0600));
}

/* Removed, or renamed to `to`. */
static int
away(const char *name, const char *to)
{
	char from[4096], there[4096];

	snprintf(from, sizeof from, "%s/%s", state, name);
	if (to == NULL)
		return why(unlink(from));
	snprintf(there, sizeof there, "%s/%s", state, to);
	return why(rename(from, there));
}

static struct sockaddr_in
local(unsigned short port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int
tcp_to(unsigned short port, int protocol)
{
	struct sockaddr_in a = local(port);
	int fd = socket(AF_INET, SOCK_STREAM, protocol);

	return fd < 0 ? errno : why(connect(fd, (void *)&a, sizeof a));
}

static int
tcp_fast_open(void)
{
	struct sockaddr_in a = local(outside_port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno
		      : why(sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&a,
				   sizeof a));
}

static int
tcp_bind(bool and_listen)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	if (and_listen)
		return why(listen(fd, 1));
	/* Any port will do: one of our choice may be taken. */
	return why(bind(fd, (void *)&a, sizeof a));
}

static int
udp_to(unsigned short port)
{
	struct sockaddr_in a = local(port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return fd < 0 ? errno
		      : why(sendto(fd, "x", 1, 0, (void *)&a, sizeof a));
}

static int
control_socket(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s/control.sock", state);
	return fd < 0 ? errno : why(connect(fd, (void *)&a, sizeof a));
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
thread(void)
{
	pthread_t t;
	int rc = pthread_create(&t, NULL, nothing, NULL);

	return rc == 0 ? pthread_join(t, NULL) : rc;
}

static int
forks(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : why(waitpid(pid, NULL, 0));
}

static int
exec_it(void)
{
	char *argv[] = {(char *)"true", NULL};

	return why(execv("/bin/true", argv));
}

static int
exec_memory(void)
{
	int fd = memfd_create("x", 0);
	char *argv[] = {(char *)"x", NULL};

	if (fd < 0)
		return errno;
	return why(syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH));
}

static int
map(int prot)
{
	void *p = mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
protect(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno
			       : why(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
read_other(void)
{
	char octet;
	struct iovec to = {&octet, 1}, from = {&octet, 1};

	return why(process_vm_readv(sibling, &to, 1, &from, 1, 0));
}

static int
limit(pid_t pid, enum __rlimit_resource what, rlim_t to)
{
	struct rlimit r = {to, to};

	return why(prlimit(pid, what, &r, NULL));
}

static int
raise_capabilities(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {
	    {.effective = 1, .permitted = 1, .inheritable = 0}, {0}};

	return why(syscall(SYS_capset, &h, d));
}

static int
memory_of(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	return why(open(path, O_RDWR));
}

/* name, what is done; the names are those of docs/security.md */
#define TRIES(T)                                                               \
	T("read the queue", at(state, "queue.mdb", O_RDONLY))                  \
	T("write to the queue", at(state, "queue.mdb", O_RDWR))                \
	T("make a file in state_dir", at(state, "made", O_WRONLY | O_CREAT))   \
	T("read another file of state_dir", at(state, "other", O_RDONLY))      \
	T("write into a relay's Maildir",                                      \
	  at(outside, "box/tmp/x", O_WRONLY | O_CREAT))                        \
	T("write into the maildrop",                                           \
	  at(outside, "drop/x", O_WRONLY | O_CREAT))                           \
	T("read the configuration file", at(outside, "mtq.conf", O_RDONLY))    \
	T("read the file of a relay's password",                               \
	  at(outside, "secret", O_RDONLY))                                     \
	T("read the file of the accounts", at(outside, "accounts", O_RDONLY))  \
	T("read the file of a TLS key", at(outside, "tls.key", O_RDONLY))      \
	T("read the file of a DKIM key", at(outside, "dkim.key", O_RDONLY))    \
	T("read /etc/passwd", at("/etc", "passwd", O_RDONLY))                  \
	T("read /etc/shadow", at("/etc", "shadow", O_RDONLY))                  \
	T("read /etc/resolv.conf", at("/etc", "resolv.conf", O_RDONLY))        \
	T("read /proc/self/status", at("/proc/self", "status", O_RDONLY))      \
	T("make a file in /tmp", at("/tmp", "mtq-escaped", O_RDWR | O_CREAT))  \
	T("remove a file of state_dir", away("other", NULL))                   \
	T("rename a file of state_dir", away("third", "fourth"))               \
	T("truncate by name", why(truncate("/tmp/mtq-escaped", 0)))            \
	T("make a link by name", why(symlink("/etc", "/tmp/mtq-escaped-l")))   \
	T("change rights of a file", why(chmod(state, 0777)))                  \
	T("start a program", exec_it())                                        \
	T("start a program in memory", exec_memory())                          \
	T("memory to be run", map(PROT_READ | PROT_WRITE | PROT_EXEC))         \
	T("make memory run", protect())                                        \
	T("start a thread", thread())                                          \
	T("start a process", forks())                                          \
	T("connect to a relay's port", tcp_to(inside_port, 0))                 \
	T("connect to another port", tcp_to(outside_port, 0))                  \
	T("connect to another port by MPTCP", tcp_to(outside_port, 262))       \
	T("connect to another port by fast open", tcp_fast_open())             \
	T("connect to the control socket", control_socket())                   \
	T("take a TCP port", tcp_bind(false))                                  \
	T("listen", tcp_bind(true))                                            \
	T("send to a UDP port", udp_to(outside_port))                          \
	T("packet socket", why(socket(AF_PACKET, SOCK_RAW, 0)))                \
	T("netlink socket", why(socket(AF_NETLINK, SOCK_RAW, 0)))              \
	T("crypto socket", why(socket(38, SOCK_SEQPACKET, 0)))                 \
	T("vsock socket", why(socket(40, SOCK_STREAM, 0)))                     \
	T("signal another process", why(kill(sibling, SIGUSR1)))               \
	T("signal another's thread",                                           \
	  why(syscall(SYS_tgkill, sibling, sibling, SIGUSR1)))                 \
	T("trace another process",                                             \
	  why(ptrace(PTRACE_SEIZE, sibling, NULL, NULL)))                      \
	T("read another's memory", read_other())                               \
	T("open another's memory", memory_of(sibling))                         \
	T("handle of another process",                                         \
	  why(syscall(SYS_pidfd_open, sibling, 0)))                            \
	T("limit another process", limit(sibling, RLIMIT_FSIZE, 0))            \
	T("be dumpable again", why(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)))        \
	T("have cores again", limit(0, RLIMIT_CORE, 1 << 20))                  \
	T("become root", why(setuid(0)))                                       \
	T("take a capability", raise_capabilities())                           \
	T("new namespaces", why(unshare(CLONE_NEWUSER | CLONE_NEWNS)))         \
	T("enter namespaces", why(setns(0, 0)))                                \
	T("mount", why(syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, NULL)))     \
	T("change the root", why(chroot("/tmp")))                              \
	T("open by handle", why(syscall(SYS_open_by_handle_at, 0, NULL, 0)))   \
	T("bpf", why(syscall(SYS_bpf, 0, NULL, 0)))                            \
	T("perf events", why(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0)))  \
	T("page faults by hand", why(syscall(SYS_userfaultfd, 0)))             \
	T("keys of the kernel",                                                \
	  why(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 1, 0, 0)))        \
	T("kernel modules", why(syscall(SYS_init_module, NULL, 0, "")))        \
	T("another kernel", why(syscall(SYS_kexec_load, 0, 0, NULL, 0)))       \
	T("io_uring", why(syscall(SYS_io_uring_setup, 1, NULL)))               \
	T("clone3", why(syscall(SYS_clone3, NULL, 0)))                         \
	T("another personality", why(syscall(SYS_personality, 0x0400000)))     \
	T("another filter", why(syscall(SYS_seccomp, 0, 0, NULL)))             \
	T("a call of the x32 kind", why(syscall(0x40000000 | SYS_getpid)))     \
	T("type into a terminal", why(ioctl(0, TIOCSTI, "x")))

static int
try(size_t i)
{
	size_t n = 0;

#define T(name, expression)                                                    \
	if (n++ == i)                                                          \
		return expression;
	TRIES(T)
#undef T
	return 255;
}

static const char *const names[] = {
#define T(name, expression) name,
    TRIES(T)
#undef T
};

static bool
confine(const struct settings *s, const char *role, struct err *e)
{
	if (!jail_drop(s->user, e))
		return false;
	if (strcmp(role, "mtqd") == 0)
		return jail_mtqd(e);
	if (!jail_begin(1024, e))
		return false;
	if (strcmp(role, "receiver") == 0)
		return confine_receiver(s, e);
	if (strcmp(role, "scheduler") == 0)
		return confine_scheduler(s, e);
	return confine_worker(s, e);
}

static void
report(size_t i, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	/* The kernel was asked, and would have done it for somebody who asked
	 * properly. */
	if (code == EINVAL || code == ENOEXEC || code == ENOTTY)
		code = 0;
	if (WIFSIGNALED(status))
		printf("%s", WTERMSIG(status) == SIGSYS
				 ? "killed"
				 : strsignal(WTERMSIG(status)));
	else
		printf("%s", code == 0 ? "yes" : strerrorname_np(code));
	printf("\t%s\n", names[i]);
}

int
main(int argc, char **argv)
{
	struct bytes problems = {0};
	struct settings *s;
	struct err e;

	if (argc != 8)
		return 64;
	log_open("escape");
	s = settings_load(argv[1], &problems);
	if (s == NULL) {
		fprintf(stderr, "%.*s\n", (int)problems.n,
			(const char *)problems.data);
		return 78;
	}
	state = argv[3];
	outside = argv[4];
	inside_port = (unsigned short)atoi(argv[5]);
	outside_port = (unsigned short)atoi(argv[6]);
	sibling = (pid_t)atoi(argv[7]);
	for (size_t i = 0; i < countof(names); i++) {
		int status;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			if (!confine(s, argv[2], &e)) {
				fprintf(stderr, "%s\n", e.text);
				_exit(254);
			}
			_exit(try(i));
		}
		must(waitpid(pid, &status, 0) == pid);
		report(i, status);
	}
	return 0;
}
