/* parsers_whatsapp.c - headers, placeholders, day and month, zones and roles of exported chats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/zone.h"
#include "parsers/whatsapp_line.h"
#include "tests/unit/parse_lines.h"

extern const struct ct_parser ct_parser_whatsapp;

#define LRM "\xE2\x80\x8E"
#define NNBSP "\xE2\x80\xAF"
#define NBSP "\xC2\xA0"

static struct parsed *parse(const char *text, const char *const *pairs)
{
    return parse_text(&ct_parser_whatsapp, ct_span_of(text), pairs, CT_SPAN_NONE);
}

static ct_usec at(const char *text)
{
    ct_usec ts = 0;
    assert_true(ct_time_parse(ct_span_of(text), &ts));
    return ts;
}

static void reads_every_header_style(void **unused)
{
    (void)unused;
    static const struct {
        const char *line;
        enum ct_whatsapp_style style;
        int hour, minute, second;
    } cases[] = {
        {"3/6/18, 1:55 p.m. - ana: m", CT_WHATSAPP_DASH, 13, 55, 0},
        {"03-06-2018, 01.55 PM - ana: m", CT_WHATSAPP_DASH, 13, 55, 0},
        {"3/6/2018 1:55 a." NBSP "m. - ana: m", CT_WHATSAPP_DASH, 1, 55, 0},
        {"3/6/18, 12:05" NNBSP "AM - ana: m", CT_WHATSAPP_DASH, 0, 5, 0},
        {"3/6/18, 12:05" NNBSP "PM - ana: m", CT_WHATSAPP_DASH, 12, 5, 0},
        {"13.6.2018 klo 21.25.15 - ana: m", CT_WHATSAPP_DASH, 21, 25, 15},
        {"13.06.18 21.25.15: ana: m", CT_WHATSAPP_COLON, 21, 25, 15},
        {"13. 6. 2018. 21:25:15 ana: m", CT_WHATSAPP_BARE, 21, 25, 15},
        {"[06.13.18 21:25:15] ana: m", CT_WHATSAPP_BRACKET, 21, 25, 15},
        {"[3/6/18 1:55:00 p. m.] ana: m", CT_WHATSAPP_BRACKET, 13, 55, 0},
        {LRM "[3/6/18, 1:55:00" NNBSP "PM] ana: m", CT_WHATSAPP_BRACKET, 13, 55, 0},
        {"[2018/06/13, 21:25:15] ana: m", CT_WHATSAPP_BRACKET, 21, 25, 15},
        {"\xEF\xBB\xBF"
         "13/6/18, 21:25 \xE2\x80\x93 ana: m",
         CT_WHATSAPP_DASH, 21, 25, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ct_whatsapp_line line;
        print_message("%s\n", cases[i].line);
        assert_true(ct_whatsapp_read_line(ct_span_of(cases[i].line), &line));
        assert_int_equal(line.style, cases[i].style);
        assert_int_equal(line.time.hour, cases[i].hour);
        assert_int_equal(line.time.minute, cases[i].minute);
        assert_int_equal(line.time.second, cases[i].second);
        assert_true(ct_span_is(line.name, "ana"));
        assert_true(ct_span_is(line.text, "m"));
        assert_int_equal(line.kind, CT_WHATSAPP_TEXT);
    }
}

static void leaves_other_lines_alone(void **unused)
{
    (void)unused;
    static const char *const lines[] = {
        "",
        "and the second line",
        "3/6/18",
        "3/6/18, 21:25",
        "3/6/18, 21:25 is when we meet",
        "3/6/18 21:25 ana: no dash and no seconds",
        "[3/6/18, 21:25 ana: no bracket",
        "3/6-18, 21:25 - ana: mixed separators",
        "3/6/2018/9, 21:25 - ana: four numbers",
        "123/6/18, 21:25 - ana: m",
        "3/6/018, 21:25 - ana: three digits",
        "10:30 - ana: a clock",
        "1. first 2. second",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct ct_whatsapp_line line;
        print_message("%s\n", lines[i]);
        assert_false(ct_whatsapp_read_line(ct_span_of(lines[i]), &line));
    }
}

static void tells_kinds_apart(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        enum ct_whatsapp_kind kind;
        const char *caption;
    } cases[] = {
        {"hola", CT_WHATSAPP_TEXT, "hola"},
        {"<Media omitted>", CT_WHATSAPP_MEDIA, ""},
        {"<Multimedia omitido>", CT_WHATSAPP_MEDIA, ""},
        {"<M\xC3\xAD"
         "dia oculta>",
         CT_WHATSAPP_MEDIA, ""},
        {"<Arquivo de m\xC3\xAD"
         "dia oculto>",
         CT_WHATSAPP_MEDIA, ""},
        {LRM "sticker omitted", CT_WHATSAPP_MEDIA, ""},
        {LRM "imagen omitida", CT_WHATSAPP_MEDIA, ""},
        {LRM "\xC3\xA1udio ocultado", CT_WHATSAPP_MEDIA, ""},
        {LRM "<adjunto: 0003-FOTO.jpg>", CT_WHATSAPP_MEDIA, ""},
        {"mira " LRM "<adjunto: 0003-FOTO.jpg>", CT_WHATSAPP_MEDIA, "mira"},
        {"AUD-1.opus (file attached)", CT_WHATSAPP_MEDIA, ""},
        {"AUD-1.opus (arquivo anexado)", CT_WHATSAPP_MEDIA, ""},
        {"the image omitted a detail", CT_WHATSAPP_TEXT, "the image omitted a detail"},
        {"a < b and c > d", CT_WHATSAPP_TEXT, "a < b and c > d"},
        {"You deleted this message.", CT_WHATSAPP_DELETED, ""},
        {"Se elimin\xC3\xB3 este mensaje.", CT_WHATSAPP_DELETED, ""},
        {LRM "Esta mensagem foi apagada.", CT_WHATSAPP_DELETED, ""},
        {"why did you say: this message was deleted?", CT_WHATSAPP_TEXT, "why did you say: this message was deleted?"},
        {LRM "Llamada perdida", CT_WHATSAPP_SYSTEM, "Llamada perdida"},
        {"tuve una llamada perdida", CT_WHATSAPP_TEXT, "tuve una llamada perdida"},
        {"Messages and calls are end-to-end encrypted.", CT_WHATSAPP_SYSTEM,
         "Messages and calls are end-to-end encrypted."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        struct ct_whatsapp_line line;
        (void)snprintf(text, sizeof text, "[13/06/18, 21:25:15] ana: %s", cases[i].text);
        print_message("%s\n", text);
        assert_true(ct_whatsapp_read_line(ct_span_of(text), &line));
        assert_int_equal(line.kind, cases[i].kind);
        assert_true(ct_span_is(line.text, cases[i].caption));
    }
}

static void infers_day_and_month(void **unused)
{
    (void)unused;
    struct parsed *p = parse("13/02/26, 10:00 - a: x\n05/03/26, 10:00 - b: y\n", NULL);
    assert_int_equal(p->messages, 2);
    assert_int_equal(p->message[1].ts, at("2026-03-05T10:00:00Z"));
    free(p);
    p = parse("02/13/26, 10:00 - a: x\n05/03/26, 10:00 - b: y\n", NULL);
    assert_int_equal(p->message[1].ts, at("2026-05-03T10:00:00Z"));
    free(p);
    /* Only one reading runs forwards. */
    p = parse("01/11/26, 10:00 - a: x\n01/12/26, 10:00 - b: y\n02/11/26, 10:00 - a: z\n", NULL);
    assert_int_equal(p->messages, 3);
    assert_int_equal(p->message[2].ts, at("2026-02-11T10:00:00Z"));
    free(p);
    /* Both do. */
    p = parse("01/02/26, 10:00 - a: x\n02/03/26, 10:00 - b: y\n", NULL);
    assert_int_equal(p->status, CT_REFUSED);
    assert_int_equal(p->messages, 0);
    assert_int_equal(p->refusals, 1);
    assert_string_equal(p->reason[0], "ambiguous_date");
    free(p);
    /* Day and month alike in every line: nothing is open. */
    p = parse("04/04/26, 10:00 - a: x\n", NULL);
    assert_int_equal(p->messages, 1);
    free(p);
    p = parse("01/02/26, 10:00 - a: x\n02/03/26, 10:00 - b: y\n", (const char *[]){"order", "ymd", NULL});
    assert_int_equal(p->message[0].ts, at("2001-02-26T10:00:00Z"));
    free(p);
    p = parse("x\n", (const char *[]){"order", "dym", NULL});
    assert_int_equal(p->status, CT_BAD_CONFIG);
    free(p);
}

