/*
 * control - what mtq asks the scheduler over STATE_DIR/control.sock.
 *
 * One ORDER frame per message id, one CHANGE per quota, relay or
 * batch of the suppression list; one ANSWER per
 * ORDER or CHANGE, in order.  The peer's
 * uid comes from SO_PEERCRED: root and the daemon's own user may change the
 * queue, nobody else.
 */
#ifndef MTQ_CONTROL_H
#define MTQ_CONTROL_H

#include "daemon/wire.h"
#include "queue/ledger.h"
#include "queue/suppress.h"

enum control_frame {
	CONTROL_ORDER = 1,
	CONTROL_ANSWER = 2,
	CONTROL_DENIED = 3,
	CONTROL_CHANGE = 4, /* answered with ANSWER, message 0 */
};

/* What `mtq quota` and `mtq relay` change at run time.  `type` "": the limit. */
enum control_change_kind {
	CHANGE_QUOTA_SET,
	CHANGE_QUOTA_UNSET,
	CHANGE_RELAY_PAUSE,
	CHANGE_RELAY_RESUME, /* also opens what the provider's wall closed */
	CHANGE_SUPPRESS_ADD, /* `entries` (queue/suppress.h) */
	CHANGE_SUPPRESS_REMOVE,
	CHANGE_EVENTS_ACK, /* name: a reader; limit: the entry; 0: no reader */
};
#define CHANGE_FIELDS(F)                                                       \
	F(u8, change, CHANGE_EVENTS_ACK)                                       \
	F(text, name, 64) /* of the quota or relay */                          \
	F(text, type, 64)                                                      \
	F(u64, limit, UINT64_MAX)                                              \
	F(u64, until_us, INT64_MAX) /* 0: for good */                          \
	F(text, reason, 255)                                                   \
	F(rest, entries, SUPPRESS_BATCH_BYTES)
WIRE_STRUCT(control_change, CHANGE_FIELDS)

#define ORDER_FIELDS(F)                                                        \
	F(u8, order, LEDGER_BOUNCE)                                            \
	F(u64, message, UINT64_MAX)                                            \
	F(u32, rcpt, UINT32_MAX) /* UINT32_MAX: all */                         \
	F(text, reason, 255)
WIRE_STRUCT(control_order, ORDER_FIELDS)

#define ANSWER_FIELDS(F)                                                       \
	F(u64, message, UINT64_MAX)                                            \
	F(u8, answer, LEDGER_ALREADY)                                          \
	F(u32, changed, UINT32_MAX)
WIRE_STRUCT(control_answer, ANSWER_FIELDS)

#endif
