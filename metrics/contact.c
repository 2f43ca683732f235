/* contact.c - first contact resolution. */
#include "metrics/contact.h"

static const ct_usec windows[CT_CONTACT_WINDOWS] = {
#define X(days) (days) * CT_USEC_PER_DAY,
    CT_CONTACT_MAP(X)
#undef X
};

#define X(days) _Static_assert((days)*CT_USEC_PER_DAY <= CT_CONTACT_LONGEST, "the longest is said in contact.h");
CT_CONTACT_MAP(X)
#undef X

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
            bool resolved = record->resolved == CT_TRUE, back = !outside(record->next_contact_usec, windows[i]);
            s->window[i].base++;
            s->window[i].first += resolved && !back && outside(record->previous_contact_usec, windows[i]);
            s->window[i].resolved += resolved;
            s->window[i].back += resolved && back;
        }
    }
}

static void fold_open(void *state, const struct ct_record *record, const struct ct_terms *terms)
{
    struct ct_contact *s = state;
    if (!record->engaged || !record->has_customer || !record->timed || record->ended_at == CT_USEC_NONE ||
        terms->as_of == CT_USEC_NONE) {
        return;
    }
    if (record->immature) {
        ct_pending_add(&s->pending, record->ended_at + terms->return_window_usec);
    }
    for (unsigned i = 0; i < CT_CONTACT_WINDOWS; i++) {
        if (record->observed_usec < windows[i]) {
            ct_pending_add(&s->window[i].pending, record->ended_at + windows[i]);
            if (record->resolved == CT_TRUE) {
                ct_pending_add(&s->window[i].resolved_pending, record->ended_at + windows[i]);
            }
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
    ct_pending_merge(&s->pending, &o->pending, sign);
    for (unsigned i = 0; i < CT_CONTACT_WINDOWS; i++) {
        s->window[i].base += by * o->window[i].base;
        s->window[i].first += by * o->window[i].first;
        s->window[i].resolved += by * o->window[i].resolved;
        s->window[i].back += by * o->window[i].back;
        ct_pending_merge(&s->window[i].pending, &o->window[i].pending, sign);
        ct_pending_merge(&s->window[i].resolved_pending, &o->window[i].resolved_pending, sign);
    }
}

const struct ct_metric ct_metric_contact = {
    .name = "contact", .state_bytes = sizeof(struct ct_contact), .fold = fold, .fold_open = fold_open, .merge = merge};
