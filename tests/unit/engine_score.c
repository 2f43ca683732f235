/* engine_score.c - scores read from replies, languages by function words, similarity of texts. */
#include "engine/fold.h"
#include "engine/score.h"
#include "engine/word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SPAN(text)                                                                                                     \
    {                                                                                                                  \
        "" text, sizeof(text) - 1                                                                                      \
    } /* a constant, which CT_SPAN_LIT is not to a pedant */

/* Sorted by word, as the loader leaves them. */
static const struct ct_word_value words[] = {
    {SPAN("bad"), 2, 5, 0},   {SPAN("bueno"), 4, 5, 0},   {SPAN("cinco"), 5, 0, 0},     {SPAN("de diez"), 5, 5, 0},
    {SPAN("diez"), 10, 0, 0}, {SPAN("eight"), 8, 0, 0},   {SPAN("excelente"), 5, 5, 0}, {SPAN("good"), 4, 5, 0},
    {SPAN("malo"), 2, 5, 0},  {SPAN("not bad"), 3, 5, 0}, {SPAN("ocho"), 8, 0, 0},      {SPAN("one"), 1, 0, 0},
    {SPAN("otimo"), 5, 5, 0}, {SPAN("pesimo"), 1, 5, 0},  {SPAN("regular"), 3, 5, 0},   {SPAN("ten"), 10, 0, 0},
    {SPAN("um"), 1, 0, 0},    {SPAN("uno"), 1, 0, 0},     {SPAN("very good"), 5, 5, 0}, {SPAN("\u2764"), 5, 5, 0},
    {SPAN("👍"), 5, 5, 0},     {SPAN("👎"), 1, 5, 0},       {SPAN("😐"), 3, 5, 0},         {SPAN("😡"), 1, 5, 0},
};

static const ct_span spanish[] = {SPAN("el"), SPAN("la"), SPAN("por"), SPAN("que")};
static const ct_span english[] = {SPAN("don't"), SPAN("la"), SPAN("the")};
static const struct ct_pack packs[] = {
    {.function_words = spanish, .function_word_count = 4},
    {.function_words = english, .function_word_count = 3},
};

static const struct ct_ruleset set = {
    .words = words, .word_count = sizeof words / sizeof words[0], .packs = packs, .pack_count = 2};

static enum ct_score_result read_as(const char *text, int32_t min, int32_t max, bool low, int32_t *value,
                                    uint32_t *begin, uint32_t *end)
{
    struct ct_rule rule = {.kind = CT_RULE_VALUE,
                           .scale_min = min,
                           .scale_max = max,
                           .better_low = low,
                           .from = CT_FROM_STARS | CT_FROM_DIGITS | CT_FROM_WORDS | CT_FROM_EMOJI};
    struct ct_folder *folder = ct_folder_new();
    struct ct_folded folded;
    ct_fold(folder, ct_span_of(text), &folded);
    enum ct_score_result result = ct_score_read(&set, &rule, ct_span_of(text), folded.text, value, begin, end);
    assert_true(*begin <= *end && *end <= strlen(text));
    ct_folder_free(folder);
    return result;
}

enum { NONE = -1, UNREADABLE = -2 };

static void gives(const char *text, int32_t min, int32_t max, int32_t wanted)
{
    int32_t value;
    uint32_t begin, end;
    enum ct_score_result result = read_as(text, min, max, false, &value, &begin, &end);
    int32_t got = result == CT_SCORE_ABSENT ? NONE : result == CT_SCORE_UNREADABLE ? UNREADABLE : value;
    if (got != wanted)
        fail_msg("'%s' on %d-%d: %d, not %d", text, min, max, got, wanted);
}

