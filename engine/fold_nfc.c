/* fold_nfc.c - the raw view: NFC with a map back (fold.h). Made only for texts that a raw rule may match.
 *
 * Nearly every text is NFC already, and nothing is copied then. Otherwise the text is taken apart into a character and
 * the marks (or the Hangul vowels and finals) behind it, and each such group is composed by utf8proc on its own:
 * nothing composes across groups.
 */
#include "engine/fold.h"

#include <stdlib.h>
#include <utf8proc.h>

enum { GROUP_MAX = 64 };

/* Bytes [n0,n1) of the view came from raw bytes [r0,r1); between pieces they go in step. */
struct piece {
    uint32_t n0, n1, r0, r1;
};

struct ct_nfc {
    char *text;
    struct piece *pieces;
    size_t piece_count;
};

struct ct_nfc *ct_nfc_new(void)
{
    struct ct_nfc *nfc = calloc(1, sizeof *nfc);
    if (!nfc)
        return NULL;
    nfc->text = malloc(CT_FOLD_TEXT_MAX * 3 + 16);
    nfc->pieces = malloc((CT_FOLD_TEXT_MAX / 2 + 2) * sizeof *nfc->pieces);
    if (!nfc->text || !nfc->pieces) {
        ct_nfc_free(nfc);
        return NULL;
    }
    return nfc;
}

void ct_nfc_free(struct ct_nfc *nfc)
{
    if (!nfc)
        return;
    free(nfc->text);
    free(nfc->pieces);
    free(nfc);
}

/* Joins the group of the character before it: a mark, or a Hangul vowel or final. */
static bool joins(utf8proc_int32_t c)
{
    if (c < 0x300)
        return false;
    if ((c >= 0x1160 && c <= 0x11FF) || (c >= 0xD7B0 && c <= 0xD7FF))
        return true;
    const utf8proc_property_t *property = utf8proc_get_property(c);
    return property->combining_class != 0 || property->category == UTF8PROC_CATEGORY_MN ||
           property->category == UTF8PROC_CATEGORY_MC;
}

/* Composes the characters of one group; returns bytes written, 0 = leave it as it is. */
static size_t compose(const utf8proc_uint8_t *at, size_t len, unsigned characters, char *out)
{
    utf8proc_int32_t buffer[GROUP_MAX * 4 + 1];
    size_t written = 0;
    if (characters > GROUP_MAX)
        return 0;
    utf8proc_ssize_t count =
        utf8proc_decompose(at, (utf8proc_ssize_t)len, buffer, GROUP_MAX * 4, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (count <= 0 || count > GROUP_MAX * 4)
        return 0;
    count = utf8proc_normalize_utf32(buffer, count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    for (utf8proc_ssize_t i = 0; i < count; i++)
        written += (size_t)utf8proc_encode_char(buffer[i], (utf8proc_uint8_t *)out + written);
    return written;
}

ct_span ct_nfc_of(struct ct_nfc *nfc, ct_span text)
{
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text.at;
    size_t in = 0, out = 0;
    bool changed = false;
    nfc->piece_count = 0;
    if (text.len > CT_FOLD_TEXT_MAX) {
        text.len = CT_FOLD_TEXT_MAX;
        while (text.len > 0 && (bytes[text.len] & 0xC0) == 0x80)
            text.len--;
    }
    while (in < text.len) {
        if (bytes[in] < 0x80 && (in + 1 == text.len || bytes[in + 1] < 0x80)) {
            nfc->text[out++] = text.at[in++];
            continue;
        }
        size_t group = in;
        unsigned characters = 0;
        utf8proc_int32_t c = 0, first = 0;
        while (group < text.len) {
            utf8proc_ssize_t len = utf8proc_iterate(bytes + group, (utf8proc_ssize_t)(text.len - group), &c);
            if (len <= 0)
                len = 1; /* not valid: the caller's mistake, but never a loop */
            if (characters > 0 && !joins(c))
                break;
            first = characters == 0 ? c : first;
            group += (size_t)len;
            characters++;
        }
        size_t len = group - in, made = 0;
        /* nothing below U+0300 changes alone */
        if (characters > 1 || first >= 0x300)
            made = compose(bytes + in, len, characters, nfc->text + out);
        if (made == 0 || (made == len && memcmp(nfc->text + out, bytes + in, len) == 0)) {
            memcpy(nfc->text + out, bytes + in, len);
            made = len;
        } else {
            nfc->pieces[nfc->piece_count++] =
                (struct piece){(uint32_t)out, (uint32_t)(out + made), (uint32_t)in, (uint32_t)group};
            changed = true;
        }
        out += made;
        in = group;
    }
    return changed ? (ct_span){nfc->text, out} : text;
}

void ct_nfc_to_raw(const struct ct_nfc *nfc, size_t begin, size_t end, size_t *raw_begin, size_t *raw_end)
{
    size_t offsets[2] = {begin, end > begin ? end - 1 : begin};
    for (unsigned which = 0; which < 2; which++) {
        size_t low = 0, high = nfc->piece_count, at = offsets[which];
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (nfc->pieces[middle].n0 <= at)
                low = middle + 1;
            else
                high = middle;
        }
        const struct piece *piece = low > 0 ? &nfc->pieces[low - 1] : NULL;
        bool inside = piece && at < piece->n1;
        if (which == 0)
            *raw_begin = inside ? piece->r0 : piece ? piece->r1 + (at - piece->n1) : at;
        else if (end <= begin)
            *raw_end = *raw_begin;
        else
            *raw_end = inside ? piece->r1 : (piece ? piece->r1 + (at - piece->n1) : at) + 1;
    }
}
