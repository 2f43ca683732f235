/* access.c - bearer tokens with scopes: read once, kept as SHA-256, compared in constant time; and origins. */
#include "plugin/gate/access.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1u << 20)
#define TOKEN_MIN 16
#define TOKEN_MAX 512

_Static_assert(sizeof((struct ct_principal){0}.mark) == SHA256_DIGEST_LENGTH, "a mark is a hash");

struct ct_access {
    pthread_rwlock_t lock;
    struct ct_principal *tokens; /* lock, with what follows */
    size_t count, capacity;
    uint64_t generation;
};

bool ct_equal_secret(ct_span a, ct_span b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}

static ct_span next_word(ct_span *line)
{
    while (line->len && (*line->at == ' ' || *line->at == '\t'))
        line->at++, line->len--;
    ct_span word = {line->at, 0};
    while (line->len && *line->at != ' ' && *line->at != '\t')
        line->at++, line->len--, word.len++;
    return word;
}

static bool read_scopes(ct_span text, unsigned *scopes)
{
    static const char *const names[] = {
#define X(name, word) word,
        CT_SCOPE_MAP(X)
#undef X
    };
    *scopes = 0;
    for (size_t from = 0; from <= text.len;) {
        size_t to = from;
        while (to < text.len && text.at[to] != ',')
            to++;
        unsigned scope = CT_SCOPE_NONE;
        for (unsigned i = CT_SCOPE_INGEST; i <= CT_SCOPE_ADMIN; i++)
            if (ct_span_is((ct_span){text.at + from, to - from}, names[i]))
                scope = i;
        if (scope == CT_SCOPE_NONE)
            return false;
        *scopes |= 1u << scope;
        from = to + 1;
    }
    if (*scopes & 1u << CT_SCOPE_ADMIN)
        *scopes |= 1u << CT_SCOPE_INGEST | 1u << CT_SCOPE_READ;
    return true;
}

static bool is_word(ct_span text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.at[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || strchr(others, ch)) ||
            ch == '\0')
            return false;
    }
    return text.len > 0;
}

static enum ct_status add_line(struct ct_access *access, ct_span line, struct ct_error *err)
{
    ct_span name = next_word(&line);
    if (name.len == 0 || name.at[0] == '#')
        return CT_OK;
    ct_span scopes = next_word(&line), token = next_word(&line);
    if (token.len == 0 || next_word(&line).len)
        return ct_error_set(err, CT_BAD_CONFIG, "a token's line is NAME SCOPE[,SCOPE] TOKEN");
    struct ct_principal new = {0};
    /* Who mixes up the columns has a token where the name is due: what is long enough to be one is not said. */
    ct_span said = name.len < TOKEN_MIN ? name : CT_SPAN_LIT("this line");
    if (!is_word(name, "_-.") || name.len >= sizeof(new.name))
        return ct_error_set(err, CT_BAD_CONFIG, "a token's name has at most 63 of A-Z a-z 0-9 _ - .");
    if (!read_scopes(scopes, &new.scopes))
        return ct_error_set(err, CT_BAD_CONFIG,
                            "token of %.*s: its scopes are some of ingest, read, admin, with commas", (int)said.len,
                            said.at);
    /* What RFC 6750 lets stand behind "Bearer". */
    if (token.len < TOKEN_MIN || token.len > TOKEN_MAX || !is_word(token, "-._~+/="))
        return ct_error_set(
            err, CT_BAD_CONFIG,
            "token of %.*s: %d to %d of A-Z a-z 0-9 - . _ ~ + / = are due; `openssl rand -hex 32` makes one",
            (int)said.len, said.at, TOKEN_MIN, TOKEN_MAX);
    memcpy(new.name, name.at, name.len);
    SHA256((const unsigned char *)token.at, token.len, new.mark);
    for (size_t i = 0; i < access->count; i++)
        if (CRYPTO_memcmp(access->tokens[i].mark, new.mark, sizeof(new.mark)) == 0)
            return ct_error_set(err, CT_BAD_CONFIG, "%.*s and %s have the same token: give each its own", (int)name.len,
                                name.at, access->tokens[i].name);
    if (access->count == access->capacity) {
        size_t capacity = access->capacity ? 2 * access->capacity : 8;
        struct ct_principal *grown = realloc(access->tokens, capacity * sizeof(*grown));
        if (!grown)
            return ct_error_set(err, CT_NO_MEMORY, "no memory for tokens");
        access->tokens = grown;
        access->capacity = capacity;
    }
    access->tokens[access->count++] = new;
    return CT_OK;
}

