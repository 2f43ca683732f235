/* fuzz_parsers.c - any bytes, every parser: no crash, and the same answer wherever the bytes are cut.
 *
 * Three laws on each input:
 *   - every parser, fed whole and fed in pieces, says the same, byte for byte;
 *   - what the field reader accepts as JSON, cJSON accepts, and both read the same keys, kinds and values;
 *   - detection answers with a parser of the table or with none.
 * With -fsanitize=fuzzer this is a libFuzzer target (give it fixtures/ as corpus). Without, its own main
 * runs the inputs under a folder and a bounded number of mutations of them, the same ones each time:
 *
 *     fuzz_parsers FIXTURES [COUNT [SEED]]
 */
#include "parsers/json_reader.h"
#include "tests/golden/transcript.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok, const char *what, const char *detail)
{
    if (ok)
        return;
    fprintf(stderr, "law broken: %s: %s\n", what, detail);
    abort();
}

/* ---- the field reader against cJSON ------------------------------------------------------ */

static void same_value(struct ct_json *json, const cJSON *item);

static void same_object(struct ct_json *json, const cJSON *item)
{
    struct ct_json_walk walk = {0};
    ct_span key;
    must(ct_json_object(json, NULL), "object", "not entered");
    const cJSON *child = item->child;
    while (ct_json_key(json, &walk, &key)) {
        must(child != NULL, "object", "cJSON has fewer members");
        must(ct_span_is(key, child->string), "key", child->string);
        same_value(json, child);
        if (json->status != CT_OK)
            return;
        child = child->next;
    }
    must(json->status != CT_OK || child == NULL, "object", "cJSON has more members");
}

static void same_array(struct ct_json *json, const cJSON *item)
{
    struct ct_json_walk walk = {0};
    must(ct_json_array(json, NULL), "array", "not entered");
    const cJSON *child = item->child;
    while (ct_json_element(json, &walk)) {
        must(child != NULL, "array", "cJSON has fewer elements");
        same_value(json, child);
        if (json->status != CT_OK)
            return;
        child = child->next;
    }
    must(json->status != CT_OK || child == NULL, "array", "cJSON has more elements");
}

static void same_value(struct ct_json *json, const cJSON *item)
{
    ct_span text;
    char number[CT_JSON_NUMBER_MAX + 1];
    switch (ct_json_peek(json)) {
    case CT_JSON_STRING:
        must(cJSON_IsString(item), "kind", "string");
        must(ct_json_string(json, NULL, &text), "string", "not read");
        must(ct_span_is(text, item->valuestring), "string", item->valuestring);
        must(ct_utf8_valid(text, NULL), "string", "not UTF-8");
        break;
    case CT_JSON_NUMBER:
        must(cJSON_IsNumber(item), "kind", "number");
        must(ct_json_number(json, NULL, &text), "number", "not read");
        memcpy(number, text.at, text.len);
        number[text.len] = '\0';
        must(strtod(number, NULL) == item->valuedouble, "number", number);
        break;
    case CT_JSON_OBJECT:
        must(cJSON_IsObject(item), "kind", "object");
        same_object(json, item);
        break;
    case CT_JSON_ARRAY:
        must(cJSON_IsArray(item), "kind", "array");
        same_array(json, item);
        break;
    case CT_JSON_TRUE:
    case CT_JSON_FALSE:
        must(cJSON_IsBool(item) && cJSON_IsTrue(item) == (ct_json_peek(json) == CT_JSON_TRUE), "kind", "boolean");
        must(ct_json_skip(json), "boolean", "not read");
        break;
    case CT_JSON_NULL:
        must(cJSON_IsNull(item), "kind", "null");
        must(ct_json_skip(json), "null", "not read");
        break;
    case CT_JSON_BAD:
        must(false, "kind", "none");
    }
}

static void compare_json(ct_span bytes)
{
    struct ct_arena scratch;
    struct ct_json json;
    ct_arena_init(&scratch, 0, (size_t)64 << 20);
    ct_json_init(&json, bytes, &scratch);
    if (ct_json_check(&json, CT_JSON_DEPTH_MAX, UINT64_MAX)) {
        char *copy = malloc(bytes.len + 1); /* cJSON looks for the NUL only where it is told of one */
        must(copy != NULL, "memory", "none");
        memcpy(copy, bytes.at, bytes.len);
        copy[bytes.len] = '\0';
        cJSON *root = cJSON_ParseWithLengthOpts(copy, bytes.len + 1, NULL, true);
        must(root != NULL, "accepted here, refused by cJSON", copy);
        ct_json_init(&json, bytes, &scratch);
        same_value(&json, root);
        must(json.status == CT_OK || strcmp(json.reason, "too_many_keys") == 0, "read after check", json.reason);
        cJSON_Delete(root);
        free(copy);
    }
    ct_arena_done(&scratch);
}