static void scores(void **state)
{
    (void)state;
    gives("5", 1, 5, 5);
    gives("4.", 1, 5, 4);
    gives("un 5", 1, 5, 5);
    gives("4/5", 1, 5, 4);
    gives("4 / 5", 1, 5, 4);
    gives("8 de 10", 0, 10, 8);
    gives("9 out of 10", 0, 10, 9);
    gives("8 de 10", 1, 5, UNREADABLE);
    gives("7", 1, 5, UNREADABLE);
    gives("0", 1, 5, UNREADABLE);
    gives("0", 0, 10, 0);
    gives("-3", 0, 10, UNREADABLE);
    gives("4-5", 1, 5, UNREADABLE);
    gives("4 o 5", 1, 5, UNREADABLE);
    gives("5, un 5", 1, 5, 5);
    gives("4.5", 1, 5, UNREADABLE);
    gives("4,0", 1, 5, 4);
    gives("100%", 1, 5, UNREADABLE);
    gives("5️⃣", 1, 5, 5);
    gives("🔟", 0, 10, 10);
    gives("10", 0, 10, 10);
    gives("cinco", 1, 5, 5);
    gives("CINCO", 1, 5, 5);
    gives("ocho de diez", 0, 10, 8);
    gives("diez", 1, 5, UNREADABLE);
    gives("excelente", 1, 5, 5);
    gives("excelente", 0, 10, 10);
    gives("regular", 0, 10, 5);
    gives("malo", 0, 10, 3);
    gives("pésimo", 0, 10, 0);
    gives("Muy bueno, excelente", 1, 5, 4);
    gives("bueno pero malo", 1, 5, UNREADABLE);
    gives("nada bueno", 1, 5, UNREADABLE);
    gives("not bad", 1, 5, 3);
    gives("very good", 1, 5, 5);
    gives("👍🏽", 1, 5, 5);
    gives("❤️", 1, 5, 5);
    gives("👍👎", 1, 5, UNREADABLE);
    gives("😡😡", 1, 5, 1);
    gives("⭐⭐⭐⭐", 1, 5, 4);
    gives("★★★☆☆", 1, 5, 3);
    gives("⭐⭐⭐⭐⭐", 0, 10, 10);
    gives("⭐⭐⭐⭐⭐⭐", 1, 5, UNREADABLE);
    gives("5 ⭐", 1, 5, 5);
    gives("hola", 1, 5, NONE);
    gives("", 1, 5, NONE);
    gives("mi iphone13 no va", 1, 5, NONE);
    gives("pedido 123456", 1, 5, NONE);
    gives("espere 3 horas", 1, 5, NONE);
    gives("me costo 5 €", 1, 5, NONE);
    gives("the service was one of the best that we ever had", 1, 5, NONE);
    gives("this was one of the best chats", 1, 5, NONE);
    gives("uno de los mejores", 1, 5, NONE);
    gives("foi um otimo atendimento", 1, 5, 5);
    gives("um otimo atendimento", 1, 5, 5); /* a judgement before the article */
    gives("one good chat", 1, 5, 4);
    gives("no one answered me", 1, 5, NONE);
    gives("necesito hablar con uno", 1, 5, NONE);
    gives("one", 1, 5, 1);
    gives("uno", 1, 5, 1);
    gives("un uno", 1, 5, 1);
    gives("nota um", 1, 5, 1);
    gives("un cinco, gracias", 1, 5, 5);
    gives("le doy un ocho de diez", 0, 10, 8);
    gives("eight out of ten", 0, 10, 8);
    gives("ocho de diez", 1, 5, UNREADABLE);
    gives("uno o cinco", 1, 5, UNREADABLE);
    gives("de diez", 0, 10, 10);
    gives("le doy un ocho de diez", 1, 5, UNREADABLE); /* never "de diez", the best there is */
    gives("llevo esperando desde el lunes a que alguien me resuelva lo de mis 3 pedidos y nada", 1, 5, NONE);
    gives("5, porque la persona que me atendio fue muy amable y lo resolvio todo muy deprisa", 1, 5, 5);
    gives("la persona que me atendio fue muy amable y lo resolvio todo muy deprisa asi que 5/5", 1, 5, 5);
}

