/* json_head.c - collects the keys of the first object of a JSON file, two levels deep.
 *
 * A head is usually cut in the middle of a value: whatever was read until then counts.
 */
#include "parsers/json_head.h"

#include "parsers/json_reader.h"

static const ct_span names[] = {
#define X(name) [CT_HEAD_##name] = CT_JSON_NAME(#name),
    CT_HEAD_MAP(X)
#undef X
};

static int find(ct_span key)
{
    for (int i = 0; i < CT_HEAD_COUNT; i++)
        if (ct_span_eq(key, names[i]))
            return i;
    return -1;
}

/* Steps into the object at the cursor, or into the first element of an array. */
static bool step_in(struct ct_json *json, bool *in_array)
{
    struct ct_json_walk walk = {0};
    *in_array = ct_json_peek(json) == CT_JSON_ARRAY;
    if (*in_array && (!ct_json_array(json, NULL) || !ct_json_element(json, &walk)))
        return false;
    return ct_json_peek(json) == CT_JSON_OBJECT && ct_json_object(json, NULL);
}

/* The members of the object at the cursor (or the first of the array); the cursor stays behind all of it. */
static void collect(struct ct_json *json, uint64_t *keys, struct ct_json_head *parent)
{
    struct ct_json_walk walk = {0};
    bool in_array = false;
    ct_span key;
    if (!step_in(json, &in_array))
        return;
    while (ct_json_key(json, &walk, &key)) {
        int k = find(key);
        if (k >= 0)
            *keys |= (uint64_t)1 << k;
        struct ct_json_mark begin = ct_json_here(json);
        if (parent && k >= 0 && k < CT_HEAD_PARENTS) {
            struct ct_json inner = *json;
            collect(&inner, &parent->inner[k], NULL);
        }
        ct_json_rewind(json, begin);
        if (!ct_json_skip(json))
            return;
    }
}

void ct_json_head_read(struct ct_json_head *head, ct_span bytes)
{
    memset(head, 0, sizeof(*head));
    if (bytes.len >= 3 && memcmp(bytes.at, "\xEF\xBB\xBF", 3) == 0)
        bytes = (ct_span){bytes.at + 3, bytes.len - 3};
    /* Keys with escapes need room; one with very many is nobody's. */
    struct ct_arena scratch;
    ct_arena_init(&scratch, 0, 65536);
    struct ct_json json;
    ct_json_init(&json, bytes, &scratch);
    collect(&json, &head->top, head);
    ct_arena_done(&scratch);
}
