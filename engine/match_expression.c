/* match_expression.c - PCRE2: forms, limits, JIT (match_expression.h).
 *
 * What bounds the time of one run, on a text of n bytes:
 * - n up to PLAIN_BYTES_MAX: the plain form, with a match limit of PLAIN_STEPS / n for each start, so of PLAIN_STEPS in
 *   all; loops that PCRE2 does not count are at most n * n / 2 steps there.
 * - that limit hit, or n larger: the guarded form. It has a callout before each item of the pattern, and each costs
 *   GUARD_CALL plus the bytes that lie between it and the one before; at GUARD_BUDGET the run ends with an error.
 *   That counts quadratic and exponential patterns alike, and counts the same on every machine and day.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/match_expression.h"

#include <pcre2.h>
#include <stdlib.h>

enum {
    JIT_STACK_LEAST = 32 * 1024,
    JIT_STACK_MOST = 512 * 1024,
    HEAP_KIB_MAX = 16 * 1024,
    DEPTH_MAX = 10000,
    PLAIN_BYTES_MAX = 2048,
    PLAIN_STEPS = 1000000,
    PLAIN_LIMIT_MOST = 10000,
    GUARD_LIMIT = 10000000,
    GUARD_CALL = 16,
    GUARD_BUDGET = 24000000
};

struct ct_expression_scratch {
    pcre2_match_data *data;
    pcre2_match_context *plain, *guarded;
    pcre2_jit_stack *stack; /* NULL: JIT then uses 32 KiB of the machine stack */
    size_t spent, last_at;  /* of the guarded run */
    size_t call_cost;
};

void ct_expression_init(struct ct_expression *expression, ct_span pattern)
{
    expression->pattern = pattern;
    for (unsigned i = 0; i < CT_EXPRESSION_FORMS; i++)
        atomic_init(&expression->codes[i], NULL);
    atomic_init(&expression->no_ascii, false);
}

void ct_expression_done(struct ct_expression *expression)
{
    for (unsigned i = 0; i < CT_EXPRESSION_FORMS; i++)
        pcre2_code_free(atomic_load_explicit(&expression->codes[i], memory_order_acquire));
}

static pcre2_code *compile(ct_span pattern, enum ct_expression_form form, int *code, size_t *offset)
{
    uint32_t options = PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT;
    /* Subjects are always valid; MATCH_INVALID_UTF is how the rule language is defined, and costs nothing then. */
    if (form == CT_EXPRESSION_UTF || form == CT_EXPRESSION_UTF_GUARDED)
        options |= PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF;
    if (form == CT_EXPRESSION_UTF_GUARDED || form == CT_EXPRESSION_ASCII_GUARDED)
        options |= PCRE2_AUTO_CALLOUT;
    return pcre2_compile((PCRE2_SPTR)(pattern.len ? pattern.at : ""), pattern.len, options, code, offset, NULL);
}

bool ct_expression_check(ct_span pattern, char *message, size_t *offset)
{
    int code;
    pcre2_code *compiled = compile(pattern, CT_EXPRESSION_UTF, &code, offset);
    if (!compiled) {
        if (pcre2_get_error_message(code, (PCRE2_UCHAR *)message, 256) < 0)
            memcpy(message, "not a pattern", sizeof "not a pattern");
        return false;
    }
    pcre2_code_free(compiled);
    return true;
}

