/* cost_model_people.c - `human`, `human_price` and `fixed` of a cost model: wages, what people alone would cost, and
 * fees that fall due whatever happens. Called by cost_model.c.
 */
#include "engine/cost_model_read.h"

#include "engine/calendar.h"

/* ---- wages ------------------------------------------------------------------------------------ */

static ct_cost_wide greatest_divisor(ct_cost_wide a, ct_cost_wide b)
{
    while (b) {
        ct_cost_wide rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* wage x overhead / (time x 1e9), in lowest terms: so that a charge is one multiplication and one rounding. */
static void set_price(struct ct_cost_wage *wage, ct_nano amount, ct_nano overhead, ct_nano hours_nano)
{
    wage->numerator = (ct_cost_wide)(uint64_t)amount * (uint64_t)overhead;
    /* hours in billionths x µs of an hour / 1e9, and the overhead's own 1e9, which cancel in part. */
    wage->denominator = (ct_cost_wide)(uint64_t)hours_nano * (uint64_t)CT_USEC_PER_HOUR;
    ct_cost_wide divisor = greatest_divisor(wage->numerator, wage->denominator);
    if (divisor > 1) {
        wage->numerator /= divisor;
        wage->denominator /= divisor;
    }
}

/* One of per_minute, per_hour and yearly; false = none, several, or a bad one, reported. */
static bool read_wage(struct ct_cost_file *r, const struct ct_yaml_node *node, const char *what, ct_nano overhead,
                      struct ct_cost_wage *wage)
{
    static const char *const yearly_keys[] = {"wage", "hours", NULL};
    const struct ct_yaml_node *minute = ct_yaml_find(node, "per_minute"), *hour = ct_yaml_find(node, "per_hour"),
                              *yearly = ct_yaml_find(node, "yearly");
    ct_nano amount = 0, hours = CT_NANO_PER_UNIT;
    if (!minute + !hour + !yearly != 2) {
        ct_yaml_problem(r->yaml, 'e', node, "%s: one of per_minute, per_hour and yearly is due", what);
        return false;
    }
    bool ok;
    if (minute) {
        ok = ct_cost_read_money(r, minute, "per_minute", 0, &amount);
        if (ok && __builtin_mul_overflow(amount, (ct_nano)60, &amount)) {
            ct_yaml_problem(r->yaml, 'e', minute, "per_minute: too large");
            ok = false;
        }
    } else if (hour) {
        ok = ct_cost_read_money(r, hour, "per_hour", 0, &amount);
    } else {
        ok = ct_yaml_is_map(r->yaml, yearly, "yearly") && ct_yaml_check_keys(r->yaml, yearly, yearly_keys, "yearly");
        ok = ok && ct_cost_read_money(r, ct_yaml_need(r->yaml, yearly, "wage", "yearly"), "wage", 0, &amount);
        ok = ok && ct_cost_read_money(r, ct_yaml_need(r->yaml, yearly, "hours", "yearly"), "hours", 1, &hours);
    }
    if (ok) {
        set_price(wage, amount, overhead, hours);
    }
    return ok;
}

static void read_teams(struct ct_cost_file *r, const struct ct_yaml_node *node, ct_nano overhead,
                       struct ct_cost_human *human)
{
    static const char *const keys[] = {"per_minute", "per_hour", "yearly", "overhead", "wrap_up", NULL};
    const struct ct_yaml_node *teams = ct_yaml_find(node, "teams");
    if (!teams || !ct_yaml_is_map(r->yaml, teams, "teams") ||
        !(human->teams = ct_cost_read_rows(r, teams, teams->count, CT_COST_TEAMS_MAX, sizeof *human->teams))) {
        return;
    }
    for (uint32_t i = 0; i < teams->count; i++) {
        const struct ct_yaml_node *key = ct_yaml_key(teams, i), *value = ct_yaml_value(teams, i);
        struct ct_cost_wage *wage = &human->teams[human->team_count];
        ct_nano own = overhead;
        *wage = (struct ct_cost_wage){.wrap_up_usec = human->everybody.wrap_up_usec};
        if (!ct_yaml_is_map(r->yaml, value, "a team") || !ct_yaml_check_keys(r->yaml, value, keys, "a team")) {
            continue;
        }
        (void)ct_cost_read_money(r, ct_yaml_find(value, "overhead"), "overhead", 1, &own);
        (void)ct_yaml_duration(r->yaml, ct_yaml_find(value, "wrap_up"), "wrap_up", 0, CT_USEC_PER_DAY,
                               &wage->wrap_up_usec);
        if (read_wage(r, value, "a team", own, wage) && ct_cost_read_copy(r, key->text, &wage->team)) {
            human->team_count++;
        }
    }
}

static bool read_human(struct ct_cost_file *r, const struct ct_yaml_node *node, struct ct_cost_human *human)
{
    static const char *const keys[] = {"per_minute", "per_hour", "yearly", "overhead", "wrap_up",
                                       "teams",      "from",     "to",     NULL};
    ct_nano overhead = CT_NANO_PER_UNIT;
    *human = (struct ct_cost_human){.team_count = 0};
    if (!ct_yaml_is_map(r->yaml, node, "human") || !ct_yaml_check_keys(r->yaml, node, keys, "human")) {
        return false;
    }
    (void)ct_cost_read_money(r, ct_yaml_find(node, "overhead"), "overhead", 1, &overhead);
    (void)ct_yaml_duration(r->yaml, ct_yaml_find(node, "wrap_up"), "wrap_up", 0, CT_USEC_PER_DAY,
                           &human->everybody.wrap_up_usec);
    bool ok = read_wage(r, node, "human", overhead, &human->everybody);
    read_teams(r, node, overhead, human);
    return ct_cost_read_validity(r, node, &human->valid) && ok;
}

static void read_humans(struct ct_cost_file *r)
{
    struct ct_cost_model *model = r->model;
    const struct ct_yaml_node *node = ct_yaml_find(r->yaml->root, "human");
    size_t count = ct_cost_read_count(node);
    if (!node || !(model->human = ct_cost_read_rows(r, node, count, CT_COST_LISTS_MAX, sizeof *model->human))) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct ct_yaml_node *item = ct_cost_read_item(node, i);
        struct ct_cost_human *human = &model->human[model->human_count];
        bool good = read_human(r, item, human);
        for (size_t j = 0; good && j < model->human_count; j++) {
            if (ct_cost_overlap(&model->human[j].valid, &human->valid)) {
                ct_cost_read_overlap(r, item, "human");
                good = false;
            }
        }
        model->human_count += good;
    }
}

/* ---- people alone ------------------------------------------------------------------------------ */

static bool read_human_price(struct ct_cost_file *r, const struct ct_yaml_node *node, struct ct_cost_human_price *price)
{
    static const char *const keys[] = {"per_conversation", "handling", "from", "to", NULL};
    *price = (struct ct_cost_human_price){.by_time = false};
    if (!ct_yaml_is_map(r->yaml, node, "human_price") || !ct_yaml_check_keys(r->yaml, node, keys, "human_price") ||
        !ct_cost_read_validity(r, node, &price->valid)) {
        return false;
    }
    const struct ct_yaml_node *amount = ct_yaml_find(node, "per_conversation"), *time = ct_yaml_find(node, "handling");
    if (!amount == !time) {
        ct_yaml_problem(r->yaml, 'e', node, "human_price: one of per_conversation and handling is due");
        return false;
    }
    price->by_time = time;
    if (amount) {
        return ct_cost_read_money(r, amount, "per_conversation", 0, &price->per_conversation);
    }
    if (!ct_yaml_find(r->yaml->root, "human")) {
        ct_yaml_problem(r->yaml, 'e', time, "human_price: a handling time needs the wages of `human`");
        return false;
    }
    return ct_yaml_duration(r->yaml, time, "handling", 0, 366 * CT_USEC_PER_DAY, &price->handling_usec);
}

static void read_human_prices(struct ct_cost_file *r)
{
    struct ct_cost_model *model = r->model;
    const struct ct_yaml_node *node = ct_yaml_find(r->yaml->root, "human_price");
    size_t count = ct_cost_read_count(node);
    if (!node ||
        !(model->human_prices = ct_cost_read_rows(r, node, count, CT_COST_LISTS_MAX, sizeof *model->human_prices))) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct ct_yaml_node *item = ct_cost_read_item(node, i);
        struct ct_cost_human_price *price = &model->human_prices[model->human_price_count];
        bool good = read_human_price(r, item, price);
        for (size_t j = 0; good && j < model->human_price_count; j++) {
            if (ct_cost_overlap(&model->human_prices[j].valid, &price->valid)) {
                ct_cost_read_overlap(r, item, "human_price");
                good = false;
            }
        }
        model->human_price_count += good;
    }
}

