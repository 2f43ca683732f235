/* kpis.h - the subcommands of `convtap kpis`, each in a file of its own. */
#ifndef CT_CLI_KPIS_H
#define CT_CLI_KPIS_H

#include "cli/options.h"

extern const struct ct_command ct_kpis_compare, ct_kpis_invoice;

/* Rows of options that both have: which conversations are counted, and how it is done. Fields of settings.h. */
#define CT_WHERE_OPTION(a)                                                                                             \
    {                                                                                                                  \
        "where", "FIELD=VALUE[,VALUE...]", CT_OPT_LIST, &(a)->where, 0, 0,                                             \
            "Only conversations whose field is one of the values, or with != none of them; may be repeated."           \
    }
#define CT_SELECTION_OPTIONS(a)                                                                                        \
    CT_WHERE_OPTION(a),                                                                                                \
        {"from", "DATE", CT_OPT_TEXT, &(a)->from, 0, 0, "Only conversations that start then or later."},               \
    {                                                                                                                  \
        "to", "DATE", CT_OPT_TEXT, &(a)->to, 0, 0, "Only conversations that start before."                             \
    }
#define CT_READING_OPTIONS(a)                                                                                          \
    {"lang", "en|es", CT_OPT_TEXT, &(a)->lang, 0, 0, "Language of what people read. Default en."},                     \
    {                                                                                                                  \
        "threads", "N", CT_OPT_TEXT, &(a)->threads, 0, 0,                                                              \
            "Threads; the result is the same for any number. Default auto: one a processor."                           \
    }

#endif
