/* A setup as bytes: packed, unpacked and packed again it is the same; opened it is what the configuration says; damaged
 * it is refused, whatever the damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/packs.h"
#include "cli/setup.h"
#include "engine/cost.h"

static const struct ct_command command = {.name = "test"};

static const char yaml[] = "idle: 90s\n"
                           "idle_by_channel: {whatsapp: 24h}\n"
                           "announced: always\n"
                           "cost_model: cost.yaml\n"
                           "handoff_tools: [escalate_*]\n"
                           "max_record: 1M\n"
                           "sources:\n"
                           "  web: {format: convtap, channel: web, bot: Nube, tenant: t1}\n"
                           "  chat: {format: whatsapp, options: {zone: Europe/Madrid, order: dmy, bot: [Ana, Luz]}}\n";

/* A folder with the configuration; its rules are the source tree's. */
struct fixture {
    char folder[64], config[128];
    char *packed;
    size_t len;
};

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    assert_true(fputs(text, to) >= 0 && fclose(to) == 0);
}

static char *pack(const char *file, size_t *len)
{
    const struct ct_session_arguments arguments = {.config = file, .rules = CT_SOURCE_DIR "/rules"};
    struct ct_config config;
    struct ct_error err = {0};
    char *packed = NULL;
    assert_int_equal(ct_config_open(&config, &command, &arguments), -1);
    enum ct_status status = ct_setup_of_config(&config, &packed, len, &err);
    ct_config_close(&config);
    if (status != CT_OK) {
        fail_msg("%s", err.text);
    }
    return packed;
}

static int setup_folder(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/convtap-setup-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->config, sizeof f->config, "%s/convtap.yaml", f->folder);
    write_text(f->folder, "convtap.yaml", yaml);
    write_text(f->folder, "cost.yaml", "currency: EUR\nhuman: {per_minute: 0.5}\n");
    f->packed = pack(f->config, &f->len);
    *state = f;
    return 0;
}

static int remove_folder(void **state)
{
    struct fixture *f = *state;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/cost.yaml", f->folder);
    (void)unlink(path);
    (void)unlink(f->config);
    (void)rmdir(f->folder);
    free(f->packed);
    free(f);
    return 0;
}

/* ---- the same bytes ---------------------------------------------------------------------- */

static void packs_again_to_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    struct ct_setup_parts parts;
    struct ct_arena arena;
    struct ct_error err = {0};
    char *again;
    size_t len;
    ct_arena_init(&arena, 0, 0);
    assert_int_equal(ct_setup_unpack((ct_span){f->packed, f->len}, &arena, &parts, &err), CT_OK);
    assert_int_equal(ct_setup_pack(&parts, &again, &len, &err), CT_OK);
    assert_int_equal(len, f->len);
    assert_memory_equal(again, f->packed, len);
    free(again);
    ct_arena_done(&arena);
    again = pack(f->config, &len); /* nothing of the machine, the clock or the folder is in it */
    assert_int_equal(len, f->len);
    assert_memory_equal(again, f->packed, len);
    assert_null(memmem(again, len, f->folder, strlen(f->folder)));
    assert_null(memmem(again, len, CT_SOURCE_DIR, strlen(CT_SOURCE_DIR)));
    free(again);
}

static void says_what_the_configuration_says(void **state)
{
    struct fixture *f = *state;
    struct ct_setup_parts parts;
    struct ct_arena arena;
    ct_arena_init(&arena, 0, 0);
    assert_int_equal(ct_setup_unpack((ct_span){f->packed, f->len}, &arena, &parts, NULL), CT_OK);
    assert_int_equal(parts.announced, CT_ANNOUNCED_ALWAYS);
    assert_int_equal(parts.idle_count, 2);
    assert_true(ct_span_is(parts.idle[0].channel, "whatsapp") && parts.idle[0].usec == CT_USEC_PER_DAY);
    assert_true(parts.idle[1].channel.len == 0 && parts.idle[1].usec == 90 * CT_USEC_PER_SECOND);
    assert_true(parts.has_cost && ct_span_is(parts.cost_file, "cost.yaml"));
    assert_true(parts.max_record_bytes == 1 << 20);
    assert_int_equal(parts.source_count, 2);
    assert_true(ct_span_is(parts.sources[0].name, "web") && ct_span_is(parts.sources[0].bot, "Nube"));
    assert_int_equal(parts.sources[1].option_count, 3);
    assert_true(parts.sources[1].zone_tzif.len > 44 && memcmp(parts.sources[1].zone_tzif.at, "TZif", 4) == 0);
    assert_true(ct_span_is(parts.packs[parts.pack_count - 1].file, "configuration"));
    ct_arena_done(&arena);
}

