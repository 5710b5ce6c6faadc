/*
 * job - the messages between scheduler and worker, one field list each.
 *
 * A JOB is one message for one or more recipients through one relay: one SMTP
 * transaction.  The worker answers with one OUTCOME per recipient; the last
 * carries last = 1.  Before the final dot of a transaction leaves, its DOT
 * frame is in the kernel's hands: a worker that dies before it has nothing in
 * doubt.  Through a relay with a rate the worker then waits for a PERMIT: only
 * the scheduler knows what all workers send.  Rows are the wire order; append
 * only.
 */
#ifndef MTQ_JOB_H
#define MTQ_JOB_H

#include "daemon/wire.h"
#include "queue/record.h"
#include "queue/status.h"

enum job_frame {
	JOB_HELLO = 1,   /* worker -> scheduler, first */
	JOB_JOB = 2,     /* scheduler -> worker */
	JOB_DOT = 3,     /* worker -> scheduler */
	JOB_OUTCOME = 4, /* worker -> scheduler */
	JOB_SHARE = 5,   /* scheduler -> worker: connections it may open */
	JOB_PERMIT = 6,  /* scheduler -> worker: the dot may leave */
	JOB_LEAVE = 7,   /* worker -> scheduler: no more jobs, it will end */
};
enum { JOB_RECIPIENTS_MOST = 1000, JOB_SECURITY_MOST = 159 };

#define HELLO_FIELDS(F) F(u32, pid, INT32_MAX)
WIRE_STRUCT(job_hello, HELLO_FIELDS)

#define SHARE_FIELDS(F)                                                        \
	F(text, relay, 64)                                                     \
	F(u32, connections, 5000)
WIRE_STRUCT(job_share, SHARE_FIELDS)

#define JOB_FIELDS(F)                                                          \
	F(u64, job, UINT64_MAX) /* echoed in DOT, OUTCOME */                   \
	F(u64, message, UINT64_MAX)                                            \
	F(text, relay, 64)                                                     \
	F(text, sender, 254)                                                   \
	F(text, envid, 100)                                                    \
	F(u32, flags, 63)                                                      \
	F(u64, size_bytes, UINT64_MAX)                                         \
	F(u32, chunks, UINT32_MAX)                                             \
	F(u64, arrival_us, INT64_MAX)                                          \
	F(u32, nrecipients, JOB_RECIPIENTS_MOST)                               \
	F(blob, recipients,                                                    \
	  1 << 20)       /* job_recipient, each a u32-length blob */           \
	F(u8, permit, 1) /* 1: after DOT wait for PERMIT, then send the dot */ \
	F(text, destination, 255) /* deliver = mx: all recipients' domain */   \
	F(u8, retried, 1)         /* 1: every recipient was put off before */  \
	F(u8, archive, 1)         /* 1: a copy for archives, queue/archive.h */
WIRE_STRUCT(job, JOB_FIELDS)

#define JOB_RECIPIENT_FIELDS(F)                                                \
	F(u32, rcpt, UINT32_MAX)                                               \
	F(u8, notify, 15)                                                      \
	F(text, address, 254)                                                  \
	F(text, orcpt, 500)
WIRE_STRUCT(job_recipient, JOB_RECIPIENT_FIELDS)
/* Adds one to / takes the next from the blob; take: false at the end or when
 * malformed (then r->ok is false). */
void job_recipient_add(struct bytes *blob, const struct job_recipient *r);
bool job_recipient_take(struct reader *r, struct job_recipient *out);

#define DOT_FIELDS(F) F(u64, job, UINT64_MAX)
WIRE_STRUCT(job_dot, DOT_FIELDS)

#define PERMIT_FIELDS(F) F(u64, job, UINT64_MAX)
WIRE_STRUCT(job_permit, PERMIT_FIELDS)

#define OUTCOME_FIELDS(F)                                                        \
	F(u64, job, UINT64_MAX)                                                  \
	F(u64, message, UINT64_MAX)                                              \
	F(u32, rcpt, UINT32_MAX)                                                 \
	F(u8, last, 1)                                                           \
	F(u8, kind, VERDICT_COUNT - 1)                                           \
	F(u8, blame, BLAME_COUNT - 1)                                            \
	F(u8, stage, STAGE_COUNT - 1)                                            \
	F(u8, dot_sent, 1)                                                       \
	F(u16, code, 599)                                                        \
	F(text, status, 11)                                                      \
	F(text, reply, VERDICT_REPLY_MOST - 1)                                   \
	F(text, remote, VERDICT_REMOTE_MOST - 1)                                 \
	F(u32, in_worker_us, UINT32_MAX) /* waited for a connection */           \
	F(u32, connect_us, UINT32_MAX) /* lookup, connect, EHLO; 0: reused */    \
	F(u32, transmit_us, UINT32_MAX)                                          \
	/* how the way was secured, as it stands in the log behind status=():  \
	 * "tls=TLS1.3 cipher=... verify=dane auth=PLAIN"; "" no connection */ \
	F(text, security, JOB_SECURITY_MOST)                                     \
	F(u8, dsn_passed, 1) /* SENT: the next hop reports (RFC 3461 4) */
WIRE_STRUCT(job_outcome, OUTCOME_FIELDS)

#endif
