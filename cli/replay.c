/* replay.c - `convtap replay`: a tape through the same feed and pipeline as the live tap, to the figures, files and
 * store that audit and serve write. By default under the setups that stand on the tape.
 *
 *   tape -> feed -> pipeline -> records: newest of each conversation -> third stage of an audit (batch_given.c)
 *                -> business events -----------------------------------------^
 *                                      -> each revision -> store (record_sink.h), as serve puts it there
 */
#include "cli/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/publication.h"
#include "cli/quality_inputs.h"
#include "cli/setup.h"
#include "plugin/tap/record_sink.h"

enum { GROUP = 2000 /* publications a transaction of the store */, SHOWN_MOST = 20 };

static const struct ct_command *const self = &ct_command_replay;

struct arguments {
    struct ct_session_arguments session;
    struct ct_publication out;
    bool close;
};

struct tape_note {
    const char *folder;
    uint64_t bytes, messages, conversations, refused;
};

struct replay {
    const struct arguments *arguments;
    struct ct_config config;
    struct ct_setups *setups;
    struct ct_record_sink *sink; /* NULL = no store */
    struct ct_batch_given *to;
    struct ct_batch_options *options;
    struct ct_setup *newest; /* whose monthly fees are shared out */
    char *const *folders;
    struct tape_note *notes; /* of each folder */
    size_t count, now;       /* the folder that is being read */
    uint64_t open, damaged;
    char rules_hash[65]; /* of the newest setup */
    size_t setup_count;
    struct ct_quality_inputs quality; /* loaded when the rule sets of the tapes are known */
    struct ct_error error;            /* of a callback */
    struct ct_audit_alarms alarms; /* of this run alone: what is kept and delivered is an audit's, or the live tap's */
};

/* ---- what comes of the tape --------------------------------------------------------------- */

static void on_drop(void *context, const char *reason, uint64_t count)
{
    struct replay *r = context;
    ct_batch_give_drop(r->to, reason, count);
}

/* Of the feed: something on the tape that could not be read. */
static void on_refusal(void *context, const char *reason, uint64_t count)
{
    struct replay *r = context;
    r->notes[r->now].refused += count;
    on_drop(context, reason, count);
}

static bool same_place(const struct ct_record *a, const struct ct_record *b)
{
    return a->conversation_hash == b->conversation_hash && a->customer_hash == b->customer_hash &&
           a->started_at == b->started_at;
}

static enum ct_status on_publish(void *context, const struct ct_published *published)
{
    struct replay *r = context;
    const struct ct_record *is = published->record, *was = published->replaced;
    struct ct_ruleset *rules = published->setup->rules;
    enum ct_status status = CT_OK;
    if (was && !(is && same_place(is, was))) {
        status = ct_batch_give(r->to, was, rules, true, &r->error);
    }
    if (is && status == CT_OK) {
        status = ct_batch_give(r->to, is, rules, false, &r->error);
    }
    r->notes[r->now].conversations += is && !was;
    r->notes[r->now].conversations -= was && !is;
    if (r->sink && status == CT_OK) {
        status = ct_record_sink_publish(r->sink, published, &r->error);
        if (status == CT_OK && ct_record_sink_waiting(r->sink) >= GROUP) {
            status = ct_record_sink_commit(r->sink, 0, false, &r->error);
        }
    }
    return status;
}

static enum ct_status on_business(void *context, const struct ct_business *event)
{
    struct replay *r = context;
    enum ct_status status = ct_batch_give_business(r->to, event, &r->error);
    if (r->sink && status == CT_OK) {
        status = ct_record_sink_business(r->sink, event, &r->error);
        if (status == CT_OK && ct_record_sink_waiting(r->sink) >= GROUP) {
            status = ct_record_sink_commit(r->sink, 0, false, &r->error);
        }
    }
    return status;
}

/* ---- one tape ------------------------------------------------------------------------------ */

/* Something broken was passed over: named, counted, gone on behind it. */
static void say_damage(struct replay *r, const struct ct_error *err)
{
    if (r->damaged++ < SHOWN_MOST) {
        fprintf(stderr, "%s\n", err->text);
    }
    r->notes[r->now].refused++;
    on_drop(r, "tape_damaged", 1);
}

static enum ct_status note_setup(struct replay *r, const struct ct_feed *feed)
{
    const struct ct_feed_setup *setup = ct_feed_setup(feed);
    if (setup) {
        ct_setup_unref(r->newest);
        r->newest = ct_setup_ref(setup->setup);
        r->options->terms.cost = setup->setup->conversation.cost;
    }
    if (setup && ct_batch_give_rules(r->to, setup->setup->rules) != CT_OK) {
        return CT_NO_MEMORY;
    }
    if (setup && strcmp(r->rules_hash, setup->setup->rules->hash) != 0) {
        memcpy(r->rules_hash, setup->setup->rules->hash, sizeof r->rules_hash);
        r->setup_count++;
    }
    return CT_OK;
}

