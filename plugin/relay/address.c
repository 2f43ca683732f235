/* address.c - addresses as people write them, and the name of the gateway looked up (address.h). Called by relay.c. */
#include "plugin/relay/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ADDRESSES_MAX 8
#define AGAIN_SECONDS 60       /* a name is looked up again after this long */
#define AGAIN_FAILED_SECONDS 2 /* and after a failure */

struct ct_upstream {
    char host[256], port[8];
    struct ct_address list[ADDRESSES_MAX];
    unsigned count;
    bool threaded, failed, stop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

/* "host:port" cut in two. */
static bool split(const char *text, char host[256], char port[8])
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text) {
        return false;
    }
    const char *at = text, *end = colon;
    if (*at == '[') {
        if (end[-1] != ']') {
            return false;
        }
        at++;
        end--;
    } else if (memchr(at, ':', (size_t)(end - at))) {
        return false; /* an IPv6 address without brackets */
    }
    size_t len = (size_t)(end - at), digits = strspn(colon + 1, "0123456789");
    if (len == 0 || len > 255 || digits == 0 || digits > 5 || colon[1 + digits] != '\0' ||
        strtoul(colon + 1, NULL, 10) > 65535) {
        return false;
    }
    memcpy(host, at, len);
    host[len] = '\0';
    memcpy(port, colon + 1, digits + 1);
    return true;
}

bool ct_address_host(const char *text, char *host)
{
    char port[8];
    if (strncmp(text, "unix:", 5) == 0) {
        memcpy(host, "localhost", 10);
        return true;
    }
    return split(text, host, port);
}

static bool unix_address(const char *text, struct ct_address *out)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = strlen(text + 5);
    if (len == 0 || len >= sizeof un.sun_path) {
        return false;
    }
    memcpy(un.sun_path, text + 5, len + 1);
    memcpy(&out->at, &un, sizeof un);
    out->len = sizeof un;
    return true;
}

/* `found` gets at most ADDRESSES_MAX. */
static int look_up(const char *host, const char *port, int flags, struct ct_address *found, unsigned *count)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags}, *list = NULL;
    int said = getaddrinfo(host, port, &hints, &list);
    *count = 0;
    for (struct addrinfo *one = said == 0 ? list : NULL; one && *count < ADDRESSES_MAX; one = one->ai_next) {
        if (one->ai_addrlen <= sizeof found->at) {
            memcpy(&found[*count].at, one->ai_addr, one->ai_addrlen);
            found[(*count)++].len = one->ai_addrlen;
        }
    }
    if (said == 0) {
        freeaddrinfo(list);
    }
    return said;
}

/* ---- listening --------------------------------------------------------------------------- */

/* A socket file that nobody serves any more is in the way. */
static void remove_stale(const struct ct_address *address)
{
    struct sockaddr_un un;
    struct stat what;
    memcpy(&un, &address->at, sizeof un);
    if (stat(un.sun_path, &what) != 0 || !S_ISSOCK(what.st_mode)) {
        return;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        if (connect(fd, (const struct sockaddr *)&un, sizeof un) != 0 && errno == ECONNREFUSED) {
            unlink(un.sun_path);
        }
        close(fd);
    }
}

static int listen_on(const struct ct_address *address, int backlog)
{
    int family = address->at.ss_family, on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (family == AF_UNIX) {
        remove_stale(address);
    } else {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(fd, (const struct sockaddr *)&address->at, address->len) != 0 || listen(fd, backlog) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

enum ct_status ct_address_listen(const char *text, int backlog, int *fd, struct ct_error *err)
{
    char host[256], port[8];
    struct ct_address list[ADDRESSES_MAX];
    unsigned count = 1;
    if (strncmp(text, "unix:", 5) == 0) {
        if (!unix_address(text, &list[0])) {
            return ct_error_set(err, CT_BAD_CONFIG, "listen: \"%s\": the path of a Unix socket has 1 to 107 bytes",
                                text);
        }
    } else if (!split(text, host, port)) {
        return ct_error_set(err, CT_BAD_CONFIG, "listen: \"%s\": host:port, [IPv6]:port or unix:/path is due", text);
    } else {
        int said = look_up(host, port, AI_PASSIVE, list, &count);
        if (said != 0 || count == 0) {
            return ct_error_set(err, CT_BAD_CONFIG, "listen: \"%s\": %s", text,
                                said ? gai_strerror(said) : "no such address");
        }
    }
    *fd = listen_on(&list[0], backlog);
    if (*fd < 0) {
        char why[128];
        return ct_error_set(err, CT_IO, "listen: cannot bind %s: %s", text, strerror_r(errno, why, sizeof why));
    }
    return CT_OK;
}

void ct_address_format(int fd, char out[CT_ADDRESS_TEXT])
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    char host[INET6_ADDRSTRLEN] = "?";
    out[0] = '\0';
    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        return;
    }
    if (at.ss_family == AF_UNIX) {
        struct sockaddr_un un = {0};
        memcpy(&un, &at, len < sizeof un ? len : sizeof un);
        snprintf(out, CT_ADDRESS_TEXT, "unix:%.108s", un.sun_path);
    } else if (at.ss_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, &at, sizeof six);
        inet_ntop(AF_INET6, &six.sin6_addr, host, sizeof host);
        snprintf(out, CT_ADDRESS_TEXT, "[%s]:%u", host, ntohs(six.sin6_port));
    } else {
        struct sockaddr_in four;
        memcpy(&four, &at, sizeof four);
        inet_ntop(AF_INET, &four.sin_addr, host, sizeof host);
        snprintf(out, CT_ADDRESS_TEXT, "%s:%u", host, ntohs(four.sin_port));
    }
}

