/* literal_chance.c - how common a literal is in what customers and bots write.
 *
 * Only speed depends on it: which of a pattern's literals is looked for, and which four bytes of it. The letters'
 * weights are the usual frequencies of written Spanish, English and Portuguese, averaged; the words are the ones that
 * are in nearly every message.
 */
#include "engine/literal.h"

/* -log2 of the share among the bytes of the key view, in tenths of a bit. */
static unsigned letter_bits(unsigned char c)
{
    static const unsigned char bits[26] = {34, 64, 48, 46, 31, 63, 62, 56, 41, 84, 82, 46, 51,
                                           40, 36, 53, 70, 41, 38, 42, 47, 66, 76, 86, 68, 84};
    if (c >= 'a' && c <= 'z')
        return bits[c - 'a'];
    if (c == ' ')
        return 25;
    return c >= '0' && c <= '9' ? 80 : 90;
}

struct common {
    char word[8];          /* zero-padded: compared as one number */
    unsigned char percent; /* of messages */
};

static const struct common common_words[] = {
    {"a", 35},     {"de", 45},    {"e", 15},    {"el", 25},     {"en", 25},   {"es", 18},  {"i", 20},    {"la", 25},
    {"me", 30},    {"mi", 20},    {"no", 28},   {"o", 15},      {"que", 35},  {"se", 15},  {"un", 15},   {"y", 20},
    {"al", 6},     {"and", 15},   {"can", 10},  {"com", 8},     {"como", 8},  {"con", 15}, {"del", 6},   {"do", 12},
    {"eu", 5},     {"for", 15},   {"have", 8},  {"hola", 6},    {"in", 14},   {"is", 15},  {"it", 15},   {"lo", 10},
    {"los", 8},    {"my", 15},    {"nao", 7},   {"of", 14},     {"ok", 4},    {"on", 10},  {"os", 5},    {"para", 14},
    {"please", 6}, {"por", 15},   {"si", 10},   {"te", 10},     {"that", 10}, {"the", 28}, {"this", 10}, {"to", 28},
    {"tu", 6},     {"uma", 4},    {"una", 12},  {"want", 6},    {"we", 6},    {"what", 4}, {"with", 10}, {"you", 25},
    {"your", 10},  {"ya", 7},     {"favor", 8}, {"gracias", 8}, {"help", 6},  {"esta", 9}, {"puedo", 7}, {"quiero", 8},
    {"hello", 4},  {"thanks", 4}, {"thank", 4}, {"las", 8},     {"su", 10},   {"le", 9},   {"nos", 3},   {"an", 6},
    {"at", 6},     {"be", 7},     {"i'm", 4},   {"as", 6},      {"em", 5},    {"da", 6},   {"na", 4},    {"um", 6},
};

static double word_chance(const char *word, size_t len, bool whole)
{
    if (len <= sizeof common_words[0].word) {
        uint64_t padded = 0, common;
        memcpy(&padded, word, len);
        for (size_t i = 0; i < sizeof common_words / sizeof common_words[0]; i++) {
            memcpy(&common, common_words[i].word, sizeof common);
            if (common == padded)
                return common_words[i].percent / 100.0;
        }
    }
    unsigned tenths = whole ? 10 : 0;
    for (size_t i = 0; i < len; i++)
        tenths += letter_bits((unsigned char)word[i]);
    /* letters are not independent: about half of the bits remain; and a message has some hundred places */
    double chance = 4;
    for (; tenths >= 20; tenths -= 20)
        chance /= 2;
    return chance / (1 + tenths / 20.0);
}

double ct_literal_chance(const char *key, size_t len)
{
    double best = 1;
    for (size_t i = 0; i < len;) {
        size_t end = i;
        while (end < len && key[end] != ' ')
            end++;
        if (end > i) {
            double chance = word_chance(key + i, end - i, i > 0 && end < len);
            best = chance < best ? chance : best;
            /* two words in a row are rarer than either */
            if (i > 1)
                best *= 0.5;
        }
        i = end + 1;
    }
    return best;
}

double ct_literal_gram_bits(const char *key)
{
    unsigned tenths = 0;
    for (unsigned i = 0; i < 4; i++)
        tenths += letter_bits((unsigned char)key[i]);
    return tenths / 10.0;
}
