/* invoice_bill.h - a vendor's list of what it bills: a conversation's id a row, with its amount and currency where it
 * says them. CSV (with a header, or a single column of ids) or JSON lines, gzip or zstd too; told from the content.
 * Read for `convtap kpis invoice`.
 */
#ifndef CT_INVOICE_BILL_H
#define CT_INVOICE_BILL_H

#include "cli/options.h"

#define CT_BILL_LINE_BYTES_MAX ((size_t)1 << 20)
#define CT_BILL_ID_BYTES_MAX 4096

struct ct_bill_row {
    ct_span id; /* borrowed until the call returns */
    bool has_amount;
    ct_nano amount;
    uint64_t line;
};

struct ct_bill_reading {
    const char *path;               /* "-" standard input */
    const struct ct_texts *columns; /* "id=Conversation", "amount=Charge", "currency=Cur" */
    ct_span currency;               /* rows in another one are refused */
    void *context;
    enum ct_status (*row)(void *context, const struct ct_bill_row *row, struct ct_error *err);
    /* A row that is left out: a constant name, and where. */
    void (*refuse)(void *context, const char *reason, uint64_t line);
};
/* CT_BAD_CONFIG: no column of ids can be told, or one was named that is not there; CT_NOT_FOUND: it cannot be opened;
 * CT_IO: it cannot be read. */
enum ct_status ct_bill_read(const struct ct_bill_reading *reading, struct ct_error *err) CT_MUST_USE;
/* Are the column options well formed? CT_BAD_CONFIG. */
enum ct_status ct_bill_columns_check(const struct ct_texts *columns, struct ct_error *err) CT_MUST_USE;

#endif
