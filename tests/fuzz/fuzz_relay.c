/* fuzz_relay.c - any bytes in both directions of a connection, every reader of the relay: no crash, no leak, bounded
 * memory, and the same messages and drops wherever the bytes are cut.
 *
 * An input is a byte of options and then pieces: a byte (bit 7: from the client, bit 6: that side ends), a length in
 * two bytes, and so many bytes. With -fsanitize=fuzzer this is a libFuzzer target. Without, its own main mutates the
 * cases of tests/unit/relay_cases.h, the same ones each time:
 *
 *     fuzz_relay [COUNT [SEED]]
 */
#include "plugin/relay/eyes.h"
#include "tests/unit/relay_cases_http.h"
#include "tests/unit/relay_seen.h"

#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok, const char *what, const char *detail)
{
    if (ok)
        return;
    fprintf(stderr, "law broken: %s: %s\n", what, detail);
    abort();
}

static void feed(struct ct_eyes **eyes, bool client, ct_span bytes)
{
    if (*eyes && !ct_eyes_feed(*eyes, client, bytes, 1)) {
        ct_eyes_free(*eyes);
        *eyes = NULL;
    }
}

/* `piece`: bytes at a time; 0 = as they lie there. */
static void play(const uint8_t *data, size_t size, struct seen *seen, size_t piece)
{
    struct ct_eyes_counts counts = {0};
    uint8_t options = size > 0 ? data[0] : 0;
    struct ct_eyes_setup setup = {
        .source = CT_SPAN_LIT("fuzz"),
        .client_is = options & 1 ? CT_DIRECTION_OUT : CT_DIRECTION_IN,
        .websocket = true,
        .events = !(options & 2),
        .http = !(options & 4),
        .message_max = options & 8 ? 100 : 5000,
        .head_max = options & 16 ? 200 : 4000,
        .intake = &seen->intake,
        .counts = &counts,
    };
    struct ct_eyes *eyes = ct_eyes_new(&setup, CT_SPAN_LIT("1-1"));
    must(eyes != NULL, "memory", "none");
    for (size_t at = 1; at + 3 <= size;) {
        bool client = (data[at] & 128) != 0, ends = (data[at] & 64) != 0;
        size_t len = data[at + 1] | (size_t)data[at + 2] << 8;
        at += 3;
        if (len > size - at)
            len = size - at;
        for (size_t i = 0; i < len;) {
            size_t now = piece && len - i > piece ? piece : len - i;
            feed(&eyes, client, (ct_span){(const char *)data + at + i, now});
            if (piece && eyes)
                ct_eyes_rest(eyes);
            i += now;
        }
        at += len;
        if (ends)
            feed(&eyes, client, CT_SPAN_NONE);
    }
    ct_eyes_free(eyes);
}

static void same(struct seen *a, struct seen *b)
{
    must(a->count == b->count, "messages", "their number depends on the cut");
    for (unsigned i = 0; i < a->count; i++) {
        const struct seen_entry *x = &a->entries[i], *y = &b->entries[i];
        must(x->len == y->len && memcmp(x->bytes, y->bytes, x->len) == 0, "messages depend on the cut", x->bytes);
        must(x->direction == y->direction && strcmp(x->target, y->target) == 0, "target depends on the cut", x->target);
        must(ct_utf8_valid((ct_span){x->bytes, x->len}, NULL), "messages", "not UTF-8");
        must(ct_utf8_valid(ct_span_of(x->target), NULL), "target", "not UTF-8");
    }
    for (unsigned i = 0; i < a->drop_count; i++) {
        /* A head that is both too long and bad is either, by what of it comes first. */
        if (strcmp(a->drops[i].reason, "relay_bad_http") != 0 && strcmp(a->drops[i].reason, "relay_head_too_long") != 0)
            must(seen_drops(b, a->drops[i].reason) == a->drops[i].count, "drops depend on the cut", a->drops[i].reason);
    }
    must(seen_drops(a, NULL) == seen_drops(b, NULL), "drops depend on the cut", "more when cut");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seen *whole, *cut;
    if (size > INPUT_MAX)
        return 0;
    if (whole == NULL) {
        whole = seen_new();
        cut = seen_new();
    }
    play(data, size, whole, 0);
    play(data, size, cut, 1 + ct_hash((ct_span){(const char *)data, size}, 3) % 40 / 8);
    same(whole, cut);
    seen_clear(whole);
    seen_clear(cut);
    return 0;
}

#ifndef CT_LIBFUZZER

#include "tests/fuzz/mutate.h"

#define SEEDS_MAX 1024
static struct seed seeds[SEEDS_MAX];
static unsigned seed_count;

static void take_seed(const struct wire_case *one, void *context)
{
    (void)context;
    if (one->bytes.len > INPUT_MAX / 2 || seed_count == SEEDS_MAX)
        return;
    struct wire_bytes out = {0};
    uint8_t options = (uint8_t)((one->egress ? 1 : 0) | (one->message_max ? 8 : 0));
    wire_add(&out, &options, 1);
    for (unsigned i = 0; i < one->step_count; i++) {
        const struct wire_step *step = &one->steps[i];
        uint8_t head[3] = {(uint8_t)((step->client ? 128 : 0) | (step->end ? 64 : 0)), (uint8_t)step->len,
                           (uint8_t)(step->len >> 8)};
        wire_add(&out, head, sizeof head);
        wire_add(&out, one->bytes.at + step->at, step->len);
    }
    seeds[seed_count].at = (uint8_t *)out.at;
    seeds[seed_count++].len = out.len;
}

static const char *const pieces[] = {
    "\r\n",
    "\r\n\r\n",
    "\n\n",
    "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "\x81\x02hi",
    "\x89\x00",
    "\x88\x02\x03\xe8",
    "\x81\x7e\xff\xff",
    "GET / HTTP/1.1\r\n\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Encoding: gzip\r\n",
    "HTTP/1.1 200 OK\r\n",
    "data: x\n\n",
    "0\r\n\r\n",
    "Content-Type: text/event-stream\r\n",
    "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "Connection: close\r\n",
    "HEAD",
};

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
    uint64_t state = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1) << 32;
    static uint8_t input[INPUT_MAX];
    wire_every(take_seed, NULL, false);
    const struct mutants mutants = {seeds, seed_count, pieces, sizeof pieces / sizeof *pieces, 0, INPUT_MAX};
    for (unsigned i = 0; i < seed_count; i++)
        LLVMFuzzerTestOneInput(seeds[i].at, seeds[i].len);
    for (unsigned long i = 0; i < count; i++)
        LLVMFuzzerTestOneInput(input, mutate(&mutants, input, &state));
    printf("%u cases, %lu mutations\n", seed_count, count);
    for (unsigned i = 0; i < seed_count; i++)
        free(seeds[i].at);
    return 0;
}

#endif
