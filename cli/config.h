/* config.h - what is set: the defaults, one configuration file, and the command line, in that order; each value with
 * the place it came from.
 *
 * The rows are in settings.h. Every value is checked where it stands, also one that a later place replaces, and every
 * problem of a file is named with file:line:column. Maps and the two kinds of `idle` are merged entry by entry, other
 * lists and single values are replaced as a whole. Paths in the file are relative to the file's folder.
 */
#ifndef CT_CONFIG_H
#define CT_CONFIG_H

#include "cli/batch.h"
#include "cli/settings.h"
#include "sinks/output.h"

struct ct_setting {
    enum ct_setting_kind kind;
    const char *key, *option; /* option NULL = file only; two rows may share one (idle) */
    bool own_option;          /* --help shows the option because of this row */
    size_t to;                /* offset in struct ct_config of what it becomes */
    int64_t min, max;         /* 0, 0 = any */
    const char *fallback;     /* NULL = none */
    const char *help;
};
extern const struct ct_setting ct_settings[CT_SETTING_COUNT];

enum ct_config_source { CT_SOURCE_DEFAULT, CT_SOURCE_FILE, CT_SOURCE_COMMAND_LINE };
struct ct_config_entry {
    const char *name; /* of a map's entry; NULL in lists and single values */
    const char *text; /* as a person writes it; a path from the file already joined with its folder */
    enum ct_config_source source;
    uint32_t line, column; /* CT_SOURCE_FILE */
};
struct ct_config_value {
    struct ct_config_entry *entries;
    size_t count; /* 0 = not set */
};

/* All of it lives in the arena, constants of the program apart. */
struct ct_config {
    const char *file; /* as given; NULL = none */
    struct ct_config_value values[CT_SETTING_COUNT];

    const struct ct_parser *format; /* NULL = told from the content */
    struct ct_option_value *format_options;
    size_t format_option_count;
    const char *rules, *cost_model; /* NULL = the default; none */
    enum ct_announced announced;
    ct_usec idle_usec, idle_person_usec, idle_cap_usec, return_window_usec;
    struct ct_idle *idle; /* by channel, then for every other */
    size_t idle_count;
    ct_usec as_of; /* CT_USEC_NONE = the newest message */
    size_t max_record_bytes, memory_bytes;
    bool group;
    enum ct_slice_field group_by;
    struct ct_kpi_target *targets;
    size_t target_count;
    const struct ct_config_value *handoff_tools, *handoff_phrases;
    enum ct_lang lang;
    unsigned threads; /* 0 = one a processor */

    struct ct_arena arena;
};

/* Prints what is wrong: -1 to go on, else the exit status. ct_config_close may follow in any case. The arguments'
 * texts have to outlive the config. */
int ct_config_open(struct ct_config *config, const struct ct_command *command,
                   const struct ct_session_arguments *arguments) CT_MUST_USE;
void ct_config_close(struct ct_config *config);

/* The rules of `folder` (NULL = the default), with what the configuration adds to them. NULL = *err. */
struct ct_ruleset *ct_config_ruleset(const struct ct_config *config, const char *folder, struct ct_error *err);
/* Prices; NULL without an error = none set. false = *err. */
CT_MUST_USE bool ct_config_cost(const struct ct_config *config, struct ct_cost_model **out, struct ct_error *err);

/* ---- config_value.c: one value ---- */
/* Reads `text` (of entry `name` of a map) into the config: single values; of maps and lists it only checks the entry.
 * false = `problem` (CT_CONFIG_PROBLEM_BYTES) says why, beginning with the text. */
#define CT_CONFIG_PROBLEM_BYTES 640
CT_MUST_USE bool ct_config_read(struct ct_config *config, enum ct_setting_id id, const char *name, const char *text,
                                char *problem);
/* Of checked entries to what they mean. false = out of memory. */
CT_MUST_USE bool ct_config_settle(struct ct_config *config);

/* ---- config_rules.c: rules out of keys ---- */
/* A pack (YAML) that says handoff_tools and handoff_phrases as rules: heap, free() it; *len 0 = nothing is set. NULL =
 * out of memory. */
char *ct_config_pack(const struct ct_config *config, size_t *len) CT_MUST_USE;

/* ---- config_show.c ---- */
/* A configuration file that says all that is in force, each line with where it came from. */
void ct_config_show(struct ct_out *out, const struct ct_config *config);
/* docs/configuration.md. */
void ct_config_page(struct ct_out *out);

#endif
