/* sorter.c - external merge sort of lines; see sorter.h. */
#include "cli/sorter.h"
#include "cli/spill.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct line_head { /* before each line in memory and in the file */
    int64_t key;
    uint32_t tie_bytes, line_bytes;
};

struct extent {
    uint64_t offset, end;
};

struct ct_sorter {
    pthread_mutex_t lock;
    size_t run_bytes;
    int file; /* -1 = none yet */
    uint64_t file_bytes;
    struct extent *runs;
    size_t run_count;
};

struct ct_sorter_run {
    struct ct_sorter *sorter;
    char *bytes;
    size_t used, capacity;
    size_t *at; /* offsets of the lines */
    size_t count, at_capacity;
};

struct ct_sorter *ct_sorter_new(size_t run_bytes)
{
    struct ct_sorter *sorter = calloc(1, sizeof *sorter);
    if (!sorter || pthread_mutex_init(&sorter->lock, NULL) != 0) {
        free(sorter);
        return NULL;
    }
    sorter->file = -1;
    sorter->run_bytes = run_bytes ? run_bytes : 4u << 20;
    return sorter;
}

void ct_sorter_free(struct ct_sorter *sorter)
{
    if (!sorter) {
        return;
    }
    if (sorter->file >= 0) {
        close(sorter->file);
    }
    pthread_mutex_destroy(&sorter->lock);
    free(sorter->runs);
    free(sorter);
}

struct ct_sorter_run *ct_sorter_run_new(struct ct_sorter *sorter)
{
    struct ct_sorter_run *run = calloc(1, sizeof *run);
    if (run) {
        run->sorter = sorter;
    }
    return run;
}

static int compare_heads(const struct line_head *a, const char *a_bytes, const struct line_head *b, const char *b_bytes)
{
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    uint32_t tie = a->tie_bytes < b->tie_bytes ? a->tie_bytes : b->tie_bytes;
    int order = memcmp(a_bytes, b_bytes, tie);
    if (order == 0 && a->tie_bytes != b->tie_bytes) {
        return a->tie_bytes < b->tie_bytes ? -1 : 1;
    }
    if (order == 0) {
        uint32_t line = a->line_bytes < b->line_bytes ? a->line_bytes : b->line_bytes;
        order = memcmp(a_bytes + a->tie_bytes, b_bytes + b->tie_bytes, line);
        if (order == 0 && a->line_bytes != b->line_bytes) {
            order = a->line_bytes < b->line_bytes ? -1 : 1;
        }
    }
    return order;
}

static int compare_lines(const void *left, const void *right, void *context)
{
    const char *bytes = context;
    struct line_head a, b;
    const char *a_at = bytes + *(const size_t *)left, *b_at = bytes + *(const size_t *)right;
    memcpy(&a, a_at, sizeof a);
    memcpy(&b, b_at, sizeof b);
    return compare_heads(&a, a_at + sizeof a, &b, b_at + sizeof b);
}

enum { WRITE_BYTES = 256 * 1024 };

static enum ct_status flush(struct ct_sorter_run *run, struct ct_error *err)
{
    struct ct_sorter *sorter = run->sorter;
    enum ct_status status = CT_OK;
    if (!run->count) {
        return CT_OK;
    }
    qsort_r(run->at, run->count, sizeof *run->at, compare_lines, run->bytes);
    char *buffer = malloc(WRITE_BYTES);
    if (!buffer) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    pthread_mutex_lock(&sorter->lock); /* a place in the file for the whole run; writing needs no lock */
    if (sorter->file < 0 && (sorter->file = ct_spill_file(err)) < 0) {
        status = CT_IO;
    }
    struct extent *runs = realloc(sorter->runs, (sorter->run_count + 1) * sizeof *runs);
    uint64_t to = sorter->file_bytes;
    if (!runs) {
        status = ct_error_set(err, CT_NO_MEMORY, "out of memory");
    } else {
        sorter->runs = runs;
    }
    if (status == CT_OK) {
        sorter->file_bytes += run->used;
        sorter->runs[sorter->run_count++] = (struct extent){to, sorter->file_bytes};
    }
    pthread_mutex_unlock(&sorter->lock);
    size_t held = 0;
    for (size_t i = 0; i < run->count && status == CT_OK; i++) {
        const char *from = run->bytes + run->at[i];
        struct line_head head;
        memcpy(&head, from, sizeof head);
        size_t left = sizeof head + head.tie_bytes + head.line_bytes;
        while (left && status == CT_OK) {
            size_t part = WRITE_BYTES - held < left ? WRITE_BYTES - held : left;
            memcpy(buffer + held, from, part);
            held += part;
            from += part;
            left -= part;
            if (held == WRITE_BYTES) {
                status = ct_spill_write(sorter->file, buffer, held, to, err);
                to += held;
                held = 0;
            }
        }
    }
    if (status == CT_OK) {
        status = ct_spill_write(sorter->file, buffer, held, to, err);
    }
    free(buffer);
    run->used = run->count = 0;
    return status;
}

