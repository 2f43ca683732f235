/* input.c - finds, opens, decompresses and hashes input files; see input.h. */
#include "cli/input.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { DISK_BUFFER_BYTES = 256 * 1024, FOLDER_DEPTH_MAX = 32 };

/* ---- finding ----------------------------------------------------------------------------------------------------- */

static enum ct_status add_file(struct ct_input_list *list, const char *path, const char *error, uint64_t bytes)
{
    if ((list->count & (list->count + 1)) == 0) { /* at 0, 1, 3, 7 ...: room for twice as many */
        struct ct_input_file *files = realloc(list->files, (list->count * 2 + 1) * sizeof *files);
        if (!files) {
            return CT_NO_MEMORY;
        }
        list->files = files;
    }
    struct ct_input_file *file = &list->files[list->count];
    *file = (struct ct_input_file){.path = strdup(path), .error = error ? strdup(error) : NULL, .bytes = bytes};
    if (!file->path || (error && !file->error)) {
        free(file->path);
        return CT_NO_MEMORY;
    }
    list->count++;
    return CT_OK;
}

/* The folders that a path leads through: a link to one of them would lead round for ever. */
struct way {
    const struct way *up;
    dev_t device;
    ino_t inode;
    int depth;
};

static enum ct_status add_path(struct ct_input_list *list, const char *path, const struct way *way);

static enum ct_status add_folder(struct ct_input_list *list, const char *path, const struct way *way)
{
    DIR *folder = opendir(path);
    if (!folder) {
        return add_file(list, path, strerror(errno), 0);
    }
    enum ct_status status = CT_OK;
    if (way->depth >= FOLDER_DEPTH_MAX) {
        status = add_file(list, path, "folders nested too deep", 0);
    }
    struct dirent *entry;
    while (status == CT_OK && way->depth < FOLDER_DEPTH_MAX && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char *inner;
        size_t len = strlen(path);
        if (asprintf(&inner, "%s%s%s", path, len && path[len - 1] == '/' ? "" : "/", entry->d_name) < 0) {
            status = CT_NO_MEMORY;
            break;
        }
        status = add_path(list, inner, way);
        free(inner);
    }
    closedir(folder);
    return status;
}

static enum ct_status add_path(struct ct_input_list *list, const char *path, const struct way *way)
{
    struct stat st;
    if (strcmp(path, "-") == 0) {
        return add_file(list, path, NULL, 0);
    }
    if (stat(path, &st) != 0) {
        return add_file(list, path, strerror(errno), 0);
    }
    if (S_ISDIR(st.st_mode)) {
        struct way here = {way, st.st_dev, st.st_ino, way ? way->depth + 1 : 0};
        for (; way; way = way->up) {
            if (way->device == st.st_dev && way->inode == st.st_ino) {
                return CT_OK; /* read already, from further up */
            }
        }
        return add_folder(list, path, &here);
    }
    if (access(path, R_OK) != 0) {
        return add_file(list, path, strerror(errno), 0);
    }
    bool regular = S_ISREG(st.st_mode);
    enum ct_status status = add_file(list, path, NULL, regular ? (uint64_t)st.st_size : 0);
    if (status == CT_OK && regular) {
        list->files[list->count - 1].device = st.st_dev;
        list->files[list->count - 1].inode = st.st_ino;
    }
    return status;
}

static int by_file(const void *left, const void *right)
{
    const struct ct_input_file *a = left, *b = right;
    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    if (a->inode != b->inode) {
        return a->inode < b->inode ? -1 : 1;
    }
    return strcmp(a->path, b->path);
}

static bool same_file(const struct ct_input_file *a, const struct ct_input_file *b)
{
    return strcmp(a->path, b->path) == 0 || (a->inode && a->inode == b->inode && a->device == b->device);
}

static int by_path(const void *left, const void *right)
{
    return strcmp(((const struct ct_input_file *)left)->path, ((const struct ct_input_file *)right)->path);
}

