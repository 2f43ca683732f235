/* demo_script.c - the conversations of `convtap demo`, out of YAML files. See demo.h.
 *
 * A file is a business; a talk in it is what happened to several of its customers. Where a turn has a list of texts,
 * the talk's first conversation takes the first, its second one the second, and so on in a circle; `ends` likewise.
 *
 *     language: es
 *     business: Banco Alameda
 *     bot: Ada
 *     talks:
 *       - name: card-blocked
 *         on: web                  # web, whatsapp or both (in turn); web where it is not said
 *         say:                     # u customer, b bot, a person, e something that the platform says
 *           - u: [me bloquearon la tarjeta, la tarjeta no me deja pagar]
 *           - b: '¿Con qué cifras termina?'
 *         ends:
 *           - expect: resolved     # an outcome; resolved: said or implied; may be left out
 *             say: [{u: gracias}, {e: csat 5}, {e: close}]
 *
 * Events: handoff, handoff failed, close, csat N, nps N, thumb up, thumb down. WhatsApp has none of them: there they
 * are left out. {name}, {agent}, {order}, {case}, {amount}, {last4}, {time} in a text are filled in, the same in the
 * whole conversation.
 */
#include "cli/demo.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>

#include "cli/packs.h"
#include "engine/yaml_tree.h"

enum { TEXT_MAX = 2000, VALUE_MAX = 32, TURNS_MAX = 64 };

uint64_t ct_demo_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

struct reader {
    struct ct_yaml yaml;
    struct ct_demo_script *script;
    const char *language, *business, *bot, *file; /* file: its name without what is before and behind it */
    uint64_t dice;                                /* of the conversation that is being made */
    struct ct_demo_turn turns[TURNS_MAX];
    size_t turn_count;
};

static const char *const names_es[] = {"Lucía",  "Mateo", "Valentina", "Joaquín", "Ximena",
                                       "Camilo", "Rocío", "Íñigo",     "Marisol", "Tomás",
                                       "Abril",  "Gael",  "Paloma",    "Ernesto", "Violeta"};
static const char *const names_en[] = {"Hannah", "Marcus", "Priya", "Owen",   "Leila", "Grant", "Sofia",
                                       "Dexter", "Noor",   "Wade",  "Ingrid", "Caleb", "Tessa"};
static const char *const agents_es[] = {"Carmen", "Rodrigo", "Nuria", "Facundo", "Daniela", "Esteban"};
static const char *const agents_en[] = {"Karen", "Joel", "Maeve", "Theo", "Anita", "Russ"};
#define PICK(list, dice) (list)[(dice) % (sizeof(list) / sizeof *(list))]

/* What a word in braces stands for in this conversation; NULL = nothing. */
static const char *value_of(const struct reader *r, ct_span word, char out[VALUE_MAX])
{
    bool es = strcmp(r->language, "es") == 0;
    uint64_t state = r->dice;
    for (size_t i = 0; i < word.len; i++) {
        state = state * 31 + (unsigned char)word.at[i];
    }
    uint64_t n = ct_demo_random(&state);
    if (ct_span_is(word, "name")) {
        return es ? PICK(names_es, n) : PICK(names_en, n);
    } else if (ct_span_is(word, "agent")) {
        return es ? PICK(agents_es, n) : PICK(agents_en, n);
    } else if (ct_span_is(word, "order")) {
        (void)snprintf(out, VALUE_MAX, "%" PRIu64, 40000 + n % 50000);
    } else if (ct_span_is(word, "case")) {
        (void)snprintf(out, VALUE_MAX, "R-%" PRIu64, 1000 + n % 9000);
    } else if (ct_span_is(word, "amount")) {
        (void)snprintf(out, VALUE_MAX, es ? "%" PRIu64 ",%02" PRIu64 : "%" PRIu64 ".%02" PRIu64, 14 + n % 120,
                       n / 200 % 20 * 5);
    } else if (ct_span_is(word, "last4")) {
        (void)snprintf(out, VALUE_MAX, "%04" PRIu64, n % 10000);
    } else if (ct_span_is(word, "time")) {
        (void)snprintf(out, VALUE_MAX, "%" PRIu64 ":%02" PRIu64, 9 + n % 11, n / 16 % 4 * 15);
    } else {
        return NULL;
    }
    return out;
}

