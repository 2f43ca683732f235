/* packs.c - reads a folder of rule packs. See packs.h. */
#include "cli/packs.h"

#include "cli/input.h"
#include "engine/yaml_tree.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CT_RULES_DIR
#define CT_RULES_DIR "rules"
#endif

enum { FILES_MAX = 256 };

/* ---- where ------------------------------------------------------------------------------ */

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The file that this code is in, as an absolute path: the program, or a library that a program of somebody else's
 * loaded. false = not to be had. */
static bool own_file(char path[PATH_MAX])
{
    static const char here = 0;
    Dl_info info;
    struct link_map *map = NULL;
    bool library = dladdr1(&here, &info, (void **)&map, RTLD_DL_LINKMAP) != 0 && map != NULL && map->l_name[0] != '\0';
    return realpath(library ? map->l_name : "/proc/self/exe", path) != NULL;
}

/* Where an installed program (PREFIX/bin/convtap) or library (PREFIX/lib..., at any depth below it) has what it came
 * with: a malloc'ed path, NULL = not to be had. */
static char *share_path(const char *name)
{
    char file[PATH_MAX], *path = NULL;
    if (!own_file(file)) {
        return NULL;
    }
    *strrchr(file, '/') = '\0';
    for (char *folder; (folder = strrchr(file, '/')) != NULL; *folder = '\0') {
        if (strcmp(folder, "/bin") != 0 && strncmp(folder, "/lib", 4) != 0) {
            continue;
        }
        if (asprintf(&path, "%.*s/share/convtap/%s", (int)(folder - file), file, name) < 0) {
            return NULL;
        }
        if (access(path, R_OK) == 0) {
            return path;
        }
        free(path);
        path = NULL;
    }
    return NULL;
}

/* A malloc'ed path, NULL = out of memory. */
static char *default_folder(void)
{
    const char *given = getenv("CONVTAP_RULES");
    if (given != NULL && given[0] != '\0') {
        return strdup(given);
    }
    char *path = share_path("rules");
    if (path != NULL && is_folder(path)) {
        return path;
    }
    free(path);
    return strdup(CT_RULES_DIR);
}

char *ct_share_folder(const char *name, const char *in_source)
{
    char *path = share_path(name);
    if (path != NULL && is_folder(path)) {
        return path;
    }
    free(path);
    return asprintf(&path, "%s/../%s", CT_RULES_DIR, in_source) < 0 ? NULL : path;
}

char *ct_share_read(const char *name, size_t limit_bytes, size_t *len)
{
    struct ct_error ignored = {0};
    char *path = share_path(name), *bytes = NULL;
    if (path != NULL) {
        bytes = ct_file_read(path, limit_bytes, len, &ignored);
    }
    free(path);
    if (bytes == NULL && asprintf(&path, "%s/../docs/%s", CT_RULES_DIR, name) >= 0) {
        bytes = ct_file_read(path, limit_bytes, len, &ignored);
        free(path);
    }
    return bytes;
}

/* ---- reading ---------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), e = strlen(end);
    return n > e && strcmp(name + n - e, end) == 0;
}

static int compare_sources(const void *left, const void *right)
{
    const struct ct_pack_source *a = left, *b = right;
    return strcmp(a->file.at, b->file.at); /* one folder: by name, in bytes, whatever the locale */
}

