/* adoption.c - adoption of the AI channel against the customer base. */
#include "metrics/adoption.h"

#include "metrics/account.h"

enum { HASH_DIGITS = 16 };

static void base_merge(void *entry, const void *other, int sign)
{
    struct ct_base *s = entry;
    const struct ct_base *o = other;
    s->events += ct_metric_by(sign) * o->events;
    s->customers += sign * o->customers;
}

static const struct ct_keyed bases = {sizeof(struct ct_base), CT_BASES_MAX, base_merge};

static void put_hash(char out[HASH_DIGITS], ct_span text)
{
    uint64_t hash = ct_hash(text, 0xBA5E);
    for (unsigned i = 0; i < HASH_DIGITS; i++) {
        out[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
    }
}

static void fold(void *state, const struct ct_record *record)
{
    struct ct_adoption *s = state;
    s->conversations++;
    s->unknown += ct_adoption_is_use(record) && !record->has_customer;
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_adoption *s = state;
    bool wrote = false, used = false;
    for (size_t i = 0; i < customer->record_count; i++) {
        const struct ct_record *record = customer->records[i];
        if (ct_adoption_holds(customer->terms, record)) {
            wrote |= record->engaged;
            used |= ct_adoption_is_use(record);
        }
    }
    s->adopters += used;
    s->customers += wrote || customer->account->in_period;
}

static void fold_event(void *state, const struct ct_business *event, const struct ct_terms *terms)
{
    struct ct_adoption *s = state;
    if (event->type != CT_BUSINESS_CUSTOMER_BASE || event->numbers.count < 0 || !ct_terms_hold(terms, event->at)) {
        return;
    }
    char key[2 * HASH_DIGITS];
    ct_span segment = ct_business_text(event, CT_BUSINESS_SEGMENT);
    put_hash(key, ct_business_text(event, CT_BUSINESS_TENANT));
    put_hash(key + HASH_DIGITS, segment);
    struct ct_base *base =
        ct_keyed_at(&bases, s->base, &s->count, &s->other, (ct_span){key, segment.len ? sizeof key : HASH_DIGITS});
    base->events++;
    base->customers += event->numbers.count;
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_adoption *s = state;
    const struct ct_adoption *o = other;
    uint64_t by = ct_metric_by(sign);
    s->adopters += by * o->adopters;
    s->customers += by * o->customers;
    s->unknown += by * o->unknown;
    s->conversations += by * o->conversations;
    ct_keyed_merge(&bases, s->base, &s->count, &s->other, o->base, o->count, &o->other, sign);
}

/* A tenant's own entry stands right before those of its segments. */
static ct_wide base_of(const struct ct_adoption *state)
{
    const struct ct_base *whole = NULL, *base;
    ct_wide sum = 0;
    for (size_t i = 0; (base = ct_keyed_shown(&bases, state->base, state->count, i)); i++) {
        bool is_segment = base->key[HASH_DIGITS] != '\0';
        if (is_segment && whole && memcmp(whole->key, base->key, HASH_DIGITS) == 0) {
            continue;
        }
        whole = is_segment ? whole : base;
        sum += ct_wide_divide(base->customers, (ct_wide)base->events);
    }
    return sum;
}

bool ct_adoption_read(const struct ct_adoption *state, bool known, size_t index, struct ct_reading *out)
{
    bool stated = !known && ct_keyed_shown(&bases, state->base, state->count, 0);
    const char *key = stated ? "customer_base" : "known_customers";
    memcpy(out->key, key, strlen(key) + 1);
    out->numerator = (ct_wide)state->adopters;
    out->denominator = state->conversations == 0 ? 0 : stated ? base_of(state) : (ct_wide)state->customers;
    out->left_out = state->unknown + (stated ? state->other.events : 0);
    return index == 0;
}

const struct ct_metric ct_metric_adoption = {.name = "adoption",
                                             .state_bytes = sizeof(struct ct_adoption),
                                             .fold = fold,
                                             .fold_customer = fold_customer,
                                             .fold_event = fold_event,
                                             .merge = merge};
