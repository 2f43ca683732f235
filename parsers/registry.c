/* registry.c - the table of parsers, from parsers.def; finding one by name or by content. */
#include "parsers/parser.h"

#define CT_PARSER(name) extern const struct ct_parser ct_parser_##name;
#include "parsers/parsers.def"
#undef CT_PARSER

const struct ct_parser *const ct_parsers[] = {
#define CT_PARSER(name) &ct_parser_##name,
#include "parsers/parsers.def"
#undef CT_PARSER
    NULL,
};

const struct ct_parser *ct_parser_find(ct_span name)
{
    for (const struct ct_parser *const *parser = ct_parsers; *parser; parser++)
        if (ct_span_is(name, (*parser)->name))
            return *parser;
    return NULL;
}

const struct ct_parser *ct_parser_detect(ct_span head)
{
    return ct_parser_detect_as(NULL, head);
}

const struct ct_parser *ct_parser_detect_as(const struct ct_parser_config *config, ct_span head)
{
    const struct ct_parser *best = NULL;
    int best_score = 29; /* below 30 a guess is worse than asking */
    for (const struct ct_parser *const *parser = ct_parsers; *parser; parser++) {
        bool options = config && config->option_count && (*parser)->detect_as;
        int score = options ? (*parser)->detect_as(config, head) : (*parser)->detect(head);
        if (score > best_score) {
            best_score = score;
            best = *parser;
        }
    }
    return best;
}

ct_span ct_parser_option(const struct ct_parser *parser, const struct ct_parser_config *config, const char *name)
{
    for (size_t i = 0; config && i < config->option_count; i++)
        if (ct_span_is(config->options[i].name, name))
            return config->options[i].value;
    for (const struct ct_option *option = parser->options; option && option->name; option++)
        if (strcmp(option->name, name) == 0)
            return ct_span_of(option->fallback);
    return CT_SPAN_NONE;
}
