/* explain_words.c - why it is no other outcome; see explain_words.h. */
#include "cli/explain_words.h"

void ct_sheet_why_not(struct ct_sheet *sheet, const struct ct_verdict_facts *facts)
{
    bool named = false;
    for (int i = 0; i < CT_OUTCOME_COUNT; i++) {
        char why[CT_VERDICT_BYTES];
        if (ct_verdict_why_not(facts, (enum ct_outcome)i, CT_LANG_EN, why, sizeof why)) {
            ct_sheet_name(sheet, named ? "" : "Why not");
            named = true;
            ct_sheet_text(sheet, CT_INK_BOLD, ct_outcome_text((enum ct_outcome)i));
            ct_sheet_column(sheet, 36);
            ct_sheet_text(sheet, CT_INK_PLAIN, why);
            ct_sheet_line(sheet);
        }
    }
}
