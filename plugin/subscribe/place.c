/* place.c - URLs to places. The state machines build theirs with it, subscribe.c reads the configured one. */
#include "plugin/subscribe/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static bool read_scheme(ct_span *url, bool *tls)
{
    static const struct {
        const char *text;
        bool tls;
    } schemes[] = {{"ws://", false}, {"wss://", true}, {"http://", false}, {"https://", true}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i].text);
        if (url->len > len && strncasecmp(url->at, schemes[i].text, len) == 0) {
            *url = (ct_span){url->at + len, url->len - len};
            *tls = schemes[i].tls;
            return true;
        }
    }
    return false;
}

/* What may stand in a host's name or number; everything else would be a header of its own, or a trick. */
static bool is_host(ct_span host, bool six)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && (six ? c != ':' : c != '-' && c != '_'))
            return false;
    }
    return host.len > 0;
}

static bool read_port(ct_span port, char *out)
{
    if (port.len == 0 || port.len > 5)
        return false;
    memcpy(out, port.at, port.len);
    out[port.len] = '\0';
    long number = strtol(out, NULL, 10);
    return strspn(out, "0123456789") == port.len && number > 0 && number <= 65535;
}

static bool read_authority(ct_span authority, struct ct_place *out)
{
    const char *own = out->tls ? "443" : "80";
    ct_span host = authority, port = ct_span_of(own);
    bool six = authority.len && authority.at[0] == '[';
    const char *end = authority.at + authority.len;
    if (six) {
        const char *close = memchr(authority.at, ']', authority.len);
        if (!close || (close + 1 < end && close[1] != ':'))
            return false;
        host = (ct_span){authority.at + 1, (size_t)(close - authority.at) - 1};
        if (close + 1 < end)
            port = (ct_span){close + 2, (size_t)(end - close) - 2};
    } else {
        const char *colon = authority.len ? memchr(authority.at, ':', authority.len) : NULL;
        if (colon) {
            host.len = (size_t)(colon - authority.at);
            port = (ct_span){colon + 1, (size_t)(end - colon) - 1};
        }
    }
    if (!is_host(host, six) || host.len >= sizeof out->host || !read_port(port, out->port))
        return false;
    memcpy(out->host, host.at, host.len);
    out->host[host.len] = '\0';
    bool plain = strcmp(out->port, own) == 0;
    snprintf(out->authority, sizeof out->authority, "%s%s%s%s%s", six ? "[" : "", out->host, six ? "]" : "",
             plain ? "" : ":", plain ? "" : out->port);
    return true;
}

bool ct_place_read(ct_span url, struct ct_place *out)
{
    size_t len = 0;
    if (!read_scheme(&url, &out->tls))
        return false;
    while (len < url.len && !strchr("/?#", url.at[len]))
        len++;
    if (!read_authority((ct_span){url.at, len}, out))
        return false;
    ct_span path = {url.at + len, url.len - len};
    const char *fragment = path.len ? memchr(path.at, '#', path.len) : NULL;
    if (fragment)
        path.len = (size_t)(fragment - path.at);
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.at[i] <= ' ' || (unsigned char)path.at[i] >= 0x7f)
            return false;
    size_t lead = path.len == 0 || path.at[0] != '/';
    if (path.len + lead >= sizeof out->path)
        return false;
    out->path[0] = '/';
    if (path.len)
        memcpy(out->path + lead, path.at, path.len);
    out->path[path.len + lead] = '\0';
    return true;
}

/* Behind `len` bytes of the path; false: no room. */
static bool append_escaped(struct ct_place *place, size_t len, ct_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != '\0' && strchr("-_.~", c) != NULL);
        if (len + 4 > sizeof place->path)
            return false;
        len += (size_t)snprintf(place->path + len, sizeof place->path - len, plain ? "%c" : "%%%02X", c);
    }
    return true;
}

bool ct_place_query(struct ct_place *place, const char *name, ct_span value)
{
    size_t before = strlen(place->path);
    int len = snprintf(place->path + before, sizeof place->path - before, "%c%s=", strchr(place->path, '?') ? '&' : '?',
                       name);
    bool fits = (size_t)len < sizeof place->path - before && append_escaped(place, before + (size_t)len, value);
    if (!fits)
        place->path[before] = '\0';
    return fits;
}

bool ct_place_below(struct ct_place *place, ct_span name)
{
    size_t before = strlen(place->path);
    size_t at = before && place->path[before - 1] == '/' ? before - 1 : before;
    if (at + 2 > sizeof place->path)
        return false;
    memcpy(place->path + at, "/", 2);
    return append_escaped(place, at + 1, name);
}
