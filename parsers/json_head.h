/* json_head.h - which keys the first record of a JSON file has: what detection goes by.
 *
 * Reads at most the head of a file, which may be cut anywhere; called by the detect() of JSON formats.
 */
#ifndef CT_JSON_HEAD_H
#define CT_JSON_HEAD_H

#include "engine/ct.h"

/* Keys that tell formats apart. */
/* clang-format off */
#define CT_HEAD_MAP(X)                                                                             \
    X(conversations) X(messages) X(request) X(response) X(data) X(info) X(simulations) X(choices)  \
    X(body) X(events) X(conversation_id) X(role) X(text) X(event) X(content) X(tool_calls) X(model)          \
    X(task_id) X(reward) X(traj) X(trial) X(tasks) X(run_info) X(reward_info) X(simulation_id)     \
    X(termination_reason) X(agent_cost) X(agent_info) X(user_info) X(environment_info) X(message)  \
    X(at) X(user_id)
/* clang-format on */
enum ct_head_key {
#define X(name) CT_HEAD_##name,
    CT_HEAD_MAP(X)
#undef X
        CT_HEAD_COUNT
};
#define CT_HEAD_PARENTS 10 /* the first keys of the map may have objects, or arrays of them, inside */

struct ct_json_head {
    uint64_t top;                    /* bit k = key k is a member of the first object */
    uint64_t inner[CT_HEAD_PARENTS]; /* ... of the object (or first element) under that key */
};

/* Zero bits where the bytes are not JSON or end before the first key. */
void ct_json_head_read(struct ct_json_head *head, ct_span bytes);

static inline bool ct_json_head_has(const uint64_t *keys, enum ct_head_key key)
{
    return *keys >> key & 1;
}

#endif