static enum ct_status read_file(const char *path, ct_span *out, struct ct_error *err)
{
    enum ct_status status = CT_OK;
    char *bytes = NULL;
    size_t len = 0, room = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe named so may not hang us */
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        status = ct_error_set(err, CT_IO, "cannot read %s: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        status = ct_error_set(err, CT_IO, "cannot read %s: not a file", path);
        goto done;
    }
    for (;;) {
        if (len == room) {
            room = room ? 2 * room : (size_t)64 << 10;
            char *grown = realloc(bytes, room);
            if (grown == NULL) {
                status = ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
                goto done;
            }
            bytes = grown;
        }
        ssize_t got = read(fd, bytes + len, room - len);
        if (got < 0 && errno != EINTR) {
            status = ct_error_set(err, CT_IO, "cannot read %s: %s", path, strerror(errno));
            goto done;
        }
        if (got == 0) {
            break;
        }
        len += got > 0 ? (size_t)got : 0;
        if (len > CT_YAML_BYTES_MAX) {
            status = ct_error_set(err, CT_LIMIT, "%s is larger than %zu bytes", path, CT_YAML_BYTES_MAX);
            goto done;
        }
    }
    *out = (ct_span){bytes, len};
    bytes = NULL;
done:
    free(bytes);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

static enum ct_status list_files(struct ct_packs *packs, struct ct_error *err)
{
    enum ct_status status = CT_OK;
    DIR *folder = opendir(packs->folder);
    if (folder == NULL) {
        return ct_error_set(err, CT_NOT_FOUND, "no rule packs: cannot open the folder %s: %s", packs->folder,
                            strerror(errno));
    }
    packs->sources = calloc(FILES_MAX, sizeof *packs->sources);
    if (packs->sources == NULL) {
        closedir(folder);
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    for (struct dirent *entry; status == CT_OK && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.' || (!ends_with(entry->d_name, ".yaml") && !ends_with(entry->d_name, ".json"))) {
            continue;
        }
        char *path;
        if (packs->count == FILES_MAX) {
            status = ct_error_set(err, CT_LIMIT, "more than %d rule packs in %s", FILES_MAX, packs->folder);
        } else if (asprintf(&path, "%s/%s", packs->folder, entry->d_name) < 0) {
            status = ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
        } else {
            packs->sources[packs->count++].file = ct_span_of(path);
        }
    }
    closedir(folder);
    if (status == CT_OK && packs->count == 0) {
        status = ct_error_set(err, CT_NOT_FOUND, "no rule packs (*.yaml, *.json) in %s", packs->folder);
    }
    if (packs->count > 0) {
        qsort(packs->sources, packs->count, sizeof *packs->sources, compare_sources);
    }
    return status;
}

enum ct_status ct_packs_hash(const struct ct_pack_source *sources, size_t count, char hash[65], struct ct_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; ok && i < count; i++) {
        ok = EVP_DigestUpdate(context, sources[i].bytes.at, sources[i].bytes.len) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(context, digest, &len) == 1;
    EVP_MD_CTX_free(context);
    if (!ok) {
        return ct_error_set(err, CT_NO_MEMORY, "cannot compute SHA-256");
    }
    for (unsigned i = 0; i < len && i < 32; i++) {
        snprintf(hash + (size_t)2 * i, 3, "%02x", digest[i]);
    }
    return CT_OK;
}

static enum ct_status hash_files(struct ct_packs *packs, struct ct_error *err)
{
    return ct_packs_hash(packs->sources, packs->count, packs->hash, err);
}

enum ct_status ct_packs_load(const char *folder, struct ct_packs *out, struct ct_error *err)
{
    *out = (struct ct_packs){0};
    out->folder = folder != NULL ? strdup(folder) : default_folder();
    if (out->folder == NULL) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    for (size_t len = strlen(out->folder); len > 1 && out->folder[len - 1] == '/'; len--) {
        out->folder[len - 1] = '\0';
    }
    enum ct_status status = list_files(out, err);
    for (size_t i = 0; status == CT_OK && i < out->count; i++) {
        status = read_file(out->sources[i].file.at, &out->sources[i].bytes, err);
    }
    return status == CT_OK ? hash_files(out, err) : status;
}

enum ct_status ct_packs_add(struct ct_packs *packs, const char *name, ct_span bytes, struct ct_error *err)
{
    struct ct_pack_source *sources = realloc(packs->sources, (packs->count + 1) * sizeof *sources);
    char *file = strdup(name), *copy = malloc(bytes.len + 1);
    packs->sources = sources ? sources : packs->sources;
    if (!sources || !file || !copy) {
        free(file);
        free(copy);
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    memcpy(copy, bytes.len ? bytes.at : "", bytes.len);
    sources[packs->count++] = (struct ct_pack_source){ct_span_of(file), {copy, bytes.len}};
    return hash_files(packs, err);
}

void ct_packs_done(struct ct_packs *packs)
{
    for (size_t i = 0; i < packs->count; i++) {
        free((char *)(uintptr_t)packs->sources[i].file.at);
        free((char *)(uintptr_t)packs->sources[i].bytes.at);
    }
    free(packs->sources);
    free(packs->folder);
    *packs = (struct ct_packs){0};
}

struct ct_ruleset *ct_packs_ruleset(const char *folder, const struct ct_load_options *options, struct ct_error *err)
{
    struct ct_packs packs;
    struct ct_ruleset *rules = NULL;
    if (ct_packs_load(folder, &packs, err) == CT_OK) {
        struct ct_load_options with_hash = options != NULL ? *options : (struct ct_load_options){0};
        with_hash.hash_hex = ct_span_of(packs.hash);
        rules = ct_ruleset_load(packs.sources, packs.count, &with_hash, err);
    }
    ct_packs_done(&packs);
    return rules;
}