/* A TZif file: one transition from -1 h to +1 h at 1,000,000, and a footer of central Europe. */
static ct_span make_zone(char *out)
{
    static const char type_minus[6] = {'\xFF', '\xFF', '\xF1', '\xF0', 0, 0}, type_plus[6] = {0, 0, 14, 16, 0, 0};
    static const char at[8] = {0, 0, 0, 0, 0, 15, 66, 64}, kind[1] = {1}, name[1] = {0};
    static const char footer[] = "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
    size_t len = 0;
    for (int version = 1; version <= 2; version++) { /* a 32-bit body without transitions, then the 64-bit one */
        memset(out + len, 0, 44);
        memcpy(out + len, "TZif2", 5);
        out[len + 35] = (char)(version - 1); /* timecnt */
        out[len + 39] = (char)version;       /* typecnt */
        out[len + 43] = 1;                   /* charcnt */
        len += 44;
        if (version == 2) {
            memcpy(out + len, at, sizeof at);
            memcpy(out + len + 8, kind, sizeof kind);
            len += 9;
        }
        memcpy(out + len, type_minus, 6);
        len += 6;
        if (version == 2) {
            memcpy(out + len, type_plus, 6);
            len += 6;
        }
        memcpy(out + len, name, 1);
        len += 1;
    }
    memcpy(out + len, footer, sizeof footer - 1);
    return (ct_span){out, len + sizeof footer - 1};
}

