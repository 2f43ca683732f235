/* gate_check.c - who may: Host, Origin, token and scope, and which route a request is for. Each no has a status, a name
 * that is counted, and a sentence. */
#include "plugin/gate/gate_state.h"

#include <stdio.h>
#include <strings.h>

void gate_refuse(struct ct_gate_connection *c, int status, const char *reason, const char *code, const char *text)
{
    struct ct_head *head = c->head;
    if (head->refused)
        return;
    head->refused = status;
    ct_reply_error(&head->reply, status, code, "%s", text);
    if (reason)
        gate_drop(c->gate, reason);
}

bool gate_is_open(const struct ct_gate *gate)
{
    const struct ct_gate_options *options = &gate->options;
    return options->open || (options->open_at_first && gate->loopback && !ct_access_count(options->access));
}

bool gate_check_origin(struct ct_gate_connection *c)
{
    const struct ct_gate *gate = c->gate;
    ct_span host = gate_header(c->head, "host"), origin = gate_header(c->head, "origin");
    /* Without tokens a name that somebody else points at this machine would let any page in (DNS rebinding). */
    if (gate_is_open(gate) && host.len && !ct_host_is_loopback(host)) {
        gate_refuse(c, 421, "gate_foreign_host", "foreign_host",
                    "a gate without tokens is only reached as localhost or by its address");
        return false;
    }
    /* A page elsewhere may ask without an Origin (an image, a script): it cannot read the answer, but it can make work.
     */
    bool by_page = gate_is_open(gate) && origin.at == NULL &&
                   ct_span_is(gate_header(c->head, "sec-fetch-site"), "cross-site") &&
                   !ct_span_is(gate_header(c->head, "sec-fetch-mode"), "navigate");
    if (!by_page && ct_origin_is_allowed(origin, host, gate->options.origins, gate->tls))
        return true;
    gate_refuse(c, 403, "gate_foreign_origin", "foreign_origin", "this origin is not on the list");
    return false;
}

static bool query_has_token(ct_span query)
{
    for (size_t from = 0; from < query.len;) {
        size_t to = from;
        while (to < query.len && query.at[to] != '&')
            to++;
        ct_span part = {query.at + from, to - from};
        static const char *const names[] = {"token=", "access_token=", "bearer="};
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            if (part.len >= strlen(names[i]) && strncasecmp(part.at, names[i], strlen(names[i])) == 0)
                return true;
        from = to + 1;
    }
    return false;
}

bool gate_check_token(struct ct_gate_connection *c, enum ct_scope scope, ct_span offered)
{
    struct ct_head *head = c->head;
    const struct ct_gate_options *options = &c->gate->options;
    if (scope == CT_SCOPE_NONE || gate_is_open(c->gate))
        return true;
    ct_span header = gate_header(head, "authorization");
    if (header.len > 7 && strncasecmp(header.at, "Bearer ", 7) == 0) {
        offered = (ct_span){header.at + 7, header.len - 7};
        while (offered.len && offered.at[0] == ' ')
            offered.at++, offered.len--;
    }
    if (offered.len == 0) {
        bool in_query = query_has_token(head->query);
        gate_refuse(c, 401, in_query ? "gate_token_in_query" : "gate_no_token", "no_token",
                    in_query ? "a token is taken in the Authorization header alone: addresses end up in logs"
                             : "Authorization: Bearer TOKEN is due");
        return false;
    }
    if (!ct_access_check(options->access, offered, &head->who)) {
        if (gate_is_open(c->gate)) /* the last token went between the two looks */
            return true;
        gate_refuse(c, 401, "gate_bad_token", "bad_token", "no such token");
        return false;
    }
    if (!(head->who.scopes & 1u << scope)) {
        gate_refuse(c, 403, "gate_no_scope", "no_scope", "the token lacks the scope for this");
        return false;
    }
    return true;
}

static const struct ct_route *find_route(const struct ct_gate_options *options, ct_span path, ct_span *rest)
{
    const struct ct_route *found = NULL;
    size_t best = 0;
    for (size_t i = 0; i < options->route_count; i++) {
        const struct ct_route *route = &options->routes[i];
        size_t len = strlen(route->path);
        bool below = len && route->path[len - 1] == '/' && len > 1;
        bool fits = below ? path.len >= len && memcmp(path.at, route->path, len) == 0 : ct_span_is(path, route->path);
        if (fits && (!found || len > best)) {
            found = route;
            best = len;
        }
    }
    *rest = found ? (ct_span){path.at + best, path.len - best} : CT_SPAN_NONE;
    return found;
}

static void write_allow(unsigned methods, char *out, size_t capacity)
{
    static const struct {
        enum ct_method method;
        const char *name;
    } names[] = {{CT_METHOD_GET, "GET"},
                 {CT_METHOD_HEAD, "HEAD"},
                 {CT_METHOD_POST, "POST"},
                 {CT_METHOD_PUT, "PUT"},
                 {CT_METHOD_DELETE, "DELETE"}};
    int len = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (methods & (unsigned)names[i].method)
            len += snprintf(out + len, capacity - (size_t)len, "%s%s", len ? ", " : "", names[i].name);
}

bool gate_check_route(struct ct_gate_connection *c)
{
    struct ct_head *head = c->head;
    head->route = find_route(&c->gate->options, head->path, &head->rest);
    if (!head->route) {
        gate_refuse(c, 404, NULL, "not_found", "nothing is here");
        return false;
    }
    unsigned methods = head->route->methods;
    if (methods & CT_METHOD_GET)
        methods |= CT_METHOD_HEAD;
    if (!(methods & (unsigned)head->method)) {
        gate_refuse(c, 405, NULL, "method_not_allowed", "not with this method");
        write_allow(methods, head->reply.allow, sizeof(head->reply.allow));
        return false;
    }
    return gate_check_token(c, head->route->scope, CT_SPAN_NONE);
}

void gate_check_again(struct ct_gate_connection *c)
{
    if (c->at != CT_AT_SOCKET || !c->protocol || c->protocol->scope == CT_SCOPE_NONE || gate_is_open(c->gate) ||
        ct_access_knows(c->gate->options.access, &c->who) || gate_is_open(c->gate))
        return;
    gate_drop(c->gate, "gate_token_withdrawn");
    ct_gate_close(c, 1008, "the token is no longer one");
}