/* Compiles at first use. Several threads may do so at once: one wins, the others free theirs. */
static pcre2_code *code_of(struct ct_expression *expression, enum ct_expression_form form)
{
    pcre2_code *code = atomic_load_explicit(&expression->codes[form], memory_order_acquire);
    if (__builtin_expect(code != NULL, 1))
        return code;
    int why;
    size_t where;
    pcre2_code *made = compile(expression->pattern, form, &why, &where);
    if (!made)
        return NULL;
    /* Where JIT is not to be had (no executable memory, an odd machine), the interpreter does the work. */
    (void)pcre2_jit_compile(made, PCRE2_JIT_COMPLETE);
    void *expected = NULL;
    if (!atomic_compare_exchange_strong_explicit(&expression->codes[form], &expected, made, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        pcre2_code_free(made);
        return expected;
    }
    return made;
}

bool ct_expression_has_ascii(struct ct_expression *expression)
{
    if (atomic_load_explicit(&expression->no_ascii, memory_order_relaxed))
        return false;
    if (code_of(expression, CT_EXPRESSION_ASCII))
        return true;
    atomic_store_explicit(&expression->no_ascii, true, memory_order_relaxed);
    return false;
}

static int spend(pcre2_callout_block *block, void *context)
{
    struct ct_expression_scratch *scratch = context;
    size_t at = block->current_position, last = scratch->last_at;
    scratch->spent += scratch->call_cost + (at > last ? at - last : last - at);
    scratch->last_at = at;
    return scratch->spent > GUARD_BUDGET ? PCRE2_ERROR_CALLOUT : 0;
}

struct ct_expression_scratch *ct_expression_scratch_new(void)
{
    struct ct_expression_scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return NULL;
    scratch->data = pcre2_match_data_create(1, NULL);
    scratch->plain = pcre2_match_context_create(NULL);
    scratch->guarded = pcre2_match_context_create(NULL);
    scratch->stack = pcre2_jit_stack_create(JIT_STACK_LEAST, JIT_STACK_MOST, NULL);
    if (!scratch->data || !scratch->plain || !scratch->guarded) {
        ct_expression_scratch_free(scratch);
        return NULL;
    }
    pcre2_match_context *contexts[] = {scratch->plain, scratch->guarded};
    for (unsigned i = 0; i < 2; i++) {
        pcre2_set_heap_limit(contexts[i], HEAP_KIB_MAX);
        pcre2_set_depth_limit(contexts[i], DEPTH_MAX);
        if (scratch->stack)
            pcre2_jit_stack_assign(contexts[i], NULL, scratch->stack);
    }
    pcre2_set_match_limit(scratch->guarded, GUARD_LIMIT);
    (void)pcre2_set_callout(scratch->guarded, spend, scratch);
    return scratch;
}

void ct_expression_scratch_free(struct ct_expression_scratch *scratch)
{
    if (!scratch)
        return;
    pcre2_match_data_free(scratch->data);
    pcre2_match_context_free(scratch->plain);
    pcre2_match_context_free(scratch->guarded);
    pcre2_jit_stack_free(scratch->stack);
    free(scratch);
}

static int run_plain(struct ct_expression *expression, struct ct_expression_scratch *scratch, ct_span subject,
                     bool ascii, size_t from, size_t until)
{
    pcre2_code *code = code_of(expression, ascii ? CT_EXPRESSION_ASCII : CT_EXPRESSION_UTF);
    if (!code)
        return PCRE2_ERROR_NOMEMORY;
    uint32_t limit = (uint32_t)(PLAIN_STEPS / (subject.len + 1));
    pcre2_set_match_limit(scratch->plain, limit < PLAIN_LIMIT_MOST ? limit : PLAIN_LIMIT_MOST);
    pcre2_set_offset_limit(scratch->plain, until == CT_EXPRESSION_ANYWHERE ? PCRE2_UNSET : until);
    int result = pcre2_jit_match(code, (PCRE2_SPTR)subject.at, subject.len, from, PCRE2_NO_UTF_CHECK, scratch->data,
                                 scratch->plain);
    if (result == PCRE2_ERROR_JIT_BADOPTION)
        result = pcre2_match(code, (PCRE2_SPTR)subject.at, subject.len, from, PCRE2_NO_UTF_CHECK, scratch->data,
                             scratch->plain);
    return result;
}

static int run_guarded(struct ct_expression *expression, struct ct_expression_scratch *scratch, ct_span subject,
                       bool ascii, size_t from, size_t until)
{
    pcre2_code *code = code_of(expression, ascii ? CT_EXPRESSION_ASCII_GUARDED : CT_EXPRESSION_UTF_GUARDED);
    uint32_t references = 0;
    if (!code)
        return PCRE2_ERROR_NOMEMORY;
    /* A back reference compares any number of bytes without a call. */
    (void)pcre2_pattern_info(code, PCRE2_INFO_BACKREFMAX, &references);
    scratch->spent = 0;
    scratch->last_at = from;
    scratch->call_cost = GUARD_CALL + (references ? subject.len / 64 : 0);
    pcre2_set_offset_limit(scratch->guarded, until == CT_EXPRESSION_ANYWHERE ? PCRE2_UNSET : until);
    return pcre2_match(code, (PCRE2_SPTR)subject.at, subject.len, from, PCRE2_NO_UTF_CHECK, scratch->data,
                       scratch->guarded);
}

enum ct_expression_result ct_expression_run(struct ct_expression *expression, struct ct_expression_scratch *scratch,
                                            ct_span subject, bool ascii, size_t from, size_t until, size_t *begin,
                                            size_t *end)
{
    int result = PCRE2_ERROR_MATCHLIMIT;
    if (!subject.at)
        subject.at = "";
    if (subject.len <= PLAIN_BYTES_MAX)
        result = run_plain(expression, scratch, subject, ascii, from, until);
    if (result == PCRE2_ERROR_MATCHLIMIT)
        result = run_guarded(expression, scratch, subject, ascii, from, until);
    if (result == PCRE2_ERROR_NOMATCH)
        return CT_EXPRESSION_NO_MATCH;
    if (result < 0)
        return CT_EXPRESSION_ERROR;
    const PCRE2_SIZE *spans = pcre2_get_ovector_pointer(scratch->data);
    *begin = spans[0];
    *end = spans[1] < spans[0] ? spans[0] : spans[1]; /* \K in a lookahead can turn them round */
    return CT_EXPRESSION_MATCH;
}