static int64_t seconds(const char *text)
{
    return at(text) / CT_USEC_PER_SECOND;
}

static void follows_zones(void **unused)
{
    (void)unused;
    struct ct_zone zone;
    char made[256];
    ct_span bytes = make_zone(made);
    assert_int_equal(ct_zone_init(&zone, CT_SPAN_LIT("Made/Up"), bytes, NULL), CT_OK);
    assert_int_equal(ct_zone_to_utc(&zone, 0), 3600);
    /* The clocks jump from 996,400 to 1,003,600 local: what never came takes the offset before. */
    assert_int_equal(ct_zone_to_utc(&zone, 996399), 999999);
    assert_int_equal(ct_zone_to_utc(&zone, 1000000), 1003600);
    assert_int_equal(ct_zone_to_utc(&zone, 1003600), 1000000);
    static const struct {
        const char *local, *utc;
    } cases[] = {
        {"2026-01-15T12:00:00Z", "2026-01-15T11:00:00Z"}, {"2026-07-15T12:00:00Z", "2026-07-15T10:00:00Z"},
        {"2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z"}, {"2026-03-29T02:30:00Z", "2026-03-29T01:30:00Z"},
        {"2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"}, {"2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"},
        {"2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"}, {"2027-01-01T00:00:00Z", "2026-12-31T23:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ct_zone_to_utc(&zone, seconds(cases[i].local)), seconds(cases[i].utc));
    }
    ct_zone_done(&zone);
    for (size_t len = 1; len < bytes.len; len++) { /* cut anywhere: refused, never read past */
        char *cut = malloc(len);
        memcpy(cut, bytes.at, len);
        assert_int_equal(ct_zone_init(&zone, CT_SPAN_LIT("Made/Up"), (ct_span){cut, len}, NULL), CT_BAD_CONFIG);
        free(cut);
    }
}

static void reads_fixed_offsets(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        int64_t utc;
    } good[] = {{"UTC", 0}, {"", 0}, {"+02:00", -7200}, {"-0330", 12600}, {"+05", -18000}, {"Z", 0}};
    static const char *const bad[] = {"+25:00", "+02:60", "+2:", "Madrid", "+", "+02:00x", "++2"};
    struct ct_zone zone;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(ct_zone_init(&zone, ct_span_of(good[i].name), CT_SPAN_NONE, NULL), CT_OK);
        assert_int_equal(ct_zone_to_utc(&zone, 0), good[i].utc);
        ct_zone_done(&zone);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ct_zone_init(&zone, ct_span_of(bad[i]), CT_SPAN_NONE, NULL), CT_BAD_CONFIG);
    }
}

