/* business_columns.h - which column of a table of business events is what: by option columns, else by the names that
 * exports commonly use in English, Spanish and Portuguese. Called by business_csv.c with the header record.
 */
#ifndef CT_BUSINESS_COLUMNS_H
#define CT_BUSINESS_COLUMNS_H

#include "parsers/business_draft.h"

/* Beside the keys of an event: the time of day where `at` is only a date. */
enum { CT_BUSINESS_TIME_OF_DAY = CT_BUSINESS_KEYS, CT_BUSINESS_COLUMNS };

struct ct_business_columns {
    int16_t column[CT_BUSINESS_COLUMNS]; /* 0-based; -1 = the table has none */
};
/* "amount", "time_of_day". */
const char *ct_business_column_text(unsigned column);

/* `map` = "at=Fecha,user_id=Cliente"; values are positions from 1 where `numbered`. `fixed_type`: all rows are of one
 * type, which needs no column. Errors: no such column, nothing that says what happened, when or to whom. */
enum ct_status ct_business_columns_find(struct ct_business_columns *columns, ct_span map, bool numbered,
                                        bool fixed_type, const ct_span *cells, size_t count,
                                        struct ct_error *err) CT_MUST_USE;
/* Checks what can be checked of a map before the file is seen. */
enum ct_status ct_business_columns_check(ct_span map, bool numbered, struct ct_error *err) CT_MUST_USE;

#endif
