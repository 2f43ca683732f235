/* whatsapp_line.c - headers and placeholders of exported chats, Android and iOS, in English, Spanish, Portuguese. */
#include "parsers/whatsapp_line.h"

#include "parsers/labels.h"

enum { NAME_MAX_BYTES = 120, PLACEHOLDER_MAX_BYTES = 40 /* the longest of media_keys and deleted_keys has fewer */ };

/* All tables hold label keys (labels.h): lower case, no accents, no punctuation. */
static const char *const media_keys[] = {
    "media omitted",
    "image omitted",
    "video omitted",
    "audio omitted",
    "sticker omitted",
    "gif omitted",
    "document omitted",
    "contact card omitted",
    "video note omitted",
    "voice message omitted",
    "multimedia omitido",
    "archivo omitido",
    "imagen omitida",
    "video omitido",
    "audio omitido",
    "sticker omitido",
    "gif omitido",
    "documento omitido",
    "tarjeta de contacto omitida",
    "nota de video omitida",
    "midia oculta",
    "midia omitida",
    "arquivo de midia oculto",
    "imagem ocultada",
    "imagem oculta",
    "video ocultado",
    "video oculto",
    "audio ocultado",
    "audio oculto",
    "figurinha omitida",
    "gif ocultado",
    "cartao do contato omitido",
};
static const char *const document_tails[] = {"document omitted", "documento omitido", "documento ocultado"};
static const char *const android_tails[] = {"(file attached)", "(archivo adjunto)", "(arquivo anexado)"};
static const char *const attached_keys[] = {"attached ", "adjunto ", "anexado ", "anexo "};
static const char *const deleted_keys[] = {
    "this message was deleted",   "you deleted this message", "se elimino este mensaje",   "eliminaste este mensaje",
    "este mensaje fue eliminado", "este mensaje se elimino",  "mensagem apagada",          "esta mensagem foi apagada",
    "voce apagou esta mensagem",  "apagou esta mensagem",     "essa mensagem foi apagada", "apagou essa mensagem",
};
static const char *const edited_keys[] = {
    "this message was edited", "se edito este mensaje",     "mensaje editado",
    "mensagem editada",        "esta mensagem foi editada",
};
/* Notices of the app that begin so are never somebody's words, even without an invisible mark in front. */
static const char *const sure_notices[] = {
    "messages and calls are end to end encrypted",
    "messages to this group are now secured",
    "messages to this chat and calls are now secured",
    "los mensajes y las llamadas estan cifrados de extremo a extremo",
    "los mensajes y llamadas estan cifrados",
    "los mensajes en este grupo ahora estan protegidos",
    "las llamadas y mensajes en este chat ahora estan protegidos",
    "as mensagens e as ligacoes sao protegidas",
    "as mensagens e ligacoes sao protegidas",
    "as mensagens e as chamadas sao protegidas",
    "as mensagens enviadas para este grupo agora estao protegidas",
};
/* These count as notices behind an invisible mark (as iOS writes them). */
static const char *const marked_notices[] = {
    "end to end encrypt",
    "extremo a extremo",
    "ponta a ponta",
    "security code",
    "codigo de seguridad",
    "codigo de seguranca",
    "missed voice call",
    "missed video call",
    "voice call",
    "video call",
    "llamada",
    "videollamada",
    "ligacao de voz",
    "chamada de voz",
    "chamada de video",
    "created ",
    "creo el grupo",
    "creaste ",
    "criou ",
    " added ",
    "anadio ",
    "agrego ",
    "adicionou ",
    " left",
    " salio",
    " saiu",
    " removed ",
    " elimino a ",
    " removeu ",
    "disappearing messages",
    "mensajes temporales",
    "mensagens temporarias",
    "blocked this",
    "bloqueaste",
    "desbloqueaste",
    "bloqueou",
    "is a contact",
    "es un contacto",
    "business account",
    "cuenta de empresa",
    "conta comercial",
    "this business",
    "esta empresa",
    "changed ",
    "cambio ",
    "mudou ",
    "joined using",
    "se unio",
    "entrou usando",
    "new number",
    "pinned a message",
    "fijo un mensaje",
    "fixou uma mensagem",
};
/* A notice may hold a colon ("Ana changed the subject to "Ideas: 2026""): what then looks like a name holds one of
 * these. */
