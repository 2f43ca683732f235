/* whatsapp.c - the text file that WhatsApp's "Export chat" writes.
 *
 * Two passes over the lines. The first keeps only counters: which header style the file has, what its dates say about
 * the order of day and month, and who takes part (at most 256 names). The second makes messages. Memory does not grow
 * with the file. The format has no ids, no time zone and often no seconds: order is the file's.
 */
#include "engine/zone.h"
#include "parsers/draft.h"
#include "parsers/labels.h"
#include "parsers/whatsapp_line.h"

#include <stdio.h>
#include <stdlib.h>

enum { PARTICIPANT_MAX = 256, NAME_BYTES = 128, SAME_TIME_MAX = 256 };

struct participant {
    char name[NAME_BYTES];
    uint8_t len;
    uint8_t role;   /* enum ct_role */
    uint8_t styles; /* bit n: wrote a line of header style n */
    bool unsaved;   /* a phone number, or "~ Name": not in the exporter's address book */
};

struct state {
    struct ct_zone zone;
    enum ct_date_order order;
    struct ct_order_guess guess[CT_WHATSAPP_STYLE_COUNT];
    uint64_t style_count[CT_WHATSAPP_STYLE_COUNT];
    bool style_known;
    enum ct_whatsapp_style style;
    bool ambiguous; /* the whole file was refused */

    struct ct_label_set names; /* from the options */
    enum ct_role rest_role;    /* of those that no option names; UNKNOWN = by default rules */
    struct participant participant[PARTICIPANT_MAX];
    size_t participant_count;
    int customer; /* index of the one customer; -1 = none or several */

    struct ct_draft draft;
    int draft_writer; /* index, -1 = none or not in the table */
    enum ct_whatsapp_kind draft_kind;
    uint64_t seq;
    ct_usec same_time; /* messages that bear this time so far, by what they say */
    uint64_t same[SAME_TIME_MAX];
    size_t same_count;
    char *id; /* of the conversation: the file's name, and what see name_conversation */
    size_t id_len;
};

static const struct ct_option options[] = {
    {"zone", "string", "UTC",
     "Time zone of the file's times: UTC, an offset such as +02:00, or a name such as Europe/Madrid."},
    {"order", "choice:dmy|mdy|ymd", "",
     "Order of day, month and year; needed only where the whole file leaves it open."},
    {"bot", "list", "", "Names whose messages the automat wrote; separated by ';', '*' at either end."},
    {"agent", "list", "", "Names of people who answer for the business."},
    {"customer", "list", "", "Names of customers."},
    {"business", "list", "",
     "Names of the business side where automat and people are not told apart; see business_role."},
    {"business_role", "choice:bot|agent", "bot", "What the names of option business are."},
    {NULL, NULL, NULL, NULL},
};

/* ---- who is who ---- */

