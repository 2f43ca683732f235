/* The live tap's sections in their structs: defaults, units, lists, names that other rooms know, addresses, zones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/serve_config.h"
#include "cli/zones.h"
#include "plugin/gate/webhook.h"
#include "plugin/subscribe/subscribe.h"

static const struct ct_command command = {.name = "test"};

struct file {
    char path[64];
};

static struct file write_file(const char *yaml)
{
    struct file f = {"/tmp/convtap-config-XXXXXX"};
    int fd = mkstemp(f.path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, yaml, strlen(yaml)), (int)strlen(yaml));
    close(fd);
    return f;
}

static void open_text(struct ct_config *config, const char *yaml, struct file *f)
{
    *f = write_file(yaml);
    const struct ct_session_arguments arguments = {.config = f->path};
    assert_int_equal(ct_config_open(config, &command, &arguments), -1);
}

static void defaults(void **state)
{
    (void)state;
    struct ct_config config;
    const struct ct_session_arguments arguments = {.desk = "[::1]:0"};
    assert_int_equal(ct_config_open(&config, &command, &arguments), -1);
    const struct ct_serve_settings *serve = ct_config_part(&config, CT_SECTION_SERVE, 0);
    const struct ct_tape_settings *tape = ct_config_part(&config, CT_SECTION_TAPE, 0);
    const struct ct_door_settings *intake = ct_config_part(&config, CT_SECTION_INTAKE, 0);
    const struct ct_door_settings *desk = ct_config_part(&config, CT_SECTION_DESK, 0);
    assert_string_equal(serve->store, "convtap.db");
    assert_int_equal(serve->tick_usec, CT_USEC_PER_SECOND);
    assert_int_equal(serve->slices.count, 2);
    assert_string_equal(ct_slice_field_text(serve->slices.at[1]), "language");
    assert_int_equal(serve->open_max, 1000000);
    assert_true(serve->memory_max == (size_t)4 << 30);
    assert_int_equal(tape->commit_usec, 20000);
    assert_int_equal(tape->keep_usec, 30 * CT_USEC_PER_DAY);
    assert_true(tape->compress && tape->keep_bytes == (size_t)20 << 30);
    assert_string_equal(intake->listen, "127.0.0.1:7801");
    assert_string_equal(desk->listen, "[::1]:0"); /* the command line's */
    assert_null(intake->origins);
    assert_int_equal(intake->open, CT_DOOR_AUTO);
    for (unsigned s = CT_SECTION_SOURCE; s < CT_SECTION_COUNT; s++) { /* alarms: those that convtap came with */
        assert_int_equal(config.groups[s].count, s == CT_SECTION_ALARM ? 5 : 0);
    }
    ct_serve_config_check(&config);
    assert_int_equal(config.errors, 0);
    ct_config_close(&config);
}

static void sections_become_structs(void **state)
{
    (void)state;
    struct ct_config config;
    struct file f;
    open_text(&config,
              "serve:\n  store: none\n  tape: {folder: sub/t, keep: 0, compress: no}\n  slices: []\n"
              "  intake: {origins: ['https://a.example', 'https://b.example'], open: no}\n"
              "sources: {a: , b: {format: csv, options: {order: dmy}}}\n"
              "relays:\n"
              "  - {source: a, listen: 'unix:/tmp/s', upstream: '[::1]:3000', client: bot, read: [http, websocket], "
              "paths: [/ws]}\n"
              "  - {source: b, listen: '127.0.0.1:0', upstream: 'gw:1', upstream_tls: yes, upstream_verify: no}\n"
              "subscriptions:\n  - {source: a, kind: directline, url: 'https://d.example/v3'}\n",
              &f);
    const struct ct_serve_settings *serve = ct_config_part(&config, CT_SECTION_SERVE, 0);
    const struct ct_tape_settings *tape = ct_config_part(&config, CT_SECTION_TAPE, 0);
    const struct ct_door_settings *intake = ct_config_part(&config, CT_SECTION_INTAKE, 0);
    assert_null(serve->store);
    assert_int_equal(serve->slices.count, 0);
    assert_string_equal(tape->folder, "/tmp/sub/t"); /* beside the file */
    assert_false(tape->compress || tape->keep_usec);
    assert_string_equal(intake->origins[1], "https://b.example");
    assert_null(intake->origins[2]);
    assert_false(ct_serve_is_open(intake, NULL));
    const struct ct_source_settings *a = ct_config_part(&config, CT_SECTION_SOURCE, 0);
    const struct ct_source_settings *b = ct_config_part(&config, CT_SECTION_SOURCE, 1);
    assert_string_equal(a->name, "a");
    assert_string_equal(a->format->name, "convtap");
    assert_string_equal(b->format->name, "csv");
    assert_true(b->option_count == 1 && ct_span_is(b->options[0].value, "dmy"));
    const struct ct_relay_settings *first = ct_config_part(&config, CT_SECTION_RELAY, 0);
    const struct ct_relay_settings *second = ct_config_part(&config, CT_SECTION_RELAY, 1);
    assert_int_equal(first->client_is, CT_CLIENT_BOT);
    assert_int_equal(first->read, CT_READ_HTTP | CT_READ_WEBSOCKET);
    assert_string_equal(first->paths[0], "/ws");
    assert_int_equal(second->read, CT_READ_HTTP | CT_READ_WEBSOCKET | CT_READ_EVENTS);
    assert_true(second->upstream_tls && !second->upstream_verify && !second->paths);
    const struct ct_subscription_settings *stream = ct_config_part(&config, CT_SECTION_SUBSCRIPTION, 0);
    assert_int_equal(stream->kind, CT_SUBSCRIBE_DIRECTLINE);
    assert_true(stream->verify);
    ct_config_close(&config);
    unlink(f.path);
}

