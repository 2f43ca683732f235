/* setup.c - references to a setup, and how long silence may last under it. See setup.h. */
#include "engine/setup.h"

struct ct_setup *ct_setup_ref(struct ct_setup *setup)
{
    __atomic_add_fetch(&setup->references, 1, __ATOMIC_RELAXED);
    return setup;
}

void ct_setup_unref(struct ct_setup *setup)
{
    if (setup && __atomic_sub_fetch(&setup->references, 1, __ATOMIC_ACQ_REL) == 0) {
        setup->done(setup);
    }
}

ct_usec ct_silence_of(const struct ct_silence *silence, ct_span channel, bool person)
{
    ct_usec usec = 30 * CT_USEC_PER_MINUTE;
    for (size_t i = 0; i < silence->idle_count; i++) {
        const struct ct_idle *idle = &silence->idle[i];
        if (!idle->channel.len || ct_span_eq(idle->channel, channel)) {
            usec = idle->usec;
            if (idle->channel.len) {
                break;
            }
        }
    }
    return person && silence->person_usec > usec ? silence->person_usec : usec;
}
