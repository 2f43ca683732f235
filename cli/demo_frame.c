/* demo_frame.c - just as much of WebSocket (RFC 6455) as two honest ends need who meet on loopback. See demo.h. */
#include "cli/demo.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { SHORT = 126, LONG = 127, DIGEST_BYTES = 20 };

enum ct_demo_reading ct_demo_frame_read(struct ct_demo_bytes *in, struct ct_demo_frame *out)
{
    const unsigned char *b = (const unsigned char *)in->at;
    size_t head = 2;
    if (in->len < head) {
        return CT_DEMO_MORE;
    }
    size_t len = b[1] & 0x7f;
    bool masked = (b[1] & 0x80) != 0;
    if (len == LONG || (b[0] & 0x70)) {
        return CT_DEMO_BROKEN; /* nobody here says so much, nor has extensions */
    }
    if (len == SHORT) {
        head += 2;
        if (in->len < head) {
            return CT_DEMO_MORE;
        }
        len = (size_t)b[2] << 8 | b[3];
    }
    const size_t mask_at = head;
    head += masked ? 4 : 0;
    if (in->len < head + len) {
        return CT_DEMO_MORE;
    }
    for (size_t i = 0; masked && i < len; i++) {
        in->at[head + i] = (char)(in->at[head + i] ^ in->at[mask_at + i % 4]);
    }
    *out = (struct ct_demo_frame){b[0] & 0x0f, (b[0] & 0x80) != 0, in->at + head, len, head + len};
    return CT_DEMO_WHOLE;
}

void ct_demo_frame_send(struct ct_demo_line *line, unsigned opcode, bool last, uint32_t mask, ct_span payload)
{
    unsigned char head[8];
    size_t len = 0;
    if (payload.len > UINT16_MAX) {
        ct_demo_close(line);
        return;
    }
    head[len++] = (unsigned char)(opcode | (last ? 0x80 : 0));
    if (payload.len < SHORT) {
        head[len++] = (unsigned char)(payload.len | (mask ? 0x80 : 0));
    } else {
        head[len++] = (unsigned char)(SHORT | (mask ? 0x80 : 0));
        head[len++] = (unsigned char)(payload.len >> 8);
        head[len++] = (unsigned char)payload.len;
    }
    unsigned char key[4] = {(unsigned char)(mask >> 24), (unsigned char)(mask >> 16), (unsigned char)(mask >> 8),
                            (unsigned char)mask};
    struct ct_demo_bytes frame = {0};
    bool good = ct_demo_bytes_add(&frame, head, len) && (!mask || ct_demo_bytes_add(&frame, key, sizeof key));
    size_t begin = frame.len;
    good = good && ct_demo_bytes_add(&frame, payload.at, payload.len);
    for (size_t i = 0; good && mask && i < payload.len; i++) {
        frame.at[begin + i] = (char)(frame.at[begin + i] ^ (char)key[i % 4]);
    }
    if (good) {
        ct_demo_send(line, frame.at, frame.len);
    } else {
        ct_demo_close(line);
    }
    free(frame.at);
}

void ct_demo_frame_accept(ct_span key, char out[29])
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    out[0] = '\0';
    if (context && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
        EVP_DigestUpdate(context, key.at, key.len) == 1 && EVP_DigestUpdate(context, magic, sizeof magic - 1) == 1 &&
        EVP_DigestFinal_ex(context, digest, &len) == 1 && len == DIGEST_BYTES) {
        (void)EVP_EncodeBlock((unsigned char *)out, digest, DIGEST_BYTES);
    }
    EVP_MD_CTX_free(context);
}
