/* record.c - lays a closed conversation out as flat memory (record.h); called once at close. */
#include "engine/business.h"
#include "engine/conversation_state.h"

#include <stdlib.h>

const char *ct_outcome_text(enum ct_outcome outcome)
{
    static const char *const texts[CT_OUTCOME_COUNT] = {
#define X(name, text) [CT_OUTCOME_##name] = text,
        CT_OUTCOME_MAP(X)
#undef X
    };
    return outcome < CT_OUTCOME_COUNT ? texts[outcome] : "unknown";
}

static uint32_t aligned(size_t bytes)
{
    return (uint32_t)((bytes + 7) & ~(size_t)7);
}

/* Distinct signals, ascending, into `out`; returns how many. */
static uint32_t distinct_signals(const struct ct_conversation *c, uint32_t evidence_count, uint16_t *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < evidence_count; i++) {
        uint16_t signal = ct_evidence_of(c)[i].signal;
        uint32_t at = 0, behind = count;
        while (at < behind) {
            uint32_t middle = (at + behind) / 2;
            if (out[middle] < signal) {
                at = middle + 1;
            } else {
                behind = middle;
            }
        }
        if (at < count && out[at] == signal) {
            continue;
        }
        memmove(out + at + 1, out + at, (count - at) * sizeof *out);
        out[at] = signal;
        count++;
    }
    return count;
}

static void put(char *base, uint32_t *at, struct ct_slice32 *slice, const void *data, uint32_t count, size_t size)
{
    *slice = (struct ct_slice32){*at, count};
    size_t bytes = count * size;
    if (bytes) {
        uint32_t end = aligned(*at + bytes);
        memset(base + end - 8, 0, 8); /* what is left of the last word: same conversation, same bytes */
        memcpy(base + *at, data, bytes);
        *at = end;
    }
}

const struct ct_record *ct_record_build(struct ct_conversation *c, const struct ct_verdict *verdict)
{
    struct ct_record *head = &c->head;
    const struct ct_verdict none = {0};
    uint32_t evidence_count = c->options.drop_evidence ? 0 : c->evidence.count;
    if (c->options.drop_evidence) {
        verdict = &none;
    }
    size_t most_signals = evidence_count < c->rules->signal_count ? evidence_count : c->rules->signal_count;
    size_t bytes = aligned(sizeof *head) + aligned(c->responses.count * sizeof(ct_usec)) + aligned(most_signals * 2) +
                   aligned(evidence_count * sizeof(struct ct_evidence)) + aligned(verdict->decided_count * 4) +
                   aligned(verdict->beaten_count * sizeof(struct ct_beaten)) + 64;
    for (int i = 0; i < CT_TEXT_COUNT; i++) {
        bytes += aligned(c->text[i].len);
    }
    if (bytes > UINT32_MAX) {
        return NULL;
    }
    if (bytes > c->record_capacity) {
        char *record = realloc(c->record, bytes);
        if (!record) {
            return NULL;
        }
        c->record = record;
        c->record_capacity = bytes;
    }
    head->session = c->session;
    head->has_customer = c->text[CT_TEXT_USER_ID].len > 0;
    uint64_t conversation[3] = {c->tenant_hash, c->id_hash, c->session};
    uint64_t customer[3] = {c->tenant_hash, head->has_customer ? c->user_hash : c->id_hash, head->has_customer};
    head->conversation_hash = ct_hash((ct_span){(const char *)conversation, sizeof conversation}, 0xC1D);
    head->customer_hash = ct_hash((ct_span){(const char *)customer, sizeof customer}, CT_CUSTOMER_SEED);
    head->content_hash = c->content_hash;

    char *base = c->record;
    uint32_t at = aligned(sizeof *head);
    for (int i = 0; i < CT_TEXT_COUNT; i++) {
        put(base, &at, &head->text[i], c->text[i].at, (uint32_t)c->text[i].len, 1);
    }
    put(base, &at, &head->response_usec, c->responses.at, c->responses.count, sizeof(ct_usec));
    uint16_t *signals = (uint16_t *)(void *)(base + at);
    uint32_t signal_count = distinct_signals(c, evidence_count, signals);
    head->signals = (struct ct_slice32){at, signal_count};
    uint32_t end = aligned(at + signal_count * sizeof *signals);
    memset(base + at + signal_count * sizeof *signals, 0, end - at - signal_count * sizeof *signals);
    at = end;
    put(base, &at, &head->evidence, c->evidence.at, evidence_count, sizeof(struct ct_evidence));
    put(base, &at, &head->decided_by, verdict->decided, verdict->decided_count, sizeof *verdict->decided);
    put(base, &at, &head->beaten, verdict->beaten, verdict->beaten_count, sizeof *verdict->beaten);
    head->bytes = at;
    memcpy(base, head, sizeof *head);
    memset(base + sizeof *head, 0, aligned(sizeof *head) - sizeof *head);
    return (const struct ct_record *)(const void *)base;
}
