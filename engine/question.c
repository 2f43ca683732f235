/* question.c - the customer's first question as a set of words, so that those who ask the same are told together.
 *
 * The first of the customer's messages that says something: with a question mark, or with three content words. Content
 * words are what is left of the folded text without words of one or two letters, without greetings, thanks and goodbyes
 * (as the rules found them) and without the small words of every pack; numbers and codes are all one word, "#".
 * Distinct, in byte order. Called on the first messages of a customer, only where somebody wants the questions
 * (conversation.h: keep_questions).
 */
#include "engine/conversation_state.h"
#include "engine/fold.h"
#include "engine/word.h"

#include <stdlib.h>

enum { FIRST_MESSAGES = 5, WORDS = 24, WORD_BYTES_MAX = 40, LEAST_ASKED = 1, LEAST_SAID = 3 };

static int by_bytes(const void *left, const void *right)
{
    const ct_span *a = left, *b = right;
    int order = memcmp(a->at, b->at, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static bool is_small(const struct ct_ruleset *rules, ct_span word)
{
    for (size_t p = 0; p < rules->pack_count; p++) {
        const struct ct_pack *pack = &rules->packs[p];
        if (pack->function_word_count &&
            bsearch(&word, pack->function_words, pack->function_word_count, sizeof *pack->function_words, by_bytes)) {
            return true;
        }
    }
    return false;
}

static bool has_digit(ct_span word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (word.at[i] >= '0' && word.at[i] <= '9') {
            return true;
        }
    }
    return false;
}

static bool polite(enum ct_meaning means)
{
    return means == CT_MEANS_GREETING || means == CT_MEANS_THANKS || means == CT_MEANS_GOODBYE;
}

/* The message without what is said for politeness: copied, with spaces there. {NULL, 0} = out of memory. */
static ct_span without_courtesy(struct ct_conversation *c, ct_span text)
{
    const struct ct_fact *fact = &ct_facts(c)[c->facts.count - 1];
    bool ok;
    ct_span copy = ct_arena_copy(&c->arena, text, &ok);
    c->failed |= !ok;
    for (uint32_t i = fact->evidence_begin; ok && i < c->evidence.count; i++) {
        const struct ct_evidence *e = &ct_evidence_of(c)[i];
        if (polite(ct_means(c, e)) && e->end <= copy.len && e->begin < e->end) {
            memset((char *)(uintptr_t)copy.at + e->begin, ' ', e->end - e->begin);
        }
    }
    return ok ? copy : CT_SPAN_NONE;
}

/* Distinct content words in order; *content = how many there are but for "#". */
static size_t words_of(const struct ct_conversation *c, ct_span key, ct_span out[WORDS], size_t *content)
{
    size_t count = 0, at = 0;
    uint32_t hash;
    ct_span word;
    *content = 0;
    while (count < WORDS && ct_key_word_next(key, &at, &word, &hash)) {
        bool number = has_digit(word);
        word = number ? CT_SPAN_LIT("#") : word;
        if (word.len > WORD_BYTES_MAX || (!number && word.len < 3) || is_small(c->rules, word)) {
            continue;
        }
        bool known = false;
        for (size_t i = 0; i < count && !known; i++) {
            known = ct_span_eq(out[i], word);
        }
        if (!known) {
            out[count++] = word;
            *content += !number;
        }
    }
    qsort(out, count, sizeof *out, by_bytes);
    return count;
}

void ct_question_take(struct ct_conversation *c, const struct ct_message *m)
{
    if (!c->options.keep_questions || c->text[CT_TEXT_QUESTION].len || c->head.user_messages > FIRST_MESSAGES) {
        return;
    }
    if (!c->folder && !(c->folder = ct_folder_new())) {
        c->failed = true;
        return;
    }
    ct_span words[WORDS], text = without_courtesy(c, m->text);
    struct ct_folded folded;
    if (!text.len) {
        return;
    }
    ct_fold(c->folder, text, &folded);
    size_t content, count = words_of(c, (ct_span){folded.key, folded.text.len}, words, &content);
    bool asked = memchr(text.at, '?', text.len) != NULL;
    if (content < (asked ? LEAST_ASKED : LEAST_SAID)) {
        return;
    }
    char line[WORDS * (WORD_BYTES_MAX + 1)];
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (i) {
            line[len++] = ' ';
        }
        memcpy(line + len, words[i].at, words[i].len);
        len += words[i].len;
    }
    bool ok;
    c->text[CT_TEXT_QUESTION] = ct_arena_copy(&c->arena, (ct_span){line, len}, &ok);
    c->failed |= !ok;
}
