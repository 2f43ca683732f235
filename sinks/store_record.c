/* store_record.c - records as a store keeps them: flat, without what other conversations decide, checked when they are
 * read back. Used by store_put.c, store_read.c and store_check.c.
 */
#include "sinks/store_state.h"

#include <stdlib.h>

enum { MEANING = 1 /* raised where a field's meaning changes and its place does not */ };

int64_t ct_store_layout(void)
{
#define AT(field) (uint32_t) offsetof(struct ct_record, field)
    static const uint32_t places[] = {
        MEANING,
        (uint32_t)sizeof(struct ct_record),
        (uint32_t)sizeof(struct ct_score),
        (uint32_t)sizeof(struct ct_evidence),
        (uint32_t)sizeof(struct ct_beaten),
        CT_TEXT_COUNT,
        CT_SCORE_COUNT,
        CT_OUTCOME_COUNT,
        AT(conversation_hash),
        AT(has_customer),
        AT(started_at),
        AT(session),
        AT(outcome),
        AT(engaged),
        AT(requested),
        AT(positive),
        AT(asked_at),
        AT(resolved_at),
        AT(score),
        AT(survey_asked),
        AT(user_messages),
        AT(fallbacks),
        AT(positive_messages),
        AT(comments_answered),
        AT(first_response_usec),
        AT(total_handling_usec),
        AT(unanswered),
        AT(inferred),
        AT(has_cost),
        AT(cost_source),
        AT(tokens_input),
        AT(human_price),
        AT(unpriced),
        AT(cost_undated),
        AT(first_contact),
        AT(observed_usec),
        AT(text),
        AT(response_usec),
        AT(signals),
        AT(evidence),
        AT(decided_by),
        AT(beaten),
    };
#undef AT
    return (int64_t)(ct_hash((ct_span){(const char *)places, sizeof places}, 0x1A7) >> 32);
}

struct ct_store_key ct_store_key_of(const struct ct_record *record)
{
    bool dated = record->started_at != CT_USEC_NONE;
    return (struct ct_store_key){.conversation_id = ct_record_text(record, CT_TEXT_CONVERSATION_ID),
                                 .tenant = ct_record_text(record, CT_TEXT_TENANT),
                                 .session = dated ? 0 : record->session,
                                 .started_at = dated ? record->started_at : 0};
}

/* What lies between a score's fields is whatever was in memory: equal records shall be equal bytes. */
static void clear_gaps(struct ct_score *score)
{
    struct ct_score was = *score;
    memset(score, 0, sizeof *score);
    score->present = was.present;
    score->value = was.value;
    score->scale_min = was.scale_min;
    score->scale_max = was.scale_max;
    score->ts = was.ts;
    score->turned = was.turned;
    score->positive_from = was.positive_from;
}

bool ct_store_record_copy(struct ct_store_buffer *out, const struct ct_record *record)
{
    out->len = 0;
    if (!ct_store_buffer_add(out, (const char *)record, record->bytes)) {
        return false;
    }
    struct ct_record *copy = (struct ct_record *)(void *)out->bytes;
    struct ct_store_key key = ct_store_key_of(record);
    ct_record_unmark(copy);
    copy->rule_set = 0;
    for (unsigned i = 0; i < CT_SCORE_COUNT; i++) {
        clear_gaps(&copy->score[i]);
    }
    copy->session = key.session ? record->session : 1;
    uint64_t known_by[4] = {ct_hash(key.tenant, 0x7E), ct_hash(key.conversation_id, 0x1D), (uint64_t)key.session,
                            (uint64_t)key.started_at};
    copy->conversation_hash = ct_hash((ct_span){(const char *)known_by, sizeof known_by}, 0xC1D);
    return true;
}

static bool inside(const struct ct_record *record, struct ct_slice32 slice, size_t size, size_t align)
{
    return slice.count == 0 || (slice.at >= sizeof *record && slice.at % align == 0 && slice.at <= record->bytes &&
                                slice.count <= (record->bytes - slice.at) / size);
}

static bool texts_valid(const struct ct_record *record)
{
    for (unsigned i = 0; i < CT_TEXT_COUNT; i++) {
        if (!inside(record, record->text[i], 1, 1) ||
            !ct_utf8_valid(ct_record_text(record, (enum ct_text_field)i), NULL)) {
            return false;
        }
    }
    return true;
}

static bool flags_valid(const struct ct_record *record)
{
    /* Read as bytes: a bool that is neither 0 nor 1 may not be read as a bool. */
#define FLAG(field) (*((const unsigned char *)record + offsetof(struct ct_record, field)) <= 1)
    bool good = FLAG(has_customer) && FLAG(timed) && FLAG(label_decided) && FLAG(engaged) && FLAG(ai_answered) &&
                FLAG(bot_involved) && FLAG(escalated) && FLAG(requested) && FLAG(offered) && FLAG(announced) &&
                FLAG(performed) && FLAG(failed) && FLAG(refused) && FLAG(human_joined) && FLAG(positive) &&
                FLAG(negative) && FLAG(complaint) && FLAG(insult) && FLAG(reopened) && FLAG(closed_by_event) &&
                FLAG(confirmed_said) && FLAG(has_cost) && FLAG(has_human_price) && FLAG(returned) && FLAG(is_return) &&
                FLAG(immature);
#undef FLAG
    for (unsigned i = 0; i < CT_SCORE_COUNT; i++) {
        good &= *(const unsigned char *)&record->score[i].present <= 1;
        good &= *(const unsigned char *)&record->score[i].turned <= 1;
        good &= *(const unsigned char *)&record->survey_asked[i] <= 1;
    }
    return good && record->outcome < CT_OUTCOME_COUNT && record->resolved <= CT_NULL &&
           record->first_contact <= CT_NULL && record->abandoned_at <= CT_ABANDONED_QUEUE;
}

bool ct_store_record_valid(const struct ct_record *record, size_t bytes, const char **why)
{
    *why = "it has another length than it says";
    if (bytes < sizeof *record || record->bytes != bytes) {
        return false;
    }
    *why = "a flag is neither true nor false";
    if (!flags_valid(record)) {
        return false;
    }
    *why = "an array is outside of it";
    if (!inside(record, record->response_usec, sizeof(int64_t), 8) ||
        !inside(record, record->signals, sizeof(uint16_t), 2) ||
        !inside(record, record->evidence, sizeof(struct ct_evidence), 4) ||
        !inside(record, record->decided_by, sizeof(uint32_t), 4) ||
        !inside(record, record->beaten, sizeof(struct ct_beaten), 4)) {
        return false;
    }
    *why = "a text is outside of it, or no UTF-8";
    return texts_valid(record);
}
