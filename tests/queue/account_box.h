/*
 * account_box - accounts for a test, made as `mtq account` makes them.
 *
 * Owner    account_box_accounts: the caller frees.
 */
#ifndef MTQ_TESTS_ACCOUNT_BOX_H
#define MTQ_TESTS_ACCOUNT_BOX_H

#include <string.h>

#include "daemon/base64.h"
#include "queue/accounts.h"

static const int64_t BOX_NOW = INT64_C(1795246544000000);

/* A file's text: its key, then lines. */
static inline void
account_box_begin(struct bytes *file)
{
	bytes_add_text(file, "# a comment\nkey: ");
	base64_add(file, "0123456789abcdef0123456789abcdef", MAC_SIZE);
	bytes_add_text(file, "\n\n");
}

static inline void
account_box_line(struct bytes *file, const char *name, const char *password,
		 unsigned rounds, int64_t not_after_us)
{
	struct account a = {.nsalt = ACCOUNT_SALT, .rounds = rounds};
	struct account_password p = {.created_us =
					 BOX_NOW / SECOND_US * SECOND_US,
				     .not_after_us = not_after_us};

	text_copy(text_of(name), a.name, sizeof a.name);
	/* Both passwords of a name have one salt. */
	memcpy(a.salt, "salt of ........", ACCOUNT_SALT);
	memcpy(a.salt + 8, name, min_of(strlen(name), (size_t)8));
	account_prove(text_of(password), a.salt, a.nsalt, rounds, &p.proof);
	account_line(&a, &p, file);
}

static inline struct accounts *
account_box_read(const struct bytes *file)
{
	struct accounts *a;
	struct err e;

	a = accounts_read((const char *)file->data, file->n, &e);
	must(a != NULL);
	return a;
}

/* app: two passwords; old: one that is over; x: alone. */
static inline struct accounts *
account_box_accounts(unsigned rounds)
{
	struct bytes file = {0};
	struct accounts *a;

	account_box_begin(&file);
	account_box_line(&file, "app", "first password", rounds,
			 BOX_NOW + HOUR_US);
	account_box_line(&file, "app", "second password", rounds,
			 ACCOUNT_FOREVER);
	account_box_line(&file, "old", "over and out", rounds,
			 BOX_NOW - HOUR_US);
	account_box_line(&file, "x", "x's password", rounds, ACCOUNT_FOREVER);
	a = account_box_read(&file);
	bytes_free(&file);
	return a;
}

#endif