/* ---- where connections go to ------------------------------------------------------------- */

static void *keep_looking(void *context)
{
    struct ct_upstream *upstream = context;
    struct ct_address found[ADDRESSES_MAX];
    pthread_mutex_lock(&upstream->lock);
    while (!upstream->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += upstream->count == 0 ? AGAIN_FAILED_SECONDS : AGAIN_SECONDS;
        while (!upstream->stop && !upstream->failed &&
               pthread_cond_timedwait(&upstream->wake, &upstream->lock, &until) == 0) {
        }
        if (upstream->stop) {
            break;
        }
        bool failed = upstream->failed;
        unsigned count;
        pthread_mutex_unlock(&upstream->lock);
        int said = look_up(upstream->host, upstream->port, 0, found, &count);
        pthread_mutex_lock(&upstream->lock);
        if (said == 0 && count > 0) { /* else the old ones are better than none */
            memcpy(upstream->list, found, count * sizeof *found);
            upstream->count = count;
        }
        if (failed && !upstream->stop) {
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec += AGAIN_FAILED_SECONDS; /* not more often, however many connections fail */
            while (!upstream->stop && pthread_cond_timedwait(&upstream->wake, &upstream->lock, &until) == 0) {
            }
            upstream->failed = false;
        }
    }
    pthread_mutex_unlock(&upstream->lock);
    return NULL;
}

static enum ct_status resolve(struct ct_upstream *upstream, const char *text, struct ct_error *err)
{
    if (strncmp(text, "unix:", 5) == 0) {
        if (!unix_address(text, &upstream->list[0])) {
            return ct_error_set(err, CT_BAD_CONFIG, "upstream: \"%s\": the path of a Unix socket has 1 to 107 bytes",
                                text);
        }
        upstream->count = 1;
        return CT_OK;
    }
    if (!split(text, upstream->host, upstream->port)) {
        return ct_error_set(err, CT_BAD_CONFIG, "upstream: \"%s\": host:port, [IPv6]:port or unix:/path is due", text);
    }
    if (look_up(upstream->host, upstream->port, AI_NUMERICHOST, upstream->list, &upstream->count) == 0) {
        return CT_OK;
    }
    int said = look_up(upstream->host, upstream->port, 0, upstream->list, &upstream->count);
    /* A name server that does not answer now may answer later; a name that is not there is a mistake. */
    if (said != 0 && said != EAI_AGAIN) {
        return ct_error_set(err, CT_BAD_CONFIG, "upstream: \"%s\": %s", text, gai_strerror(said));
    }
    upstream->threaded = true;
    return CT_OK;
}

enum ct_status ct_upstream_open(const char *text, struct ct_upstream **out, struct ct_error *err)
{
    struct ct_upstream *upstream = calloc(1, sizeof *upstream);
    if (upstream == NULL) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    enum ct_status status = resolve(upstream, text, err);
    if (status != CT_OK) {
        free(upstream);
        return status;
    }
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&upstream->lock, NULL);
    pthread_cond_init(&upstream->wake, &clock);
    pthread_condattr_destroy(&clock);
    if (upstream->threaded && pthread_create(&upstream->thread, NULL, keep_looking, upstream) != 0) {
        upstream->threaded = false; /* then the name keeps the addresses it has now */
    }
    *out = upstream;
    return CT_OK;
}

bool ct_upstream_address(struct ct_upstream *upstream, unsigned index, struct ct_address *out)
{
    pthread_mutex_lock(&upstream->lock);
    bool there = index < upstream->count;
    if (there) {
        *out = upstream->list[index];
    }
    pthread_mutex_unlock(&upstream->lock);
    return there;
}

void ct_upstream_failed(struct ct_upstream *upstream)
{
    pthread_mutex_lock(&upstream->lock);
    upstream->failed = true;
    pthread_cond_signal(&upstream->wake);
    pthread_mutex_unlock(&upstream->lock);
}

void ct_upstream_close(struct ct_upstream *upstream)
{
    if (upstream == NULL) {
        return;
    }
    pthread_mutex_lock(&upstream->lock);
    upstream->stop = true;
    pthread_cond_broadcast(&upstream->wake);
    pthread_mutex_unlock(&upstream->lock);
    if (upstream->threaded) {
        pthread_join(upstream->thread, NULL);
    }
    pthread_cond_destroy(&upstream->wake);
    pthread_mutex_destroy(&upstream->lock);
    free(upstream);
}