/* A text with its braces filled in, in the arena; NULL = reported. */
static const char *fill(struct reader *r, const struct ct_yaml_node *node, ct_span text)
{
    char out[TEXT_MAX], value[VALUE_MAX];
    size_t len = 0;
    for (size_t i = 0; i < text.len;) {
        const char *close = text.at[i] == '{' ? memchr(text.at + i, '}', text.len - i) : NULL;
        const char *put = text.at + i;
        size_t put_len = 1;
        if (close) {
            put = value_of(r, (ct_span){text.at + i + 1, (size_t)(close - text.at) - i - 1}, value);
            if (!put) {
                ct_yaml_problem_in(&r->yaml, 'e', node, i, "nothing is known to stand for this word in braces");
                return NULL;
            }
            put_len = strlen(put);
        }
        if (len + put_len >= sizeof out) {
            ct_yaml_problem(&r->yaml, 'e', node, "a text of more than %d bytes", TEXT_MAX - 1);
            return NULL;
        }
        memcpy(out + len, put, put_len);
        len += put_len;
        i = close ? (size_t)(close - text.at) + 1 : i + 1;
    }
    char *kept = ct_arena_alloc(&r->script->arena, len + 1);
    if (!kept) {
        (void)ct_yaml_no_memory(r->yaml.report);
        return NULL;
    }
    memcpy(kept, out, len);
    kept[len] = '\0';
    return kept;
}

static const char *keep(struct reader *r, ct_span text)
{
    char *kept = ct_arena_alloc(&r->script->arena, text.len + 1);
    if (!kept) {
        (void)ct_yaml_no_memory(r->yaml.report);
        return "";
    }
    memcpy(kept, text.at, text.len);
    kept[text.len] = '\0';
    return kept;
}

static const char *need_text(struct reader *r, const struct ct_yaml_node *map, const char *key)
{
    ct_span text;
    return ct_yaml_text(&r->yaml, ct_yaml_need(&r->yaml, map, key, key), key, &text) ? keep(r, text) : NULL;
}

/* ---- turns ------------------------------------------------------------------------------------ */

static void read_event(struct reader *r, const struct ct_yaml_node *node, const char *text, struct ct_demo_turn *turn)
{
    static const struct {
        const char *begins, *kind;
        enum ct_demo_event event;
        enum ct_role who;
    } known[] = {{"handoff failed", "", CT_DEMO_HANDOFF_FAILED, CT_ROLE_SYSTEM},
                 {"handoff", "", CT_DEMO_HANDOFF, CT_ROLE_SYSTEM},
                 {"close", "", CT_DEMO_CLOSE, CT_ROLE_SYSTEM},
                 {"csat ", "csat", CT_DEMO_SCORE, CT_ROLE_USER},
                 {"nps ", "nps", CT_DEMO_SCORE, CT_ROLE_USER},
                 {"thumb ", "thumbs", CT_DEMO_THUMB, CT_ROLE_USER}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t len = strlen(known[i].begins);
        if (strncmp(text, known[i].begins, len) == 0 && (known[i].begins[len - 1] == ' ' || text[len] == '\0')) {
            turn->event = known[i].event;
            turn->who = known[i].who;
            turn->kind = known[i].kind;
            turn->text = text + len;
            return;
        }
    }
    ct_yaml_problem(&r->yaml, 'e', node, "no such event");
}

/* What the k-th conversation takes of a list; another node is all there is. */
static const struct ct_yaml_node *kth(const struct ct_yaml_node *node, uint32_t k)
{
    return node->kind == CT_YAML_LIST && node->count ? ct_yaml_item(node, k % node->count) : node;
}

