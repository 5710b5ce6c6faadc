/*
 * relay_test_step - one step of `mtq relay test`, shown as it ends: a line for
 * people (with further ones below it), or an object for programs.
 *
 * Owner    plain values; fields and values are borrowed until the call returns.
 *          Texts are cleaned by who puts them in.
 */
#ifndef MTQ_RELAY_TEST_STEP_H
#define MTQ_RELAY_TEST_STEP_H

#include "admin/sentence.h"
#include "admin/show.h"

enum relay_test_how {
	STEP_OK,
	STEP_NOT,  /* it failed */
	STEP_NOTE, /* was not done, or is only worth knowing; JSON: ok = null */
};
enum { STEP_FIELDS_MOST = 12 };

struct relay_test_step {
	const char *name; /* "dns", "tls"; stable */
	enum relay_test_how how;
	int64_t us; /* how long it took; below 0: it takes no time */
	struct sentence said;
	struct bytes more; /* further lines, each with its \n; people only */
	/* Further members of the object. */
	const struct show_field *field;
	const struct show_value *value;
	size_t n;
};

/* Shows it and frees `more`. */
void relay_test_step(bool json, struct relay_test_step *s);
/* A step without further members. */
void relay_test_tell(bool json, const char *name, enum relay_test_how how,
		     int64_t us, const char *fmt, ...) PRINTF(5, 6);

#endif