enum ct_status ct_inputs_find(char *const *paths, size_t path_count, struct ct_input_list *out)
{
    enum ct_status status = CT_OK;
    *out = (struct ct_input_list){0};
    for (size_t i = 0; i < path_count && status == CT_OK; i++) {
        status = add_path(out, paths[i], NULL);
    }
    if (status == CT_OK && out->count > 1) {
        qsort(out->files, out->count, sizeof *out->files, by_file);
        size_t kept = 1; /* a file named twice is one file, under the first of its names */
        for (size_t i = 1; i < out->count; i++) {
            if (same_file(&out->files[i], &out->files[kept - 1])) {
                free(out->files[i].path);
                free(out->files[i].error);
            } else {
                out->files[kept++] = out->files[i];
            }
        }
        qsort(out->files, kept, sizeof *out->files, by_path);
        out->count = kept;
    }
    return status;
}

void ct_inputs_done(struct ct_input_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->files[i].path);
        free(list->files[i].error);
    }
    free(list->files);
    *list = (struct ct_input_list){0};
}

/* ---- names --------------------------------------------------------------------------------------------------------
 */

static const char *last_parts(const char *path, size_t count)
{
    const char *at = path + strlen(path);
    while (at > path && (at[-1] != '/' || --count)) {
        at--;
    }
    return at;
}

bool ct_input_fits(const char *pattern, const char *path)
{
    size_t parts = 1, len = strlen(path);
    for (const char *c = pattern; *c; c++) {
        parts += *c == '/';
    }
    const char *name = pattern[0] == '/' ? path : last_parts(path, parts);
    if (fnmatch(pattern, name, FNM_PATHNAME) == 0) {
        return true;
    }
    static const char *const packed[] = {".gz", ".zst"};
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++) {
        size_t ending = strlen(packed[i]);
        if (len > ending && strcmp(path + len - ending, packed[i]) == 0) {
            char *plain = strndup(name, strlen(name) - ending);
            bool fits = plain && fnmatch(pattern, plain, FNM_PATHNAME) == 0;
            free(plain);
            return fits;
        }
    }
    return false;
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

enum packing { PLAIN, GZIP, ZSTD };

struct ct_reader {
    int file;
    enum packing packing;
    EVP_MD_CTX *digest;
    uint64_t disk_bytes;
    bool disk_end;
    bool broken;
    char *held; /* compressed bytes, or the first bytes of a plain file that were looked at */
    size_t held_at, held_len;
    z_stream gzip;
    bool gzip_open, member_end;
    ZSTD_DStream *zstd;
    size_t zstd_state; /* 0 = between frames */
};

static enum ct_status disk_read(struct ct_reader *r, char *to, size_t capacity, size_t *got, struct ct_error *err)
{
    ssize_t done;
    do {
        done = read(r->file, to, capacity);
    } while (done < 0 && errno == EINTR);
    *got = 0;
    if (done < 0) {
        return ct_error_set(err, CT_IO, "cannot read: %s", strerror(errno));
    }
    r->disk_end = done == 0;
    *got = (size_t)done;
    r->disk_bytes += (uint64_t)done;
    if (r->digest && done) {
        EVP_DigestUpdate(r->digest, to, (size_t)done);
    }
    return CT_OK;
}

static enum ct_status refill(struct ct_reader *r, struct ct_error *err)
{
    if (r->held_at < r->held_len || r->disk_end) {
        return CT_OK;
    }
    r->held_at = 0;
    return disk_read(r, r->held, DISK_BUFFER_BYTES, &r->held_len, err);
}

