/* channels.c - shares of channels. Channels beyond the maximum are one entry, "(other)". */
#include "metrics/channels.h"

static void channel_merge(void *entry, const void *other, int sign)
{
    struct ct_channel *s = entry;
    const struct ct_channel *o = other;
    uint64_t by = ct_metric_by(sign);
    s->conversations += by * o->conversations;
    s->customers += by * o->customers;
}

static const struct ct_keyed channels = {sizeof(struct ct_channel), CT_CHANNELS_MAX, channel_merge};

static struct ct_channel *channel_of(struct ct_channels *s, const struct ct_record *record)
{
    return ct_keyed_at(&channels, s->channel, &s->count, &s->other, ct_record_text(record, CT_TEXT_CHANNEL));
}

static void fold(void *state, const struct ct_record *record)
{
    struct ct_channels *s = state;
    if (record->engaged) {
        s->conversations++;
        channel_of(s, record)->conversations++;
    }
}

static int compare(ct_span a, ct_span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.at, b.at, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* A customer counts once a channel. One pass for each channel, in byte order and at most CT_CHANNELS_MAX of them, so
 * that a shared account with many conversations costs no more than that; whatever channels a customer has beyond
 * are beyond the table's too, and count once, together. */
static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_channels *s = state;
    const struct ct_record *const *records = customer->records;
    size_t count = customer->record_count;
    ct_span last = CT_SPAN_NONE;
    for (unsigned pass = 0; pass <= CT_CHANNELS_MAX; pass++) {
        const struct ct_record *next = NULL;
        ct_span next_name = CT_SPAN_NONE;
        for (size_t i = 0; i < count; i++) {
            if (!records[i]->engaged) {
                continue;
            }
            ct_span name = ct_keyed_cut(ct_record_text(records[i], CT_TEXT_CHANNEL));
            if ((pass == 0 || compare(name, last) > 0) && (!next || compare(name, next_name) < 0)) {
                next = records[i];
                next_name = name;
            }
        }
        if (!next) {
            return;
        }
        s->customers += pass == 0;
        if (pass == CT_CHANNELS_MAX) {
            s->other.customers++;
        } else {
            channel_of(s, next)->customers++;
        }
        last = next_name;
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_channels *s = state;
    const struct ct_channels *o = other;
    uint64_t by = ct_metric_by(sign);
    s->conversations += by * o->conversations;
    s->customers += by * o->customers;
    ct_keyed_merge(&channels, s->channel, &s->count, &s->other, o->channel, o->count, &o->other, sign);
}

static uint64_t cases(const struct ct_channel *channel, bool of_customers)
{
    return of_customers ? channel->customers : channel->conversations;
}

bool ct_channels_read(const struct ct_channels *state, bool of_customers, size_t index, struct ct_reading *out)
{
    const struct ct_channel *channel = NULL;
    out->denominator = (ct_wide)(of_customers ? state->customers : state->conversations);
    if (out->denominator == 0) {
        return index == 0; /* customers unknown: no shares, and so no parts */
    }
    if (index == 0) {
        for (uint32_t i = 0; i < state->count; i++) {
            const struct ct_channel *c = &state->channel[i];
            if (!channel || cases(c, of_customers) > cases(channel, of_customers)) {
                channel = c;
            }
        }
    } else {
        channel = ct_keyed_shown(&channels, state->channel, state->count, index - 1);
        if (!channel && cases(&state->other, of_customers) &&
            (index == 1 || ct_keyed_shown(&channels, state->channel, state->count, index - 2))) {
            channel = &state->other; /* after the last of them */
        }
        if (!channel) {
            return false;
        }
    }
    if (channel) {
        const char *key = channel == &state->other ? "(other)" : channel->key[0] ? channel->key : "(none)";
        memcpy(out->key, key, strlen(key) + 1);
        out->numerator = (ct_wide)cases(channel, of_customers);
    }
    return true;
}

const struct ct_metric ct_metric_channels = {.name = "channels",
                                             .state_bytes = sizeof(struct ct_channels),
                                             .fold = fold,
                                             .fold_customer = fold_customer,
                                             .merge = merge};
