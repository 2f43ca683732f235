/* parsers_csv.c - quoting, columns, times, and getting on its feet again after broken rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parsers/csv_columns.h"
#include "parsers/csv_split.h"
#include "parsers/stamp.h"
#include "tests/unit/parse_lines.h"

extern const struct ct_parser ct_parser_csv;

static struct parsed *parse(const char *text, const char *const *pairs)
{
    return parse_text(&ct_parser_csv, ct_span_of(text), pairs, CT_SPAN_NONE);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Whatever cells are written by the rules of RFC 4180 come back as they were, and the record ends where it ends. */
static void reads_back_what_was_written(void **unused)
{
    (void)unused;
    static const char letters[] = "ab,;\"\n\"\"x ";
    uint64_t random = 7;
    struct ct_arena arena;
    ct_arena_init(&arena, 0, 0);
    for (int round = 0; round < 20000; round++) {
        char want[6][12], record[256];
        size_t want_len[6], count = 1 + next_random(&random) % 6, len = 0;
        for (size_t c = 0; c < count; c++) {
            want_len[c] = next_random(&random) % 10;
            bool quote = next_random(&random) % 2;
            for (size_t i = 0; i < want_len[c]; i++) {
                want[c][i] = letters[next_random(&random) % (sizeof letters - 1)];
                quote |= want[c][i] == ',' || want[c][i] == '"' || want[c][i] == '\n';
            }
            len += c > 0;
            record[len - (c > 0)] = ',';
            if (c == 0) {
                len = 0;
            }
            if (quote) {
                record[len++] = '"';
            }
            for (size_t i = 0; i < want_len[c]; i++) {
                record[len++] = want[c][i];
                if (want[c][i] == '"') {
                    record[len++] = '"';
                }
            }
            if (quote) {
                record[len++] = '"';
            }
        }
        bool in_quotes = false;
        for (ct_span rest = {record, len}; rest.len;) { /* the scanner sees every line end inside */
            const char *cut = memchr(rest.at, '\n', rest.len);
            ct_span line = {rest.at, cut ? (size_t)(cut - rest.at) : rest.len};
            rest = cut ? (ct_span){cut + 1, rest.len - line.len - 1} : CT_SPAN_NONE;
            assert_int_equal(ct_csv_scan_line(line, ',', &in_quotes), cut ? CT_CSV_OPEN : CT_CSV_COMPLETE);
        }
        ct_span cells[6];
        size_t got = 0;
        assert_int_equal(ct_csv_split((ct_span){record, len}, ',', &arena, cells, 6, &got), CT_OK);
        assert_int_equal(got, count);
        for (size_t c = 0; c < count; c++) {
            assert_true(ct_span_eq(cells[c], (ct_span){want[c], want_len[c]}));
        }
        ct_arena_reset(&arena);
    }
    ct_arena_done(&arena);
}

static void sees_the_separator(void **unused)
{
    (void)unused;
    assert_int_equal(ct_csv_separator(CT_SPAN_LIT("a,b,c")), ',');
    assert_int_equal(ct_csv_separator(CT_SPAN_LIT("a;\"b,,,,\";c")), ';');
    assert_int_equal(ct_csv_separator(CT_SPAN_LIT("a\tb\tc, d")), '\t');
    assert_int_equal(ct_csv_separator(CT_SPAN_LIT("a|b")), '|');
    assert_int_equal(ct_csv_separator(CT_SPAN_LIT("one column")), ',');
}