static void read_turn(struct reader *r, const struct ct_yaml_node *map, uint32_t k, bool whatsapp)
{
    static const struct {
        const char *key;
        enum ct_role who;
    } speakers[] = {{"u", CT_ROLE_USER}, {"b", CT_ROLE_BOT}, {"a", CT_ROLE_AGENT}, {"e", CT_ROLE_SYSTEM}};
    if (!ct_yaml_is_map(&r->yaml, map, "a turn") || map->count != 1 || r->turn_count == TURNS_MAX) {
        ct_yaml_problem(&r->yaml, 'e', map, "a turn is one of u, b, a, e, and a talk has at most %d", TURNS_MAX);
        return;
    }
    for (size_t i = 0; i < sizeof speakers / sizeof *speakers; i++) {
        const struct ct_yaml_node *said = ct_yaml_find(map, speakers[i].key);
        ct_span text;
        if (!said) {
            continue;
        }
        said = kth(said, k);
        const char *filled = ct_yaml_text(&r->yaml, said, "what is said", &text) ? fill(r, said, text) : NULL;
        if (!filled) {
            return;
        }
        struct ct_demo_turn *turn = &r->turns[r->turn_count];
        *turn = (struct ct_demo_turn){speakers[i].who, CT_DEMO_TEXT, filled, ""};
        if (turn->who == CT_ROLE_SYSTEM) {
            read_event(r, said, filled, turn);
        }
        r->turn_count += turn->event == CT_DEMO_TEXT || !whatsapp;
        return;
    }
    ct_yaml_problem(&r->yaml, 'e', map, "u, b, a or e is due");
}

static void read_turns(struct reader *r, const struct ct_yaml_node *list, uint32_t k, bool whatsapp)
{
    for (uint32_t i = 0; list && ct_yaml_is_list(&r->yaml, list, "say") && i < list->count; i++) {
        read_turn(r, ct_yaml_item(list, i), k, whatsapp);
    }
}

/* The longest list in these turns. */
static uint32_t longest(const struct ct_yaml_node *list, uint32_t least)
{
    for (uint32_t i = 0; list && list->kind == CT_YAML_LIST && i < list->count; i++) {
        const struct ct_yaml_node *turn = ct_yaml_item(list, i);
        if (turn->kind == CT_YAML_MAP && turn->count == 1 && ct_yaml_value(turn, 0)->kind == CT_YAML_LIST &&
            ct_yaml_value(turn, 0)->count > least) {
            least = ct_yaml_value(turn, 0)->count;
        }
    }
    return least;
}

/* ---- talks ------------------------------------------------------------------------------------- */

static bool add_talk(struct reader *r, const struct ct_demo_talk *talk)
{
    struct ct_demo_script *script = r->script;
    if (script->count == script->room) {
        size_t room = script->room ? 2 * script->room : 128;
        struct ct_demo_talk *grown = realloc(script->talks, room * sizeof *grown);
        if (!grown) {
            return ct_yaml_no_memory(r->yaml.report);
        }
        script->talks = grown;
        script->room = room;
    }
    struct ct_demo_turn *turns = ct_arena_alloc(&script->arena, r->turn_count * sizeof *turns + 1);
    if (!turns) {
        return ct_yaml_no_memory(r->yaml.report);
    }
    memcpy(turns, r->turns, r->turn_count * sizeof *turns);
    script->talks[script->count] = *talk;
    script->talks[script->count].turns = turns;
    script->talks[script->count++].turn_count = r->turn_count;
    return true;
}