/* The i-th of a choice's names is the i-th of the other room's enum. */
static void choices_are_the_other_rooms(void **state)
{
    (void)state;
    static const enum ct_setting_id ids[] = {CT_SET_WEBHOOK_SIGNATURE, CT_SET_SUBSCRIPTION_KIND};
    for (size_t i = 0; i < 2; i++) {
        unsigned number = 0;
        for (const char *at = ct_settings[ids[i]].argument; *at; at += *at == '|', number++) {
            enum ct_webhook_kind webhook = CT_WEBHOOK_NONE;
            enum ct_subscribe_kind stream = CT_SUBSCRIBE_RAW;
            ct_span name = {at, strcspn(at, "|")};
            assert_true(i == 0 ? ct_webhook_kind_from(name, &webhook) : ct_subscribe_kind_from(name, &stream));
            assert_int_equal(i == 0 ? (unsigned)webhook : (unsigned)stream, number);
            at += name.len;
        }
        assert_true(number == (i == 0 ? CT_WEBHOOK_SECRET + 1u : (unsigned)CT_SUBSCRIBE_COUNT));
    }
}

static void rows_know_their_section(void **state)
{
    (void)state;
    unsigned next = 0;
    for (unsigned s = 0; s < CT_SECTION_COUNT; s++) {
        assert_int_equal(ct_sections[s].first, next);
        assert_true(ct_sections[s].count > 0);
        next += ct_sections[s].count;
        for (unsigned i = ct_sections[s].first; i < next; i++) {
            assert_non_null(ct_settings[i].key);
            assert_true(ct_settings[i].to < ct_sections[s].bytes);
            assert_true(!ct_settings[i].needed || !ct_settings[i].fallback);
        }
    }
    assert_int_equal(next, CT_SETTING_ROWS);
    assert_string_equal(ct_settings[CT_SET_DESK_LISTEN].key, "listen");
    assert_string_equal(ct_settings[CT_SET_SUBSCRIPTION_VERIFY].key, "verify");
}

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        unsigned port;
        bool good, loopback;
    } rows[] = {
        {"127.0.0.1:7801", "127.0.0.1", 7801, true, true},
        {"127.8.9.1:0", "127.8.9.1", 0, true, true},
        {"[::1]:65535", "::1", 65535, true, true},
        {"localhost:1", "localhost", 1, true, true},
        {"unix:/run/x", "unix:/run/x", 0, true, true},
        {"0.0.0.0:80", "0.0.0.0", 80, true, false},
        {"[::]:80", "::", 80, true, false},
        {"gateway.local:3000", "gateway.local", 3000, true, false},
        {"localhost.evil.example:80", "localhost.evil.example", 80, true, false},
        {"127.0.0.1.example:80", "127.0.0.1.example", 80, true, false},
        {"127.0.0.1", NULL, 0, false, false},
        {"127.0.0.1:", NULL, 0, false, false},
        {":80", NULL, 0, false, false},
        {"::1:80", NULL, 0, false, false},
        {"[::1]80", NULL, 0, false, false},
        {"[::1", NULL, 0, false, false},
        {"h:65536", NULL, 0, false, false},
        {"h:99999999999", NULL, 0, false, false},
        {"h:8x", NULL, 0, false, false},
        {"h h:80", NULL, 0, false, false},
        {"http://h:80", NULL, 0, false, false},
        {"unix:", NULL, 0, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char host[256] = "";
        unsigned port = 0;
        if (ct_address_split(rows[i].text, host, &port) != rows[i].good) {
            fail_msg("%s", rows[i].text);
        }
        if (rows[i].good) {
            assert_string_equal(host, rows[i].host);
            assert_int_equal(port, rows[i].port);
        }
        assert_int_equal(ct_address_is_loopback(rows[i].text), rows[i].loopback);
    }
}

/* Seconds east of UTC of a zone as it is named. */
static int64_t offset_of(const char *name, ct_usec at)
{
    struct ct_zone zone;
    struct ct_error err = {0};
    assert_int_equal(ct_zone_open(ct_span_of(name), &zone, &err), CT_OK);
    int64_t offset = ct_zone_offset(&zone, at / CT_USEC_PER_SECOND);
    ct_zone_done(&zone);
    return offset;
}