static enum ct_status choose_packing(struct ct_reader *r, struct ct_error *err)
{
    while (r->held_len < 4 && !r->disk_end) {
        size_t got;
        enum ct_status status = disk_read(r, r->held + r->held_len, DISK_BUFFER_BYTES - r->held_len, &got, err);
        if (status != CT_OK) {
            return status;
        }
        r->held_len += got;
    }
    const unsigned char *head = (const unsigned char *)r->held;
    if (r->held_len >= 2 && head[0] == 0x1F && head[1] == 0x8B) {
        r->packing = GZIP;
        if (inflateInit2(&r->gzip, 15 + 16) != Z_OK) {
            return ct_error_set(err, CT_NO_MEMORY, "out of memory");
        }
        r->gzip_open = true;
    } else if (r->held_len >= 4 && head[0] == 0x28 && head[1] == 0xB5 && head[2] == 0x2F && head[3] == 0xFD) {
        r->packing = ZSTD;
        r->zstd = ZSTD_createDStream();
        if (!r->zstd) {
            return ct_error_set(err, CT_NO_MEMORY, "out of memory");
        }
        ZSTD_DCtx_setParameter(r->zstd, ZSTD_d_windowLogMax, 27); /* 128 MiB: no bomb takes more */
        r->zstd_state = 1;
    }
    return CT_OK;
}

struct ct_reader *ct_reader_open(const char *path, bool hash, struct ct_error *err)
{
    struct ct_reader *r = calloc(1, sizeof *r);
    if (!r || !(r->held = malloc(DISK_BUFFER_BYTES))) {
        free(r);
        ct_error_set(err, CT_NO_MEMORY, "out of memory");
        return NULL;
    }
    r->file = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (r->file < 0) {
        ct_error_set(err, CT_IO, "cannot open: %s", strerror(errno));
        ct_reader_close(r);
        return NULL;
    }
    if (hash && (!(r->digest = EVP_MD_CTX_new()) || EVP_DigestInit_ex(r->digest, EVP_sha256(), NULL) != 1)) {
        ct_error_set(err, CT_NO_MEMORY, "cannot start SHA-256");
        ct_reader_close(r);
        return NULL;
    }
    if (choose_packing(r, err) != CT_OK) {
        ct_reader_close(r);
        return NULL;
    }
    return r;
}

static enum ct_status read_gzip(struct ct_reader *r, char *to, size_t capacity, size_t *got, struct ct_error *err)
{
    r->gzip.next_out = (Bytef *)to;
    r->gzip.avail_out = (uInt)(capacity > UINT32_MAX / 2 ? UINT32_MAX / 2 : capacity);
    uInt room = r->gzip.avail_out;
    while (r->gzip.avail_out == room) {
        if (r->broken) {
            return ct_error_set(err, CT_REFUSED, "the gzip stream is broken");
        }
        enum ct_status status = refill(r, err);
        if (status != CT_OK) {
            return status;
        }
        if (r->held_at == r->held_len) {
            return r->member_end ? CT_OK : ct_error_set(err, CT_REFUSED, "the gzip stream is cut off");
        }
        if (r->member_end) { /* another member follows, as `cat a.gz b.gz` makes */
            if (inflateReset(&r->gzip) != Z_OK) {
                return ct_error_set(err, CT_REFUSED, "the gzip stream is broken");
            }
            r->member_end = false;
        }
        r->gzip.next_in = (Bytef *)(r->held + r->held_at);
        r->gzip.avail_in = (uInt)(r->held_len - r->held_at);
        int code = inflate(&r->gzip, Z_NO_FLUSH);
        r->held_at = r->held_len - r->gzip.avail_in;
        if (code == Z_STREAM_END) {
            r->member_end = true;
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            r->broken = true; /* what came out before it is given out first */
        }
    }
    *got = room - r->gzip.avail_out;
    return CT_OK;
}

