/* gate_listen.c - the address that a gate listens on: read, judged (loopback or not), bound. */
#include "plugin/gate/gate_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* "127.0.0.1:7801", "[::1]:7801", "localhost:7801" into host and port. */
static bool split_address(const char *listen, char *host, size_t capacity, char *port)
{
    const char *colon = strrchr(listen, ':');
    if (!colon || colon == listen)
        return false;
    ct_span name = {listen, (size_t)(colon - listen)};
    if (name.at[0] == '[') {
        if (name.len < 3 || name.at[name.len - 1] != ']')
            return false;
        name = (ct_span){name.at + 1, name.len - 2};
    } else if (memchr(name.at, ':', name.len)) {
        return false;
    }
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] || name.len >= capacity)
        return false;
    memcpy(host, name.at, name.len);
    host[name.len] = '\0';
    memcpy(port, colon + 1, digits + 1);
    return strtol(port, NULL, 10) <= 65535;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
        return (ntohl(four->sin_addr.s_addr) >> 24) == 127;
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/* The address as it was bound, port and all. */
static void write_address(struct ct_gate *gate)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
    if (getsockname(gate->listen_socket, (struct sockaddr *)&bound, &size) == 0)
        getnameinfo((struct sockaddr *)&bound, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(gate->address, sizeof(gate->address), strchr(host, ':') ? "[%.64s]:%.8s" : "%.64s:%.8s", host, port);
}

static enum ct_status bind_to(struct ct_gate *gate, const struct addrinfo *at, struct ct_error *err)
{
    const char *listen_at = gate->options.listen;
    int one = 1;
    gate->listen_socket = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (gate->listen_socket < 0)
        return ct_error_set(err, CT_IO, "listen %s: no socket: %s", listen_at, strerror(errno));
    setsockopt(gate->listen_socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (at->ai_family == AF_INET6)
        setsockopt(gate->listen_socket, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(gate->listen_socket, at->ai_addr, at->ai_addrlen) || listen(gate->listen_socket, 4096)) {
        int why = errno;
        close(gate->listen_socket);
        gate->listen_socket = -1;
        return ct_error_set(err, CT_IO, "cannot listen on %s: %s%s", listen_at, strerror(why),
                            why == EADDRINUSE ? "; another process has the port: stop it or name another" : "");
    }
    write_address(gate);
    return CT_OK;
}

enum ct_status gate_listen(struct ct_gate *gate, struct ct_error *err)
{
    const struct ct_gate_options *options = &gate->options;
    char host[256], port[8];
    if (!options->listen || !split_address(options->listen, host, sizeof(host), port))
        return ct_error_set(err, CT_BAD_CONFIG,
                            "listen \"%s\": ADDRESS:PORT is due, such as 127.0.0.1:7801 or [::1]:7801",
                            options->listen ? options->listen : "");
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
    int failed = getaddrinfo(host, port, &hints, &found);
    if (failed)
        return ct_error_set(err, CT_BAD_CONFIG, "listen %s: %s", options->listen, gai_strerror(failed));
    gate->loopback = true;
    for (const struct addrinfo *at = found; at; at = at->ai_next)
        gate->loopback = gate->loopback && is_loopback(at->ai_addr);
    enum ct_status status;
    if (!gate->loopback && options->open)
        status =
            ct_error_set(err, CT_BAD_CONFIG,
                         "listen %s: a gate without tokens may only be reached from this machine: listen on 127.0.0.1, "
                         "or give it tokens",
                         options->listen);
    else if (!gate->loopback && ct_access_count(options->access) == 0)
        status = ct_error_set(err, CT_BAD_CONFIG,
                              "listen %s: others can reach this address and there are no tokens: give a token file, or "
                              "listen on 127.0.0.1",
                              options->listen);
    else
        status = bind_to(gate, found, err);
    freeaddrinfo(found);
    return status;
}
