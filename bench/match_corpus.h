/* match_corpus.h - rules and messages for the engine's own benchmarks, the same for the same seed. Included by one .c
 * each.
 *
 * The rules are classification rules as people write them: alternations, word gaps, a `not` now and then. The messages
 * are 110-150 bytes of Spanish, English and Portuguese customer talk with accents, capitals and typos. `dense` messages
 * are little else than the words that rules look for, the hardest case; in the others about one word in ten is.
 */
#ifndef MATCH_CORPUS_H
#define MATCH_CORPUS_H

#include "engine/match_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- rules and messages ------------------------------------------------------------------- */

static uint64_t state;

static uint32_t roll(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(((state >> 16) * below) >> 48);
}

#define PICK(list) (list)[roll(sizeof(list) / sizeof(list)[0])]

/* What rules look for, in three parts: wish, act, thing. Folded. */
static const char *const wishes[] = {"quiero",   "quisiera",  "necesito", "puedo",      "deseo",    "me gustaria",
                                     "podria",   "want",      "need",     "would like", "can",      "could",
                                     "wish",     "trying",    "quero",    "preciso",    "gostaria", "posso",
                                     "queria",   "tengo que", "have to",  "intento",    "hay que",  "vamos a",
                                     "pretendo", "exijo",     "solicito", "please",     "favor",    "ayudame a"};
static const char *const acts[] = {
    "hablar",     "cancelar",  "devolver",  "cambiar",   "comprar",  "pagar",    "consultar", "reclamar",   "activar",
    "renovar",    "talk",      "cancel",    "return",    "change",   "buy",      "pay",       "check",      "complain",
    "activate",   "renew",     "falar",     "devolver",  "trocar",   "pagar",    "conferir",  "reclamar",   "ativar",
    "renovar",    "recibir",   "receive",   "bloquear",  "block",    "recargar", "transfer",  "transferir", "update",
    "actualizar", "atualizar", "contratar", "download",  "instalar", "install",  "resolver",  "solve",      "rastrear",
    "track",      "encontrar", "find",      "verificar", "register"};
static const char *const things[] = {
    "agente",     "persona",    "humano",    "asesor",   "pedido",    "factura",   "tarjeta",       "cuenta",
    "contrasena", "reembolso",  "agent",     "person",   "human",     "manager",   "order",         "invoice",
    "card",       "account",    "password",  "refund",   "atendente", "pessoa",    "gerente",       "encomenda",
    "fatura",     "cartao",     "conta",     "senha",    "estorno",   "boleto",    "suscripcion",   "subscription",
    "assinatura", "plan",       "internet",  "linea",    "movil",     "router",    "entrega",       "delivery",
    "producto",   "product",    "garantia",  "warranty", "seguro",    "insurance", "prestamo",      "loan",
    "poliza",     "policy",     "vuelo",     "flight",   "reserva",   "booking",   "equipaje",      "luggage",
    "hotel",      "habitacion", "descuento", "discount", "cupon",     "coupon",    "puntos",        "points",
    "tienda",     "store",      "horario",   "schedule", "direccion", "address",   "transferencia", "deposito",
    "saldo",      "balance",    "comision",  "interes",  "cuota",     "parcela",   "cajero",        "sucursal"};
static const char *const trouble[] = {
    "no funciona", "no sirve",  "error",       "falla",  "roto",         "perdido",  "tarde",    "equivocado",
    "duplicado",   "rechazado", "not working", "broken", "missing",      "late",     "wrong",    "declined",
    "expired",     "damaged",   "slow",        "lost",   "nao funciona", "quebrado", "atrasado", "errado",
    "recusado",    "vencido",   "danificado",  "lento",  "sumiu",        "bloqueado"};

/* Unique words make the rules of a big set differ, as products, places and competitors do. */
static void coin_word(char *out, uint32_t number)
{
    static const char *const a[] = {"al", "ber", "cor", "dan", "el",  "fur", "gal", "hes",
                                    "il", "jor", "kel", "lum", "mar", "nor", "ost", "pel"};
    static const char *const b[] = {"ba", "ce", "di", "fo", "gu", "la", "me", "ni",
                                    "po", "ru", "sa", "te", "vi", "xo", "ye", "zu"};
    static const char *const c[] = {"nex", "ria", "tel", "von", "lis", "mar", "dor", "san",
                                    "pay", "net", "go",  "mix", "lab", "pro", "ten", "bus"};
    sprintf(out, "%s%s%s", a[number & 15], b[(number >> 4) & 15], c[(number >> 8) & 15]);
}

