/* draft.c - the growing text of a message that spans lines. */
#include "parsers/draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void ct_refuse(const struct ct_parse_out *out, const char *reason, uint64_t offset, uint64_t line, const char *detail,
               ...)
{
    if (!out->refuse) {
        return;
    }
    struct ct_refusal refusal = {.reason = reason, .offset = offset, .line = line};
    va_list args;
    va_start(args, detail);
    (void)vsnprintf(refusal.detail, sizeof refusal.detail, detail, args);
    va_end(args);
    out->refuse(out->context, &refusal);
}

static enum ct_status append(struct ct_draft *draft, ct_span text)
{
    if (draft->len + text.len > draft->capacity) {
        size_t capacity = draft->capacity ? draft->capacity : 1024;
        while (capacity < draft->len + text.len) {
            capacity *= 2;
        }
        char *grown = realloc(draft->text, capacity);
        if (!grown) {
            return CT_NO_MEMORY;
        }
        draft->text = grown;
        draft->capacity = capacity;
    }
    if (text.len) {
        memcpy(draft->text + draft->len, text.at, text.len);
        draft->len += text.len;
    }
    return CT_OK;
}

enum ct_status ct_draft_begin(struct ct_draft *draft, const struct ct_frame *frame, ct_span text)
{
    draft->len = 0;
    draft->open = true;
    draft->dropped = false;
    draft->offset = frame->offset;
    draft->line = frame->line;
    if (text.len > CT_DRAFT_MAX_BYTES) { /* refused with its next line or at its end */
        text.len = CT_DRAFT_MAX_BYTES + 1;
    }
    return append(draft, text);
}

enum ct_status ct_draft_line(struct ct_draft *draft, ct_span text, const struct ct_parse_out *out)
{
    if (!draft->open || draft->dropped) {
        return CT_OK;
    }
    if (draft->len + text.len + 1 > CT_DRAFT_MAX_BYTES) {
        draft->dropped = true;
        ct_refuse(out, "record_too_long", draft->offset, draft->line, "a message of more than %d bytes",
                  CT_DRAFT_MAX_BYTES);
        return CT_OK;
    }
    enum ct_status status = draft->len ? append(draft, CT_SPAN_LIT("\n")) : CT_OK; /* a caption below its picture */
    return status == CT_OK ? append(draft, text) : status;
}

ct_span ct_draft_text(const struct ct_draft *draft)
{
    size_t len = draft->len;
    while (len && (draft->text[len - 1] == '\n' || draft->text[len - 1] == ' ' || draft->text[len - 1] == '\r' ||
                   draft->text[len - 1] == '\t')) {
        len--;
    }
    return (ct_span){draft->text, len};
}

void ct_draft_done(struct ct_draft *draft)
{
    free(draft->text);
    *draft = (struct ct_draft){.text = NULL};
}
