/* score.c - what a reply to a standing survey is worth (score.h).
 *
 * The reply is read on its folded view: stars, then digits, then words, then emoji; the first that is there decides.
 * What cannot be a value of the rule's scale, or says two different things, is UNREADABLE: nothing is clamped or
 * guessed. Called by the conversation for a value rule whose question stands.
 */
#include "engine/score.h"
#include "engine/fold.h"
#include "engine/word.h"

enum {
    WORDS_SHORT = 12,
    WORDS_FOR_SCALED = 6,
    WORDS_FOR_NUMBERS = 3,
    PHRASE_WORDS = 4,
    NUMBER_DIGITS = 4,
    TOKENS = 16,
    WORD_SCALE = 5
};
#define NO_VALUE ((int64_t)INT32_MIN) /* out of every scale */

/* What was found of one kind, so far. */
struct reading {
    enum ct_score_result result;
    int32_t value;
    size_t begin, end; /* in the folded text */
};

struct reply {
    const struct ct_ruleset *rules;
    const struct ct_rule *rule;
    ct_span folded;
    size_t words;
};

/* ---- values ------------------------------------------------------------------------------- */

/* `value` on a scale of 1 to 5, where 5 is best, on the rule's own scale; halves go up. */
static int32_t rescale(const struct ct_rule *rule, int32_t value, bool turned)
{
    int64_t span = (int64_t)rule->scale_max - rule->scale_min;
    if (turned && rule->better_low)
        value = WORD_SCALE + 1 - value;
    return (int32_t)(rule->scale_min + ((value - 1) * span * 2 + (WORD_SCALE - 1)) / (2 * (WORD_SCALE - 1)));
}

static void add_value(const struct ct_rule *rule, struct reading *reading, int64_t value, size_t begin, size_t end)
{
    bool inside = value >= rule->scale_min && value <= rule->scale_max;
    if (reading->result == CT_SCORE_ABSENT) {
        *reading = (struct reading){inside ? CT_SCORE_READ : CT_SCORE_UNREADABLE, (int32_t)value, begin, end};
        return;
    }
    if (!inside || value != reading->value)
        reading->result = CT_SCORE_UNREADABLE;
}

/* Judgements on one side of the middle are one judgement, the first; on both sides they are none. `value` is on a scale
 * of 1 to 5. */
static void add_judgement(const struct ct_rule *rule, struct reading *reading, int32_t *first, int32_t value,
                          size_t begin, size_t end)
{
    int side = (value > 3) - (value < 3), first_side = (*first > 3) - (*first < 3);
    if (reading->result == CT_SCORE_ABSENT) {
        *first = value;
        *reading = (struct reading){CT_SCORE_READ, rescale(rule, value, true), begin, end};
    } else if (side != first_side) {
        reading->result = CT_SCORE_UNREADABLE;
    }
}

/* ---- stars -------------------------------------------------------------------------------- */

static bool has_digit(ct_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] >= '0' && text.at[i] <= '9')
            return true;
    }
    return false;
}

static struct reading read_stars(const struct reply *reply)
{
    const struct ct_rule *rule = reply->rule;
    struct reading reading = {.result = CT_SCORE_ABSENT};
    int32_t full = 0, empty = 0;
    if (has_digit(reply->folded)) /* "5 ⭐": the digit says it */
        return reading;
    for (size_t at = 0, len; at < reply->folded.len; at += len) {
        uint32_t c = ct_word_char(reply->folded, at, &len);
        bool is_full = c == 0x2605 || c == 0x2B50 || c == 0x1F31F, is_empty = c == 0x2606;
        if (!is_full && !is_empty)
            continue;
        if (full + empty == 0)
            reading.begin = at;
        reading.end = at + len;
        full += is_full;
        empty += is_empty;
    }
    if (full + empty == 0)
        return reading;
    struct reading found = {.result = CT_SCORE_ABSENT};
    if (full + empty <= WORD_SCALE && rule->scale_max > WORD_SCALE && full > 0)
        add_value(rule, &found, rescale(rule, full, false), reading.begin, reading.end);
    else
        add_value(rule, &found, full, reading.begin, reading.end);
    if (empty > 0 && full + empty != WORD_SCALE && full + empty != rule->scale_max)
        found.result = CT_SCORE_UNREADABLE;
    return found;
}

/* ---- digits ------------------------------------------------------------------------------- */

struct number {
    int64_t value; /* NO_VALUE = none that a scale could have: a fraction, a percentage, too long, negative */
    size_t begin, end;
};

