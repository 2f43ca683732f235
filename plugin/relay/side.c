/* side.c - one end of a relayed connection (side.h). Called by link.c. SIGPIPE is blocked in the relay's thread,
 * because OpenSSL writes without MSG_NOSIGNAL. */
#include "plugin/relay/side.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

static ssize_t secure_read(struct ct_side *side, char *to, size_t len)
{
    ERR_clear_error();
    int got = SSL_read(side->ssl, to, len < INT_MAX ? (int)len : INT_MAX);
    if (got > 0) {
        return got;
    }
    switch (SSL_get_error(side->ssl, got)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return CT_SIDE_WAIT;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SSL:
        /* Many peers close without saying so in TLS. */
        return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? 0 : CT_SIDE_BROKEN;
    default:
        return CT_SIDE_BROKEN;
    }
}

ssize_t ct_side_read(struct ct_side *side, char *to, size_t len)
{
    if (side->ssl) {
        return secure_read(side, to, len);
    }
    for (;;) {
        ssize_t got = recv(side->fd, to, len, 0);
        if (got >= 0) {
            return got;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return CT_SIDE_WAIT;
        }
        if (errno != EINTR) {
            return CT_SIDE_BROKEN;
        }
    }
}

static ssize_t secure_write(struct ct_side *side, ct_span bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        size_t len = bytes.len - done;
        ERR_clear_error();
        int put = SSL_write(side->ssl, bytes.at + done, len < INT_MAX ? (int)len : INT_MAX);
        if (put > 0) {
            done += (size_t)put;
            continue;
        }
        int why = SSL_get_error(side->ssl, put);
        return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? (ssize_t)done : CT_SIDE_BROKEN;
    }
    return (ssize_t)done;
}

ssize_t ct_side_write(struct ct_side *side, ct_span bytes)
{
    if (side->ssl) {
        return secure_write(side, bytes);
    }
    for (;;) {
        ssize_t put = send(side->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (put >= 0) {
            return put;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return 0;
        }
        if (errno != EINTR) {
            return CT_SIDE_BROKEN;
        }
    }
}

bool ct_side_flush(struct ct_side *side)
{
    while (ct_side_waiting(side) > 0) {
        ssize_t put = ct_side_write(side, (ct_span){side->out.at + side->out_begin, ct_side_waiting(side)});
        if (put < 0) {
            return false;
        }
        if (put == 0) {
            return true;
        }
        side->out_begin += (size_t)put;
    }
    ct_held_done(&side->out);
    side->out_begin = 0;
    return true;
}

int ct_side_secure(struct ct_side *side)
{
    ERR_clear_error();
    int said = SSL_do_handshake(side->ssl);
    if (said == 1) {
        side->secured = true;
        return 1;
    }
    int why = SSL_get_error(side->ssl, said);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

void ct_side_shut(struct ct_side *side)
{
    side->shut = true;
    if (side->ssl && side->secured && !side->broken) {
        ERR_clear_error();
        (void)SSL_shutdown(side->ssl); /* says close_notify; its answer is read like everything else */
    }
    (void)shutdown(side->fd, SHUT_WR);
}

bool ct_side_delivered(const struct ct_side *side)
{
    int unsent = 0;
    return ct_side_waiting(side) == 0 && (side->fd < 0 || ioctl(side->fd, SIOCOUTQ, &unsent) != 0 || unsent == 0);
}

void ct_side_close(struct ct_side *side, bool reset)
{
    if (side->fd >= 0) {
        if (reset) {
            struct linger now = {.l_onoff = 1, .l_linger = 0};
            (void)setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        }
        close(side->fd);
    }
    SSL_free(side->ssl);
    side->fd = -1;
    side->ssl = NULL;
    ct_held_done(&side->out);
    side->out_begin = 0;
}
