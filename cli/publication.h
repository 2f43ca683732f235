/* publication.h - how audit and replay give out what they found: the table or JSON on standard output; conversations,
 * CSV and report as files, each whole or not at all.
 */
#ifndef CT_PUBLICATION_H
#define CT_PUBLICATION_H

#include "cli/audit_alarms.h"
#include "cli/batch.h"
#include "cli/config.h"

struct ct_publication {
    const struct ct_command *command;              /* for messages */
    const char *conversations, *report, *csv, *db; /* files; NULL = not asked for; db is the caller's to write */
    bool json, no_colour, ascii, quiet;
    const struct ct_feedback_findings *feedback; /* for JSON and report; NULL = not asked for */
    struct ct_audit_alarms *alarms;              /* to be evaluated on the figures; NULL = not asked for */
};
/* Every row brings its comma. */
#define CT_PUBLICATION_OPTIONS(p)                                                                                      \
    {"conversations",                                                                                                  \
     "FILE",                                                                                                           \
     CT_OPT_TEXT,                                                                                                      \
     &(p)->conversations,                                                                                              \
     0,                                                                                                                \
     0,                                                                                                                \
     "Each conversation's record as a JSON line: outcome, scores, times, cost, signals and their evidence (- for "     \
     "standard output)."},                                                                                             \
        {"json", NULL, CT_OPT_FLAG, &(p)->json, 0, 0, "The figures as one JSON object instead of the table."},         \
        {"csv", "FILE", CT_OPT_TEXT, &(p)->csv, 0, 0, "The figures as a CSV file."},                                   \
        {"db",                                                                                                         \
         "FILE",                                                                                                       \
         CT_OPT_TEXT,                                                                                                  \
         &(p)->db,                                                                                                     \
         0,                                                                                                            \
         0,                                                                                                            \
         "Also each conversation into a SQLite store, made where it is missing: the same rows that serve and replay "  \
         "write. What is in it already is not written again. convtap help db says how to look into it."},              \
        {"report", "FILE.html", CT_OPT_TEXT, &(p)->report, 0, 0, "The figures as one self-contained page."},           \
        {"ascii", NULL, CT_OPT_FLAG, &(p)->ascii, 0, 0, "No characters beyond ASCII in the table's lines."},           \
        {"no-colour",                                                                                                  \
         NULL,                                                                                                         \
         CT_OPT_FLAG,                                                                                                  \
         &(p)->no_colour,                                                                                              \
         0,                                                                                                            \
         0,                                                                                                            \
         "No colours, also on a terminal (NO_COLOR does the same)."},                                                  \
        {"quiet", NULL, CT_OPT_FLAG, &(p)->quiet, 0, 0, "No progress, no remarks."},

/* Before anything is read: can all of it be written, and is none of it an input? -1, or the exit status (said). */
int ct_publication_check(const struct ct_publication *publication, const struct ct_input_list *inputs) CT_MUST_USE;
/* records: the conversations' lines; NULL where they are not asked for. -1, or the exit status (said). */
int ct_publish(const struct ct_publication *publication, const struct ct_config *config, const char *rules_hash,
               struct ct_sorter *records, const struct ct_batch_result *result) CT_MUST_USE;
/* How many threads the configuration means. */
unsigned ct_publication_threads(const struct ct_config *config);

#endif
