/* config.h - what is set: the defaults, one configuration file, and the command line, in that order; each value with
 * the place it came from.
 *
 * The rows are in settings.h. Every value is checked where it stands, also one that a later place replaces, and every
 * problem of a file is named with file:line:column. Maps and the two kinds of `idle` are merged entry by entry, other
 * lists and single values are replaced as a whole. Paths in the file are relative to the file's folder.
 *
 * A section's keys become one struct (ONE) or one a map (NAMED, LIST): struct ct_config_item has both, the struct and
 * where each value of it came from. Audit and explain read the sections of the live tap as strictly, and leave them.
 */
#ifndef CT_CONFIG_H
#define CT_CONFIG_H

#include "cli/batch.h"
#include "cli/settings.h"
#include "metrics/alarm.h"
#include "sinks/output.h"

struct ct_setting {
    enum ct_setting_kind kind;
    const char *key, *option; /* option NULL = file only; two rows may share one (idle) */
    const char *argument;     /* of the option; a CHOICE's names */
    bool own_option;          /* --help shows the option because of this row */
    bool needed;              /* no default, and may not be left out */
    size_t to;                /* offset of what it becomes in the section's struct */
    int64_t min, max;         /* 0, 0 = any */
    const char *fallback;     /* NULL = none */
    const char *help;
};
extern const struct ct_setting ct_settings[CT_SETTING_ROWS];

enum ct_section_shape { CT_SHAPE_ONE, CT_SHAPE_NAMED, CT_SHAPE_LIST };
struct ct_section {
    const char *key; /* NULL: the file itself */
    const char *help;
    enum ct_section_shape shape;
    enum ct_section_id above;
    unsigned first, count; /* rows of ct_settings */
    size_t bytes;          /* of its struct */
};
extern const struct ct_section ct_sections[CT_SECTION_COUNT];

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
/* One map of a section. */
struct ct_config_item {
    enum ct_section_id section;
    const char *name;               /* NAMED: its key; else NULL */
    bool bad;                       /* something in it was refused: what is missing may be that */
    uint32_t line, column;          /* 0 = not in the file */
    struct ct_config_value *values; /* of each row of the section */
    void *to;                       /* the section's struct */
};
struct ct_config_group {
    struct ct_config_item *items; /* ONE: always one */
    size_t count;
};

/* ---- the sections' structs; texts NULL = not set ---- */

struct ct_config_fields {
    enum ct_slice_field *at;
    size_t count;
};
struct ct_serve_settings {
    const char *store; /* NULL = none */
    const char *zone, *tokens;
    bool dashboard;
    ct_usec tick_usec, state_usec;
    struct ct_config_fields slices;
    uint64_t open_max;
    size_t memory_max, conversation_bytes_max;
    ct_usec alarm_every_usec;
    const char *alarm_state; /* NULL = in the tape's folder */
};
struct ct_tape_settings {
    const char *folder;
    ct_usec commit_usec, keep_usec;
    uint64_t commit_frames;
    size_t segment_bytes, keep_bytes, buffer_bytes;
    bool compress;
};
enum ct_door_open { CT_DOOR_AUTO, CT_DOOR_OPEN, CT_DOOR_CLOSED };
struct ct_door_settings {
    const char *listen, *certificate, *key;
    const char *const *origins; /* NULL-terminated; NULL = none */
    uint64_t connections_max, rate_max;
    size_t message_max;
    unsigned open; /* enum ct_door_open */
};
struct ct_source_settings {
    const char *name;
    const struct ct_parser *format;
    const struct ct_option_value *options;
    size_t option_count;
    const char *channel, *bot, *tenant;
};
enum { CT_READ_WEBSOCKET = 1, CT_READ_EVENTS = 2, CT_READ_HTTP = 4 }; /* bits in the order of the names */
enum { CT_CLIENT_CUSTOMER, CT_CLIENT_BOT };
struct ct_relay_settings {
    const char *source, *listen, *upstream;
    unsigned client_is;       /* CT_CLIENT_ */
    const char *const *paths; /* NULL-terminated; NULL = all */
    unsigned read;            /* CT_READ_ bits */
    const char *certificate, *key, *upstream_authorities, *upstream_name;
    bool upstream_tls, upstream_verify;
    uint64_t connections_max;
    size_t message_max;
};
struct ct_webhook_settings {
    const char *source, *secret_file, *secret_env, *verify_token_file, *verify_token_env, *header, *forward;
    const char *forward_authorities;
    ct_usec tolerance_usec;
    unsigned signature; /* enum ct_webhook_kind */
};
struct ct_subscription_settings {
    const char *source, *url, *identifier, *secret_file, *secret_env, *origin, *subprotocol, *authorities;
    unsigned kind; /* enum ct_subscribe_kind */
    bool verify;
};

