#include "queue/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Numbers from <linux/magic.h> and statfs(2).  overlayfs is not refused: its
 * upper layer is a local file system, mmap and fsync of a file made there
 * reach it, and containers have nothing else. */
static const struct {
	uint32_t magic;
	const char *name;
} refused[] = {
    {0x6969, "NFS"},        {0x517B, "SMB"},      {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB2"},   {0x5346414F, "AFS"},  {0x73757245, "Coda"},
    {0x564C, "NCP"},        {0x00C36400, "Ceph"}, {0x01021997, "9P"},
    {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"}, {0x01161970, "GFS2"},
    {0x7461636F, "OCFS2"},  {0x65735546, "FUSE"},
};

bool
disk_suits(const char *path, struct err *e)
{
	struct statfs s;

	if (statfs(path, &s) != 0) {
		err_set(e, ERR_SYSTEM, "%s: %m", path);
		return false;
	}
	for (size_t i = 0; i < countof(refused); i++) {
		if ((uint32_t)s.f_type != refused[i].magic)
			continue;
		err_set(e, ERR_STORE,
			"%s lies on %s; the queue needs a local file system",
			path, refused[i].name);
		return false;
	}
	return true;
}

bool
disk_free(int fd, uint64_t *out_bytes, struct err *e)
{
	struct statvfs s;

	if (fstatvfs(fd, &s) != 0) {
		err_set(e, ERR_SYSTEM, "free room of the disk: %m");
		return false;
	}
	*out_bytes = (uint64_t)s.f_bavail * s.f_frsize;
	return true;
}

static bool
sync_path(const char *path, int flags, struct err *e)
{
	int fd = open(path, flags | O_CLOEXEC);
	bool ok;

	if (fd < 0) {
		err_set(e, ERR_SYSTEM, "%s: %m", path);
		return false;
	}
	ok = fsync(fd) == 0;
	if (!ok)
		err_set(e, ERR_FULL, "sync %s: %m", path);
	if (close(fd) != 0 && ok) {
		err_set(e, ERR_SYSTEM, "close %s: %m", path);
		ok = false;
	}
	return ok;
}

bool
disk_sync_file(const char *path, struct err *e)
{
	return sync_path(path, O_RDWR, e);
}

bool
disk_sync_folder(const char *path, struct err *e)
{
	return sync_path(path, O_RDONLY | O_DIRECTORY, e);
}

char *
disk_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return must_strdup(".");
	if (slash == path)
		return must_strdup("/");
	return must_printf("%.*s", (int)(slash - path), path);
}
