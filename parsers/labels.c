/* labels.c - role words in English, Spanish and Portuguese, and name comparison. */
#include "parsers/labels.h"

#include "parsers/localtime.h"

/* Letters of U+00C0..U+00FF without their marks; 0 = kept as it is. */
static const char latin1[64] = {
    'a', 'a', 'a', 'a', 'a', 'a', 0,   'c', 'e', 'e', 'e', 'e', 'i', 'i', 'i', 'i', /* C0 */
    0,   'n', 'o', 'o', 'o', 'o', 'o', ' ', 'o', 'u', 'u', 'u', 'u', 'y', 0,   0,   /* D0 */
    'a', 'a', 'a', 'a', 'a', 'a', 0,   'c', 'e', 'e', 'e', 'e', 'i', 'i', 'i', 'i', /* E0 */
    0,   'n', 'o', 'o', 'o', 'o', 'o', ' ', 'o', 'u', 'u', 'u', 'u', 'y', 0,   'y'  /* F0 */
};

/* One character that is not ASCII: what it is in a key (0 = nothing), and its bytes. */
static char fold_wide(ct_span rest, size_t *used)
{
    const unsigned char *at = (const unsigned char *)rest.at;
    *used = ct_mark_bytes(rest);
    if (*used) {
        return 0;
    }
    *used = ct_space_bytes(rest);
    if (*used) {
        return ' ';
    }
    if (rest.len > 1 && at[0] == 0xC3 && latin1[at[1] & 0x3F]) {
        *used = 2;
        return latin1[at[1] & 0x3F];
    }
    if (rest.len > 1 && (at[0] == 0xCC || (at[0] == 0xCD && at[1] < 0xB0))) { /* combining marks U+0300..U+036F */
        *used = 2;
        return 0;
    }
    *used = 1;
    return rest.at[0];
}

size_t ct_label_key(ct_span name, char *out)
{
    size_t len = 0;
    for (size_t i = 0, used = 1; i < name.len && len < CT_LABEL_KEY_MAX - 1; i += used) {
        char byte = name.at[i], put = ' ';
        used = 1;
        if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')) {
            put = byte;
        } else if (byte >= 'A' && byte <= 'Z') {
            put = (char)(byte | 0x20);
        } else if ((unsigned char)byte >= 0x80) {
            put = fold_wide((ct_span){name.at + i, name.len - i}, &used);
        }
        if (put && (put != ' ' || (len > 0 && out[len - 1] != ' '))) {
            out[len++] = put;
        }
    }
    if (len && out[len - 1] == ' ') {
        len--;
    }
    return len;
}

/* Keys, one role after the other. "agent" is a person here: files whose "agent" is the automat say so by option. */
static const struct {
    const char *key;
    enum ct_role role;
} words[] = {
    {"user", CT_ROLE_USER},
    {"usuario", CT_ROLE_USER},
    {"usuaria", CT_ROLE_USER},
    {"utilizador", CT_ROLE_USER},
    {"customer", CT_ROLE_USER},
    {"client", CT_ROLE_USER},
    {"cliente", CT_ROLE_USER},
    {"consumer", CT_ROLE_USER},
    {"consumidor", CT_ROLE_USER},
    {"visitor", CT_ROLE_USER},
    {"visitante", CT_ROLE_USER},
    {"guest", CT_ROLE_USER},
    {"caller", CT_ROLE_USER},
    {"contact", CT_ROLE_USER},
    {"contacto", CT_ROLE_USER},
    {"contato", CT_ROLE_USER},
    {"human", CT_ROLE_USER},
    {"end user", CT_ROLE_USER},
    {"usuario final", CT_ROLE_USER},
    {"lead", CT_ROLE_USER},
    {"inbound", CT_ROLE_USER},
    {"incoming", CT_ROLE_USER},
    {"entrante", CT_ROLE_USER},

    {"bot", CT_ROLE_BOT},
    {"assistant", CT_ROLE_BOT},
    {"asistente", CT_ROLE_BOT},
    {"assistente", CT_ROLE_BOT},
    {"chatbot", CT_ROLE_BOT},
    {"ai", CT_ROLE_BOT},
    {"ia", CT_ROLE_BOT},
    {"robot", CT_ROLE_BOT},
    {"robo", CT_ROLE_BOT},
    {"virtual assistant", CT_ROLE_BOT},
    {"asistente virtual", CT_ROLE_BOT},
    {"assistente virtual", CT_ROLE_BOT},
    {"virtual agent", CT_ROLE_BOT},
    {"agente virtual", CT_ROLE_BOT},
    {"ai agent", CT_ROLE_BOT},
    {"outbound", CT_ROLE_BOT},
    {"outgoing", CT_ROLE_BOT},
    {"saliente", CT_ROLE_BOT},
    {"agent bot", CT_ROLE_BOT},
    {"model", CT_ROLE_BOT},
    {"automated agent", CT_ROLE_BOT},

    {"agent", CT_ROLE_AGENT},
    {"agente", CT_ROLE_AGENT},
    {"asesor", CT_ROLE_AGENT},
    {"asesora", CT_ROLE_AGENT},
    {"operator", CT_ROLE_AGENT},
    {"operador", CT_ROLE_AGENT},
    {"operadora", CT_ROLE_AGENT},
    {"atendente", CT_ROLE_AGENT},
    {"advisor", CT_ROLE_AGENT},
    {"ejecutivo", CT_ROLE_AGENT},
    {"ejecutiva", CT_ROLE_AGENT},
    {"representative", CT_ROLE_AGENT},
    {"representante", CT_ROLE_AGENT},
    {"rep", CT_ROLE_AGENT},
    {"human agent", CT_ROLE_AGENT},
    {"live agent", CT_ROLE_AGENT},
    {"agente humano", CT_ROLE_AGENT},
    {"consultor", CT_ROLE_AGENT},
    {"consultora", CT_ROLE_AGENT},
    {"supervisor", CT_ROLE_AGENT},
    {"supervisora", CT_ROLE_AGENT},

    {"system", CT_ROLE_SYSTEM},
    {"sistema", CT_ROLE_SYSTEM},
    {"sys", CT_ROLE_SYSTEM},
    {"activity", CT_ROLE_SYSTEM},

    {"tool", CT_ROLE_TOOL},
    {"function", CT_ROLE_TOOL},
    {"funcion", CT_ROLE_TOOL},
    {"funcao", CT_ROLE_TOOL},
    {"herramienta", CT_ROLE_TOOL},
    {"ferramenta", CT_ROLE_TOOL},
    {"tool result", CT_ROLE_TOOL},
};