static const char *const notice_verbs[] = {
    "changed the subject", "changed the group",   "changed this group",    "created group",     "created the group",
    "cambio el asunto",    "cambio el nombre",    "cambio la descripcion", "creo el grupo",     "creaste el grupo",
    "cambiaste el",        "mudou o assunto",     "mudou o nome",          "mudou a descricao", "alterou o nome",
    "criou o grupo",       "voce criou o grupo",  "you created group",     "you changed the",   "security code",
    "codigo de seguridad", "codigo de seguranca", "end to end encrypted",  "extremo a extremo", "ponta a ponta",
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool key_is(ct_span key, const char *const *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ct_span_is(key, table[i])) {
            return true;
        }
    }
    return false;
}

static bool key_holds(ct_span key, const char *const *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (memmem(key.at, key.len, table[i], strlen(table[i]))) {
            return true;
        }
    }
    return false;
}

static bool key_begins(ct_span key, const char *const *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(table[i]);
        if (key.len >= len && memcmp(key.at, table[i], len) == 0) {
            return true;
        }
    }
    return false;
}

static bool ends_with(ct_span text, const char *tail)
{
    size_t len = strlen(tail);
    return text.len >= len && memcmp(text.at + text.len - len, tail, len) == 0;
}

static ct_span drop(ct_span text, size_t bytes)
{
    return (ct_span){text.at + bytes, text.len - bytes};
}

static ct_span skip(ct_span text, bool spaces, bool *marked)
{
    size_t bytes;
    while ((bytes = ct_mark_bytes(text)) > 0 || (spaces && (bytes = ct_space_bytes(text)) > 0)) {
        if (marked && ct_mark_bytes(text)) {
            *marked = true;
        }
        text = drop(text, bytes);
    }
    return text;
}

/* A placeholder at the end of the line, perhaps with something before it. */
static bool read_attached(ct_span text, ct_span *caption)
{
    *caption = CT_SPAN_NONE;
    for (size_t i = 0; i < COUNT(android_tails); i++) {
        if (ends_with(text, android_tails[i])) {
            return true; /* before it stands the file's name; a caption comes on the next line */
        }
    }
    for (size_t i = 0; i < COUNT(document_tails); i++) { /* "menu.pdf • 2 pages <mark>document omitted" */
        size_t len = strlen(document_tails[i]);
        if (ends_with(text, document_tails[i]) && text.len > len + 3 &&
            ct_mark_bytes((ct_span){text.at + text.len - len - 3, 3})) {
            return true;
        }
    }
    const char *open = text.len && text.at[text.len - 1] == '>' ? memrchr(text.at, '<', text.len) : NULL;
    if (!open) {
        return false;
    }
    char bytes[CT_LABEL_KEY_MAX];
    ct_span key = {bytes, ct_label_key((ct_span){open, (size_t)(text.at + text.len - open)}, bytes)};
    for (size_t i = 0; i < COUNT(attached_keys); i++) {
        size_t len = strlen(attached_keys[i]);
        if (key.len > len && memcmp(key.at, attached_keys[i], len) == 0) {
            *caption = ct_span_trim((ct_span){text.at, (size_t)(open - text.at)});
            if (memmem(caption->at, caption->len, "\xE2\x80\xA2", 3)) { /* "menu.pdf • 2 pages" is no caption */
                *caption = CT_SPAN_NONE;
            }
            return true;
        }
    }
    return false;
}

static void classify(struct ct_whatsapp_line *line)
{
    bool marked = false;
    ct_span text = ct_span_trim(skip(line->text, true, &marked));
    char bytes[CT_LABEL_KEY_MAX];
    ct_span key = {bytes, ct_label_key(text, bytes)}, caption = CT_SPAN_NONE;
    line->text = text;
    line->kind = CT_WHATSAPP_TEXT;
    bool brief = key.len <= PLACEHOLDER_MAX_BYTES;
    if ((brief && key_is(key, media_keys, COUNT(media_keys))) ||
        ct_span_is(text, "null")) { /* null: seen once, then gone */
        line->kind = CT_WHATSAPP_MEDIA;
    } else if (read_attached(text, &caption)) {
        line->kind = CT_WHATSAPP_MEDIA;
    } else if (brief && key_is(key, deleted_keys, COUNT(deleted_keys))) {
        line->kind = CT_WHATSAPP_DELETED;
    } else if (key_begins(key, sure_notices, COUNT(sure_notices)) ||
               (marked && key_holds(key, marked_notices, COUNT(marked_notices)))) {
        line->kind = CT_WHATSAPP_SYSTEM;
    }
    if (line->kind == CT_WHATSAPP_MEDIA || line->kind == CT_WHATSAPP_DELETED) {
        line->text = caption;
    }
}