static int find_participant(const struct state *state, ct_span name)
{
    for (size_t i = 0; i < state->participant_count; i++) {
        const struct participant *p = &state->participant[i];
        if (p->len == name.len && memcmp(p->name, name.at, name.len) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_unsaved(ct_span line, ct_span name)
{
    bool tilde = false;
    for (const char *at = line.at; at < name.at; at++) {
        tilde |= *at == '~';
    }
    return tilde || (name.at[0] == '+' && name.len > 6 && name.at[1] >= '0' && name.at[1] <= '9');
}

/* Index in the table, or -1 where it is full or the name is too long. */
static int add_participant(struct state *state, ct_span line, ct_span name, enum ct_whatsapp_style style)
{
    int found = find_participant(state, name);
    if (found >= 0) {
        state->participant[found].styles |= (uint8_t)(1u << style);
        return found;
    }
    if (state->participant_count == PARTICIPANT_MAX || name.len >= NAME_BYTES) {
        return -1;
    }
    struct participant *p = &state->participant[state->participant_count];
    memcpy(p->name, name.at, name.len);
    p->len = (uint8_t)name.len;
    p->role = CT_ROLE_UNKNOWN;
    p->styles = (uint8_t)(1u << style);
    p->unsaved = is_unsaved(line, name);
    return (int)state->participant_count++;
}

static ct_span name_of(const struct participant *p)
{
    return (ct_span){p->name, p->len};
}

/* Two writers, no option: who is the customer? The one not named like a business; else the one not in the exporter's
 * address book; else whoever wrote first. */
static void guess_pair(struct participant *first, struct participant *second)
{
    bool first_business = ct_label_is_business(name_of(first)), second_business = ct_label_is_business(name_of(second));
    bool first_is_customer = true;
    if (first_business != second_business) {
        first_is_customer = second_business;
    } else if (first->unsaved != second->unsaved) {
        first_is_customer = first->unsaved;
    }
    first->role = first_is_customer ? CT_ROLE_USER : CT_ROLE_BOT;
    second->role = first_is_customer ? CT_ROLE_BOT : CT_ROLE_USER;
}

static void decide_roles(struct state *state)
{
    bool any_named = false;
    for (size_t i = 0; i < state->participant_count; i++) {
        struct participant *p = &state->participant[i];
        p->role = (uint8_t)ct_label_set_role(&state->names, name_of(p));
        any_named |= p->role != CT_ROLE_UNKNOWN;
    }
    if (state->rest_role != CT_ROLE_UNKNOWN && any_named) {
        for (size_t i = 0; i < state->participant_count; i++) {
            if (state->participant[i].role == CT_ROLE_UNKNOWN) {
                state->participant[i].role = (uint8_t)state->rest_role;
            }
        }
    } else if (!any_named && state->participant_count == 2) {
        guess_pair(&state->participant[0], &state->participant[1]);
    } else if (!any_named && state->participant_count == 1) {
        bool business = ct_label_is_business(name_of(&state->participant[0]));
        state->participant[0].role = business ? CT_ROLE_BOT : CT_ROLE_USER;
    } else if (!any_named) { /* a group: only what the names themselves say */
        for (size_t i = 0; i < state->participant_count; i++) {
            if (ct_label_is_business(name_of(&state->participant[i]))) {
                state->participant[i].role = CT_ROLE_BOT;
            }
        }
    }
    state->customer = -1;
    size_t customers = 0;
    for (size_t i = 0; i < state->participant_count; i++) {
        if (state->participant[i].role == CT_ROLE_USER) {
            state->customer = customers++ == 0 ? (int)i : -1;
        }
    }
}

/* iOS calls every export "_chat.txt": there the customer's name, or a hash of all names, is added to it. */
static void name_conversation(struct state *state)
{
    if (state->id_len < 5 || memcmp(state->id, "_chat", 5) != 0 || state->participant_count == 0) {
        return;
    }
    state->id[state->id_len++] = ':';
    if (state->customer >= 0) {
        ct_span name = name_of(&state->participant[state->customer]);
        memcpy(state->id + state->id_len, name.at, name.len);
        state->id_len += name.len;
        return;
    }
    uint64_t hash = 0;
    for (size_t i = 0; i < state->participant_count; i++) {
        hash = ct_hash(name_of(&state->participant[i]), hash);
    }
    state->id_len += (size_t)snprintf(state->id + state->id_len, NAME_BYTES, "%016llx", (unsigned long long)hash);
}

/* ---- life ---- */

static int detect(ct_span head)
{
    int headers = 0, lines = 0, role_words = 0;
    bool first_is_header = false, notice = false;
    while (head.len && lines < 40) {
        const char *cut = memchr(head.at, '\n', head.len);
        ct_span line = {head.at, cut ? (size_t)(cut - head.at) : head.len};
        head = cut ? (ct_span){cut + 1, head.len - line.len - 1} : CT_SPAN_NONE;
        if (ct_span_trim(line).len == 0) {
            continue;
        }
        lines++;
        struct ct_whatsapp_line read;
        if (ct_whatsapp_read_line(line, &read) && read.style != CT_WHATSAPP_BARE) {
            headers++;
            first_is_header |= lines == 1;
            notice |= read.kind == CT_WHATSAPP_MEDIA || read.kind == CT_WHATSAPP_SYSTEM;
            role_words += ct_label_role(read.name) != CT_ROLE_UNKNOWN;
        }
    }
    if (!headers) {
        return 0;
    }
    if (role_words * 2 >= headers) { /* "[2026-01-05 10:00:00] User: hi" is a log, not a chat between people */
        return 40;
    }
    return first_is_header ? (notice ? 95 : 80) : headers > 1 ? 50 : 20;
}

static bool read_roles(const struct ct_parser_config *config, struct state *state);
extern const struct ct_parser ct_parser_whatsapp;

static void close_state(void *context)
{
    struct state *state = context;
    if (state) {
        ct_zone_done(&state->zone);
        ct_draft_done(&state->draft);
        free(state->id);
        free(state);
    }
}

static void *open_state(const struct ct_parser_config *config, struct ct_error *err)
{
    struct state *state = calloc(1, sizeof *state);
    ct_span source = config->source.len ? config->source : CT_SPAN_LIT("whatsapp");
    if (!state || !(state->id = malloc(source.len + NAME_BYTES + 2))) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        goto fail;
    }
    memcpy(state->id, source.at, source.len);
    state->id_len = source.len;
    state->same_time = CT_USEC_NONE;
    state->customer = -1;
    state->draft_writer = -1;
    if (ct_zone_init(&state->zone, ct_parser_option(&ct_parser_whatsapp, config, "zone"), config->zone_tzif, err) !=
        CT_OK) {
        goto fail;
    }
    if (!ct_order_parse(ct_parser_option(&ct_parser_whatsapp, config, "order"), &state->order)) {
        (void)ct_error_set(err, CT_BAD_CONFIG, "option order: dmy, mdy or ymd is due");
        goto fail;
    }
    if (!read_roles(config, state)) {
        (void)ct_error_set(err, CT_BAD_CONFIG,
                           "options bot, agent, customer, business: names separated by ';', at most %d in all",
                           (int)CT_LABEL_MAX);
        goto fail;
    }
    return state;
fail:
    close_state(state);
    return NULL;
}

static bool read_roles(const struct ct_parser_config *config, struct state *state)
{
    const struct ct_parser *self = &ct_parser_whatsapp;
    ct_span bot = ct_parser_option(self, config, "bot"), agent = ct_parser_option(self, config, "agent");
    ct_span customer = ct_parser_option(self, config, "customer");
    ct_span business = ct_parser_option(self, config, "business");
    ct_span business_role = ct_parser_option(self, config, "business_role");
    enum ct_role role = ct_role_from(business_role);
    if (role != CT_ROLE_BOT && role != CT_ROLE_AGENT) {
        return false;
    }
    /* Who is named decides what the others are: beside a business all others are customers, and the reverse. */
    if (bot.len || business.len || agent.len) {
        state->rest_role = customer.len ? CT_ROLE_UNKNOWN : CT_ROLE_USER;
    } else if (customer.len) {
        state->rest_role = role;
    }
    return ct_label_set_add(&state->names, bot, ';', CT_ROLE_BOT) &&
           ct_label_set_add(&state->names, agent, ';', CT_ROLE_AGENT) &&
           ct_label_set_add(&state->names, customer, ';', CT_ROLE_USER) &&
           ct_label_set_add(&state->names, business, ';', role);
}

/* ---- first pass ---- */

static enum ct_status scan(void *context, ct_span line)
{
    struct state *state = context;
    struct ct_whatsapp_line read;
    if (!ct_whatsapp_read_line(line, &read) || !ct_utf8_valid(line, NULL)) {
        return CT_OK;
    }
    state->style_count[read.style]++;
    if (!read.time.impossible) {
        ct_order_feed(&state->guess[read.style], &read.time);
    }
    if (read.name.len && read.kind != CT_WHATSAPP_SYSTEM) {
        (void)add_participant(state, line, read.name, read.style);
    }
    return CT_OK;
}

static enum ct_status scanned(void *context, const struct ct_parse_out *out)
{
    struct state *state = context;
    uint64_t most = 0;
    for (unsigned style = 0; style < CT_WHATSAPP_STYLE_COUNT; style++) {
        if (state->style_count[style] > most) {
            most = state->style_count[style];
            state->style = (enum ct_whatsapp_style)style;
            state->style_known = true;
        }
    }
    size_t kept = 0; /* names that only stand in pasted lines take no part */
    for (size_t i = 0; i < state->participant_count; i++) {
        if (state->participant[i].styles & (1u << state->style)) {
            state->participant[kept++] = state->participant[i];
        }
    }
    state->participant_count = kept;
    decide_roles(state);
    name_conversation(state);
    if (state->style_known && state->order == CT_DATE_UNKNOWN) {
        state->order = ct_order_decide(&state->guess[state->style]);
        if (state->order == CT_DATE_UNKNOWN) {
            state->ambiguous = true;
            ct_refuse(out, "ambiguous_date", 0, 1,
                      "the file's dates do not show whether day or month comes first; say order=dmy or order=mdy");
            return CT_REFUSED;
        }
    }
    return CT_OK;
}

/* ---- second pass ---- */

/* Times have minutes only, so "ok" and "ok" a moment later would look like one message read twice, while two exports
 * of one chat may hold the same messages at different lines. An id from what the message says, and the how manieth of
 * its minute it is, tells the first apart and knows the second. */
static ct_span message_id(struct state *state, ct_span text, char *out, size_t room)
{
    const struct ct_draft *draft = &state->draft;
    if (draft->ts != state->same_time) {
        state->same_time = draft->ts;
        state->same_count = 0;
    }
    ct_span name = state->draft_writer >= 0 ? name_of(&state->participant[state->draft_writer]) : CT_SPAN_NONE;
    uint64_t hash = ct_hash(text, ct_hash(name, (uint64_t)draft->ts * 4 + state->draft_kind));
    unsigned long long repeated = 0;
    for (size_t i = 0; i < state->same_count; i++) {
        repeated += state->same[i] == hash;
    }
    if (state->same_count < SAME_TIME_MAX) {
        state->same[state->same_count++] = hash;
    } else {
        repeated = draft->line; /* a file without real times: its lines tell messages apart */
    }
    int digits = snprintf(out, room, "%016llx.%llu", (unsigned long long)hash, repeated);
    return (ct_span){out, (size_t)digits};
}

static enum ct_status flush(struct state *state, const struct ct_parse_out *out)
{
    struct ct_draft *draft = &state->draft;
    if (!draft->open || draft->dropped) {
        draft->open = false;
        return CT_OK;
    }
    draft->open = false;
    if (draft->len > CT_DRAFT_MAX_BYTES) {
        ct_refuse(out, "record_too_long", draft->offset, draft->line, "a message of more than %d bytes",
                  CT_DRAFT_MAX_BYTES);
        return CT_OK;
    }
    struct ct_message message;
    ct_message_init(&message);
    message.conversation_id = (ct_span){state->id, state->id_len};
    message.channel = CT_SPAN_LIT("whatsapp");
    message.text = ct_whatsapp_without_edit_mark(ct_draft_text(draft));
    message.ts = draft->ts;
    message.seq = state->seq++;
    char id[40];
    message.id = message_id(state, message.text, id, sizeof id);
    if (state->customer >= 0) {
        message.user_id = name_of(&state->participant[state->customer]);
    }
    if (state->draft_kind == CT_WHATSAPP_SYSTEM) {
        message.role = CT_ROLE_SYSTEM;
    } else if (state->draft_writer >= 0) {
        const struct participant *writer = &state->participant[state->draft_writer];
        message.role = (enum ct_role)writer->role;
        if (message.role == CT_ROLE_USER) {
            message.user_id = name_of(writer);
        }
    }
    if (state->draft_kind == CT_WHATSAPP_MEDIA || state->draft_kind == CT_WHATSAPP_DELETED) {
        message.event.type = CT_EVENT_OTHER;
        message.event.name = state->draft_kind == CT_WHATSAPP_MEDIA ? CT_SPAN_LIT("media") : CT_SPAN_LIT("deleted");
    }
    return out->message(out->context, &message);
}

/* The header's time, or the refusal of the message. */
static bool set_time(struct state *state, const struct ct_frame *frame, const struct ct_local_time *time,
                     const struct ct_parse_out *out)
{
    int64_t local = 0;
    switch (ct_local_resolve(time, state->order, &local)) {
    case CT_LOCAL_OK:
        state->draft.ts = ct_zone_to_utc(&state->zone, local) * CT_USEC_PER_SECOND + time->micro;
        return true;
    case CT_LOCAL_AMBIGUOUS:
        ct_refuse(out, "ambiguous_date", frame->offset, frame->line, "say order=dmy or order=mdy");
        return false;
    case CT_LOCAL_BAD:
        ct_refuse(out, "bad_time", frame->offset, frame->line, "the date or time does not exist in this order");
        return false;
    }
    return false;
}

static enum ct_status record(void *context, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    (void)scratch;
    struct state *state = context;
    if (state->ambiguous) {
        return CT_OK;
    }
    struct ct_whatsapp_line read;
    bool header = ct_whatsapp_read_line(frame->bytes, &read);
    if (header && !state->style_known) { /* no first pass: the first header says */
        state->style_known = true;
        state->style = read.style;
    }
    header = header && read.style == state->style;
    size_t bad = 0;
    bool valid = ct_utf8_valid(frame->bytes, &bad);
    if (!valid) {
        ct_refuse(out, "invalid_utf8", frame->offset + bad, frame->line,
                  "not UTF-8; a Latin-1 file is to be converted first");
    }
    if (!header) {
        if (!valid) {
            return CT_OK;
        }
        if (!state->draft.open && ct_span_trim(frame->bytes).len) {
            ct_refuse(out, "no_header", frame->offset, frame->line, "text before the first dated line");
        }
        return ct_draft_line(&state->draft, frame->bytes, out);
    }
    enum ct_status status = flush(state, out);
    if (status == CT_OK) {
        status = ct_draft_begin(&state->draft, frame, read.text);
    }
    if (status != CT_OK) {
        return status;
    }
    state->draft.dropped = !valid || !set_time(state, frame, &read.time, out);
    state->draft_kind = read.kind;
    state->draft_writer = -1;
    if (read.name.len && read.kind != CT_WHATSAPP_SYSTEM && valid) {
        size_t before = state->participant_count;
        state->draft_writer = add_participant(state, frame->bytes, read.name, read.style);
        if (state->participant_count > before) {
            decide_roles(state);
        }
    }
    return CT_OK;
}

static enum ct_status finish(void *context, struct ct_arena *scratch, const struct ct_parse_out *out)
{
    (void)scratch;
    return flush(context, out);
}

const struct ct_parser ct_parser_whatsapp = {
    .name = "whatsapp",
    .title = "WhatsApp exported chat (.txt)",
    .help =
        "The text file of WhatsApp's \"Export chat\", from Android or iOS, in English, Spanish or Portuguese. One file "
        "is one chat, named like the file (iOS calls all files _chat.txt: there with the customer's name); it is cut "
        "by idle time. Media placeholders and deleted messages are kept as "
        "messages without text. The order of day and month is inferred from the whole file; a file that leaves it "
        "open is refused until option order says. Times are read in option zone. Without names in the options, of "
        "two writers the customer is the one not named like a business, else the one not in the address book, else "
        "whoever wrote first; in a group roles stay unknown. Files that are not UTF-8 are refused line by line.",
    .extensions = ".txt",
    .framing = CT_FRAMING_LINES,
    .stateful = true,
    .prescan = true,
    .options = options,
    .detect = detect,
    .open = open_state,
    .scan = scan,
    .scanned = scanned,
    .record = record,
    .finish = finish,
    .close = close_state,
};
