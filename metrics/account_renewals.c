/* account_renewals.c - which of the contracts that were due have been renewed. Part of account.c. */
#include "metrics/account_parts.h"

struct due {
    ct_usec at;
    uint64_t contract; /* 0 = it does not say which */
    bool renewed;
};
struct dues {
    size_t count;
    struct due at[CT_DUES_MAX]; /* by time, then contract */
};

static uint64_t contract_of(const struct ct_business *event)
{
    ct_span ref = ct_business_text(event, CT_BUSINESS_REF), name = ct_business_text(event, CT_BUSINESS_NAME);
    return ref.len ? ct_hash(ref, 0xC0F7) | 1 : name.len ? ct_hash(name, 0xC0F8) | 1 : 0;
}

/* The moment the contract is due: `due` where the event says it (it may be sent long before), else its own. */
static ct_usec due_of(const struct ct_business *event)
{
    return event->numbers.due != CT_BUSINESS_NUMBER_NONE ? event->numbers.due : event->at;
}

/* In its place; one that is there already (a reminder) changes nothing. false = no room. */
static bool put(struct dues *dues, ct_usec at, uint64_t contract)
{
    size_t place = dues->count;
    while (place > 0 && (dues->at[place - 1].at > at ||
                         (dues->at[place - 1].at == at && dues->at[place - 1].contract >= contract))) {
        place--;
    }
    if (place < dues->count && dues->at[place].at == at && dues->at[place].contract == contract) {
        return true;
    }
    if (dues->count == CT_DUES_MAX) {
        return false;
    }
    memmove(&dues->at[place + 1], &dues->at[place], (dues->count - place) * sizeof *dues->at);
    dues->at[place] = (struct due){.at = at, .contract = contract};
    dues->count++;
    return true;
}

/* a + b, or the end of time. */
static ct_usec later(ct_usec a, ct_usec b)
{
    ct_usec sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* `from`: the dues before it are too old for this renewal, and so for all later ones. */
static void renew(struct dues *dues, const struct ct_business *event, ct_usec window, size_t *from)
{
    uint64_t contract = contract_of(event);
    while (*from < dues->count && event->at > later(dues->at[*from].at, window)) {
        ++*from;
    }
    for (size_t i = *from; i < dues->count && dues->at[i].at <= later(event->at, CT_RENEWAL_EARLY); i++) {
        struct due *due = &dues->at[i];
        if (!due->renewed && (due->contract == contract || !due->contract || !contract)) {
            due->renewed = true;
            return;
        }
    }
}

void ct_renewals_read(const struct ct_customer *customer, struct ct_account *account)
{
    const struct ct_terms *terms = customer->terms;
    const ct_usec window = terms->renewal_window_usec;
    struct dues dues;
    size_t from = 0;
    dues.count = 0;
    for (size_t i = 0; i < customer->event_count + customer->due_count; i++) {
        const struct ct_business *event = customer->events[i];
        if (event->type == CT_BUSINESS_RENEWAL_DUE && !put(&dues, due_of(event), contract_of(event))) {
            account->left_out += ct_terms_hold(terms, due_of(event));
        }
    }
    for (size_t i = 0; i < customer->event_count && dues.count; i++) {
        if (customer->events[i]->type == CT_BUSINESS_RENEWED) {
            renew(&dues, customer->events[i], window, &from);
        }
    }
    for (size_t i = 0; i < dues.count; i++) {
        const struct due *due = &dues.at[i];
        if (!ct_terms_hold(terms, due->at)) {
            continue;
        }
        account->due++;
        account->renewed += due->renewed;
        ct_usec settles = later(due->at, window);
        if (!due->renewed && (terms->as_of == CT_USEC_NONE || settles > terms->as_of)) {
            account->due_settles_at =
                account->due_open && account->due_settles_at > settles ? account->due_settles_at : settles;
            account->due_open++;
        }
    }
}