/* Against the C library's own reading of the same files, every 11 hours over 60 years. */
static void agrees_with_the_system(void **unused)
{
    (void)unused;
    static const char *const names[] = {"Europe/Madrid",    "America/Sao_Paulo",   "America/Bogota",
                                        "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"};
    size_t tried = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[256];
        size_t len = 0;
        (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", names[i]);
        char *bytes = read_whole(path, &len);
        struct ct_zone zone;
        if (!bytes) {
            continue;
        }
        tried++;
        assert_int_equal(ct_zone_init(&zone, ct_span_of(names[i]), (ct_span){bytes, len}, NULL), CT_OK);
        (void)setenv("TZ", names[i], 1);
        tzset();
        for (time_t utc = 0; utc < (time_t)60 * 365 * 86400; utc += 11 * 3600) {
            struct tm local;
            assert_non_null(localtime_r(&utc, &local));
            int64_t wall = (int64_t)timegm(&local), mine = ct_zone_to_utc(&zone, wall);
            /* A time that came twice may be the earlier one: it must still be the same wall clock. */
            time_t back = (time_t)mine;
            struct tm again;
            assert_non_null(localtime_r(&back, &again));
            assert_int_equal(timegm(&again), wall);
            assert_true(mine <= utc);
            assert_true(utc - mine <= 7200);
        }
        ct_zone_done(&zone);
        free(bytes);
    }
    (void)unsetenv("TZ");
    tzset();
    if (!tried) {
        print_message("skipped: no tz database\n");
        skip();
    }
}

static void decides_roles(void **unused)
{
    (void)unused;
    const char *two = "13/02/26, 10:00 - Eva: x\n13/02/26, 10:01 - Roble: y\n";
    struct parsed *p = parse(two, NULL); /* first writer */
    assert_int_equal(p->message[0].role, CT_ROLE_USER);
    assert_int_equal(p->message[1].role, CT_ROLE_BOT);
    assert_string_equal(p->message[1].user, "Eva");
    free(p);
    p = parse(two, (const char *[]){"bot", "eva", NULL});
    assert_int_equal(p->message[0].role, CT_ROLE_BOT);
    assert_int_equal(p->message[1].role, CT_ROLE_USER);
    assert_string_equal(p->message[0].user, "Roble");
    free(p);
    p = parse(two, (const char *[]){"business", "Roble", "business_role", "agent", NULL});
    assert_int_equal(p->message[1].role, CT_ROLE_AGENT);
    free(p);
    p = parse(two, (const char *[]){"customer", "ro*", NULL});
    assert_int_equal(p->message[0].role, CT_ROLE_BOT);
    assert_int_equal(p->message[1].role, CT_ROLE_USER);
    free(p);
    /* The one who is not in the address book is the customer, whoever wrote first. */
    p = parse("13/02/26, 10:00 - Roble: y\n13/02/26, 10:01 - ~ Eva: x\n", NULL);
    assert_int_equal(p->message[0].role, CT_ROLE_BOT);
    assert_string_equal(p->message[0].user, "Eva");
    free(p);
    p = parse("13/02/26, 10:00 - Asistente Roble: y\n13/02/26, 10:01 - Eva: x\n", NULL);
    assert_int_equal(p->message[0].role, CT_ROLE_BOT);
    free(p);
    p = parse("13/02/26, 10:00 - a: y\n13/02/26, 10:01 - b: x\n13/02/26, 10:01 - c: x\n", NULL);
    assert_int_equal(p->message[0].role, CT_ROLE_UNKNOWN);
    assert_int_equal(p->message[2].role, CT_ROLE_UNKNOWN);
    free(p);
    p = parse(two, (const char *[]){"bot", "Eva;;Roble", NULL});
    assert_int_equal(p->status, CT_BAD_CONFIG);
    free(p);
}

/* The same words twice in a minute are two messages; the same message in two exports is one. */
static void tells_messages_apart(void **unused)
{
    (void)unused;
    struct parsed *p = parse("13/02/26, 10:00 - a: ok\n13/02/26, 10:00 - a: ok\n13/02/26, 10:00 - b: ok\n"
                             "13/02/26, 10:01 - a: ok\n",
                             NULL);
    struct parsed *later = parse("13/02/26, 10:00 - b: ok\n13/02/26, 10:01 - a: ok\n", NULL);
    assert_int_equal(p->messages, 4);
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(p->message[i].id, p->message[k].id);
        }
    }
    assert_string_equal(p->message[2].id, later->message[0].id);
    assert_string_equal(p->message[3].id, later->message[1].id);
    free(p);
    free(later);
}

