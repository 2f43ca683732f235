/* text.c - plain dialogue text: "User: hello" / "Bot: hi there", one speaker's turn after the other.
 *
 * A line that begins with a known label (labels.h, or an option, or a "user=Name" header line) begins a message; other
 * lines go on with it. A line of --- or === begins a new conversation, as does a "user=" header after messages and, in
 * a file with such headers (".chat"), a blank line before a label. Conversations are whole: out->end is called.
 */
#include "parsers/draft.h"
#include "parsers/labels.h"
#include "parsers/stamp.h"

#include <stdio.h>
#include <stdlib.h>

enum { LABEL_MAX_BYTES = 48, SOURCE_MAX_BYTES = 400 };

struct state {
    struct ct_zone zone;
    enum ct_date_order order;
    struct ct_label_set labels; /* from the options, then from header lines */
    size_t option_labels;       /* how many of them the options gave */
    bool header_mode;           /* the file has "user=" lines: a blank line ends a conversation */
    bool was_blank;             /* the line before was blank, or there was none */
    struct ct_draft draft;
    uint64_t number;  /* of the conversation in the file, from 1 */
    uint64_t emitted; /* messages of this conversation */
    uint64_t seq;
    char *channel; /* NUL-terminated, may be empty */
    size_t source_len;
    char id[SOURCE_MAX_BYTES + 24]; /* source, then "#number" */
};

static const struct ct_option options[] = {
    {"user", "list", "", "Further labels of the customer; separated by ';', '*' at either end stands for anything."},
    {"bot", "list", "", "Further labels of the automat."},
    {"agent", "list", "", "Further labels of people who answer for the business."},
    {"system", "list", "", "Further labels of the system."},
    {"tool", "list", "", "Further labels of tool results."},
    {"zone", "string", "UTC", "Time zone of times without an offset: UTC, +02:00, or a name such as Europe/Madrid."},
    {"order", "choice:dmy|mdy|ymd", "", "Order of day, month and year where numbers leave it open."},
    {"channel", "string", "", "Channel of every message."},
    {NULL, NULL, NULL, NULL},
};

/* ---- lines ---- */

struct turn {
    enum ct_role role;
    enum ct_stamp stamp;
    ct_usec ts;
    ct_span text;
};

static ct_span drop(ct_span text, size_t bytes)
{
    return (ct_span){text.at + bytes, text.len - bytes};
}

static ct_span skip_any(ct_span text, const char *bytes)
{
    size_t blank;
    while (text.len && ((blank = ct_space_bytes(text)) > 0 || (blank = ct_mark_bytes(text)) > 0 ||
                        (blank = strchr(bytes, text.at[0]) && text.at[0] ? 1 : 0) > 0)) {
        text = drop(text, blank);
    }
    return text;
}

/* "[10:02]", "(10:02:33)": a time of day alone dates nothing; it is passed over. */
static size_t bare_clock_bytes(ct_span text)
{
    size_t at = 0, colons = 0;
    while (at < text.len && at < 9 && ((text.at[at] >= '0' && text.at[at] <= '9') || text.at[at] == ':')) {
        colons += text.at[at++] == ':';
    }
    return colons >= 1 && at >= 4 && at < text.len && (text.at[at] == ']' || text.at[at] == ')') ? at : 0;
}

/* A time at the line's beginning, in brackets or not, and what divides it from the label. */
static ct_span read_stamp(const struct state *state, ct_span line, struct turn *turn)
{
    ct_span rest = skip_any(line, "");
    bool bracket = rest.len && (rest.at[0] == '[' || rest.at[0] == '(');
    ct_span inside = bracket ? drop(rest, 1) : rest;
    turn->stamp = CT_STAMP_NONE;
    turn->ts = CT_USEC_NONE;
    if (!inside.len || inside.at[0] < '0' || inside.at[0] > '9') {
        return rest;
    }
    size_t used = 0;
    enum ct_stamp stamp = ct_stamp_read(inside, state->order, &state->zone, &used, &turn->ts);
    if (stamp == CT_STAMP_NONE && bracket) {
        used = bare_clock_bytes(inside);
    }
    if (used == 0 || stamp == CT_STAMP_DATE_ONLY) {
        return rest;
    }
    ct_span after = drop(inside, used);
    if (bracket) {
        if (!after.len || (after.at[0] != ']' && after.at[0] != ')')) {
            return rest;
        }
        after = drop(after, 1);
    }
    turn->stamp = stamp;
    return skip_any(after, "-|:");
}