/* Lines that end at `end`; `name` goes into *err. */
static enum ct_status add_lines(struct ct_access *access, ct_span text, char end, const char *name,
                                struct ct_error *err)
{
    uint32_t number = 0;
    for (size_t from = 0; from < text.len;) {
        size_t to = from;
        while (to < text.len && text.at[to] != end)
            to++;
        ct_span line = {text.at + from, to - from};
        if (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        number++;
        enum ct_status status = add_line(access, line, err);
        if (status != CT_OK) {
            if (err) {
                size_t len = strlen(name);
                len = len < sizeof(err->file) ? len : sizeof(err->file) - 1;
                memcpy(err->file, name, len);
                err->file[len] = '\0';
                err->line = number;
            }
            return status;
        }
        from = to + 1;
    }
    return CT_OK;
}

static enum ct_status add_file(struct ct_access *access, const char *path, struct ct_error *err)
{
    enum ct_status status = CT_OK;
    char *text = NULL;
    size_t len = 0;
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return ct_error_set(err, CT_IO, "token file %s: %s", path, strerror(errno));
    if (fstat(file, &about) || !S_ISREG(about.st_mode)) {
        status = ct_error_set(err, CT_BAD_CONFIG, "token file %s: not a regular file", path);
        goto done;
    }
    if (about.st_mode & (S_IRWXG | S_IRWXO)) {
        status =
            ct_error_set(err, CT_BAD_CONFIG, "token file %s: others may read or write it: chmod 600 %s", path, path);
        goto done;
    }
    if (about.st_size > (off_t)FILE_BYTES_MAX) {
        status = ct_error_set(err, CT_BAD_CONFIG, "token file %s: over 1 MiB", path);
        goto done;
    }
    text = malloc(FILE_BYTES_MAX);
    if (!text) {
        status = ct_error_set(err, CT_NO_MEMORY, "no memory for tokens");
        goto done;
    }
    for (ssize_t got; len < FILE_BYTES_MAX && (got = read(file, text + len, FILE_BYTES_MAX - len)) != 0;) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = ct_error_set(err, CT_IO, "token file %s: %s", path, strerror(errno));
            goto done;
        }
        len += (size_t)got;
    }
    status = add_lines(access, (ct_span){text, len}, '\n', path, err);
done:
    if (text)
        OPENSSL_cleanse(text, len);
    free(text);
    close(file);
    return status;
}

enum ct_status ct_access_open(const char *path, const char *environment, struct ct_access **out, struct ct_error *err)
{
    *out = NULL;
    struct ct_access *access = calloc(1, sizeof(*access));
    if (!access)
        return ct_error_set(err, CT_NO_MEMORY, "no memory for tokens");
    pthread_rwlock_init(&access->lock, NULL);
    enum ct_status status = path ? add_file(access, path, err) : CT_OK;
    if (status == CT_OK && environment)
        status = add_lines(access, ct_span_of(environment), ';', "tokens of the environment", err);
    if (status != CT_OK) {
        ct_access_close(access);
        return status;
    }
    *out = access;
    return CT_OK;
}

void ct_access_close(struct ct_access *access)
{
    if (!access)
        return;
    pthread_rwlock_destroy(&access->lock);
    free(access->tokens);
    free(access);
}

