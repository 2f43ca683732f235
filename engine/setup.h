/* setup.h - what conversations are judged by: rules, options, silence. Immutable and reference-counted; a reload makes
 * a new one, and an open conversation finishes under the one it began with.
 */
#ifndef CT_SETUP_H
#define CT_SETUP_H

#include "engine/conversation.h"

struct ct_idle {
    ct_span channel; /* empty = every other */
    ct_usec usec;
};

/* Silence that ends a conversation where the source does not say it. */
struct ct_silence {
    const struct ct_idle *idle;
    size_t idle_count;
    ct_usec person_usec; /* while a person is expected or has joined */
};
ct_usec ct_silence_of(const struct ct_silence *silence, ct_span channel, bool person);

struct ct_setup {
    struct ct_ruleset *rules;
    struct ct_conversation_options conversation;
    struct ct_silence silence;
    char hash[65]; /* over everything that can change a record: rules, options, prices; hex and NUL */
    /* Whoever made it: called with `owner` when the last reference goes; frees the setup, too. */
    void (*done)(struct ct_setup *setup);
    void *owner;
    unsigned references; /* atomic builtins only */
};
struct ct_setup *ct_setup_ref(struct ct_setup *setup);
void ct_setup_unref(struct ct_setup *setup); /* NULL allowed */

#endif
