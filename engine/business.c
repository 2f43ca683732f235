/* business.c - business events as flat memory. See business.h. */
#include "engine/business.h"

#include <stdlib.h>

const char *ct_business_text_of(enum ct_business_type type)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_BUSINESS_MAP(X)
#undef X
    };
    return texts[type];
}

bool ct_business_type_from(ct_span text, enum ct_business_type *out)
{
    for (unsigned type = 0; type < CT_BUSINESS_COUNT; type++) {
        if (ct_span_is(text, ct_business_text_of((enum ct_business_type)type))) {
            *out = (enum ct_business_type)type;
            return true;
        }
    }
    return false;
}

const char *ct_business_field_text(enum ct_business_field field)
{
    static const char *const texts[CT_BUSINESS_FIELD_COUNT] = {"tenant",  "user_id", "id",      "ref",  "name",
                                                               "segment", "reason",  "version", "text", "currency"};
    return texts[field];
}

void ct_business_event_init(struct ct_business_event *event)
{
    const int64_t none = CT_BUSINESS_NUMBER_NONE;
    *event = (struct ct_business_event){
        .at = CT_USEC_NONE, .numbers = {none, none, none, none, none, none, none, none, none, none, none, none, none}};
}

uint64_t ct_customer_hash(ct_span tenant, ct_span user_id)
{
    uint64_t customer[3] = {tenant.len ? ct_hash(tenant, CT_TENANT_SEED) : 0, ct_hash(user_id, CT_USER_SEED), 1};
    return ct_hash((ct_span){(const char *)customer, sizeof customer}, CT_CUSTOMER_SEED);
}

static uint32_t aligned(uint32_t bytes)
{
    return (bytes + 7) & ~7u;
}

uint32_t ct_business_bytes(const struct ct_business_event *event)
{
    size_t bytes = sizeof(struct ct_business);
    for (unsigned i = 0; i < CT_BUSINESS_FIELD_COUNT; i++) {
        if (event->text[i].len > CT_BUSINESS_BYTES_MAX) {
            return 0;
        }
        bytes += event->text[i].len;
    }
    return bytes > CT_BUSINESS_BYTES_MAX ? 0 : aligned((uint32_t)bytes);
}

/* An event with an id is that id, whatever else was said of it; without one it is everything in it. */
static uint64_t identity_of(const struct ct_business_event *event)
{
    uint64_t hash = ct_hash(event->text[CT_BUSINESS_TENANT], 0xB51);
    if (event->text[CT_BUSINESS_ID].len) {
        return ct_hash(event->text[CT_BUSINESS_ID], hash);
    }
    int64_t head[2] = {(int64_t)event->type, event->at};
    hash = ct_hash((ct_span){(const char *)head, sizeof head}, hash);
    hash = ct_hash((ct_span){(const char *)&event->numbers, sizeof event->numbers}, hash);
    for (unsigned i = 0; i < CT_BUSINESS_FIELD_COUNT; i++) {
        hash = ct_hash(event->text[i], hash + i);
    }
    return hash;
}

void ct_business_write(struct ct_business *to, const struct ct_business_event *event)
{
    uint32_t bytes = ct_business_bytes(event), at = sizeof *to;
    ct_span user = event->text[CT_BUSINESS_USER_ID];
    memset(to, 0, bytes);
    to->bytes = bytes;
    to->type = (uint16_t)event->type;
    to->customer_hash = user.len ? ct_customer_hash(event->text[CT_BUSINESS_TENANT], user) : 0;
    to->identity = identity_of(event);
    to->at = event->at;
    to->numbers = event->numbers;
    for (unsigned i = 0; i < CT_BUSINESS_FIELD_COUNT; i++) {
        ct_span text = event->text[i];
        to->text[i].at = at;
        to->text[i].len = (uint32_t)text.len;
        if (text.len) {
            memcpy((char *)to + at, text.at, text.len);
        }
        at += (uint32_t)text.len;
    }
}

void ct_business_read(const struct ct_business *from, struct ct_business_event *event)
{
    event->type = (enum ct_business_type)from->type;
    event->at = from->at;
    event->numbers = from->numbers;
    for (unsigned i = 0; i < CT_BUSINESS_FIELD_COUNT; i++) {
        event->text[i] = ct_business_text(from, (enum ct_business_field)i);
    }
}

/* Of two with one identity the earlier stays: then which one does not hang on the order they came in. */
static int compare(const void *left, const void *right)
{
    const struct ct_business *a = *(const struct ct_business *const *)left;
    const struct ct_business *b = *(const struct ct_business *const *)right;
    if (a->at != b->at) {
        return a->at < b->at ? -1 : 1;
    }
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    if (a->identity != b->identity) {
        return a->identity < b->identity ? -1 : 1;
    }
    uint32_t bytes = a->bytes < b->bytes ? a->bytes : b->bytes;
    int order = memcmp(a, b, bytes);
    return order ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static int by_identity(const void *left, const void *right)
{
    const struct ct_business *a = *(const struct ct_business *const *)left;
    const struct ct_business *b = *(const struct ct_business *const *)right;
    return a->identity != b->identity ? (a->identity < b->identity ? -1 : 1) : compare(left, right);
}

size_t ct_business_sort(const struct ct_business **events, size_t count)
{
    size_t kept = 0;
    if (count < 2) {
        return count;
    }
    qsort(events, count, sizeof *events, by_identity);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || events[kept - 1]->identity != events[i]->identity) {
            events[kept++] = events[i];
        }
    }
    qsort(events, kept, sizeof *events, compare);
    return kept;
}
