/* db.c - `convtap db`: what is in a store (sinks/store.h, docs/store.md), whether it is sound, and a dump that two
 * stores can be compared by. It only ever reads; a process may be writing the store meanwhile.
 */
#include "cli/commands.h"

#include <errno.h>
#include <stdlib.h>

#include "sinks/store.h"
#include "sinks/writer.h"

/* Status 1 is a finding; a file that is no store, or cannot be read, is usage. */
static int failed(const struct ct_command *self, const struct ct_error *err)
{
    return ct_options_fail(self, err->status == CT_NO_MEMORY ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, "%s", err->text);
}

/* The options, the one word, the open store. Returns -1 to go on, else the exit status. */
static int open_store(const struct ct_command *self, const struct ct_cli_option *options, int argc, char **argv,
                      struct ct_store **store)
{
    struct ct_error err = {0};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0 && word_count != 1) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "%s: convtap %s FILE",
                               word_count ? "one store at a time" : "which store?", self->name);
    }
    if (code < 0 && ct_store_open(words[0], CT_STORE_READ, store, &err) != CT_OK) {
        code = failed(self, &err);
    }
    free(words);
    return code;
}

static int ended(const struct ct_command *self, struct ct_out *out, int code)
{
    if (ct_out_done(out) != CT_OK || fflush(stdout) != 0) {
        return ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output: %s", strerror(errno));
    }
    return code;
}

/* ---- check ------------------------------------------------------------------------------------------------------ */

static int check_run(int argc, char **argv)
{
    const struct ct_cli_option options[] = {{0}};
    struct ct_store *store = NULL;
    struct ct_error err = {0};
    struct ct_out out;
    int code = open_store(&ct_db_check, options, argc, argv, &store);
    if (code >= 0) {
        return code;
    }
    ct_out_init_file(&out, stdout);
    switch (ct_store_check(store, &out, &err)) {
    case CT_OK:
        ct_out_text(&out, "sound\n");
        code = CT_EXIT_DONE;
        break;
    case CT_REFUSED:
        code = ct_options_fail(&ct_db_check, CT_EXIT_REFUSED, "%s", err.text);
        break;
    default:
        code = out.status == CT_OK ? failed(&ct_db_check, &err) : CT_EXIT_OUTPUT;
    }
    ct_store_close(store);
    return ended(&ct_db_check, &out, code);
}

const struct ct_command ct_db_check = {
    .name = "db check",
    .arguments = "FILE",
    .summary = "Looks for everything that can be wrong with a store; each finding is a line.",
    .details =
        "The database's own check; keys and revisions; each conversation's line, columns and record against each "
        "other;\nits evidence; each business event against its identity; the hourly sums against what the "
        "conversations "
        "gave to\nthem.\n"
        "Status 0: sound. 1: there are findings. 2: the file is no store, or cannot be read.\n"
        "A store with findings is made anew from what it came from: convtap replay, or audit --db.",
    .run = check_run,
};

/* ---- dump ------------------------------------------------------------------------------------------------------- */

static int dump_run(int argc, char **argv)
{
    const struct ct_cli_option options[] = {{0}};
    struct ct_store *store = NULL;
    struct ct_error err = {0};
    struct ct_out out;
    int code = open_store(&ct_db_dump, options, argc, argv, &store);
    if (code >= 0) {
        return code;
    }
    ct_out_init_file(&out, stdout);
    enum ct_status status = ct_store_dump(store, &out, &err);
    ct_store_close(store);
    if (status != CT_OK && out.status == CT_OK) {
        (void)!ct_out_done(&out);
        return failed(&ct_db_dump, &err);
    }
    return ended(&ct_db_dump, &out, CT_EXIT_DONE);
}

const struct ct_command ct_db_dump = {
    .name = "db dump",
    .arguments = "FILE",
    .summary = "Prints what a store says as JSON lines in one order: equal contents are equal bytes.",
    .details =
        "First each conversation (its line as audit --conversations prints it, without what hangs on the "
        "customer's other\nconversations), then each business event (as the format \"business\" reads it), then the "
        "sums of "
        "each measure and\nchannel over all hours. Nothing of how or when it was written is in it: no row numbers, "
        "revisions, tape\npositions, times of "
        "publication. So what serve stored, what replay made of its tape and what an audit of the same\ninput gave "
        "can be compared:\n\n"
        "  diff <(convtap db dump live.db) <(convtap db dump replayed.db)",
    .run = dump_run,
};

/* ---- info ------------------------------------------------------------------------------------------------------- */

static void write_time(struct ct_out *out, const char *name, ct_usec at)
{
    char text[40] = "-";
    if (at != CT_USEC_NONE) {
        ct_time_format(at, text);
    }
    ct_out_format(out, "%-22s%s\n", name, text);
}

static void write_number(struct ct_out *out, const char *name, uint64_t number)
{
    ct_out_format(out, "%-22s%llu\n", name, (unsigned long long)number);
}

