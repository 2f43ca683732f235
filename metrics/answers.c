/* answers.c - answers by the name of what they answer, sorted. See answers.h. */
#include "metrics/answers.h"

#include <stdlib.h>

struct answer {
    uint64_t key;
    ct_usec at;
};
struct ct_answers {
    struct answer *at;
    size_t count, capacity;
    uint64_t seen; /* answers; of more than CT_ANSWERS_MAX the entries go */
};

enum { OF_ALL = 0xA115, OF_NOBODY = 0xA0B0 };

static uint64_t key_of(ct_span tenant, ct_span name, uint64_t kind)
{
    return ct_hash(name, ct_hash(tenant, kind));
}

struct ct_answers *ct_answers_new(void)
{
    return calloc(1, sizeof(struct ct_answers));
}

void ct_answers_free(struct ct_answers *answers)
{
    if (answers) {
        free(answers->at);
        free(answers);
    }
}

static bool room(struct ct_answers *answers, size_t more)
{
    if (answers->count + more <= answers->capacity) {
        return true;
    }
    size_t capacity = answers->capacity ? answers->capacity * 2 : 64;
    capacity = capacity < answers->count + more ? answers->count + more : capacity;
    struct answer *at = reallocarray(answers->at, capacity, sizeof *at);
    if (!at) {
        return false;
    }
    answers->at = at;
    answers->capacity = capacity;
    return true;
}

/* Too many: how many they are hangs on the input alone, and so does that none of them is kept. */
static bool is_beyond(struct ct_answers *answers)
{
    if (answers->seen <= CT_ANSWERS_MAX) {
        return false;
    }
    free(answers->at);
    answers->at = NULL;
    answers->count = answers->capacity = 0;
    return true;
}

enum ct_status ct_answers_add(struct ct_answers *answers, const struct ct_business *event)
{
    ct_span name = ct_business_text(event, CT_BUSINESS_REF), tenant = ct_business_text(event, CT_BUSINESS_TENANT);
    if (event->type != CT_BUSINESS_FEEDBACK_ANSWERED || !name.len) {
        return CT_OK;
    }
    answers->seen++;
    if (is_beyond(answers)) {
        return CT_OK;
    }
    if (!room(answers, 2)) {
        return CT_NO_MEMORY;
    }
    answers->at[answers->count++] = (struct answer){key_of(tenant, name, OF_ALL), event->at};
    if (event->customer_hash == 0) {
        answers->at[answers->count++] = (struct answer){key_of(tenant, name, OF_NOBODY), event->at};
    }
    return CT_OK;
}

enum ct_status ct_answers_merge(struct ct_answers *answers, const struct ct_answers *other)
{
    answers->seen += other->seen;
    if (is_beyond(answers) || other->count == 0) {
        return CT_OK;
    }
    if (!room(answers, other->count)) {
        return CT_NO_MEMORY;
    }
    memcpy(answers->at + answers->count, other->at, other->count * sizeof *other->at);
    answers->count += other->count;
    return CT_OK;
}

static int compare(const void *left, const void *right)
{
    const struct answer *a = left, *b = right;
    return a->key != b->key ? (a->key < b->key ? -1 : 1) : (a->at > b->at) - (a->at < b->at);
}

void ct_answers_settle(struct ct_answers *answers)
{
    if (answers->count > 1) {
        qsort(answers->at, answers->count, sizeof *answers->at, compare);
    }
}

uint64_t ct_answers_beyond(const struct ct_answers *answers)
{
    return answers->seen > CT_ANSWERS_MAX ? answers->seen : 0;
}

enum ct_answered ct_answers_find(const struct ct_answers *answers, ct_span tenant, ct_span name, bool nobodys,
                                 ct_usec from, ct_usec known)
{
    if (!answers || !name.len || ct_answers_beyond(answers)) {
        return CT_ANSWERED_UNKNOWN;
    }
    const struct answer want = {key_of(tenant, name, nobodys ? OF_ALL : OF_NOBODY), from};
    size_t low = 0, high = answers->count; /* the first that is not before it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&answers->at[middle], &want) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < answers->count && answers->at[low].key == want.key && answers->at[low].at < known;
    return found ? CT_ANSWERED_YES : CT_ANSWERED_NO;
}
