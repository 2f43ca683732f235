/* signature.c - webhook signatures, over OpenSSL's HMAC. webhook.c asks. */
#include "plugin/gate/signature.h"

#include "plugin/gate/access.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#define SHA256_BYTES 32
#define KEY_BYTES_MAX 128

const char *ct_signature_text(enum ct_signature signature)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_SIGNATURE_MAP(X)
#undef X
    };
    return texts[signature];
}

/* HMAC-SHA256 over the pieces one after the other. */
static bool sign(const void *key, size_t key_len, const ct_span *pieces, size_t count, unsigned char *out)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    size_t len = 0;
    bool fine = context && EVP_MAC_init(context, key, key_len, params);
    for (size_t i = 0; fine && i < count; i++)
        fine = pieces[i].len == 0 || EVP_MAC_update(context, (const unsigned char *)pieces[i].at, pieces[i].len);
    fine = fine && EVP_MAC_final(context, out, &len, SHA256_BYTES) && len == SHA256_BYTES;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    return fine;
}

static int hex(char ch)
{
    return ch >= '0' && ch <= '9'   ? ch - '0'
           : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
           : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                    : -1;
}

static bool read_sha256(ct_span header, unsigned char *out)
{
    if (header.len != 7 + 2 * SHA256_BYTES || memcmp(header.at, "sha256=", 7) != 0)
        return false;
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        int high = hex(header.at[7 + 2 * i]), low = hex(header.at[8 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static ct_span bytes_of(const unsigned char *hash)
{
    return (ct_span){(const char *)hash, SHA256_BYTES};
}

static enum ct_signature check_hex(const char *const *secrets, ct_span header, const ct_span *pieces, size_t count)
{
    unsigned char given[SHA256_BYTES], due[SHA256_BYTES];
    if (header.len == 0)
        return CT_SIGNATURE_MISSING;
    if (!read_sha256(header, given))
        return CT_SIGNATURE_MALFORMED;
    bool fits = false;
    for (; secrets && *secrets; secrets++) {
        bool same =
            sign(*secrets, strlen(*secrets), pieces, count, due) && ct_equal_secret(bytes_of(given), bytes_of(due));
        fits = fits || same;
    }
    return fits ? CT_SIGNATURE_FINE : CT_SIGNATURE_WRONG;
}

enum ct_signature ct_signature_hub(const char *const *secrets, ct_span header, ct_span body)
{
    return check_hex(secrets, header, &body, 1);
}

/* Seconds, as digits. */
static bool read_timestamp(ct_span text, ct_usec *out)
{
    ct_usec seconds = 0;
    if (text.len == 0 || text.len > 12)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        seconds = seconds * 10 + (text.at[i] - '0');
    }
    *out = seconds * CT_USEC_PER_SECOND;
    return true;
}

static enum ct_signature check_time(ct_span timestamp, ct_usec now, ct_usec tolerance)
{
    ct_usec at;
    if (timestamp.len == 0)
        return CT_SIGNATURE_MISSING;
    if (!read_timestamp(timestamp, &at))
        return CT_SIGNATURE_MALFORMED;
    return at < now - tolerance || at > now + tolerance ? CT_SIGNATURE_STALE : CT_SIGNATURE_FINE;
}

enum ct_signature ct_signature_chatwoot(const char *const *secrets, ct_span timestamp, ct_span header, ct_span body,
                                        ct_usec now, ct_usec tolerance)
{
    enum ct_signature time = check_time(timestamp, now, tolerance);
    if (time == CT_SIGNATURE_MISSING || time == CT_SIGNATURE_MALFORMED)
        return time;
    ct_span pieces[] = {timestamp, CT_SPAN_LIT("."), body};
    enum ct_signature signature = check_hex(secrets, header, pieces, 3);
    return signature == CT_SIGNATURE_FINE ? time : signature;
}

/* Strict base64 with its padding; false = none, or over `capacity` bytes. */
static bool decode_base64(ct_span text, unsigned char *out, size_t capacity, size_t *len)
{
    unsigned char raw[3 * 64 + 3];
    if (text.len == 0 || text.len % 4 || text.len / 4 * 3 > sizeof(raw))
        return false;
    size_t padding = (size_t)(text.at[text.len - 1] == '=') + (size_t)(text.at[text.len - 2] == '=');
    for (size_t i = 0; i < text.len - padding; i++)
        if (text.at[i] == '=')
            return false;
    int got = EVP_DecodeBlock(raw, (const unsigned char *)text.at, (int)text.len);
    if (got < 0 || (size_t)got - padding > capacity)
        return false;
    *len = (size_t)got - padding;
    memcpy(out, raw, *len);
    return true;
}

static bool read_key(const char *secret, unsigned char *key, size_t *len)
{
    return strncmp(secret, "whsec_", 6) == 0 && decode_base64(ct_span_of(secret + 6), key, KEY_BYTES_MAX, len) &&
           *len >= 16;
}

bool ct_signature_is_standard_secret(const char *secret)
{
    unsigned char key[KEY_BYTES_MAX];
    size_t len;
    return read_key(secret, key, &len);
}

/* Does one of the "v1,BASE64" in the list equal `due`? All are compared; *any = one was well-formed. */
static bool one_of(ct_span list, const unsigned char *due, bool *any)
{
    bool fits = false;
    for (size_t from = 0; from < list.len;) {
        size_t to = from;
        while (to < list.len && list.at[to] != ' ')
            to++;
        ct_span one = {list.at + from, to - from};
        unsigned char given[KEY_BYTES_MAX];
        size_t len = 0;
        if (one.len > 3 && memcmp(one.at, "v1,", 3) == 0 &&
            decode_base64((ct_span){one.at + 3, one.len - 3}, given, sizeof(given), &len) && len == SHA256_BYTES) {
            *any = true;
            bool same = ct_equal_secret(bytes_of(given), bytes_of(due));
            fits = fits || same;
        }
        from = to + 1;
    }
    return fits;
}

enum ct_signature ct_signature_standard(const char *const *secrets, ct_span id, ct_span timestamp, ct_span signatures,
                                        ct_span body, ct_usec now, ct_usec tolerance)
{
    enum ct_signature time = check_time(timestamp, now, tolerance);
    if (id.len == 0 || signatures.len == 0)
        return CT_SIGNATURE_MISSING;
    if (time == CT_SIGNATURE_MISSING || time == CT_SIGNATURE_MALFORMED)
        return time;
    ct_span pieces[] = {id, CT_SPAN_LIT("."), timestamp, CT_SPAN_LIT("."), body};
    bool fits = false, any = false;
    for (; secrets && *secrets; secrets++) {
        unsigned char key[KEY_BYTES_MAX], due[SHA256_BYTES];
        size_t len;
        bool same = read_key(*secrets, key, &len) && sign(key, len, pieces, 5, due) && one_of(signatures, due, &any);
        fits = fits || same;
    }
    return fits ? time : any ? CT_SIGNATURE_WRONG : CT_SIGNATURE_MALFORMED;
}

bool ct_signature_standard_sign(const char *const *secrets, ct_span id, ct_span timestamp, ct_span body,
                                char out[CT_SIGNATURE_STANDARD_BYTES])
{
    ct_span pieces[] = {id, CT_SPAN_LIT("."), timestamp, CT_SPAN_LIT("."), body};
    enum { ONE = 48 }; /* " v1," and base64 of 32 bytes */
    size_t used = 0;
    for (; secrets && *secrets; secrets++) {
        unsigned char key[KEY_BYTES_MAX], hash[SHA256_BYTES];
        size_t len;
        if (used + ONE + 1 > CT_SIGNATURE_STANDARD_BYTES || !read_key(*secrets, key, &len) ||
            !sign(key, len, pieces, 5, hash))
            return false;
        memcpy(out + used, used ? " v1," : "v1,", used ? 4 : 3);
        used += used ? 4 : 3;
        used += (size_t)EVP_EncodeBlock((unsigned char *)out + used, hash, SHA256_BYTES);
    }
    out[used] = '\0';
    return used > 0;
}

enum ct_signature ct_signature_secret(const char *const *secrets, ct_span header)
{
    if (header.len == 0)
        return CT_SIGNATURE_MISSING;
    bool fits = false;
    for (; secrets && *secrets; secrets++) {
        bool same = ct_equal_secret(ct_span_of(*secrets), header);
        fits = fits || same;
    }
    return fits ? CT_SIGNATURE_FINE : CT_SIGNATURE_WRONG;
}
