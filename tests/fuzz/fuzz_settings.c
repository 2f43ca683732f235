/* fuzz_settings.c - what people write besides transcripts, as any bytes: no crash, no leak, every no with its place.
 *
 * The first byte of an input says what the rest is (the letters in `kinds`; any other is one of them, too):
 *   c  a cost model      taken: prices come out of it; refused: with file and line
 *   g  a configuration   taken: `config show` of it is a configuration that shows the same, alarms with it
 *   s  a scorecard
 *   r  a rule pack       beside a small core of its own
 *   m  human marks       every line is taken or refused by number, and the order of lines does not matter
 *   t  tokens            refused: with the line, and never a token in the words
 *   u  a packed setup    taken: packing it again gives the same bytes
 * With -fsanitize=fuzzer this is a libFuzzer target (give it corpus/). Without, its own main runs the files of a folder
 * and a bounded number of mutations of them, the same ones each time:
 *
 *     fuzz_settings CORPUS [COUNT [SEED]]
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/config.h"
#include "cli/marks_read.h"
#include "cli/setup.h"
#include "engine/cost.h"
#include "metrics/scorecard.h"
#include "plugin/gate/access.h"

#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok, const char *what, const char *detail)
{
    if (ok) {
        return;
    }
    fprintf(stderr, "law broken: %s: %s\n", what, detail);
    abort();
}

/* Somebody has to find it: what is wrong has words, and a line of the file, or of none where there is none left. */
static void must_be_placed(const struct ct_error *err, ct_span bytes, const char *what)
{
    uint32_t lines = 2; /* behind the last line end, too; YAML has more kinds of them than \n */
    for (size_t i = 0; i < bytes.len; i++) {
        lines += bytes.at[i] == '\n' || bytes.at[i] == '\r' || (unsigned char)bytes.at[i] >= 0x80;
    }
    must(err->status != CT_OK && err->text[0], what, "no words for what is wrong");
    bool nothing_there = err->line == 0 && strstr(err->text, "empty"); /* of a file without a line */
    must(nothing_there || (err->line > 0 && err->line <= lines), what, err->text);
    must(ct_utf8_valid(ct_span_of(err->text), NULL), what, "words that are not UTF-8");
}

/* ---- cost models ---- */

static bool cost(ct_span bytes)
{
    struct ct_error err = {0};
    struct ct_cost_model *model = ct_cost_model_load(CT_SPAN_LIT("cost.yaml"), bytes, &err);
    if (!model) {
        must_be_placed(&err, bytes, "cost model");
        return false;
    }
    struct ct_tokens tokens = {.model = CT_SPAN_LIT("gpt-4o-mini"), .input = 1000000, .output = 1000, .cached = 10};
    ct_nano nano;
    must(!ct_cost_tokens(model, &tokens, CT_USEC_NONE, &nano) || nano >= 0, "cost model", "a price below nothing");
    must(!ct_cost_tokens(model, &tokens, 1767225600 * CT_USEC_PER_SECOND, &nano) || nano >= 0, "cost model",
         "a price below nothing");
    struct ct_cost_sum sum;
    ct_cost_begin(&sum);
    const struct ct_cost_conversation talk = {.channel = CT_SPAN_LIT("whatsapp"),
                                              .country = CT_SPAN_LIT("ES"),
                                              .started_at = 1767225600 * CT_USEC_PER_SECOND,
                                              .human_joined = true,
                                              .human_handling_usec = 90 * CT_USEC_PER_SECOND};
    ct_cost_close(model, &sum, &talk);
    must(ct_cost_model_currency(model).len == 3, "cost model", "its currency is none");
    must(sum.overflow || !sum.has_cost || (sum.channel >= 0 && sum.human >= 0 && sum.fixed >= 0), "cost model",
         "less than nothing");
    ct_cost_model_free(model);
    return true;
}

/* ---- configurations ---- */

static char folder[128];

static void begin(void)
{
    const char *where = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.90s/ct-settings-XXXXXX", where && *where ? where : "/tmp");
    must(mkdtemp(folder) != NULL, "a folder", folder);
}

/* The file `name` with these bytes, opened; what is said of it comes into *said (heap). */
static int open_config(const char *name, ct_span bytes, struct ct_config *config, char **said)
{
    static const struct ct_command command = {.name = "fuzz"};
    static char path[256];
    size_t said_len;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    must(file && fwrite(bytes.at, 1, bytes.len, file) == bytes.len && fclose(file) == 0, "a file", path);
    const struct ct_session_arguments arguments = {.config = path};
    FILE *before = stderr; /* the fuzzer and the sanitizers write past it */
    stderr = open_memstream(said, &said_len);
    int code = ct_config_open(config, &command, &arguments);
    fclose(stderr);
    stderr = before;
    unlink(path);
    return code;
}

