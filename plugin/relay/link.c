/* link.c - one relayed connection (link.h). Called by relay.c, in its thread. */
#include "plugin/relay/link.h"
#include "plugin/relay/tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ROUNDS_MAX 16 /* reads of one side in one turn: then the others have theirs */
#define RESET_WAIT_USEC (2 * CT_USEC_PER_SECOND)
#define REST_USEC (5 * CT_USEC_PER_SECOND) /* quiet for so long: memory is given back */

static struct ct_side *other(struct ct_link *link, const struct ct_side *side)
{
    return side->gateway ? &link->client : &link->gateway;
}

static void drop(struct ct_turn *turn, const char *reason)
{
    turn->eyes.intake->drop(turn->eyes.intake->context, reason, 1);
}

/* Only the relay's thread writes these. */
static void count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more, memory_order_relaxed);
}

/* ---- state ------------------------------------------------------------------------------- */

static bool has_deadline(enum ct_link_state state)
{
    return state == CT_LINK_CONNECTING || state == CT_LINK_RESETTING;
}

static void enter(struct ct_turn *turn, struct ct_link *link, enum ct_link_state state)
{
    turn->pending -= has_deadline(link->state);
    turn->pending += has_deadline(state);
    link->state = state;
    link->since_usec = turn->steady_usec;
}

/* The sockets go now, the memory when what was seen has been read. */
static void close_link(struct ct_turn *turn, struct ct_link *link, bool reset)
{
    if (link->state == CT_LINK_GONE) {
        return;
    }
    enter(turn, link, CT_LINK_GONE);
    ct_side_close(&link->client, reset);
    ct_side_close(&link->gateway, reset);
    if (link->prev) {
        link->prev->next = link->next;
    } else {
        turn->links = link->next;
    }
    if (link->next) {
        link->next->prev = link->prev;
    }
    link->next = turn->gone;
    turn->gone = link;
    turn->open--;
    atomic_store_explicit(&turn->open_now, turn->open, memory_order_relaxed);
}

/* One side has been reset: so is the other, but what was sent to it before arrives before. */
static void reset_link(struct ct_turn *turn, struct ct_link *link)
{
    if (link->state == CT_LINK_GONE || link->state == CT_LINK_RESETTING) {
        return;
    }
    bool client_there = !link->client.broken && link->client.secured;
    bool gateway_there = !link->gateway.broken && ct_side_ready(&link->gateway);
    if ((!client_there || ct_side_delivered(&link->client)) && (!gateway_there || ct_side_delivered(&link->gateway))) {
        close_link(turn, link, true);
        return;
    }
    enter(turn, link, CT_LINK_RESETTING);
}

/* In that state: is it time. */
static void try_reset(struct ct_turn *turn, struct ct_link *link)
{
    struct ct_side *sides[2] = {&link->client, &link->gateway};
    bool done = true;
    for (int i = 0; i < 2; i++) {
        if (!sides[i]->broken && ct_side_ready(sides[i]) && !ct_side_flush(sides[i])) {
            sides[i]->broken = true;
        }
        done = done && (sides[i]->broken || !ct_side_ready(sides[i]) || ct_side_delivered(sides[i]));
    }
    if (done || turn->steady_usec - link->since_usec > RESET_WAIT_USEC) {
        close_link(turn, link, true);
    }
}

/* ---- reading what went by ---------------------------------------------------------------- */

static void read_seen(struct ct_turn *turn)
{
    for (unsigned i = 0; i < turn->seen_count; i++) {
        struct ct_seen *seen = &turn->seen[i];
        struct ct_link *link = seen->link;
        ct_span bytes = {turn->bytes + seen->at, seen->len};
        if (link->eyes && !ct_eyes_feed(link->eyes, seen->from_client, bytes, turn->at)) {
            ct_eyes_free(link->eyes);
            link->eyes = NULL;
        }
    }
    turn->seen_count = 0;
    turn->used = 0;
}

void ct_link_read_seen(struct ct_turn *turn)
{
    read_seen(turn);
    struct ct_link *kept = NULL;
    while (turn->gone) {
        struct ct_link *link = turn->gone;
        turn->gone = link->next;
        if (link->in_again) { /* still in that list: the next turn takes it off */
            link->next = kept;
            kept = link;
            continue;
        }
        ct_eyes_free(link->eyes);
        free(link);
    }
    turn->gone = kept;
}

static void remember(struct ct_turn *turn, struct ct_link *link, bool from_client, size_t len)
{
    if (link->eyes == NULL) {
        return;
    }
    turn->seen[turn->seen_count++] = (struct ct_seen){link, turn->used, (unsigned)len, from_client};
    turn->used += len;
}

