/* demo.c - `convtap demo`: the live tap at work, with nothing else installed. Starts the tap as `convtap serve` does,
 * in a folder of its own, and around it a world of customers, bots and people on loopback sockets (demo.h). At the end
 * the figures of what was stored.
 */
#include "cli/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/publication.h"
#include "cli/serve.h"
#include "sinks/store.h"

enum {
    IDLE_MS = 60000, /* of simulated time: silence that ends a conversation */
    IDLE_LEAST_MS = 1000,
    TICK_MS = 250,
    PATH_BYTES = 4096,
    REMOVE_DESCRIPTORS = 16
};

static const struct ct_command *const self = &ct_command_demo;

struct demo {
    unsigned speed, seconds, port;
    const char *keep;
    bool transcripts;
    char folder[PATH_BYTES];
    struct ct_demo_script script;
    struct ct_demo_places places;
    struct ct_demo_world *world;
    struct ct_demo_counts counts;
};

static int failed(const struct ct_error *err, enum ct_status status)
{
    return ct_options_error(self, status == CT_BAD_CONFIG || status == CT_NOT_FOUND ? CT_EXIT_USAGE : CT_EXIT_OUTPUT,
                            err);
}

/* ---- the folder ----------------------------------------------------------------------------------- */

static enum ct_status make_folder(struct demo *demo, struct ct_error *err)
{
    const char *temporary = getenv("TMPDIR");
    int len = demo->keep ? snprintf(demo->folder, sizeof demo->folder, "%s", demo->keep)
                         : snprintf(demo->folder, sizeof demo->folder, "%s/convtap-demo-XXXXXX",
                                    temporary && *temporary ? temporary : "/tmp");
    if (len < 0 || len > PATH_BYTES - 100) {
        demo->folder[0] = '\0';
        return ct_error_set(err, CT_IO, "the folder's name is too long");
    }
    /* Nobody's folder is mixed with ours: it is new, or it is empty. */
    bool made = demo->keep ? mkdir(demo->folder, 0700) == 0 ||
                                 (errno == EEXIST && rmdir(demo->folder) == 0 && mkdir(demo->folder, 0700) == 0)
                           : mkdtemp(demo->folder) != NULL;
    if (!made) {
        enum ct_status status =
            ct_error_set(err, CT_IO, "cannot make the folder %s: %s", demo->folder, strerror(errno));
        demo->folder[0] = '\0';
        return status;
    }
    return CT_OK;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

static void remove_folder(const struct demo *demo)
{
    if (demo->folder[0] && !demo->keep &&
        nftw(demo->folder, remove_one, REMOVE_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) != 0) {
        fprintf(stderr, "convtap demo: cannot remove %s: %s\n", demo->folder, strerror(errno));
    }
}

static enum ct_status write_file(const struct demo *demo, const char *name, const char *text, char path[PATH_BYTES],
                                 struct ct_error *err)
{
    (void)snprintf(path, PATH_BYTES, "%.*s/%s", PATH_BYTES - 64, demo->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0 && close(fd) != 0) {
        good = false;
    }
    return good ? CT_OK : ct_error_set(err, CT_IO, "cannot write %s: %s", path, strerror(errno));
}

static void make_secret(struct demo *demo)
{
    for (size_t i = 0; i < 8; i++) {
        (void)snprintf(demo->places.secret + 8 * i, 9, "%08x", ct_serve_random());
    }
}

static enum ct_status write_configuration(struct demo *demo, char path[PATH_BYTES], struct ct_error *err)
{
    char text[4096];
    unsigned idle = IDLE_MS / demo->speed < IDLE_LEAST_MS ? IDLE_LEAST_MS : IDLE_MS / demo->speed;
    const struct ct_demo_places *at = &demo->places;
    unsigned port = demo->port;
    make_secret(demo);
    enum ct_status status = write_file(demo, "whatsapp.secret", demo->places.secret, path, err);
    if (status != CT_OK) {
        return status;
    }
    int len = snprintf(
        text, sizeof text,
        "# Written by `convtap demo --speed %u`. Times are short, so that conversations close while one watches.\n"
        "idle: %ums\n"
        "idle_person: %ums\n"
        "return_window: %ums\n"
        "serve:\n"
        "  store: convtap.db\n"
        "  tick: %ums\n"
        "  slices: [channel, language, bot]\n"
        "  tape: {folder: tape}\n"
        "  desk: {listen: \"127.0.0.1:%u\", connections: 1000}\n"
        "  intake: {listen: \"127.0.0.1:%u\", connections: 1000}\n"
        "sources:\n"
        "  webchat: {format: convtap, channel: web}\n"
        "  whatsapp: {format: whatsapp_cloud, channel: whatsapp}\n"
        "relays:\n"
        "  - {source: webchat, connections: 1000, listen: \"127.0.0.1:%u\", upstream: \"%s\", paths: [/ws], read: "
        "[websocket]}\n"
        "  - {source: whatsapp, connections: 1000, listen: \"127.0.0.1:%u\", upstream: \"%s\", client: bot, paths: "
        "[/v21.0/], read: "
        "[http]}\n"
        "webhooks:\n"
        "  - {source: whatsapp, signature: whatsapp, secret_file: whatsapp.secret, forward: \"http://%s/webhook\"}\n",
        demo->speed, idle, 3 * idle, 12 * idle, idle / 4 < TICK_MS ? idle / 4 : TICK_MS, port, port ? port + 1 : 0,
        port ? port + 2 : 0, at->gateway, port ? port + 3 : 0, at->graph, at->bot);
    if (len < 0 || (size_t)len >= sizeof text) {
        return ct_error_set(err, CT_LIMIT, "the configuration is too long");
    }
    return write_file(demo, "convtap.yaml", text, path, err);
}

/* ---- around the tap --------------------------------------------------------------------------------- */

static void say_where(const struct demo *demo)
{
    const struct ct_demo_places *at = &demo->places;
    printf("convtap demo: %zu conversations of 2 channels, played %u times as fast as life%s\n", demo->script.count,
           demo->speed, demo->seconds ? "" : "; Ctrl-C ends it");
    printf("  dashboard http://%s/\n", at->desk);
    printf("  desk      http://%s          figures: /api/v1/kpis?window=5m  /api/v1/conversations  /metrics\n",
           at->desk);
    printf("  intake    http://%s          webhooks: /webhook/whatsapp (signed), passed on to the bot at %s\n",
           at->intake, at->bot);
    printf("  relay     ws://%s/ws         customers of the webchat -> gateway at %s\n", at->web_relay, at->gateway);
    printf("  relay     http://%s/v21.0/   the WhatsApp bot's answers -> platform at %s\n", at->egress_relay,
           at->graph);
    printf("  folder    %s%s\n\n", demo->folder, demo->keep ? "" : " (removed at the end; --keep FOLDER keeps one)");
    (void)fflush(stdout);
}

static enum ct_status begin(void *context, const struct ct_serve *serve, struct ct_error *err)
{
    struct demo *demo = context;
    struct ct_demo_places *at = &demo->places;
    (void)snprintf(at->desk, sizeof at->desk, "%s", ct_serve_desk_address(serve));
    (void)snprintf(at->intake, sizeof at->intake, "%s", ct_serve_intake_address(serve));
    (void)snprintf(at->web_relay, sizeof at->web_relay, "%s", ct_relay_address(serve->relays[0]));
    (void)snprintf(at->egress_relay, sizeof at->egress_relay, "%s", ct_relay_address(serve->relays[1]));
    say_where(demo);
    return ct_demo_world_start(demo->world, err);
}

static void end(void *context)
{
    struct demo *demo = context;
    ct_demo_world_stop(demo->world, &demo->counts);
}

/* ---- what was stored ----------------------------------------------------------------------------------- */

struct giving {
    struct ct_store *store;
    struct ct_ruleset *rules;
    struct ct_batch_given *to;
    struct ct_error *err;
};

static enum ct_status give_row(void *context, const struct ct_store_row *row)
{
    struct giving *giving = context;
    return ct_batch_give(giving->to, row->record, giving->rules, false, giving->err);
}

static enum ct_status give(void *context, struct ct_batch_given *to, struct ct_error *err)
{
    struct giving *giving = context;
    const struct ct_store_filter all = {.started_from = CT_USEC_NONE,
                                        .started_before = CT_USEC_NONE,
                                        .published_from = CT_USEC_NONE,
                                        .published_before = CT_USEC_NONE,
                                        .records_alone = true};
    giving->to = to;
    giving->err = err;
    return ct_store_each(giving->store, &all, give_row, giving, err);
}

static int print_table(struct demo *demo, const struct ct_session_arguments *arguments)
{
    struct ct_error err = {0};
    struct ct_config config;
    struct giving giving = {0};
    struct ct_batch_result result;
    char path[PATH_BYTES];
    int code = ct_config_open(&config, self, arguments);
    if (code >= 0) {
        ct_config_close(&config);
        return code;
    }
    (void)snprintf(path, sizeof path, "%.*s/convtap.db", PATH_BYTES - 64, demo->folder);
    giving.rules = ct_config_ruleset(&config, config.rules, &err);
    enum ct_status status = giving.rules ? ct_store_open(path, CT_STORE_READ, &giving.store, &err) : err.status;
    if (status == CT_OK) {
        const struct ct_batch_options options = {
            .threads = 1, .terms = config.terms, .memory_bytes = config.memory_bytes};
        const struct ct_batch_giver giver = {&giving, give};
        status = ct_batch_run_given(&options, &giver, &result, &err);
    }
    if (status == CT_OK) {
        const struct ct_publication publication = {.command = self, .quiet = true};
        code = ct_publish(&publication, &config, giving.rules->hash, NULL, &result);
        ct_batch_done(&result);
    } else {
        code = failed(&err, status);
    }
    ct_store_close(giving.store);
    ct_ruleset_unref(giving.rules);
    ct_config_close(&config);
    return code;
}

static void say_what_was(const struct demo *demo)
{
    printf("\n%" PRIu64 " conversations began, %" PRIu64
           " messages arrived; those that had not ended stay open on the tape.\n",
           demo->counts.begun, demo->counts.messages);
    if (demo->counts.broken) {
        printf("%" PRIu64 " conversations broke off: a connection of the demonstration failed.\n", demo->counts.broken);
    }
    if (demo->keep) {
        printf("Kept: convtap replay %s/tape; convtap db info %s/convtap.db; convtap serve --config %s/convtap.yaml\n",
               demo->keep, demo->keep, demo->keep);
    }
    printf("\n");
    (void)fflush(stdout);
}

/* ---- the command ------------------------------------------------------------------------------------------ */

static int play(struct demo *demo)
{
    struct ct_error err = {0};
    struct ct_session_arguments arguments = CT_SESSION_DEFAULTS;
    char path[PATH_BYTES];
    int code = -1;
    enum ct_status status = make_folder(demo, &err);
    status =
        status == CT_OK ? ct_demo_world_open(demo->speed, &demo->script, &demo->places, &demo->world, &err) : status;
    status = status == CT_OK ? write_configuration(demo, path, &err) : status;
    if (status == CT_OK) {
        const struct ct_serve_around around = {demo, begin, end, (ct_usec)demo->seconds * CT_USEC_PER_SECOND};
        arguments.config = path;
        code = ct_serve_run(self, &arguments, &around);
        if (code == CT_EXIT_DONE) {
            say_what_was(demo);
            code = print_table(demo, &arguments);
            code = code < 0 ? CT_EXIT_DONE : code;
        }
    } else {
        code = failed(&err, status);
    }
    ct_demo_world_free(demo->world);
    remove_folder(demo);
    return code;
}

static int run(int argc, char **argv)
{
    struct demo demo = {.speed = 10};
    const struct ct_cli_option options[] = {
        {"speed", "N", CT_OPT_COUNT, &demo.speed, 1, 1000, "How many times as fast as life. Default 10."},
        {"seconds", "N", CT_OPT_COUNT, &demo.seconds, 1, 1000000, "Ends after this long. Default: at Ctrl-C."},
        {"port", "N", CT_OPT_COUNT, &demo.port, 1, 65532,
         "The desk's port; the intake and the two relays have the next three. Default: any free ones."},
        {"keep", "FOLDER", CT_OPT_TEXT, &demo.keep, 0, 0,
         "Configuration, tape and store stand in this new (or empty) folder, and stay. Default: a temporary one."},
        {"transcripts", NULL, CT_OPT_FLAG, &demo.transcripts, 0, 0,
         "Only prints the conversations as JSON lines (format convtap), with the outcome that each was written for."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    struct ct_error err = {0};
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0 && word_count) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "\"%s\" is one word too many", words[0]);
    }
    free(words);
    if (code >= 0) {
        return code;
    }
    enum ct_status status = ct_demo_script_load(NULL, &demo.script, &err);
    if (status == CT_OK && demo.transcripts) {
        status = ct_demo_script_write(&demo.script, stdout);
        code = status == CT_OK ? CT_EXIT_DONE : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write the conversations");
    } else {
        code = status == CT_OK ? play(&demo) : failed(&err, status);
    }
    ct_demo_script_done(&demo.script);
    return code;
}

const struct ct_command ct_command_demo = {
    .name = "demo",
    .arguments = "",
    .summary = "The live tap at work around a simulated webchat and WhatsApp; needs nothing else.",
    .details =
        "Some hundred conversations in Spanish and English with a bank, a shop and an electricity utility. Customers "
        "of the webchat connect through convtap's relay; WhatsApp's platform posts signed webhooks to the intake, and "
        "its bot answers through an egress relay. All on this machine's loopback.\n"
        "It prints the addresses, a line of live figures every few seconds, and at the end the KPI table of what was "
        "stored. Times are divided by --speed, and so are the figures of times.",
    .run = run,
};
