/* fees.c - counts who shares a month's fixed fees, and shares them out. See fees.h. */
#include "metrics/fees.h"

#include <stdio.h>

#include "engine/calendar.h"
#include "engine/cost.h"
#include "metrics/metric.h"

static void month_merge(void *entry, const void *other, int sign)
{
    struct ct_fee_month *s = entry;
    const struct ct_fee_month *o = other;
    for (unsigned i = 0; i < CT_FEE_SHARERS_COUNT; i++) {
        s->sharers[i] += ct_metric_by(sign) * o->sharers[i];
    }
}

static const struct ct_keyed months = {sizeof(struct ct_fee_month), CT_FEE_MONTHS_MAX, month_merge};

/* ---- counting ------------------------------------------------------------------------------------------------------
 */

static bool shares(const struct ct_record *record, const struct ct_cost_model *model)
{
    return ct_cost_has_months(model) && record->engaged && record->has_cost &&
           (record->bot_involved || !ct_cost_months_by_ai(model)) &&
           ct_span_eq(ct_record_text(record, CT_TEXT_CURRENCY), ct_cost_model_currency(model));
}

static void month_of(ct_usec at, const struct ct_zone *zone, char key[CT_KEY_BYTES])
{
    ct_usec local = ct_zone_local(zone, at);
    int64_t days = local / CT_USEC_PER_DAY - (local % CT_USEC_PER_DAY < 0), year;
    unsigned month, day;
    ct_civil_of_days(days, &year, &month, &day);
    (void)snprintf(key, CT_KEY_BYTES, "%04lld-%02u", (long long)year, month);
}

void ct_fee_base_add(struct ct_fee_base *base, const struct ct_record *record, const struct ct_terms *terms)
{
    char key[CT_KEY_BYTES];
    if (!shares(record, terms->cost)) {
        return;
    }
    if (record->started_at == CT_USEC_NONE) {
        base->undated++;
        return;
    }
    month_of(record->started_at, terms->zone, key);
    struct ct_fee_month *month = ct_keyed_at(&months, base->month, &base->count, &base->other, ct_span_of(key));
    month->sharers[CT_FEE_ALL]++;
    month->sharers[CT_FEE_AI] += record->bot_involved;
    month->sharers[CT_FEE_MATURED] += record->first_contact != CT_NULL;
    month->sharers[CT_FEE_SAVED] += ct_record_saves(record);
}

void ct_fee_base_merge(struct ct_fee_base *base, const struct ct_fee_base *other, int sign)
{
    base->undated += ct_metric_by(sign) * other->undated;
    ct_keyed_merge(&months, base->month, &base->count, &base->other, other->month, other->count, &other->other, sign);
}

uint64_t ct_fees_left_out(const struct ct_fee_base *part)
{
    return part->undated + part->other.sharers[CT_FEE_ALL];
}

/* ---- sharing out ---------------------------------------------------------------------------------------------------
 */

/* Of a key that month_of wrote. */
static void read_month(const char *key, int64_t *year, unsigned *month)
{
    bool negative = *key == '-';
    for (*year = 0, key += negative; *key != '-'; key++) {
        *year = *year * 10 + (*key - '0');
    }
    *year = negative ? -*year : *year;
    *month = (unsigned)(key[1] - '0') * 10 + (unsigned)(key[2] - '0');
}

/* The first moment of a month. */
static ct_usec begin_of(int64_t year, unsigned month, const struct ct_zone *zone)
{
    int64_t seconds = ct_days_from_civil(year, month, 1) * 86400;
    return (zone ? ct_zone_to_utc(zone, seconds) : seconds) * CT_USEC_PER_SECOND;
}

static ct_usec later(ct_usec a, ct_usec b)
{
    return a > b ? a : b;
}

static ct_usec earlier(ct_usec a, ct_usec b)
{
    return a < b ? a : b;
}

static ct_nano fee_of(const char *key, const struct ct_terms *terms)
{
    int64_t year;
    unsigned month;
    read_month(key, &year, &month);
    ct_nano fee = ct_cost_month_fee(terms->cost, year, month);
    if (!terms->period_given || terms->from == CT_USEC_NONE || terms->to == CT_USEC_NONE) {
        return fee;
    }
    ct_usec begin = begin_of(year, month, terms->zone);
    ct_usec end = begin_of(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, terms->zone);
    ct_usec from = later(begin, terms->from), to = earlier(end, terms->to);
    return to > from ? (ct_nano)ct_wide_divide((ct_wide)fee * (to - from), end - begin) : 0;
}

void ct_fees_of(const struct ct_fee_base *all, const struct ct_terms *terms, struct ct_fees *out)
{
    memset(out, 0, sizeof *out);
    if (!ct_cost_has_months(terms->cost)) {
        return;
    }
    ct_span currency = ct_cost_model_currency(terms->cost);
    memcpy(out->currency, currency.at, currency.len);
    const struct ct_fee_month *month;
    for (size_t i = 0; (month = ct_keyed_shown(&months, all->month, all->count, i)) != NULL; i++) {
        memcpy(out->month[i].key, month->key, sizeof month->key);
        out->month[i].fee = fee_of(month->key, terms);
        out->month[i].sharers = month->sharers[CT_FEE_ALL];
        out->count++;
    }
}

ct_wide ct_fees_share(const struct ct_fees *fees, const struct ct_fee_base *part, enum ct_fee_sharers who)
{
    const struct ct_fee_month *month;
    ct_wide sum = 0;
    for (size_t i = 0, at = 0; (month = ct_keyed_shown(&months, part->month, part->count, i)) != NULL; i++) {
        while (at < fees->count && memcmp(fees->month[at].key, month->key, CT_KEY_BYTES) < 0) {
            at++;
        }
        if (at < fees->count && fees->month[at].sharers && memcmp(fees->month[at].key, month->key, CT_KEY_BYTES) == 0) {
            sum += ct_wide_divide((ct_wide)fees->month[at].fee * (ct_wide)month->sharers[who],
                                  (ct_wide)fees->month[at].sharers);
        }
    }
    return sum;
}
