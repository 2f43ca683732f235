/* engine_fold.c - the folded view against a slow folder written here from utf8proc's facts, its offsets, and NFC. */
#include "engine/fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <utf8proc.h>

#include <cmocka.h>

static void folds_to(const char *raw, const char *wanted)
{
    struct ct_folder *folder = ct_folder_new();
    struct ct_folded folded;
    ct_fold(folder, ct_span_of(raw), &folded);
    if (folded.text.len != strlen(wanted) || memcmp(folded.text.at, wanted, folded.text.len) != 0)
        fail_msg("'%s' folds to '%.*s', not '%s'", raw, (int)folded.text.len, folded.text.at, wanted);
    ct_folder_free(folder);
}

static void examples(void **state)
{
    (void)state;
    folds_to("", "");
    folds_to("Hola", "hola");
    folds_to("QUIERO HABLAR", "quiero hablar");
    folds_to("Comuníqueme, señor ÁÉÍÓÚÜÑ", "comuniqueme, senor aeiouun");
    folds_to("sen\xCC\x83or", "senor");
    folds_to("Não, AVÔ", "nao, avo");
    folds_to("graciasss", "gracias");
    folds_to("holaaaaaa!!!", "hola!!!");
    folds_to("1000 0005555", "1000 0005555");
    folds_to("llamar", "llamar");
    folds_to("aaa bbb", "a b");
    folds_to("aAáÁa\xCC\x81", "a");
    folds_to("ÑÑÑ ddd ССС", "n d с");
    folds_to("ßs", "s");
    folds_to("ẞ", "ss");
    folds_to("aab", "aab");
    folds_to("don\u2019t \u201Csí\u201D d\u00B4accord", "don't \"si\" d'accord");
    folds_to("a\u00A0b\u2003c\u3000d", "a b c d");
    folds_to("a\u2028b\xC2\x85"
             "c",
             "a\nb\nc");
    folds_to("a\u200Db\u00ADc\uFEFFd\u200Be", "abcde");
    folds_to("4\uFE0F\u20E3", "4");
    folds_to("ПРИВЕТ Й", "привет и");
    folds_to("ΣΊΣΥΦΟΣ", "σισυφοσ");
    folds_to("İstanbul", "istanbul");
    folds_to("¿Qué?", "¿que?");
    folds_to("_A1_", "_a1_");
    folds_to("\t\n\x01", "\t\n\x01");
    folds_to("\xCC\x81", "");
    folds_to("aa\xCC\x81\xCC\x81"
             "a",
             "a");
}

/* ---- a slow folder, for comparison ---------------------------------------------------------- */

struct slow {
    uint32_t characters[4096];
    size_t count;
};

static void slow_add(struct slow *slow, uint32_t c)
{
    assert_true(slow->count < 4096);
    slow->characters[slow->count++] = c;
}

static bool is_letter(uint32_t c)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

/* Folds each character alone, then collapses runs in a second pass over the whole. */
static size_t slow_fold(ct_span text, char *out)
{
    static struct slow all;
    size_t len = 0, in = 0;
    all.count = 0;
    while (in < text.len) {
        utf8proc_int32_t c;
        char folded[32];
        in += (size_t)utf8proc_iterate((const utf8proc_uint8_t *)text.at + in, (utf8proc_ssize_t)(text.len - in), &c);
        size_t made = ct_fold_char((uint32_t)c, folded, NULL, NULL);
        for (size_t i = 0; i < made;) {
            utf8proc_int32_t part;
            i += (size_t)utf8proc_iterate((const utf8proc_uint8_t *)folded + i, (utf8proc_ssize_t)(made - i), &part);
            slow_add(&all, (uint32_t)part);
        }
    }
    for (size_t i = 0; i < all.count;) {
        size_t run = 1;
        while (i + run < all.count && all.characters[i + run] == all.characters[i])
            run++;
        size_t kept = run >= 3 && is_letter(all.characters[i]) ? 1 : run;
        for (size_t j = 0; j < kept; j++)
            len += (size_t)utf8proc_encode_char((utf8proc_int32_t)all.characters[i], (utf8proc_uint8_t *)out + len);
        i += run;
    }
    return len;
}

static uint64_t random_state = 0x2545F4914F6CDD1D;

static unsigned roll(unsigned below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)((random_state >> 11) % below);
}