/* ---- every parser ------------------------------------------------------------------------ */

static void run_parser(const struct ct_parser *parser, ct_span bytes, size_t first, size_t then, size_t record_max)
{
    struct ct_parser_config config = {.source = CT_SPAN_LIT("fuzz.in")};
    struct transcript whole = {0}, pieces = {0};
    struct transcript_feed at_once = {0, 0, record_max}, cut = {first, then, record_max};
    enum ct_status a = transcript_run(&whole, parser, &config, bytes, &at_once);
    enum ct_status b = transcript_run(&pieces, parser, &config, bytes, &cut);
    must(a == b, "status depends on the cut", parser->name);
    must(whole.len == pieces.len && memcmp(whole.at, pieces.at, whole.len) == 0, "output depends on the cut",
         parser->name);
    free(whole.at);
    free(pieces.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ct_span bytes = {(const char *)data, size};
    if (size > INPUT_MAX)
        return 0;
    if (size == 0)
        bytes = (ct_span){"", 0};
    uint64_t dice = ct_hash(bytes, 7);
    size_t first = size ? (size_t)(dice >> 8) % size : 0;
    size_t then = (dice & 3) == 0 && size < 2048 ? 1 : 1 + (size_t)(dice >> 40) % (size + 1);
    for (const struct ct_parser *const *parser = ct_parsers; *parser; parser++)
        run_parser(*parser, bytes, first, then, (size_t)16 << 20);
    (void)ct_parser_detect(bytes);
    compare_json(bytes);
    /* Lines of their own, so that JSON lines reach the comparison too. */
    for (size_t at = 0; at < size;) {
        const char *end = memchr(bytes.at + at, '\n', size - at);
        size_t stop = end ? (size_t)(end - bytes.at) : size;
        if (stop > at)
            compare_json((ct_span){bytes.at + at, stop - at});
        at = stop + 1;
    }
    return 0;
}

#ifndef CT_LIBFUZZER

#include <dirent.h>
#include <sys/stat.h>

#include "tests/fuzz/mutate.h"

#define SEEDS_MAX 4096

static struct seed seeds[SEEDS_MAX];
static size_t seed_count;

static void load(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || seed_count == SEEDS_MAX)
        exit(2);
    struct seed *seed = &seeds[seed_count++];
    seed->at = malloc(INPUT_MAX);
    if (seed->at == NULL)
        exit(2);
    seed->len = fread(seed->at, 1, INPUT_MAX, file);
    fclose(file);
}

static void load_folder(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char full[4096];
        struct stat info;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(full, sizeof(full), "%.3800s/%s", path, entry->d_name);
        if (stat(full, &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode))
            load_folder(full);
        else if (strncmp(entry->d_name, "input", 5) == 0)
            load(full);
    }
    closedir(dir);
}

/* Folders list their entries in any order; the run must not depend on it. */
static int by_bytes(const void *a, const void *b)
{
    const struct seed *x = a, *y = b;
    size_t shared = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->at, y->at, shared);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static const char *const pieces[] = {
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "\r\n",
    "\\u0000",
    "\xEF\xBB\xBF",
    "\xC3",
    "\xED\xA0\x80",
    "\\ud83d",
    "\\ude00",
    "null",
    "true",
    "-0",
    "1e9",
    "007",
    "\"messages\":[",
    "\"text\":\"\"",
    "\"role\":\"user\"",
    "\"simulations\":[",
    "\"conversation_id\":1,",
    "[[[[[[[[",
    " ",
    "\t",
    ";",
    "12/31/24, ",
    "[1/2/24, 10:11:12] ",
    "9007199254740993",
    "\0",
};

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: fuzz_parsers FIXTURES [COUNT [SEED]]\n");
        return 2;
    }
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    uint64_t state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    load_folder(argv[1]);
    if (seed_count == 0) {
        fprintf(stderr, "no files input.* under %s\n", argv[1]);
        return 2;
    }
    qsort(seeds, seed_count, sizeof(*seeds), by_bytes);
    for (size_t i = 0; i < seed_count; i++)
        LLVMFuzzerTestOneInput(seeds[i].at, seeds[i].len);
    const struct mutants mutants = {seeds, seed_count, pieces, sizeof pieces / sizeof *pieces, 0, INPUT_MAX};
    uint8_t *work = malloc(INPUT_MAX);
    if (work == NULL)
        return 2;
    for (unsigned long i = 0; i < count; i++) {
        size_t len = mutate(&mutants, work, &state);
        /* A copy of just that length, so that a sanitizer sees any read behind it. */
        uint8_t *input = malloc(len ? len : 1);
        if (input == NULL)
            return 2;
        memcpy(input, work, len);
        LLVMFuzzerTestOneInput(input, len);
        free(input);
    }
    printf("%zu inputs and %lu mutations of them\n", seed_count, count);
    free(work);
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i].at);
    return 0;
}
#endif