/* ---- fixed fees -------------------------------------------------------------------------------- */

/* "2026-01" as year x 12 + month - 1. */
static bool read_month(struct ct_cost_file *r, const struct ct_yaml_node *node, const char *what, int64_t *out)
{
    char day[32];
    ct_span text;
    ct_usec at;
    if (!ct_yaml_text(r->yaml, node, what, &text)) {
        return false;
    }
    bool good = text.len == 7;
    if (good) {
        memcpy(day, text.at, 7);
        memcpy(day + 7, "-01T00:00:00Z", 14);
        good = ct_time_parse(ct_span_of(day), &at);
    }
    if (!good) {
        ct_yaml_problem(r->yaml, 'e', node, "%s has to be a month such as 2026-01, here is '%.60s'", what,
                        node->text.at);
        return false;
    }
    int64_t year;
    unsigned month, first;
    int64_t days = at / CT_USEC_PER_DAY - (at % CT_USEC_PER_DAY < 0);
    ct_civil_of_days(days, &year, &month, &first);
    *out = year * 12 + month - 1;
    return true;
}

static bool read_month_item(struct ct_cost_file *r, const struct ct_yaml_node *node, struct ct_cost_month_item *item)
{
    static const char *const keys[] = {"name", "amount", "from", "to", NULL};
    *item = (struct ct_cost_month_item){.from = INT64_MIN, .to = INT64_MAX};
    if (node->kind == CT_YAML_SCALAR) {
        return ct_cost_read_money(r, node, "monthly", 0, &item->amount);
    }
    if (!ct_yaml_is_map(r->yaml, node, "a monthly fee") || !ct_yaml_check_keys(r->yaml, node, keys, "a monthly fee")) {
        return false;
    }
    const struct ct_yaml_node *name = ct_yaml_find(node, "name"), *from = ct_yaml_find(node, "from"),
                              *to = ct_yaml_find(node, "to");
    ct_span text = CT_SPAN_NONE;
    bool ok = ct_cost_read_money(r, ct_yaml_need(r->yaml, node, "amount", "a monthly fee"), "amount", 0, &item->amount);
    ok &= !name || ct_yaml_text(r->yaml, name, "name", &text);
    ok &= !from || read_month(r, from, "from", &item->from);
    ok &= !to || read_month(r, to, "to", &item->to);
    if (ok && item->from >= item->to) {
        ct_yaml_problem(r->yaml, 'e', to,
                        "to: has to be later than from; it is the first month that is no longer in it");
        return false;
    }
    return ok && ct_cost_read_copy(r, text, &item->name);
}

