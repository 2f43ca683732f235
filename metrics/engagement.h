/* engagement.h - how much customers take part: an index of declared inputs, and the two that are named.
 *
 * Each customer at the period's end (account.h; ct_terms_end) has, of each input of terms.h, 0 or 1: takes part in the
 * loyalty programme, in education (the newest `programme` event of the name `loyalty` or `education` decides), used the
 * product in the week that ends the period (usage.h), answered a survey or gave feedback in the period, referred
 * somebody in it. Its score is the sum of the weights of what it does, in points of 100; the index is the mean of the
 * scores. Where none of the events that an input is made of is known of anybody, it is not known whether anybody takes
 * part: then there is no value. Inputs whose weight is 0 are not looked at.
 */
#ifndef CT_ENGAGEMENT_H
#define CT_ENGAGEMENT_H

#include "metrics/metric.h"
#include "metrics/spread.h"

struct ct_engagement {
    struct ct_moments scores; /* points */
    uint64_t customers;
    uint64_t known[CT_ENGAGEMENT_COUNT]; /* customers, at whatever time, of whom events of the input are known */
    uint64_t weighed;                    /* of them those with an event of an input that has a weight */
    uint64_t takes_part[CT_ENGAGEMENT_COUNT];
};
extern const struct ct_metric ct_metric_engagement;

/* The index; no value where nothing is known of any input with a weight. */
bool ct_engagement_read(const struct ct_engagement *state, size_t index, struct ct_reading *out);

#endif