/* A number that counts something else: "20 minutos", "3 days", "5 €". */
static bool counts_things(ct_span folded, size_t at)
{
    static const char *const things[] = {
        "dia",    "dias",    "hora",    "horas", "minuto",  "minutos",  "min",   "mins",  "mes",   "meses",
        "semana", "semanas", "ano",     "anos",  "vez",     "veces",    "vezes", "day",   "days",  "hour",
        "hours",  "minute",  "minutes", "month", "months",  "week",     "weeks", "year",  "years", "time",
        "times",  "euros",   "eur",     "usd",   "dolares", "dollars",  "pesos", "reais", "jours", "heures",
        "tage",   "stunden", "giorni",  "ore",   "persona", "personas", "people"};
    size_t next = at;
    ct_span word;
    while (next < folded.len && folded.at[next] == ' ')
        next++;
    if (next < folded.len &&
        (folded.at[next] == '$' || (folded.len - next >= 3 && memcmp(folded.at + next, "€", 3) == 0)))
        return true;
    size_t from = next;
    if (!ct_word_next(folded, &next, &word) || word.at != folded.at + from)
        return false;
    for (size_t i = 0; i < sizeof things / sizeof things[0]; i++) {
        if (ct_span_is(word, things[i]))
            return true;
    }
    return false;
}

static bool is_digit(ct_span text, size_t at)
{
    return at < text.len && text.at[at] >= '0' && text.at[at] <= '9';
}

static bool is_letter(ct_span text, size_t at)
{
    return at < text.len && ((text.at[at] >= 'a' && text.at[at] <= 'z') || text.at[at] == '_');
}

/* The number whose first digit is at *at; *at moves past it. false = no number of its own ("a4", "4g", a long code,
 * a count of something). */
static bool read_number(ct_span folded, size_t *at, struct number *number)
{
    size_t begin = *at, i = begin;
    int64_t value = 0;
    bool own = !is_letter(folded, begin - 1) || begin == 0, whole = true;
    for (; is_digit(folded, i); i++)
        value = value < 1000000 ? value * 10 + (folded.at[i] - '0') : value;
    size_t digits = i - begin;
    if (i < folded.len && (folded.at[i] == '.' || folded.at[i] == ',') && is_digit(folded, i + 1)) {
        for (i++; is_digit(folded, i); i++)
            whole &= folded.at[i] == '0';
    }
    *at = i;
    if (!own || is_letter(folded, i) || digits > NUMBER_DIGITS || counts_things(folded, i))
        return false;
    bool negative = begin > 0 && folded.at[begin - 1] == '-' && (begin == 1 || folded.at[begin - 2] == ' ');
    bool percent = i < folded.len && folded.at[i] == '%';
    *number = (struct number){whole && !negative && !percent ? value : NO_VALUE, begin, i};
    return true;
}

/* "4/5", "8 de 10", "4 out of 5": the bytes from the first number's end to the second's begin; 0 = not so. */
static size_t of_between(ct_span folded, size_t at)
{
    static const char *const joins[] = {"/", "de", "out of", "of", "sobre", "em", "su", "von", "sur"};
    size_t i = at;
    while (i < folded.len && folded.at[i] == ' ')
        i++;
    for (size_t j = 0; j < sizeof joins / sizeof joins[0]; j++) {
        size_t len = strlen(joins[j]);
        if (folded.len - i < len || memcmp(folded.at + i, joins[j], len) != 0)
            continue;
        size_t end = i + len;
        while (end < folded.len && folded.at[end] == ' ')
            end++;
        if (is_digit(folded, end) && (joins[j][0] == '/' || end > i + len))
            return end - at;
    }
    return 0;
}

/* In a long reply a number is a score only where nothing else can be meant: it comes first and stands alone. */
static bool stands_first(ct_span folded, const struct number *number)
{
    for (size_t i = 0; i < number->begin; i++) {
        if (folded.at[i] != ' ' && folded.at[i] != '"' && folded.at[i] != '*')
            return false;
    }
    return number->end >= folded.len || memchr(",.:;!-)\n", folded.at[number->end], 8) != NULL ||
           (number->end + 1 < folded.len && folded.at[number->end + 1] == '-');
}

static struct reading read_digits(const struct reply *reply)
{
    const struct ct_rule *rule = reply->rule;
    ct_span folded = reply->folded;
    struct reading reading = {.result = CT_SCORE_ABSENT};
    bool is_long = reply->words > WORDS_SHORT;
    for (size_t at = 0; at < folded.len;) {
        struct number number, scale;
        size_t len;
        if (!is_digit(folded, at)) {
            if (ct_word_char(folded, at, &len) == 0x1F51F && !is_long) /* the keycap that is one character */
                add_value(rule, &reading, 10, at, at + len);
            at += len;
            continue;
        }
        if (!read_number(folded, &at, &number))
            continue;
        size_t between = of_between(folded, number.end), after = number.end + between;
        if (between > 0 && read_number(folded, &after, &scale)) {
            at = after;
            if (is_long && scale.value != rule->scale_max)
                continue;
            add_value(rule, &reading, scale.value == rule->scale_max ? number.value : NO_VALUE, number.begin,
                      scale.end);
        } else if (!is_long || stands_first(folded, &number)) {
            add_value(rule, &reading, number.value, number.begin, number.end);
            if (is_long)
                break;
        }
    }
    return reading;
}