static void info_text(struct ct_out *out, const struct ct_store_stats *s, uint64_t applied)
{
    write_number(out, "schema", s->schema);
    ct_out_format(out, "%-22s%s\n", "written by", s->program);
    write_number(out, "bytes", s->bytes);
    write_number(out, "conversations", s->conversations);
    write_number(out, "revisions", s->revisions);
    write_number(out, "withdrawn", s->withdrawn);
    write_number(out, "business events", s->events);
    write_number(out, "evidence", s->evidence);
    write_number(out, "hourly sums", s->sums);
    write_time(out, "first message", s->first_at);
    write_time(out, "last message", s->last_at);
    write_time(out, "first publication", s->first_published_at);
    write_time(out, "last publication", s->last_published_at);
    write_number(out, "tape applied up to", applied);
}

static void info_json(struct ct_out *out, const struct ct_store_stats *s, uint64_t applied)
{
    const struct {
        const char *key;
        uint64_t number;
    } numbers[] = {{"schema", s->schema},       {"bytes", s->bytes},         {"conversations", s->conversations},
                   {"revisions", s->revisions}, {"withdrawn", s->withdrawn}, {"evidence", s->evidence},
                   {"hourly_sums", s->sums},    {"applied", applied},        {"business_events", s->events}};
    const struct {
        const char *key;
        ct_usec at;
    } times[] = {{"first_message", s->first_at},
                 {"last_message", s->last_at},
                 {"first_published_at", s->first_published_at},
                 {"last_published_at", s->last_published_at}};
    struct ct_writer json;
    ct_writer_init(&json, out);
    ct_writer_open(&json, '{');
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ct_writer_key(&json, numbers[i].key);
        ct_writer_wide(&json, numbers[i].number);
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        ct_writer_key(&json, times[i].key);
        ct_writer_time(&json, times[i].at);
    }
    ct_writer_key(&json, "program");
    ct_writer_text(&json, s->program);
    ct_writer_close(&json, '}');
    ct_out_char(out, '\n');
}

static int info_run(int argc, char **argv)
{
    bool as_json = false;
    const struct ct_cli_option options[] = {{"json", NULL, CT_OPT_FLAG, &as_json, 0, 0, "As one JSON object."}, {0}};
    struct ct_store *store = NULL;
    struct ct_store_stats stats;
    struct ct_error err = {0};
    struct ct_out out;
    int code = open_store(&ct_db_info, options, argc, argv, &store);
    if (code >= 0) {
        return code;
    }
    if (ct_store_stats(store, &stats, &err) != CT_OK) {
        ct_store_close(store);
        return failed(&ct_db_info, &err);
    }
    ct_out_init_file(&out, stdout);
    if (as_json) {
        info_json(&out, &stats, ct_store_applied(store));
    } else {
        info_text(&out, &stats, ct_store_applied(store));
    }
    ct_store_close(store);
    return ended(&ct_db_info, &out, CT_EXIT_DONE);
}

const struct ct_command ct_db_info = {
    .name = "db info",
    .arguments = "FILE",
    .summary = "Says how much is in a store, from when, and how far a tape has been applied to it.",
    .run = info_run,
};

/* ---- db --------------------------------------------------------------------------------------------------------- */

static const struct ct_command *const commands[] = {&ct_db_check, &ct_db_dump, &ct_db_info};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static const char details[] =
    "A store is one SQLite file that serve, replay and audit --db write: the newest revision of each conversation, "
    "the\n"
    "evidence for its verdict, business events, and sums by the hour. Any SQLite program may read it while it is being "
    "written:\n\n"
    "  conversation    one row each: ids, times, outcome, scores, counts, cost; json is the whole record\n"
    "  evidence        the messages, bytes, signals and rules behind each verdict\n"
    "  business_event  what the account system, the shop or the product said of a customer, one row each\n"
    "  sum_hour        numerators and denominators of the KPIs by hour of publication and channel\n"
    "  withdrawn       conversations that became part of others\n"
    "  meta            how far the tape was applied; who wrote\n\n"
    "Times are microseconds since 1970 in UTC, durations (_us) microseconds, money (_nano) billionths.\n\n"
    "  sqlite3 -readonly FILE \"SELECT outcome, count(*) FROM conversation GROUP BY 1\"\n"
    "  sqlite3 -readonly FILE \"SELECT datetime(hour/1000000,'unixepoch'), sum(value) FROM sum_hour\n"
    "    WHERE measure = 'escalation_rate.numerator' GROUP BY hour\"\n";

static int run(int argc, char **argv)
{
    for (int i = 0; i < COMMAND_COUNT && argc > 1; i++) {
        if (strcmp(commands[i]->name + strlen("db "), argv[1]) == 0) {
            return commands[i]->run(argc - 1, argv + 1);
        }
    }
    bool asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (asked) {
        const struct ct_cli_option none[] = {{0}};
        ct_options_help(&ct_command_db, none);
        printf("\nSubcommands:\n");
        ct_options_commands(stdout, commands, COMMAND_COUNT);
        return fflush(stdout) == 0 ? CT_EXIT_DONE : CT_EXIT_OUTPUT;
    }
    if (argc > 1) {
        fprintf(stderr, "convtap db: there is no \"%s\"\n", argv[1]);
    }
    fprintf(stderr, "Usage: convtap db check|dump|info FILE\n");
    ct_options_commands(stderr, commands, COMMAND_COUNT);
    return CT_EXIT_USAGE;
}

const struct ct_command ct_command_db = {
    .name = "db",
    .arguments = "check|dump|info FILE",
    .summary = "Looks into a store of conversations (SQLite): is it sound, what is in it, a dump to compare.",
    .details = details,
    .run = run,
};
