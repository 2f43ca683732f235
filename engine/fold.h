/* fold.h - the folded view of a text: what people meant when they left accents, case and spelling out.
 *
 * NFD, marks (Mn, Me) stripped, case folded, quotes straightened, NBSP and other Unicode spaces to ' ', line and
 * paragraph separators to '\n', format characters (ZWJ, soft hyphen, BOM ...) dropped, runs of three or more equal
 * LETTERS to one (never digits). utf8proc says what the Unicode facts are; a table built from it once serves the
 * Latin range without a call. Offsets map back to the raw bytes.
 */
#ifndef CT_FOLD_H
#define CT_FOLD_H

#include "engine/ct.h"

/* Bytes of a text that are looked at; a longer one is cut at a character boundary. */
#define CT_FOLD_TEXT_MAX ((size_t)65536)

struct ct_folder; /* scratch; one a thread */
struct ct_folder *ct_folder_new(void);
void ct_folder_free(struct ct_folder *folder); /* NULL allowed */

struct ct_folded {
    ct_span text;    /* folded bytes, valid UTF-8, borrowed until the next ct_fold on this folder */
    const char *key; /* same length and offsets (what the prefilter reads): a word character (letter, number, '_') as it
                        is; any other has ' ' for its first and its last byte, and so has every character beyond
                        U+FFFF; at least 16 bytes of ' ' before and after, and 64 more behind that may be read */
    const uint64_t *blanks; /* of the key: bit i % 64 of word i / 64 is 1 where byte i is ' '; length / 64 + 1 words,
                               all bits behind the text are 1 */
    bool ascii;             /* text is all ASCII */
    bool narrow;            /* text is ASCII but for symbols and punctuation: ct_fold_narrow serves it */
};
/* `text` is valid UTF-8. Never fails: scratch is for the 64 KiB that a matcher looks at, the rest is cut. */
void ct_fold(struct ct_folder *folder, ct_span text, struct ct_folded *out);
/* Byte range of the raw text for a range of the folded text of the last ct_fold: begin maps to the first
 * byte of the raw character it came from, end to one past the last (including stripped marks that follow). */
void ct_fold_to_raw(struct ct_folder *folder, size_t begin, size_t end, size_t *raw_begin, size_t *raw_end);

/* The narrow view of the last ct_fold, where it said `narrow`: one byte a character, each symbol outside ASCII as the
 * byte 1. A pattern that cannot tell those symbols apart runs on it without PCRE2's UTF mode. Made at the first call.
 */
ct_span ct_fold_narrow(struct ct_folder *folder);
size_t ct_fold_narrow_from(struct ct_folder *folder, size_t folded_offset);
size_t ct_fold_narrow_to(struct ct_folder *folder, size_t narrow_offset);

/* One character, folded as ct_fold folds it in isolation: writes at most 32 bytes each to `text` and `key` (may be
 * NULL) and returns their number, 0 = dropped. *characters (may be NULL) = how many it became. */
size_t ct_fold_char(uint32_t codepoint, char *text, char *key, unsigned *characters);

/* The raw view: NFC of the text, with the same kind of offset map. Where the text is NFC already, it is the given span
 * and the map is the identity. A character with more than 64 marks is copied as it is. */
struct ct_nfc;
struct ct_nfc *ct_nfc_new(void);
void ct_nfc_free(struct ct_nfc *nfc);
/* At most CT_FOLD_TEXT_MAX bytes are looked at. {NULL, 0} = out of memory. Borrowed until the next call, or as `text`.
 */
ct_span ct_nfc_of(struct ct_nfc *nfc, ct_span text);
void ct_nfc_to_raw(const struct ct_nfc *nfc, size_t begin, size_t end, size_t *raw_begin, size_t *raw_end);

#endif