/* Room in the turn's buffer for the next read; that of a turn is read early where it is full. */
static char *place(struct ct_turn *turn)
{
    if (turn->seen_count + 2 > CT_SEEN_MAX || CT_TURN_BYTES - turn->used < CT_READ_BYTES) {
        read_seen(turn);
    }
    return turn->bytes + turn->used;
}

/* ---- forwarding -------------------------------------------------------------------------- */

/* `bytes` to a side: to its socket at once, what that does not take to what waits. false: the connection is over. */
static bool forward(struct ct_turn *turn, struct ct_link *link, struct ct_side *to, ct_span bytes)
{
    if (ct_side_ready(to) && ct_side_waiting(to) == 0) {
        ssize_t put = ct_side_write(to, bytes);
        if (put == CT_SIDE_BROKEN) {
            to->broken = true;
            to->readable = to->hung = true; /* what it had sent before may still lie there */
            return true;
        }
        bytes.at += put;
        bytes.len -= (size_t)put;
    }
    if (bytes.len == 0) {
        return true;
    }
    if (to->out_begin > 0) {
        to->out.len -= to->out_begin;
        memmove(to->out.at, to->out.at + to->out_begin, to->out.len);
        to->out_begin = 0;
    }
    if (ct_held_add(&to->out, bytes, SIZE_MAX) != CT_OK) {
        drop(turn, "relay_no_memory");
        close_link(turn, link, true); /* bytes would be missing: no connection is better than a wrong one */
        return false;
    }
    return true;
}

static void go_on_later(struct ct_turn *turn, struct ct_link *link)
{
    if (!link->in_again) {
        link->in_again = true;
        link->again = turn->again;
        turn->again = link;
    }
}

/* One read of `from`, forwarded. false: there is nothing more to do with this direction now. */
static bool move_once(struct ct_turn *turn, struct ct_link *link, struct ct_side *from, struct ct_side *to)
{
    size_t waiting = ct_side_waiting(to);
    if (!from->readable || from->ended || to->broken || waiting >= turn->buffer_bytes) {
        return false;
    }
    char *at = place(turn);
    size_t room = turn->buffer_bytes - waiting < CT_READ_BYTES ? turn->buffer_bytes - waiting : CT_READ_BYTES;
    ssize_t got = ct_side_read(from, at, room);
    if (got == CT_SIDE_WAIT) {
        from->readable = false;
        return false;
    }
    if (got == CT_SIDE_BROKEN) {
        from->broken = true;
        reset_link(turn, link);
        return false;
    }
    if (got == 0) {
        from->ended = true;
        remember(turn, link, !from->gateway, 0);
        return false;
    }
    /* Edge-triggered: fewer bytes than asked for mean that there are no more, and the next ones will be told of. */
    if ((size_t)got < room && !from->hung && from->ssl == NULL) {
        from->readable = false;
    }
    link->last_usec = turn->steady_usec;
    count(from->gateway ? &turn->bytes_out : &turn->bytes_in, (uint64_t)got);
    if (!forward(turn, link, to, (ct_span){at, (size_t)got})) {
        return false;
    }
    remember(turn, link, !from->gateway, (size_t)got);
    return true;
}

static void move(struct ct_turn *turn, struct ct_link *link, struct ct_side *from, struct ct_side *to)
{
    if (!ct_side_ready(from)) {
        return;
    }
    for (int round = 0; link->state != CT_LINK_GONE && link->state != CT_LINK_RESETTING; round++) {
        if (round == ROUNDS_MAX) {
            go_on_later(turn, link);
            return;
        }
        if (!move_once(turn, link, from, to)) {
            break;
        }
    }
    if (link->state == CT_LINK_OPEN && from->ended && !to->shut && !to->broken && ct_side_ready(to) &&
        ct_side_waiting(to) == 0) {
        ct_side_shut(to);
    }
}

/* Both directions as far as they go. */
static void pump(struct ct_turn *turn, struct ct_link *link)
{
    struct ct_side *client = &link->client, *gateway = &link->gateway;
    move(turn, link, client, gateway);
    move(turn, link, gateway, client);
    if (client->broken && link->state == CT_LINK_OPEN) {
        move(turn, link, client, gateway); /* it broke just now: what it had sent still counts */
    }
    if (link->state == CT_LINK_GONE || link->state == CT_LINK_RESETTING) {
        return;
    }
    bool client_over = client->ended && (gateway->shut || gateway->broken);
    bool gateway_over = gateway->ended && (client->shut || client->broken);
    if (client_over && gateway_over) {
        close_link(turn, link, client->broken || gateway->broken);
    } else if ((client->broken && client->ended) || (gateway->broken && gateway->ended)) {
        reset_link(turn, link);
    }
}

