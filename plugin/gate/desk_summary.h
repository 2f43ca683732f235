/* desk_summary.h - a conversation in a few fields: in lists and in the live feed. */
#ifndef CT_DESK_SUMMARY_H
#define CT_DESK_SUMMARY_H

#include "sinks/writer.h"

struct ct_summary_state {
    uint64_t row; /* in the store; 0 = not said */
    uint32_t revision;
    bool final;
    ct_usec first_published_at, published_at;
};
/* One object. */
void ct_summary_write(struct ct_writer *json, const struct ct_record *record, const struct ct_summary_state *state);

#endif
