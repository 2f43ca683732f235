/* fold_char.c - one character by utf8proc's facts: marks, case, quotes, spaces (fold_char.h). Called when a folder's
 * table is made, and for what is not in it.
 */
#include "engine/fold_char.h"

#include <utf8proc.h>

static size_t utf8_put(uint32_t c, char *out)
{
    unsigned char *at = (unsigned char *)out;
    if (c < 0x80) {
        at[0] = (unsigned char)c;
        return 1;
    }
    if (c < 0x800) {
        at[0] = (unsigned char)(0xC0 | (c >> 6));
        at[1] = (unsigned char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        at[0] = (unsigned char)(0xE0 | (c >> 12));
        at[1] = (unsigned char)(0x80 | ((c >> 6) & 63));
        at[2] = (unsigned char)(0x80 | (c & 63));
        return 3;
    }
    at[0] = (unsigned char)(0xF0 | (c >> 18));
    at[1] = (unsigned char)(0x80 | ((c >> 12) & 63));
    at[2] = (unsigned char)(0x80 | ((c >> 6) & 63));
    at[3] = (unsigned char)(0x80 | (c & 63));
    return 4;
}

/* The quotes that keyboards and editors put in, and the line ends that are not '\\n'. */
static uint32_t straighten(uint32_t c)
{
    switch (c) {
    case 0x00B4:
    case 0x02B9:
    case 0x02BB:
    case 0x02BC:
    case 0x2018:
    case 0x2019:
    case 0x201A:
    case 0x201B:
    case 0x2032:
    case 0x2039:
    case 0x203A:
    case 0xFF07:
        return '\'';
    case 0x00AB:
    case 0x00BB:
    case 0x02BA:
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x201F:
    case 0x2033:
    case 0x300C:
    case 0x300D:
    case 0xFF02:
        return '"';
    case 0x0085:
    case 0x2028:
    case 0x2029:
        return '\n';
    default:
        return c;
    }
}

unsigned ct_fold_codepoint(uint32_t c, uint32_t out[FOLD_CHAR_MAX])
{
    utf8proc_int32_t parts[16], cased[8];
    int boundary = 0;
    unsigned n = 0;
    utf8proc_ssize_t part_count =
        utf8proc_decompose_char((utf8proc_int32_t)c, parts, 16, UTF8PROC_DECOMPOSE, &boundary);
    if (part_count < 0 || part_count > 16) {
        out[0] = c;
        return 1;
    }
    for (utf8proc_ssize_t i = 0; i < part_count; i++) {
        utf8proc_category_t category = utf8proc_category(parts[i]);
        if (category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME || category == UTF8PROC_CATEGORY_CF)
            continue;
        utf8proc_ssize_t cased_count =
            utf8proc_decompose_char(parts[i], cased, 8, UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD, &boundary);
        if (cased_count < 0 || cased_count > 8) {
            cased[0] = parts[i];
            cased_count = 1;
        }
        for (utf8proc_ssize_t j = 0; j < cased_count && n < FOLD_CHAR_MAX; j++) {
            utf8proc_category_t kind = utf8proc_category(cased[j]);
            if (kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_ME)
                continue;
            out[n++] = kind == UTF8PROC_CATEGORY_ZS ? ' ' : straighten((uint32_t)cased[j]);
        }
    }
    return n;
}

void ct_fold_entry_of_folded(uint32_t c, struct fold_entry *entry)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
    bool number = category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
    bool symbol = category >= UTF8PROC_CATEGORY_PD && category <= UTF8PROC_CATEGORY_SO;
    memset(entry, 0, sizeof *entry);
    entry->from = entry->to = c;
    entry->len = (uint8_t)utf8_put(c, entry->text);
    entry->flags = (uint8_t)((letter ? ENTRY_LETTER : 0) | (c >= 0x80 ? ENTRY_WIDE : 0) |
                             (c >= 0x80 && symbol ? ENTRY_SYMBOL : 0));
    memcpy(entry->key, entry->text, 4);
    /* Letters beyond U+FFFF count as no word here: newer Unicode versions add letters there, and PCRE2 may know
     * another version than utf8proc. The prefilter stays right either way. */
    if (!((letter || number) && c < 0x10000) && c != '_')
        entry->key[0] = entry->key[entry->len - 1] = ' ';
}

void ct_fold_entry_of(uint32_t c, struct fold_entry *entry)
{
    uint32_t out[FOLD_CHAR_MAX];
    unsigned n = ct_fold_codepoint(c, out);
    if (n == 0)
        memset(entry, 0, sizeof *entry);
    else
        ct_fold_entry_of_folded(out[0], entry);
    if (n > 1)
        entry->flags |= ENTRY_MANY;
    entry->from = c;
}

size_t ct_fold_char(uint32_t codepoint, char *text, char *key, unsigned *characters)
{
    uint32_t parts[FOLD_CHAR_MAX];
    unsigned n = ct_fold_codepoint(codepoint, parts);
    size_t len = 0;
    for (unsigned i = 0; i < n; i++) {
        struct fold_entry part;
        ct_fold_entry_of_folded(parts[i], &part);
        memcpy(text + len, part.text, part.len);
        if (key)
            memcpy(key + len, part.key, part.len);
        len += part.len;
    }
    if (characters)
        *characters = n;
    return len;
}
