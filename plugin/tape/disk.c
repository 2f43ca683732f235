/* disk.c - the real disk; see disk.h. */
#include "plugin/tape/disk.h"

#include <fcntl.h>
#include <unistd.h>

static int real_create(void *context, int folder, const char *name)
{
    (void)context;
    return openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static ssize_t real_write(void *context, int file, const struct iovec *parts, int count, int64_t offset)
{
    (void)context;
    return pwritev(file, parts, count, offset);
}

static int real_sync(void *context, int file)
{
    (void)context;
    return fdatasync(file);
}

static int real_truncate(void *context, int file, int64_t size)
{
    (void)context;
    return ftruncate(file, size);
}

static int real_sync_folder(void *context, int folder)
{
    (void)context;
    return fsync(folder);
}

const struct ct_tape_disk ct_tape_disk_real = {NULL,      real_create,   real_write,
                                               real_sync, real_truncate, real_sync_folder};