struct ct_alarm_settings {
    bool enabled, sure;
    char unused; /* lists and maps: config_alarms.c reads their entries */
    unsigned by; /* 0 = none, else enum ct_slice_field and one */
    const char *segment, *window;
    uint64_t at_least, hold;
    ct_usec forget_usec;
    unsigned severity; /* enum ct_alarm_severity */
};

/* All of it lives in the arena, constants of the program apart. */
struct ct_config {
    const char *file;      /* as given; NULL = none */
    uint32_t errors;       /* said already, */
    struct ct_error first; /* and the first of them */
    struct ct_config_value values[CT_SETTING_COUNT];
    struct ct_config_group groups[CT_SECTION_COUNT]; /* of ROOT: values and this struct */
    struct ct_config_item root;

    const struct ct_parser *format; /* NULL = told from the content */
    struct ct_option_value *format_options;
    size_t format_option_count;
    struct ct_input_writing *writings; /* of `inputs`, as they stand there; then those of the command line */
    size_t writing_count;
    const char *rules, *cost_model; /* NULL = the default; none */
    enum ct_announced announced;
    ct_usec idle_usec, idle_person_usec, idle_cap_usec;
    struct ct_idle *idle; /* by channel, then for every other */
    size_t idle_count;
    struct ct_terms terms; /* as_of CT_USEC_NONE = the newest message */
    size_t max_record_bytes, memory_bytes;
    bool group;
    struct ct_slice_by group_by;
    struct ct_filter *filters;
    size_t filter_count;
    const char *zone_name;
    struct ct_zone zone;       /* terms.zone, but for UTC */
    struct ct_zone serve_zone; /* serve.zone, where it is said (ct_serve_zone) */
    bool serve_zone_open;
    struct ct_silence silence; /* terms.silence */
    const char *from_text, *to_text, *compare_text;
    struct ct_periods periods;
    unsigned cadence;            /* enum ct_cadence */
    const char *const *segments; /* NULL-terminated; NULL = none */
    struct ct_kpi_target *targets;
    size_t target_count;
    unsigned profile; /* enum ct_profile */
    const struct ct_config_value *labels;
    const char *scorecard; /* NULL = none */
    const struct ct_config_value *handoff_tools, *handoff_phrases, *competitors;
    enum ct_lang lang;
    unsigned threads;        /* 0 = one a processor */
    struct ct_alarm *alarms; /* those that are enabled, by name */
    size_t alarm_count;
    bool default_alarms;
    const char *alarm_state, *alarm_webhook, *alarm_secret_file, *alarm_secret_env, *alarm_authorities;
    ct_usec alarm_patience_usec;

    struct ct_arena arena;
};

/* Prints what is wrong: -1 to go on, else the exit status. ct_config_close may follow in any case. The arguments'
 * texts have to outlive the config. */
int ct_config_open(struct ct_config *config, const struct ct_command *command,
                   const struct ct_session_arguments *arguments) CT_MUST_USE;
void ct_config_close(struct ct_config *config);

struct ct_packs; /* packs.h */
/* The packs of `folder` (NULL = the default), and what the configuration adds to them. ct_packs_done may follow in any
 * case. */
enum ct_status ct_config_packs(const struct ct_config *config, const char *folder, struct ct_packs *packs,
                               struct ct_error *err) CT_MUST_USE;
/* The rules of `folder` (NULL = the default), with what the configuration adds to them. NULL = *err. */
struct ct_ruleset *ct_config_ruleset(const struct ct_config *config, const char *folder, struct ct_error *err);
/* Prices; NULL without an error = none set. false = *err. */
CT_MUST_USE bool ct_config_cost(const struct ct_config *config, struct ct_cost_model **out, struct ct_error *err);
enum { CT_COST_FILE_BYTES_MAX = 4 << 20 };

/* The struct of a section's i-th map. */
static inline void *ct_config_part(const struct ct_config *config, enum ct_section_id section, size_t i)
{
    return config->groups[section].items[i].to;
}
/* What a key of a map was written as, and where; NULL = not set. */
const struct ct_config_entry *ct_config_entry_of(const struct ct_config_item *item, enum ct_setting_id id);
/* Says (on standard error) that something is wrong with an entry, or, where that is NULL, with the map it would stand
 * in; counts it. */
void ct_config_wrong(struct ct_config *config, const struct ct_config_item *item, const struct ct_config_entry *entry,
                     const char *format, ...) CT_PRINTF(4, 5);