/* What is in force, without where each line came from. */
static struct ct_text shown(const struct ct_config *config)
{
    struct ct_text text = {0};
    struct ct_out out;
    ct_out_init(&out, ct_text_add, &text);
    ct_config_show(&out, config);
    must(ct_out_done(&out) == CT_OK && text.len, "config show", "not written");
    return text;
}

/* Cuts the comments, in which the lines say where they came from. */
static void cut_comments(struct ct_text *text)
{
    size_t kept = 0;
    for (size_t at = 0; at < text->len;) {
        const char *line = text->at + at, *end = memchr(line, '\n', text->len - at);
        size_t len = end ? (size_t)(end - line) : text->len - at, cut = len;
        const char *comment = len ? memrchr(line, '#', len) : NULL;
        cut = comment ? (size_t)(comment - line) : cut;
        memmove(text->at + kept, line, cut);
        kept += cut;
        text->at[kept++] = '\n';
        at += len + 1;
    }
    text->len = kept < text->len ? kept : text->len;
}

static bool config(ct_span bytes)
{
    struct ct_config first, second;
    char *said, *again;
    if (!*folder) {
        begin();
    }
    int code = open_config("convtap.yaml", bytes, &first, &said);
    if (code >= 0) {
        must(strstr(said, "error: ") != NULL, "configuration", said);
        must(first.first.text[0] != '\0', "configuration", "refused without a first reason");
    } else {
        must(first.errors == 0, "configuration", said);
        struct ct_text what = shown(&first);
        code = open_config("shown.yaml", (ct_span){what.at, what.len}, &second, &again);
        must(code < 0, "what is shown is no configuration", again);
        struct ct_text what_again = shown(&second);
        cut_comments(&what);
        cut_comments(&what_again);
        must(ct_span_eq((ct_span){what.at, what.len}, (ct_span){what_again.at, what_again.len}),
             "what is shown shows something else", what_again.at);
        must(first.alarm_count == second.alarm_count, "alarms", "not as many");
        free(what_again.at);
        free(what.at);
        free(again);
        ct_config_close(&second);
    }
    free(said);
    ct_config_close(&first);
    return code < 0;
}

/* ---- scorecards, rules ---- */

static bool scorecard(ct_span bytes)
{
    struct ct_error err = {0};
    struct ct_scorecard *card = ct_scorecard_load(CT_SPAN_LIT("card.yaml"), bytes, NULL, &err);
    if (!card) {
        must_be_placed(&err, bytes, "scorecard");
        return false;
    }
    must(card->count > 0 && card->count <= CT_CRITERIA_MAX, "scorecard", "criteria");
    ct_scorecard_free(card);
    return true;
}

static void count_errors(void *context, char severity, const struct ct_error *problem)
{
    must(problem->text[0] != '\0', "rule pack", "a problem without words");
    *(size_t *)context += severity == 'e';
}

static bool rules(ct_span bytes)
{
    static const char core[] = "pack: core\nversion: 1.0.0\nsignals:\n"
                               "  user.thanks: {means: thanks, role: user}\n"
                               "  user.affirm: {means: affirm, role: user}\n"
                               "  user.request: {means: human_requested, role: user}\n"
                               "  bot.offer: {means: handoff_offered, role: bot}\n"
                               "abstract:\n  thanks: {role: user, emit: user.thanks}\n"
                               "rules:\n  - {id: core.yes, emit: user.affirm, role: user, any: ['\\byes\\b'], "
                               "tests: {pos: ['oh yes'], neg: ['no']}}\n";
    const struct ct_pack_source packs[] = {{CT_SPAN_LIT("core.yaml"), {core, sizeof core - 1}},
                                           {CT_SPAN_LIT("own.yaml"), bytes}};
    struct ct_error err = {0};
    size_t errors = 0;
    const struct ct_load_options options = {
        .strict = true, .keep_tests = true, .context = &errors, .problem = count_errors};
    struct ct_ruleset *set = ct_ruleset_load(packs, 2, &options, &err);
    if (!set) {
        must(errors > 0, "rule pack", "refused without an error");
        must(err.text[0] != '\0', "rule pack", "refused without a first reason");
        return false;
    }
    must(errors == 0, "rule pack", "taken with errors");
    must(ct_ruleset_signal(set, CT_SPAN_LIT("user.thanks")) >= 0, "rule pack", "the core's signal has gone");
    ct_ruleset_unref(set);
    return true;
}

