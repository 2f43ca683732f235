/* ruleset_load.h - what the parts of the pack loader share while a rule set is being made. Private to
 * engine/ruleset_*.c; callers use rules.h.
 *
 * A load goes through all packs stage by stage, so that a name may be used before the file that declares it is read:
 * trees, order (ruleset_pack.c) - signals, abstract rules, macros, words (ruleset_pack.c, ruleset_macro.c) - rules
 * (ruleset_rule.c, ruleset_pattern.c) - disable, extend (ruleset_extend.c) - tests (ruleset_tests.c) - order of
 * rules, program (ruleset_load.c). A problem is reported and the stage goes on; a set with errors is not compiled.
 */
#ifndef CT_RULESET_LOAD_H
#define CT_RULESET_LOAD_H

#include "engine/fold.h"
#include "engine/rules.h"
#include "engine/ruleset_tests.h"
#include "engine/yaml_tree.h"

/* Maxima: of a set, and of a pattern after expansion. */
#define CT_PACKS_MAX 256
#define CT_SIGNALS_MAX 4096
#define CT_RULES_MAX 16384      /* evidence holds a rule in 16 bits */
#define CT_PATTERNS_MAX 4096    /* a rule's `any`, or `not` */
#define CT_TEXTS_MAX UINT16_MAX /* a list of a rule's names or values */
#define CT_PATTERN_BYTES_MAX 8192
#define CT_MACRO_DEPTH_MAX 64
#define CT_NO_PACK UINT16_MAX
#define CT_NO_SIGNAL UINT16_MAX
_Static_assert(CT_PACKS_MAX < CT_NO_PACK, "a pack is told in 16 bits");
_Static_assert(CT_SIGNALS_MAX < CT_NO_SIGNAL, "a signal is told in 16 bits");
_Static_assert(CT_RULES_MAX < UINT16_MAX, "a rule is told in 16 bits");
_Static_assert(CT_PATTERNS_MAX < UINT16_MAX, "a rule's patterns are counted in 16 bits");

/* Names to numbers; `scope` keeps equal names of different packs apart. */
struct ct_name_index {
    struct ct_name_slot {
        ct_span name;
        uint32_t scope, value; /* value UINT32_MAX = free */
    } * slots;
    size_t room, used; /* room: a power of two */
};

struct ct_load_macro {
    ct_span name;
    const struct ct_yaml_node *node;
    uint16_t pack;
    bool open;         /* being expanded or checked: meeting it again is a cycle */
    bool checked, bad; /* bad: reported; patterns that use it are left alone */
    bool fold_checked; /* its literals were looked at for the folded view */
    bool used;
};

struct ct_load_abstract {
    ct_span name;
    const struct ct_yaml_node *node;
    uint16_t pack, emit;
    enum ct_role role;
    uint8_t level;
    uint16_t min_user_turn, max_user_turn;
    ct_usec within_first, within_last;
};

struct ct_load_rule {
    struct ct_rule rule;
    const struct ct_yaml_node *node;
    bool left_out;                 /* enabled: false, or disabled by another pack */
    uint32_t abstract;             /* index + 1; 0 = none */
    uint32_t index;                /* in the finished set; UINT32_MAX = left out */
    uint32_t tests[CT_TEST_COUNT]; /* how many texts */
    bool spoken_for;               /* a conversation test names it or stands beside it */
};

struct ct_load_pack {
    struct ct_yaml yaml;
    uint16_t parent; /* index in loader->packs, CT_NO_PACK = builds on nothing */
    bool placed;
    ct_span name, version, language, extends;
};

struct ct_loader {
    const struct ct_load_options *options; /* never NULL */
    struct ct_yaml_report report;
    struct ct_ruleset *set;
    struct ct_arena scratch; /* the trees; dies with the loader */
    struct ct_folder *folder;
    struct ct_load_pack *packs; /* in the set's order after ct_load_order */
    uint16_t pack_count;        /* at most CT_PACKS_MAX */
    struct ct_signal *signals;
    uint16_t *signal_packs;
    size_t signal_count, signal_room;
    struct ct_load_abstract *abstracts;
    size_t abstract_count;
    struct ct_load_macro *macros;
    size_t macro_count;
    struct ct_load_rule *rules;
    size_t rule_count;
    struct ct_rule_test *texts; /* rule = index in loader->rules until ct_load_finish */
    size_t text_count, text_room;
    struct ct_conversation_test *conversations;
    size_t conversation_count, conversation_room;
    struct ct_name_index signal_names, abstract_names, macro_names, rule_names;
};

/* ---- ruleset_load.c --------------------------------------------------------------------- */