static void zones(void **state)
{
    (void)state;
    ct_usec winter, summer;
    struct ct_zone zone;
    struct ct_error err = {0};
    assert_true(ct_time_parse(CT_SPAN_LIT("2026-01-15T12:00:00Z"), &winter));
    assert_true(ct_time_parse(CT_SPAN_LIT("2026-07-15T12:00:00Z"), &summer));
    assert_int_equal(offset_of("UTC", winter), 0);
    assert_int_equal(offset_of("-03:30", winter), -12600);
    assert_int_equal(offset_of("Europe/Madrid", winter), 3600);
    assert_int_equal(offset_of("Europe/Madrid", summer), 7200);
    assert_int_equal(offset_of("America/St_Johns", winter), -12600);
    assert_int_equal(ct_zone_open(CT_SPAN_LIT("Mars/Olympus"), &zone, &err), CT_BAD_CONFIG);
    assert_non_null(strstr(err.text, "tzdata"));
    assert_false(ct_zone_needs_file(CT_SPAN_LIT("../../etc/passwd")));
    assert_false(ct_zone_needs_file(CT_SPAN_LIT("/etc/passwd")));
}

/* serve.zone, else the file's; nothing said is UTC. */
static void the_live_taps_zone(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        int64_t summer; /* seconds east of UTC */
    } rows[] = {{"idle: 1m\n", 0},
                {"zone: Europe/Madrid\n", 7200},
                {"zone: Europe/Madrid\nserve: {zone: UTC}\n", 0},
                {"zone: UTC\nserve: {zone: America/New_York}\n", -14400},
                {"serve: {zone: '+05:30'}\n", 19800}};
    ct_usec summer;
    assert_true(ct_time_parse(CT_SPAN_LIT("2026-07-15T12:00:00Z"), &summer));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ct_config config;
        struct ct_error err = {0};
        const struct ct_zone *zone, *again;
        struct file f;
        open_text(&config, rows[i].yaml, &f);
        assert_int_equal(ct_serve_zone(&config, &zone, &err), CT_OK);
        assert_int_equal(ct_zone_offset(zone, summer / CT_USEC_PER_SECOND), rows[i].summer);
        assert_int_equal(ct_serve_zone(&config, &again, &err), CT_OK);
        assert_ptr_equal(again, zone);
        ct_config_close(&config);
        unlink(f.path);
    }
}

static void count_key(void *context, const char *name)
{
    char *all = context;
    size_t len = strlen(all);
    (void)snprintf(all + len, 400 - len, "%s ", name);
}

static void reload_knows_what_it_changes_and_what_it_cannot(void **state)
{
    (void)state;
    struct ct_config was, is;
    struct file f, g;
    char keys[400] = "";
    open_text(&was,
              "serve: {tick: 1s, desk: {rate: 5}}\nidle: 1m\nsources: {a: }\n"
              "alarms: {one: {when: csat < 70, hold: 2}}\n",
              &f);
    open_text(&is,
              "serve: {tick: 2s, desk: {rate: 6}, tokens: other, alarm_every: 2m}\nidle: 2m\nreturn_window: 3d\n"
              "return_topic: any\nzone: '+01:00'\nchurn_window: 9d\nsources: {b: {bot: x}, c: }\nlang: es\n"
              "alarms: {one: {when: csat < 60, hold: 2}}\ntargets: {csat: '>= 80'}\n"
              "relays: [{source: b, listen: 'h:1', upstream: 'g:1'}]\n",
              &g);
    assert_int_equal(ct_serve_config_differs(&was, &is, CT_SERVE_KEYS_OF_A_RESTART, count_key, keys), 4);
    assert_string_equal(keys, "zone serve.tick serve.desk.rate relays ");
    keys[0] = '\0';
    assert_int_equal(ct_serve_config_differs(&was, &is, CT_SERVE_KEYS_RELOADED, count_key, keys), 7);
    assert_string_equal(keys, "return_window return_topic targets churn_window serve.tokens serve.alarm_every "
                              "alarms.one.when ");
    assert_int_equal(ct_serve_config_differs(&is, &is, CT_SERVE_KEYS_RELOADED, count_key, keys), 0);
    assert_int_equal(ct_serve_config_differs(&is, &is, CT_SERVE_KEYS_OF_A_RESTART, count_key, keys), 0);
    ct_config_close(&was);
    ct_config_close(&is);
    unlink(f.path);
    unlink(g.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(sections_become_structs),
        cmocka_unit_test(choices_are_the_other_rooms),
        cmocka_unit_test(rows_know_their_section),
        cmocka_unit_test(addresses),
        cmocka_unit_test(zones),
        cmocka_unit_test(the_live_taps_zone),
        cmocka_unit_test(reload_knows_what_it_changes_and_what_it_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
