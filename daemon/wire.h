/*
 * wire - typed, bounded messages between our own processes.
 *
 * A frame is u32 length, u8 type, payload; lengths are of the payload, little
 * endian, at most WIRE_MOST.  Payloads are made by generated codecs (see
 * WIRE_STRUCT below), so that struct, encoder, decoder and printer come from
 * one list.  A peer that sends anything else is cut off: `bad` frames never
 * reach must().
 *
 * Descriptors travel beside a frame by SCM_RIGHTS (only mtqd sends them).
 */
#ifndef MTQ_WIRE_H
#define MTQ_WIRE_H

#include "daemon/bytes.h"
#include "daemon/loop.h"

enum {
	WIRE_MOST = 4 << 20,        /* octets of payload */
	WIRE_MOST_FDS = 64,         /* descriptors beside one frame */
	WIRE_MOST_QUEUED = 64 << 20 /* unsent octets before a peer is cut */
};

struct channel;
struct channel_ops {
	/* One whole frame.  `p` is valid during the call only.  Return false
	 * if it breaks the protocol: the channel is closed, `gone` follows. */
	bool (*frame)(struct channel *c, uint8_t type, const void *p, size_t n);
	/* The peer went away or broke the protocol.  `why` for the log.
	 * Called once; the owner then calls channel_close. */
	void (*gone)(struct channel *c, const char *why);
};
struct channel {
	const struct channel_ops *ops;
	int fd;
	struct loop *loop;
	struct watch watch;
	struct bytes in;
	struct bytes out;
	size_t out_done;
	int fds[WIRE_MOST_FDS]; /* received, not yet taken */
	unsigned nfds;
	bool dead;
	bool deaf; /* the peer takes nothing more; what it said is read first */
	void (*closed)(struct channel *c);
};

void channel_open(struct channel *c, struct loop *l, int fd,
		  const struct channel_ops *ops);
/* Queues a frame; it is written at channel_flush or when the socket has room.
 * Nothing is lost while the channel lives.  A peer that takes nothing more (it
 * is gone, or WIRE_MOST_QUEUED octets wait for it) is gone when all that it has
 * said before was handed out. */
void channel_send(struct channel *c, uint8_t type, const struct bytes *payload);
/* As channel_send, with descriptors; they are duplicated by the kernel, the
 * caller keeps its own.  Written at once (mtqd's channels are never full). */
void channel_send_fds(struct channel *c, uint8_t type,
		      const struct bytes *payload, const int *fds,
		      unsigned nfds);
/* Writes what is queued now.  After it returned true and channel_empty() is
 * true, the kernel holds every frame, even if we die the next moment. */
void channel_flush(struct channel *c);
bool channel_empty(const struct channel *c);
/* Takes the oldest received descriptor; -1 if there is none. */
int channel_take_fd(struct channel *c);
/* Closes descriptor and watch; `closed` when the memory may go. */
void channel_close(struct channel *c, void (*closed)(struct channel *c));

/*
 * WIRE_STRUCT(name, FIELDS) makes from a field list
 *
 *	#define DOT_FIELDS(F) F(u64, job, UINT64_MAX)
 *
 * struct name, name_encode(struct bytes *, const struct name *) and
 * name_decode(struct name *, const void *, size_t) (false when malformed, too
 * long, above the limit or with octets left over).  Row: kind, name, most.
 * Kinds: u8 u16 u32 u64 (most: largest value), text (most: octets; decoded
 * texts point into the input: struct text, not NUL-terminated), blob (the same
 * with any octet), tail (a text that what was written by an older mtq ends
 * before: then it is empty; only tails follow it), rest (a blob, as tail).
 * Rows are the wire order; append only.
 */
#define WIRE_MEMBER_u8                      uint8_t
#define WIRE_MEMBER_u16                     uint16_t
#define WIRE_MEMBER_u32                     uint32_t
#define WIRE_MEMBER_u64                     uint64_t
#define WIRE_MEMBER_text                    struct text
#define WIRE_MEMBER_blob                    struct text
#define WIRE_MEMBER_tail                    struct text
#define WIRE_MEMBER_rest                    struct text
#define WIRE_FIELD_MEMBER(kind, name, most) WIRE_MEMBER_##kind name;

#define WIRE_PUT_u8(b, v)                bytes_u8(b, v)
#define WIRE_PUT_u16(b, v)               bytes_u16(b, v)
#define WIRE_PUT_u32(b, v)               bytes_u32(b, v)
#define WIRE_PUT_u64(b, v)               bytes_u64(b, v)
#define WIRE_PUT_text(b, v)              bytes_text(b, (v).p, (v).n)
#define WIRE_PUT_blob(b, v)              bytes_text(b, (v).p, (v).n)
#define WIRE_PUT_tail(b, v)              bytes_text(b, (v).p, (v).n)
#define WIRE_PUT_rest(b, v)              bytes_text(b, (v).p, (v).n)
#define WIRE_FIELD_PUT(kind, name, most) WIRE_PUT_##kind(b, s->name);

bool wire_get_u8(struct reader *r, uint8_t *v, uint64_t most);
bool wire_get_u16(struct reader *r, uint16_t *v, uint64_t most);
bool wire_get_u32(struct reader *r, uint32_t *v, uint64_t most);
bool wire_get_u64(struct reader *r, uint64_t *v, uint64_t most);
bool wire_get_text(struct reader *r, struct text *v, uint64_t most);
bool wire_get_blob(struct reader *r, struct text *v, uint64_t most);
bool wire_get_tail(struct reader *r, struct text *v, uint64_t most);
bool wire_get_rest(struct reader *r, struct text *v, uint64_t most);
#define WIRE_FIELD_GET(kind, name, most)                                       \
	&&wire_get_##kind(&r, &s->name, (uint64_t)(most))

/* In the header. */
#define WIRE_STRUCT(name, FIELDS)                                              \
	struct name {                                                          \
		FIELDS(WIRE_FIELD_MEMBER)                                      \
	};                                                                     \
	void name##_encode(struct bytes *b, const struct name *s);             \
	bool name##_decode(struct name *s, const void *p, size_t n) MUST_USE;

/* In the one .c file beside it. */
#define WIRE_CODEC(name, FIELDS)                                               \
	void name##_encode(struct bytes *b, const struct name *s)              \
	{                                                                      \
		FIELDS(WIRE_FIELD_PUT)                                         \
	}                                                                      \
	bool name##_decode(struct name *s, const void *p, size_t n)            \
	{                                                                      \
		struct reader r = reader_of(p, n);                             \
		return true FIELDS(WIRE_FIELD_GET) && r.p == r.end;            \
	}

#endif
