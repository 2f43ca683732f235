/* kpis_compare.h - what `convtap kpis compare` knows when everything is counted, and how it is written. Private to
 * kpis_compare*.c.
 */
#ifndef CT_KPIS_COMPARE_H
#define CT_KPIS_COMPARE_H

#include "engine/quality.h"
#include "metrics/kpi.h"
#include "sinks/output.h"

enum { CT_COMPARE_EXAMPLES_MAX = 100 };

/* A conversation on which a definition differs from convtap's. */
struct ct_example {
    ct_usec ended_at;
    uint32_t session;
    enum ct_difference how;
    enum ct_why why;
    char *id; /* owned */
    size_t id_len;
};

/* Of one definition that is not convtap's own. */
struct ct_compared {
    uint64_t differs;
    uint64_t reasons[CT_DIFFERENCE_COUNT][CT_WHY_COUNT];
    struct ct_example *examples; /* the first ones, in order of close, then id */
    size_t example_count;
};

struct ct_comparison_page {
    struct ct_block blocks[CT_PROFILE_COUNT]; /* figures by each profile */
    const struct ct_compared *compared;       /* parallel to ct_definitions */
    ct_usec as_of;
    const char *rules_hash;
    const struct ct_drop *drops;
    size_t drop_count;
    const struct ct_quality_findings *quality; /* convtap's figures against human marks; NULL = no marks */
    bool scored;                               /* there is a scorecard: iqs is shown, too */
    enum ct_lang lang;
};
void ct_compare_table(struct ct_out *out, const struct ct_comparison_page *page);
void ct_compare_json(struct ct_out *out, const struct ct_comparison_page *page);
void ct_compare_csv(struct ct_out *out, const struct ct_comparison_page *page);
/* "left out: no survey answer"; at most CT_REASON_BYTES with the NUL. */
#define CT_REASON_BYTES 256
const char *ct_compare_reason(enum ct_difference how, enum ct_why why, enum ct_lang lang, char *out);

#endif
