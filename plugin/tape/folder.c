/* folder.c - names and list of a tape's segments, the folder itself, and the lock against two writers. */
#include "plugin/tape/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_TRIES = 100 };

void ct_segment_name(uint64_t base, const char *suffix, char *out)
{
    (void)snprintf(out, CT_SEGMENT_NAME, "%016" PRIx64 "%s", base, suffix);
}

/* 16 lower-case hex digits; *rest = what follows them. */
static bool base_of(const char *name, uint64_t *base, const char **rest)
{
    uint64_t value = 0;
    for (int i = 0; i < 16; i++) {
        char digit = name[i];
        if (digit >= '0' && digit <= '9')
            value = value << 4 | (uint64_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            value = value << 4 | (uint64_t)(digit - 'a' + 10);
        else
            return false;
    }
    *base = value;
    *rest = name + 16;
    return true;
}

enum ct_status ct_segment_list_add(struct ct_segment_list *list, const struct ct_segment_file *segment)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        struct ct_segment_file *at = realloc(list->at, room * sizeof *at);
        if (!at)
            return CT_NO_MEMORY;
        list->at = at;
        list->room = room;
    }
    list->at[list->count++] = *segment;
    return CT_OK;
}

void ct_segment_list_done(struct ct_segment_list *list)
{
    free(list->at);
    *list = (struct ct_segment_list){0};
}

size_t ct_segment_list_find(const struct ct_segment_list *list, uint64_t position)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->at[middle].base <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? low - 1 : SIZE_MAX;
}

static int by_base(const void *a, const void *b)
{
    const struct ct_segment_file *x = a, *y = b;
    return (x->base > y->base) - (x->base < y->base);
}

/* One segment may have two files: one entry. */
static void merge_pairs(struct ct_segment_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (kept && list->at[kept - 1].base == list->at[i].base) {
            list->at[kept - 1].raw |= list->at[i].raw;
            list->at[kept - 1].packed |= list->at[i].packed;
        } else {
            list->at[kept++] = list->at[i];
        }
    }
    list->count = kept;
}

static enum ct_status list_once(int folder, struct ct_segment_list *list, void (*stale)(int folder, const char *name),
                                struct ct_error *err)
{
    list->count = 0;
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* a reading position of its own */
    DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir) {
        int why = errno;
        if (again >= 0)
            close(again);
        return ct_error_set(err, CT_IO, "cannot list the tape's folder: %s", strerror(why));
    }
    enum ct_status status = CT_OK;
    const struct dirent *entry;
    while (status == CT_OK && (errno = 0, entry = readdir(dir)) != NULL) {
        struct ct_segment_file segment = {.created = CT_USEC_NONE};
        const char *rest;
        if (!base_of(entry->d_name, &segment.base, &rest))
            continue;
        segment.raw = strcmp(rest, CT_SEGMENT_RAW) == 0;
        segment.packed = strcmp(rest, CT_SEGMENT_PACKED) == 0;
        if (segment.raw || segment.packed)
            status = ct_segment_list_add(list, &segment);
        else if (stale && strcmp(rest, CT_SEGMENT_PACKING) == 0)
            stale(folder, entry->d_name);
    }
    int why = errno;
    closedir(dir);
    if (status != CT_OK)
        return ct_error_set(err, status, "out of memory");
    if (why)
        return ct_error_set(err, CT_IO, "cannot list the tape's folder: %s", strerror(why));
    if (list->count)
        qsort(list->at, list->count, sizeof *list->at, by_base);
    merge_pairs(list);
    return CT_OK;
}

static bool same_bases(const struct ct_segment_list *a, const struct ct_segment_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = a->at[i].base == b->at[i].base;
    return same;
}

/* Names that come and go while a folder is read may be seen or not: of a segment that is being packed the new name not
 * yet and the old one no more, of two new ones the second alone. What one reading missed so is there for the next one.
 * So two in a row have to agree. */
enum ct_status ct_folder_list(int folder, struct ct_segment_list *list, void (*stale)(int folder, const char *name),
                              struct ct_error *err)
{
    struct ct_segment_list before = {0};
    enum ct_status status = list_once(folder, list, stale, err);
    for (int tries = 0; tries < LIST_TRIES && status == CT_OK; tries++) {
        const struct ct_segment_list last = *list;
        *list = before;
        before = last;
        status = list_once(folder, list, stale, err);
        if (status == CT_OK && same_bases(list, &before))
            break;
    }
    ct_segment_list_done(&before);
    return status;
}

static bool make_folders(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return false;
    for (char *at = copy + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        (void)mkdir(copy, 0700); /* what it could not make shows at the last one */
        *at = '/';
    }
    bool made = mkdir(copy, 0700) == 0 || errno == EEXIST;
    int why = errno;
    free(copy);
    errno = why;
    return made;
}

int ct_folder_open(const char *path, bool make, struct ct_error *err)
{
    if (!path || !*path) {
        (void)ct_error_set(err, CT_IO, "the tape needs a folder");
        return -1;
    }
    int folder = -1;
    if (!make || make_folders(path))
        folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        int why = errno;
        (void)ct_error_set(err, CT_IO, "cannot open the tape's folder %s: %s%s", path, strerror(why),
                           why == ENOTDIR || why == EEXIST ? "; name a folder of its own for the tape" : "");
    }
    return folder;
}

static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

enum ct_status ct_folder_lock(int folder, const char *path, int *lock, struct ct_error *err)
{
    int file = openat(folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return ct_error_set(err, CT_IO, "cannot write in the tape's folder %s: %s", path, strerror(errno));
    struct flock all = whole_file();
    if (fcntl(file, F_OFD_SETLK, &all) != 0) {
        int why = errno;
        char pid[24] = "";
        ssize_t got = pread(file, pid, sizeof pid - 1, 0);
        pid[got > 0 ? got : 0] = 0;
        pid[strspn(pid, "0123456789")] = 0;
        close(file);
        if (why == EAGAIN || why == EACCES)
            return ct_error_set(
                err, CT_LIMIT,
                "process %s writes the tape in %s already: stop it, or give this one a folder of its own",
                *pid ? pid : "(unknown)", path);
        return ct_error_set(err, CT_IO, "cannot lock the tape's folder %s: %s", path, strerror(why));
    }
    char text[24];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    /* The number is for people; on a full disk the lock holds without it. */
    if (ftruncate(file, 0) == 0 && pwrite(file, text, (size_t)len, 0) != len)
        (void)!ftruncate(file, 0);
    *lock = file;
    return CT_OK;
}

bool ct_folder_is_locked(int folder)
{
    int file = openat(folder, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return false;
    struct flock all = whole_file();
    bool locked = fcntl(file, F_OFD_GETLK, &all) == 0 && all.l_type != F_UNLCK;
    close(file);
    return locked;
}
