/* desk_terms.c - counts who looks at terms, and hands them on. See desk_terms.h and desk.h. */
#include "plugin/gate/desk_terms.h"

#include "plugin/gate/desk_state.h"

struct ct_desk_terms *ct_desk_terms_ref(struct ct_desk_terms *terms)
{
    atomic_fetch_add_explicit(&terms->references, 1, memory_order_relaxed);
    return terms;
}

void ct_desk_terms_unref(struct ct_desk_terms *terms)
{
    if (terms && atomic_fetch_sub_explicit(&terms->references, 1, memory_order_acq_rel) == 1 && terms->free) {
        terms->free(terms);
    }
}

struct ct_desk_terms *ct_desk_terms_now(struct ct_desk *desk)
{
    pthread_mutex_lock(&desk->terms_lock);
    struct ct_desk_terms *terms = ct_desk_terms_ref(desk->terms);
    pthread_mutex_unlock(&desk->terms_lock);
    return terms;
}

void ct_desk_reterm(struct ct_desk *desk, struct ct_desk_terms *terms)
{
    pthread_mutex_lock(&desk->terms_lock);
    struct ct_desk_terms *before = desk->terms;
    desk->terms = ct_desk_terms_ref(terms);
    pthread_mutex_unlock(&desk->terms_lock);
    ct_desk_terms_unref(before);
    ct_desk_alarms_reterm(desk->alarms);
}
