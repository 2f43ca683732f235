/* result_file.c - writes files beside their place and moves them there at the end. See result_file.h. */
#include "cli/result_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as the kernel: more are a circle */

static enum ct_status cannot(struct ct_error *err, const char *path, int error)
{
    return ct_error_set(err, error == ENOMEM ? CT_NO_MEMORY : CT_IO, "cannot write %s: %s", path, strerror(error));
}

/* Up to and with the last '/', heap; "" = here. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
}

/* Where a file of this name really stands: `path`, or what it links to, whether that exists or not. Heap; NULL with
 * errno. */
static char *place_of(const char *path)
{
    char *place = strdup(path);
    for (int links = 0; place; links++) {
        char target[PATH_MAX];
        ssize_t len = readlink(place, target, sizeof target);
        if (len < 0) {
            return place; /* no link, or nothing at all: the caller's open() says what is wrong with it */
        }
        char *folder = target[0] == '/' ? strdup("") : folder_of(place), *next = NULL;
        bool good = links < LINKS_MAX && len < (ssize_t)sizeof target;
        if (!good || !folder || asprintf(&next, "%s%.*s", folder, (int)len, target) < 0) {
            errno = good ? ENOMEM : ELOOP;
            next = NULL;
        }
        free(folder);
        free(place);
        place = next;
    }
    return NULL;
}

enum ct_status ct_result_probe(const char *path, struct ct_error *err)
{
    struct stat info;
    if (strcmp(path, "-") == 0) {
        return CT_OK;
    }
    if (!*path) {
        return cannot(err, "\"\"", ENOENT);
    }
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        if (S_ISDIR(info.st_mode)) {
            return cannot(err, path, EISDIR);
        }
        return access(path, W_OK) == 0 ? CT_OK : cannot(err, path, errno);
    }
    char *place = place_of(path);
    char *folder = place ? folder_of(place) : NULL;
    bool writable = folder && access(*folder ? folder : ".", W_OK | X_OK) == 0;
    int error = errno;
    free(folder);
    free(place);
    return writable ? CT_OK : cannot(err, path, error);
}

bool ct_result_is_sink(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

bool ct_result_same(const char *path, const char *other)
{
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

enum ct_status ct_result_open(struct ct_result_file *r, const char *path, struct ct_error *err)
{
    struct stat info;
    *r = (struct ct_result_file){0};
    if (strcmp(path, "-") == 0) {
        r->file = stdout;
        return CT_OK;
    }
    bool there = stat(path, &info) == 0;
    if (there && !S_ISREG(info.st_mode)) { /* a device or a pipe is written to, not replaced */
        r->file = fopen(path, "we");
        return r->file ? CT_OK : cannot(err, path, errno);
    }
    r->place = place_of(path);
    if (!r->place || asprintf(&r->temporary, "%s.%ld.part", r->place, (long)getpid()) < 0) {
        int error = r->place ? ENOMEM : errno;
        r->temporary = NULL;
        ct_result_drop(r);
        return cannot(err, path, error);
    }
    int fd = open(r->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    r->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!r->file) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        } else { /* not ours to remove */
            free(r->temporary);
            r->temporary = NULL;
        }
        ct_result_drop(r);
        return cannot(err, path, error);
    }
    if (there) {
        (void)fchmod(fd, info.st_mode & 0777); /* as the file that it replaces; if not, as any new one */
    }
    return CT_OK;
}

enum ct_status ct_result_close(struct ct_result_file *r, const char *path, struct ct_error *err)
{
    FILE *file = r->file;
    bool good = file && !ferror(file) && fflush(file) == 0;
    int error = good ? 0 : errno;
    r->file = NULL;
    if (file && file != stdout && fclose(file) != 0 && good) {
        good = false;
        error = errno;
    }
    return good ? CT_OK : cannot(err, strcmp(path, "-") == 0 ? "standard output" : path, error ? error : EIO);
}

enum ct_status ct_result_place(struct ct_result_file *r, const char *path, struct ct_error *err)
{
    if (r->temporary) {
        if (rename(r->temporary, r->place) != 0) {
            return cannot(err, path, errno);
        }
        free(r->temporary);
        r->temporary = NULL;
    }
    return CT_OK;
}

void ct_result_drop(struct ct_result_file *r)
{
    if (r->file && r->file != stdout) {
        (void)fclose(r->file);
    }
    if (r->temporary) {
        (void)unlink(r->temporary);
    }
    free(r->temporary);
    free(r->place);
    *r = (struct ct_result_file){0};
}
