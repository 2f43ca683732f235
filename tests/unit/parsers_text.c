/* parsers_text.c - labels, boundaries, times and bounds of plain dialogue text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parsers/labels.h"
#include "tests/unit/parse_lines.h"

extern const struct ct_parser ct_parser_text;

static struct parsed *parse(const char *text, const char *const *pairs)
{
    return parse_text(&ct_parser_text, ct_span_of(text), pairs, CT_SPAN_NONE);
}

static void knows_the_words_for_roles(void **unused)
{
    (void)unused;
    static const struct {
        const char *label;
        enum ct_role role;
    } cases[] = {
        {"user", CT_ROLE_USER},
        {"USUARIO", CT_ROLE_USER},
        {"Usu\xC3\xA1rio", CT_ROLE_USER},
        {"Usua\xCC\x81rio", CT_ROLE_USER}, /* decomposed */
        {" Cliente 2", CT_ROLE_USER},
        {"Assistant", CT_ROLE_BOT},
        {"Asistente virtual", CT_ROLE_BOT},
        {"Rob\xC3\xB4", CT_ROLE_BOT},
        {"Agente (Pilar)", CT_ROLE_AGENT},
        {"Atendente", CT_ROLE_AGENT},
        {"human_agent", CT_ROLE_AGENT},
        {"Sistema", CT_ROLE_SYSTEM},
        {"Funci\xC3\xB3n", CT_ROLE_TOOL},
        {"Note", CT_ROLE_UNKNOWN},
        {"use", CT_ROLE_UNKNOWN},
        {"users", CT_ROLE_UNKNOWN},
        {"", CT_ROLE_UNKNOWN},
        {"(", CT_ROLE_UNKNOWN},
        {")", CT_ROLE_UNKNOWN},
        {"12", CT_ROLE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("%s\n", cases[i].label);
        assert_int_equal(ct_label_role(ct_span_of(cases[i].label)), cases[i].role);
    }
}

static void matches_names_by_options(void **unused)
{
    (void)unused;
    static struct ct_label_set set;
    assert_true(ct_label_set_add(&set, CT_SPAN_LIT("Jos\xC3\xA9 Ruiz; *bot ;Acme*;*soporte*"), ';', CT_ROLE_BOT));
    assert_int_equal(set.count, 4);
    static const char *const in[] = {"jose ruiz", "JOS\xC3\x89 RUIZ", "PizzaBot", "acme norte",
                                     "el soporte t\xC3\xA9"
                                     "cnico"};
    static const char *const out[] = {"jose", "jose ruiz 2", "bots", "la acme", "suporte", ""};
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
        assert_int_equal(ct_label_set_role(&set, ct_span_of(in[i])), CT_ROLE_BOT);
    }
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++) {
        assert_int_equal(ct_label_set_role(&set, ct_span_of(out[i])), CT_ROLE_UNKNOWN);
    }
    assert_false(ct_label_set_add(&set, CT_SPAN_LIT("a;;b"), ';', CT_ROLE_BOT));
    memset(&set, 0, sizeof set);
    for (int i = 0; i < CT_LABEL_MAX; i++) {
        assert_true(ct_label_set_add(&set, CT_SPAN_LIT("x"), ';', CT_ROLE_BOT));
    }
    assert_false(ct_label_set_add(&set, CT_SPAN_LIT("x"), ';', CT_ROLE_BOT));
}

static void cuts_conversations(void **unused)
{
    (void)unused;
    struct parsed *p = parse("User: a\nBot: b\n---\nUser: c\n===\n===\nuser=Zoe\nZoe: d\n", NULL);
    assert_int_equal(p->messages, 4);
    assert_int_equal(p->ends, 3);
    assert_string_equal(p->message[1].conversation, "chat.txt#1");
    assert_string_equal(p->message[2].conversation, "chat.txt#2");
    assert_string_equal(p->message[3].conversation, "chat.txt#3");
    assert_int_equal(p->message[3].role, CT_ROLE_USER);
    free(p);
    /* Without headers a blank line is a part of the text. */
    p = parse("User: a\n\nstill a\n\nBot: b\n", NULL);
    assert_int_equal(p->messages, 2);
    assert_int_equal(p->ends, 1);
    assert_string_equal(p->message[0].text, "a\n\nstill a");
    free(p);
    p = parse("", NULL);
    assert_int_equal(p->messages + p->ends + p->refusals, 0);
    free(p);
}

