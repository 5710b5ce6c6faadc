/*
 * file - a small file as a whole.
 *
 * Errors   NULL with errno: EFBIG when it is over `most` octets, EINVAL when
 *          it is not a regular file (a FIFO would hang us).
 */
#ifndef MTQ_FILE_H
#define MTQ_FILE_H

#include "daemon/base.h"

/* Its octets and a NUL behind them; the caller frees. */
char *file_read(const char *path, size_t most, size_t *n) MUST_USE;

#endif