/* ---- config_value.c: one value ---- */
/* Reads `text` (of entry `name` of a map) into the item's struct: single values; of maps and lists it only checks the
 * entry. false = `problem` (CT_CONFIG_PROBLEM_BYTES) says why, beginning with the text. */
#define CT_CONFIG_PROBLEM_BYTES 640
CT_MUST_USE bool ct_config_read(struct ct_config *config, const struct ct_config_item *item, enum ct_setting_id id,
                                const char *name, const char *text, char *problem);
/* Of checked entries to what they mean. false = out of memory. */
CT_MUST_USE bool ct_config_settle(struct ct_config *config);
bool ct_setting_is_map(enum ct_setting_kind kind);
bool ct_setting_is_list(enum ct_setting_kind kind);

/* ---- config_check.c: what single values cannot say ---- */
/* Needed keys, names of sources, addresses that two want. */
void ct_config_check(struct ct_config *config);
/* Host and port of an address; *port 0 of "unix:/path". false = it is none. */
CT_MUST_USE bool ct_address_split(const char *address, char host[256], unsigned *port);
/* Is it this machine's own? "localhost", 127.0.0.0/8, ::1, unix:. */
bool ct_address_is_loopback(const char *address);

/* ---- config_period.c: what depends on the zone ---- */
/* The zone, the period and the one it is compared with. */
void ct_config_period(struct ct_config *config);

/* ---- config_weights.c: the weights of the indexes ---- */
/* The i-th input that a row of weights knows; NULL = there are no more. */
const char *ct_config_weight_name(const struct ct_setting *row, unsigned i);
/* The format that an item's map of options belongs to; NULL = of any. */
const struct ct_parser *ct_config_format(const struct ct_config_item *item);
/* One entry, as ct_config_read. */
CT_MUST_USE bool ct_config_weight(const struct ct_setting *row, const char *name, const char *text, char *problem);
/* Checked entries to terms.*_weights: who names some weights means all of them. */
void ct_config_weights(struct ct_config *config);
/* Whether they add up to CT_WEIGHTS_TOTAL. */
void ct_config_weights_check(struct ct_config *config);
/* The key `segments` as options->segments, in the configuration's arena. CT_NO_MEMORY. */
enum ct_status ct_config_segments(struct ct_config *config, struct ct_kpi_options *options) CT_MUST_USE;

/* ---- config_rules.c: rules out of keys ---- */
/* A pack (YAML) that says handoff_tools, handoff_phrases and competitors as rules, and what a positive CSAT is: heap,
 * free() it; *len 0 = nothing is set. NULL = out of memory. */
char *ct_config_pack(const struct ct_config *config, size_t *len) CT_MUST_USE;

/* ---- config_arguments.c: the command line ---- */
struct ct_config_value *ct_config_value_of(const struct ct_config_item *item, enum ct_setting_id id);
/* Another map of a section, with its defaults; the section's items may move. NULL = out of memory. */
struct ct_config_item *ct_config_add(struct ct_config *config, enum ct_section_id section,
                                     const char *name) CT_MUST_USE;
/* In the place of an entry of the same name, else behind the others. false = out of memory. */
CT_MUST_USE bool ct_config_put(struct ct_config *config, const struct ct_config_item *item, enum ct_setting_id id,
                               struct ct_config_entry entry);
/* What the command line says: -1, or the exit status (said). */
int ct_config_arguments(struct ct_config *config, const struct ct_command *command,
                        const struct ct_session_arguments *arguments) CT_MUST_USE;

/* ---- config_alarms.c: alarms out of keys ---- */
/* The alarms that convtap came with, as a file would say them. */
extern const char ct_config_default_alarms[];
/* One condition or window, as ct_config_read. */
CT_MUST_USE bool ct_config_condition(const char *text, char *problem);
CT_MUST_USE bool ct_config_window(const char *text, ct_usec *span, char *problem);
/* Is this entry of `alarms` there at all? Not one that convtap came with and `default_alarms: no` leaves out. */
bool ct_config_alarm_is_there(const struct ct_config *config, const struct ct_config_item *item);
/* Checked entries to config->alarms; what does not go together is said (ct_config_wrong). false = out of memory. */
CT_MUST_USE bool ct_config_alarms(struct ct_config *config);

/* ---- config_show.c ---- */
/* A configuration file that says all that is in force, each line with where it came from. */
void ct_config_show(struct ct_out *out, const struct ct_config *config);
/* docs/configuration.md. */
void ct_config_page(struct ct_out *out);

#endif