static enum ct_status feed_tape(struct replay *r, struct ct_tape_reader *reader, struct ct_feed *feed,
                                struct ct_error *err)
{
    struct tape_note *note = &r->notes[r->now];
    for (;;) {
        struct ct_tape_entry entry;
        uint64_t position, end, messages = 0;
        struct ct_error problem = {0};
        enum ct_status status = ct_tape_reader_next(reader, UINT64_MAX, &entry, &position, &end, &problem);
        if (status == CT_REFUSED) {
            say_damage(r, &problem);
            continue;
        }
        if (status != CT_OK) {
            if (status != CT_NOT_FOUND) {
                *err = problem;
            }
            return status == CT_NOT_FOUND ? CT_OK : status;
        }
        note->bytes += entry.kind == CT_TAPE_DATA ? entry.bytes.len : 0;
        status = ct_feed_frame(feed, &entry, position, &messages, &problem);
        note->messages += messages;
        if (entry.kind == CT_TAPE_SETUP && status == CT_OK) {
            status = note_setup(r, feed);
        }
        if (status != CT_OK) {
            *err = r->error.status != CT_OK ? r->error : problem;
            return status;
        }
    }
}

static enum ct_status replay_tape(struct replay *r, const char *folder, struct ct_error *err)
{
    const struct ct_serve_settings *s = ct_config_part(&r->config, CT_SECTION_SERVE, 0);
    const struct ct_pipeline_sink sink = {.context = r, .publish = on_publish, .drop = on_drop};
    const struct ct_feed_sink beside = {r, on_refusal, on_business};
    const struct ct_pipeline_limits limits = {.open_max = (size_t)s->open_max,
                                              .conversation_bytes_max = s->conversation_bytes_max,
                                              .memory_max = s->memory_max};
    const struct ct_feed_setups setups = {r->setups, ct_setups_open};
    struct ct_tape_reader *reader = NULL;
    uint64_t start;
    enum ct_status status = ct_tape_reader_open(folder, 0, &reader, &start, err);
    if (status != CT_OK) {
        return status;
    }
    struct ct_pipeline *pipeline = ct_pipeline_new(&sink, &limits);
    struct ct_feed *feed = pipeline ? ct_feed_new(pipeline, &setups, &beside) : NULL;
    status = feed ? feed_tape(r, reader, feed, err) : ct_error_set(err, CT_NO_MEMORY, "out of memory");
    if (status == CT_OK && r->arguments->close) {
        status = ct_pipeline_close_all(pipeline);
        if (status != CT_OK) {
            *err = r->error;
        }
    }
    if (status == CT_OK) {
        struct ct_pipeline_stats stats;
        ct_pipeline_stats(pipeline, &stats);
        r->open += stats.open - stats.closed_open;
    }
    ct_feed_free(feed);
    ct_pipeline_free(pipeline);
    ct_tape_reader_close(reader);
    return status;
}

/* ---- marks and scorecard ------------------------------------------------------------------- */

struct remarks {
    const struct replay *replay;
    const struct ct_binding *binding;
    uint64_t *count;
};

static void say_missing(void *context, const struct ct_criterion *criterion, ct_span signal)
{
    const struct remarks *remarks = context;
    if (!remarks->replay->arguments->out.quiet && ++*remarks->count <= SHOWN_MOST) {
        fprintf(
            stderr,
            "convtap replay: scorecard: criterion '%s': the rule set %.12s has no signal '%.*s': by it the criterion "
            "cannot be judged\n",
            criterion->name.at, remarks->binding->rules_hash, signal.len > 60 ? 60 : (int)signal.len, signal.at);
    }
}

/* Now that it is known which rule sets the tapes hold. */
static enum ct_status load_quality(struct replay *r, struct ct_error *err)
{
    struct ct_batch_options *options = r->options;
    struct ct_quality_inputs *q = &r->quality;
    size_t count;
    uint64_t refused = 0, missing = 0;
    struct ct_ruleset *const *rules = ct_batch_given_rules(r->to, &count);
    enum ct_status status = ct_quality_inputs_load(q, &r->config, rules, count, ct_label_refused_print, &refused, err);
    ct_label_refused_rest(refused);
    if (status != CT_OK) {
        return status;
    }
    for (size_t i = 0; q->scorecard && i < count; i++) {
        struct remarks remarks = {r, &q->bindings.at[i], &missing};
        ct_scorecard_missing(q->scorecard, remarks.binding, say_missing, &remarks);
    }
    if (missing > SHOWN_MOST) {
        fprintf(stderr, "... and %" PRIu64 " more\n", missing - SHOWN_MOST);
    }
    ct_quality_inputs_terms(q, &options->terms);
    options->drops = q->drops;
    options->drop_count = sizeof q->drops / sizeof *q->drops;
    return CT_OK;
}

