/* match_program.c - from the rules' patterns to a program: checked, their literals found, a prefilter for each role.
 *
 * Nothing is kept compiled here: a pattern is compiled, and JIT-compiled, when it is first a candidate
 * (match_expression.c). So thousands of rules load fast, and those that never come near a text cost nothing.
 */
#include "engine/match_program.h"

#include <stdio.h>
#include <stdlib.h>

enum { SCRATCH_BYTES_MAX = 16 << 20, ERROR_CONTEXT = 160 };

/* The text of a problem: message, the pattern (the part of it around the place, if it is long), a caret. */
static void report(const struct ct_ruleset *rules, const struct ct_rule *rule, const struct ct_pattern *pattern,
                   const char *message, size_t offset, const struct ct_load_options *options, struct ct_error *first,
                   bool *failed)
{
    struct ct_error error = {
        .status = CT_BAD_RULES, .line = pattern->line, .column = pattern->column, .offset = offset};
    size_t from = 0, len = pattern->expanded.len, caret;
    if (offset > len)
        offset = len;
    if (len > ERROR_CONTEXT) {
        from = offset > ERROR_CONTEXT / 2 ? offset - ERROR_CONTEXT / 2 : 0;
        while (from > 0 && ((unsigned char)pattern->expanded.at[from] & 0xC0) == 0x80)
            from--;
        len = len - from < ERROR_CONTEXT ? len - from : ERROR_CONTEXT;
        while (from + len < pattern->expanded.len && ((unsigned char)pattern->expanded.at[from + len] & 0xC0) == 0x80)
            len--;
    }
    caret = 0; /* in characters */
    for (size_t i = from; i < offset; i++)
        caret += ((unsigned char)pattern->expanded.at[i] & 0xC0) != 0x80;
    if (rule->pack < rules->pack_count)
        (void)snprintf(error.file, sizeof error.file, "%.*s",
                       (int)(rules->packs[rule->pack].file.len % sizeof error.file),
                       rules->packs[rule->pack].file.at ? rules->packs[rule->pack].file.at : "");
    (void)snprintf(error.text, sizeof error.text, "rule %.*s: %s\n  %.*s\n  %*s^", (int)rule->id.len,
                   rule->id.at ? rule->id.at : "", message, (int)len,
                   pattern->expanded.at ? pattern->expanded.at + from : "", (int)caret, "");
    if (options && options->problem)
        options->problem(options->context, 'e', &error);
    if (!*failed && first)
        *first = error;
    *failed = true;
}

/* Words of `needs` and items of the prefilters, as they grow. */
struct builder {
    struct ct_program *program;
    struct ct_arena scratch;         /* one pattern's */
    struct ct_arena kept;            /* sets to be looked for, until the prefilters stand */
    struct ct_prefilter_item *items; /* by pattern; no sets = none */
    size_t need_count, need_room;
};

static bool keep_sets(struct builder *builder, uint32_t pattern, const struct ct_literal_plan *plan)
{
    struct ct_literal_set *kept = ct_arena_alloc(&builder->kept, plan->set_count * sizeof *kept);
    if (!kept)
        return false;
    for (uint32_t i = 0; i < plan->set_count; i++) {
        struct ct_literal *literals = ct_arena_alloc(&builder->kept, plan->sets[i].count * sizeof *literals);
        if (!literals)
            return false;
        memcpy(literals, plan->sets[i].literals, plan->sets[i].count * sizeof *literals);
        kept[i] = plan->sets[i];
        kept[i].literals = literals;
    }
    builder->items[pattern] = (struct ct_prefilter_item){pattern, kept, plan->set_count};
    return true;
}

static bool keep_needs(struct builder *builder, struct ct_program_pattern *pattern, const struct ct_literal_set *sets,
                       size_t count)
{
    size_t words = ct_prefilter_need(sets, count, NULL);
    if (builder->need_count + words > builder->need_room) {
        size_t room = (builder->need_room + words) * 2;
        uint16_t *grown = realloc(builder->program->needs, room * sizeof *grown);
        if (!grown)
            return false;
        builder->program->needs = grown;
        builder->need_room = room;
    }
    pattern->need = (uint32_t)builder->need_count;
    if (words > 0)
        pattern->need_words = (uint32_t)ct_prefilter_need(sets, count, builder->program->needs + builder->need_count);
    builder->need_count += pattern->need_words;
    return true;
}

static bool add_pattern(struct builder *builder, uint32_t number, uint32_t rule, bool raw, bool is_not, ct_span text)
{
    struct ct_program_pattern *pattern = &builder->program->patterns[number];
    struct ct_literal_plan plan;
    ct_expression_init(&pattern->expression, text);
    pattern->rule = rule;
    pattern->raw = raw;
    ct_arena_reset(&builder->scratch);
    ct_literal_extract(&builder->scratch, text, raw, &plan);
    pattern->ascii = plan.ascii;
    pattern->narrow = plan.narrow;
    pattern->has_literal = plan.set_count > 0;
    pattern->windowed = plan.windowed;
    if (plan.set_count == 0)
        return true;
    return is_not ? keep_needs(builder, pattern, plan.sets, plan.set_count) : keep_sets(builder, number, &plan);
}

