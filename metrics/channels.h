/* channels.h - which channels conversations and customers choose. */
#ifndef CT_CHANNELS_H
#define CT_CHANNELS_H

#include "metrics/keyed.h"
#include "metrics/metric.h"

#define CT_CHANNELS_MAX 64

struct ct_channel {
    char key[CT_KEY_BYTES]; /* empty: the source does not say */
    uint64_t conversations, customers;
};

struct ct_channels {
    uint32_t count, reserved;
    uint64_t conversations, customers; /* engaged; distinct customers among them */
    struct ct_channel channel[CT_CHANNELS_MAX], other;
};
extern const struct ct_metric ct_metric_channels;

/* Shares of conversations, or of customers (a customer of two channels is in both). */
bool ct_channels_read(const struct ct_channels *state, bool of_customers, size_t index, struct ct_reading *out);

#endif