/* What can be told before a long tape is read: is the scorecard one, are the labels there? */
static enum ct_status probe_quality(const struct replay *r, struct ct_error *err)
{
    struct ct_scorecard *card;
    bool good = ct_config_scorecard(&r->config, NULL, &card, err);
    ct_scorecard_free(card);
    for (size_t i = 0; good && i < r->config.labels->count; i++) {
        const char *path = r->config.labels->entries[i].text;
        good = access(path, R_OK) == 0;
        if (!good) {
            (void)ct_error_set(err, CT_BAD_CONFIG, "labels: cannot read %s: %s", path, strerror(errno));
        }
    }
    return good ? CT_OK : err->status;
}

static enum ct_status give(void *context, struct ct_batch_given *to, struct ct_error *err)
{
    struct replay *r = context;
    enum ct_status status = CT_OK;
    r->to = to;
    for (r->now = 0; r->now < r->count && status == CT_OK; r->now++) {
        r->notes[r->now].folder = r->folders[r->now];
        status = replay_tape(r, r->folders[r->now], err);
    }
    if (status == CT_OK && r->sink) {
        status = ct_record_sink_commit(r->sink, 0, true, err);
    }
    return status == CT_OK ? load_quality(r, err) : status;
}

/* ---- the run -------------------------------------------------------------------------------- */

/* The tapes stand where an audit's inputs do. */
static bool note_inputs(const struct replay *r, struct ct_batch_result *result)
{
    free(result->inputs);
    result->inputs = calloc(r->count + 1, sizeof *result->inputs);
    bool good = result->inputs != NULL;
    for (size_t i = 0; good && i < r->count; i++) {
        struct ct_input_note *note = &result->inputs[result->input_count++];
        note->path = strdup(r->notes[i].folder);
        note->sha256 = strdup("");
        note->bytes = r->notes[i].bytes;
        note->messages = r->notes[i].messages;
        note->conversations = r->notes[i].conversations;
        note->refused = r->notes[i].refused;
        result->refused += r->notes[i].refused;
        good = note->path && note->sha256;
    }
    return good;
}

static void remark(const struct replay *r)
{
    if (r->arguments->out.quiet) {
        return;
    }
    if (r->damaged > SHOWN_MOST) {
        fprintf(stderr, "... and %" PRIu64 " more damaged places\n", r->damaged - SHOWN_MOST);
    }
    if (r->open) {
        fprintf(stderr,
                "convtap replay: %" PRIu64 " conversation%s still open at the end of the tape: left out (--close takes "
                "%s as closed)\n",
                r->open, r->open == 1 ? " is" : "s are", r->open == 1 ? "it" : "them");
    }
    if (r->setup_count > 1) {
        fprintf(stderr, "convtap replay: the rules changed on the tape; rules_hash is that of the newest\n");
    }
}

static int failed(const struct ct_error *err, enum ct_status status)
{
    bool output = status == CT_IO || status == CT_NO_MEMORY || status == CT_LIMIT;
    return ct_options_fail(self, output ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, "%s",
                           err->text[0] ? err->text : ct_status_text(status));
}

static int count_and_publish(struct replay *r, const struct arguments *a)
{
    struct ct_error err = {0};
    struct ct_batch_result result;
    const struct ct_batch_giver giver = {r, give};
    struct ct_sorter *records = a->out.conversations ? ct_sorter_new(0) : NULL;
    struct ct_batch_options options = {.threads = ct_publication_threads(&r->config),
                                       .terms = r->config.terms,
                                       .periods = r->config.periods,
                                       .filters = r->config.filters,
                                       .filter_count = r->config.filter_count,
                                       .group = r->config.group,
                                       .group_by = r->config.group_by,
                                       .also = r->alarms.also,
                                       .also_count = r->alarms.also_count,
                                       .records = records,
                                       .memory_bytes = r->config.memory_bytes};
    if (a->out.conversations && !records) {
        return ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
    }
    r->options = &options;
    enum ct_status status = ct_batch_run_given(&options, &giver, &result, &err);
    int code = status == CT_OK ? -1 : failed(&err, status);
    if (code < 0 && !note_inputs(r, &result)) {
        code = ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
    }
    if (code < 0) {
        remark(r);
        struct ct_publication out = a->out;
        out.alarms = &r->alarms;
        code = ct_publish(&out, &r->config, r->rules_hash, records, &result);
        code = code >= 0 ? code : result.refused || r->quality.refused ? CT_EXIT_REFUSED : CT_EXIT_DONE;
    }
    if (status == CT_OK) {
        ct_batch_done(&result);
    }
    ct_setup_unref(r->newest);
    r->newest = NULL;
    r->options = NULL;
    ct_sorter_free(records);
    return code;
}

