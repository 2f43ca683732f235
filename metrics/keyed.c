/* keyed.c - bounded tables by name. Used by cost.c, satisfaction.c and channels.c. */
#include "metrics/keyed.h"

/* The entry of `key`, or NULL; *place = where it stands or would stand. */
static void *find(const struct ct_keyed *keyed, void *entries, uint32_t count, const char key[CT_KEY_BYTES],
                  uint32_t *place)
{
    char *base = entries;
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = memcmp(base + middle * keyed->entry_bytes, key, CT_KEY_BYTES);
        if (order == 0) {
            *place = middle;
            return base + middle * keyed->entry_bytes;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *place = low;
    return NULL;
}

static void *at_key(const struct ct_keyed *keyed, void *entries, uint32_t *count, void *other,
                    const char key[CT_KEY_BYTES])
{
    char *base = entries;
    uint32_t low;
    void *found = find(keyed, entries, *count, key, &low);
    if (found) {
        return found;
    }
    if (*count == keyed->max) {
        if (low == *count) {
            return other;
        }
        --*count;
        keyed->merge(other, base + *count * keyed->entry_bytes, 1);
    }
    char *place = base + low * keyed->entry_bytes;
    memmove(place + keyed->entry_bytes, place, (*count - low) * keyed->entry_bytes);
    memset(place, 0, keyed->entry_bytes);
    memcpy(place, key, CT_KEY_BYTES);
    ++*count;
    return place;
}

static bool has_values(const struct ct_keyed *keyed, const char *entry)
{
    for (size_t i = CT_KEY_BYTES; i < keyed->entry_bytes; i++) {
        if (entry[i]) {
            return true;
        }
    }
    return false;
}

static void drop_empty(const struct ct_keyed *keyed, char *entries, uint32_t *count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        char *entry = entries + i * keyed->entry_bytes;
        if (has_values(keyed, entry)) {
            if (kept < i) {
                memcpy(entries + kept * keyed->entry_bytes, entry, keyed->entry_bytes);
            }
            kept++;
        }
    }
    memset(entries + kept * keyed->entry_bytes, 0, (*count - kept) * keyed->entry_bytes);
    *count = kept;
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
                    uint32_t from_count, const void *from_other, int sign)
{
    const char *from = from_entries;
    for (uint32_t i = 0; i < from_count; i++, from += keyed->entry_bytes) {
        uint32_t place;
        void *entry =
            sign < 0 ? find(keyed, entries, *count, from, &place) : at_key(keyed, entries, count, other, from);
        keyed->merge(entry ? entry : other, from, sign);
    }
    keyed->merge(other, from_other, sign);
    if (sign < 0 && !has_values(keyed, other)) {
        drop_empty(keyed, entries, count);
    }
}

const void *ct_keyed_shown(const struct ct_keyed *keyed, const void *entries, uint32_t count, size_t nth)
{
    const char *entry = entries;
    for (uint32_t i = 0; i < count; i++, entry += keyed->entry_bytes) {
        if (has_values(keyed, entry) && nth-- == 0) {
            return entry;
        }
    }
    return NULL;
}
