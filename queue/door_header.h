/*
 * door_header - what the door sees of a message's header: fields that may
 * stand there only once, the author, and the fields that a source asks for.
 * Fed line by line; pure, of fixed size.
 *
 * A header that two readers could read in two ways is `odd`: a field twice that
 * may come once, a blank before the colon of a field that counts, a line that is
 * no field; and before a field that counts a line of blanks, or a field with a
 * blank before its colon: for some readers the header ends there.
 *
 * Source   RFC 5322 2.2, 3.6, 4.5; facts: attacks.md C3.
 */
#ifndef MTQ_DOOR_HEADER_H
#define MTQ_DOOR_HEADER_H

#include "daemon/settings.h"
#include "queue/mailbox.h"

enum {
	DOOR_FIELDS = 10, /* SETTINGS_REQUIRED and the two of sandboxes */
	DOOR_NAME = 76,
	DOOR_VALUE = 255, /* octets of a value that are compared */
	DOOR_ODD = 128,
};
#define DOOR_LK  "X-SFDC-LK"
#define DOOR_APP "X-SFDC-App"

/* RFC 5322 3.6: at most one of each. */
#define DOOR_SINGLES(F)                                                        \
	F(DATE, "Date")                                                        \
	F(FROM, "From")                                                        \
	F(SENDER, "Sender")                                                    \
	F(REPLY_TO, "Reply-To")                                                \
	F(TO, "To")                                                            \
	F(CC, "Cc")                                                            \
	F(BCC, "Bcc")                                                          \
	F(MESSAGE_ID, "Message-ID")                                            \
	F(IN_REPLY_TO, "In-Reply-To")                                          \
	F(REFERENCES, "References")                                            \
	F(SUBJECT, "Subject")
enum door_single {
#define F(id, name) DOOR_##id,
	DOOR_SINGLES(F)
#undef F
	    DOOR_SINGLE_COUNT
};

struct door_field {
	char name[DOOR_NAME + 1];
	size_t nname;
	unsigned seen; /* how many there are; the first one's value is kept */
	bool cut;      /* it is longer than what is kept */
	size_t n;
	char value[DOOR_VALUE + 1];
};
struct door_header {
	bool ended;
	/* What some readers take for the end of the header, if it was there. */
	const char *end;
	char odd[DOOR_ODD]; /* why it is odd; "": it is not */
	unsigned single[DOOR_SINGLE_COUNT];
	struct door_field field[DOOR_FIELDS];
	size_t nfields;
	size_t nfrom;
	bool from_cut;
	char from[MAILBOX_FIELD]; /* the first one's value, unfolded */
	/* whose folded lines come now */
	struct door_field *open;
	bool open_from, open_any;
};

/* `source`: whose fields are looked for; NULL: only those of sandboxes. */
void door_header_begin(struct door_header *h,
		       const struct source_settings *source);
/* A line without its end; the empty one ends the header.  `cut`: it is longer.
 */
void door_header_line(struct door_header *h, const char *p, size_t n, bool cut);
/* NULL: it is not looked for. */
const struct door_field *door_header_field(const struct door_header *h,
					   const char *name);
/* Octets of the field name at the start of a line (RFC 5322 2.2); 0: there is
 * none.  Its value begins at *value, behind the colon, which once could have
 * blanks before it (4.5). */
size_t door_header_name(const char *p, size_t n, size_t *value);

#endif