static enum ct_role role_of(const struct state *state, ct_span label)
{
    enum ct_role role = ct_label_set_role(&state->labels, label);
    return role != CT_ROLE_UNKNOWN ? role : ct_label_role(label);
}

/* Is this line the beginning of a turn? A dated line always is: without a known label its writer is unknown, without
 * any label it is a notice. */
static bool read_turn(const struct state *state, ct_span line, struct turn *turn)
{
    ct_span rest = read_stamp(state, line, turn);
    ct_span label = skip_any(rest, "*_#>");
    bool decorated = label.at > rest.at && (label.at[-1] == '*' || label.at[-1] == '_');
    unsigned char begin = label.len ? (unsigned char)label.at[0] : 0;
    bool wordy = begin >= 0x80 || (begin >= '0' && begin <= '9') || ((begin | 0x20) >= 'a' && (begin | 0x20) <= 'z');
    size_t limit = !wordy ? 0 : label.len < LABEL_MAX_BYTES ? label.len : LABEL_MAX_BYTES;
    const char *colon = limit ? memchr(label.at, ':', limit) : NULL;
    if (colon) {
        label.len = (size_t)(colon - label.at);
        while (label.len && (label.at[label.len - 1] == '*' || label.at[label.len - 1] == '_')) {
            label.len--;
        }
        turn->role = role_of(state, label);
        turn->text = ct_span_trim((ct_span){colon + 1, (size_t)(rest.at + rest.len - colon - 1)});
        while (decorated && turn->text.len && (turn->text.at[0] == '*' || turn->text.at[0] == '_')) {
            turn->text = ct_span_trim(drop(turn->text, 1)); /* "**User:** hello" */
        }
        if (turn->role != CT_ROLE_UNKNOWN) {
            return true;
        }
    }
    if (turn->stamp == CT_STAMP_NONE) {
        return false;
    }
    if (!colon) {
        turn->role = CT_ROLE_SYSTEM;
        turn->text = ct_span_trim(rest);
    }
    return true;
}

static bool is_separator(ct_span line)
{
    line = ct_span_trim(line);
    if (line.len < 3 || (line.at[0] != '-' && line.at[0] != '=')) {
        return false;
    }
    for (size_t i = 1; i < line.len; i++) {
        if (line.at[i] != line.at[0]) {
            return false;
        }
    }
    return true;
}

/* "user=Ana", "bot=PizzaBot". */
static bool read_header(ct_span line, enum ct_role *role, ct_span *name)
{
    line = ct_span_trim(line);
    const char *equals = line.len && line.len < 2 * LABEL_MAX_BYTES ? memchr(line.at, '=', line.len) : NULL;
    if (!equals || equals == line.at || equals + 1 == line.at + line.len) {
        return false;
    }
    *role = ct_label_role((ct_span){line.at, (size_t)(equals - line.at)});
    *name = ct_span_trim((ct_span){equals + 1, (size_t)(line.at + line.len - equals - 1)});
    return *role != CT_ROLE_UNKNOWN && name->len > 0 && !memchr(name->at, ':', name->len);
}

static int detect(ct_span head)
{
    struct state blank = {.number = 1};
    unsigned lines = 0, labelled = 0, roles = 0;
    bool first = false, header = false;
    while (head.len && lines < 40) {
        const char *cut = memchr(head.at, '\n', head.len);
        ct_span line = {head.at, cut ? (size_t)(cut - head.at) : head.len};
        head = cut ? (ct_span){cut + 1, head.len - line.len - 1} : CT_SPAN_NONE;
        enum ct_role role;
        ct_span name;
        if (ct_span_trim(line).len == 0 || is_separator(line)) {
            continue;
        }
        if (lines == 0 && read_header(line, &role, &name)) {
            header = true;
            continue;
        }
        struct turn turn;
        lines++;
        if (read_turn(&blank, line, &turn) && turn.role != CT_ROLE_UNKNOWN && turn.role != CT_ROLE_SYSTEM) {
            labelled++;
            roles |= 1u << turn.role;
            first |= lines == 1;
        }
    }
    bool two_sides = (roles & (roles - 1)) != 0;
    if (header && labelled) {
        return 95;
    }
    bool mostly = labelled * 2 >= lines;
    if (two_sides && first) {
        return mostly ? 90 : 60;
    }
    return mostly && two_sides ? 60 : mostly && first ? 35 : 0;
}

/* ---- life ---- */

