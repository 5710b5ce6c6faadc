/*
 * account_file - the accounts file as a text that is changed: lines of others
 * and comments stay as they are.
 *
 * The change is written whole beside it and renamed over it, so mtqd reads the
 * old or the new one.  A lock on the folder keeps two writers apart; it ends
 * with account_file_close.
 *
 * Owner    plain memory and one descriptor; account_file_close.
 * Errors   a sentence with the path.
 */
#ifndef MTQ_ACCOUNT_FILE_H
#define MTQ_ACCOUNT_FILE_H

#include "queue/accounts.h"

struct account_file {
	const char *path;
	int lock; /* the folder; -1: only read */
	bool is_new;
	struct bytes text;
	struct accounts *accounts;
};

/* With `change` it is locked, and one that is not there begins empty. */
bool account_file_open(struct account_file *f, const char *path, bool change,
		       struct err *e) MUST_USE;
void account_file_close(struct account_file *f);
/* All lines of this name go; those of `a` (NULL: none) come to the end. */
bool account_file_put(struct account_file *f, const char *name,
		      const struct account *a, struct err *e) MUST_USE;
bool account_file_write(struct account_file *f, struct err *e) MUST_USE;

#endif
