/* onboarding.c - milestones reached in a period. See onboarding.h. */
#include "metrics/onboarding.h"

#include "metrics/account.h"
#include "metrics/days.h"
#include "metrics/names.h"

/* The first milestone of a name that is known; NULL = none. */
static const struct ct_business *milestone_of(const struct ct_customer *customer, const char *name)
{
    ct_usec known = ct_terms_known(customer->terms);
    for (size_t i = 0; i < customer->event_count && customer->events[i]->at < known; i++) {
        const struct ct_business *event = customer->events[i];
        if (event->type == CT_BUSINESS_MILESTONE && ct_span_is(ct_business_text(event, CT_BUSINESS_NAME), name)) {
            return event;
        }
    }
    return NULL;
}

/* Of the project, else of the account; CT_USEC_NONE = not known. */
static ct_usec start_of(const struct ct_customer *customer)
{
    const struct ct_business *project = milestone_of(customer, "project_started");
    return project ? project->at : customer->account->spell_count ? customer->account->spell[0].from : CT_USEC_NONE;
}

static void add_time(struct ct_milestone_times *to, const struct ct_zone *zone, ct_usec start, ct_usec at)
{
    if (start == CT_USEC_NONE || ct_day_of(zone, at) < ct_day_of(zone, start)) {
        to->left_out++;
    } else {
        ct_spread_add(&to->times, ct_days_between(zone, start, at)); /* on the date of the start: at least 0 */
    }
}

static void fold_onboarded(struct ct_onboarding *s, const struct ct_terms *terms, ct_usec start,
                           const struct ct_business *onboarded)
{
    ct_usec due = onboarded->numbers.due;
    if (due == CT_BUSINESS_NUMBER_NONE && start != CT_USEC_NONE) {
        due = ct_days_on(terms->zone, start, terms->onboarding_usec);
    }
    if (due == CT_BUSINESS_NUMBER_NONE) {
        s->onboarded_left_out++;
        return;
    }
    s->onboarded++;
    s->on_time += onboarded->at <= due;
}

static bool is_ready(const struct ct_customer *customer, ct_usec kickoff)
{
    struct ct_names seen;
    ct_wide done = 0, of = 0;
    ct_names_init(&seen);
    for (size_t i = customer->event_count; i > 0; i--) {
        const struct ct_business *event = customer->events[i - 1];
        const struct ct_business_numbers *n = &event->numbers;
        if (event->type == CT_BUSINESS_CHECKLIST && event->at <= kickoff && n->count >= 0 && n->of_count > 0 &&
            ct_names_new(&seen, ct_business_text(event, CT_BUSINESS_NAME))) {
            done += n->count;
            of += n->of_count;
        }
    }
    return of > 0 && done * 100 >= of * (ct_wide)customer->terms->kickoff_percent;
}

static void fold_first_value(struct ct_onboarding *s, const struct ct_terms *terms, ct_usec start,
                             const struct ct_business *reached)
{
    int64_t last = ct_day_of(terms->zone, ct_terms_end(terms) - 1);
    int64_t age = reached ? last - ct_day_of(terms->zone, reached->at) : 0;
    if (reached && reached->at < ct_terms_end(terms)) {
        if (ct_terms_hold(terms, reached->at)) {
            add_time(&s->first_value, terms->zone, start, reached->at);
        }
        if (age < 14) {
            add_time(age < 7 ? &s->week : &s->week_before, terms->zone, start, reached->at);
        }
    }
    if (start != CT_USEC_NONE && ct_terms_hold(terms, start) && start < ct_terms_known(terms)) {
        if (reached) {
            add_time(&s->cohort, terms->zone, start, reached->at);
        } else {
            s->cohort.left_out++;
        }
    }
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_onboarding *s = state;
    const struct ct_terms *terms = customer->terms;
    if (terms->to == CT_USEC_NONE || customer->event_count == 0) {
        return;
    }
    ct_usec start = start_of(customer);
    const struct ct_business *onboarded = milestone_of(customer, "onboarded"),
                             *kickoff = milestone_of(customer, "kickoff"), *live = milestone_of(customer, "go_live");
    if (onboarded && ct_terms_hold(terms, onboarded->at)) {
        fold_onboarded(s, terms, start, onboarded);
    }
    if (kickoff && ct_terms_hold(terms, kickoff->at)) {
        s->kickoffs++;
        s->ready += is_ready(customer, kickoff->at);
    }
    if (live && ct_terms_hold(terms, live->at)) {
        add_time(&s->go_live, terms->zone, start, live->at);
    }
    fold_first_value(s, terms, start, milestone_of(customer, "first_value"));
}

static void merge_times(struct ct_milestone_times *to, const struct ct_milestone_times *other, int sign)
{
    ct_spread_merge(&to->times, &other->times, sign);
    to->left_out += ct_metric_by(sign) * other->left_out;
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_onboarding *s = state;
    const struct ct_onboarding *o = other;
    uint64_t by = ct_metric_by(sign);
    s->onboarded += by * o->onboarded;
    s->on_time += by * o->on_time;
    s->onboarded_left_out += by * o->onboarded_left_out;
    s->kickoffs += by * o->kickoffs;
    s->ready += by * o->ready;
    merge_times(&s->first_value, &o->first_value, sign);
    merge_times(&s->go_live, &o->go_live, sign);
    merge_times(&s->week, &o->week, sign);
    merge_times(&s->week_before, &o->week_before, sign);
    merge_times(&s->cohort, &o->cohort, sign);
}

const struct ct_metric ct_metric_onboarding = {
    .name = "onboarding", .state_bytes = sizeof(struct ct_onboarding), .fold_customer = fold_customer, .merge = merge};