/* ---- words and emoji ---------------------------------------------------------------------- */

static int span_order(ct_span a, ct_span b)
{
    int order = memcmp(a.len ? a.at : "", b.len ? b.at : "", a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The first entry of a word on a scale (0 = a plain number); NULL = none. */
static const struct ct_word_value *find_word(const struct ct_ruleset *rules, ct_span word, int32_t scale)
{
    size_t low = 0, high = rules->word_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (span_order(rules->words[middle].word, word) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < rules->word_count && ct_span_eq(rules->words[low].word, word); low++) {
        if (rules->words[low].scale == scale)
            return &rules->words[low];
    }
    return NULL;
}

/* The longest phrase of the packs that begins with word `from`; returns its words, 0 = none. */
static size_t find_phrase(const struct reply *reply, const ct_span *words, size_t count, size_t from, int32_t scale,
                          const struct ct_word_value **found)
{
    size_t most = count - from < PHRASE_WORDS ? count - from : PHRASE_WORDS;
    for (size_t n = most; n > 0; n--) {
        const ct_span *last = &words[from + n - 1];
        ct_span phrase = {words[from].at, (size_t)(last->at + last->len - words[from].at)};
        *found = find_word(reply->rules, phrase, scale);
        if (*found)
            return n;
    }
    return 0;
}

static bool negates(ct_span word)
{
    static const char *const negators[] = {"no",  "not",   "nao",    "nada",  "never", "nunca", "pas",    "nicht",
                                           "non", "isn't", "wasn't", "don't", "poco",  "sin",   "hardly", "ni"};
    for (size_t i = 0; i < sizeof negators / sizeof negators[0]; i++) {
        if (ct_span_is(word, negators[i]))
            return true;
    }
    return false;
}

/* A reply's words, as far as they are looked at. */
struct words {
    ct_span at[TOKENS];
    size_t count;
};

static size_t begin_of(const struct reply *reply, const ct_span *word)
{
    return (size_t)(word->at - reply->folded.at);
}

/* What follows the number word at `from` and says on what scale it is: "ocho de diez", "eight
 * out of ten"; NULL = nothing. *last = its place. */
static const struct ct_word_value *scale_after(const struct reply *reply, const struct words *words, size_t from,
                                               size_t *last)
{
    static const char *const joins[] = {"de", "of", "sobre", "em"};
    size_t i = from + 1;
    i += i < words->count && ct_span_is(words->at[i], "out");
    for (size_t j = 0; i + 1 < words->count && j < sizeof joins / sizeof joins[0]; j++) {
        if (ct_span_is(words->at[i], joins[j])) {
            *last = i + 1;
            return find_word(reply->rules, words->at[i + 1], 0);
        }
    }
    return NULL;
}

/* Number words that name a scale as well, which has to be the rule's, or (`alone`) that stand by themselves. */
static struct reading read_numbers(const struct reply *reply, const struct words *words, bool alone)
{
    struct reading reading = {.result = CT_SCORE_ABSENT};
    for (size_t i = 0; i < words->count; i++) {
        const struct ct_word_value *found = find_word(reply->rules, words->at[i], 0);
        size_t last = i;
        const struct ct_word_value *scale = found ? scale_after(reply, words, i, &last) : NULL;
        if (!found || (!scale && !alone))
            continue;
        last = scale ? last : i;
        add_value(reply->rule, &reading,
                  scale && scale->value != reply->rule->scale_max ? NO_VALUE : (int64_t)found->value,
                  begin_of(reply, &words->at[i]), begin_of(reply, &words->at[last]) + words->at[last].len);
        i = last;
    }
    return reading;
}

static struct reading read_judgements(const struct reply *reply, const struct words *words)
{
    struct reading reading = {.result = CT_SCORE_ABSENT};
    const struct ct_word_value *found;
    int32_t first = 0;
    for (size_t i = 0, used; i < words->count; i += used) {
        used = find_phrase(reply, words->at, words->count, i, WORD_SCALE, &found);
        if (used == 0) {
            used = 1;
            continue;
        }
        const ct_span *last = &words->at[i + used - 1];
        add_judgement(reply->rule, &reading, &first, found->value, begin_of(reply, &words->at[i]),
                      begin_of(reply, last) + last->len);
        if ((i > 0 && negates(words->at[i - 1])) || (i > 1 && negates(words->at[i - 2])))
            reading.result = CT_SCORE_UNREADABLE; /* "nada bueno": no value, and not the opposite one either */
    }
    return reading;
}

/* A number word is an article as well ("uno de los mejores", "one of the best", "um otimo atendimento"): it counts
 * where it names the scale, and by itself only in a reply that is hardly more than it, after words that judge. */
static struct reading read_words(const struct reply *reply)
{
    struct reading reading = {.result = CT_SCORE_ABSENT};
    struct words words = {.count = 0};
    if (reply->words > WORDS_SHORT)
        return reading;
    for (size_t at = 0; words.count < TOKENS && ct_word_next(reply->folded, &at, &words.at[words.count]);)
        words.count++;
    if (words.count <= WORDS_FOR_SCALED)
        reading = read_numbers(reply, &words, false);
    if (reading.result == CT_SCORE_ABSENT)
        reading = read_judgements(reply, &words);
    if (reading.result == CT_SCORE_ABSENT && words.count <= WORDS_FOR_NUMBERS)
        reading = read_numbers(reply, &words, true);
    return reading;
}

/* The packs' emoji scores; skin tones stay in the folded text as characters of their own, VS16 and ZWJ do not. */
static struct reading read_emoji(const struct reply *reply)
{
    struct reading reading = {.result = CT_SCORE_ABSENT};
    int32_t first = 0;
    if (reply->words > WORDS_SHORT)
        return reading;
    for (size_t at = 0, len; at < reply->folded.len; at += len) {
        uint32_t c = ct_word_char(reply->folded, at, &len);
        if (c < 0x2000)
            continue;
        const struct ct_word_value *found = find_word(reply->rules, (ct_span){reply->folded.at + at, len}, WORD_SCALE);
        if (found)
            add_judgement(reply->rule, &reading, &first, found->value, at, at + len);
    }
    return reading;
}

/* ---- evidence ----------------------------------------------------------------------------- */

/* Raw bytes of a range of the folded text: folds the raw text again, character by character. */
static void to_raw(ct_span raw, size_t begin, size_t end, uint32_t *raw_begin, uint32_t *raw_end)
{
    char last[32] = "", text[32];
    size_t at = 0, folded = 0, last_len = 0;
    unsigned run = 0;
    bool begun = false, ended = false;
    *raw_begin = 0;
    *raw_end = (uint32_t)raw.len;
    while (at < raw.len) {
        size_t len, start = folded;
        size_t made = ct_fold_char(ct_word_char(raw, at, &len), text, NULL, NULL);
        size_t letter;
        bool letters = made > 0 && ((text[0] >= 'a' && text[0] <= 'z') || (unsigned char)text[0] >= 0x80);
        bool again = letters && made == last_len && memcmp(text, last, made) == 0;
        if (ended && made > 0 && !again)
            return;
        letter = made;
        run = again ? run + 1 : 1;
        if (made > 0) {
            memcpy(last, text, made);
            last_len = letters ? made : 0;
            folded += run < 3 ? letter : 0;
            folded -= run == 3 ? letter : 0;
        }
        if (!begun && folded > begin && start <= begin) {
            *raw_begin = (uint32_t)at;
            begun = true;
        }
        at += len;
        if (begun && folded >= end) {
            *raw_end = (uint32_t)at;
            ended = true;
        }
    }
}

enum ct_score_result ct_score_read(const struct ct_ruleset *rules, const struct ct_rule *rule, ct_span raw,
                                   ct_span folded, int32_t *value, uint32_t *begin, uint32_t *end)
{
    struct reply reply = {rules, rule, folded, 0};
    struct reading reading = {.result = CT_SCORE_ABSENT};
    ct_span word;
    for (size_t at = 0; ct_word_next(folded, &at, &word);)
        reply.words++;
    if (rule->from & CT_FROM_STARS)
        reading = read_stars(&reply);
    if (reading.result == CT_SCORE_ABSENT && (rule->from & CT_FROM_DIGITS))
        reading = read_digits(&reply);
    if (reading.result == CT_SCORE_ABSENT && (rule->from & CT_FROM_WORDS))
        reading = read_words(&reply);
    if (reading.result == CT_SCORE_ABSENT && (rule->from & CT_FROM_EMOJI))
        reading = read_emoji(&reply);
    *value = reading.value;
    *begin = *end = 0;
    if (reading.result != CT_SCORE_ABSENT)
        to_raw(raw, reading.begin, reading.end, begin, end);
    return reading.result;
}