static void opens_without_any_file(void **state)
{
    struct fixture *f = *state;
    const struct ct_session_arguments arguments = {.config = f->config, .rules = CT_SOURCE_DIR "/rules"};
    struct ct_setups *setups = ct_setups_new();
    struct ct_feed_setup a, b;
    struct ct_error err = {0};
    struct ct_config config;
    char hash[65];
    assert_non_null(setups);
    assert_int_equal(ct_config_open(&config, &command, &arguments), -1);
    struct ct_ruleset *audits = ct_config_ruleset(&config, config.rules, &err); /* as audit loads them */
    assert_non_null(audits);
    write_text(f->folder, "cost.yaml", "no: longer\n");
    assert_int_equal(ct_setups_open(setups, (ct_span){f->packed, f->len}, &a, &err), CT_OK);
    assert_int_equal(ct_setups_open(setups, (ct_span){f->packed, f->len}, &b, &err), CT_OK);
    write_text(f->folder, "cost.yaml", "currency: EUR\nhuman: {per_minute: 0.5}\n");
    assert_string_equal(a.setup->rules->hash, audits->hash);
    assert_ptr_equal(a.setup->rules, b.setup->rules); /* compiled once */
    assert_int_equal(ct_packs_hash(&(struct ct_pack_source){.bytes = {f->packed, f->len}}, 1, hash, &err), CT_OK);
    assert_string_equal(a.setup->hash, hash);
    assert_true(ct_span_is(ct_cost_model_currency(a.setup->conversation.cost), "EUR"));
    assert_true(ct_silence_of(&a.setup->silence, CT_SPAN_LIT("whatsapp"), false) == CT_USEC_PER_DAY);
    assert_true(ct_silence_of(&a.setup->silence, CT_SPAN_LIT("web"), false) == 90 * CT_USEC_PER_SECOND);
    assert_string_equal(a.sources[1].parser->name, "whatsapp");
    struct ct_ruleset *found = ct_setups_rules(setups, audits->hash);
    assert_ptr_equal(found, a.setup->rules);
    assert_null(ct_setups_rules(setups, "0000"));
    ct_setup_unref(a.setup);
    ct_setups_free(setups); /* b goes on */
    assert_string_equal(b.setup->rules->hash, audits->hash);
    ct_setup_unref(b.setup);
    ct_ruleset_unref(found);
    ct_ruleset_unref(audits);
    ct_config_close(&config);
}

static void parts_are_replaced(void **state)
{
    struct fixture *f = *state;
    struct ct_setup_parts parts;
    struct ct_arena arena;
    struct ct_feed_setup opened;
    struct ct_error err = {0};
    char *other;
    size_t len;
    ct_arena_init(&arena, 0, 0);
    assert_int_equal(ct_setup_unpack((ct_span){f->packed, f->len}, &arena, &parts, &err), CT_OK);
    parts.idle_count = 0;
    parts.has_cost = false;
    parts.source_count = 1;
    parts.pack_count--; /* without the configuration's own */
    assert_int_equal(ct_setup_pack(&parts, &other, &len, &err), CT_OK);
    ct_arena_done(&arena);
    for (unsigned which = 0; which < 8; which++) {
        struct ct_setups *setups = ct_setups_new();
        assert_non_null(setups);
        assert_int_equal(ct_setups_replace(setups, (ct_span){other, len}, which, &err), CT_OK);
        assert_int_equal(ct_setups_open(setups, (ct_span){f->packed, f->len}, &opened, &err), CT_OK);
        ct_setups_free(setups);
        assert_int_equal(opened.setup->silence.idle_count, which & CT_SETUP_OPTIONS ? 0 : 2);
        assert_int_equal(opened.setup->conversation.cost == NULL, (which & CT_SETUP_OPTIONS) != 0);
        assert_int_equal(opened.source_count, which & CT_SETUP_SOURCES ? 1 : 2);
        assert_string_equal(opened.sources[0].parser->name, "convtap");
        bool own = ct_ruleset_signal(opened.setup->rules, CT_SPAN_LIT("platform.handoff")) >= 0 &&
                   ct_span_is(opened.setup->rules->packs[opened.setup->rules->pack_count - 1].name, "configuration");
        assert_int_equal(own, (which & CT_SETUP_RULES) == 0);
        ct_setup_unref(opened.setup);
    }
    free(other);
}

/* ---- damage ------------------------------------------------------------------------------ */

/* The copy ends where the bytes end, so that the address sanitizer sees a step too far. */
static enum ct_status unpack_copy(const char *bytes, size_t len)
{
    struct ct_setup_parts parts;
    struct ct_arena arena;
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    ct_arena_init(&arena, 0, 0);
    enum ct_status status = ct_setup_unpack((ct_span){copy, len}, &arena, &parts, NULL);
    if (status == CT_OK) { /* then it is canonical */
        char *again;
        size_t again_len;
        assert_int_equal(ct_setup_pack(&parts, &again, &again_len, NULL), CT_OK);
        assert_int_equal(again_len, len);
        assert_memory_equal(again, copy, len);
        free(again);
    }
    ct_arena_done(&arena);
    free(copy);
    return status;
}