static bool role_build(struct builder *builder, enum ct_role role, struct ct_program_role *out)
{
    struct ct_program *program = builder->program;
    struct ct_prefilter_item *items = calloc(program->pattern_count + 1, sizeof *items);
    size_t item_count = 0;
    out->always = calloc(program->pattern_count + 1, sizeof *out->always);
    bool done = items && out->always;
    for (size_t i = 0; done && i < program->rule_count; i++) {
        enum ct_role wanted = program->rules->rules[i].role;
        if (wanted != CT_ROLE_UNKNOWN && wanted != role)
            continue;
        for (uint32_t p = program->by_rule[i].any; p < program->by_rule[i].not ; p++) {
            if (program->prefilter && builder->items[p].set_count > 0)
                items[item_count++] = builder->items[p];
            else
                out->always[out->always_count++] = p;
        }
    }
    if (done) {
        out->prefilter = ct_prefilter_new(items, item_count, program->needs, builder->need_count);
        done = out->prefilter != NULL;
    }
    free(items);
    return done;
}

/* A prefilter for each role that some rule names, and one for all the others. */
static bool roles_build(struct builder *builder)
{
    struct ct_program *program = builder->program;
    bool named[CT_ROLE_COUNT] = {false};
    for (size_t i = 0; i < program->rule_count; i++) {
        if (program->by_rule[i].any < program->by_rule[i].not )
            named[program->rules->rules[i].role] = true;
    }
    for (unsigned role = 0; role < CT_ROLE_COUNT; role++) {
        program->role_of[role] = named[role] ? (unsigned char)role : CT_ROLE_UNKNOWN;
        if ((named[role] || role == CT_ROLE_UNKNOWN) && !role_build(builder, (enum ct_role)role, &program->roles[role]))
            return false;
    }
    return true;
}

static bool program_fill(struct builder *builder, const struct ct_load_options *options, struct ct_error *err,
                         bool *failed)
{
    struct ct_program *program = builder->program;
    const struct ct_ruleset *rules = program->rules;
    uint32_t number = 0;
    for (size_t i = 0; i < rules->rule_count; i++) {
        const struct ct_rule *rule = &rules->rules[i];
        struct ct_program_rule *at = &program->by_rule[i];
        at->any = at->not = at->end = number;
        if (rule->kind != CT_RULE_PATTERN)
            continue;
        at->not = number + rule->any_count;
        at->end = at->not +rule->not_count;
        for (; number < at->end; number++) {
            bool is_not = number >= at->not ;
            const struct ct_pattern *pattern = is_not ? &rule->not [number - at->not ] : &rule->any[number - at->any];
            char message[256];
            size_t offset;
            if (!ct_expression_check(pattern->expanded, message, &offset))
                report(rules, rule, pattern, message, offset, options, err, failed);
            if (!add_pattern(builder, number, (uint32_t)i, rule->raw, is_not, pattern->expanded))
                return false;
        }
    }
    return roles_build(builder);
}

struct ct_program *ct_program_new_with(const struct ct_ruleset *rules, bool prefilter,
                                       const struct ct_load_options *options, struct ct_error *err)
{
    bool failed = false, filled = false;
    struct builder builder = {.program = calloc(1, sizeof *builder.program)};
    struct ct_program *program = builder.program;
    ct_arena_init(&builder.scratch, 256 << 10, SCRATCH_BYTES_MAX);
    ct_arena_init(&builder.kept, 64 << 10, 0);
    if (!program)
        goto done;
    program->rules = rules;
    program->prefilter = prefilter;
    program->rule_count = rules->rule_count;
    for (size_t i = 0; i < rules->rule_count; i++) {
        if (rules->rules[i].kind == CT_RULE_PATTERN)
            program->pattern_count += (size_t)rules->rules[i].any_count + rules->rules[i].not_count;
    }
    program->patterns = calloc(program->pattern_count + 1, sizeof *program->patterns);
    program->by_rule = calloc(program->rule_count + 1, sizeof *program->by_rule);
    builder.items = calloc(program->pattern_count + 1, sizeof *builder.items);
    program->language = ct_language_index_new(rules);
    if (program->patterns && program->by_rule && builder.items && program->language)
        filled = program_fill(&builder, options, err, &failed);
done:
    free(builder.items);
    ct_arena_done(&builder.scratch);
    ct_arena_done(&builder.kept);
    if (filled && !failed)
        return program;
    if (!failed)
        (void)ct_error_set(err, CT_NO_MEMORY, "not enough memory for the patterns");
    ct_program_free(program);
    return NULL;
}

struct ct_program *ct_program_new(const struct ct_ruleset *rules, const struct ct_load_options *options,
                                  struct ct_error *err)
{
    return ct_program_new_with(rules, CT_PREFILTER != 0, options, err);
}

void ct_program_free(struct ct_program *program)
{
    if (!program)
        return;
    for (size_t i = 0; program->patterns && i < program->pattern_count; i++)
        ct_expression_done(&program->patterns[i].expression);
    for (unsigned role = 0; role < CT_ROLE_COUNT; role++) {
        ct_prefilter_free(program->roles[role].prefilter);
        free(program->roles[role].always);
    }
    ct_language_index_free(program->language);
    free(program->patterns);
    free(program->by_rule);
    free(program->needs);
    free(program);
}

bool ct_program_rule_has_literal(const struct ct_program *program, uint32_t rule)
{
    const struct ct_program_rule *at = &program->by_rule[rule];
    for (uint32_t p = at->any; p < at->not ; p++) {
        if (!program->patterns[p].has_literal)
            return false;
    }
    return true;
}

const struct ct_language_index *ct_program_language(const struct ct_program *program)
{
    return program->language;
}
