/* delivery.c - deliveries of one conversation by the message that they speak of; see delivery.h. Called by sessions.c.
 */
#include "engine/delivery.h"

#include <stdlib.h>

enum { SLOTS_KEPT = 1024 };

enum stage { STAGE_NONE, STAGE_ACCEPTED, STAGE_SENT, STAGE_FAILED, STAGE_ARRIVED, STAGE_READ };

/* When something was said, to tell the last word from those before. */
struct word {
    ct_usec ts;
    enum stage stage;
    bool said;
};

struct ct_delivery {
    ct_span id;
    uint64_t hash;
    struct word category_said, billing_said;
    ct_span category;
    enum ct_billing billing;
    uint32_t named_in; /* input in which it was given to a message, + 1; 0 = none */
    bool arrived, failed, matched;
};

struct ct_delivery_named {
    const struct ct_stored *stored;
    ct_span id;
};

void ct_deliveries_done(struct ct_deliveries *d)
{
    free(d->all);
    free(d->slots);
    free(d->named);
    free(d->nameless);
    *d = (struct ct_deliveries){0};
}

void ct_deliveries_begin(struct ct_deliveries *d)
{
    if (d->slot_count > SLOTS_KEPT) { /* clearing what one large conversation needed would cost every one after it */
        ct_deliveries_done(d);
    } else if (d->count) {
        memset(d->slots, 0, d->slot_count * sizeof *d->slots);
    }
    d->count = d->named_count = d->nameless_count = 0;
    d->input = 0;
}

/* Where the list lies with room for one more of `size` bytes. NULL = out of memory, and it lies where it lay. */
static void *grow(void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return list;
    }
    size_t more = *capacity ? *capacity * 2 : 16;
    void *moved = realloc(list, more * size);
    *capacity = moved ? more : *capacity;
    return moved;
}

static uint32_t *slot_of(const struct ct_deliveries *d, ct_span id, uint64_t hash)
{
    size_t at = hash & (d->slot_count - 1);
    while (d->slots[at] && (d->all[d->slots[at] - 1].hash != hash || !ct_span_eq(d->all[d->slots[at] - 1].id, id))) {
        at = (at + 1) & (d->slot_count - 1);
    }
    return &d->slots[at];
}

static bool rehash(struct ct_deliveries *d)
{
    size_t count = d->slot_count ? d->slot_count * 2 : 32;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots) {
        return false;
    }
    free(d->slots);
    d->slots = slots;
    d->slot_count = count;
    for (size_t i = 0; i < d->count; i++) {
        *slot_of(d, d->all[i].id, d->all[i].hash) = (uint32_t)i + 1;
    }
    return true;
}

static struct ct_delivery *find(const struct ct_deliveries *d, ct_span id)
{
    uint32_t at = d->count ? *slot_of(d, id, ct_hash(id, 0xDE)) : 0;
    return at ? &d->all[at - 1] : NULL;
}

/* The one of that id, made where it is new. NULL = out of memory. */
static struct ct_delivery *find_or_make(struct ct_deliveries *d, ct_span id)
{
    if ((d->count + 1) * 2 > d->slot_count && !rehash(d)) {
        return NULL;
    }
    uint64_t hash = ct_hash(id, 0xDE);
    uint32_t *slot = slot_of(d, id, hash);
    if (!*slot) {
        struct ct_delivery *all = grow(d->all, d->count, &d->capacity, sizeof *d->all);
        if (!all) {
            return NULL;
        }
        d->all = all;
        d->all[d->count] = (struct ct_delivery){.id = id, .hash = hash};
        *slot = (uint32_t)++d->count;
    }
    return &d->all[*slot - 1];
}

static enum stage stage_of(ct_span status)
{
    static const struct {
        const char *status;
        enum stage stage;
    } stages[] = {{"accepted", STAGE_ACCEPTED}, {"sent", STAGE_SENT}, {"failed", STAGE_FAILED},
                  {"delivered", STAGE_ARRIVED}, {"read", STAGE_READ}, {"played", STAGE_READ}};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        if (ct_span_is(status, stages[i].status)) {
            return stages[i].stage;
        }
    }
    return STAGE_NONE;
}

bool ct_delivery_is_early(const struct ct_message *m)
{
    return stage_of(m->event.name) < STAGE_READ;
}

/* More than 0: `is` outdoes `was`. 0: they were said at once, and what they say must decide. */
static int later(const struct word *is, const struct word *was)
{
    if (!was->said || is->ts != was->ts) {
        return !was->said || is->ts > was->ts ? 1 : -1;
    }
    return (is->stage > was->stage) - (is->stage < was->stage);
}