/* ---- human marks ---- */

struct refusals {
    uint64_t count, line;
};

static void refused(void *context, const char *path, uint64_t line, uint64_t offset, const char *reason,
                    const char *detail)
{
    struct refusals *all = context;
    (void)path;
    (void)offset;
    (void)detail;
    must(reason && reason[0], "marks", "refused without a reason");
    must(line >= all->line, "marks", "lines out of order");
    all->line = line;
    all->count++;
}

static struct ct_marks *read_marks(ct_span bytes, uint64_t *taken)
{
    static const struct ct_signal signals[] = {{.name = {"user.thanks", 11}}};
    static const struct ct_ruleset set = {.signals = signals, .signal_count = 1};
    struct ct_ruleset *const all[] = {(struct ct_ruleset *)(uintptr_t)&set};
    struct refusals refusals = {0};
    struct ct_marks_reading reading = {
        .rules = all, .rule_count = 1, .marks = ct_marks_new(), .context = &refusals, .refused = refused};
    must(reading.marks != NULL, "memory", "none");
    must(ct_marks_read_bytes(&reading, "labels.jsonl", bytes) == CT_OK, "marks", "not read");
    must(reading.refusals == refusals.count && reading.refusals <= reading.lines, "marks", "refusals");
    must(ct_marks_settle(reading.marks) == CT_OK, "marks", "not settled");
    *taken = reading.lines - reading.refusals;
    return reading.marks;
}

/* The lines, last one first. */
static char *turned(ct_span bytes)
{
    char *out = malloc(bytes.len + 2);
    size_t len = 0, end = bytes.len;
    must(out != NULL, "memory", "none");
    for (size_t at = bytes.len; at-- > 0;) {
        if (at == 0 || bytes.at[at - 1] == '\n') {
            memcpy(out + len, bytes.at + at, end - at);
            len += end - at;
            out[len++] = '\n';
            end = at ? at - 1 : 0;
        }
    }
    out[len] = '\0';
    return out;
}

static bool marks(ct_span bytes)
{
    uint64_t taken, taken_turned;
    struct ct_marks *one = read_marks(bytes, &taken);
    bool plain = bytes.len && (unsigned char)bytes.at[0] < 0x80 && !memchr(bytes.at, '\0', bytes.len);
    if (plain) { /* no mark of byte order, nothing packed: lines are lines wherever they stand */
        char *text = turned(bytes);
        struct ct_marks *other = read_marks(ct_span_of(text), &taken_turned);
        must(taken == taken_turned, "marks", "the order of lines decides which are taken");
        must(one->count == other->count && one->marked_count == other->marked_count, "marks",
             "the order of lines decides how many there are");
        for (size_t i = 0; i < one->count; i++) {
            const struct ct_mark *a = &one->at[i], *b = &other->at[i];
            must(a->field == b->field && a->value == b->value && ct_span_eq(a->name, b->name) &&
                     ct_span_eq(a->text, b->text),
                 "marks", "the order of lines decides what they say");
        }
        ct_marks_free(other);
        free(text);
    }
    ct_marks_free(one);
    return taken > 0;
}

/* ---- tokens, setups ---- */

static bool tokens(ct_span bytes)
{
    char *text = malloc(bytes.len + 1);
    struct ct_access *access;
    struct ct_error err = {0};
    must(text != NULL, "memory", "none");
    memcpy(text, bytes.at, bytes.len);
    text[bytes.len] = '\0';
    enum ct_status status = ct_access_open(NULL, text, &access, &err);
    must((status == CT_OK) == (access != NULL), "tokens", "status");
    if (status != CT_OK) {
        must(err.line > 0 && err.text[0], "tokens", "refused without a line");
        must(!strstr(err.text, "secretsecretsecret"), "tokens", "a token in the words");
    }
    ct_access_close(access);
    free(text);
    return status == CT_OK;
}

static bool setup(ct_span bytes)
{
    struct ct_arena arena;
    struct ct_setup_parts parts;
    struct ct_error err = {0};
    char *packed;
    size_t len;
    ct_arena_init(&arena, 0, (size_t)64 << 20);
    bool taken = ct_setup_unpack(bytes, &arena, &parts, &err) == CT_OK;
    if (taken) {
        must(ct_setup_pack(&parts, &packed, &len, &err) == CT_OK, "setup", "not packed again");
        must(ct_span_eq((ct_span){packed, len}, bytes), "setup", "packed to other bytes");
        free(packed);
    } else {
        must(err.text[0] != '\0', "setup", "refused without a reason");
    }
    ct_arena_done(&arena);
    return taken;
}

