/* golden.c - every parser, over every case under fixtures/, cut in every place.
 *
 *     golden [--update] FIXTURES [PARSER [CASE]]
 *
 * A case is a folder fixtures/<parser>/<case>/ with one file input.*, the file expected.jsonl, and where
 * the parser takes options a file `options` with lines name=value. The input is run whole, in pieces
 * of one byte, and in two pieces for every place to cut; every run must give expected.jsonl, byte for
 * byte. --update writes that file anew; read the difference before you keep it.
 * A parser without a case fails, and so does a folder without a parser.
 */
#include "tests/golden/transcript.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define CUTS_MAX 3000 /* longer inputs are cut at evenly spread places */
#define OPTIONS_MAX 16

static int failures;

static void fail(const char *where, const char *what)
{
    fprintf(stderr, "FAIL %s: %s\n", where, what);
    failures++;
}

/* NULL = not there. NUL-terminated; freed by the caller. */
static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *text = NULL;
    size_t room = 0, have = 0, got = 1;
    while (got > 0) {
        if (have + 1 >= room) {
            room = room * 2 + 4096;
            text = realloc(text, room);
            if (text == NULL)
                abort();
        }
        got = fread(text + have, 1, room - have - 1, file);
        have += got;
    }
    fclose(file);
    text[have] = '\0';
    *len = have;
    return text;
}

static bool find_input(const char *folder, char *path, size_t room, const char **name)
{
    DIR *dir = opendir(folder);
    bool found = false;
    if (dir == NULL)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(dir)) != NULL;)
        if (strncmp(entry->d_name, "input.", 6) == 0 || strcmp(entry->d_name, "input") == 0) {
            int len = snprintf(path, room, "%s/%s", folder, entry->d_name);
            found = len > 0 && (size_t)len < room;
        }
    closedir(dir);
    *name = found ? strrchr(path, '/') + 1 : NULL;
    return found;
}

/* Lines name=value; values point into `text`. */
static size_t read_options(char *text, struct ct_option_value *options)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line && count < OPTIONS_MAX; line = strtok_r(NULL, "\n", &rest)) {
        char *equals = strchr(line, '=');
        if (equals == NULL || *line == '#')
            continue;
        options[count].name = (ct_span){line, (size_t)(equals - line)};
        options[count++].value = ct_span_of(equals + 1);
    }
    return count;
}

/* What a caller does for option "zone": the zone's file from the system's tz database. */
static char *read_zone(struct ct_parser_config *config)
{
    for (size_t i = 0; i < config->option_count; i++) {
        char path[4096];
        if (!ct_span_is(config->options[i].name, "zone"))
            continue;
        snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.3000s", config->options[i].value.at);
        char *bytes = read_file(path, &config->zone_tzif.len);
        config->zone_tzif.at = bytes;
        if (bytes == NULL)
            config->zone_tzif = CT_SPAN_NONE;
        return bytes;
    }
    return NULL;
}

static void run(struct transcript *out, const struct ct_parser *parser, const struct ct_parser_config *config,
                ct_span bytes, size_t first, size_t then)
{
    struct transcript_feed feed = {first, then, 0};
    const struct ct_parser *detected =
        ct_parser_detect_as(config, (ct_span){bytes.at, bytes.len < 65536 ? bytes.len : 65536});
    out->len = 0;
    transcript_add(out, "{\"detected\":\"%s\"}\n", detected ? detected->name : "");
    (void)transcript_run(out, parser, config, bytes, &feed);
}

static void compare(const char *folder, const char *how, const struct transcript *got, const char *want,
                    size_t want_len)
{
    if (got->len == want_len && memcmp(got->at, want, want_len) == 0)
        return;
    size_t same = 0, line = 1, begin = 0;
    while (same < got->len && same < want_len && got->at[same] == want[same])
        if (got->at[same++] == '\n') {
            line++;
            begin = same;
        }
    fail(folder, how);
    fprintf(stderr, "  line %zu\n  want %.*s\n  got  %.*s\n", line, (int)strcspn(want + begin, "\n"), want + begin,
            (int)strcspn(got->at + begin, "\n"), got->at + begin);
}

