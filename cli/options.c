/* options.c - parses and explains the options of every subcommand; see options.h. */
#include "cli/options.h"

#include <assert.h>
#include <stdarg.h>

#include "cli/man.h"

int ct_options_fail(const struct ct_command *command, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "convtap %s: ", command->name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return status;
}

int ct_options_error(const struct ct_command *command, int status, const struct ct_error *err)
{
    if (err->file[0] && err->line) {
        return ct_options_fail(command, status, "%s:%u:%u: %s", err->file, err->line, err->column, err->text);
    }
    return ct_options_fail(command, status, "%s", err->text[0] ? err->text : ct_status_text(err->status));
}

enum { COLUMNS = 78, HELP_COLUMN = 30 };

/* Text wrapped at 78 columns behind an indent, from where the line stands. */
static void wrapped(FILE *to, const char *text, size_t len, int indent, int column)
{
    const char *end = text + len;
    while (text < end) {
        int word = 0;
        while (text + word < end && text[word] != ' ' && text[word] != '\n') {
            word++;
        }
        if (column + 1 + word > COLUMNS && column > indent) {
            fprintf(to, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', to);
            column++;
        }
        fprintf(to, "%.*s", word, text);
        column += word;
        text += word;
        while (text < end && (*text == ' ' || *text == '\n')) {
            text++;
        }
    }
    fputc('\n', to);
}

void ct_text_wrapped(const char *text, int indent)
{
    printf("%*s", indent, "");
    wrapped(stdout, text, strlen(text), indent, indent);
}

static bool is_prose(const char *line, size_t len)
{
    return len > 0 && line[0] != ' ' && !memmem(line, len, "  ", 2);
}

size_t ct_text_part(const char *text, bool *prose)
{
    size_t len = strcspn(text, "\n");
    *prose = is_prose(text, len);
    while (*prose && text[len] == '\n' && is_prose(text + len + 1, strcspn(text + len + 1, "\n"))) {
        len += 1 + strcspn(text + len + 1, "\n");
    }
    return len;
}

static void print_details(const char *text)
{
    while (*text) {
        bool prose;
        size_t len = ct_text_part(text, &prose);
        if (prose) {
            wrapped(stdout, text, len, 0, 0);
        } else {
            printf("%.*s\n", (int)len, text);
        }
        text += len + (text[len] == '\n');
    }
}

void ct_options_commands(FILE *to, const struct ct_command *const *commands, size_t count)
{
    int indent = 0;
    for (size_t i = 0; i < count; i++) {
        int len = (int)strlen(commands[i]->name) + 4;
        indent = len > indent ? len : indent;
    }
    for (size_t i = 0; i < count; i++) {
        fprintf(to, "  %-*s", indent - 2, commands[i]->name);
        wrapped(to, commands[i]->summary, strlen(commands[i]->summary), indent, indent);
    }
}

enum { HELP_WIDTH = 80 };

/* "  --name argument"; a long list of choices goes on below its first. Returns the column it ends in. */
static int print_name(const struct ct_cli_option *o)
{
    int column = printf("  --%s%s", o->name, o->argument ? " " : ""), first = column;
    for (const char *at = o->argument ? o->argument : ""; *at;) {
        int len = (int)strcspn(at, "|");
        len += at[len] == '|';
        if (column > first && column + len > HELP_WIDTH) {
            printf("\n%*s", first, "");
            column = first;
        }
        column += printf("%.*s", len, at);
        at += len;
    }
    return column;
}

void ct_options_help(const struct ct_command *command, const struct ct_cli_option *options)
{
    printf("Usage: convtap %s%s%s%s\n\n", command->name, options->name ? " [OPTION]..." : "",
           *command->arguments ? " " : "", command->arguments);
    ct_text_wrapped(command->summary, 0);
    if (command->details) {
        putchar('\n');
        print_details(command->details);
    }
    printf("\nOptions:\n");
    for (const struct ct_cli_option *o = options; o->name; o++) {
        int column = print_name(o);
        if (column > HELP_COLUMN - 2) {
            printf("\n%*s", HELP_COLUMN, "");
        } else {
            printf("%*s", HELP_COLUMN - column, "");
        }
        wrapped(stdout, o->help, strlen(o->help), HELP_COLUMN, HELP_COLUMN);
    }
    printf("  --help                      show this\n\n");
    ct_text_wrapped("Exit status: " CT_EXIT_TEXT, 0);
}

/* Decimal digits and nothing else. */
static bool read_count(const char *text, unsigned min, unsigned max, unsigned *out)
{
    uint64_t value = 0;
    if (!*text || text[strspn(text, "0123456789")]) {
        return false;
    }
    for (; *text && value <= max; text++) {
        value = 10 * value + (uint64_t)(*text - '0');
    }
    *out = (unsigned)value;
    return value >= min && value <= max;
}

static int take(const struct ct_command *command, const struct ct_cli_option *o, const char *value)
{
    assert(value || o->kind == CT_OPT_FLAG); /* a row of any other kind names its argument */
    switch (o->kind) {
    case CT_OPT_FLAG:
        *(bool *)o->to = true;
        return -1;
    case CT_OPT_TEXT:
        *(const char **)o->to = value;
        return -1;
    case CT_OPT_LIST: {
        struct ct_texts *texts = o->to;
        if (texts->count == sizeof texts->at / sizeof *texts->at) {
            return ct_options_fail(command, CT_EXIT_USAGE, "--%s: given too often", o->name);
        }
        texts->at[texts->count++] = value;
        return -1;
    }
    case CT_OPT_COUNT:
        return read_count(value, o->min, o->max, o->to)
                   ? -1
                   : ct_options_fail(command, CT_EXIT_USAGE, "--%s: \"%.100s\" is not a number from %u to %u", o->name,
                                     value, o->min, o->max);
    }
    return CT_EXIT_USAGE;
}

/* The known name that shares the longest beginning: most slips are at the end of a word. */
static const char *nearest(const struct ct_cli_option *options, const char *name, size_t len)
{
    const char *best = NULL;
    size_t best_shared = 1;
    for (const struct ct_cli_option *o = options; o->name; o++) {
        size_t shared = 0;
        while (shared < len && o->name[shared] && o->name[shared] == name[shared]) {
            shared++;
        }
        if (shared > best_shared) {
            best = o->name;
            best_shared = shared;
        }
    }
    return best;
}

int ct_options_parse(const struct ct_command *command, const struct ct_cli_option *options, int argc, char **argv,
                     char **words, size_t *word_count)
{
    bool ended = false;
    *word_count = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (ended || word[0] != '-' || word[1] == '\0') {
            words[(*word_count)++] = argv[i];
            continue;
        }
        if (strcmp(word, "--") == 0) {
            ended = true;
            continue;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            ct_options_help(command, options);
            return fflush(stdout) == 0 ? CT_EXIT_DONE : CT_EXIT_OUTPUT;
        }
        if (strcmp(word, "--man") == 0) { /* convtap help --man asks every command in turn */
            ct_man_command(command, options);
            return CT_EXIT_DONE;
        }
        if (word[1] != '-') {
            return ct_options_fail(command, CT_EXIT_USAGE, "unknown option %s; see convtap %s --help", word,
                                   command->name);
        }
        const char *name = word + 2, *equals = strchr(name, '=');
        size_t len = equals ? (size_t)(equals - name) : strlen(name);
        const struct ct_cli_option *o = options;
        while (o->name && !(strlen(o->name) == len && memcmp(o->name, name, len) == 0)) {
            o++;
        }
        if (!o->name) {
            const char *near = nearest(options, name, len);
            return ct_options_fail(command, CT_EXIT_USAGE, "unknown option --%.*s%s%s%s; see convtap %s --help",
                                   (int)len, name, near ? " (did you mean --" : "", near ? near : "", near ? "?)" : "",
                                   command->name);
        }
        const char *value = equals ? equals + 1 : NULL;
        if (!o->argument && value) {
            return ct_options_fail(command, CT_EXIT_USAGE, "--%s takes no value", o->name);
        }
        if (o->argument && !value) {
            if (i + 1 >= argc) {
                return ct_options_fail(command, CT_EXIT_USAGE, "--%s needs a value: %s", o->name, o->argument);
            }
            value = argv[++i];
        }
        int status = take(command, o, value);
        if (status >= 0) {
            return status;
        }
    }
    return -1;
}