static void low_is_better(void **state)
{
    (void)state;
    int32_t value;
    uint32_t begin, end;
    assert_int_equal(read_as("excelente", 1, 7, true, &value, &begin, &end), CT_SCORE_READ);
    assert_int_equal(value, 1);
    assert_int_equal(read_as("👎", 1, 7, true, &value, &begin, &end), CT_SCORE_READ);
    assert_int_equal(value, 7);
    assert_int_equal(read_as("2", 1, 7, true, &value, &begin, &end), CT_SCORE_READ);
    assert_int_equal(value, 2); /* a number is what it says */
}

static void evidence_is_raw(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t begin, end;
    } cases[] = {
        {"¿un 5?", 5, 6},        {"Sí, 4/5 gracias", 5, 8},
        {"está pésimo!", 6, 13}, {"va\u0301lgame, excelenteeee", 11, 23},
        {"hola 👍🏽", 5, 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t value;
        uint32_t begin, end;
        assert_int_equal(read_as(cases[i].text, 1, 5, false, &value, &begin, &end), CT_SCORE_READ);
        if (begin != cases[i].begin || end != cases[i].end)
            fail_msg("'%s': %u-%u", cases[i].text, begin, end);
    }
}

static void only_what_the_rule_takes(void **state)
{
    (void)state;
    struct ct_rule rule = {.scale_min = 1, .scale_max = 5, .from = CT_FROM_WORDS};
    int32_t value;
    uint32_t begin, end;
    assert_int_equal(ct_score_read(&set, &rule, CT_SPAN_LIT("5"), CT_SPAN_LIT("5"), &value, &begin, &end),
                     CT_SCORE_ABSENT);
    assert_int_equal(ct_score_read(&set, &rule, CT_SPAN_LIT("bueno"), CT_SPAN_LIT("bueno"), &value, &begin, &end),
                     CT_SCORE_READ);
    assert_int_equal(ct_score_read(&set, &rule, CT_SPAN_NONE, CT_SPAN_NONE, &value, &begin, &end), CT_SCORE_ABSENT);
}

/* Whatever the text: no crash, and what is read is on the scale. */
static void any_text(void **state)
{
    (void)state;
    static const char *const parts[] = {"5", "10", "/", " de ", "4", ".", ",", "-",      "cinco ", "bueno ", "no ",
                                        "👍", "⭐",  "☆", "%",    "a", " ", "🔟", "\u0301", "ooo",    "€"};
    uint64_t random = 7;
    for (unsigned i = 0; i < 20000; i++) {
        char text[256] = "";
        random = random * 6364136223846793005u + 1442695040888963407u;
        for (unsigned j = 0; j < (random >> 60); j++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            strcat(text, parts[(random >> 33) % (sizeof parts / sizeof parts[0])]);
        }
        int32_t value, low = (int32_t)(random & 1), high = random & 2 ? 5 : 10;
        uint32_t begin, end;
        struct ct_rule rule = {.scale_min = low, .scale_max = high, .from = 15, .better_low = (random & 4) != 0};
        if (ct_score_read(&set, &rule, ct_span_of(text), ct_span_of(text), &value, &begin, &end) == CT_SCORE_READ)
            assert_true(value >= low && value <= high && begin < end && end <= strlen(text));
    }
}

static void languages(void **state)
{
    (void)state;
    uint32_t counts[2] = {0, 1};
    ct_language_count(&set, CT_SPAN_LIT("por que la the  don t know el the"), counts);
    assert_int_equal(counts[0], 4);
    assert_int_equal(counts[1], 4); /* "don't" is two words in the key view, and so none */
    ct_language_count(&set, CT_SPAN_NONE, counts);
    assert_int_equal(counts[0], 4);
}

static struct ct_folder *folder; /* all tests' */

static void tokens_of(ct_span text, struct ct_tokens_set *out)
{
    struct ct_folded folded;
    ct_fold(folder, text, &folded);
    ct_tokens_of(&folded, out);
}

static unsigned similarity(const char *a, const char *b)
{
    struct ct_tokens_set left, right;
    tokens_of(ct_span_of(a), &left);
    tokens_of(ct_span_of(b), &right);
    assert_int_equal(ct_tokens_similarity(&left, &right), ct_tokens_similarity(&right, &left));
    return ct_tokens_similarity(&left, &right);
}