/* Arena memory of the finished set, cleared; NULL = noted in the report. */
void *ct_load_alloc(struct ct_loader *loader, size_t count, size_t size);
/* UINT32_MAX = not there. */
uint32_t ct_name_find(const struct ct_name_index *index, ct_span name, uint32_t scope);
/* false = out of memory. */
CT_MUST_USE bool ct_name_add(struct ct_name_index *index, ct_span name, uint32_t scope, uint32_t value);
/* true where pack `from` is `to` or builds on it. */
bool ct_load_builds_on(const struct ct_loader *loader, uint16_t from, uint16_t to);
/* The pack's yaml, for messages. */
const struct ct_yaml *ct_load_yaml(const struct ct_loader *loader, uint16_t pack);
/* "file.yaml:12" of a node in a pack, in a small rotating buffer owned by the caller. */
const char *ct_load_place(const struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, char *out,
                          size_t room);

/* ---- ruleset_pack.c: what a pack declares ----------------------------------------------- */

/* Reads each pack's head, puts them in order (a pack after the one it builds on, else as given). */
bool ct_load_order(struct ct_loader *loader, const struct ct_pack_source *sources, size_t count);
void ct_load_signals(struct ct_loader *loader);
void ct_load_abstracts(struct ct_loader *loader);
void ct_load_words(struct ct_loader *loader);
/* Index of a signal that pack may use; CT_NO_SIGNAL = reported. */
uint16_t ct_load_signal(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, const char *what);
/* role:, level:, turn:, within: of a rule or an abstract rule, into the fields given. */
struct ct_load_bounds {
    enum ct_role *role;
    uint8_t *level;
    uint16_t *min_user_turn, *max_user_turn;
    ct_usec *within_first, *within_last;
};
void ct_load_read_bounds(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *map, bool with_within,
                         const struct ct_load_bounds *out);
bool ct_load_read_role(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, const char *what,
                       enum ct_role *out);

/* ---- ruleset_macro.c -------------------------------------------------------------------- */

/* Declares and checks every macro: names, references, cycles, empty alternatives, PCRE2. */
void ct_load_macros(struct ct_loader *loader);
struct ct_load_macro *ct_load_find_macro(struct ct_loader *loader, uint16_t pack, ct_span name);
/* In strict mode: macros that no pattern uses. */
void ct_load_check_unused(struct ct_loader *loader);

/* Where the bytes of an expanded pattern come from: rising by `begin`; each piece reaches to the next. */
struct ct_expanded_piece {
    size_t begin;
    const struct ct_load_macro *macro; /* NULL = the pattern itself */
    size_t source;                     /* offset in its source */
};
struct ct_expansion {
    char bytes[CT_PATTERN_BYTES_MAX + 1];
    size_t len;
    struct ct_expanded_piece pieces[512]; /* beyond that, places are approximate */
    size_t piece_count;
};
/* Expands a text of `pack`; false = a macro is unknown or bad, or it grew over the limit (reported, save for a bad
 * macro, which was). */
bool ct_load_expand(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, struct ct_expansion *out);
/* Compiles what was expanded; on an error reports it with a caret at the place it comes from. `self` = the macro that
 * is being checked on its own, or NULL. Also refuses what matches the empty string, unless it is a macro. */
bool ct_load_compile(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node,
                     const struct ct_expansion *expansion, const struct ct_load_macro *self);
/* Empty alternatives of one source text; macros are atoms. */
bool ct_load_check_alternatives(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node);

/* ---- ruleset_pattern.c ------------------------------------------------------------------ */

/* One pattern of a rule, checked in every way. false = reported. */
bool ct_load_pattern(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, bool raw,
                     struct ct_pattern *out);
/* A list of patterns behind those that are there already (`old`, may be NULL). */
const struct ct_pattern *ct_load_patterns(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *list,
                                          const char *what, bool raw, const struct ct_pattern *old, uint16_t *count);

/* ---- ruleset_rule.c, ruleset_extend.c ---------------------------------------------------- */

void ct_load_rules(struct ct_loader *loader);
void ct_load_extensions(struct ct_loader *loader);
/* scale: [min, max]. */
bool ct_load_read_scale(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, int32_t *min,
                        int32_t *max);
/* A list of texts, or one text, to spans in the set's arena. */
bool ct_load_read_texts(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, const char *what,
                        const ct_span **out, uint32_t *count);
/* A rule by id, NULL = none. */
struct ct_load_rule *ct_load_find_rule(struct ct_loader *loader, ct_span id);

/* ---- ruleset_tests.c -------------------------------------------------------------------- */

/* tests: of a rule (pack = the file they stand in). */
void ct_load_rule_tests(struct ct_loader *loader, uint16_t pack, struct ct_load_rule *rule,
                        const struct ct_yaml_node *node);
/* The packs' conversations: lists. */
void ct_load_conversations(struct ct_loader *loader);
/* strict: rules without tests. */
void ct_load_check_tests(struct ct_loader *loader);
/* event: of a rule test's message or of an event rule. */
bool ct_load_read_event(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, struct ct_event *out);

#endif