static int compare_texts(ct_span a, ct_span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.at, b.at, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static void say(struct ct_delivery *delivery, const struct ct_message *m, enum stage stage)
{
    const struct word word = {.ts = m->ts, .stage = stage, .said = true};
    enum ct_billing billing = ct_span_is(m->event.value, "true")    ? CT_BILLING_CHARGED
                              : ct_span_is(m->event.value, "false") ? CT_BILLING_FREE
                                                                    : CT_BILLING_UNSAID;
    int order = m->category.len ? later(&word, &delivery->category_said) : -1;
    if (order > 0 || (order == 0 && compare_texts(m->category, delivery->category) > 0)) {
        delivery->category = m->category;
        delivery->category_said = word;
    }
    order = billing != CT_BILLING_UNSAID ? later(&word, &delivery->billing_said) : -1;
    if (order > 0 || (order == 0 && billing > delivery->billing)) {
        delivery->billing = billing;
        delivery->billing_said = word;
    }
    delivery->arrived |= stage == STAGE_ARRIVED || stage == STAGE_READ;
    delivery->failed |= stage == STAGE_FAILED;
}

/* The platform's answers come one by one after what they answer; one that is missing costs its own message the id
 * alone, because the newest is taken and not the oldest. */
static bool name_one(struct ct_deliveries *d, struct ct_delivery *delivery, uint32_t input)
{
    if (d->nameless_count == 0 || delivery->named_in == input + 1) { /* the same answer again names nobody else */
        return true;
    }
    struct ct_delivery_named *named = grow(d->named, d->named_count, &d->named_capacity, sizeof *d->named);
    if (!named) {
        return false;
    }
    d->named = named;
    delivery->named_in = input + 1;
    d->named[d->named_count++] = (struct ct_delivery_named){d->nameless[--d->nameless_count], delivery->id};
    return true;
}

static bool is_business(const struct ct_message *m)
{
    return m->role == CT_ROLE_BOT || m->role == CT_ROLE_AGENT;
}

bool ct_deliveries_note(struct ct_deliveries *d, const struct ct_stored *stored, const struct ct_message *m)
{
    if (stored->input != d->input) {
        d->nameless_count = 0;
        d->input = stored->input;
    }
    if (m->event.type != CT_EVENT_DELIVERY) {
        if (!is_business(m) || m->id.len) {
            return true;
        }
        const struct ct_stored **nameless =
            grow(d->nameless, d->nameless_count, &d->nameless_capacity, sizeof(const struct ct_stored *));
        if (!nameless) {
            return false;
        }
        d->nameless = nameless;
        d->nameless[d->nameless_count++] = stored;
        return true;
    }
    if (m->id.len == 0) {
        return true; /* of nobody */
    }
    struct ct_delivery *delivery = find_or_make(d, m->id);
    enum stage stage = stage_of(m->event.name);
    if (delivery) {
        say(delivery, m, stage);
    }
    return delivery && (stage != STAGE_ACCEPTED || name_one(d, delivery, stored->input));
}

static int by_stored(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t)((const struct ct_delivery_named *)left)->stored,
              b = (uintptr_t)((const struct ct_delivery_named *)right)->stored;
    return (a > b) - (a < b);
}

void ct_deliveries_settle(struct ct_deliveries *d)
{
    if (d->named_count) {
        qsort(d->named, d->named_count, sizeof *d->named, by_stored);
    }
}

void ct_deliveries_tell(struct ct_deliveries *d, const struct ct_stored *stored, struct ct_message *m)
{
    if (d->count == 0 || !is_business(m)) {
        return;
    }
    if (m->id.len == 0 && d->named_count) {
        const struct ct_delivery_named wanted = {.stored = stored},
                                       *named = bsearch(&wanted, d->named, d->named_count, sizeof wanted, by_stored);
        m->id = named ? named->id : m->id;
    }
    struct ct_delivery *delivery = m->id.len ? find(d, m->id) : NULL;
    if (delivery) {
        delivery->matched = true;
        m->category = delivery->category.len ? delivery->category : m->category;
        m->billing = delivery->billing;
        m->undelivered = delivery->failed && !delivery->arrived;
    }
}

bool ct_deliveries_end(const struct ct_deliveries *d, uint64_t *unmatched)
{
    bool open = false;
    *unmatched = 0;
    for (size_t i = 0; i < d->count; i++) {
        *unmatched += !d->all[i].matched;
        open |= d->all[i].matched && !d->all[i].arrived && !d->all[i].failed;
    }
    return open;
}
