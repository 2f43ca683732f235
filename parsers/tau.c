/* tau.c - results of tau-bench: an array of runs {task_id, reward, info, traj, trial}.
 *
 * Source of the format: github.com/sierra-research/tau-bench, historical_trajectories/.
 * Called through ct_parser_tau by the pipeline.
 */
#include "parsers/json_head.h"
#include "parsers/simulation.h"

enum field { F_TASK_ID, F_REWARD, F_INFO, F_TRAJ, F_TRIAL };
static const ct_span field_names[] = {
    [F_TASK_ID] = CT_JSON_NAME("task_id"), [F_REWARD] = CT_JSON_NAME("reward"), [F_INFO] = CT_JSON_NAME("info"),
    [F_TRAJ] = CT_JSON_NAME("traj"),       [F_TRIAL] = CT_JSON_NAME("trial"),
};
static const struct ct_json_fields fields = {field_names, sizeof(field_names) / sizeof(*field_names)};

/* {"user_id":...} at the cursor, or {"task":{"user_id":...}} with `inner` left to go. */
static bool read_user_id(struct ct_json *json, bool inner, ct_span *user_id)
{
    static const ct_span names[] = {CT_JSON_NAME("task"), CT_JSON_NAME("user_id")};
    const struct ct_json_fields known = {names + !inner, 1};
    struct ct_json_walk walk = {0};
    ct_span key;
    if (ct_json_peek(json) != CT_JSON_OBJECT)
        return ct_json_skip(json);
    if (!ct_json_object(json, "info"))
        return false;
    while (ct_json_key(json, &walk, &key)) {
        bool ok;
        if (ct_json_field(json, &walk, key, &known) != 0)
            ok = ct_json_skip(json);
        else
            ok = inner ? read_user_id(json, false, user_id) : ct_json_id(json, "user_id", user_id);
        if (!ok)
            return false;
    }
    return json->status == CT_OK;
}

static enum ct_status record(void *state, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    const ct_span *source = state;
    struct ct_json json;
    struct ct_json_walk walk = {0};
    struct ct_simulation run = {.messages_key = "traj"};
    ct_span key, task_id = CT_SPAN_NONE, trial = CT_SPAN_NONE;
    bool ok = true;
    ct_json_init(&json, frame->bytes, scratch);
    if (!ct_json_object(&json, NULL))
        return ct_simulation_refuse(&json, frame, out);
    while (ok && ct_json_key(&json, &walk, &key)) {
        switch (ct_json_field(&json, &walk, key, &fields)) {
        case F_TASK_ID:
            ok = ct_json_id(&json, "task_id", &task_id);
            break;
        case F_REWARD:
            ok = ct_json_peek(&json) == CT_JSON_NULL ? ct_json_skip(&json)
                                                     : ct_json_number(&json, "reward", &run.reward);
            break;
        case F_INFO:
            ok = read_user_id(&json, true, &run.user_id);
            break;
        case F_TRAJ:
            run.messages = ct_json_here(&json);
            ok = ct_json_skip(&json);
            break;
        case F_TRIAL:
            ok = ct_json_id(&json, "trial", &trial);
            break;
        default:
            ok = ct_json_skip(&json);
        }
    }
    if (ok && ct_json_end(&json) && run.messages.at == NULL)
        (void)ct_json_fail(&json, "missing_field", json.begin, "traj", NULL);
    if (json.status == CT_OK && task_id.len == 0)
        (void)ct_json_fail(&json, "missing_field", json.begin, "task_id", NULL);
    if (json.status != CT_OK)
        return ct_simulation_refuse(&json, frame, out);
    run.conversation_id = ct_simulation_id(&json, *source, task_id, trial);
    if (run.conversation_id.len == 0)
        return CT_NO_MEMORY;
    return ct_simulation_emit(&json, frame, &run, out);
}

static int detect(ct_span bytes)
{
    struct ct_json_head head;
    ct_json_head_read(&head, bytes);
    if (!ct_json_head_has(&head.top, CT_HEAD_task_id))
        return 0;
    if (ct_json_head_has(&head.top, CT_HEAD_traj))
        return 97;
    /* A long "info" may push the rest out of the head. */
    return ct_json_head_has(&head.top, CT_HEAD_reward) && ct_json_head_has(&head.top, CT_HEAD_info) ? 70 : 0;
}

const struct ct_parser ct_parser_tau = {
    .name = "tau",
    .title = "tau-bench results (JSON)",
    .help =
        "A file of tau-bench's historical trajectories: an array of runs with task_id, reward, info, traj and trial "
        "(or one such run, or one a line). A run is a conversation SOURCE/TASK/TRIAL without times; info.task.user_id "
        "is its customer. Its reward becomes the label \"resolved\" (true at 1). The system prompt is left out, and "
        "the simulator's marks such as ###STOP### are taken out of the texts.",
    .extensions = ".json",
    .framing = CT_FRAMING_JSON,
    .detect = detect,
    .open = ct_simulation_open,
    .record = record,
    .close = ct_simulation_close,
};
