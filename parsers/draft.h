/* draft.h - the message that a line-based parser is still reading: its text grows line by line, up to a limit.
 * One allocation, reused for every message. Called by whatsapp.c and text.c.
 */
#ifndef CT_DRAFT_H
#define CT_DRAFT_H

#include "parsers/parser.h"

/* WhatsApp cuts a message at 65,536 characters; four bytes each. */
enum { CT_DRAFT_MAX_BYTES = 256 * 1024 };

struct ct_draft {
    char *text; /* owned */
    size_t len, capacity;
    bool open;             /* a message is being read */
    bool dropped;          /* it was refused already; its further lines go with it */
    uint64_t offset, line; /* where it began */
    enum ct_role role;
    ct_usec ts;
};

/* Begins a message at this record with the first piece of its text. */
enum ct_status ct_draft_begin(struct ct_draft *draft, const struct ct_frame *frame, ct_span text) CT_MUST_USE;
/* One more line. Over the limit the draft is dropped and refused as "record_too_long". */
enum ct_status ct_draft_line(struct ct_draft *draft, ct_span text, const struct ct_parse_out *out) CT_MUST_USE;
/* The text without blank lines at its end. */
ct_span ct_draft_text(const struct ct_draft *draft);
/* Frees the text; the draft may be used again. */
void ct_draft_done(struct ct_draft *draft);

/* Calls out->refuse (which may be NULL). */
void ct_refuse(const struct ct_parse_out *out, const char *reason, uint64_t offset, uint64_t line, const char *detail,
               ...) CT_PRINTF(5, 6);

#endif