static void read_talk(struct reader *r, const struct ct_yaml_node *map)
{
    static const char *const keys[] = {"name", "on", "say", "ends", "expect", NULL};
    static const char *const end_keys[] = {"say", "expect", NULL};
    static const char *const channels[] = {"web", "whatsapp", "both"};
    unsigned on = 0;
    if (!ct_yaml_is_map(&r->yaml, map, "a talk") || !ct_yaml_check_keys(&r->yaml, map, keys, "a talk")) {
        return;
    }
    const char *name = need_text(r, map, "name");
    const struct ct_yaml_node *say = ct_yaml_need(&r->yaml, map, "say", "say"), *ends = ct_yaml_find(map, "ends");
    (void)ct_yaml_choice(&r->yaml, ct_yaml_find(map, "on"), "on", channels, 3, &on);
    if (!name || !say || (ends && !ct_yaml_is_list(&r->yaml, ends, "ends"))) {
        return;
    }
    uint32_t count = longest(say, ends && ends->count ? ends->count : 1);
    for (uint32_t k = 0; k < count; k++) {
        const struct ct_yaml_node *end = ends && ends->count ? kth(ends, k) : NULL;
        bool whatsapp = on == 1 || (on == 2 && k % 2);
        uint64_t state = r->script->count + 17;
        char full[300];
        ct_span expect = CT_SPAN_NONE;
        r->dice = ct_demo_random(&state);
        r->turn_count = 0;
        read_turns(r, say, k, whatsapp);
        if (end && ct_yaml_is_map(&r->yaml, end, "an end") && ct_yaml_check_keys(&r->yaml, end, end_keys, "an end")) {
            read_turns(r, ct_yaml_find(end, "say"), k, whatsapp);
        }
        const struct ct_yaml_node *expected = end ? ct_yaml_find(end, "expect") : NULL;
        (void)ct_yaml_text(&r->yaml, expected ? expected : ct_yaml_find(map, "expect"), "expect", &expect);
        (void)snprintf(full, sizeof full, "%s/%s/%u", r->file, name, k + 1);
        const struct ct_demo_talk talk = {.name = keep(r, ct_span_of(full)),
                                          .language = r->language,
                                          .bot = r->bot,
                                          .business = r->business,
                                          .expect = expect.len ? keep(r, expect) : NULL,
                                          .whatsapp = whatsapp};
        if (r->turn_count && !add_talk(r, &talk)) {
            return;
        }
    }
}

static void read_file(struct reader *r)
{
    static const char *const keys[] = {"language", "business", "bot", "talks", NULL};
    const struct ct_yaml_node *root = r->yaml.root;
    const char *slash = strrchr(r->yaml.file.at, '/');
    ct_span name = ct_span_of(slash ? slash + 1 : r->yaml.file.at);
    const char *dot = memchr(name.at, '.', name.len);
    r->file = keep(r, dot ? (ct_span){name.at, (size_t)(dot - name.at)} : name);
    if (!root || !ct_yaml_is_map(&r->yaml, root, "the file") || !ct_yaml_check_keys(&r->yaml, root, keys, "the file")) {
        return;
    }
    r->language = need_text(r, root, "language");
    r->business = need_text(r, root, "business");
    r->bot = need_text(r, root, "bot");
    const struct ct_yaml_node *talks = ct_yaml_need(&r->yaml, root, "talks", "talks");
    if (!r->language || !r->business || !r->bot || !talks || !ct_yaml_is_list(&r->yaml, talks, "talks")) {
        return;
    }
    for (uint32_t i = 0; i < talks->count && !r->yaml.report->no_memory; i++) {
        read_talk(r, ct_yaml_item(talks, i));
    }
}

enum ct_status ct_demo_script_load(const char *folder, struct ct_demo_script *out, struct ct_error *err)
{
    struct ct_packs packs = {0};
    struct ct_yaml_report report = {.status = CT_BAD_CONFIG, .first = err};
    struct ct_arena trees;
    char *found = folder ? strdup(folder) : ct_share_folder("demo", "fixtures/demo-live");
    *out = (struct ct_demo_script){0};
    ct_arena_init(&out->arena, 0, 0);
    ct_arena_init(&trees, 0, 0);
    enum ct_status status =
        found ? ct_packs_load(found, &packs, err) : ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    for (size_t i = 0; i < packs.count && status == CT_OK && !report.no_memory; i++) {
        struct reader reader = {.script = out};
        if (ct_yaml_parse(&reader.yaml, &trees, packs.sources[i].file, packs.sources[i].bytes, &report)) {
            read_file(&reader);
        }
    }
    if (status == CT_OK && report.no_memory) {
        status = ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    } else if (status == CT_OK && report.errors) {
        status = CT_BAD_CONFIG;
    } else if (status == CT_OK && !out->count) {
        status = ct_error_set(err, CT_NOT_FOUND, "no conversations in %s", found);
    }
    ct_packs_done(&packs);
    ct_arena_done(&trees);
    free(found);
    return status;
}

