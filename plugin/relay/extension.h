/* extension.h - what the two sides of a WebSocket agreed on (Sec-WebSocket-Extensions of the 101 answer). */
#ifndef CT_EXTENSION_H
#define CT_EXTENSION_H

#include "engine/ct.h"

struct ct_extension {
    bool deflate;
    bool client_takeover, server_takeover;
    int client_bits, server_bits; /* 8..15 */
};

/* RFC 7692 section 7.1. false: an extension that we do not know, or a parameter that it does not have. */
bool ct_extension_parse(ct_span header, struct ct_extension *out) CT_MUST_USE;

#endif
