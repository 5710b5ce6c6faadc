/*
 * quota_row - one quota as `mtq quota` shows it.
 *
 * Owner    a row holds the texts its values point to.
 */
#ifndef MTQ_QUOTA_ROW_H
#define MTQ_QUOTA_ROW_H

#include "admin/command.h"
#include "admin/show.h"
#include "queue/book.h"

enum { QUOTA_TEXT = 200 };

/*	name, heading, kind */
#define QUOTA_TYPE_SHOWN(F)                                                    \
	F(type, "TYPE", TEXT)                                                  \
	F(used, "USED", COUNT)                                                 \
	F(in_flight, "IN FLIGHT", COUNT)                                       \
	F(free, "FREE", COUNT)                                                 \
	F(cap, "CAP", COUNT)                                                   \
	F(reserve, "RESERVE", COUNT)
#define QUOTA_SHOWN(F)                                                         \
	F(name, "QUOTA", TEXT)                                                 \
	F(unit, "UNIT", TEXT)                                                  \
	F(window, "WINDOW", TEXT)                                              \
	F(limit, "LIMIT", COUNT)                                               \
	F(used, "USED", COUNT)                                                 \
	F(in_flight, "IN FLIGHT", COUNT)                                       \
	F(free, "FREE", COUNT)                                                 \
	F(resets_at, "RESETS", TIME)                                           \
	F(types, NULL, MAP)                                                    \
	F(closed, "CLOSED BY PROVIDER", TEXT)                                  \
	F(origin, "ORIGIN", TEXT)

#define F(name, heading, kind) QUOTA_TYPE_##name,
enum { QUOTA_TYPE_SHOWN(F) QUOTA_TYPE_COUNT };
#undef F
#define F(name, heading, kind) QUOTA_##name,
enum { QUOTA_SHOWN(F) QUOTA_COUNT };
#undef F
extern const struct show_field quota_type_fields[QUOTA_TYPE_COUNT];
extern const struct show_field quota_fields[QUOTA_COUNT];

struct quota_row {
	struct show_value value[QUOTA_COUNT];
	struct show_value type[SETTINGS_TYPES * QUOTA_TYPE_COUNT];
	struct show_rows types;
	char window[QUOTA_TEXT];
	char origin[QUOTA_TEXT];
	char closed[QUOTA_TEXT];
};
void quota_row_fill(const struct command *c, const struct book *b, size_t quota,
		    struct quota_row *r);
/* Does the relay charge it? */
bool quota_row_charged(const struct relay_settings *r, const char *quota);

#endif