void ct_demo_script_done(struct ct_demo_script *script)
{
    free(script->talks);
    ct_arena_done(&script->arena);
    *script = (struct ct_demo_script){0};
}

/* ---- writing -------------------------------------------------------------------------------------- */

/* Whatever is the same in a transcript and on the wire. NULL = out of memory. */
cJSON *ct_demo_turn_json(const struct ct_demo_turn *turn)
{
    static const char *const roles[] = {
        [CT_ROLE_USER] = "user", [CT_ROLE_BOT] = "bot", [CT_ROLE_AGENT] = "agent", [CT_ROLE_SYSTEM] = "system"};
    cJSON *message = cJSON_CreateObject();
    cJSON_AddStringToObject(message, "role", roles[turn->who]);
    cJSON_AddStringToObject(message, "text", turn->event == CT_DEMO_TEXT ? turn->text : "");
    if (turn->event == CT_DEMO_TEXT) {
        return message;
    }
    cJSON *event = cJSON_AddObjectToObject(message, "event");
    switch (turn->event) {
    case CT_DEMO_HANDOFF:
    case CT_DEMO_HANDOFF_FAILED:
        cJSON_AddStringToObject(event, "type", "handoff");
        cJSON_AddStringToObject(event, "phase", turn->event == CT_DEMO_HANDOFF ? "accepted" : "failed");
        break;
    case CT_DEMO_SCORE:
        cJSON_AddStringToObject(event, "type", "feedback");
        cJSON_AddStringToObject(event, "kind", turn->kind);
        cJSON_AddNumberToObject(event, "value", (double)strtol(turn->text, NULL, 10));
        cJSON_AddNumberToObject(event, "scale", strcmp(turn->kind, "nps") == 0 ? 10 : 5);
        break;
    case CT_DEMO_THUMB:
        cJSON_AddStringToObject(event, "type", "feedback");
        cJSON_AddStringToObject(event, "kind", "thumbs");
        cJSON_AddStringToObject(event, "value", turn->text);
        break;
    default:
        cJSON_AddStringToObject(event, "type", "close");
        break;
    }
    return message;
}

static cJSON *talk_json(const struct ct_demo_talk *talk, size_t number)
{
    /* A working day, somebody every two minutes: only the order and the distances mean anything. */
    ct_usec ts = (ct_usec)1767258000 * CT_USEC_PER_SECOND + (ct_usec)number * 120 * CT_USEC_PER_SECOND;
    char stamp[32], user[32];
    cJSON *all = cJSON_CreateObject();
    (void)snprintf(user, sizeof user, "customer-%zu", number + 1);
    cJSON_AddStringToObject(all, "conversation_id", talk->name);
    cJSON_AddStringToObject(all, "user_id", user);
    cJSON_AddStringToObject(all, "channel", talk->whatsapp ? "whatsapp" : "web");
    cJSON_AddStringToObject(all, "language", talk->language);
    cJSON_AddStringToObject(all, "bot", talk->bot);
    if (talk->expect) {
        cJSON_AddStringToObject(all, "expect", talk->expect);
    }
    cJSON *messages = cJSON_AddArrayToObject(all, "messages");
    for (size_t i = 0; i < talk->turn_count; i++) {
        cJSON *message = ct_demo_turn_json(&talk->turns[i]);
        ts += (talk->turns[i].who == CT_ROLE_USER ? 12 : 2) * CT_USEC_PER_SECOND;
        ct_time_format(ts, stamp);
        cJSON_AddStringToObject(message, "ts", stamp);
        cJSON_AddItemToArray(messages, message);
    }
    return all;
}

enum ct_status ct_demo_script_write(const struct ct_demo_script *script, FILE *to)
{
    for (size_t i = 0; i < script->count; i++) {
        cJSON *talk = talk_json(&script->talks[i], i);
        char *text = cJSON_PrintUnformatted(talk);
        bool good = text && fprintf(to, "%s\n", text) > 0;
        cJSON_free(text);
        cJSON_Delete(talk);
        if (!good) {
            return text ? CT_IO : CT_NO_MEMORY;
        }
    }
    return fflush(to) == 0 ? CT_OK : CT_IO;
}
