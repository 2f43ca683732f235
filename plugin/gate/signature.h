/* signature.h - is a webhook's request from whom it says? The platforms' signatures over the raw body. Constant time.
 */
#ifndef CT_SIGNATURE_H
#define CT_SIGNATURE_H

#include "engine/ct.h"

#define CT_SIGNATURE_MAP(X)                                                                                            \
    X(FINE, "")                                                                                                        \
    X(MISSING, "signature_missing")                                                                                    \
    X(MALFORMED, "signature_malformed") X(WRONG, "signature_wrong") X(STALE, "signature_stale")
enum ct_signature {
#define X(name, text) CT_SIGNATURE_##name,
    CT_SIGNATURE_MAP(X)
#undef X
};
const char *ct_signature_text(enum ct_signature signature);

/* `secrets`: NULL-terminated; one that fits is enough (rotation). Each of them is tried each time.
 *
 * "sha256=HEX" of HMAC-SHA256(secret, body): WhatsApp, Messenger (X-Hub-Signature-256). */
enum ct_signature ct_signature_hub(const char *const *secrets, ct_span header, ct_span body) CT_MUST_USE;
/* Standard Webhooks: `signatures` is "v1,BASE64 v1,BASE64 ..." of HMAC-SHA256(key, "ID.TIMESTAMP.BODY"); a secret is
 * "whsec_" with the key in base64. Stale: the timestamp (seconds) is further than `tolerance` from `now`. */
enum ct_signature ct_signature_standard(const char *const *secrets, ct_span id, ct_span timestamp, ct_span signatures,
                                        ct_span body, ct_usec now, ct_usec tolerance) CT_MUST_USE;
/* Chatwoot: "sha256=HEX" of HMAC-SHA256(secret, "TIMESTAMP.BODY"). */
enum ct_signature ct_signature_chatwoot(const char *const *secrets, ct_span timestamp, ct_span header, ct_span body,
                                        ct_usec now, ct_usec tolerance) CT_MUST_USE;
/* The header is one of the secrets itself. */
enum ct_signature ct_signature_secret(const char *const *secrets, ct_span header) CT_MUST_USE;
/* The header webhook-signature that ct_signature_standard takes: one "v1,BASE64" a secret (at most 8). false = a secret
 * is none, or `out` is too short. */
#define CT_SIGNATURE_STANDARD_BYTES 400
CT_MUST_USE bool ct_signature_standard_sign(const char *const *secrets, ct_span id, ct_span timestamp, ct_span body,
                                            char out[CT_SIGNATURE_STANDARD_BYTES]);
/* Is this "whsec_" with base64 of 16 to 128 bytes? */
bool ct_signature_is_standard_secret(const char *secret);

#endif
