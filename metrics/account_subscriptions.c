/* account_subscriptions.c - a customer's subscriptions, told apart by name: each pays what its newest event says. Part
 * of account.c.
 */
#include "metrics/account_parts.h"

void ct_subscriptions_open(struct ct_subscriptions *subscriptions)
{
    subscriptions->count = subscriptions->running = 0;
    subscriptions->unknown_end = false;
    memset(subscriptions->place, 0, sizeof subscriptions->place);
}

/* NULL = there are too many. A new one has amount 0. */
static struct ct_subscription *named(struct ct_subscriptions *subscriptions, ct_span name, bool *is_new)
{
    const size_t places = sizeof subscriptions->place / sizeof *subscriptions->place;
    uint64_t hash = ct_hash(name, 0x5AB5);
    size_t at = (size_t)(hash % places);
    *is_new = false;
    for (; subscriptions->place[at]; at = (at + 1) % places) {
        struct ct_subscription *found = &subscriptions->at[subscriptions->place[at] - 1];
        if (found->name == hash) {
            return found;
        }
    }
    if (subscriptions->count == CT_SUBSCRIPTIONS_MAX) {
        return NULL;
    }
    struct ct_subscription *made = &subscriptions->at[subscriptions->count++];
    subscriptions->place[at] = (uint16_t)subscriptions->count;
    *made = (struct ct_subscription){.name = hash};
    *is_new = true;
    return made;
}

bool ct_subscriptions_take(struct ct_subscriptions *subscriptions, const struct ct_business *event,
                           struct ct_account *account)
{
    ct_nano amount = event->numbers.amount;
    subscriptions->unknown_end = false;
    if (amount == CT_BUSINESS_NUMBER_NONE || amount < 0) {
        return false;
    }
    struct ct_account_money *money = amount ? ct_account_money_of(account, event) : NULL;
    bool is_new;
    struct ct_subscription *which =
        !amount || money ? named(subscriptions, ct_business_text(event, CT_BUSINESS_NAME), &is_new) : NULL;
    if (!which) {
        account->left_out += !amount || money; /* a currency too many has been counted */
        return amount > 0;                     /* whatever it pays is not known, but it pays */
    }
    bool ran = which->amount > 0;
    subscriptions->running += amount > 0;
    subscriptions->running -= ran;
    subscriptions->unknown_end = is_new && !amount;
    which->amount = amount;
    if (money) {
        which->money = (uint8_t)(money - account->money);
    }
    if (event->numbers.flag != CT_BUSINESS_NUMBER_NONE) {
        which->add_on = event->numbers.flag == 1;
    }
    return amount > 0 || ran || is_new;
}

void ct_subscriptions_end(struct ct_subscriptions *subscriptions)
{
    for (uint32_t i = 0; i < subscriptions->count; i++) {
        subscriptions->at[i].amount = 0;
    }
    subscriptions->running = 0;
}

void ct_subscriptions_sum(const struct ct_subscriptions *subscriptions, struct ct_account *account, bool at_start)
{
    for (uint32_t i = 0; i < subscriptions->count; i++) {
        const struct ct_subscription *s = &subscriptions->at[i];
        if (s->amount == 0) {
            continue;
        }
        if (at_start) {
            account->money[s->money].mrr_start += s->amount;
            account->paying_start = true;
        } else {
            account->money[s->money].mrr_end += s->amount;
            account->paying_end = true;
            account->add_on |= s->add_on;
        }
    }
}
