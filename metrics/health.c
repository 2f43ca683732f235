/* health.c - customer health score, in integers. */
#include "metrics/health.h"

#include "metrics/account.h"
#include "metrics/days.h"

#define POINT INT64_C(1000000)
#define MOST (100 * POINT)
#define WEEK (7 * CT_USEC_PER_DAY)
#define NOT_KNOWN (-1)

/* 100 points x part / whole; whole > 0. */
static int64_t share(ct_wide part, ct_wide whole)
{
    ct_wide value = part <= 0 ? 0 : part >= whole ? MOST : ct_wide_divide(part * MOST, whole);
    return (int64_t)value;
}

static bool is_use(const struct ct_business *event)
{
    return event->type == CT_BUSINESS_SESSION || event->type == CT_BUSINESS_FEATURE_USED ||
           (event->type == CT_BUSINESS_SEATS_ACTIVE && event->numbers.count > 0);
}

static int64_t usage_of(const struct ct_customer *customer)
{
    const struct ct_account *a = customer->account;
    const struct ct_terms *terms = customer->terms;
    ct_usec end = ct_terms_end(terms);
    ct_usec begin = terms->from;
    for (uint32_t i = 0; i < a->spell_count; i++) {
        if (a->spell[i].to >= terms->to && a->spell[i].from > begin && a->spell[i].from < terms->to) {
            begin = a->spell[i].from; /* the spell that runs at the period's end */
        }
    }
    bool known = false;
    int64_t weeks = 0, last = -1;
    for (size_t i = 0; i < customer->event_count && customer->events[i]->at < end; i++) {
        const struct ct_business *event = customer->events[i];
        if (!is_use(event)) {
            continue;
        }
        known = true;
        begin = begin == CT_USEC_NONE ? event->at : begin; /* nothing says since when: since it was first used */
        if (event->at >= begin && (event->at - begin) / WEEK != last) {
            last = (event->at - begin) / WEEK;
            weeks++;
        }
    }
    return !known ? NOT_KNOWN : begin >= end ? NOT_KNOWN : share(weeks, (end - begin - 1) / WEEK + 1);
}

static int64_t outcomes_of(const struct ct_customer *customer)
{
    int64_t reached = 0, all = 0;
    for (size_t i = 0; i < customer->event_count; i++) {
        const struct ct_business_numbers *n = &customer->events[i]->numbers;
        bool told = n->flag != CT_BUSINESS_NUMBER_NONE,
             measured = n->value != CT_BUSINESS_NUMBER_NONE && n->goal != CT_BUSINESS_NUMBER_NONE;
        if (customer->events[i]->type == CT_BUSINESS_OUTCOME && (told || measured) &&
            ct_terms_hold(customer->terms, customer->events[i]->at)) {
            all++;
            reached += told ? n->flag == 1 : n->value >= n->goal;
        }
    }
    return all ? share(reached, all) : NOT_KNOWN;
}

static bool in_period(const struct ct_customer *customer, const struct ct_record *record)
{
    return record->started_at != CT_USEC_NONE && ct_terms_hold(customer->terms, record->started_at) &&
           record->started_at < ct_terms_known(customer->terms);
}

static int64_t support_of(const struct ct_customer *customer)
{
    int64_t calm = 0, all = 0;
    for (size_t i = 0; i < customer->record_count; i++) {
        const struct ct_record *record = customer->records[i];
        if (record->engaged && in_period(customer, record)) {
            all++;
            calm += !record->complaint && !record->insult && record->resolved != CT_FALSE;
        }
    }
    return all ? share(calm, all) : NOT_KNOWN;
}

static int64_t spend_of(const struct ct_account *account)
{
    int64_t sum = 0, currencies = 0;
    for (uint32_t i = 0; i < account->money_count; i++) {
        const struct ct_account_money *m = &account->money[i];
        if (m->spent > 0 || m->spent_before > 0) {
            currencies++;
            sum += m->spent_before > 0 ? share(m->spent, m->spent_before) : MOST;
        }
    }
    return currencies ? (int64_t)ct_wide_divide(sum, currencies) : NOT_KNOWN;
}

static int64_t growth_of(const struct ct_account *account)
{
    int64_t sum = 0, currencies = 0;
    for (uint32_t i = 0; i < account->money_count; i++) {
        const struct ct_account_money *m = &account->money[i];
        if (m->mrr_start > 0 || m->mrr_end > 0) {
            currencies++;
            sum += m->mrr_start > 0 ? share(m->mrr_end, 2 * m->mrr_start) : MOST;
        }
    }
    return currencies ? (int64_t)ct_wide_divide(sum, currencies) : NOT_KNOWN;
}