enum ct_status ct_sorter_put(struct ct_sorter_run *run, int64_t key, ct_span tie, ct_span line, struct ct_error *err)
{
    size_t bytes = sizeof(struct line_head) + tie.len + line.len;
    if (run->used && run->used + bytes > run->sorter->run_bytes) {
        enum ct_status status = flush(run, err);
        if (status != CT_OK) {
            return status;
        }
    }
    if (run->used + bytes > run->capacity) {
        size_t capacity = run->capacity ? run->capacity * 2 : 65536;
        while (capacity < run->used + bytes) {
            capacity *= 2;
        }
        char *more = realloc(run->bytes, capacity);
        if (!more) {
            return ct_error_set(err, CT_NO_MEMORY, "out of memory");
        }
        run->bytes = more;
        run->capacity = capacity;
    }
    if (run->count == run->at_capacity) {
        size_t capacity = run->at_capacity ? run->at_capacity * 2 : 1024;
        size_t *more = realloc(run->at, capacity * sizeof *more);
        if (!more) {
            return ct_error_set(err, CT_NO_MEMORY, "out of memory");
        }
        run->at = more;
        run->at_capacity = capacity;
    }
    struct line_head head = {key, (uint32_t)tie.len, (uint32_t)line.len};
    char *to = run->bytes + run->used;
    run->at[run->count++] = run->used;
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, tie.len ? tie.at : "", tie.len);
    memcpy(to + sizeof head + tie.len, line.len ? line.at : "", line.len);
    run->used += bytes;
    return CT_OK;
}

enum ct_status ct_sorter_run_done(struct ct_sorter_run *run, struct ct_error *err)
{
    if (!run) {
        return CT_OK;
    }
    enum ct_status status = flush(run, err);
    free(run->bytes);
    free(run->at);
    free(run);
    return status;
}

/* ---- merging --------------------------------------------------------------------------------------------------------
 */

struct cursor {
    uint64_t next, end; /* in the file, behind what is buffered */
    char *buffer;
    size_t at, len, capacity;
    struct line_head head;
    bool live;
};

enum { CURSOR_BYTES = 32768, CURSOR_BYTES_LEAST = 2048, CURSORS_BYTES = 16 << 20 };

/* Makes `need` bytes available at cursor->at. */
static enum ct_status want(struct ct_sorter *sorter, struct cursor *c, size_t need, struct ct_error *err)
{
    if (c->len - c->at >= need) {
        return CT_OK;
    }
    memmove(c->buffer, c->buffer + c->at, c->len - c->at);
    c->len -= c->at;
    c->at = 0;
    if (need > c->capacity) {
        char *more = realloc(c->buffer, need);
        if (!more) {
            return ct_error_set(err, CT_NO_MEMORY, "out of memory");
        }
        c->buffer = more;
        c->capacity = need;
    }
    while (c->len < need) {
        uint64_t left = c->end - c->next;
        size_t room = c->capacity - c->len < left ? c->capacity - c->len : (size_t)left;
        ssize_t got = room ? pread(sorter->file, c->buffer + c->len, room, (off_t)c->next) : 0;
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return ct_error_set(err, CT_IO, "cannot read a temporary file back: %s", got ? strerror(errno) : "cut off");
        }
        c->len += (size_t)got;
        c->next += (uint64_t)got;
    }
    return CT_OK;
}

static enum ct_status advance(struct ct_sorter *sorter, struct cursor *c, struct ct_error *err)
{
    c->live = c->at < c->len || c->next < c->end;
    if (!c->live) {
        return CT_OK;
    }
    enum ct_status status = want(sorter, c, sizeof c->head, err);
    if (status == CT_OK) {
        memcpy(&c->head, c->buffer + c->at, sizeof c->head);
        status = want(sorter, c, sizeof c->head + c->head.tie_bytes + c->head.line_bytes, err);
    }
    return status;
}

static bool before(const struct cursor *a, const struct cursor *b)
{
    if (!a->live || !b->live) {
        return a->live;
    }
    return compare_heads(&a->head, a->buffer + a->at + sizeof a->head, &b->head, b->buffer + b->at + sizeof b->head) <
           0;
}

static void sift_down(struct cursor **heap, size_t count, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = at * 2 + 1; child <= at * 2 + 2 && child < count; child++) {
            least = before(heap[child], heap[least]) ? child : least;
        }
        if (least == at) {
            return;
        }
        struct cursor *swap = heap[at];
        heap[at] = heap[least];
        heap[least] = swap;
        at = least;
    }
}

enum ct_status ct_sorter_merge(struct ct_sorter *sorter, bool (*write)(void *context, const char *bytes, size_t len),
                               void *context, struct ct_error *err)
{
    size_t count = sorter->run_count;
    enum ct_status status = CT_OK;
    if (!count) {
        return CT_OK;
    }
    size_t capacity = CURSORS_BYTES / count; /* many runs share what few may have each */
    capacity = capacity > CURSOR_BYTES ? CURSOR_BYTES : capacity < CURSOR_BYTES_LEAST ? CURSOR_BYTES_LEAST : capacity;
    struct cursor *cursors = calloc(count, sizeof *cursors);
    struct cursor **heap = calloc(count, sizeof *heap);
    if (!cursors || !heap) {
        free(cursors);
        free(heap);
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < count && status == CT_OK; i++) {
        cursors[i] = (struct cursor){.next = sorter->runs[i].offset,
                                     .end = sorter->runs[i].end,
                                     .buffer = malloc(capacity),
                                     .capacity = capacity};
        heap[i] = &cursors[i];
        status =
            cursors[i].buffer ? advance(sorter, &cursors[i], err) : ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    for (size_t i = count; status == CT_OK && i-- > 0;) {
        sift_down(heap, count, i);
    }
    while (status == CT_OK && heap[0]->live) {
        struct cursor *c = heap[0];
        const char *line = c->buffer + c->at + sizeof c->head + c->head.tie_bytes;
        if (!write(context, line, c->head.line_bytes)) {
            status = ct_error_set(err, CT_IO, "cannot write: %s", strerror(errno));
            break;
        }
        c->at += sizeof c->head + c->head.tie_bytes + c->head.line_bytes;
        status = advance(sorter, c, err);
        sift_down(heap, count, 0);
    }
    for (size_t i = 0; i < count; i++) {
        free(cursors[i].buffer);
    }
    free(cursors);
    free(heap);
    return status;
}
