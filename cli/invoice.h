/* invoice.h - what `convtap kpis invoice` knows in the end, and how it is written. Private to invoice*.c. */
#ifndef CT_INVOICE_H
#define CT_INVOICE_H

#include "cli/invoice_match.h"
#include "sinks/output.h"

enum { CT_INVOICE_EXAMPLES_MAX = 100, CT_INVOICE_REASONS_MAX = 16 };

/* A row of the list that a table names: heap texts. */
struct ct_invoice_example {
    char *id;
    size_t id_len;
    bool known;
    enum ct_why why;
};
struct ct_invoice_examples {
    struct ct_invoice_example *at; /* the first ones by id */
    size_t count;
};
/* Rows of the bill that were left out, by name. */
struct ct_invoice_refused {
    const char *reason;
    uint64_t count;
};

struct ct_invoice_page {
    const struct ct_definition *definition;
    ct_span vendor_currency;
    ct_nano price;
    ct_usec from, to, as_of;
    bool has_bill;
    const char *rules_hash;
    const struct ct_invoice_sums *sums;
    const struct ct_invoice_examples *examples; /* by verdict */
    const struct ct_invoice_refused *refused;
    size_t refused_count;
    const struct ct_drop *drops; /* of the conversations' inputs */
    size_t drop_count;
    enum ct_lang lang;
};
void ct_invoice_table(struct ct_out *out, const struct ct_invoice_page *page);
void ct_invoice_json(struct ct_out *out, const struct ct_invoice_page *page);
/* One line of --list. */
void ct_invoice_line(struct ct_out *out, const struct ct_invoice_entry *entry, enum ct_lang lang);

#endif
