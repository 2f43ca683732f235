/* tau2.c - results of tau2-bench: {"info","tasks","simulations":[run...]}, or one run alone in a file.
 *
 * Source of the format: github.com/sierra-research/tau2-bench, data_model/simulation.py.
 * Called through ct_parser_tau2 by the pipeline.
 */
#include "parsers/json_head.h"
#include "parsers/simulation.h"

enum field { F_ID, F_TASK_ID, F_TRIAL, F_REWARD_INFO, F_AGENT_COST, F_MESSAGES, F_RUN_INFO };
static const ct_span field_names[] = {
    [F_ID] = CT_JSON_NAME("id"),
    [F_TASK_ID] = CT_JSON_NAME("task_id"),
    [F_TRIAL] = CT_JSON_NAME("trial"),
    [F_REWARD_INFO] = CT_JSON_NAME("reward_info"),
    [F_AGENT_COST] = CT_JSON_NAME("agent_cost"),
    [F_MESSAGES] = CT_JSON_NAME("messages"),
    [F_RUN_INFO] = CT_JSON_NAME("run_info"),
};
static const struct ct_json_fields fields = {field_names, sizeof(field_names) / sizeof(*field_names)};

struct ids {
    ct_span id, task_id, trial, simulation_id;
};

static bool read_number_or_null(struct ct_json *json, const char *field, ct_span *out)
{
    return ct_json_peek(json) == CT_JSON_NULL ? ct_json_skip(json) : ct_json_number(json, field, out);
}

static bool read_reward(struct ct_json *json, ct_span *reward)
{
    static const ct_span names[] = {CT_JSON_NAME("reward")};
    static const struct ct_json_fields known = {names, 1};
    struct ct_json_walk walk = {0};
    ct_span key;
    if (ct_json_peek(json) == CT_JSON_NULL)
        return ct_json_skip(json);
    if (!ct_json_object(json, "reward_info"))
        return false;
    while (ct_json_key(json, &walk, &key)) {
        bool is_reward = ct_json_field(json, &walk, key, &known) == 0;
        if (!(is_reward ? read_number_or_null(json, "reward", reward) : ct_json_skip(json)))
            return false;
    }
    return json->status == CT_OK;
}

/* A run that stands alone in its file has its identity here. */
static bool read_run_info(struct ct_json *json, struct ct_simulation *run, struct ids *ids)
{
    static const ct_span names[] = {CT_JSON_NAME("simulation_id"), CT_JSON_NAME("agent_cost")};
    static const struct ct_json_fields known = {names, 2};
    struct ct_json_walk walk = {0};
    ct_span key;
    if (ct_json_peek(json) == CT_JSON_NULL)
        return ct_json_skip(json);
    if (!ct_json_object(json, "run_info"))
        return false;
    while (ct_json_key(json, &walk, &key)) {
        bool ok;
        switch (ct_json_field(json, &walk, key, &known)) {
        case 0:
            ok = ct_json_id(json, "simulation_id", &ids->simulation_id);
            break;
        case 1:
            ok = read_number_or_null(json, "agent_cost", &run->agent_cost);
            break;
        default:
            ok = ct_json_skip(json);
        }
        if (!ok)
            return false;
    }
    return json->status == CT_OK;
}

static bool read_member(struct ct_json *json, int field, struct ct_simulation *run, struct ids *ids)
{
    switch (field) {
    case F_ID:
        return ct_json_id(json, "id", &ids->id);
    case F_TASK_ID:
        return ct_json_id(json, "task_id", &ids->task_id);
    case F_TRIAL:
        return ct_json_id(json, "trial", &ids->trial);
    case F_REWARD_INFO:
        return read_reward(json, &run->reward);
    case F_AGENT_COST:
        return read_number_or_null(json, "agent_cost", &run->agent_cost);
    case F_MESSAGES:
        run->messages = ct_json_here(json);
        return ct_json_skip(json);
    case F_RUN_INFO:
        return read_run_info(json, run, ids);
    default:
        return ct_json_skip(json);
    }
}

static enum ct_status record(void *state, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    const ct_span *source = state;
    struct ct_json json;
    struct ct_json_walk walk = {0};
    struct ct_simulation run = {.messages_key = "messages"};
    struct ids ids = {0};
    ct_span key;
    ct_json_init(&json, frame->bytes, scratch);
    if (!ct_json_object(&json, NULL))
        return ct_simulation_refuse(&json, frame, out);
    while (ct_json_key(&json, &walk, &key))
        if (!read_member(&json, ct_json_field(&json, &walk, key, &fields), &run, &ids))
            break;
    if (ct_json_end(&json) && run.messages.at == NULL)
        (void)ct_json_fail(&json, "missing_field", json.begin, "messages", NULL);
    if (json.status == CT_OK && ids.id.len + ids.simulation_id.len + ids.task_id.len == 0)
        (void)ct_json_fail(&json, "missing_field", json.begin, "id", NULL);
    if (json.status != CT_OK)
        return ct_simulation_refuse(&json, frame, out);
    if (ids.id.len > 0)
        run.conversation_id = ids.id;
    else if (ids.simulation_id.len > 0)
        run.conversation_id = ct_simulation_id(&json, ids.simulation_id, ids.task_id, CT_SPAN_NONE);
    else
        run.conversation_id = ct_simulation_id(&json, *source, ids.task_id, ids.trial);
    if (run.conversation_id.len == 0)
        return CT_NO_MEMORY;
    return ct_simulation_emit(&json, frame, &run, out);
}

static bool has(uint64_t keys, enum ct_head_key key)
{
    return ct_json_head_has(&keys, key);
}

static int detect(ct_span bytes)
{
    struct ct_json_head head;
    ct_json_head_read(&head, bytes);
    uint64_t info = head.inner[CT_HEAD_info], run = head.inner[CT_HEAD_simulations];
    if (has(run, CT_HEAD_task_id) || has(run, CT_HEAD_messages) || has(run, CT_HEAD_reward_info))
        return 97;
    /* "info" and "tasks" stand before "simulations" and may fill the head. */
    if (has(info, CT_HEAD_agent_info) || has(info, CT_HEAD_environment_info) || has(info, CT_HEAD_user_info))
        return 92;
    if (has(head.top, CT_HEAD_simulations))
        return 50;
    bool ran = has(head.top, CT_HEAD_run_info) || has(head.top, CT_HEAD_reward_info) ||
               has(head.top, CT_HEAD_termination_reason) || has(head.top, CT_HEAD_agent_cost);
    return has(head.top, CT_HEAD_task_id) && ran && !has(head.top, CT_HEAD_traj) ? 92 : 0;
}

static const char *const array_keys[] = {"simulations", NULL};

const struct ct_parser ct_parser_tau2 = {
    .name = "tau2",
    .title = "tau2-bench results (JSON)",
    .help =
        "A results file of tau2-bench, {\"simulations\":[...]}, or a file with one simulation. A simulation is a "
        "conversation under its id (SIMULATION/TASK where run_info has the id, SOURCE/TASK/TRIAL where there is none). "
        "Times without an offset are UTC. The bot's messages keep their costs (USD, a cost of 0 is no price) and token "
        "counts; the reward becomes the label \"resolved\" (true at 1). The simulated user's own tools are left out, "
        "and its marks (###STOP###, ###TRANSFER###, ###OUT-OF-SCOPE###) are taken out of the texts; the latter two "
        "stay "
        "as events.",
    .extensions = ".json",
    .framing = CT_FRAMING_JSON,
    .array_keys = array_keys,
    .detect = detect,
    .open = ct_simulation_open,
    .record = record,
    .close = ct_simulation_close,
};
