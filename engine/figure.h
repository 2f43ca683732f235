/* figure.h - computed KPI values as plain memory: what metrics make and sinks print.
 *
 * Metrics and sinks never see each other; this header is what both see. A catalogue row (struct ct_kpi) says what
 * a KPI is, a figure what its value is, a block all figures of one slice, the findings everything that a run has
 * to say. All of it borrows its texts; nothing here owns memory. Numbers are exact: counts and sums are integers,
 * a value is a fraction of integers, intervals and percentiles are whole millionths of the unit, so that every
 * machine prints the same bytes.
 */
#ifndef CT_FIGURE_H
#define CT_FIGURE_H

#include "engine/record.h"
#include "engine/zone.h"

__extension__ typedef __int128 ct_wide; /* sums that must not overflow */

enum ct_lang { CT_LANG_EN, CT_LANG_ES, CT_LANG_COUNT };
/* "en", "es", also with a region ("es-MX", "en_US"). false = another language. */
CT_MUST_USE bool ct_lang_from(ct_span text, enum ct_lang *out);

/* ---- the catalogue ------------------------------------------------------------------------ */

#define CT_FAMILY_MAP(X)                                                                                               \
    X(OPERATIONS, "operations", "Operations", "Operaciones")                                                           \
    X(COST, "cost", "Cost", "Coste")                                                                                   \
    X(EXPERIENCE, "experience", "Customer experience", "Experiencia de cliente")                                       \
    X(ADOPTION, "adoption", "Adoption", "Adopción")                                                                    \
    X(BUSINESS, "business", "Business", "Negocio")                                                                     \
    X(LIFECYCLE, "lifecycle", "Customer lifecycle", "Ciclo de vida del cliente")
enum ct_family {
#define X(name, text, en, es) CT_FAMILY_##name,
    CT_FAMILY_MAP(X)
#undef X
        CT_FAMILY_COUNT
};
const char *ct_family_text(enum ct_family family);                    /* "operations" */
const char *ct_family_name(enum ct_family family, enum ct_lang lang); /* "Operations" */

/* How the value follows from numerator and denominator. */
#define CT_KPI_KIND_MAP(X)                                                                                             \
    X(RATIO, "ratio")       /* numerator / denominator x 100, Wilson interval */                                       \
    X(MEAN, "mean")         /* sum / count, standard error, perhaps percentiles */                                     \
    X(QUOTIENT, "quotient") /* a sum over a count of something else: no error, no interval */                          \
    X(MEDIAN, "median")     /* the 50th percentile */                                                                  \
    X(SUM, "sum")           /* the numerator itself; denominator 1 */                                                  \
    X(SCORE, "score")       /* (promoters - detractors) / answers x 100 */                                             \
    X(SHARES, "shares")     /* one share a key, in parts that add up to 100 %; the head is the largest */              \
    X(PROPORTION,                                                                                                      \
      "proportion")       /* one amount in another x 100: not cases, so no interval; may be negative, over 100 */      \
    X(PRODUCT, "product") /* of several means: a fraction that is worked out exactly, no interval */                   \
    X(DIFFERENCE, "difference") /* of two rates, in percentage points, with the interval of the difference */
enum ct_kpi_kind {
#define X(name, text) CT_KPI_##name,
    CT_KPI_KIND_MAP(X)
#undef X
};
const char *ct_kpi_kind_text(enum ct_kpi_kind kind);

#define CT_UNIT_MAP(X)                                                                                                 \
    X(PERCENT, "percent")                                                                                              \
    X(SECONDS, "seconds")                                                                                              \
    X(DAYS, "days")                                                                                                    \
    X(MONEY, "money")                                                                                                  \
    X(POINTS, "points")                                                                                                \
    X(COUNT, "count")                                                                                                  \
    X(PER_CUSTOMER, "conversations per customer")                                                                      \
    X(RATIO, "ratio") /* of two counts, not x 100 */                                                                   \
    X(MODULES, "modules per account")                                                                                  \
    X(ACTIONS, "actions per week per active account")
