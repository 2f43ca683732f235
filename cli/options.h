/* options.h - a subcommand's options as rows, from which parsing, checks, --help and the man page come. */
#ifndef CT_OPTIONS_H
#define CT_OPTIONS_H

#include <stdio.h>

#include "engine/ct.h"

enum { CT_EXIT_DONE = 0, CT_EXIT_REFUSED = 1, CT_EXIT_USAGE = 2, CT_EXIT_OUTPUT = 3, CT_EXIT_ALARM = 4 };

#define CT_EXIT_TEXT                                                                                                   \
    "0 done; 1 something in the input was refused (named and counted, the rest done); 2 usage or configuration; 3 "    \
    "could not write the output; 4 an alarm stands (with --fail-on-alarm)."

enum ct_option_kind {
    CT_OPT_FLAG, /* bool * */
    CT_OPT_TEXT, /* const char **; values with units are rows of settings.h, checked by config_value.c */
    CT_OPT_LIST, /* struct ct_texts *: may be given more than once */
    CT_OPT_COUNT /* unsigned *: min..max */
};

struct ct_texts {
    const char *at[64];
    size_t count;
};

struct ct_cli_option {
    const char *name;     /* "group-by", without dashes */
    const char *argument; /* "FIELD"; NULL for a flag */
    enum ct_option_kind kind;
    void *to;
    unsigned min, max; /* COUNT */
    const char *help;  /* one sentence; says the default */
};

struct ct_command {
    const char *name;      /* "audit" */
    const char *arguments; /* "INPUT..." or "" */
    const char *summary;   /* one line */
    const char *details;   /* for --help; may be NULL. Lines that begin with a space or hold two in a row stay as they
                              are, the others are prose and wrapped */
    int (*run)(int argc, char **argv);
};

/* Parses argv[1..] of a subcommand. Words that are no options go to `words` (argc slots), counted in *word_count. "--"
 * ends options. Prints --help and errors itself. Returns -1 to go on, else the exit status. `options` ends with a NULL
 * name. */
int ct_options_parse(const struct ct_command *command, const struct ct_cli_option *options, int argc, char **argv,
                     char **words, size_t *word_count);
/* The names and summaries of commands, one below the other. */
void ct_options_commands(FILE *to, const struct ct_command *const *commands, size_t count);
/* The usage text of a command to standard output. */
void ct_options_help(const struct ct_command *command, const struct ct_cli_option *options);
/* How much of the text from here on is prose (lines joined), or one line that stays as it is; *prose says which. */
size_t ct_text_part(const char *text, bool *prose);
/* A paragraph to standard output, wrapped at 78 columns behind an indent. */
void ct_text_wrapped(const char *text, int indent);
/* "convtap audit: text" to standard error. Returns `status`. */
int ct_options_fail(const struct ct_command *command, int status, const char *format, ...) CT_PRINTF(3, 4);

/* The same for an error that may have a place: "convtap audit: file:line:column: text". */
int ct_options_error(const struct ct_command *command, int status, const struct ct_error *err);

#endif
