/* pace.h - how long one waits before something is tried again: a subscription (line.c), a delivery
 * (plugin/gate/outbox.c). */
#ifndef CT_PACE_H
#define CT_PACE_H

#include "engine/ct.h"

/* `attempts` failed one after the other (1 = the first): least, doubled with each, at most `most`; of that between a
 * half and all, by `random` (0 .. UINT32_MAX), so that not all taps come back at once. */
ct_usec ct_pace_wait(ct_usec least, ct_usec most, uint32_t attempts, uint32_t random);

#endif
