/* literal.h - what a text must contain for a pattern to match it at all.
 *
 * A small parser of PCRE2's syntax turns a pattern into an AND of OR sets of literals over the key view of the
 * folded text (fold.h). It is conservative: whatever it does not understand costs literals, never a match. So a
 * pattern without sets has to be tried on every text, and a set may hold literals that do not suffice, but a text
 * without any literal of a set cannot match. Called when a program is compiled (match_program.c).
 */
#ifndef CT_LITERAL_H
#define CT_LITERAL_H

#include "engine/arena.h"
#include "engine/ct.h"
#include "engine/fold.h"

enum {
    CT_LITERAL_MAX = 24,      /* bytes of text in a literal; longer ones are cut where they may be */
    CT_LITERAL_MIN = 3,       /* shorter ones are of no use to the prefilter */
    CT_LITERAL_MIN_FIRST = 2, /* but of the text's first word the first letter will do */
    CT_LITERAL_SETS = 6       /* of a pattern; the commonest beyond that are dropped */
};
#define CT_LITERAL_FAR UINT32_MAX

/* Bytes of the key view. A word edge (\b, ^, $, \s ...) is a ' ' at either end. */
struct ct_literal {
    uint8_t len;
    uint8_t lead;  /* 1: key[0] is an edge, the text proper begins at key[1] */
    uint8_t first; /* 1: no word is before it in the text */
    char key[CT_LITERAL_MAX + 2];
};

/* One of these is in every text that matches. */
struct ct_literal_set {
    const struct ct_literal *literals;
    uint32_t count;
    uint32_t max_before; /* bytes of folded text from where a match attempt begins to the literal's text proper,
                            at most; CT_LITERAL_FAR = no bound */
    double chance;       /* a guess at how often a message has one of them: smaller is better */
};

struct ct_literal_plan {
    struct ct_literal_set sets[CT_LITERAL_SETS]; /* the rarest first */
    uint32_t set_count;
    bool windowed; /* a match can begin only where max_before allows, and not after the last literal of a set */
    bool narrow;   /* ASCII, and it cannot tell two symbols outside ASCII apart: may run on the narrow view */
    bool ascii;    /* ASCII only: may be compiled without PCRE2's UTF mode for ASCII texts */
};

/* `expanded` is what PCRE2 compiles, at most 8 KiB. `raw`: the pattern runs on the raw view. The sets are borrowed from
 * `scratch`, which should have a limit: running into it only costs literals. Never fails. */
void ct_literal_extract(struct ct_arena *scratch, ct_span expanded, bool raw, struct ct_literal_plan *plan);

/* Guess at how often a message has this literal, 0..1. */
double ct_literal_chance(const char *key, size_t len);
/* How rare four bytes are, in bits; for choosing which part of a literal to look for. */
double ct_literal_gram_bits(const char *key);

#endif
