/* make_record.h - records for tests, written by hand: a head, texts and response times laid out as record.h says. */
#ifndef CT_MAKE_RECORD_H
#define CT_MAKE_RECORD_H

#include <stdlib.h>

#include "engine/record.h"

struct make_tail {
    const char *text[CT_TEXT_COUNT]; /* NULL = empty */
    const int64_t *response_usec;
    uint32_t response_count;
    const uint16_t *signals;
    uint32_t signal_count;
    const struct ct_evidence *evidence;
    uint32_t evidence_count;
    const uint32_t *decided_by;
    uint32_t decided_count;
    const struct ct_beaten *beaten;
    uint32_t beaten_count;
};

/* What a conversation has before anything is known of it. */
static inline struct ct_record make_head(void)
{
    struct ct_record head;
    memset(&head, 0, sizeof head);
    head.started_at = head.ended_at = head.asked_at = CT_USEC_NONE;
    head.requested_at = head.joined_at = head.wait_usec = head.queue_abandoned_usec = CT_USEC_NONE;
    head.resolved_at = head.complaint_at = CT_USEC_NONE;
    head.first_response_usec = head.human_first_response_usec = CT_USEC_NONE;
    head.ai_handling_usec = head.human_handling_usec = head.total_handling_usec = CT_USEC_NONE;
    head.next_contact_usec = head.previous_contact_usec = CT_USEC_NONE;
    head.next_any_usec = head.previous_any_usec = CT_USEC_NONE;
    head.resolved = head.first_contact = CT_NULL;
    head.outcome = CT_OUTCOME_SILENT;
    return head;
}

static inline struct ct_slice32 make_put(char *base, size_t *at, const void *bytes, size_t size, uint32_t count)
{
    struct ct_slice32 slice = {(uint32_t)*at, count};
    if (count) {
        memcpy(base + *at, bytes, size * count);
        *at += (size * count + 7) / 8 * 8;
    }
    return slice;
}

/* Heap, the caller frees. tail may be NULL. */
static inline struct ct_record *make_record(const struct ct_record *head, const struct make_tail *tail)
{
    static const struct make_tail none;
    tail = tail ? tail : &none;
    size_t bytes = (sizeof *head + 7) / 8 * 8, at = bytes;
    for (unsigned i = 0; i < CT_TEXT_COUNT; i++) {
        bytes += tail->text[i] ? (strlen(tail->text[i]) + 7) / 8 * 8 : 0;
    }
    bytes += (sizeof(int64_t) * tail->response_count + 7) / 8 * 8 +
             (sizeof(uint16_t) * tail->signal_count + 7) / 8 * 8 +
             (sizeof(struct ct_evidence) * tail->evidence_count + 7) / 8 * 8 +
             (sizeof(uint32_t) * tail->decided_count + 7) / 8 * 8 +
             (sizeof(struct ct_beaten) * tail->beaten_count + 7) / 8 * 8;
    struct ct_record *record = calloc(1, bytes);
    if (!record) {
        abort();
    }
    char *base = (char *)record;
    memcpy(record, head, sizeof *head);
    record->bytes = (uint32_t)bytes;
    for (unsigned i = 0; i < CT_TEXT_COUNT; i++) {
        const char *text = tail->text[i] ? tail->text[i] : "";
        record->text[i] = make_put(base, &at, text, 1, (uint32_t)strlen(text));
    }
    record->response_usec = make_put(base, &at, tail->response_usec, sizeof(int64_t), tail->response_count);
    record->signals = make_put(base, &at, tail->signals, sizeof(uint16_t), tail->signal_count);
    record->evidence = make_put(base, &at, tail->evidence, sizeof(struct ct_evidence), tail->evidence_count);
    record->decided_by = make_put(base, &at, tail->decided_by, sizeof(uint32_t), tail->decided_count);
    record->beaten = make_put(base, &at, tail->beaten, sizeof(struct ct_beaten), tail->beaten_count);
    return record;
}

#endif