static void finds_columns_by_name(void **unused)
{
    (void)unused;
    static const struct {
        const char *header;
        bool found, wide;
        int text, role, conversation;
    } cases[] = {
        {"conversation_id,role,text,ts", true, false, 2, 1, 0},
        {"Conversation ID,Sender Type,Message Body", true, false, 2, 1, 0},
        {"ID conversaci\xC3\xB3n,Remitente,Mensaje,Fecha", true, false, 2, 1, 0},
        {"id_conversa,Remetente,Mensagem", true, false, 2, 1, 0},
        {"ticket,user,bot", true, true, -1, -1, 0},
        {"session_id,message,response", true, true, 1, -1, 0},
        {"pregunta,respuesta", true, true, -1, -1, -1},
        {"a,b,c", false, false, -1, -1, -1},
        {"text,date", false, false, -1, -1, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ct_arena arena;
        struct ct_csv_columns columns;
        ct_span cells[8];
        size_t count = 0;
        ct_arena_init(&arena, 0, 0);
        assert_int_equal(ct_csv_split(ct_span_of(cases[i].header), ',', &arena, cells, 8, &count), CT_OK);
        enum ct_status status = ct_csv_columns_find(&columns, CT_SPAN_NONE, false, cells, count, NULL);
        print_message("%s\n", cases[i].header);
        assert_int_equal(status == CT_OK, cases[i].found);
        if (cases[i].found) {
            assert_int_equal(columns.wide, cases[i].wide);
            assert_int_equal(columns.column[CT_CSV_TEXT], cases[i].text);
            assert_int_equal(columns.column[CT_CSV_ROLE], cases[i].role);
            assert_int_equal(columns.column[CT_CSV_CONVERSATION_ID], cases[i].conversation);
        }
        ct_arena_done(&arena);
    }
}

static void refuses_bad_options(void **unused)
{
    (void)unused;
    static const char *const cases[][3] = {
        {"map", "text", NULL},      {"map", "words=Body", NULL}, {"roles", "Agent=boss", NULL},
        {"roles", "=bot", NULL},    {"header", "maybe", NULL},   {"header", "no", NULL},
        {"separator", "dot", NULL}, {"order", "ydm", NULL},      {"zone", "Nowhere/Land", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed *p = parse("role,text\nuser,hi\n", cases[i]);
        print_message("%s=%s\n", cases[i][0], cases[i][1]);
        assert_int_equal(p->status, CT_BAD_CONFIG);
        assert_int_not_equal(strlen(p->error), 0);
        free(p);
    }
    struct parsed *p = parse("role,text\nuser,hi\n", (const char *[]){"map", "text=Body", NULL});
    assert_int_equal(p->refusals, 1);
    assert_string_equal(p->reason[0], "unknown_header");
    free(p);
}

static void reads_epochs(void **unused)
{
    (void)unused;
    ct_usec ts = 0;
    assert_true(ct_stamp_epoch(CT_SPAN_LIT("1767600000"), &ts));
    assert_true(ts == 1767600000 * CT_USEC_PER_SECOND);
    assert_true(ct_stamp_epoch(CT_SPAN_LIT("1767600000.25"), &ts));
    assert_true(ts == 1767600000 * CT_USEC_PER_SECOND + 250000);
    assert_true(ct_stamp_epoch(CT_SPAN_LIT("1767600000123"), &ts));
    assert_true(ts == 1767600000123000);
    assert_true(ct_stamp_epoch(CT_SPAN_LIT("1767600000123456"), &ts));
    assert_true(ts == 1767600000123456);
    static const char *const bad[] = {
        "", "12", "20260105", "-1767600000", "1767600000x", "1767600000.", "1e9", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(ct_stamp_epoch(ct_span_of(bad[i]), &ts));
    }
}

/* One stray quote costs one row, however far it reaches. */
static void recovers_from_a_stray_quote(void **unused)
{
    (void)unused;
    size_t room = (size_t)4 << 20, len = 0, rows = 300;
    char *text = malloc(room), filler[9001];
    memset(filler, 'z', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    len = (size_t)snprintf(text, room, "conversation_id,role,text\nc,user,\"never closed\n");
    for (size_t i = 0; i < rows; i++) { /* 2.7 MB: beyond what one record may have */
        len += (size_t)snprintf(text + len, room - len, "c,bot,%s\n", filler);
    }
    struct parsed *p = parse_text(&ct_parser_csv, (ct_span){text, len}, NULL, CT_SPAN_NONE);
    assert_int_equal(p->messages, rows);
    assert_int_equal(p->refusals, 1);
    assert_string_equal(p->reason[0], "unterminated_quote");
    assert_int_equal(p->refused_line[0], 2);
    assert_int_equal(p->refused_offset[0], 26);
    free(p);
    free(text);
}

/* Each line leaves a quote open, whether it is read as a beginning or as a middle: the worst there is. Every one is
 * refused by name, and the time stays in proportion to the input. */
static void survives_nothing_but_quotes(void **unused)
{
    (void)unused;
    size_t lines = 300000, len = 0;
    char *text = malloc(lines * 5 + 64);
    len = (size_t)snprintf(text, 64, "role,text\n");
    for (size_t i = 0; i < lines; i++) {
        memcpy(text + len, "5\",\"\n", 5);
        len += 5;
    }
    clock_t begin = clock();
    struct parsed *p = parse_text(&ct_parser_csv, (ct_span){text, len}, NULL, CT_SPAN_NONE);
    double took = (double)(clock() - begin) / CLOCKS_PER_SEC;
    print_message("%zu refusals in %.2f s\n", p->refusals, took);
    assert_int_equal(p->messages, 0);
    assert_int_equal(p->refusals, lines);
    assert_int_equal(p->refused_line[1], 3);
    assert_true(took < 20);
    free(p);
    free(text);
}

static void keeps_wide_rows_honest(void **unused)
{
    (void)unused;
    struct parsed *p = parse("id_conversa,data,pergunta,resposta,bot_ts\n"
                             "k,2026-01-01 10:00,oi,ol\xC3\xA1,2026-01-01 10:00:07\n"
                             "k,2026-01-01 10:01,tudo bem?,sim,\n",
                             NULL);
    assert_int_equal(p->messages, 4);
    assert_int_equal(p->message[1].role, CT_ROLE_BOT);
    assert_int_equal(p->message[1].ts - p->message[0].ts, 7 * CT_USEC_PER_SECOND);
    assert_true(p->message[3].ts == CT_USEC_NONE);
    free(p);
}

/* A bare "id" is a message's id only beside a conversation's: taken for one where it is the conversation's, it would
 * make all rows of a conversation look like one message. */
static void takes_no_id_for_another(void **unused)
{
    (void)unused;
    struct parsed *p = parse("id,role,text\n1,user,a\n1,bot,b\n", NULL);
    assert_int_equal(p->messages, 2);
    assert_string_equal(p->message[0].id, "");
    free(p);
    p = parse("id,chat_id,role,text\n1,k,user,a\n2,k,bot,b\n", NULL);
    assert_string_equal(p->message[1].id, "2");
    assert_string_equal(p->message[1].conversation, "k");
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_what_was_written),
        cmocka_unit_test(sees_the_separator),
        cmocka_unit_test(finds_columns_by_name),
        cmocka_unit_test(refuses_bad_options),
        cmocka_unit_test(reads_epochs),
        cmocka_unit_test(recovers_from_a_stray_quote),
        cmocka_unit_test(survives_nothing_but_quotes),
        cmocka_unit_test(keeps_wide_rows_honest),
        cmocka_unit_test(takes_no_id_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