static void names_chats_apart(void **unused)
{
    (void)unused;
    parsed_source = "_chat.txt";
    struct parsed *p = parse("[13/02/26, 10:00:00] Ana: x\n[13/02/26, 10:00:01] Bot: y\n", NULL);
    assert_string_equal(p->message[0].conversation, "_chat.txt:Ana");
    free(p);
    p = parse("[13/02/26, 10:00:00] a: x\n[13/02/26, 10:00:01] b: y\n[13/02/26, 10:00:01] c: y\n", NULL);
    assert_int_equal(strlen(p->message[0].conversation), strlen("_chat.txt:") + 16);
    free(p);
    parsed_source = "chat.txt";
    p = parse("[13/02/26, 10:00:00] Ana: x\n[13/02/26, 10:00:01] Bot: y\n", NULL);
    assert_string_equal(p->message[0].conversation, "chat.txt");
    free(p);
}

static void stays_within_bounds(void **unused)
{
    (void)unused;
    size_t room = (size_t)1 << 20, len = 0;
    char *text = malloc(room);
    for (int i = 0; i < 400; i++) { /* more writers than the table holds */
        len += (size_t)snprintf(text + len, room - len, "13/02/26, 10:00 - w%d: hi\n", i);
    }
    struct parsed *p =
        parse_text(&ct_parser_whatsapp, (ct_span){text, len}, (const char *[]){"bot", "w399", NULL}, CT_SPAN_NONE);
    assert_int_equal(p->messages, 400);
    free(p);
    len = (size_t)snprintf(text, room, "13/02/26, 10:00 - a: start\n");
    for (int i = 0; i < 3000; i++) {
        memset(text + len, 'x', 100);
        text[len + 99] = '\n';
        len += 100;
    }
    len += (size_t)snprintf(text + len, room - len, "13/02/26, 10:01 - b: after\n");
    p = parse_text(&ct_parser_whatsapp, (ct_span){text, len}, NULL, CT_SPAN_NONE);
    assert_int_equal(p->messages, 1);
    assert_string_equal(p->message[0].text, "after");
    assert_int_equal(p->refusals, 1);
    assert_string_equal(p->reason[0], "record_too_long");
    assert_int_equal(p->refused_line[0], 1);
    free(p);
    free(text);
}

static void reads_the_collected_headers(void **unused)
{
    (void)unused;
    size_t len = 0, count = 0, bytes = 0;
    char *text = read_shared("data/wire/whatsapp_export/pustur_header_variants.txt", &len);
    if (!text) {
        print_message("skipped: no collected samples here\n");
        skip();
    }
    for (ct_span rest = {text, len}; rest.len; count++) { /* each line is a file of its own */
        ct_span line = parsed_line(&rest, &bytes);
        struct parsed *p = parse_text(&ct_parser_whatsapp, line, (const char *[]){"order", "dmy", NULL}, CT_SPAN_NONE);
        if (!p->messages) { /* 06.13.18 and 06/2018/13 are month first */
            free(p);
            p = parse_text(&ct_parser_whatsapp, line, (const char *[]){"order", "mdy", NULL}, CT_SPAN_NONE);
        }
        assert_int_equal(p->messages, 1);
        assert_string_equal(p->message[0].text, "m");
        free(p);
    }
    assert_int_equal(count, 13);
    free(text);
    text = read_shared("data/wire/whatsapp_export/pustur_shortchat.txt", &len);
    assert_non_null(text);
    struct parsed *p = parse_text(&ct_parser_whatsapp, (ct_span){text, len},
                                  (const char *[]){"order", "dmy", "bot", "TestBot", NULL}, CT_SPAN_NONE);
    assert_int_equal(p->messages, 5);
    assert_int_equal(p->message[0].role, CT_ROLE_SYSTEM);
    assert_int_equal(p->message[1].role, CT_ROLE_SYSTEM);
    assert_int_equal(p->message[2].role, CT_ROLE_USER);
    assert_int_equal(p->message[3].role, CT_ROLE_BOT);
    assert_string_equal(p->message[4].text, "How are you?\n\nIs everything alright?");
    free(p);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_header_style),
        cmocka_unit_test(leaves_other_lines_alone),
        cmocka_unit_test(tells_kinds_apart),
        cmocka_unit_test(infers_day_and_month),
        cmocka_unit_test(follows_zones),
        cmocka_unit_test(reads_fixed_offsets),
        cmocka_unit_test(agrees_with_the_system),
        cmocka_unit_test(decides_roles),
        cmocka_unit_test(tells_messages_apart),
        cmocka_unit_test(names_chats_apart),
        cmocka_unit_test(stays_within_bounds),
        cmocka_unit_test(reads_the_collected_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