enum { PATTERN_MAX = 400 };

static size_t alternation(char *out, const char *const *list, uint32_t count, uint32_t n)
{
    size_t len = (size_t)sprintf(out, "(?:");
    for (uint32_t i = 0; i < n; i++)
        len += (size_t)sprintf(out + len, "%s%s", i ? "|" : "", list[roll(count)]);
    return len + (size_t)sprintf(out + len, ")");
}

#define ALTERNATION(out, list, n) alternation(out, list, sizeof(list) / sizeof(list)[0], n)

static char *make_pattern(uint32_t rule, uint32_t rules)
{
    char out[PATTERN_MAX * 4], word[32];
    size_t len = (size_t)sprintf(out, "\\b");
    switch (roll(6)) {
    case 0: /* wish ... act ... thing */
        len += ALTERNATION(out + len, wishes, 3);
        len += (size_t)sprintf(out + len, "\\s+(?:\\w+\\s+){0,3}?");
        len += ALTERNATION(out + len, acts, 3);
        len += (size_t)sprintf(out + len, "(?:me|lo|la|se)?\\s+(?:\\w+\\s+){0,2}?");
        len += ALTERNATION(out + len, things, 4);
        len += (size_t)sprintf(out + len, "s?\\b");
        break;
    case 1: /* act and thing */
        len += ALTERNATION(out + len, acts, 4);
        len += (size_t)sprintf(out + len, "\\s+(?:el|la|los|mi|un|una|the|my|a|o|minha|meu)?\\s*");
        len += ALTERNATION(out + len, things, 4);
        len += (size_t)sprintf(out + len, "\\b");
        break;
    case 2: /* thing and trouble */
        len += ALTERNATION(out + len, things, 5);
        len += (size_t)sprintf(out + len, "\\b.{0,40}\\b");
        len += ALTERNATION(out + len, trouble, 4);
        len += (size_t)sprintf(out + len, "\\b");
        break;
    case 3: /* trouble with my thing */
        len += ALTERNATION(out + len, trouble, 3);
        len += (size_t)sprintf(out + len, "\\s+(?:\\w+\\s+){0,4}?");
        len += ALTERNATION(out + len, things, 4);
        len += (size_t)sprintf(out + len, "(?:es|s)?\\b");
        break;
    case 4: /* a name */
        coin_word(word, roll(rules < 64 ? 64 : rules));
        len += (size_t)sprintf(out + len, "(?:%s", word);
        coin_word(word, roll(rules < 64 ? 64 : rules));
        len += (size_t)sprintf(out + len, "|%s)\\b", word);
        break;
    default: /* a name and what about it */
        coin_word(word, rule);
        len += ALTERNATION(out + len, things, 3);
        len += (size_t)sprintf(out + len, "\\s+(?:de|del|da|of|from)?\\s*%s\\b", word);
        break;
    }
    return strdup(out);
}

struct corpus {
    struct ct_ruleset set;
    struct ct_pack pack;
    struct ct_rule *rules;
    struct ct_pattern *patterns;
    size_t pattern_count;
    ct_span *texts;
    size_t text_count;
};

static void pattern_add(struct corpus *corpus, uint32_t rule, uint32_t rules)
{
    ct_span text = ct_span_of(make_pattern(rule, rules));
    corpus->patterns[corpus->pattern_count++] = (struct ct_pattern){text, text, 1, 1};
}

static void make_rules(struct corpus *corpus, uint32_t count)
{
    corpus->rules = calloc(count, sizeof *corpus->rules);
    corpus->patterns = calloc((size_t)count * 3, sizeof *corpus->patterns);
    for (uint32_t i = 0; i < count; i++) {
        struct ct_rule *rule = &corpus->rules[i];
        *rule = (struct ct_rule){.id = CT_SPAN_LIT("bench"), .kind = CT_RULE_PATTERN, .role = CT_ROLE_USER, .level = 1};
        rule->any = &corpus->patterns[corpus->pattern_count];
        rule->any_count = (uint16_t)(1 + roll(2));
        for (uint32_t j = 0; j < rule->any_count; j++)
            pattern_add(corpus, i, count);
        rule->not = &corpus->patterns[corpus->pattern_count];
        rule->not_count = roll(5) == 0;
        if (rule->not_count)
            pattern_add(corpus, i, count);
    }
    corpus->set.rules = corpus->rules;
    corpus->set.rule_count = count;
    corpus->set.packs = &corpus->pack;
    corpus->set.pack_count = 1;
    corpus->pack.file = CT_SPAN_LIT("bench.yaml");
}