/* The quick answer is the slow one's. */
static void similar_at_a_glance(void **state)
{
    unsigned seed = 7;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct ct_tokens_set sets[2];
        for (int side = 0; side < 2; side++) {
            char text[400];
            size_t len = 0;
            seed = seed * 1103515245u + 12345u;
            for (unsigned left = seed >> 16 & 15; left > 0; left--) {
                seed = seed * 1103515245u + 12345u;
                len += (size_t)snprintf(text + len, sizeof text - len, "word%u ", (seed >> 16) % 12);
            }
            tokens_of((ct_span){text, len}, &sets[side]);
        }
        for (unsigned percent = 1; percent <= 100; percent += 9) {
            assert_int_equal(ct_tokens_similar(&sets[0], &sets[1], percent),
                             ct_tokens_similarity(&sets[0], &sets[1]) >= percent);
        }
    }
}

/* Words of every length at every place of sixty-four bytes and beyond have the hash that ct_key_word_next gives them.
 */
static void tokens_are_words(void **state)
{
    (void)state;
    for (size_t before = 0; before < 140; before++) {
        for (size_t len = 1; len < 80; len += before % 7 + 1) {
            char text[300];
            struct ct_tokens_set tokens;
            memset(text, ' ', before);
            for (size_t i = 0; i < len; i++)
                text[before + i] = (char)('a' + (before + i * i) % 26);
            size_t end = before + len, at = 0, count = 0;
            end += (size_t)snprintf(text + end, sizeof text - end, " 7%*s", (int)(before % 3), "");
            struct ct_folded folded;
            ct_fold(folder, (ct_span){text, end}, &folded);
            ct_tokens_of(&folded, &tokens);
            ct_span word;
            uint32_t hash;
            while (ct_key_word_next((ct_span){folded.key, folded.text.len}, &at, &word, &hash)) {
                if (word.len >= 3 || word.at[0] == '7') {
                    assert_true(count < tokens.count);
                    assert_int_equal(tokens.hash[count++], hash);
                }
            }
            assert_int_equal(count, tokens.count);
        }
    }
}

static void similar_texts(void **state)
{
    (void)state;
    assert_int_equal(similarity("donde esta mi pedido", "donde esta mi pedido"), 100);
    assert_int_equal(similarity("donde esta mi pedido", "mi pedido donde esta  "), 100);
    assert_int_equal(similarity("entregar facturas", "facturas entregar"), 100); /* eight letters, in and at the end */
    assert_int_equal(similarity("transferencia internacional", " internacional  transferencia"), 100);
    assert_int_equal(similarity("donde esta mi pedido 4821", "donde esta mi pedido 4822"), 60);
    assert_int_equal(similarity("hola", "hola"), 0);
    assert_int_equal(similarity("", "donde esta mi pedido"), 0);
    assert_int_equal(similarity("si no ya a", "si no ya a"), 0);
    assert_int_equal(similarity("uno dos uno dos", "dos uno"), 100);
    char many[2000] = "";
    for (unsigned i = 0; i < 200; i++)
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), "word%u ", i);
    struct ct_tokens_set tokens;
    tokens_of(ct_span_of(many), &tokens);
    assert_int_equal(tokens.count, CT_TOKENS_MAX);
    char backwards[2000] = ""; /* the same words, the other way round: the same ones are kept */
    for (unsigned i = 200; i-- > 0;)
        (void)snprintf(backwards + strlen(backwards), sizeof backwards - strlen(backwards), "word%u ", i);
    assert_int_equal(similarity(many, backwards), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores),        cmocka_unit_test(low_is_better),    cmocka_unit_test(evidence_is_raw),
        cmocka_unit_test(any_text),      cmocka_unit_test(languages),        cmocka_unit_test(only_what_the_rule_takes),
        cmocka_unit_test(similar_texts), cmocka_unit_test(tokens_are_words), cmocka_unit_test(similar_at_a_glance),
    };
    folder = ct_folder_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ct_folder_free(folder);
    return failed;
}