/* ---- all of them ---- */

static const struct {
    char letter;
    bool (*run)(ct_span bytes); /* true = it was taken */
} kinds[] = {{'c', cost}, {'g', config}, {'s', scorecard}, {'r', rules}, {'m', marks}, {'t', tokens}, {'u', setup}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool run(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_MAX) {
        return false;
    }
    size_t kind = 0;
    while (kind < KINDS && kinds[kind].letter != (char)data[0]) {
        kind++;
    }
    kind = kind < KINDS ? kind : data[0] % KINDS;
    ct_span bytes = {(const char *)data + 1, size - 1};
    if (bytes.len && bytes.at[0] == '\n') { /* so that an input can be written with an editor */
        bytes = (ct_span){bytes.at + 1, bytes.len - 1};
    }
    return kinds[kind].run(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)run(data, size);
    return 0;
}

#ifndef CT_LIBFUZZER

#include "tests/fuzz/mutate.h"

enum { SEEDS_MAX = 256 };
static struct seed seeds[SEEDS_MAX];
static size_t seed_count;

static void load(const char *path, const char *name)
{
    struct seed *seed = &seeds[seed_count++];
    FILE *file = fopen(path, "rb");
    must(file && seed_count < SEEDS_MAX, "corpus", path);
    (void)snprintf(seed->name, sizeof seed->name, "%.60s", name);
    seed->at = malloc(INPUT_MAX);
    must(seed->at != NULL, "memory", "none");
    seed->len = fread(seed->at, 1, INPUT_MAX, file);
    fclose(file);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct seed *)a)->name, ((const struct seed *)b)->name);
}

static void load_folder(const char *path)
{
    char full[4096];
    DIR *dir = opendir(path);
    must(dir != NULL, "corpus", path);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            (void)snprintf(full, sizeof full, "%.3800s/%s", path, entry->d_name);
            load(full, entry->d_name);
        }
    }
    closedir(dir);
    qsort(seeds, seed_count, sizeof *seeds, by_name); /* folders list their entries in any order */
}

static const char *const pieces[] = {
    "\"",   "'",          "{",     "}",       "[",      "]",    ",",   ": ",   "\n",   "\n  ",
    "- ",   "#",          "|",     "&a ",     "*a",     "!!x ", "~",   "\xC3", "\t",   "99999999999999999999",
    "-1",   "0",          "1e9",   "0.1",     "null",   "true", "no",  "7d",   "12%",  "\\u0000",
    "\r\n", "2026-02-30", "(?:",   "(a+)+",   "\\p{L}", "csat", "any", "when", "from", "\xEF\xBB\xBF",
    ";",    "1",          "---\n", "default",
};

/* A copy of just that length, so that a sanitizer sees any read behind it. */
static bool run_copy(const uint8_t *at, size_t len)
{
    uint8_t *input = malloc(len ? len : 1);
    must(input != NULL, "memory", "none");
    memcpy(input, at, len);
    bool taken = run(input, len);
    free(input);
    return taken;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: fuzz_settings CORPUS [COUNT [SEED]]\n");
        return 2;
    }
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    uint64_t state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    uint8_t *work = malloc(INPUT_MAX);
    load_folder(argv[1]);
    if (!seed_count || !work) {
        fprintf(stderr, "no files in %s\n", argv[1]);
        return 2;
    }
    for (size_t i = 0; i < seed_count; i++) { /* else its mutations would go no further than the first refusal */
        must(run_copy(seeds[i].at, seeds[i].len), "a file of the corpus is refused", seeds[i].name);
    }
    const struct mutants mutants = {seeds, seed_count, pieces, sizeof pieces / sizeof *pieces,
                                    1,     INPUT_MAX}; /* the letter stays */
    unsigned long taken = 0;
    for (unsigned long i = 0; i < count; i++) {
        taken += run_copy(work, mutate(&mutants, work, &state));
    }
    printf("%zu inputs and %lu mutations of them, %lu of them taken\n", seed_count, count, taken);
    for (size_t i = 0; i < seed_count; i++) {
        free(seeds[i].at);
    }
    free(work);
    if (*folder) {
        rmdir(folder);
    }
    return 0;
}
#endif
