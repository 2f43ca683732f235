/* fold_char.h - what one character becomes in the folded view; private to fold*.c.
 */
#ifndef CT_FOLD_CHAR_H
#define CT_FOLD_CHAR_H

#include "engine/fold.h"

enum { FOLD_CHAR_MAX = 8 }; /* characters that one becomes */

enum entry_flag {
    ENTRY_LETTER = 1, /* takes part in run collapsing */
    ENTRY_WIDE = 2,   /* not ASCII */
    ENTRY_SYMBOL = 4, /* not ASCII, punctuation or symbol in every version of Unicode: the narrow view may hide it */
    ENTRY_MANY = 8    /* becomes more than one character: ask again, character by character */
};

/* What one character becomes. */
struct fold_entry {
    char text[4], key[4];
    uint32_t from, to; /* code points; `from` is what the cache checks */
    uint8_t len, flags;
};

/* NFD, marks stripped, case folded, in that order; returns how many characters came out. */
unsigned ct_fold_codepoint(uint32_t c, uint32_t out[FOLD_CHAR_MAX]);
/* Entry of a character that is already folded, and of any. */
void ct_fold_entry_of_folded(uint32_t c, struct fold_entry *entry);
void ct_fold_entry_of(uint32_t c, struct fold_entry *entry);

#endif