/* ---- the gateway ------------------------------------------------------------------------- */

static void options(int fd)
{
    int on = 1;
    /* Both fail on a Unix socket, which needs neither. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static bool watch(const struct ct_turn *turn, int fd, struct ct_watch *what)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = what};
    return epoll_ctl(turn->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void gateway_failed(struct ct_turn *turn, struct ct_link *link, const char *reason)
{
    count(&turn->upstream_failed, 1);
    drop(turn, reason);
    ct_upstream_failed(turn->upstream);
    close_link(turn, link, true);
}

static void gateway_reached(struct ct_turn *turn, struct ct_link *link)
{
    struct ct_side *gateway = &link->gateway;
    gateway->connected = true;
    gateway->readable = true;
    if (turn->upstream_tls == NULL) {
        gateway->secured = true;
        enter(turn, link, CT_LINK_OPEN);
        return;
    }
    gateway->ssl = ct_tls_connected(turn->upstream_tls, gateway->fd, turn->upstream_host, turn->upstream_verify);
    if (gateway->ssl == NULL) {
        gateway_failed(turn, link, "relay_no_memory");
    }
}

/* Begins to connect to the address whose turn it is, or to one after it. */
static void connect_gateway(struct ct_turn *turn, struct ct_link *link)
{
    struct ct_address to;
    const char *reason = "relay_upstream_unknown";
    for (; ct_upstream_address(turn->upstream, link->address, &to); link->address++) {
        int fd = socket(to.at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            reason = errno == EMFILE || errno == ENFILE ? "relay_no_descriptors" : "relay_upstream_refused";
            continue;
        }
        options(fd);
        int said = connect(fd, (const struct sockaddr *)&to.at, to.len);
        link->gateway.fd = fd;
        if ((said == 0 || errno == EINPROGRESS) && watch(turn, fd, &link->gateway_watch)) {
            if (said == 0) {
                gateway_reached(turn, link);
            }
            return;
        }
        ct_side_close(&link->gateway, false);
        reason = "relay_upstream_refused";
    }
    gateway_failed(turn, link, reason);
}

/* The connection that was begun has an outcome. */
static void connect_event(struct ct_turn *turn, struct ct_link *link, uint32_t events)
{
    int wrong = 0;
    socklen_t len = sizeof wrong;
    if (getsockopt(link->gateway.fd, SOL_SOCKET, SO_ERROR, &wrong, &len) != 0) {
        wrong = errno;
    }
    if (wrong == 0 && (events & EPOLLOUT) && !(events & EPOLLHUP)) {
        gateway_reached(turn, link);
    } else if (wrong != 0) {
        ct_side_close(&link->gateway, false);
        link->address++;
        struct ct_address next;
        if (ct_upstream_address(turn->upstream, link->address, &next)) {
            connect_gateway(turn, link);
        } else {
            gateway_failed(turn, link, wrong == ETIMEDOUT ? "relay_upstream_timeout" : "relay_upstream_refused");
        }
    }
}

/* ---- events ------------------------------------------------------------------------------ */

/* TLS of one side, as far as it goes. false: the link is closed. */
static bool secure(struct ct_turn *turn, struct ct_link *link, struct ct_side *side)
{
    if (side->secured || side->ssl == NULL || !side->connected) {
        return true;
    }
    int said = ct_side_secure(side);
    if (said > 0) {
        side->readable = true;
        if (side->gateway) {
            enter(turn, link, CT_LINK_OPEN);
        }
    } else if (said < 0 && side->gateway) {
        gateway_failed(turn, link,
                       SSL_get_verify_result(side->ssl) != X509_V_OK && turn->upstream_verify
                           ? "relay_upstream_certificate"
                           : "relay_upstream_tls");
    } else if (said < 0) {
        drop(turn, "relay_client_tls");
        close_link(turn, link, false); /* the alert that says why is on its way */
    }
    return link->state != CT_LINK_GONE;
}

static void flush(struct ct_side *side)
{
    if (ct_side_ready(side) && ct_side_waiting(side) > 0 && !side->broken && !ct_side_flush(side)) {
        side->broken = true;
        side->readable = side->hung = true;
    }
}

void ct_link_event(struct ct_turn *turn, struct ct_watch *what, uint32_t events)
{
    struct ct_link *link;
    struct ct_side *side;
    if (what->kind == CT_WATCH_CLIENT) {
        link = (struct ct_link *)((char *)what - offsetof(struct ct_link, client_watch));
        side = &link->client;
    } else {
        link = (struct ct_link *)((char *)what - offsetof(struct ct_link, gateway_watch));
        side = &link->gateway;
    }
    if (link->state == CT_LINK_GONE) {
        return;
    }
    if (link->state == CT_LINK_RESETTING) {
        try_reset(turn, link);
        return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        side->readable = true;
        side->hung = side->hung || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
    }
    if (!side->connected) {
        connect_event(turn, link, events);
        if (link->state == CT_LINK_GONE || !side->connected) {
            return;
        }
    }
    if (!secure(turn, link, side)) {
        return;
    }
    if ((events & EPOLLERR) && ct_side_waiting(other(link, side)) >= turn->buffer_bytes) {
        side->broken = true; /* reset, while nobody reads from it because the other side is slow */
        reset_link(turn, link);
        return;
    }
    flush(&link->client);
    flush(&link->gateway);
    pump(turn, link);
}

void ct_link_again(struct ct_turn *turn)
{
    struct ct_link *list = turn->again;
    turn->again = NULL;
    while (list) {
        struct ct_link *link = list;
        list = link->again;
        link->in_again = false;
        if (link->state != CT_LINK_GONE) {
            pump(turn, link);
        }
    }
}

void ct_link_accept(struct ct_turn *turn, int fd)
{
    struct ct_link *link = calloc(1, sizeof *link);
    count(&turn->connections, 1);
    if (link == NULL) {
        drop(turn, "relay_no_memory");
        count(&turn->refused, 1);
        close(fd);
        return;
    }
    options(fd);
    link->client_watch.kind = CT_WATCH_CLIENT;
    link->gateway_watch.kind = CT_WATCH_GATEWAY;
    link->number = ++turn->number;
    link->client = (struct ct_side){.fd = fd, .connected = true, .secured = turn->listen_tls == NULL};
    link->gateway = (struct ct_side){.fd = -1, .gateway = true};
    link->next = turn->links;
    if (turn->links) {
        turn->links->prev = link;
    }
    turn->links = link;
    turn->open++;
    atomic_store_explicit(&turn->open_now, turn->open, memory_order_relaxed);
    link->state = CT_LINK_OPEN;
    enter(turn, link, CT_LINK_CONNECTING);
    link->last_usec = turn->steady_usec;
    if (turn->listen_tls) {
        link->client.ssl = ct_tls_accepted(turn->listen_tls, fd);
    }
    if ((turn->listen_tls && link->client.ssl == NULL) || !watch(turn, fd, &link->client_watch)) {
        drop(turn, "relay_no_memory");
        close_link(turn, link, true);
        return;
    }
    if (turn->reads) {
        char stream[48];
        int len = snprintf(stream, sizeof stream, "%lld-%llu", (long long)turn->at, (unsigned long long)link->number);
        link->eyes = ct_eyes_new(&turn->eyes, (ct_span){stream, (size_t)len});
        if (link->eyes == NULL) {
            drop(turn, "relay_no_memory"); /* goes through unread */
            count(&turn->eyes.counts->unread, 1);
        }
    }
    connect_gateway(turn, link);
}

/* ---- time -------------------------------------------------------------------------------- */

static void sweep_one(struct ct_turn *turn, struct ct_link *link)
{
    int64_t quiet = turn->steady_usec - link->last_usec;
    if (link->state == CT_LINK_RESETTING) {
        try_reset(turn, link);
    } else if (link->state == CT_LINK_CONNECTING && turn->steady_usec - link->since_usec > turn->connect_usec) {
        gateway_failed(turn, link, "relay_upstream_timeout");
    } else if (!link->client.secured && turn->steady_usec - link->last_usec > turn->connect_usec) {
        drop(turn, "relay_client_tls");
        close_link(turn, link, true);
    } else if (turn->idle_usec > 0 && quiet > turn->idle_usec) {
        drop(turn, "relay_idle");
        close_link(turn, link, false);
    } else if (link->eyes && quiet > REST_USEC) {
        ct_eyes_rest(link->eyes);
    }
}

void ct_link_sweep(struct ct_turn *turn)
{
    for (struct ct_link *link = turn->links, *next; link; link = next) {
        next = link->next;
        sweep_one(turn, link);
    }
}

void ct_link_close_all(struct ct_turn *turn)
{
    while (turn->links) {
        close_link(turn, turn->links, false);
    }
}
