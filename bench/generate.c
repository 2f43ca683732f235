/* generate.c - bench_generate: support conversations in Spanish, English and Portuguese, the same for the same seed.
 *
 *   bench_generate --messages N [--shape messages|conversations] [--close some|each|none]
 *                  [--most N] [--seed S] > FILE
 *
 * Native transcript lines (docs/formats: "convtap"). `messages`: a message a line, about a hundred conversations under
 * way at any moment, in the order of time, as a log has them. `conversations`: the same conversations, one a line.
 * Texts have 110-150 bytes on average and are put together from phrases.h with numbers, names and dates, so that few
 * repeat. --close: which conversations end with a close event; by default some do. --most: none has more messages.
 * Called by bench/run and bench/tap_run.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/phrases.h"

enum step {
    STEP_OPEN,
    STEP_DETAIL,
    STEP_ANSWER,
    STEP_FALLBACK,
    STEP_HUMAN,
    STEP_HANDOFF, /* the bot announces it, with a tool call or an event behind it */
    STEP_HANDOFF_FACT,
    STEP_NOBODY,
    STEP_AGENT,
    STEP_UNSOLVED,
    STEP_CLOSING,
    STEP_THANKS,
    STEP_SURVEY,
    STEP_SCORE,
    STEP_THUMBS,
    STEP_CLOSE
};
enum { STEPS_MAX = 32, OPEN_MAX = 4096, TEXT_MAX_BYTES = 1024 };

struct chat {
    uint64_t number; /* 0, 1, 2, ... in order of start */
    uint64_t chance; /* its own random state: the shape changes nothing about it */
    int64_t at_ms;   /* time of the next step, since 1970 */
    unsigned language, channel, survey;
    uint64_t user;
    enum step steps[STEPS_MAX];
    unsigned step_count, next;
};

static const char *const channels[] = {"web", "whatsapp", "app", "messenger"};