enum ct_unit {
#define X(name, text) CT_UNIT_##name,
    CT_UNIT_MAP(X)
#undef X
};
const char *ct_unit_text(enum ct_unit unit);

enum ct_better { CT_BETTER_HIGHER, CT_BETTER_LOWER, CT_BETTER_NONE };
const char *ct_better_text(enum ct_better better); /* "higher", "lower", "none" */

enum ct_target_op { CT_TARGET_NONE, CT_TARGET_AT_LEAST, CT_TARGET_AT_MOST };
struct ct_target {
    enum ct_target_op op;
    int64_t micro; /* millionths of the KPI's unit: 85 % = 85000000 */
};

/* A target of one kind of customer or period: "smb", "enterprise", "monthly", "year_1". Which of them count is said by
 * the configuration (`segments`), and in a slice by segment by its key. */
struct ct_segment_target {
    const char *segment;
    struct ct_target target;
};
#define CT_SEGMENT_TARGETS_MAX 4

/* One row of metrics/kpis.def. Constant, lives as long as the program. */
struct ct_kpi {
    const char *id;     /* "automation_rate"; a variant is its parent's id, a dot and a word: "aht.human" */
    const char *parent; /* the id it is a variant of; NULL for a KPI of its own */
    enum ct_family family;
    enum ct_kpi_kind kind;
    enum ct_unit unit;
    enum ct_better better;
    struct ct_target target;                                     /* for all; CT_TARGET_NONE where there is none */
    struct ct_segment_target by_segment[CT_SEGMENT_TARGETS_MAX]; /* segment NULL = no more */
    const char *name[CT_LANG_COUNT];    /* of a variant: only what sets it apart ("confirmed only") */
    const char *formula[CT_LANG_COUNT]; /* numerator / denominator in words */
    const char *help[CT_LANG_COUNT];    /* what it says, what it leaves out */
};

/* When a conversation counts in a definition: what dates it. */
#define CT_ANCHOR_MAP(X)                                                                                               \
    X(START, "start")       /* its first message */                                                                    \
    X(RESOLVED, "resolved") /* the message that resolves it, else its last one and the window */                       \
    X(SETTLED, "settled")   /* its last message and the window */
enum ct_anchor {
#define X(name, text) CT_ANCHOR_##name,
    CT_ANCHOR_MAP(X)
#undef X
};
const char *ct_anchor_text(enum ct_anchor anchor);

/* Another authority's definition of a KPI (profiles). Constant. */
struct ct_definition {
    const char *profile; /* "zendesk" */
    const char *kpi;     /* the id it stands in for */
    enum ct_kpi_kind kind;
    enum ct_unit unit;
    enum ct_anchor anchor;
    ct_usec window_usec; /* younger conversations are left out, whatever they are; 0 = none */
    const char *formula[CT_LANG_COUNT];
    const char *source; /* where the authority says so */
};

/* All that there is to say of KPIs, whatever the figures: what the catalogue is written from. Borrowed. */
struct ct_catalogue {
    const struct ct_kpi *kpis;
    size_t kpi_count;
    const struct ct_definition *definitions; /* of all authorities */
    size_t definition_count;
    const struct ct_profile_name {
        const char *id, *name;
    } * profiles;
    size_t profile_count;
};

/* What a KPI that is kept apart by a key is kept apart by. */
enum ct_key_kind {
    CT_KEYED_BY_CURRENCY,
    CT_KEYED_BY_SHARE, /* a part of the whole */
    CT_KEYED_BY_SCALE, /* of a survey */
    CT_KEYED_BY_NAME   /* an outcome, a factor, a criterion */
};
enum ct_key_kind ct_kpi_keyed_by(const struct ct_kpi *kpi);

/* ---- values ------------------------------------------------------------------------------- */

enum ct_target_status { CT_STATUS_NONE, CT_STATUS_MET, CT_STATUS_MISSED };
const char *ct_target_status_text(enum ct_target_status status); /* "none", "met", "missed" */