static void reads_times(void **unused)
{
    (void)unused;
    struct parsed *p =
        parse("[05/03/2026 1:02 PM] User: a\n", (const char *[]){"order", "dmy", "zone", "-03:00", NULL});
    ct_usec want = 0;
    assert_true(ct_time_parse(CT_SPAN_LIT("2026-03-05T16:02:00Z"), &want));
    assert_int_equal(p->messages, 1);
    assert_true(p->message[0].ts == want);
    free(p);
    p = parse("[05/03/2026 1:02 PM] User: a\ngoes with it\nBot: b\n", NULL);
    assert_int_equal(p->messages, 1);
    assert_int_equal(p->refusals, 1);
    assert_string_equal(p->reason[0], "ambiguous_date");
    assert_int_equal(p->message[0].role, CT_ROLE_BOT);
    assert_true(p->message[0].ts == CT_USEC_NONE);
    free(p);
}

static void stays_within_bounds(void **unused)
{
    (void)unused;
    size_t len = 400000;
    char *text = malloc(len + 64);
    size_t at = (size_t)snprintf(text, 64, "User: ");
    memset(text + at, 'y', len);
    at += len;
    at += (size_t)snprintf(text + at, 32, "\nmore\nBot: fine\n");
    struct parsed *p = parse_text(&ct_parser_text, (ct_span){text, at}, NULL, CT_SPAN_NONE);
    assert_int_equal(p->messages, 1);
    assert_string_equal(p->message[0].text, "fine");
    assert_int_equal(p->refusals, 1);
    assert_string_equal(p->reason[0], "record_too_long");
    free(p);
    free(text);
}

static void detects_itself(void **unused)
{
    (void)unused;
    static const struct {
        const char *head;
        bool ours;
    } cases[] = {
        {"user: hi\nassistant: hello\n", true},
        {"Cliente: hola\nAgente: buenas\n", true},
        {"[2026-01-05 10:00:00] User: hi\n[2026-01-05 10:00:01] Bot: hello\n", true},
        {"user=User\nbot=Bot\n\nUser: hi\n", true},
        {"{\"role\":\"user\"}\n", false},
        {"{\"model\":\"m\",\"name\":\"x\"}", false},
        {"# config\nhuman: {per_minute: 1}\nother: 2\nmore: 3\n", false},
        {"role,text\nuser,hi\n", false},
        {"Dear sir: I write\nto you\n", false},
        {"13/02/26, 10:00 - Ana: hola\n", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct ct_parser *found = ct_parser_detect(ct_span_of(cases[i].head));
        print_message("case %zu\n", i);
        assert_int_equal(found == &ct_parser_text, cases[i].ours);
    }
}

static void reads_the_collected_files(void **unused)
{
    (void)unused;
    static const struct {
        const char *file;
        size_t messages, ends;
    } files[] = {
        {"bfsdk_BotAdapted_Bracketing.chat", 11, 1},  {"bfsdk_ConfirmPrompt.chat", 10, 2},
        {"bfsdk_TranslateToUserLanguage.chat", 9, 1}, {"bfsdk_Waterfall.chat", 6, 1},
        {"taubench_airline_fewshot_00.txt", 11, 1},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[256];
        size_t len = 0;
        (void)snprintf(path, sizeof path, "data/wire/plaintext_chat/%s", files[i].file);
        char *text = read_shared(path, &len);
        if (!text) {
            print_message("skipped: no collected samples here\n");
            skip();
        }
        assert_true(ct_parser_detect((ct_span){text, len}) == &ct_parser_text);
        struct parsed *p = parse_text(&ct_parser_text, (ct_span){text, len}, NULL, CT_SPAN_NONE);
        print_message("%s\n", files[i].file);
        assert_int_equal(p->messages, files[i].messages);
        assert_int_equal(p->ends, files[i].ends);
        assert_int_equal(p->refusals, 0);
        free(p);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_words_for_roles), cmocka_unit_test(matches_names_by_options),
        cmocka_unit_test(cuts_conversations),        cmocka_unit_test(reads_times),
        cmocka_unit_test(stays_within_bounds),       cmocka_unit_test(detects_itself),
        cmocka_unit_test(reads_the_collected_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