/* Fees of different names add up; one fee has one amount at a time. */
static void read_months(struct ct_cost_file *r, const struct ct_yaml_node *node)
{
    struct ct_cost_model *model = r->model;
    size_t count = ct_cost_read_count(node);
    if (!node || !(model->months = ct_cost_read_rows(r, node, count, CT_COST_LISTS_MAX, sizeof *model->months))) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct ct_yaml_node *item = ct_cost_read_item(node, i);
        struct ct_cost_month_item *month = &model->months[model->month_count];
        bool good = read_month_item(r, item, month);
        for (size_t j = 0; good && j < model->month_count; j++) {
            const struct ct_cost_month_item *other = &model->months[j];
            if (ct_span_eq(other->name, month->name) && other->from < month->to && month->from < other->to) {
                ct_yaml_problem(r->yaml, 'e', item,
                                "monthly: this fee has two amounts in one month; give different fees different names, "
                                "or let the first one's `to` be the other's `from`");
                good = false;
            }
        }
        model->month_count += good;
    }
}

static void read_fixed(struct ct_cost_file *r)
{
    static const char *const keys[] = {"per_conversation", "monthly", "shared_by", NULL};
    static const char *const sharers[] = {"conversations", "ai_conversations"};
    struct ct_cost_model *model = r->model;
    const struct ct_yaml_node *node = ct_yaml_find(r->yaml->root, "fixed");
    if (!node || !ct_yaml_is_map(r->yaml, node, "fixed") || !ct_yaml_check_keys(r->yaml, node, keys, "fixed")) {
        return;
    }
    const struct ct_yaml_node *each = ct_yaml_find(node, "per_conversation"), *monthly = ct_yaml_find(node, "monthly"),
                              *shared = ct_yaml_find(node, "shared_by");
    unsigned by = 0;
    if (!each && !monthly) {
        ct_yaml_problem(r->yaml, 'e', node, "fixed: per_conversation or monthly is due");
    }
    (void)ct_cost_read_money(r, each, "per_conversation", 0, &model->fixed_per_conversation);
    read_months(r, monthly);
    if (shared && !monthly) {
        ct_yaml_problem(r->yaml, 'e', shared, "fixed: shared_by is of monthly fees, and there are none");
    } else if (ct_yaml_choice(r->yaml, shared, "shared_by", sharers, 2, &by)) {
        model->months_by_ai = by == 1;
    }
    model->has_fixed = true;
}

void ct_cost_read_people(struct ct_cost_file *r)
{
    read_humans(r);
    read_human_prices(r);
    read_fixed(r);
}