/* As people type them: accents on some words, now and then a capital, a letter too many. */
static size_t say(char *out, const char *word)
{
    static const char *const plain[] = {"suscripcion", "contrasena", "direccion",    "linea",   "movil", "prestamo",
                                        "habitacion",  "cartao",     "nao funciona", "interes", "cupon", "poliza"};
    static const char *const accented[] = {"suscripción", "contraseña", "dirección",    "línea",   "móvil", "préstamo",
                                           "habitación",  "cartão",     "não funciona", "interés", "cupón", "póliza"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(word, plain[i]) == 0 && roll(4) > 0)
            word = accented[i];
    }
    size_t len = (size_t)sprintf(out, "%s", word);
    if (roll(40) == 0)
        out[0] = (char)(out[0] & ~32);
    if (roll(60) == 0 && out[len - 1] > 0) {
        out[len] = out[len + 1] = out[len - 1];
        len += 2;
    }
    return len;
}

static ct_span make_text(uint32_t rules, bool dense)
{
    static const char *const fillers[] = {"hola",
                                          "buenas tardes",
                                          "gracias",
                                          "la verdad",
                                          "desde ayer",
                                          "por favor",
                                          "el sistema",
                                          "esta mañana",
                                          "con ustedes",
                                          "hello",
                                          "good morning",
                                          "thanks",
                                          "since yesterday",
                                          "in the app",
                                          "on the website",
                                          "as soon as possible",
                                          "again",
                                          "bom dia",
                                          "obrigado",
                                          "desde ontem",
                                          "no aplicativo",
                                          "de novo",
                                          "para mi esposa",
                                          "en la página",
                                          "¿me pueden ayudar?",
                                          "sigo esperando",
                                          "ya van tres veces",
                                          "it keeps happening",
                                          "i was told",
                                          "me dijeron que",
                                          "que pasa con",
                                          "o que acontece com",
                                          "cuándo llega",
                                          "when will it arrive",
                                          "quanto tempo",
                                          "no entiendo",
                                          "i do not understand",
                                          "não entendi",
                                          "más información",
                                          "mi número es el 600123123",
                                          "order 48213",
                                          "el día 12",
                                          "de la semana pasada",
                                          "última vez",
                                          "también",
                                          "because",
                                          "porque",
                                          "mas"};
    static const char *const links[] = {" ",     " ",    " ",     ", ",  " y ", ". ",    " and ", " e ",
                                        " que ", " de ", " the ", " a ", "? ",  " con ", " for "};
    char out[400] = "", word[32];
    size_t len = 0, want = 110 + roll(41);
    while (len < want) {
        switch (roll(dense ? 8 : 40)) {
        case 0:
            len += say(out + len, PICK(wishes));
            break;
        case 1:
            len += say(out + len, PICK(acts));
            break;
        case 2:
            len += say(out + len, PICK(things));
            break;
        case 3:
            if (roll(4) == 0) {
                len += say(out + len, PICK(trouble));
                break;
            }
            if (roll(6) == 0) {
                coin_word(word, roll(rules < 64 ? 64 : rules));
                len += say(out + len, word);
                break;
            }
            /* fall through */
        default:
            len += say(out + len, PICK(fillers));
            break;
        }
        len += (size_t)sprintf(out + len, "%s", PICK(links));
    }
    while (len > 150 || ((unsigned char)out[len] & 0xC0) == 0x80)
        len--;
    char *kept = malloc(len + 1);
    memcpy(kept, out, len);
    return (ct_span){kept, len};
}

static void corpus_make(struct corpus *corpus, uint32_t rules, size_t texts, uint64_t seed, bool dense)
{
    memset(corpus, 0, sizeof *corpus);
    state = 0x9E3779B97F4A7C15u * (seed + 1);
    make_rules(corpus, rules);
    corpus->texts = calloc(texts, sizeof *corpus->texts);
    corpus->text_count = texts;
    for (size_t i = 0; i < texts; i++)
        corpus->texts[i] = make_text(rules, dense);
}

static void corpus_done(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->text_count; i++)
        free((void *)(uintptr_t)corpus->texts[i].at);
    for (size_t i = 0; i < corpus->pattern_count; i++)
        free((void *)(uintptr_t)corpus->patterns[i].source.at);
    free(corpus->texts);
    free(corpus->patterns);
    free(corpus->rules);
}

/* CPU time of the process, ns. */
static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

#endif
