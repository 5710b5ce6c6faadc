/*
 * jail_calls - what each role may ask of the kernel.
 *
 * Rows are tried in their order, the first that fits decides.  What no row
 * names is refused to a role and allowed to mtqd, which starts programs of the
 * administrator's (run.h): those of mtqd's rows that end a role only refuse.
 *
 * Source   seccomp(2), Linux 6.18 syscall_64.tbl; seen with strace -f -c over
 *          tests/system.  docs/security.md has the table for people, and
 *          tests/system/test_escape.py tries it.
 */
#ifndef MTQ_JAIL_CALLS_H
#define MTQ_JAIL_CALLS_H

/* Who: M mtqd, R receiver, S scheduler, W worker; ALL the three roles. */
/*	call	who	answer	if argument ...	*/
#define JAIL_CALLS(C)                                                          \
	/* the loop */                                                         \
	C(epoll_wait, ALL, ALLOW, ALWAYS, 0, 0)                                \
	C(epoll_pwait, ALL, ALLOW, ALWAYS, 0, 0)                               \
	C(epoll_ctl, ALL, ALLOW, ALWAYS, 0, 0)                                 \
	C(epoll_create1, ALL, ALLOW, ALWAYS, 0, 0)                             \
	C(eventfd2, ALL, ALLOW, ALWAYS, 0, 0)                                  \
	C(pipe2, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(pipe, ALL, ALLOW, ALWAYS, 0, 0)                                      \
	C(poll, ALL, ALLOW, ALWAYS, 0, 0)                                      \
	C(ppoll, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(select, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(pselect6, ALL, ALLOW, ALWAYS, 0, 0)                                  \
	/* open files */                                                       \
	C(read, ALL, ALLOW, ALWAYS, 0, 0)                                      \
	C(write, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(readv, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(writev, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(pread64, ALL, ALLOW, ALWAYS, 0, 0)                                   \
	C(pwrite64, ALL, ALLOW, ALWAYS, 0, 0)                                  \
	C(preadv, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(pwritev, ALL, ALLOW, ALWAYS, 0, 0)                                   \
	C(close, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(lseek, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(fstat, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(fcntl, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(flock, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(fdatasync, ALL, ALLOW, ALWAYS, 0, 0)                                 \
	C(fsync, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(ftruncate, ALL, ALLOW, ALWAYS, 0, 0)                                 \
	C(fallocate, ALL, ALLOW, ALWAYS, 0, 0)                                 \
	C(fadvise64, ALL, ALLOW, ALWAYS, 0, 0)                                 \
	C(dup, ALL, ALLOW, ALWAYS, 0, 0)                                       \
	C(dup2, ALL, ALLOW, ALWAYS, 0, 0)                                      \
	C(dup3, ALL, ALLOW, ALWAYS, 0, 0)                                      \
	C(ioctl, ALL, ALLOW, IS, 1, FIONBIO)                                   \
	C(ioctl, ALL, ALLOW, IS, 1, FIONREAD)                                  \
	C(ioctl, ALL, ALLOW, IS, 1, FIOCLEX)                                   \
	C(ioctl, ALL, ALLOW, IS, 1, TCGETS)                                    \
	/* files by name: which ones, Landlock says */                         \
	C(openat, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(open, ALL, ALLOW, ALWAYS, 0, 0)                                      \
	C(stat, ALL, ALLOW, ALWAYS, 0, 0)                                      \
	C(lstat, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(newfstatat, ALL, ALLOW, ALWAYS, 0, 0)                                \
	C(statx, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(statfs, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(fstatfs, ALL, ALLOW, ALWAYS, 0, 0)                                   \
	C(access, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(faccessat, ALL, ALLOW, ALWAYS, 0, 0)                                 \
	C(readlink, ALL, ALLOW, ALWAYS, 0, 0)                                  \
	C(readlinkat, ALL, ALLOW, ALWAYS, 0, 0)                                \
	C(getcwd, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(getdents64, R | S | W, ALLOW, ALWAYS, 0, 0)                          \
	C(link, S | W, ALLOW, ALWAYS, 0, 0)                                    \
	C(unlink, R | S | W, ALLOW, ALWAYS, 0, 0)                              \
	C(unlinkat, R | S | W, ALLOW, ALWAYS, 0, 0)                            \
	C(rename, R | S | W, ALLOW, ALWAYS, 0, 0)                              \
	C(renameat, R | S | W, ALLOW, ALWAYS, 0, 0)                            \
	C(renameat2, S | W, ALLOW, ALWAYS, 0, 0)                               \
	C(mkdir, S | W, ALLOW, ALWAYS, 0, 0)                                   \
	C(mkdirat, S | W, ALLOW, ALWAYS, 0, 0)                                 \
	/* the network: MSG_FASTOPEN would connect past Landlock's ports */    \
	C(recvmsg, ALL, ALLOW, ALWAYS, 0, 0)                                   \
	C(recvfrom, ALL, ALLOW, ALWAYS, 0, 0)                                  \
	C(recvmmsg, ALL, ALLOW, ALWAYS, 0, 0)                                  \
	C(sendmsg, ALL, REFUSE, HAS, 2, MSG_FASTOPEN)                          \
	C(sendmsg, ALL, ALLOW, ALWAYS, 0, 0)                                   \
	C(sendto, ALL, REFUSE, HAS, 3, MSG_FASTOPEN)                           \
	C(sendto, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(sendmmsg, R | W, REFUSE, HAS, 3, MSG_FASTOPEN)                       \
	C(sendmmsg, R | W, ALLOW, ALWAYS, 0, 0)                                \
	C(shutdown, ALL, ALLOW, ALWAYS, 0, 0)                                  \
	C(getsockopt, ALL, ALLOW, ALWAYS, 0, 0)                                \
	C(setsockopt, ALL, ALLOW, ALWAYS, 0, 0)                                \
	C(getsockname, ALL, ALLOW, ALWAYS, 0, 0)                               \
	C(getpeername, ALL, ALLOW, ALWAYS, 0, 0)                               \
	C(accept, R | S, ALLOW, ALWAYS, 0, 0)                                  \
	C(accept4, R | S, ALLOW, ALWAYS, 0, 0)                                 \
	/* MPTCP, SCTP and the like are past Landlock's ports, too */          \
	C(socket, R | W, REFUSE, ABOVE, 2, IPPROTO_UDP)                        \
	C(socket, M, REFUSE, IS, 0, AF_PACKET)                                 \
	C(socket, M, REFUSE, IS, 0, AF_ALG)                                    \
	C(socket, M, REFUSE, IS, 0, AF_VSOCK)                                  \
	C(socket, R | W, ALLOW, IS, 0, AF_INET)                                \
	C(socket, R | W, ALLOW, IS, 0, AF_INET6)                               \
	C(socketpair, R | W, ALLOW, IS, 0, AF_UNIX) /* libunbound's */         \
	C(connect, R | W, ALLOW, ALWAYS, 0, 0)                                 \
	C(bind, R | W, ALLOW, ALWAYS, 0, 0) /* libunbound's UDP ports */       \
	/* memory: none that can be run */                                     \
	C(mmap, ALL, REFUSE, HAS, 2, PROT_EXEC)                                \
	C(mmap, ALL, ALLOW, ALWAYS, 0, 0)                                      \
	C(mprotect, ALL, REFUSE, HAS, 2, PROT_EXEC)                            \
	C(mprotect, ALL, ALLOW, ALWAYS, 0, 0)                                  \
	C(munmap, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(mremap, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(madvise, ALL, ALLOW, ALWAYS, 0, 0)                                   \
	C(msync, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(mlock, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(munlock, ALL, ALLOW, ALWAYS, 0, 0)                                   \
	C(brk, ALL, ALLOW, ALWAYS, 0, 0)                                       \
	/* time, chance, threads of our own */                                 \
	C(clock_gettime, ALL, ALLOW, ALWAYS, 0, 0)                             \
	C(clock_getres, ALL, ALLOW, ALWAYS, 0, 0)                              \
	C(gettimeofday, ALL, ALLOW, ALWAYS, 0, 0)                              \
	C(time, ALL, ALLOW, ALWAYS, 0, 0)                                      \
	C(nanosleep, ALL, ALLOW, ALWAYS, 0, 0)                                 \
	C(clock_nanosleep, ALL, ALLOW, ALWAYS, 0, 0)                           \
	C(getrandom, ALL, ALLOW, ALWAYS, 0, 0)                                 \
	C(futex, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	C(sched_yield, ALL, ALLOW, ALWAYS, 0, 0)                               \
	C(sched_getaffinity, ALL, ALLOW, ALWAYS, 0, 0)                         \
	C(getcpu, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(membarrier, ALL, ALLOW, ALWAYS, 0, 0)                                \
	C(set_robust_list, ALL, ALLOW, ALWAYS, 0, 0)                           \
	C(rseq, ALL, ALLOW, ALWAYS, 0, 0)                                      \
	C(clone, R | W, ALLOW, HAS, 0, CLONE_THREAD)                           \
	C(exit, ALL, ALLOW, ALWAYS, 0, 0)                                      \
	C(exit_group, ALL, ALLOW, ALWAYS, 0, 0)                                \
	C(prctl, ALL, ALLOW, IS, 0, PR_SET_NAME)                               \
	C(prctl, ALL, ALLOW, IS, 0, PR_SET_VMA)                                \
	/* signals: to itself only */                                          \
	C(rt_sigaction, ALL, ALLOW, ALWAYS, 0, 0)                              \
	C(rt_sigprocmask, ALL, ALLOW, ALWAYS, 0, 0)                            \
	C(rt_sigreturn, ALL, ALLOW, ALWAYS, 0, 0)                              \
	C(restart_syscall, ALL, ALLOW, ALWAYS, 0, 0)                           \
	C(sigaltstack, ALL, ALLOW, ALWAYS, 0, 0)                               \
	C(tgkill, ALL, ALLOW, SELF, 0, 0)                                      \
	/* who and where it is */                                              \
	C(getpid, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(gettid, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(getppid, ALL, ALLOW, ALWAYS, 0, 0)                                   \
	C(getuid, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(geteuid, ALL, ALLOW, ALWAYS, 0, 0)                                   \
	C(getgid, ALL, ALLOW, ALWAYS, 0, 0)                                    \
	C(getegid, ALL, ALLOW, ALWAYS, 0, 0)                                   \
	C(getrusage, ALL, ALLOW, ALWAYS, 0, 0)                                 \
	C(prlimit64, ALL, ALLOW, IS, 0, 0) /* its own, never raised */         \
	C(sysinfo, ALL, ALLOW, ALWAYS, 0, 0)                                   \
	C(uname, ALL, ALLOW, ALWAYS, 0, 0)                                     \
	/* no library of ours ever asks for these: somebody else is in here */ \
	C(execve, ALL, KILL, ALWAYS, 0, 0)                                     \
	C(execveat, ALL, KILL, ALWAYS, 0, 0)                                   \
	C(setuid, ALL, KILL, ALWAYS, 0, 0)                                     \
	C(setgid, ALL, KILL, ALWAYS, 0, 0)                                     \
	C(setreuid, ALL, KILL, ALWAYS, 0, 0)                                   \
	C(setregid, ALL, KILL, ALWAYS, 0, 0)                                   \
	C(setresuid, ALL, KILL, ALWAYS, 0, 0)                                  \
	C(setresgid, ALL, KILL, ALWAYS, 0, 0)                                  \
	C(setfsuid, ALL, KILL, ALWAYS, 0, 0)                                   \
	C(setfsgid, ALL, KILL, ALWAYS, 0, 0)                                   \
	C(setgroups, ALL, KILL, ALWAYS, 0, 0)                                  \
	C(capset, ALL, KILL, ALWAYS, 0, 0)                                     \
	C(seccomp, ALL, KILL, ALWAYS, 0, 0)                                    \
	C(ptrace, M | ALL, KILL, ALWAYS, 0, 0)                                 \
	C(process_vm_readv, M | ALL, KILL, ALWAYS, 0, 0)                       \
	C(process_vm_writev, M | ALL, KILL, ALWAYS, 0, 0)                      \
	C(kcmp, M | ALL, KILL, ALWAYS, 0, 0)                                   \
	C(unshare, M | ALL, KILL, ALWAYS, 0, 0)                                \
	C(setns, M | ALL, KILL, ALWAYS, 0, 0)                                  \
	C(mount, M | ALL, KILL, ALWAYS, 0, 0)                                  \
	C(umount2, M | ALL, KILL, ALWAYS, 0, 0)                                \
	C(pivot_root, M | ALL, KILL, ALWAYS, 0, 0)                             \
	C(chroot, M | ALL, KILL, ALWAYS, 0, 0)                                 \
	C(move_mount, M | ALL, KILL, ALWAYS, 0, 0)                             \
	C(open_tree, M | ALL, KILL, ALWAYS, 0, 0)                              \
	C(fsopen, M | ALL, KILL, ALWAYS, 0, 0)                                 \
	C(open_by_handle_at, M | ALL, KILL, ALWAYS, 0, 0)                      \
	C(bpf, M | ALL, KILL, ALWAYS, 0, 0)                                    \
	C(perf_event_open, M | ALL, KILL, ALWAYS, 0, 0)                        \
	C(userfaultfd, M | ALL, KILL, ALWAYS, 0, 0)                            \
	C(add_key, M | ALL, KILL, ALWAYS, 0, 0)                                \
	C(request_key, M | ALL, KILL, ALWAYS, 0, 0)                            \
	C(keyctl, M | ALL, KILL, ALWAYS, 0, 0)                                 \
	C(init_module, M | ALL, KILL, ALWAYS, 0, 0)                            \
	C(finit_module, M | ALL, KILL, ALWAYS, 0, 0)                           \
	C(delete_module, M | ALL, KILL, ALWAYS, 0, 0)                          \
	C(kexec_load, M | ALL, KILL, ALWAYS, 0, 0)                             \
	C(kexec_file_load, M | ALL, KILL, ALWAYS, 0, 0)                        \
	C(reboot, M | ALL, KILL, ALWAYS, 0, 0)                                 \
	C(swapon, M | ALL, KILL, ALWAYS, 0, 0)                                 \
	C(swapoff, M | ALL, KILL, ALWAYS, 0, 0)                                \
	C(acct, M | ALL, KILL, ALWAYS, 0, 0)                                   \
	C(syslog, M | ALL, KILL, ALWAYS, 0, 0)                                 \
	C(iopl, M | ALL, KILL, ALWAYS, 0, 0)                                   \
	C(ioperm, M | ALL, KILL, ALWAYS, 0, 0)                                 \
	C(modify_ldt, M | ALL, KILL, ALWAYS, 0, 0)                             \
	C(personality, ALL, KILL, ALWAYS, 0, 0)                                \
	C(settimeofday, M | ALL, KILL, ALWAYS, 0, 0)                           \
	C(clock_settime, M | ALL, KILL, ALWAYS, 0, 0)                          \
	C(adjtimex, M | ALL, KILL, ALWAYS, 0, 0)                               \
	C(io_uring_setup, M | ALL, MISSING, ALWAYS, 0, 0)

#endif
