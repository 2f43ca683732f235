/* keyed.c - bounded tables by name. Used by cost.c, satisfaction.c and channels.c. */
#include "metrics/keyed.h"

static void *at_key(const struct ct_keyed *keyed, void *entries, uint32_t *count, void *other,
                    const char key[CT_KEY_BYTES])
{
    char *base = entries;
    uint32_t low = 0, high = *count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = memcmp(base + middle * keyed->entry_bytes, key, CT_KEY_BYTES);
        if (order == 0) {
            return base + middle * keyed->entry_bytes;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (*count == keyed->max) {
        if (low == *count) {
            return other;
        }
        --*count;
        keyed->merge(other, base + *count * keyed->entry_bytes);
    }
    char *place = base + low * keyed->entry_bytes;
    memmove(place + keyed->entry_bytes, place, (*count - low) * keyed->entry_bytes);
    memset(place, 0, keyed->entry_bytes);
    memcpy(place, key, CT_KEY_BYTES);
    ++*count;
    return place;
}

ct_span ct_keyed_cut(ct_span key)
{
    if (key.len > CT_KEY_BYTES - 1) {
        key.len = CT_KEY_BYTES - 1;
        while (key.len > 0 && ((unsigned char)key.at[key.len] & 0xC0) == 0x80) {
            key.len--;
        }
    }
    return key;
}

void *ct_keyed_at(const struct ct_keyed *keyed, void *entries, uint32_t *count, void *other, ct_span key)
{
    char padded[CT_KEY_BYTES] = {0};
    ct_span cut = ct_keyed_cut(key);
    if (cut.len) {
        memcpy(padded, cut.at, cut.len);
    }
    return at_key(keyed, entries, count, other, padded);
}

void ct_keyed_merge(const struct ct_keyed *keyed, void *entries, uint32_t *count, void *other, const void *from_entries,
                    uint32_t from_count, const void *from_other)
{
    const char *from = from_entries;
    for (uint32_t i = 0; i < from_count; i++, from += keyed->entry_bytes) {
        keyed->merge(at_key(keyed, entries, count, other, from), from);
    }
    keyed->merge(other, from_other);
}