static void cut_anywhere_is_refused(void **state)
{
    struct fixture *f = *state;
    for (size_t len = 0; len < f->len; len += len < 400 || f->len - len < 4000 ? 1 : 997) {
        assert_int_equal(unpack_copy(f->packed, len), CT_BAD_CONFIG);
    }
    char *longer = malloc(f->len + 1);
    assert_non_null(longer);
    memcpy(longer, f->packed, f->len);
    longer[f->len] = '\0';
    assert_int_equal(unpack_copy(longer, f->len + 1), CT_BAD_CONFIG);
    free(longer);
}

static void flipped_bytes_never_crash(void **state)
{
    struct fixture *f = *state;
    char *bytes = malloc(f->len);
    uint64_t random = 88172645463325252u;
    unsigned refused = 0;
    assert_non_null(bytes);
    for (unsigned round = 0; round < 400; round++) {
        memcpy(bytes, f->packed, f->len);
        for (unsigned n = 0; n < 1 + round % 4; n++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            size_t at = (size_t)(round % 2 ? random % 64 : f->len - 1 - random % 3000);
            bytes[at] = (char)(random >> 32);
        }
        enum ct_status status = unpack_copy(bytes, f->len);
        assert_true(status == CT_OK || status == CT_BAD_CONFIG);
        refused += status == CT_BAD_CONFIG;
    }
    assert_true(refused > 100);
    free(bytes);
}

static void hostile_counts_take_no_memory(void **state)
{
    static const char huge[] = "CTSETUP1\xff\xff\xff\xff rest of it";
    static const char newer[] = "CTSETUP2";
    struct ct_setup_parts parts;
    struct ct_arena arena;
    struct ct_error err = {0};
    (void)state;
    assert_int_equal(unpack_copy(huge, sizeof huge - 1), CT_BAD_CONFIG);
    assert_int_equal(unpack_copy("", 0), CT_BAD_CONFIG);
    ct_arena_init(&arena, 0, 0);
    assert_int_equal(ct_setup_unpack(ct_span_of(newer), &arena, &parts, &err), CT_BAD_CONFIG);
    assert_non_null(strstr(err.text, "another version"));
    ct_arena_done(&arena);
}

static void what_is_wrong_in_it_is_said(void **state)
{
    struct fixture *f = *state;
    struct ct_setup_parts parts;
    struct ct_arena arena;
    struct ct_feed_setup opened;
    struct ct_setups *setups = ct_setups_new();
    assert_non_null(setups);
    for (int what = 0; what < 4; what++) {
        struct ct_error err = {0};
        char *bytes;
        size_t len;
        ct_arena_init(&arena, 0, 0);
        assert_int_equal(ct_setup_unpack((ct_span){f->packed, f->len}, &arena, &parts, &err), CT_OK);
        if (what == 0) {
            parts.sources[0].format = CT_SPAN_LIT("of-the-future");
        } else if (what == 1) {
            parts.packs[0].bytes = CT_SPAN_LIT("pack: [");
        } else if (what == 2) {
            parts.cost = CT_SPAN_LIT("price: 7");
        } else {
            parts.sources[1].zone_tzif = CT_SPAN_LIT("TZif but no more");
        }
        assert_int_equal(ct_setup_pack(&parts, &bytes, &len, &err), CT_OK);
        enum ct_status status = ct_setups_open(setups, (ct_span){bytes, len}, &opened, &err);
        assert_int_equal(status, what == 1 ? CT_BAD_RULES : CT_BAD_CONFIG);
        assert_true(err.text[0] != '\0');
        assert_null(opened.setup);
        free(bytes);
        ct_arena_done(&arena);
    }
    ct_setups_free(setups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packs_again_to_the_same_bytes, setup_folder, remove_folder),
        cmocka_unit_test_setup_teardown(says_what_the_configuration_says, setup_folder, remove_folder),
        cmocka_unit_test_setup_teardown(opens_without_any_file, setup_folder, remove_folder),
        cmocka_unit_test_setup_teardown(parts_are_replaced, setup_folder, remove_folder),
        cmocka_unit_test_setup_teardown(cut_anywhere_is_refused, setup_folder, remove_folder),
        cmocka_unit_test_setup_teardown(flipped_bytes_never_crash, setup_folder, remove_folder),
        cmocka_unit_test(hostile_counts_take_no_memory),
        cmocka_unit_test_setup_teardown(what_is_wrong_in_it_is_said, setup_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
