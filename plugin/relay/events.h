/* events.h - server-sent events (text/event-stream), read as they go by: the data lines of an event are one message. */
#ifndef CT_EVENTS_H
#define CT_EVENTS_H

#include "plugin/relay/held.h"

struct ct_events_out {
    void *context;
    void (*message)(void *context, ct_span data);    /* not yet checked; borrowed until it returns */
    void (*drop)(void *context, const char *reason); /* an event that is left out */
};

struct ct_events {
    struct ct_held data;
    size_t max;
    unsigned char field_len; /* bytes of "data" that the line has begun with */
    unsigned char bom;       /* bytes of a byte order mark that have gone by; 3 = past the beginning */
    bool in_data, in_other;  /* what this line is; neither: not yet known */
    bool after_colon;        /* one space behind the colon does not count */
    bool after_cr;           /* a line feed now belongs to it */
    bool any, skipped;
};

void ct_events_init(struct ct_events *events, size_t message_max);
void ct_events_done(struct ct_events *events);
void ct_events_feed(struct ct_events *events, ct_span bytes, const struct ct_events_out *out);
bool ct_events_cut(const struct ct_events *events); /* it ends in the middle of an event */

#endif
