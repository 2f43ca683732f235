/* prefilter.h - one pass over the key view of a text, and which patterns can match it at all.
 *
 * Each pattern is looked for by its rarest OR set of literals (literal.h). Nearly every literal holds the beginning of
 * a word, so only the places where a word begins are looked at: there, the next four bytes are hashed and tested in a
 * small sieve, with no dependence on the place before; only what the sieve lets through is looked up and compared.
 * Literals that hold no beginning have sieves for the ends of words and for every place, if there are any. A pattern
 * found must also have its other sets in the text, and in such places that a match can begin somewhere: told from marks
 * by hash, and from the places that were let through. Everything lets through too much now and then, never too little.
 * Made with a program, read by all matchers; the scan state is one matcher's. docs/prefilter.md has the measurements.
 */
#ifndef CT_PREFILTER_H
#define CT_PREFILTER_H

#include "engine/literal.h"

/* A pattern and its sets, at least one; what is needed of them is copied. */
struct ct_prefilter_item {
    uint32_t pattern;
    const struct ct_literal_set *sets; /* the rarest first */
    uint32_t set_count;
};

struct ct_prefilter;
/* `needs`: all that ct_prefilter_has may be asked for after a scan with it; not kept. NULL = out of memory. */
struct ct_prefilter *ct_prefilter_new(const struct ct_prefilter_item *items, size_t count, const uint16_t *needs,
                                      size_t need_words);
void ct_prefilter_free(struct ct_prefilter *prefilter); /* NULL allowed */

/* A pattern that may match, and the offsets between which such a match begins. */
struct ct_prefilter_found {
    uint32_t pattern;
    uint32_t from, until;
};

struct ct_prefilter_scan;
/* For patterns 0 .. pattern_count-1 and any prefilter over them. NULL = out of memory. */
struct ct_prefilter_scan *ct_prefilter_scan_new(size_t pattern_count);
void ct_prefilter_scan_free(struct ct_prefilter_scan *scan); /* NULL allowed */
/* `text` as ct_fold makes it: its key and its blanks are read, until the next scan also by ct_prefilter_has. *found
 * stays until the next scan; each pattern once, in no order. */
size_t ct_prefilter_run(const struct ct_prefilter *prefilter, struct ct_prefilter_scan *scan,
                        const struct ct_folded *text, const struct ct_prefilter_found **found);

/* A pattern's sets, coded for ct_prefilter_has: Returns how many words it took; `out` NULL: the most
 * that it can take. Several, one behind the other, are one need of them all. */
size_t ct_prefilter_need(const struct ct_literal_set *sets, size_t count, uint16_t *out);
/* Whether the last scan's text may have a literal of each set. The scan's prefilter must have been told of them, and
 * still be there. */
bool ct_prefilter_has(struct ct_prefilter_scan *scan, const uint16_t *need, size_t words);

#endif
