/* themes.h - qualitative feedback: from customers to lines that sort, and from sorted lines to findings.
 *
 * Exact in bounded memory: each conversation gives a few short lines; whoever calls sorts them (in any number of
 * threads, on disk if need be) and hands them back in order, byte for byte. So the result hangs on nothing but the set
 * of lines.
 */
#ifndef CT_METRIC_THEMES_H
#define CT_METRIC_THEMES_H

#include "engine/themes.h"
#include "metrics/kpi.h"

struct ct_themes_options {
    const struct ct_slice_by *by; /* NULL = not grouped */
    bool quotes;                  /* words of customers are wanted */
};

/* Takes a line; false = it could not, and no further one comes. */
typedef bool ct_themes_put(void *context, ct_span line);
/* The lines of a customer's conversations and events, on its terms. `before`: of the other period, of which topics are
 * counted alone. false = put said so. */
CT_MUST_USE bool ct_themes_lines(const struct ct_customer *customer, const struct ct_themes_options *options,
                                 bool before, ct_themes_put *put, void *context);
/* Open answers outside of conversations that are nobody's. */
CT_MUST_USE bool ct_themes_event(const struct ct_business *event, const struct ct_terms *terms,
                                 const struct ct_themes_options *options, ct_themes_put *put, void *context);

#define CT_THEMES_GROUPS_MAX 250   /* the first in byte order; the rest is counted */
#define CT_THEMES_KEPT_MAX 200     /* themes of a group */
#define CT_THEMES_QUESTIONS_MAX 20 /* questions of a group */
struct ct_themes_reader;
/* NULL = out of memory. */
struct ct_themes_reader *ct_themes_reader_new(void) CT_MUST_USE;
void ct_themes_reader_free(struct ct_themes_reader *reader); /* NULL allowed */
/* Lines in order of memcmp, then length. false = out of memory. */
CT_MUST_USE bool ct_themes_take(struct ct_themes_reader *reader, ct_span line);
/* After the last one: groups, group_count and groups_left_out of *out, borrowed from the reader. false = out of memory.
 */
CT_MUST_USE bool ct_themes_end(struct ct_themes_reader *reader, bool compared, struct ct_feedback_findings *out);

#endif