static uint64_t draw(uint64_t *state)
{
    /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static unsigned below(uint64_t *state, unsigned bound)
{
    return bound ? (unsigned)(draw(state) % bound) : 0;
}

static const char *one_of(uint64_t *state, const char *const *table)
{
    unsigned count = 0;
    while (table[count])
        count++;
    return table[below(state, count)];
}

static void put(char *text, size_t *len, const char *piece)
{
    size_t more = strlen(piece);
    if (*len + more < TEXT_MAX_BYTES) {
        memcpy(text + *len, piece, more + 1);
        *len += more;
    }
}

/* Appends a phrase with its slots filled. */
static void say(struct chat *chat, enum phrase_kind kind, char *text, size_t *len)
{
    uint64_t *chance = &chat->chance;
    for (const char *at = one_of(chance, phrases[chat->language][kind]); *at; at++) {
        char piece[32] = {*at, 0};
        if (at[0] != '{' || !at[1] || at[2] != '}') {
            put(text, len, piece);
            continue;
        }
        switch (at[1]) {
        case 'n':
            snprintf(piece, sizeof piece, "%c%u", 'A' + (char)below(chance, 26), 100000 + below(chance, 900000));
            put(text, len, piece);
            break;
        case 'm':
            snprintf(piece, sizeof piece, "%u,%02u", 3 + below(chance, 900), below(chance, 100));
            put(text, len, piece);
            break;
        case 'd':
            snprintf(piece, sizeof piece, "%u/%u", 1 + below(chance, 28), 1 + below(chance, 12));
            put(text, len, piece);
            break;
        case 'h':
            snprintf(piece, sizeof piece, "%u:%02u", 7 + below(chance, 14), below(chance, 60));
            put(text, len, piece);
            break;
        case 'p':
            put(text, len, one_of(chance, phrase_products));
            break;
        case 'c':
            put(text, len, one_of(chance, phrase_cities));
            break;
        default:
            put(text, len, one_of(chance, phrase_names));
            break;
        }
        at += 2;
    }
}

static void add(struct chat *chat, enum step step)
{
    if (chat->step_count < STEPS_MAX)
        chat->steps[chat->step_count++] = step;
}

/* Decides how the conversation goes, but for the close event that may be said at its end. */
static void chat_plan(struct chat *chat, uint64_t number, uint64_t seed, int64_t start_ms)
{
    memset(chat, 0, sizeof *chat);
    chat->number = number;
    chat->chance = seed * 0x2545f4914f6cdd1du + number;
    draw(&chat->chance);
    chat->at_ms = start_ms;
    unsigned language = below(&chat->chance, 10);
    chat->language = language < 5 ? 0 : language < 8 ? 1 : 2;
    chat->channel = below(&chat->chance, 4);
    chat->user = draw(&chat->chance) % (50 + number / 3);
    add(chat, STEP_OPEN);
    add(chat, STEP_ANSWER);
    for (unsigned turn = below(&chat->chance, 4); turn > 0; turn--) {
        add(chat, STEP_DETAIL);
        if (below(&chat->chance, 100) < 12) {
            add(chat, STEP_FALLBACK);
            add(chat, STEP_DETAIL);
        }
        add(chat, STEP_ANSWER);
    }
    unsigned end = below(&chat->chance, 100);
    if (end < 10) {
        add(chat, STEP_HUMAN);
        if (below(&chat->chance, 100) < 20) {
            add(chat, STEP_NOBODY);
            return;
        }
        add(chat, STEP_HANDOFF);
        add(chat, STEP_HANDOFF_FACT);
        add(chat, STEP_AGENT);
        add(chat, STEP_DETAIL);
        add(chat, STEP_AGENT);
        add(chat, STEP_THANKS);
    } else if (end < 22) {
        add(chat, STEP_UNSOLVED);
        add(chat, below(&chat->chance, 2) ? STEP_ANSWER : STEP_FALLBACK);
        return;
    } else if (end < 45) {
        return; /* left without a word */
    } else {
        add(chat, STEP_DETAIL);
        add(chat, STEP_CLOSING);
        add(chat, STEP_THANKS);
    }
    unsigned after = below(&chat->chance, 100);
    if (after < 30) {
        chat->survey = after < 18 ? 0 : after < 24 ? 1 : 2;
        add(chat, STEP_SURVEY);
        if (below(&chat->chance, 100) < 60)
            add(chat, STEP_SCORE);
    } else if (after < 38) {
        add(chat, STEP_THUMBS);
    }
    if (below(&chat->chance, 2))
        add(chat, STEP_CLOSE);
}

static unsigned messages_most;
static enum { CLOSE_SOME, CLOSE_EACH, CLOSE_NONE } closing;

static void chat_begin(struct chat *chat, uint64_t number, uint64_t seed, int64_t start_ms)
{
    chat_plan(chat, number, seed, start_ms);
    if (messages_most && chat->step_count > messages_most)
        chat->step_count = messages_most;
    bool closes = chat->steps[chat->step_count - 1] == STEP_CLOSE;
    if (closing == CLOSE_EACH && !closes)
        add(chat, STEP_CLOSE);
    if (closing == CLOSE_NONE && closes)
        chat->step_count--;
}

static void put_json_text(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
    putc('"', out);
}

static void put_time(FILE *out, int64_t at_ms)
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    fprintf(out, "\"ts\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", parts.tm_year + 1900, parts.tm_mon + 1,
            parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, (int)(at_ms % 1000));
}

static void put_cost(struct chat *chat, FILE *out)
{
    unsigned input = 200 + below(&chat->chance, 1300), cached = below(&chat->chance, input),
             output = 20 + below(&chat->chance, 100);
    /* Prices of 0.4, 0.1 and 1.6 a million tokens, in units of 1e-7. */
    unsigned amount = (input - cached) * 4 + cached + output * 16;
    fprintf(out,
            ",\"tokens\":{\"input\":%u,\"cached\":%u,\"output\":%u,\"model\":\"small-1\"},\"cost\":{\"amount\":\"0.%"
            "07u\",\"currency\":\"USD\"}",
            input, cached, output, amount);
}

