/* man.c - writes the manual page. See man.h. */
#include "cli/man.h"

#include "cli/config.h"

/* Text as roff takes it for what it is: no escapes, no requests, hyphens as ASCII. */
static void text(const char *at, size_t len)
{
    bool begins = true;
    for (const char *end = at + len; at < end; at++) {
        if (begins && (*at == '.' || *at == '\'')) {
            fputs("\\&", stdout);
        }
        begins = *at == '\n';
        if (*at == '\\') {
            fputs("\\e", stdout);
        } else if (*at == '-') {
            fputs("\\-", stdout);
        } else {
            putchar(*at);
        }
    }
}

static void paragraph(const char *words)
{
    text(words, strlen(words));
    putchar('\n');
}

void ct_man_command(const struct ct_command *command, const struct ct_cli_option *options)
{
    printf(".SS convtap ");
    text(command->name, strlen(command->name));
    printf("%s%s%s\n", options->name ? " [\\fIOPTION\\fR]..." : "", *command->arguments ? " " : "", command->arguments);
    paragraph(command->summary);
    for (const char *at = command->details; at && *at;) {
        bool prose;
        size_t len = ct_text_part(at, &prose);
        if (len) {
            printf(prose ? ".PP\n" : ".nf\n");
            text(at, len);
            printf(prose ? "\n" : "\n.fi\n");
        }
        at += len + (at[len] == '\n');
    }
    for (const struct ct_cli_option *o = options; o->name; o++) {
        printf(".TP\n\\fB\\-\\-");
        text(o->name, strlen(o->name));
        printf("\\fR");
        if (o->argument) {
            printf(" \\fI");
            text(o->argument, strlen(o->argument));
            printf("\\fR");
        }
        putchar('\n');
        paragraph(o->help);
    }
}

static void write_rows(enum ct_section_id section)
{
    for (unsigned i = 0; i < ct_sections[section].count; i++) {
        const struct ct_setting *row = &ct_settings[ct_sections[section].first + i];
        printf(".TP\n\\fB");
        text(row->key, strlen(row->key));
        printf("\\fR%s", row->fallback ? " (" : "");
        if (row->fallback) {
            text(row->fallback, strlen(row->fallback));
            putchar(')');
        }
        putchar('\n');
        paragraph(row->help);
    }
}

static void write_keys(void)
{
    printf(".SH CONFIGURATION\n");
    paragraph("One YAML file, given as --config FILE. Options of the command line win over it; paths in it are "
              "relative to its folder. Keys:");
    write_rows(CT_SECTION_ROOT);
    for (unsigned s = CT_SECTION_ROOT + 1; s < CT_SECTION_COUNT; s++) {
        const char *above = ct_sections[ct_sections[s].above].key;
        printf(".SS %s%s%s\n", above ? above : "", above ? "." : "", ct_sections[s].key);
        paragraph(ct_sections[s].help);
        write_rows(s);
    }
}

int ct_man_write(const struct ct_command *const *commands, size_t count)
{
    printf(
        ".TH CONVTAP 1 \"\" \"convtap %s\" \"User Commands\"\n.SH NAME\nconvtap \\- conversation analytics whose every "
        "number leads to a message and a rule\n.SH SYNOPSIS\n.B convtap\n\\fISUBCOMMAND\\fR [\\fIOPTION\\fR]... "
        "[\\fIINPUT\\fR]...\n.SH DESCRIPTION\n",
        CT_VERSION);
    paragraph("Reads the transcripts of conversations between customers, bots and people, and says how the service "
              "did: what was resolved without a person, what was escalated and why, times, satisfaction, accuracy, "
              "cost. Every conversation gets exactly one outcome, and every verdict names the message and the rule it "
              "rests on.");
    printf(".SH SUBCOMMANDS\n");
    for (size_t i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s", commands[i]->name);
        int status = commands[i]->run(2, (char *[]){name, (char[]){"--man"}, NULL});
        if (status != CT_EXIT_DONE) {
            return status;
        }
    }
    write_keys();
    printf(".SH EXIT STATUS\n");
    paragraph(CT_EXIT_TEXT);
    printf(".SH ENVIRONMENT\n.TP\n.B CONVTAP_RULES\n");
    paragraph("Folder of the rule packs that are used without --rules.");
    printf(".TP\n.B CONVTAP_TOKENS\n");
    paragraph("Bearer tokens for convtap serve, NAME SCOPE[,SCOPE] TOKEN, divided by ';'.");
    printf(".TP\n.B NO_COLOR\n");
    paragraph("Where it is not empty, no colours.");
    printf(".TP\n.B TMPDIR\n");
    paragraph("Folder of temporary files.");
    return fflush(stdout) == 0 && !ferror(stdout) ? CT_EXIT_DONE : CT_EXIT_OUTPUT;
}