/* --rules and --config take the place of what stands on the tape: rules; and, of a file, all that it says. */
static enum ct_status replace_setup(struct replay *r, const struct arguments *a, struct ct_error *err)
{
    char *packed;
    size_t len;
    unsigned which = CT_SETUP_RULES;
    if (!a->session.config && !a->session.rules) {
        return CT_OK;
    }
    if (a->session.config) {
        which |= CT_SETUP_OPTIONS;
        which |= r->config.groups[CT_SECTION_SOURCE].count ? CT_SETUP_SOURCES : 0;
    }
    enum ct_status status = ct_setup_of_config(&r->config, &packed, &len, err);
    if (status == CT_OK) {
        struct ct_feed_setup setup;
        status = ct_setups_replace(r->setups, (ct_span){packed, len}, which, err);
        if (status == CT_OK && (status = ct_setups_open(r->setups, (ct_span){packed, len}, &setup, err)) == CT_OK) {
            ct_setup_unref(setup.setup); /* it can be opened, then, with every frame, too */
        }
        free(packed);
    }
    return status;
}

static int open_replay(struct replay *r, const struct arguments *a)
{
    struct ct_error err = {0};
    const struct ct_input_list none = {NULL, 0};
    int code = ct_config_open(&r->config, self, &a->session);
    code = code < 0 ? ct_publication_check(&a->out, &none) : code;
    if (code >= 0) {
        return code;
    }
    r->setups = ct_setups_new();
    r->notes = calloc(r->count, sizeof *r->notes);
    if (!r->setups || !r->notes) {
        return ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
    }
    code = ct_audit_alarms_open(&r->alarms, self, &r->config, false);
    if (code >= 0) {
        return code;
    }
    enum ct_status status = probe_quality(r, &err);
    status = status == CT_OK ? replace_setup(r, a, &err) : status;
    if (status != CT_OK) {
        return ct_options_error(self, status == CT_NO_MEMORY ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, &err);
    }
    if (a->out.db) {
        status = ct_record_sink_open(a->out.db, &r->sink, &err);
    }
    return status == CT_OK ? -1 : failed(&err, status);
}

static int replay(const struct arguments *a, char *const *folders, size_t count)
{
    struct replay r = {.arguments = a, .folders = folders, .count = count};
    int code = open_replay(&r, a);
    if (code < 0) {
        code = count_and_publish(&r, a);
    }
    ct_record_sink_close(r.sink);
    ct_setups_free(r.setups);
    ct_audit_alarms_close(&r.alarms);
    ct_quality_inputs_close(&r.quality);
    ct_config_close(&r.config);
    free(r.notes);
    return code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.session = CT_SESSION_DEFAULTS, .out = {.command = self}};
    const struct ct_cli_option options[] = {
        {"config", "FILE", CT_OPT_TEXT, &a.session.config, 0, 0,
         "Judge by this configuration and its rules instead of those on the tape; its sources too, where it has any."},
        {"rules", "DIR", CT_OPT_TEXT, &a.session.rules, 0, 0, "Judge by the rule packs of this folder instead."},
        {"close", NULL, CT_OPT_FLAG, &a.close, 0, 0,
         "Take conversations that are open at the end of the tape as closed there."},
        CT_FIGURE_OPTIONS(&a.session) CT_AUDIT_OPTIONS(&a.session) CT_QUALITY_OPTIONS(&a.session)
            CT_PUBLICATION_OPTIONS(&a.out){0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0 && !word_count) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "which tape? Its folder is due");
    }
    if (code < 0) {
        code = replay(&a, words, word_count);
    }
    free(words);
    return code;
}

const struct ct_command ct_command_replay = {
    .name = "replay",
    .arguments = "TAPE-FOLDER...",
    .summary = "Feeds tapes through the same pipeline as the live tap, and prints the KPI table.",
    .details = "Byte for byte what the live run stored: `convtap replay --db other.db tape`, then `convtap db dump` of "
               "both.\n"
               "Rules, prices and options are those that stand on the tape, as they changed there, on any machine.",
    .run = run,
};