/* One step: the message's members without the conversation's, and the time of the next. Returns the length of the text.
 */
static size_t chat_step(struct chat *chat, FILE *out)
{
    enum step step = chat->steps[chat->next];
    char text[TEXT_MAX_BYTES] = "";
    size_t len = 0;
    const char *role = "user", *tail = NULL, *tool = NULL;
    char buffer[96];

    switch (step) {
    case STEP_OPEN:
        say(chat, SAY_OPEN, text, &len);
        break;
    case STEP_DETAIL:
        say(chat, SAY_DETAIL, text, &len);
        break;
    case STEP_ANSWER:
        role = "bot";
        say(chat, SAY_ANSWER, text, &len);
        say(chat, SAY_OFFER, text, &len);
        if (below(&chat->chance, 4) == 0)
            tool = "get_order_details";
        break;
    case STEP_FALLBACK:
        role = "bot";
        say(chat, SAY_FALLBACK, text, &len);
        break;
    case STEP_HUMAN:
        say(chat, SAY_HUMAN, text, &len);
        break;
    case STEP_HANDOFF:
        role = "bot";
        say(chat, SAY_HANDOFF, text, &len);
        if (chat->number % 2)
            tool = "transfer_to_human_agents";
        break;
    case STEP_HANDOFF_FACT:
        role = "system";
        tail = ",\"event\":{\"type\":\"handoff\",\"phase\":\"accepted\",\"by\":\"bot\"}";
        break;
    case STEP_NOBODY:
        role = "bot";
        say(chat, SAY_NOBODY, text, &len);
        break;
    case STEP_AGENT:
        role = "agent";
        say(chat, SAY_AGENT, text, &len);
        break;
    case STEP_UNSOLVED:
        say(chat, SAY_UNSOLVED, text, &len);
        break;
    case STEP_CLOSING:
        role = "bot";
        say(chat, SAY_CLOSING, text, &len);
        break;
    case STEP_THANKS:
        say(chat, SAY_THANKS, text, &len);
        break;
    case STEP_SURVEY:
        role = "bot";
        say(chat, SAY_SURVEY_CSAT + chat->survey, text, &len);
        break;
    case STEP_SCORE: {
        static const unsigned lowest[] = {1, 0, 1}, choices[] = {5, 11, 7};
        snprintf(text, sizeof text, "%u", lowest[chat->survey] + below(&chat->chance, choices[chat->survey]));
        break;
    }
    case STEP_THUMBS:
        role = "system";
        snprintf(buffer, sizeof buffer, ",\"event\":{\"type\":\"feedback\",\"kind\":\"thumbs\",\"value\":\"%s\"}",
                 below(&chat->chance, 4) ? "up" : "down");
        tail = buffer;
        break;
    case STEP_CLOSE:
        role = "system";
        tail = ",\"event\":{\"type\":\"close\",\"by\":\"system\"}";
        break;
    }
    len = strlen(text);
    fprintf(out, "\"id\":\"m%" PRIu64 "-%u\",", chat->number, chat->next);
    put_time(out, chat->at_ms);
    fprintf(out, ",\"role\":\"%s\",\"text\":", role);
    put_json_text(out, text);
    if (tool)
        fprintf(out, ",\"tool_calls\":[{\"id\":\"t%u\",\"name\":\"%s\",\"arguments\":{\"order_id\":\"%u\"}}]",
                chat->next, tool, below(&chat->chance, 1000000));
    if (strcmp(role, "bot") == 0 && step != STEP_SURVEY)
        put_cost(chat, out);
    if (tail)
        fputs(tail, out);

    chat->next++;
    if (chat->next < chat->step_count) {
        enum step coming = chat->steps[chat->next];
        bool quick = coming == STEP_ANSWER || coming == STEP_FALLBACK || coming == STEP_HANDOFF ||
                     coming == STEP_NOBODY || coming == STEP_CLOSING || coming == STEP_SURVEY ||
                     coming == STEP_HANDOFF_FACT;
        chat->at_ms += quick ? 700 + below(&chat->chance, 5000) : 8000 + below(&chat->chance, 70000);
    }
    return len;
}