/* A score on its scale; of effort the other way round. NOT_KNOWN: it does not lie on it. */
static int64_t answer(int64_t score, int64_t min, int64_t max, bool effort)
{
    if (min >= max || score < min || score > max) {
        return NOT_KNOWN;
    }
    return share(effort ? (ct_wide)max - score : (ct_wide)score - min, (ct_wide)max - min);
}

static int64_t answer_of_event(const struct ct_business *event)
{
    const struct ct_business_numbers *n = &event->numbers;
    const int64_t none = CT_BUSINESS_NUMBER_NONE;
    ct_span kind = ct_business_text(event, CT_BUSINESS_NAME);
    if (event->type != CT_BUSINESS_SURVEY || n->score == none) {
        return NOT_KNOWN;
    }
    bool effort = ct_span_is(kind, "ces"), net = ct_span_is(kind, "nps");
    int64_t max = n->scale_max != none ? n->scale_max : net ? 10 : effort ? 7 : 5;
    return answer(n->score, n->scale_min != none ? n->scale_min : net ? 0 : 1, max, effort);
}

static int64_t surveys_of(const struct ct_customer *customer)
{
    ct_wide sum = 0;
    int64_t answers = 0;
    for (size_t i = 0; i < customer->event_count; i++) {
        int64_t value = answer_of_event(customer->events[i]);
        if (value != NOT_KNOWN && ct_terms_hold(customer->terms, customer->events[i]->at)) {
            sum += value;
            answers++;
        }
    }
    for (size_t i = 0; i < customer->record_count; i++) {
        for (unsigned kind = 0; kind < CT_SCORE_COUNT && in_period(customer, customer->records[i]); kind++) {
            const struct ct_score *score = &customer->records[i]->score[kind];
            int64_t value = score->present
                                ? answer(score->value, score->scale_min, score->scale_max, kind == CT_SCORE_CES)
                                : NOT_KNOWN;
            if (value != NOT_KNOWN) {
                sum += value;
                answers++;
            }
        }
    }
    return answers ? (int64_t)ct_wide_divide(sum, answers) : NOT_KNOWN;
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_health *s = state;
    if (!customer->account->at_end) {
        return;
    }
    const int64_t factor[CT_HEALTH_COUNT] = {
        [CT_HEALTH_USAGE] = usage_of(customer),     [CT_HEALTH_OUTCOMES] = outcomes_of(customer),
        [CT_HEALTH_SUPPORT] = support_of(customer), [CT_HEALTH_SPEND] = spend_of(customer->account),
        [CT_HEALTH_SURVEYS] = surveys_of(customer), [CT_HEALTH_GROWTH] = growth_of(customer->account),
    };
    ct_wide sum = 0, weights = 0;
    s->customers++;
    for (unsigned i = 0; i < CT_HEALTH_COUNT; i++) {
        if (factor[i] != NOT_KNOWN) {
            ct_moments_add(&s->factor[i], factor[i]);
            sum += (ct_wide)factor[i] * customer->terms->health_weights[i];
            weights += customer->terms->health_weights[i];
        }
    }
    if (weights > 0) {
        ct_moments_add(&s->score, (int64_t)ct_wide_divide(sum, weights));
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_health *s = state;
    const struct ct_health *o = other;
    s->customers += ct_metric_by(sign) * o->customers;
    ct_moments_merge(&s->score, &o->score, sign);
    for (unsigned i = 0; i < CT_HEALTH_COUNT; i++) {
        ct_moments_merge(&s->factor[i], &o->factor[i], sign);
    }
}

bool ct_health_read_factors(const struct ct_health *state, size_t index, struct ct_reading *out)
{
    static const char *const names[] = {
#define X(name, key, weight) key,
        CT_HEALTH_MAP(X)
#undef X
    };
    unsigned which = CT_HEALTH_COUNT, there = 0;
    for (unsigned i = 0; i < CT_HEALTH_COUNT; i++) {
        if (state->factor[i].n == 0) {
            continue;
        }
        there++;
        if (index ? there == index : which == CT_HEALTH_COUNT || state->factor[i].n > state->factor[which].n) {
            which = i;
        }
    }
    if (index && (there < 2 || which == CT_HEALTH_COUNT)) {
        return false;
    }
    if (which < CT_HEALTH_COUNT) {
        memcpy(out->key, names[which], strlen(names[which]) + 1);
        out->moments = &state->factor[which];
        out->scale = POINT;
        out->left_out = state->customers - state->factor[which].n;
    }
    return true;
}

const struct ct_metric ct_metric_health = {
    .name = "health", .state_bytes = sizeof(struct ct_health), .fold_customer = fold_customer, .merge = merge};
