/*
 * disk - what the queue file lies on: the kind of file system, its free room,
 * and folders and files made durable.
 *
 * Errors   ERR_STORE: a file system we refuse; ERR_SYSTEM: a call failed.
 * Source   statfs(2), fsync(2); facts/attacks.md G12, G15.
 */
#ifndef MTQ_DISK_H
#define MTQ_DISK_H

#include "daemon/err.h"

/* Refuses network file systems and FUSE: LMDB's lock and its memory map hold
 * on one machine only, and their fsync may promise nothing. */
bool disk_suits(const char *path, struct err *e) MUST_USE;
/* Octets an ordinary user may still write. */
bool disk_free(int fd, uint64_t *out_bytes, struct err *e) MUST_USE;
/* The file's octets, or the folder's entries, are on the disk. */
bool disk_sync_file(const char *path, struct err *e) MUST_USE;
bool disk_sync_folder(const char *path, struct err *e) MUST_USE;
/* The folder a path lies in; the caller frees it. */
char *disk_folder_of(const char *path) MUST_USE;

#endif
