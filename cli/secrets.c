/* secrets.c - reads secrets. See secrets.h. Called when the live tap starts and by `convtap config check`. */
#include "cli/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_BYTES_MAX = 4096 };

/* The opened file, -1 = *err. What is checked is what is read: not a name that may change in between. */
static int open_closed(const char *path, struct ct_error *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &info) != 0) {
        (void)ct_error_set(err, CT_BAD_CONFIG, "cannot read %s: %s", path, strerror(errno));
    } else if (!S_ISREG(info.st_mode)) {
        (void)ct_error_set(err, CT_BAD_CONFIG, "%s is not a file", path);
    } else if (info.st_mode & S_IRWXO) {
        (void)ct_error_set(err, CT_BAD_CONFIG, "%s is open to everybody on this machine: chmod o-rwx %s", path, path);
    } else {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

enum ct_status ct_secret_file_check(const char *path, struct ct_error *err)
{
    int fd = open_closed(path, err);
    if (fd < 0) {
        return CT_BAD_CONFIG;
    }
    close(fd);
    return CT_OK;
}

void ct_secret_free(char *secret)
{
    if (secret) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}

static enum ct_status read_file(const char *path, char *secret, struct ct_error *err)
{
    size_t len = 0;
    int fd = open_closed(path, err);
    if (fd < 0) {
        return CT_BAD_CONFIG;
    }
    for (ssize_t got = 1; got > 0 && len <= SECRET_BYTES_MAX;) {
        got = read(fd, secret + len, SECRET_BYTES_MAX + 1 - len);
        if (got < 0 && errno == EINTR) {
            got = 1;
        } else if (got < 0) {
            close(fd);
            return ct_error_set(err, CT_BAD_CONFIG, "cannot read %s: %s", path, strerror(errno));
        } else {
            len += (size_t)got;
        }
    }
    close(fd);
    while (len && (secret[len - 1] == '\n' || secret[len - 1] == '\r')) {
        len--;
    }
    secret[len <= SECRET_BYTES_MAX ? len : 0] = '\0';
    if (len > SECRET_BYTES_MAX || strlen(secret) != len) {
        return ct_error_set(err, CT_BAD_CONFIG, "%s holds more than %d bytes, or a zero byte: that is no secret", path,
                            SECRET_BYTES_MAX);
    }
    return len ? CT_OK : ct_error_set(err, CT_BAD_CONFIG, "%s is empty", path);
}

static enum ct_status read_any(const char *path, const char *variable, char **out, struct ct_error *err)
{
    *out = NULL;
    if (!path && !variable) {
        return CT_OK;
    }
    char *secret = calloc(1, SECRET_BYTES_MAX + 2);
    enum ct_status status = secret ? CT_OK : ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    if (secret && path) {
        status = read_file(path, secret, err);
    } else if (secret) {
        const char *value = getenv(variable);
        size_t len = value ? strlen(value) : 0;
        if (!len || len > SECRET_BYTES_MAX) {
            status =
                ct_error_set(err, CT_BAD_CONFIG, "the environment's %s is %s", variable, len ? "too long" : "not set");
        } else {
            memcpy(secret, value, len + 1);
        }
    }
    if (status != CT_OK) {
        if (secret) {
            explicit_bzero(secret, SECRET_BYTES_MAX + 2);
            free(secret);
        }
        return status;
    }
    *out = secret;
    return CT_OK;
}

/* A secret stands in headers and keys of hashes: one line, no signs that end it. */
static bool is_line(const char *text)
{
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return false;
        }
    }
    return *text != '\0';
}

enum ct_status ct_secret_read(const char *path, const char *variable, char **out, struct ct_error *err)
{
    enum ct_status status = read_any(path, variable, out, err);
    if (status == CT_OK && *out && !is_line(*out)) {
        ct_secret_free(*out);
        *out = NULL;
        status = ct_error_set(err, CT_BAD_CONFIG, "%s holds more than one line, or control characters",
                              path ? path : variable);
    }
    return status;
}

enum ct_status ct_secrets_read(const char *path, const char *variable, struct ct_secrets *out, struct ct_error *err)
{
    size_t count = 0;
    *out = (struct ct_secrets){0};
    enum ct_status status = read_any(path, variable, &out->text, err);
    for (char *line = out->text; status == CT_OK && line;) {
        char *end = line + strcspn(line, "\n"), *next = *end ? end + 1 : NULL;
        *end = '\0';
        if (end > line && end[-1] == '\r') {
            end[-1] = '\0';
        }
        if (*line && (count == CT_SECRETS_MAX || !is_line(line))) {
            status = ct_error_set(err, CT_BAD_CONFIG, "%s holds more than %d lines, or control characters",
                                  path ? path : variable, CT_SECRETS_MAX);
        } else if (*line) {
            out->at[count++] = line;
        }
        line = next;
    }
    if (status != CT_OK) {
        ct_secrets_free(out);
    }
    return status;
}

void ct_secrets_free(struct ct_secrets *secrets)
{
    if (secrets->text) {
        explicit_bzero(secrets->text, SECRET_BYTES_MAX + 2);
        free(secrets->text);
    }
    *secrets = (struct ct_secrets){0};
}