extern const struct ct_parser ct_parser_text;

static void close_state(void *context)
{
    struct state *state = context;
    if (state) {
        ct_zone_done(&state->zone);
        ct_draft_done(&state->draft);
        free(state->channel);
        free(state);
    }
}

static bool read_labels(const struct ct_parser_config *config, struct state *state)
{
    static const struct {
        const char *option;
        enum ct_role role;
    } lists[] = {{"user", CT_ROLE_USER},
                 {"bot", CT_ROLE_BOT},
                 {"agent", CT_ROLE_AGENT},
                 {"system", CT_ROLE_SYSTEM},
                 {"tool", CT_ROLE_TOOL}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        ct_span list = ct_parser_option(&ct_parser_text, config, lists[i].option);
        if (!ct_label_set_add(&state->labels, list, ';', lists[i].role)) {
            return false;
        }
    }
    state->option_labels = state->labels.count;
    return true;
}

static void *open_state(const struct ct_parser_config *config, struct ct_error *err)
{
    struct state *state = calloc(1, sizeof *state);
    ct_span channel = ct_parser_option(&ct_parser_text, config, "channel");
    if (!state || !(state->channel = calloc(1, channel.len + 1))) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        goto fail;
    }
    if (channel.len) {
        memcpy(state->channel, channel.at, channel.len);
    }
    ct_span source = config->source.len ? config->source : CT_SPAN_LIT("text");
    if (source.len > SOURCE_MAX_BYTES) { /* the end of a name tells files apart better than its beginning */
        source = drop(source, source.len - SOURCE_MAX_BYTES);
    }
    memcpy(state->id, source.at, source.len);
    state->source_len = source.len;
    state->number = 1;
    state->was_blank = true;
    if (ct_zone_init(&state->zone, ct_parser_option(&ct_parser_text, config, "zone"), config->zone_tzif, err) !=
        CT_OK) {
        goto fail;
    }
    if (!ct_order_parse(ct_parser_option(&ct_parser_text, config, "order"), &state->order)) {
        (void)ct_error_set(err, CT_BAD_CONFIG, "option order: dmy, mdy or ymd is due");
        goto fail;
    }
    if (!read_labels(config, state)) {
        (void)ct_error_set(err, CT_BAD_CONFIG,
                           "options user, bot, agent, system, tool: labels separated by ';', at "
                           "most %d in all",
                           (int)CT_LABEL_MAX);
        goto fail;
    }
    return state;
fail:
    close_state(state);
    return NULL;
}

/* ---- records ---- */

static ct_span conversation_id(struct state *state)
{
    int digits = snprintf(state->id + state->source_len, sizeof state->id - state->source_len, "#%llu",
                          (unsigned long long)state->number);
    return (ct_span){state->id, state->source_len + (size_t)digits};
}

static enum ct_status flush(struct state *state, const struct ct_parse_out *out)
{
    struct ct_draft *draft = &state->draft;
    bool wanted = draft->open && !draft->dropped;
    draft->open = false;
    if (!wanted) {
        return CT_OK;
    }
    if (draft->len > CT_DRAFT_MAX_BYTES) {
        ct_refuse(out, "record_too_long", draft->offset, draft->line, "a message of more than %d bytes",
                  CT_DRAFT_MAX_BYTES);
        return CT_OK;
    }
    static const struct ct_tool_call unnamed_call;
    struct ct_message message;
    ct_message_init(&message);
    message.conversation_id = conversation_id(state);
    message.channel = ct_span_of(state->channel);
    message.text = ct_draft_text(draft);
    message.role = draft->role;
    message.ts = draft->ts;
    message.seq = state->seq++;
    char id[24]; /* the line: equal words in the same second are two messages all the same */
    int digits = snprintf(id, sizeof id, "%llu", (unsigned long long)draft->line);
    message.id = (ct_span){id, (size_t)digits};
    if (draft->role == CT_ROLE_BOT && ct_span_is(message.text, "None")) { /* a turn that only called a tool */
        message.text = CT_SPAN_NONE;
        message.tool_calls = &unnamed_call;
        message.tool_call_count = 1;
    }
    state->emitted++;
    return out->message(out->context, &message);
}

/* The conversation's boundary: what is open goes out, then its end. */
static enum ct_status end_conversation(struct state *state, const struct ct_parse_out *out)
{
    enum ct_status status = flush(state, out);
    if (status != CT_OK || state->emitted == 0) {
        return status;
    }
    if (out->end) {
        status = out->end(out->context, conversation_id(state));
    }
    state->emitted = 0;
    state->number++;
    return status;
}

