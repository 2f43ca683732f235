/* contact.c - first contact resolution. */
#include "metrics/contact.h"

static const ct_usec windows[CT_CONTACT_WINDOWS] = {
#define X(days) (days) * CT_USEC_PER_DAY,
    CT_CONTACT_MAP(X)
#undef X
};

static bool outside(ct_usec gap, ct_usec window)
{
    return gap == CT_USEC_NONE || gap > window;
}

static void fold(void *state, const struct ct_record *record)
{
    struct ct_contact *s = state;
    if (!record->engaged) {
        return;
    }
    s->engaged++;
    if (record->first_contact != CT_NULL) {
        s->base++;
        s->first += record->first_contact == CT_TRUE;
        s->returned += record->returned;
    }
    if (!record->has_customer || !record->timed) {
        return;
    }
    for (unsigned i = 0; i < CT_CONTACT_WINDOWS; i++) {
        if (record->observed_usec >= windows[i]) {
            s->window_base[i]++;
            s->window_first[i] += record->resolved == CT_TRUE && outside(record->next_contact_usec, windows[i]) &&
                                  outside(record->previous_contact_usec, windows[i]);
        }
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_contact *s = state;
    const struct ct_contact *o = other;
    uint64_t by = ct_metric_by(sign);
    s->engaged += by * o->engaged;
    s->base += by * o->base;
    s->first += by * o->first;
    s->returned += by * o->returned;
    for (unsigned i = 0; i < CT_CONTACT_WINDOWS; i++) {
        s->window_base[i] += by * o->window_base[i];
        s->window_first[i] += by * o->window_first[i];
    }
}

const struct ct_metric ct_metric_contact = {
    .name = "contact", .state_bytes = sizeof(struct ct_contact), .fold = fold, .merge = merge};
