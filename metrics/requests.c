/* requests.c - cancellation and return rates from transcripts. */
#include "metrics/requests.h"

/* Is `topic` one of the words of the record's topics? */
static bool is_about(const struct ct_record *record, const char *topic)
{
    ct_span topics = ct_record_text(record, CT_TEXT_TOPICS);
    for (size_t at = 0; at < topics.len;) {
        const char *end = memchr(topics.at + at, ' ', topics.len - at);
        size_t len = end ? (size_t)(end - topics.at) - at : topics.len - at;
        if (ct_span_is((ct_span){topics.at + at, len}, topic)) {
            return true;
        }
        at += len + 1;
    }
    return false;
}

static void fold(void *state, const struct ct_record *record)
{
    struct ct_requests *s = state;
    if (record->engaged) {
        s->engaged++;
        s->cancelling += is_about(record, "cancellation");
        s->returning += is_about(record, "return");
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_requests *s = state;
    const struct ct_requests *o = other;
    uint64_t by = ct_metric_by(sign);
    s->engaged += by * o->engaged;
    s->cancelling += by * o->cancelling;
    s->returning += by * o->returning;
}

const struct ct_metric ct_metric_requests = {
    .name = "requests", .state_bytes = sizeof(struct ct_requests), .fold = fold, .merge = merge};