/* Against the period before. */
#define CT_CHANGE_MAP(X)                                                                                               \
    X(NONE, "none") /* not compared, or one of the two has no value */                                                 \
    X(UP, "up")     /* the 95 % interval of the difference is above 0 */                                               \
    X(DOWN, "down")                                                                                                    \
    X(NO_CHANGE, "no_change") /* no real change: the interval holds 0 */                                               \
    X(UNTESTED, "untested")   /* sums and quotients: a difference, but nothing to test it by */
enum ct_change_verdict {
#define X(name, text) CT_CHANGE_##name,
    CT_CHANGE_MAP(X)
#undef X
};
const char *ct_change_text(enum ct_change_verdict verdict);
struct ct_change {
    enum ct_change_verdict verdict;
    ct_wide before_num, before_den; /* the value before; only where verdict is not NONE */
    uint64_t before_n;
    int64_t difference_micro; /* now - before, millionths of the unit (percentage points) */
    bool has_interval;
    int64_t low_micro, high_micro; /* of the difference */
};

struct ct_figure;
/* Is a real change for the better? 1 yes, -1 no; 0 = there is none, or neither is better. */
int ct_change_better(const struct ct_figure *figure);

#define CT_FIGURE_KEY_BYTES 40 /* with the NUL; cut at a character where longer */

enum { CT_P50, CT_P90, CT_P95, CT_P99, CT_PERCENTILE_COUNT };
const char *ct_percentile_text(unsigned percentile); /* "p50" ... */

/* One value. Figures come in catalogue order; where a KPI is kept apart by a key (scale of a survey, currency,
 * channel) the head figure comes first (the key with the most cases) and, where there is more than one key or the
 * kind is SHARES, one figure a key follows with `part` set. */
struct ct_figure {
    const struct ct_kpi *kpi;
    char key[CT_FIGURE_KEY_BYTES]; /* "1-5", "EUR", "whatsapp"; "" = none */
    bool part;
    bool has_value;               /* false: empty denominator; everything below but left_out and counts is then unset */
    ct_wide value_num, value_den; /* value = num / den in the KPI's unit (percent already x 100); den > 0 */
    ct_wide numerator;            /* count; of a mean: the sum, in units given by `scale` */
    ct_wide denominator;          /* count; of a proportion an amount, in parts as the numerator's */
    int64_t scale;                /* the numerator's parts of a unit: 1, 1000000 (µs of s), 1e9 (nano of money) */
    uint64_t n;                   /* cases that the value stands on */
    bool has_interval;
    int64_t low_micro, high_micro; /* 95 %: Wilson for a ratio, normal for means and NPS; millionths of the unit */
    bool has_error;
    int64_t error_micro; /* standard error; millionths of the unit */
    bool has_percentiles;
    int64_t percentile_micro[CT_PERCENTILE_COUNT]; /* millionths of the unit */
    uint64_t left_out;                             /* cases of the base that could not be counted: untimed, immature */
    struct ct_target target;                       /* the one it was held against */
    const char *target_segment;                    /* whose it is; NULL = everybody's */
    enum ct_target_status status;
    uint64_t provisional; /* cases that time may still change or bring in: their window has not passed */
    ct_usec settles_at;   /* when the last of them settles; CT_USEC_NONE where there are none */
    struct ct_change change;
    const struct ct_definition *definition; /* whose definition it is; NULL = the catalogue's own */
};

/* All figures of the whole, or of one slice. */
struct ct_block {
    ct_span key;    /* of the slice, as in the record; empty for the whole and for records without the field */
    ct_span second; /* of a pair of fields, the second one's */
    bool other;     /* the slices beyond the maximum, together */
    uint64_t conversations, engaged, messages, untimed;
    uint64_t customers;                  /* distinct, among conversations that name one */
    uint64_t outcomes[CT_OUTCOME_COUNT]; /* adds up to conversations */
    ct_usec first_at, last_at;           /* oldest and newest message; CT_USEC_NONE */
    ct_usec from, to;                    /* the period [from, to) that business figures are for; CT_USEC_NONE */
    uint64_t events;                     /* business events */
    const struct ct_figure *figures;
    size_t figure_count;
};

