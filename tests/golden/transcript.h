/* transcript.h - runs a parser over bytes and writes down, as canonical JSON lines, all that it says.
 *
 * Used by the golden runner and by the unit tests of parsers; the framer is fed in pieces of a chosen
 * size, so that the same input can be tried cut anywhere.
 */
#ifndef CT_TRANSCRIPT_H
#define CT_TRANSCRIPT_H

#include "parsers/frame.h"

/* Growing text; `at` is NUL-terminated once something was written. Freed by the owner with free(at). */
struct transcript {
    char *at;
    size_t len, room;
    uint64_t messages, ends, refusals, events;
};

/* How the bytes arrive. Every offered piece is a heap block of just its length, so that a sanitizer
 * sees any read behind it. */
struct transcript_feed {
    size_t first; /* bytes of the first piece; 0 = as `then` */
    size_t then;  /* bytes of every other piece; 0 = all that is left */
    size_t max_record_bytes;
};

/* What this parser makes of these bytes. CT_OK, or the status with which it gave up. Aborts where
 * memory runs out or the framer breaks its contract. */
enum ct_status transcript_run(struct transcript *out, const struct ct_parser *parser,
                              const struct ct_parser_config *config, ct_span bytes, const struct transcript_feed *feed);

void transcript_add(struct transcript *out, const char *format, ...) CT_PRINTF(2, 3);

#endif
