/* quality.h - what human marks say of the rules, as a JSON object and as text for people. The report's section is
 * report_quality.c's.
 */
#ifndef CT_SINK_QUALITY_H
#define CT_SINK_QUALITY_H

#include "engine/quality.h"
#include "sinks/format.h"
#include "sinks/writer.h"

/* One object: the value of the key "quality", or all that `convtap rules quality --json` prints. */
void ct_quality_json(struct ct_writer *json, const struct ct_quality_findings *findings);
/* Lines of text, at most about 100 columns; control characters of the input are shown as '?'. */
void ct_quality_text(struct ct_out *out, const struct ct_quality_findings *findings, enum ct_lang lang);

/* ---- what text and report share ---- */
const char *ct_quality_subject(enum ct_quality_subject subject, enum ct_lang lang); /* "Escalated" */
/* "91.7 % (64.6 - 98.5)"; a dash where there is nothing to divide by. out has CT_FORMAT_BYTES. */
void ct_quality_share(uint64_t part, uint64_t whole, int64_t low_micro, int64_t high_micro, enum ct_lang lang,
                      char *out);
/* "0.83"; a dash where chance alone agrees always. */
void ct_quality_kappa(const struct ct_quality_row *row, enum ct_lang lang, char *out);
/* "64.1 % (58.2 - 69.9)", with a note where it was cut off at 0 or 100; else why there is none. */
void ct_quality_corrected(const struct ct_quality_correction *correction, enum ct_lang lang, char *out);
/* What every correction supposes, one sentence. */
const char *ct_quality_assumption(enum ct_lang lang);

#endif
