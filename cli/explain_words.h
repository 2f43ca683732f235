/* explain_words.h - why an outcome lost, on a sheet; the words themselves are sinks/verdict.h's. Used by both views of
 * explain.
 */
#ifndef CT_EXPLAIN_WORDS_H
#define CT_EXPLAIN_WORDS_H

#include "cli/explain_sheet.h"
#include "sinks/verdict.h"

/* "Why not": each outcome that it is not, and why. */
void ct_sheet_why_not(struct ct_sheet *sheet, const struct ct_verdict_facts *facts);

#endif