static size_t random_text(char *out)
{
    static const char *const pieces[] = {"a",      "A", "á",     "s",      "ss",     "aaa", "ñ",      "Ñ",
                                         "ß",      "1", "11",    " ",      ".",      "¿",   "👍",      "\u0301",
                                         "\u200D", "ж", "Ж",     "\u2019", "…",      "ﬀ",   "\u0149", "한",
                                         "\u1112", "x", "hola ", "_",      "\u00A0", "𝐚",   "\uFE0F", "œ"};
    size_t len = 0;
    unsigned count = roll(60);
    for (unsigned i = 0; i < count; i++) {
        const char *piece = pieces[roll(roll(2) ? 8 : sizeof pieces / sizeof pieces[0])];
        unsigned times = roll(6) == 0 ? 1 + roll(5) : 1;
        while (times-- > 0) {
            memcpy(out + len, piece, strlen(piece));
            len += strlen(piece);
        }
    }
    if (roll(20) == 0) {
        uint32_t c = 0x80 + roll(0x1FFFF);
        if (c < 0xD800 || c > 0xDFFF)
            len += (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)out + len);
    }
    return len;
}

static bool starts_char(const char *at)
{
    return ((unsigned char)*at & 0xC0) != 0x80;
}

/* Offsets: monotone, on character boundaries, and folding just the raw bytes of a range gives that range again. */
static void check_offsets(struct ct_folder *folder, struct ct_folder *other, ct_span raw,
                          const struct ct_folded *folded)
{
    size_t last_begin = 0;
    for (size_t at = 0; at < folded->text.len; at++) {
        size_t begin, end, next = at + 1;
        if (!starts_char(folded->text.at + at))
            continue;
        while (next < folded->text.len && !starts_char(folded->text.at + next))
            next++;
        ct_fold_to_raw(folder, at, next, &begin, &end);
        assert_true(begin >= last_begin && begin < end && end <= raw.len);
        assert_true(starts_char(raw.at + begin) && (end == raw.len || starts_char(raw.at + end)));
        last_begin = begin;
        /* its raw bytes fold to something that has the character */
        struct ct_folded part;
        ct_fold(other, (ct_span){raw.at + begin, end - begin}, &part);
        if (!memmem(part.text.at, part.text.len, folded->text.at + at, next - at))
            fail_msg("'%.*s': folded %zu-%zu came from raw %zu-%zu", (int)raw.len, raw.at, at, next, begin, end);
    }
}

static void check_key(const struct ct_folded *folded)
{
    for (int i = 1; i <= 16; i++)
        assert_true(folded->key[-i] == ' ' && folded->key[folded->text.len + (size_t)i - 1] == ' ');
    for (size_t at = 0; at < folded->text.len;) {
        utf8proc_int32_t c;
        size_t len = (size_t)utf8proc_iterate((const utf8proc_uint8_t *)folded->text.at + at,
                                              (utf8proc_ssize_t)(folded->text.len - at), &c);
        utf8proc_category_t category = utf8proc_category(c);
        bool number = category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
        bool word = ((is_letter((uint32_t)c) || number) && c < 0x10000) || c == '_';
        assert_true((folded->key[at] != ' ') == word && (folded->key[at + len - 1] != ' ') == word);
        if (word)
            assert_memory_equal(folded->key + at, folded->text.at + at, len);
        at += len;
    }
}

static void check_blanks(const struct ct_folded *folded)
{
    for (size_t i = 0; i < (folded->text.len / 64 + 1) * 64; i++) {
        bool blank = i >= folded->text.len || folded->key[i] == ' ';
        assert_int_equal(folded->blanks[i / 64] >> (i % 64) & 1, blank);
    }
}

static void check_narrow(struct ct_folder *folder, const struct ct_folded *folded)
{
    if (!folded->narrow)
        return;
    ct_span narrow = ct_fold_narrow(folder);
    size_t at = 0;
    for (size_t i = 0; i < folded->text.len; i++) {
        if (!starts_char(folded->text.at + i))
            continue;
        assert_true(at < narrow.len);
        assert_int_equal(narrow.at[at], (folded->text.at[i] & 0x80) ? 1 : folded->text.at[i]);
        assert_int_equal(ct_fold_narrow_from(folder, i), at);
        assert_int_equal(ct_fold_narrow_to(folder, at), i);
        at++;
    }
    assert_int_equal(at, narrow.len);
    assert_int_equal(ct_fold_narrow_to(folder, at), folded->text.len);
}

