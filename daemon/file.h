/*
 * file - a small file as a whole; all of a write; and the three descriptors that
 * every program has open.
 *
 * Errors   NULL with errno: EFBIG when it is over `most` octets, EINVAL when
 *          it is not a regular file (a FIFO would hang us).
 */
#ifndef MTQ_FILE_H
#define MTQ_FILE_H

#include "daemon/base.h"

/* Its octets and a NUL behind them; the caller frees. */
char *file_read(const char *path, size_t most, size_t *n) MUST_USE;

/* All n octets; false with errno, and then some may be written. */
bool file_write_all(int fd, const void *p, size_t n) MUST_USE;

/* /dev/null in the place of each of the descriptors 0 to 2 that is closed:
 * else the next file that is opened, perhaps the database, gets its number, and
 * what is printed goes into it.  The first thing in main().  `flags` are
 * open(2)'s: with O_RDONLY writing to a missing stdout is an error. */
bool file_fill_standard(int flags) MUST_USE;

#endif
