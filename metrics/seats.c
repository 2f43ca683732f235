/* seats.c - seats in use. See seats.h. */
#include "metrics/seats.h"

#include <stdlib.h>

#include "metrics/account.h"
#include "metrics/days.h"
#include "metrics/names.h"

enum { DAY = 30, WEEK = 7 };

static uint64_t seats_in(const struct ct_business *event)
{
    static const int64_t most = INT64_C(1000000000000); /* sums of many accounts stay far from the end of a number */
    int64_t count = event->numbers.count;
    return count < 0 ? 0 : (uint64_t)(count < most ? count : most);
}

/* What the newest event of each name in [from, to) says, added up. false = there is none. */
static bool newest_seats(const struct ct_customer *customer, enum ct_business_type type, ct_usec from, ct_usec to,
                         uint64_t *seats)
{
    struct ct_names seen;
    ct_names_init(&seen);
    *seats = 0;
    for (size_t i = customer->event_count; i > 0 && customer->events[i - 1]->at >= from; i--) {
        const struct ct_business *event = customer->events[i - 1];
        if (event->type == type && event->at < to && ct_names_new(&seen, ct_business_text(event, CT_BUSINESS_NAME))) {
            *seats += seats_in(event);
        }
    }
    return seen.count > 0;
}

/* ---- seats by name of their user ------------------------------------------------------------------------------- */

static bool is_seat(const struct ct_business *event, ct_usec from, ct_usec to)
{
    return event->type == CT_BUSINESS_SEATS_ACTIVE && event->at >= from && event->at < to &&
           event->text[CT_BUSINESS_REF].len > 0;
}

struct use {
    uint64_t seat;
    unsigned week; /* bit */
};

static int by_seat(const void *left, const void *right)
{
    const struct use *a = left, *b = right;
    return a->seat < b->seat ? -1 : a->seat > b->seat;
}

enum found { FOUND_NONE, FOUND_SEATS, FOUND_NO_MEMORY };

/* How many different seats were active in at least `weeks` of the weeks that end with begin[count] (begin[i] to
 * begin[i + 1] is one). */
static enum found named_seats(const struct ct_customer *customer, const ct_usec *begin, unsigned count, uint64_t weeks,
                              uint64_t *seats)
{
    size_t uses = 0, filled = 0;
    *seats = 0;
    for (size_t i = 0; i < customer->event_count; i++) {
        uses += is_seat(customer->events[i], begin[0], begin[count]);
    }
    if (uses == 0) {
        return FOUND_NONE;
    }
    struct use *use = malloc(uses * sizeof *use);
    if (!use) {
        return FOUND_NO_MEMORY;
    }
    for (size_t i = 0; i < customer->event_count; i++) {
        const struct ct_business *event = customer->events[i];
        if (is_seat(event, begin[0], begin[count])) {
            unsigned week = 0;
            while (event->at >= begin[week + 1]) {
                week++;
            }
            use[filled++] = (struct use){ct_hash(ct_business_text(event, CT_BUSINESS_REF), 0x5EA7), 1u << week};
        }
    }
    qsort(use, uses, sizeof *use, by_seat);
    for (size_t i = 0; i < uses;) {
        unsigned in = 0;
        uint64_t seat = use[i].seat;
        for (; i < uses && use[i].seat == seat; i++) {
            in |= use[i].week;
        }
        *seats += (uint64_t)__builtin_popcount(in) >= weeks;
    }
    free(use);
    return FOUND_SEATS;
}

/* ---- day 30 ------------------------------------------------------------------------------------------------------ */

/* The account's day 0; CT_USEC_NONE = not known. */
static ct_usec start_of(const struct ct_customer *customer)
{
    if (customer->account->spell_count && customer->account->spell[0].from != CT_USEC_NONE) {
        return customer->account->spell[0].from;
    }
    for (size_t i = 0; i < customer->event_count; i++) {
        if (customer->events[i]->type == CT_BUSINESS_SEATS_BOUGHT) {
            return customer->events[i]->at;
        }
    }
    return CT_USEC_NONE;
}