/* false = the line's time is refused, and the message with it. */
static bool check_stamp(const struct turn *turn, const struct ct_frame *frame, const struct ct_parse_out *out)
{
    if (turn->stamp == CT_STAMP_BAD) {
        ct_refuse(out, "bad_time", frame->offset, frame->line, "the date or time does not exist in this order");
    } else if (turn->stamp == CT_STAMP_AMBIGUOUS) {
        ct_refuse(out, "ambiguous_date", frame->offset, frame->line, "say order=dmy or order=mdy");
    }
    return turn->stamp != CT_STAMP_BAD && turn->stamp != CT_STAMP_AMBIGUOUS;
}

/* A "user=Name" line: after messages it begins another conversation; names replace those of the header before. */
static enum ct_status take_header(struct state *state, const struct ct_frame *frame, enum ct_role role, ct_span name,
                                  const struct ct_parse_out *out)
{
    bool begins = state->emitted > 0 || state->draft.open;
    enum ct_status status = end_conversation(state, out);
    if (begins || !state->header_mode) {
        state->labels.count = state->option_labels;
    }
    state->header_mode = true;
    if (!ct_label_set_add(&state->labels, name, '\0', role)) {
        ct_refuse(out, "too_many_labels", frame->offset, frame->line, "at most %d labels", (int)CT_LABEL_MAX);
    }
    return status;
}

static enum ct_status take_turn(struct state *state, const struct ct_frame *frame, const struct turn *turn, bool valid,
                                const struct ct_parse_out *out)
{
    bool boundary = state->header_mode && state->was_blank;
    enum ct_status status = boundary ? end_conversation(state, out) : flush(state, out);
    if (status == CT_OK) {
        status = ct_draft_begin(&state->draft, frame, turn->text);
    }
    if (status == CT_OK) {
        state->draft.dropped = !valid || !check_stamp(turn, frame, out);
        state->draft.role = turn->role;
        state->draft.ts = turn->stamp == CT_STAMP_OK ? turn->ts : CT_USEC_NONE;
    }
    return status;
}

static enum ct_status record(void *context, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    (void)scratch;
    struct state *state = context;
    size_t bad = 0;
    bool valid = ct_utf8_valid(frame->bytes, &bad), blank = ct_span_trim(frame->bytes).len == 0;
    struct turn turn;
    enum ct_role role;
    ct_span name;
    enum ct_status status;
    if (!valid) {
        ct_refuse(out, "invalid_utf8", frame->offset + bad, frame->line,
                  "not UTF-8; a Latin-1 file is to be converted first");
    }
    if (is_separator(frame->bytes)) {
        blank = true;
        status = end_conversation(state, out);
    } else if (valid && (state->was_blank || (!state->draft.open && state->header_mode)) &&
               read_header(frame->bytes, &role, &name)) {
        status = take_header(state, frame, role, name, out);
    } else if (read_turn(state, frame->bytes, &turn)) {
        status = take_turn(state, frame, &turn, valid, out);
    } else {
        if (valid && !blank && !state->draft.open) {
            ct_refuse(out, "no_label", frame->offset, frame->line, "text before the first labelled line");
        }
        status = valid ? ct_draft_line(&state->draft, frame->bytes, out) : CT_OK;
    }
    state->was_blank = blank;
    return status;
}

static enum ct_status finish(void *context, struct ct_arena *scratch, const struct ct_parse_out *out)
{
    (void)scratch;
    return end_conversation(context, out);
}

const struct ct_parser ct_parser_text = {
    .name = "text",
    .title = "Dialogue as plain text (User: ... / Bot: ...)",
    .help =
        "Lines that begin with a label such as User, Cliente, Usuario, Bot, Assistant, Asistente, Agent, Asesor, "
        "Atendente, System or Tool, in any case, with or without a time before it; other lines go on with the "
        "message before them. A line of --- or ===, or a header line user=Name, begins a new conversation; in files "
        "with such headers a blank line does too. \"assistant: None\" is a turn that only called a tool. \"Agent\" "
        "is a person; where it is the automat, say bot=agent.",
    .extensions = ".txt .chat .log",
    .framing = CT_FRAMING_LINES,
    .stateful = true,
    .options = options,
    .detect = detect,
    .open = open_state,
    .record = record,
    .finish = finish,
    .close = close_state,
};
