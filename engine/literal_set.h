/* literal_set.h - sets of strings that a piece of a pattern begins with, ends with or is; private to literal*.c. */
#ifndef CT_LITERAL_SET_H
#define CT_LITERAL_SET_H

#include "engine/literal.h"

/* What is known about a string and the characters beside it. */
enum {
    LIT_LEAD = 1,  /* the character before it is no word character (or there is none) */
    LIT_TRAIL = 2, /* the one after it */
    LIT_BREAK = 4, /* empty string only: a word boundary is here */
    LIT_FIRST = 8, /* no word character is anywhere before it (it is also LEAD) */
    LIT_OPEN = 16, /* it is the whole of what the piece matched: the neighbour's strings may be joined to it */
    LIT_GAP = 32   /* in a prefix: characters that are no word characters may come before it, or be all of it; with
                      LIT_TRAIL on an empty string, at least one */
};

struct lit {
    uint8_t len, flags;
    char at[CT_LITERAL_MAX]; /* key view */
};

struct lit_set {
    struct lit *lits;
    uint32_t count;
    uint32_t max_before; /* see ct_literal_set */
};

enum {
    LIT_CROSS_MAX = 64,      /* strings made by joining two sets of several */
    LIT_CROSS_OPEN_MAX = 24, /* where one of them is only an end or a beginning */
    LIT_UNION_MAX = 1000,
    LIT_INNER_MAX = 8
};

/* A set that every match holds, with its chance worked out once. */
struct lit_inner {
    struct lit_set set;
    double chance;
};

/* What is known about a piece of a pattern. */
struct lit_info {
    bool exact;            /* it matches just the strings of `prefix`, all of them open */
    bool gap;              /* it matches no word character */
    bool first;            /* it begins where the text does, and is a gap */
    struct lit_set prefix; /* every match begins with one of these */
    struct lit_set suffix; /* every match ends with one of these; unused where exact */
    struct lit_inner inner[LIT_INNER_MAX];
    uint32_t inner_count;
    uint32_t max_len; /* bytes of folded text; CT_LITERAL_FAR = no bound */
};

/* All return false where scratch ran out. */
bool ct_lit_info_empty(struct ct_arena *scratch, uint8_t flags, struct lit_info *out);
bool ct_lit_info_string(struct ct_arena *scratch, const char *key, size_t len, struct lit_info *out);
/* Any text of one byte and up to max_len bytes, or (`other`) one that begins and ends with no word character. */
bool ct_lit_info_any(struct ct_arena *scratch, uint32_t max_len, bool other, struct lit_info *out);
bool ct_lit_info_concat(struct ct_arena *scratch, const struct lit_info *a, const struct lit_info *b,
                        struct lit_info *out);
/* One of `count` (at least one) pieces. */
bool ct_lit_info_union(struct ct_arena *scratch, const struct lit_info *pieces, size_t count, struct lit_info *out);
/* max = CT_LITERAL_FAR: no bound. */
bool ct_lit_info_repeat(struct ct_arena *scratch, const struct lit_info *a, uint32_t min, uint32_t max,
                        struct lit_info *out);
/* Keeps only what is required somewhere: used for the insides of a lookahead. */
bool ct_lit_info_required(struct ct_arena *scratch, const struct lit_info *a, struct lit_info *out);
/* A guess at how often a text has one of the set; smaller is better. */
double ct_lit_set_chance(const struct lit_set *set);
/* The finished sets, rarest first (literal_plan.c). */
void ct_lit_info_plan(struct ct_arena *scratch, const struct lit_info *a, bool raw, struct ct_literal_plan *plan);

#endif
