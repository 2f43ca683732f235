/* invoice_match.h - the conversations and the bill brought together by their ids: what of the bill holds by the
 * vendor's own definition, what does not, and why.
 *
 * Both sides are sorted outside memory and merged, so a bill of any length and an archive of any size cost no more, and
 * nothing depends on the order they came in. A vendor charges a conversation once: of one that was cut into sessions
 * the one that speaks most for the bill counts.
 */
#ifndef CT_INVOICE_MATCH_H
#define CT_INVOICE_MATCH_H

#include "cli/invoice_bill.h"
#include "metrics/profile.h"

/* X(NAME, text, en, es): what is said of a row of the bill, or of a conversation that is not in it. */
#define CT_VERDICT_MAP(X)                                                                                              \
    X(DUE, "due", "to be billed", "a facturar") /* without a bill */                                                   \
    X(AGREED, "agreed", "billed, and resolved by the vendor's own definition",                                         \
      "facturada, y resuelta según la definición del propio proveedor")                                                \
    X(NOT_RESOLVED, "not_resolved", "billed, but not resolved by the vendor's own definition",                         \
      "facturada, pero no resuelta según la definición del propio proveedor")                                          \
    X(TWICE, "billed_twice", "billed more than once", "facturada más de una vez")                                      \
    X(UNKNOWN, "unknown_id", "billed, but not among the conversations",                                                \
      "facturada, pero no está entre las conversaciones")                                                              \
    X(TOO_EARLY, "too_early", "billed before its window has passed", "facturada antes de cumplirse su plazo")          \
    X(OTHER_PERIOD, "other_period", "resolved, but not in this period", "resuelta, pero no en este periodo")           \
    X(WRONG_AMOUNT, "wrong_amount", "resolved, but billed at another amount than the price",                           \
      "resuelta, pero facturada por otro importe que el precio")                                                       \
    X(NOT_JUDGED, "cannot_be_judged", "billed; the transcript does not say enough",                                    \
      "facturada; la transcripción no dice lo suficiente")                                                             \
    X(CREDITED, "credited", "credited, with what it credits", "abonada, con lo que abona")                             \
    X(NOT_BILLED, "not_billed", "resolved, but not billed", "resuelta, pero no facturada")
enum ct_verdict_of_bill {
#define X(symbol, text, en, es) CT_VERDICT_##symbol,
    CT_VERDICT_MAP(X)
#undef X
        CT_VERDICT_COUNT
};
const char *ct_verdict_text(enum ct_verdict_of_bill verdict);
const char *ct_verdict_sentence(enum ct_verdict_of_bill verdict, enum ct_lang lang);
/* Is it money that the vendor asks for and is not owed, by its own definition? */
bool ct_verdict_disputes(enum ct_verdict_of_bill verdict);

struct ct_invoice_terms {
    const struct ct_definition *definition;
    ct_nano price;
    ct_usec from, to; /* of when a resolution counts; CT_USEC_NONE = open */
    bool has_bill;
};

/* One row of the list. */
struct ct_invoice_entry {
    enum ct_verdict_of_bill verdict;
    ct_span id;
    ct_nano amount; /* billed; of DUE and NOT_BILLED the price */
    uint64_t line;  /* of the bill; 0 = none */
    bool known;     /* the conversation is there: what follows is set */
    enum ct_stand place;
    enum ct_why why;
    bool provisional;
    ct_usec counted_at, settles_at, started_at, ended_at, next_any_usec;
    uint32_t session;
    uint64_t sessions; /* of this id */
    uint8_t outcome;
    uint32_t agent_messages;
    ct_span evidence; /* JSON: [{"message","begin","end","signal","rule"}] that decided the outcome */
};

struct ct_invoice_total {
    uint64_t count;
    ct_wide amount;
};
struct ct_invoice_sums {
    struct ct_invoice_total verdict[CT_VERDICT_COUNT];
    struct ct_invoice_total due;    /* conversations that are to be billed, at the price */
    struct ct_invoice_total billed; /* rows of the bill */
    uint64_t conversations;         /* ids */
    uint64_t provisional;           /* of due: may still be taken back */
    uint64_t pending;               /* ids whose window has not passed yet */
};

struct ct_invoice_match;
struct ct_invoice_match *ct_invoice_match_new(const struct ct_invoice_terms *terms) CT_MUST_USE; /* NULL: no memory */
void ct_invoice_match_free(struct ct_invoice_match *match);
/* A marked record; `rules` made it. From one thread at a time. */
enum ct_status ct_invoice_match_record(struct ct_invoice_match *match, const struct ct_ruleset *rules,
                                       const struct ct_record *record, struct ct_error *err) CT_MUST_USE;
enum ct_status ct_invoice_match_bill(struct ct_invoice_match *match, const struct ct_bill_row *row,
                                     struct ct_error *err) CT_MUST_USE;
/* Then: every entry but those that are agreed, in byte order of their ids, to `entry` (spans borrowed), and the sums.
 */
enum ct_status ct_invoice_match_end(struct ct_invoice_match *match,
                                    enum ct_status (*entry)(void *context, const struct ct_invoice_entry *entry),
                                    void *context, struct ct_invoice_sums *sums, struct ct_error *err) CT_MUST_USE;

#endif