static void fold_day30(struct ct_seats *s, const struct ct_customer *customer)
{
    const struct ct_terms *terms = customer->terms;
    ct_usec start = start_of(customer);
    uint64_t active = 0, bought = 0;
    if (start == CT_USEC_NONE || start >= ct_terms_known(terms)) {
        return;
    }
    int64_t day0 = ct_day_of(terms->zone, start);
    ct_usec end = ct_day_begin(terms->zone, day0 + DAY + 1);
    if (end <= terms->from || end > terms->to) {
        return;
    }
    bool has_seats = newest_seats(customer, CT_BUSINESS_SEATS_BOUGHT, CT_USEC_NONE, end, &bought) && bought > 0;
    if (has_seats && end > ct_terms_known(terms)) {
        ct_pending_add(&s->day30_open, end);
        return;
    }
    const ct_usec week[2] = {ct_day_begin(terms->zone, day0 + DAY + 1 - WEEK), end};
    enum found found = named_seats(customer, week, 1, 1, &active);
    bool reported = found == FOUND_SEATS ||
                    (found == FOUND_NONE &&
                     newest_seats(customer, CT_BUSINESS_SEATS_ACTIVE, ct_day_begin(terms->zone, day0), end, &active));
    if (!has_seats || !reported) {
        s->day30_left_out += has_seats || reported; /* nothing of seats at all: no case */
        return;
    }
    s->day30_active += active;
    s->day30_bought += bought;
    s->day30_accounts++;
}

/* ---- sustained use ----------------------------------------------------------------------------------------------- */

static enum found sustained_seats(const struct ct_customer *customer, ct_usec end, uint64_t *seats)
{
    const struct ct_terms *terms = customer->terms;
    ct_usec begin[CT_LICENCE_WEEKS + 1];
    uint64_t reported[CT_LICENCE_WEEKS];
    unsigned weeks = 0, needed = (unsigned)terms->licence_weeks;
    int64_t last = ct_day_of(terms->zone, end - 1);
    for (int i = 0; i < CT_LICENCE_WEEKS; i++) {
        begin[i] = ct_day_begin(terms->zone, last + 1 - WEEK * (CT_LICENCE_WEEKS - i));
    }
    begin[CT_LICENCE_WEEKS] = end;
    enum found found = named_seats(customer, begin, CT_LICENCE_WEEKS, needed, seats);
    if (found != FOUND_NONE || needed == 0) {
        return found;
    }
    for (int i = 0; i < CT_LICENCE_WEEKS; i++) { /* the largest first */
        uint64_t active;
        if (newest_seats(customer, CT_BUSINESS_SEATS_ACTIVE, begin[i], begin[i + 1], &active)) {
            unsigned at = weeks++;
            for (; at > 0 && reported[at - 1] < active; at--) {
                reported[at] = reported[at - 1];
            }
            reported[at] = active;
        }
    }
    if (weeks < needed || needed > CT_LICENCE_WEEKS) {
        return FOUND_NONE;
    }
    *seats = reported[needed - 1];
    return FOUND_SEATS;
}

static void fold_sustained(struct ct_seats *s, const struct ct_customer *customer)
{
    ct_usec end = ct_terms_end(customer->terms);
    uint64_t bought, active;
    bool gone = customer->account->spell_count > 0 && !ct_account_is_customer(customer->account, end - 1);
    if (gone || !newest_seats(customer, CT_BUSINESS_SEATS_BOUGHT, CT_USEC_NONE, end, &bought) || bought == 0) {
        return;
    }
    if (sustained_seats(customer, end, &active) != FOUND_SEATS) {
        s->left_out++;
        return;
    }
    s->sustained += active;
    s->bought += bought;
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    if (customer->terms->to != CT_USEC_NONE && customer->event_count > 0) {
        fold_day30(state, customer);
        fold_sustained(state, customer);
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_seats *s = state;
    const struct ct_seats *o = other;
    uint64_t by = ct_metric_by(sign);
    s->day30_active += by * o->day30_active;
    s->day30_bought += by * o->day30_bought;
    s->day30_accounts += by * o->day30_accounts;
    s->day30_left_out += by * o->day30_left_out;
    s->sustained += by * o->sustained;
    s->bought += by * o->bought;
    s->left_out += by * o->left_out;
    ct_pending_merge(&s->day30_open, &o->day30_open, sign);
}

const struct ct_metric ct_metric_seats = {
    .name = "seats", .state_bytes = sizeof(struct ct_seats), .fold_customer = fold_customer, .merge = merge};