/* Names are short and seldom quote anything; only what is long or quotes is looked at word by word. */
static bool is_notice_with_colon(ct_span name)
{
    if (name.len <= 20 && !memchr(name.at, '"', name.len) && !memmem(name.at, name.len, "\xE2\x80\x9C", 3)) {
        return false;
    }
    char bytes[CT_LABEL_KEY_MAX];
    ct_span key = {bytes, ct_label_key(name, bytes)};
    return key_holds(key, notice_verbs, COUNT(notice_verbs));
}

/* Splits "Name: text"; without a name the whole is a notice. */
static void read_name(ct_span rest, struct ct_whatsapp_line *out)
{
    out->name = CT_SPAN_NONE;
    out->text = ct_span_trim(rest);
    out->kind = CT_WHATSAPP_SYSTEM;
    for (size_t i = 0; i < rest.len && i <= NAME_MAX_BYTES; i++) {
        if (rest.at[i] != ':' ||
            (i + 1 < rest.len && !ct_space_bytes(drop(rest, i + 1)) && !ct_mark_bytes(drop(rest, i + 1)))) {
            continue;
        }
        ct_span name = ct_span_trim((ct_span){rest.at, i});
        if (name.len == 0 || is_notice_with_colon(name)) {
            return;
        }
        if (name.at[0] == '~') { /* not in the address book of whoever exported */
            name = ct_span_trim(drop(name, 1));
        }
        if (name.len == 0) {
            return;
        }
        out->name = name;
        out->text = drop(rest, i + 1);
        classify(out);
        return;
    }
}

bool ct_whatsapp_read_line(ct_span line, struct ct_whatsapp_line *out)
{
    ct_span rest = skip(line, false, NULL);
    bool bracket = rest.len && rest.at[0] == '[';
    if (bracket) {
        rest = drop(rest, 1);
    }
    if (!rest.len || rest.at[0] < '0' || rest.at[0] > '9') { /* most lines that go on end here */
        return false;
    }
    size_t used = ct_local_scan(rest, &out->time, NULL);
    if (used == 0) {
        return false;
    }
    ct_span after = skip(drop(rest, used), true, NULL);
    bool spaced = after.len < rest.len - used;
    if (bracket) {
        if (!after.len || after.at[0] != ']') {
            return false;
        }
        out->style = CT_WHATSAPP_BRACKET;
        after = drop(after, 1);
    } else if (after.len > 1 && after.at[0] == '-' && spaced && ct_space_bytes(drop(after, 1))) {
        out->style = CT_WHATSAPP_DASH;
        after = drop(after, 1);
    } else if (after.len > 4 && spaced && memcmp(after.at, "\xE2\x80\x93", 3) == 0 && ct_space_bytes(drop(after, 3))) {
        out->style = CT_WHATSAPP_DASH;
        after = drop(after, 3);
    } else if (after.len > 1 && after.at[0] == ':' && !spaced && ct_space_bytes(drop(after, 1))) {
        out->style = CT_WHATSAPP_COLON;
        after = drop(after, 1);
    } else if (spaced && out->time.has_second) {
        out->style = CT_WHATSAPP_BARE;
    } else {
        return false;
    }
    read_name(skip(after, true, NULL), out);
    return out->style != CT_WHATSAPP_BARE || out->name.len > 0;
}

ct_span ct_whatsapp_without_edit_mark(ct_span text)
{
    ct_span trimmed = ct_span_trim(text);
    if (!trimmed.len || trimmed.at[trimmed.len - 1] != '>') {
        return text;
    }
    const char *open = memrchr(trimmed.at, '<', trimmed.len);
    if (!open || trimmed.at + trimmed.len - open > 64) {
        return text;
    }
    char bytes[CT_LABEL_KEY_MAX];
    ct_span key = {bytes, ct_label_key((ct_span){open, (size_t)(trimmed.at + trimmed.len - open)}, bytes)};
    if (!key_is(key, edited_keys, COUNT(edited_keys))) {
        return text;
    }
    return ct_span_trim((ct_span){text.at, (size_t)(open - text.at)});
}
