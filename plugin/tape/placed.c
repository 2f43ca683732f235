/* placed.c - a file in one piece. See placed.h. */
#include "plugin/tape/placed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool write_all(int fd, ct_span bytes)
{
    while (bytes.len) {
        ssize_t done = write(fd, bytes.at, bytes.len);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return false;
        }
        bytes.at += done;
        bytes.len -= (size_t)done;
    }
    return true;
}

static void sync_folder_of(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

enum ct_status ct_placed_write(const char *path, const ct_span *pieces, size_t count, struct ct_error *err)
{
    char fresh[4096];
    enum ct_status status = CT_OK;
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh) {
        return ct_error_set(err, CT_IO, "%.200s...: the path is too long", path);
    }
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0;
    for (size_t i = 0; i < count && good; i++) {
        good = write_all(fd, pieces[i]);
    }
    if (!good || fsync(fd) != 0) {
        status = ct_error_set(err, CT_IO, "%s: cannot write (%s)", fresh, strerror(errno));
    }
    if (fd >= 0 && close(fd) != 0 && status == CT_OK) {
        status = ct_error_set(err, CT_IO, "%s: cannot write (%s)", fresh, strerror(errno));
    }
    if (status == CT_OK && rename(fresh, path) != 0) {
        status = ct_error_set(err, CT_IO, "%s: cannot replace (%s)", path, strerror(errno));
    }
    if (status == CT_OK) {
        sync_folder_of(path);
    } else if (fd >= 0) {
        (void)unlink(fresh);
    }
    return status;
}
