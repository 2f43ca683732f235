/* match_expression.h - one pattern under PCRE2: compiled when first needed, run with every limit on.
 *
 * Called by match_program.c and match.c alone.
 */
#ifndef CT_MATCH_EXPRESSION_H
#define CT_MATCH_EXPRESSION_H

#include "engine/ct.h"

#include <stdatomic.h>

/* How a pattern is compiled. Plain ones are fast and bounded by PCRE2's match limit, which counts from each start and
 * not at all in some loops; guarded ones call back at each item, and the calls and the bytes between them are counted
 * against one budget for the whole run. */
enum ct_expression_form {
    CT_EXPRESSION_UTF,
    CT_EXPRESSION_ASCII,
    CT_EXPRESSION_UTF_GUARDED,
    CT_EXPRESSION_ASCII_GUARDED,
    CT_EXPRESSION_FORMS
};

struct ct_expression {
    ct_span pattern;                            /* borrowed from the rule set */
    _Atomic(void *) codes[CT_EXPRESSION_FORMS]; /* pcre2_code; NULL = not compiled yet */
    atomic_bool no_ascii;                       /* does not compile without UTF */
};

void ct_expression_init(struct ct_expression *expression, ct_span pattern);
void ct_expression_done(struct ct_expression *expression);
/* Compiles once to see whether it is right, and keeps nothing. false: *message (256 bytes), *offset (bytes in the
 * pattern). */
CT_MUST_USE bool ct_expression_check(ct_span pattern, char *message, size_t *offset);

/* One thread's match data, JIT stack and contexts. */
struct ct_expression_scratch;
struct ct_expression_scratch *ct_expression_scratch_new(void);
void ct_expression_scratch_free(struct ct_expression_scratch *scratch); /* NULL allowed */

enum ct_expression_result { CT_EXPRESSION_NO_MATCH, CT_EXPRESSION_MATCH, CT_EXPRESSION_ERROR };
#define CT_EXPRESSION_ANYWHERE SIZE_MAX

/* The first match that begins at or behind `from` and not behind `until` (CT_EXPRESSION_ANYWHERE = no such bound).
 * `subject` is valid UTF-8, and where `ascii`, one byte a character. What comes before `from` is seen by lookbehinds.
 * ERROR: a limit was hit or memory ran out. */
enum ct_expression_result ct_expression_run(struct ct_expression *expression, struct ct_expression_scratch *scratch,
                                            ct_span subject, bool ascii, size_t from, size_t until, size_t *begin,
                                            size_t *end) CT_MUST_USE;
/* Whether it can run on an ASCII subject without UTF mode. */
bool ct_expression_has_ascii(struct ct_expression *expression);

#endif