static void same_as_slow_folder(void **state)
{
    (void)state;
    static char raw[4096], slow[16384];
    struct ct_folder *folder = ct_folder_new(), *other = ct_folder_new();
    for (unsigned i = 0; i < 20000; i++) {
        size_t len = random_text(raw);
        struct ct_folded folded;
        char *exact = malloc(len + 1); /* so that a read beyond the end is seen */
        memcpy(exact, raw, len);
        ct_fold(folder, (ct_span){exact, len}, &folded);
        size_t slow_len = slow_fold((ct_span){raw, len}, slow);
        if (folded.text.len != slow_len || memcmp(folded.text.at, slow, slow_len) != 0)
            fail_msg("'%.*s' folds to '%.*s', not '%.*s'", (int)len, raw, (int)folded.text.len, folded.text.at,
                     (int)slow_len, slow);
        bool ascii = true, narrow = true;
        for (size_t j = 0; j < folded.text.len; j++)
            ascii &= folded.text.at[j] >= 0;
        for (size_t j = 0; j < folded.text.len;) {
            utf8proc_int32_t c;
            j += (size_t)utf8proc_iterate((const utf8proc_uint8_t *)folded.text.at + j,
                                          (utf8proc_ssize_t)(folded.text.len - j), &c);
            utf8proc_category_t category = utf8proc_category(c);
            narrow &= c < 0x80 || (category >= UTF8PROC_CATEGORY_PD && category <= UTF8PROC_CATEGORY_SO);
        }
        assert_int_equal(folded.ascii, ascii);
        assert_int_equal(folded.narrow, narrow);
        check_offsets(folder, other, (ct_span){exact, len}, &folded);
        check_key(&folded);
        check_blanks(&folded);
        check_narrow(folder, &folded);
        free(exact);
    }
    ct_folder_free(folder);
    ct_folder_free(other);
}

/* Runs of letters at every place of the blocks, behind a character that is not ASCII and not, up to the very end. */
static void runs_at_every_place(void **state)
{
    (void)state;
    static const char *const heads[] = {"", "\u00E9", "\u00BF", "e\u0301", "\u00E9\u00E9"};
    static char slow[4096];
    struct ct_folder *folder = ct_folder_new(), *other = ct_folder_new();
    for (unsigned i = 0; i < 5 * 40 * 6 * 24; i++) {
        const char *head = heads[i % 5];
        size_t before = i / 5 % 40, run = i / 200 % 6, after = i / 1200, len = strlen(head);
        char *exact = malloc(len + before + run + after + 1);
        memcpy(exact, head, len);
        for (size_t j = 0; j < before; j++)
            exact[len++] = "eE1 _z"[(j + before) % 6];
        for (size_t j = 0; j < run; j++)
            exact[len++] = j % 2 ? 'e' : 'E';
        for (size_t j = 0; j < after; j++)
            exact[len++] = "eab c"[(j + i / 5) % 5];
        exact = realloc(exact, len + 1);
        struct ct_folded folded;
        ct_fold(folder, (ct_span){exact, len}, &folded);
        size_t slow_len = slow_fold((ct_span){exact, len}, slow);
        if (folded.text.len != slow_len || memcmp(folded.text.at, slow, slow_len) != 0)
            fail_msg("'%.*s' folds to '%.*s', not '%.*s'", (int)len, exact, (int)folded.text.len, folded.text.at,
                     (int)slow_len, slow);
        check_offsets(folder, other, (ct_span){exact, len}, &folded);
        check_key(&folded);
        check_blanks(&folded);
        free(exact);
    }
    ct_folder_free(folder);
    ct_folder_free(other);
}

static void every_character(void **state)
{
    (void)state;
    struct ct_folder *folder = ct_folder_new();
    for (uint32_t c = 1; c < 0x110000; c++) {
        char raw[16], again[32];
        struct ct_folded folded;
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        size_t len = (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)raw);
        ct_fold(folder, (ct_span){raw, len}, &folded);
        size_t bad;
        assert_true(ct_utf8_valid(folded.text, &bad));
        if (folded.text.len > len * 3)
            fail_msg("U+%04X: %zu bytes become %zu", c, len, folded.text.len);
        /* folding twice is folding once */
        assert_true(folded.text.len <= sizeof again);
        size_t once = folded.text.len;
        memcpy(again, folded.text.at, once);
        ct_fold(folder, (ct_span){again, once}, &folded);
        if (folded.text.len != once || memcmp(folded.text.at, again, once) != 0)
            fail_msg("U+%04X folds on", c);
    }
    ct_folder_free(folder);
}