static void run_case(const struct ct_parser *parser, const char *folder, bool update)
{
    char path[4096], how[64];
    const char *name = NULL;
    size_t len = 0, want_len = 0, options_len = 0;
    if (!find_input(folder, path, sizeof(path), &name)) {
        fail(folder, "has no file input.*");
        return;
    }
    struct ct_option_value options[OPTIONS_MAX];
    struct ct_parser_config config = {.options = options};
    struct transcript got = {0};
    char *input = read_file(path, &len);
    config.source = ct_span_of(name);
    char wanted[4096], option_path[4096];
    snprintf(wanted, sizeof(wanted), "%.4000s/expected.jsonl", folder);
    snprintf(option_path, sizeof(option_path), "%.4000s/options", folder);
    char *option_text = read_file(option_path, &options_len);
    if (option_text)
        config.option_count = read_options(option_text, options);
    char *zone = read_zone(&config);
    ct_span bytes = {input, len};
    run(&got, parser, &config, bytes, 0, 0);
    if (update) {
        FILE *file = fopen(wanted, "wb");
        if (file == NULL || fwrite(got.at, 1, got.len, file) != got.len || fclose(file) != 0)
            fail(wanted, strerror(errno));
    }
    char *want = read_file(wanted, &want_len);
    if (want == NULL) {
        fail(folder, "has no expected.jsonl (write it with --update)");
    } else {
        compare(folder, "whole", &got, want, want_len);
        run(&got, parser, &config, bytes, 0, 1);
        compare(folder, "byte by byte", &got, want, want_len);
        size_t step = len / CUTS_MAX + 1;
        int before = failures;
        for (size_t cut = 1; cut < len && failures == before; cut += step) {
            run(&got, parser, &config, bytes, cut, 0);
            snprintf(how, sizeof(how), "cut after byte %zu", cut);
            compare(folder, how, &got, want, want_len);
        }
    }
    free(zone);
    free(got.at);
    free(want);
    free(option_text);
    free(input);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folders in `path`, sorted; NULL-terminated. */
static char **list_folders(const char *path, size_t *count)
{
    char **names = NULL;
    DIR *dir = opendir(path);
    *count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        char full[4096];
        struct stat info;
        snprintf(full, sizeof(full), "%.3800s/%s", path, entry->d_name);
        if (entry->d_name[0] == '.' || stat(full, &info) != 0 || !S_ISDIR(info.st_mode))
            continue;
        names = realloc(names, (*count + 1) * sizeof(*names));
        if (names == NULL || (names[*count] = strdup(full)) == NULL)
            abort();
        (*count)++;
    }
    if (dir)
        closedir(dir);
    if (*count > 1)
        qsort(names, *count, sizeof(*names), by_name);
    return names;
}

static void free_folders(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static size_t run_parser(const struct ct_parser *parser, const char *fixtures, const char *only, bool update)
{
    char path[4096];
    size_t count, done = 0;
    snprintf(path, sizeof(path), "%.3800s/%s", fixtures, parser->name);
    char **cases = list_folders(path, &count);
    for (size_t i = 0; i < count; i++)
        if (only == NULL || strcmp(base_of(cases[i]), only) == 0) {
            run_case(parser, cases[i], update);
            done++;
        }
    if (done == 0)
        fail(path, "has no case: a parser needs at least one");
    free_folders(cases, count);
    return done;
}

/* Other tests keep other things under fixtures/: only a folder with an expected.jsonl is ours. */
static bool has_cases(const char *folder)
{
    size_t count;
    bool found = false;
    char **cases = list_folders(folder, &count);
    for (size_t i = 0; i < count && !found; i++) {
        char path[4096];
        struct stat info;
        snprintf(path, sizeof(path), "%.4000s/expected.jsonl", cases[i]);
        found = stat(path, &info) == 0;
    }
    free_folders(cases, count);
    return found;
}

int main(int argc, char **argv)
{
    bool update = argc > 1 && strcmp(argv[1], "--update") == 0;
    argv += update;
    argc -= update;
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: golden [--update] FIXTURES [PARSER [CASE]]\n");
        return 2;
    }
    size_t cases = 0, count;
    for (const struct ct_parser *const *parser = ct_parsers; *parser; parser++)
        if (argc < 3 || strcmp((*parser)->name, argv[2]) == 0)
            cases += run_parser(*parser, argv[1], argc > 3 ? argv[3] : NULL, update);
    char **folders = list_folders(argv[1], &count);
    for (size_t i = 0; i < count; i++)
        if (has_cases(folders[i]) && ct_parser_find(ct_span_of(base_of(folders[i]))) == NULL)
            fail(folders[i], "no parser of this name in parsers.def");
    free_folders(folders, count);
    if (argc >= 3 && cases == 0)
        fail(argv[2], "no such parser or case");
    printf("%zu cases, %d failures\n", cases, failures);
    return failures ? 1 : 0;
}
