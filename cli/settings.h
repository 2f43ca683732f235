/* settings.h - everything that can be set, one row each. From a row come the key of the configuration file, the option
 * of the command line, their checks, the defaults, --help, the man page, `convtap config show` and
 * docs/configuration.md.
 *
 * X(a, SYMBOL, member, to, KIND, OPTION, key, option, argument, min, max, fallback, help)
 *   a         passed through
 *   member    where struct ct_session_arguments keeps what the command line says
 *   to        what it becomes in struct ct_config (config.h)
 *   KIND      CT_SETTING_KIND_MAP: how a value is written
 *   OPTION    TEXT: an option, the last one given counts; LIST: an option that may be repeated; NONE: file only
 *   key       in the file; a map's rows are its entries
 *   argument  as --help shows it
 *   min, max  in the kind's unit (microseconds, bytes, a count); 0, 0 = any
 *   fallback  IS("the default as a person writes it"), or UNSET: then the help says what happens
 */
#ifndef CT_SETTINGS_H
#define CT_SETTINGS_H

#include "cli/options.h"

#define CT_SETTING_TIME_MAX (3650 * CT_USEC_PER_DAY)

/* X(NAME, what it is in docs/configuration.md) */
#define CT_SETTING_KIND_MAP(X)                                                                                         \
    X(PATH, "path, relative to the file's folder")                                                                     \
    X(FORMAT, "format (`convtap formats`)")                                                                            \
    X(OPTIONS, "map of option: text, list or map")                                                                     \
    X(TOOLS, "list of names, `*` at either end")                                                                       \
    X(PHRASES, "list of texts")                                                                                        \
    X(ANNOUNCED, "`auto`, `always` or `never`")                                                                        \
    X(DURATION, "time: `90s`, `30m`, `24h`, `7d`")                                                                     \
    X(IDLES, "map of channel: time")                                                                                   \
    X(TIME, "`newest`, or a time such as `2026-11-21T10:00:00Z`")                                                      \
    X(BYTES, "size: `512K`, `16M`, `1G`")                                                                              \
    X(FIELD, "field")                                                                                                  \
    X(TARGETS, "map of KPI: `'>= 90'`, `'<= 5m'` or `none`")                                                           \
    X(LANG, "`en` or `es`")                                                                                            \
    X(THREADS, "`auto`, or a number")
enum ct_setting_kind {
#define X(name, text) CT_SETTING_##name,
    CT_SETTING_KIND_MAP(X)
#undef X
};

/* What audit and explain both need. */
#define CT_SESSION_SETTING_MAP(X, a)                                                                                   \
    X(a, FORMAT, format, format, FORMAT, TEXT, "format", "format", "NAME", 0, 0, UNSET,                                \
      "How the inputs are written (convtap formats lists them); told from the content by default.")                    \
    X(a, FORMAT_OPTIONS, format_options, format_options, OPTIONS, LIST, "format_options", "format-option",             \
      "NAME=VALUE", 0, 0, UNSET,                                                                                       \
      "An option of the format, such as zone=Europe/Madrid; may be repeated. Who is the bot, an agent, the customer "  \
      "is said here where the format does not say it.")                                                                \
    X(a, RULES, rules, rules, PATH, TEXT, "rules", "rules", "DIR", 0, 0, UNSET,                                        \
      "Folder of rule packs (*.yaml); by default those that convtap came with.")                                       \
    X(a, HANDOFF_TOOLS, handoff_tools, handoff_tools, TOOLS, NONE, "handoff_tools", NULL, NULL, 0, 0, UNSET,           \
      "Tools whose call is a handoff to a person, beside those that the rules know. Becomes a rule, and so part of "   \
      "the rules_hash.")                                                                                               \
    X(a, HANDOFF_PHRASES, handoff_phrases, handoff_phrases, PHRASES, NONE, "handoff_phrases", NULL, NULL, 0, 0, UNSET, \
      "What the bot says when a person is coming, beside what the rules know; case and accents do not matter. "        \
      "Becomes a rule, and so part of the rules_hash.")                                                                \
    X(a, COST_MODEL, cost_model, cost_model, PATH, TEXT, "cost_model", "cost-model", "FILE", 0, 0, UNSET,              \
      "Prices of tokens, channels and people (YAML); without it only costs that the input states are counted.")        \
    X(a, ANNOUNCED, announced, announced, ANNOUNCED, TEXT, "announced", "announced", "auto|always|never", 0, 0,        \
      IS("auto"),                                                                                                      \
      "Does the bot's word that a person is coming count as a handoff? auto: only where the conversation shows no "    \
      "tool calls or handoff events.")                                                                                 \
    X(a, IDLE, idle, idle_usec, DURATION, LIST, "idle", "idle", "[CHANNEL=]TIME", CT_USEC_PER_SECOND,                  \
      CT_SETTING_TIME_MAX, IS("30m"),                                                                                  \
      "Silence that ends a conversation where the source does not say it: 30m, or for one channel whatsapp=24h; may "  \
      "be repeated.")                                                                                                  \
    X(a, IDLE_BY_CHANNEL, idle_by_channel, idle, IDLES, NONE, "idle_by_channel", "idle", NULL, CT_USEC_PER_SECOND,     \
      CT_SETTING_TIME_MAX, UNSET, "The same for single channels; on the command line --idle CHANNEL=TIME.")            \
    X(a, IDLE_PERSON, idle_person, idle_person_usec, DURATION, TEXT, "idle_person", "idle-person", "TIME", 0,          \
      CT_SETTING_TIME_MAX, IS("24h"), "The same while a person is expected or has joined.")                            \
    X(a, IDLE_CAP, idle_cap, idle_cap_usec, DURATION, TEXT, "idle_cap", "idle-cap", "TIME", CT_USEC_PER_SECOND,        \
      CT_SETTING_TIME_MAX, IS("30m"), "Handling time: of a customer's silence no more than this is counted.")          \
    X(a, RETURN_WINDOW, return_window, return_window_usec, DURATION, TEXT, "return_window", "return-window", "TIME",   \
      CT_USEC_PER_SECOND, CT_SETTING_TIME_MAX, IS("7d"),                                                               \
      "A customer who is back within this time was not served at first contact.")                                      \
    X(a, AS_OF, as_of, as_of, TIME, TEXT, "as_of", "as-of", "TIME", 0, 0, IS("newest"),                                \
      "The moment the figures speak for: younger conversations are not yet mature for FCR. newest: that of the "       \
      "newest message, so that the same input gives the same figures on any day.")                                     \
    X(a, MAX_RECORD, max_record, max_record_bytes, BYTES, TEXT, "max_record", "max-record", "SIZE", 1024, 1 << 30,     \
      IS("16M"), "A longer line or JSON element is refused.")                                                          \
    X(a, MEMORY, memory, memory_bytes, BYTES, TEXT, "memory", "memory", "SIZE", 65536, (int64_t)1 << 40, IS("48M"),    \
      "What may wait in memory before a temporary file (in TMPDIR) is used.")