static void put_head(const struct chat *chat, FILE *out)
{
    fprintf(out, "{\"conversation_id\":\"c%08" PRIu64 "\",\"user_id\":\"u%07" PRIu64 "\",\"channel\":\"%s\",",
            chat->number, chat->user, channels[chat->channel]);
}

static int64_t gap_ms(uint64_t *chance)
{
    return 500 + (int64_t)below(chance, 3000);
}

static uint64_t write_conversations(uint64_t messages, uint64_t seed, int64_t start_ms, FILE *out)
{
    uint64_t written = 0, bytes = 0, chance = seed;
    for (uint64_t number = 0; written < messages; number++) {
        struct chat chat;
        chat_begin(&chat, number, seed, start_ms);
        start_ms += gap_ms(&chance);
        put_head(&chat, out);
        fputs("\"messages\":[", out);
        for (bool first = true; chat.next < chat.step_count && written < messages; first = false, written++) {
            fputs(first ? "{" : ",{", out);
            bytes += chat_step(&chat, out);
            putc('}', out);
        }
        fputs("]}\n", out);
    }
    return bytes;
}

static uint64_t write_messages(uint64_t messages, uint64_t seed, int64_t start_ms, FILE *out)
{
    static struct chat open[OPEN_MAX];
    unsigned open_count = 0;
    uint64_t number = 0, bytes = 0, chance = seed;
    for (uint64_t written = 0; written < messages; written++) {
        unsigned first = 0;
        for (unsigned i = 1; i < open_count; i++)
            if (open[i].at_ms < open[first].at_ms)
                first = i;
        if (open_count == 0 || (open[first].at_ms > start_ms && open_count < OPEN_MAX)) {
            first = open_count++;
            chat_begin(&open[first], number++, seed, start_ms);
            start_ms += gap_ms(&chance);
        }
        put_head(&open[first], out);
        bytes += chat_step(&open[first], out);
        fputs("}\n", out);
        if (open[first].next == open[first].step_count)
            open[first] = open[--open_count];
    }
    return bytes;
}

static int usage(void)
{
    fputs("usage: bench_generate --messages N [--shape messages|conversations] "
          "[--close some|each|none] [--most N] [--seed S]\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t messages = 0, seed = 1;
    bool whole = false;
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        char *end = NULL;
        if (!value)
            return usage();
        if (strcmp(argv[i], "--messages") == 0)
            messages = strtoull(value, &end, 10);
        else if (strcmp(argv[i], "--most") == 0)
            messages_most = (unsigned)strtoul(value, &end, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(value, &end, 10);
        else if (strcmp(argv[i], "--shape") == 0 &&
                 (strcmp(value, "messages") == 0 || strcmp(value, "conversations") == 0))
            whole = strcmp(value, "conversations") == 0;
        else if (strcmp(argv[i], "--close") == 0 &&
                 (strcmp(value, "some") == 0 || strcmp(value, "each") == 0 || strcmp(value, "none") == 0))
            closing = value[0] == 's' ? CLOSE_SOME : value[0] == 'e' ? CLOSE_EACH : CLOSE_NONE;
        else
            return usage();
        if (end && (end == value || *end))
            return usage();
    }
    if (messages == 0)
        return usage();
    const int64_t start_ms = INT64_C(1772323200000); /* 2026-03-01T00:00:00Z */
    uint64_t bytes = (whole ? write_conversations : write_messages)(messages, seed, start_ms, stdout);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("bench_generate: cannot write\n", stderr);
        return 3;
    }
    fprintf(stderr, "%" PRIu64 " messages, %.1f bytes of text each\n", messages, (double)bytes / (double)messages);
    return 0;
}