size_t ct_access_count(struct ct_access *access)
{
    if (!access)
        return 0;
    pthread_rwlock_rdlock(&access->lock);
    size_t count = access->count;
    pthread_rwlock_unlock(&access->lock);
    return count;
}

uint64_t ct_access_generation(struct ct_access *access)
{
    if (!access)
        return 0;
    pthread_rwlock_rdlock(&access->lock);
    uint64_t generation = access->generation;
    pthread_rwlock_unlock(&access->lock);
    return generation;
}

/* All of them each time: how long it takes says nothing. */
static bool find_mark(struct ct_access *access, const unsigned char mark[SHA256_DIGEST_LENGTH],
                      struct ct_principal *out)
{
    bool found = false;
    pthread_rwlock_rdlock(&access->lock);
    for (size_t i = 0; i < access->count; i++)
        if (CRYPTO_memcmp(access->tokens[i].mark, mark, SHA256_DIGEST_LENGTH) == 0) {
            *out = access->tokens[i];
            found = true;
        }
    pthread_rwlock_unlock(&access->lock);
    return found;
}

bool ct_access_check(struct ct_access *access, ct_span token, struct ct_principal *out)
{
    *out = (struct ct_principal){0};
    if (!access || token.len == 0 || token.len > TOKEN_MAX)
        return false;
    unsigned char mark[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)token.at, token.len, mark);
    return find_mark(access, mark, out);
}

bool ct_access_knows(struct ct_access *access, const struct ct_principal *who)
{
    struct ct_principal now;
    return access && find_mark(access, who->mark, &now) && (now.scopes & who->scopes) == who->scopes;
}

void ct_access_replace(struct ct_access *access, struct ct_access *by)
{
    pthread_rwlock_wrlock(&access->lock);
    struct ct_principal *before = access->tokens;
    access->tokens = by->tokens;
    access->count = by->count;
    access->capacity = by->capacity;
    access->generation++;
    pthread_rwlock_unlock(&access->lock);
    by->tokens = before;
    ct_access_close(by);
}

bool ct_access_same(struct ct_access *a, struct ct_access *b)
{
    bool same = ct_access_count(a) == ct_access_count(b);
    for (size_t i = 0; same && i < a->count; i++) { /* `a` is nobody else's meanwhile */
        struct ct_principal other;
        same = find_mark(b, a->tokens[i].mark, &other) && other.scopes == a->tokens[i].scopes;
    }
    return same;
}

/* ---- where from ---- */

static bool equal_folded(ct_span a, ct_span b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

/* "host:port" or "[v6]:port" without the port. */
static ct_span host_name(ct_span host)
{
    if (host.len && host.at[0] == '[') {
        const char *end = memchr(host.at, ']', host.len);
        return end ? (ct_span){host.at, (size_t)(end - host.at) + 1} : host;
    }
    const char *colon = host.len ? memchr(host.at, ':', host.len) : NULL;
    return colon ? (ct_span){host.at, (size_t)(colon - host.at)} : host;
}

bool ct_host_is_loopback(ct_span host)
{
    ct_span name = host_name(host);
    if (equal_folded(name, CT_SPAN_LIT("localhost")) || ct_span_is(name, "[::1]"))
        return true;
    if (name.len < 7 || memcmp(name.at, "127.", 4) != 0)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!((name.at[i] >= '0' && name.at[i] <= '9') || name.at[i] == '.'))
            return false;
    return true;
}

bool ct_origin_is_allowed(ct_span origin, ct_span host, const char *const *list, bool tls)
{
    if (origin.at == NULL)
        return true;
    for (; list && *list; list++)
        if (equal_folded(origin, ct_span_of(*list)))
            return true;
    ct_span scheme = tls ? CT_SPAN_LIT("https://") : CT_SPAN_LIT("http://");
    return host.len && origin.len == scheme.len + host.len && equal_folded((ct_span){origin.at, scheme.len}, scheme) &&
           equal_folded((ct_span){origin.at + scheme.len, host.len}, host);
}