static ct_span without_suffix(ct_span label)
{
    label = ct_span_trim(label);
    if (label.len && (label.at[label.len - 1] == ')' || label.at[label.len - 1] == ']')) {
        char open = label.at[label.len - 1] == ')' ? '(' : '[';
        const char *at = memchr(label.at, open, label.len);
        if (at) {
            label.len = (size_t)(at - label.at);
        }
    }
    while (label.len && label.at[label.len - 1] >= '0' && label.at[label.len - 1] <= '9') {
        label.len--;
    }
    return label;
}

enum ct_role ct_label_role(ct_span label)
{
    char key[CT_LABEL_KEY_MAX];
    label = without_suffix(label);
    if (label.len > 40) { /* no role word is that long */
        return CT_ROLE_UNKNOWN;
    }
    ct_span wanted = {key, ct_label_key(label, key)};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (ct_span_is(wanted, words[i].key)) {
            return words[i].role;
        }
    }
    return CT_ROLE_UNKNOWN;
}

bool ct_label_is_business(ct_span name)
{
    static const char *const hints[] = {"bot",     "chatbot",  "assistant", "asistente", "assistente",  "virtual",
                                        "support", "soporte",  "suporte",   "atencion",  "atendimento", "helpdesk",
                                        "oficial", "official", "business",  "empresa",   "service",     "servicio"};
    char key[CT_LABEL_KEY_MAX];
    size_t len = ct_label_key(name, key);
    for (size_t begin = 0; begin < len;) {
        size_t end = begin;
        while (end < len && key[end] != ' ') {
            end++;
        }
        ct_span word = {key + begin, end - begin};
        for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
            if (ct_span_is(word, hints[i])) {
                return true;
            }
        }
        begin = end + 1;
    }
    /* "PizzaBot": the key no longer tells the capital, so the name itself is looked at. */
    name = ct_span_trim(name);
    return name.len > 3 && memcmp(name.at + name.len - 3, "Bot", 3) == 0;
}

bool ct_label_set_add(struct ct_label_set *set, ct_span list, char separator, enum ct_role role)
{
    while (list.len) {
        const char *cut = memchr(list.at, separator, list.len);
        ct_span name = {list.at, cut ? (size_t)(cut - list.at) : list.len};
        list = cut ? (ct_span){cut + 1, list.len - name.len - 1} : CT_SPAN_NONE;
        name = ct_span_trim(name);
        if (name.len == 0 || set->count == CT_LABEL_MAX) {
            return false;
        }
        struct ct_label_entry *entry = &set->entry[set->count];
        entry->open_begin = name.at[0] == '*';
        entry->open_end = name.at[name.len - 1] == '*';
        entry->role = (uint8_t)role;
        entry->len = (uint8_t)ct_label_key(name, entry->key);
        if (entry->len == 0 && !entry->open_begin) {
            return false;
        }
        set->count++;
    }
    return true;
}

static bool entry_matches(const struct ct_label_entry *entry, ct_span key)
{
    ct_span wanted = {entry->key, entry->len};
    if (key.len < wanted.len) {
        return false;
    }
    if (entry->open_begin && entry->open_end) {
        return memmem(key.at, key.len, wanted.at, wanted.len) != NULL;
    }
    if (entry->open_begin) {
        return memcmp(key.at + key.len - wanted.len, wanted.at, wanted.len) == 0;
    }
    return (entry->open_end || key.len == wanted.len) && memcmp(key.at, wanted.at, wanted.len) == 0;
}

enum ct_role ct_label_set_role(const struct ct_label_set *set, ct_span name)
{
    char bytes[CT_LABEL_KEY_MAX];
    ct_span key = {bytes, ct_label_key(name, bytes)};
    for (size_t i = 0; i < set->count; i++) {
        if (entry_matches(&set->entry[i], key)) {
            return (enum ct_role)set->entry[i].role;
        }
    }
    return CT_ROLE_UNKNOWN;
}