static void evidence_offsets(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        size_t begin, end, raw_begin, raw_end;
    } cases[] = {
        {"hola", 1, 3, 1, 3},
        {"¿qué tal?", 2, 5, 2, 6},
        {"holaaaa mundo", 0, 4, 0, 7},
        {"holaaaa mundo", 5, 10, 8, 13},
        {"sen\xCC\x83or si", 0, 5, 0, 7},
        {"sen\xCC\x83or si", 2, 3, 2, 5},
        {"e\xCC\x81\xCC\x81x", 0, 1, 0, 5},
        {"ßx", 1, 2, 0, 2},
        {"ßx", 2, 3, 2, 3},
        {"ßs", 0, 1, 0, 3},
        {"hola", 2, 2, 2, 2},
    };
    struct ct_folder *folder = ct_folder_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ct_folded folded;
        size_t begin, end;
        ct_fold(folder, ct_span_of(cases[i].raw), &folded);
        ct_fold_to_raw(folder, cases[i].begin, cases[i].end, &begin, &end);
        if (begin != cases[i].raw_begin || end != cases[i].raw_end)
            fail_msg("'%s' %zu-%zu: raw %zu-%zu", cases[i].raw, cases[i].begin, cases[i].end, begin, end);
    }
    ct_folder_free(folder);
}

static void the_longest(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "한", "á", "ab", "𝅘𝅥𝅮", "aaa ", "e\xCC\x81", "\xCC\x81"};
    struct ct_folder *folder = ct_folder_new();
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t unit = strlen(units[i]), len = 0, room = CT_FOLD_TEXT_MAX + 64;
        char *text = malloc(room);
        struct ct_folded folded;
        while (len + unit <= room) {
            memcpy(text + len, units[i], unit);
            len += unit;
        }
        ct_fold(folder, (ct_span){text, len}, &folded);
        size_t begin, end;
        if (folded.text.len > 0) {
            ct_fold_to_raw(folder, folded.text.len - 1, folded.text.len, &begin, &end);
            assert_true(end <= CT_FOLD_TEXT_MAX && end > CT_FOLD_TEXT_MAX - unit - 8);
        }
        if (folded.narrow)
            assert_true(ct_fold_narrow(folder).len <= CT_FOLD_TEXT_MAX);
        free(text);
    }
    ct_folder_free(folder);
}

/* ---- NFC ------------------------------------------------------------------------------------- */

static void nfc_is_nfc(void **state)
{
    (void)state;
    static char raw[4096];
    struct ct_nfc *nfc = ct_nfc_new();
    for (unsigned i = 0; i < 20000; i++) {
        size_t len = random_text(raw);
        raw[len] = '\0';
        ct_span view = ct_nfc_of(nfc, (ct_span){raw, len});
        utf8proc_uint8_t *wanted = utf8proc_NFC((const utf8proc_uint8_t *)raw);
        if (view.len != strlen((char *)wanted) || memcmp(view.at, wanted, view.len) != 0)
            fail_msg("'%s' became '%.*s', not '%s'", raw, (int)view.len, view.at, wanted);
        free(wanted);
        size_t last = 0;
        for (size_t at = 0; at < view.len; at++) {
            size_t begin, end, next = at + 1;
            if (!starts_char(view.at + at))
                continue;
            while (next < view.len && !starts_char(view.at + next))
                next++;
            ct_nfc_to_raw(nfc, at, next, &begin, &end);
            assert_true(begin >= last && begin < end && end <= len && starts_char(raw + begin));
            last = begin;
        }
    }
    /* thousands of marks on one letter are left alone, and soon */
    size_t len = 1;
    char *many = malloc(60001);
    many[0] = 'a';
    for (; len + 4 <= 60001; len += 4)
        memcpy(many + len, len % 8 == 1 ? "\xCC\x81\xCC\xA3" : "\xCC\xA3\xCC\x81", 4);
    ct_span view = ct_nfc_of(nfc, (ct_span){many, len});
    assert_int_equal(view.len, len);
    free(many);
    ct_nfc_free(nfc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),
        cmocka_unit_test(evidence_offsets),
        cmocka_unit_test(same_as_slow_folder),
        cmocka_unit_test(runs_at_every_place),
        cmocka_unit_test(every_character),
        cmocka_unit_test(the_longest),
        cmocka_unit_test(nfc_is_nfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
