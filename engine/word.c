/* word.c - word boundaries of a folded text (word.h). */
#include "engine/word.h"

#include <utf8proc.h>

uint32_t ct_word_char(ct_span folded, size_t at, size_t *len)
{
    const unsigned char *s = (const unsigned char *)folded.at + at;
    uint32_t c = s[0];
    size_t bytes = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (bytes > folded.len - at)
        bytes = 1; /* not valid UTF-8: never beyond the end */
    if (bytes > 1)
        c &= 0x7Fu >> bytes;
    for (size_t i = 1; i < bytes; i++)
        c = (c << 6) | (s[i] & 63u);
    *len = bytes;
    return c;
}

/* Bytes of the word character at `at`, 0 = none is there. */
static size_t word_char(ct_span folded, size_t at)
{
    if (at >= folded.len)
        return 0;
    unsigned char byte = (unsigned char)folded.at[at];
    if (byte < 0x80)
        return (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z') || byte == '_';
    size_t len;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)ct_word_char(folded, at, &len));
    bool word = (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
                (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_NO);
    return word ? len : 0;
}

bool ct_word_next(ct_span folded, size_t *at, ct_span *word)
{
    size_t i = *at, len;
    while (i < folded.len && word_char(folded, i) == 0)
        i++;
    if (i >= folded.len) {
        *at = folded.len;
        return false;
    }
    size_t begin = i;
    while ((len = word_char(folded, i)) > 0 || (i < folded.len && folded.at[i] == '\'' && word_char(folded, i + 1) > 0))
        i += len ? len : 1;
    *word = (ct_span){folded.at + begin, i - begin};
    *at = i;
    return true;
}