struct ct_input_note { /* one input of a run */
    const char *path;
    const char *sha256; /* hex; "" where not computed */
    uint64_t bytes, messages, conversations, refused;
    uint64_t events; /* business events */
};

struct ct_drop { /* something left out, by name: refused lines, duplicates, limits */
    const char *reason;
    uint64_t count;
};

/* How often figures are reviewed, and so which period is shown and what comes first in it. */
#define CT_CADENCE_MAP(X) X(NONE, "none") X(WEEKLY, "weekly") X(MONTHLY, "monthly") X(QUARTERLY, "quarterly")
enum ct_cadence {
#define X(name, text) CT_CADENCE_##name,
    CT_CADENCE_MAP(X)
#undef X
};
const char *ct_cadence_text(enum ct_cadence cadence);
/* The families in the order of a review, and how many of them belong to it: operational figures every week (operations,
 * experience), strategic ones every month (business, adoption, cost), deep ones every quarter (lifecycle, and all
 * others with it). */
const enum ct_family *ct_cadence_families(enum ct_cadence cadence, size_t *belong);

struct ct_feedback_findings; /* themes.h */
struct ct_quality_findings;  /* quality.h */
struct ct_alarm_findings;    /* alarm.h */

/* Everything a run has to say; the sinks print it. */
struct ct_findings {
    ct_usec generated_at; /* CT_USEC_NONE = not said */
    const char *rules_hash, *profile, *version;
    const char *cost_model_hash; /* NULL, "" = there was none */
    const struct ct_input_note *inputs;
    size_t input_count;
    const struct ct_zone *zone; /* of dates; NULL = UTC */
    const char *zone_name;      /* "Europe/Madrid"; NULL = UTC */
    bool period_given;          /* total.from and to were asked for: nothing outside is counted */
    enum ct_cadence cadence;
    bool compared; /* figures have their change against [before_from, before_to), */
    ct_usec before_from, before_to;
    uint64_t before_conversations; /* of so many conversations */
    const char *const *where;      /* filters, as they were given */
    size_t where_count;
    struct ct_block total;
    const char *group_by; /* "channel", "channel,language"; NULL = no slices */
    const struct ct_block *slices;
    size_t slice_count;
    const struct ct_feedback_findings *feedback; /* themes of what customers say; NULL = not looked for */
    const struct ct_alarm_findings *alarms;      /* NULL = not evaluated */
    const struct ct_quality_findings *quality;   /* what human marks say of the rules; NULL = there are none */
    const struct ct_drop *drops;                 /* zero counts are not printed */
    size_t drop_count;
};

/* The denominator's parts of a unit. */
static inline int64_t ct_figure_denominator_scale(const struct ct_figure *figure)
{
    return figure->kpi->kind == CT_KPI_PROPORTION && figure->scale > 1 ? figure->scale : 1;
}

/* The figure of a KPI in a block, NULL = not there. The head, never a part. */
const struct ct_figure *ct_block_figure(const struct ct_block *block, const char *id);

/* Columns that a terminal needs for valid UTF-8: combining marks none, wide characters two. */
size_t ct_text_width(ct_span text);
/* The longest head of `text` that fits into `columns`. */
ct_span ct_text_clip(ct_span text, size_t columns);

/* ---- exact decimals ------------------------------------------------------------------------ */

#define CT_DECIMAL_BYTES 64
/* num / den, den > 0, as a decimal with `digits` (0-9) places, rounded half to even from the integers. With `trim`,
 * zeros at the end go, but one place stays ("70.0") where digits > 0. Returns length; `out` holds CT_DECIMAL_BYTES
 * and is NUL-terminated. No locale. */
size_t ct_decimal_format(ct_wide num, ct_wide den, unsigned digits, bool trim, char *out);
/* µs as seconds: what ct_decimal_format makes of them with 6 digits, trimmed. */
size_t ct_seconds_format(ct_usec value, char *out);
/* num / den rounded half to even; den > 0. */
ct_wide ct_wide_divide(ct_wide num, ct_wide den);
/* An integer in decimal. */
size_t ct_wide_format(ct_wide value, char *out);

#endif