/* What only audit needs. */
#define CT_AUDIT_SETTING_MAP(X, a)                                                                                     \
    X(a, GROUP_BY, group_by, group_by, FIELD, TEXT, "group_by", "group-by", "FIELD", 0, 0, UNSET,                      \
      "Also each KPI by channel, language, bot, tenant, outcome, reason, hour, weekday, day or month.")                \
    X(a, TARGETS, targets, targets, TARGETS, NONE, "targets", NULL, NULL, 0, 0, UNSET,                                 \
      "What KPIs are held against, by id (convtap kpis): in the KPI's unit, or none to take its default target away.") \
    X(a, LANG, lang, lang, LANG, TEXT, "lang", "lang", "en|es", 0, 0, IS("en"),                                        \
      "Language of the table, the CSV file and the report.")                                                           \
    X(a, THREADS, threads, threads, THREADS, TEXT, "threads", "threads", "N", 1, 256, IS("auto"),                      \
      "Threads; the result is the same for any number. auto: one a processor.")

#define CT_SETTING_MAP(X, a) CT_SESSION_SETTING_MAP(X, a) CT_AUDIT_SETTING_MAP(X, a)

enum ct_setting_id {
#define X(a, symbol, ...) CT_SET_##symbol,
    CT_SETTING_MAP(X, )
#undef X
        CT_SETTING_COUNT
};

/* What the command line says, as it is written there; NULL or count 0 = nothing. All zero before parsing. */
struct ct_session_arguments {
    const char *config; /* the configuration file */
#define CT_ARGUMENT_TEXT(member) const char *member;
#define CT_ARGUMENT_LIST(member) struct ct_texts member;
#define CT_ARGUMENT_NONE(member)
#define X(a, symbol, member, to, kind, how, ...) CT_ARGUMENT_##how(member)
    CT_SETTING_MAP(X, )
#undef X
};
#define CT_SESSION_DEFAULTS                                                                                            \
    {                                                                                                                  \
        0                                                                                                              \
    }

/* Rows of struct ct_cli_option for a `struct ct_session_arguments *`. */
#define CT_FALLBACK_IS(text) text
#define CT_FALLBACK_UNSET NULL
#define CT_FALLBACK_SAYS_IS(text) " Default " text "."
#define CT_FALLBACK_SAYS_UNSET ""
#define CT_OPTION_ROW_TEXT(...) {__VA_ARGS__},
#define CT_OPTION_ROW_LIST(...) {__VA_ARGS__},
#define CT_OPTION_ROW_NONE(...)
#define CT_OPTION_ROW(a, symbol, member, to, kind, how, key, option, argument, min, max, fallback, help)               \
    CT_OPTION_ROW_##how(option, argument, CT_OPT_##how, &(a)->member, 0, 0, help CT_FALLBACK_SAYS_##fallback)
/* For a subcommand that opens a session, and for audit's own. */
#define CT_SESSION_OPTIONS(a)                                                                                          \
    CT_SESSION_SETTING_MAP(CT_OPTION_ROW, a)                                                                           \
    {                                                                                                                  \
        "config", "FILE", CT_OPT_TEXT, &(a)->config, 0, 0,                                                             \
            "Configuration file (YAML); options of the command line win over it. convtap config show prints every "    \
            "key."                                                                                                     \
    }
/* Every row brings its comma: what follows needs none before it. */
#define CT_AUDIT_OPTIONS(a) CT_AUDIT_SETTING_MAP(CT_OPTION_ROW, a)

#endif