static enum ct_status read_zstd(struct ct_reader *r, char *to, size_t capacity, size_t *got, struct ct_error *err)
{
    ZSTD_outBuffer out = {to, capacity, 0};
    while (out.pos == 0) {
        if (r->broken) {
            return ct_error_set(err, CT_REFUSED, "the zstd stream is broken: %s", ZSTD_getErrorName(r->zstd_state));
        }
        enum ct_status status = refill(r, err);
        if (status != CT_OK) {
            return status;
        }
        bool end = r->held_at == r->held_len;
        if (end && r->zstd_state == 0) {
            return CT_OK;
        }
        /* Also without more input: a whole block may still wait inside. */
        ZSTD_inBuffer in = {r->held, r->held_len, r->held_at};
        r->zstd_state = ZSTD_decompressStream(r->zstd, &out, &in);
        r->held_at = in.pos;
        r->broken = ZSTD_isError(r->zstd_state);
        if (end && out.pos == 0 && !r->broken && r->zstd_state != 0) {
            return ct_error_set(err, CT_REFUSED, "the zstd stream is cut off");
        }
    }
    *got = out.pos;
    return CT_OK;
}

enum ct_status ct_reader_read(struct ct_reader *r, char *to, size_t capacity, size_t *got, struct ct_error *err)
{
    *got = 0;
    if (r->packing == GZIP) {
        return read_gzip(r, to, capacity, got, err);
    }
    if (r->packing == ZSTD) {
        return read_zstd(r, to, capacity, got, err);
    }
    if (r->held_at < r->held_len) {
        *got = r->held_len - r->held_at < capacity ? r->held_len - r->held_at : capacity;
        memcpy(to, r->held + r->held_at, *got);
        r->held_at += *got;
        return CT_OK;
    }
    return disk_read(r, to, capacity, got, err);
}

uint64_t ct_reader_disk_bytes(const struct ct_reader *r)
{
    return r->disk_bytes;
}

void ct_reader_hash(struct ct_reader *r, char out[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    size_t got = 1;
    out[0] = '\0';
    if (!r->digest) {
        return;
    }
    while (!r->disk_end && got) { /* what stands behind the end of a compressed stream, or behind a refusal */
        if (disk_read(r, r->held, DISK_BUFFER_BYTES, &got, NULL) != CT_OK) {
            return;
        }
    }
    if (EVP_DigestFinal_ex(r->digest, digest, &len) == 1) {
        for (unsigned int i = 0; i < len && i < 32; i++) {
            snprintf(out + (size_t)i * 2, 3, "%02x", digest[i]);
        }
    }
    EVP_MD_CTX_free(r->digest);
    r->digest = NULL;
}

void ct_reader_close(struct ct_reader *r)
{
    if (!r) {
        return;
    }
    if (r->file >= 0) {
        close(r->file);
    }
    if (r->gzip_open) {
        inflateEnd(&r->gzip);
    }
    ZSTD_freeDStream(r->zstd);
    EVP_MD_CTX_free(r->digest);
    free(r->held);
    free(r);
}

char *ct_file_read(const char *path, size_t limit_bytes, size_t *len, struct ct_error *err)
{
    FILE *file = fopen(path, "rbe");
    if (!file) {
        ct_error_set(err, CT_IO, "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    size_t used = 0, capacity = 16384;
    char *bytes = malloc(capacity + 1);
    while (bytes) {
        used += fread(bytes + used, 1, capacity - used, file);
        if (used < capacity) {
            break;
        }
        if (capacity >= limit_bytes) {
            ct_error_set(err, CT_LIMIT, "%s is larger than %zu bytes", path, limit_bytes);
            goto failed;
        }
        capacity *= 2;
        char *more = realloc(bytes, capacity + 1);
        if (!more) {
            ct_error_set(err, CT_NO_MEMORY, "out of memory");
            goto failed;
        }
        bytes = more;
    }
    if (!bytes || ferror(file)) {
        ct_error_set(err, CT_IO, "cannot read %s: %s", path, strerror(errno));
        goto failed;
    }
    fclose(file);
    bytes[used] = '\0';
    *len = used;
    return bytes;
failed:
    fclose(file);
    free(bytes);
    return NULL;
}
