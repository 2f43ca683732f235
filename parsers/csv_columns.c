/* csv_columns.c - from a header record to columns. */
#include "parsers/csv_columns.h"

#include "parsers/labels.h"
#include "parsers/localtime.h"

static const char *const field_names[CT_CSV_FIELD_COUNT] = {
#define X(name, text) [CT_CSV_##name] = text,
    CT_CSV_FIELD_MAP(X)
#undef X
};

const char *ct_csv_field_name(enum ct_csv_field field)
{
    return field_names[field];
}

/* Names by which exports call a field, as label keys without spaces, the surest first. Scores (csat, nps, ces) are
 * taken by map only: exports repeat a conversation's score on each of its rows. */
static const struct {
    enum ct_csv_field field;
    const char *names; /* separated by spaces */
} known[] = {
    {CT_CSV_CONVERSATION_ID,
     "conversationid convid conversationuuid chatid sessionid threadid dialogueid dialogid interactionid callid "
     "ticketid ticketnumber idconversacion conversacionid idconversa conversaid idchat idsesion sesionid idsessao "
     "sessaoid idticket idcaso casoid protocolo numeroprotocolo conversation conversacion conversa session sesion "
     "sessao thread ticket caso chat"},
    {CT_CSV_TEXT, "text messagetext messagebody body message content utterance mensaje textomensaje mensagem "
                  "textodamensagem texto contenido conteudo msg"},
    {CT_CSV_ROLE, "role senderrole sendertype authorrole authortype participantrole speakerrole sender author from "
                  "speaker participant rol tipoautor tiporemitente remitente autor emisor remetente papel funcao quien "
                  "de direction direccion direcao"},
    {CT_CSV_TS, "ts timestamp datetime createdat senttime sentat messagetime messagets createdtime fechahora "
                "fechayhora fechadeenvio fechaenvio enviadoen marcadetiempo datahora dataehora datadeenvio enviadoem "
                "criadoem creadoen date fecha data time hora"},
    {CT_CSV_TIME_OF_DAY, "time hora horario timeofday"},
    {CT_CSV_USER_TEXT, "usertext usermessage userutterance userinput customermessage customertext clientmessage "
                       "mensajecliente mensajeusuario mensajedelcliente mensagemcliente mensagemusuario "
                       "mensagemdocliente question pregunta pergunta query input user customer usuario cliente"},
    {CT_CSV_BOT_TEXT, "bottext botmessage botresponse botreply assistantmessage assistantresponse aimessage "
                      "airesponse mensajebot respuestabot respuestadelbot mensagembot respostabot respostadobot answer "
                      "response reply respuesta resposta output bot assistant asistente assistente"},
    {CT_CSV_AGENT_TEXT, "agenttext agentmessage agentresponse agentreply mensajeagente respuestaagente "
                        "mensagematendente respostaatendente agent agente asesor atendente"},
    {CT_CSV_BOT_TS, "botts bottimestamp bottime responsets answeredat respondedat"},
    {CT_CSV_USER_ID, "userid customerid clientid idusuario usuarioid idcliente clienteid idutilizador waid "
                     "phonenumber phone telefono telefone celular user customer usuario cliente"},
    {CT_CSV_ID, "messageid msgid messageuuid idmensaje mensajeid idmensagem mensagemid"},
    {CT_CSV_CHANNEL, "channel canal"},
    {CT_CSV_LANGUAGE, "language lang locale idioma"},
    {CT_CSV_BOT, "botname botid nombrebot nomebot"},
    {CT_CSV_BOT_VERSION, "botversion versionbot versiondelbot versaobot versaodobot"},
    {CT_CSV_TENANT, "tenant tenantid"},
    {CT_CSV_SEGMENT, "segment customersegment segmento segmentocliente"},
    {CT_CSV_PRODUCT, "product productid producto produto"},
    {CT_CSV_COUNTRY, "country countrycode pais codigopais"},
    {CT_CSV_INTENT, "intent intentname detectedintent intencion intencao"},
    {CT_CSV_MODEL, "model modelname modelo"},
    {CT_CSV_TOKENS_INPUT, "tokensinput inputtokens prompttokens tokensentrada"},
    {CT_CSV_TOKENS_CACHED, "tokenscached cachedtokens cachedinputtokens tokenscache"},
    {CT_CSV_TOKENS_OUTPUT, "tokensoutput outputtokens completiontokens tokenssalida tokenssaida"},
    {CT_CSV_COST, "cost costo coste custo"},
    {CT_CSV_CURRENCY, "currency moneda moeda"},
};

/* The label key without its spaces. */
static size_t tight_key(ct_span name, char *out)
{
    size_t len = ct_label_key(name, out), kept = 0;
    for (size_t i = 0; i < len; i++) {
        if (out[i] != ' ') {
            out[kept++] = out[i];
        }
    }
    return kept;
}

static bool column_is(ct_span cell, ct_span wanted_key)
{
    char key[CT_LABEL_KEY_MAX];
    return ct_span_eq((ct_span){key, tight_key(cell, key)}, wanted_key);
}

int ct_csv_column_of(ct_span name, const ct_span *cells, size_t count)
{
    char key[CT_LABEL_KEY_MAX];
    ct_span wanted = {key, tight_key(name, key)};
    for (size_t i = 0; i < count; i++) {
        if (ct_span_eq(ct_span_trim(cells[i]), name) || column_is(cells[i], wanted)) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_taken(const struct ct_csv_columns *columns, int16_t column)
{
    for (size_t field = 0; field < CT_CSV_FIELD_COUNT; field++) {
        if (columns->column[field] == column) {
            return true;
        }
    }
    return false;
}

static void find_name(struct ct_csv_columns *columns, enum ct_csv_field field, ct_span name, const ct_span *cells,
                      size_t count)
{
    for (size_t i = 0; i < count && columns->column[field] < 0; i++) {
        if (column_is(cells[i], name) && !is_taken(columns, (int16_t)i)) {
            columns->column[field] = (int16_t)i;
        }
    }
}

static void find_known(struct ct_csv_columns *columns, enum ct_csv_field field, const ct_span *cells, size_t count)
{
    if (columns->column[field] >= 0) {
        return;
    }
    const char *names = NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0] && !names; i++) {
        names = known[i].field == field ? known[i].names : NULL;
    }
    for (ct_span rest = ct_span_of(names); rest.len;) {
        const char *cut = memchr(rest.at, ' ', rest.len);
        ct_span name = {rest.at, cut ? (size_t)(cut - rest.at) : rest.len};
        rest = cut ? (ct_span){cut + 1, rest.len - name.len - 1} : CT_SPAN_NONE;
        find_name(columns, field, name, cells, count);
        if (columns->column[field] >= 0) {
            return;
        }
    }
}

bool ct_csv_map_next(ct_span *map, ct_span *field, ct_span *column)
{
    if (map->len == 0) {
        return false;
    }
    const char *cut = memchr(map->at, ',', map->len);
    ct_span pair = {map->at, cut ? (size_t)(cut - map->at) : map->len};
    *map = cut ? (ct_span){cut + 1, map->len - pair.len - 1} : CT_SPAN_NONE;
    const char *equals = pair.len ? memchr(pair.at, '=', pair.len) : NULL;
    *field = ct_span_trim((ct_span){pair.at, equals ? (size_t)(equals - pair.at) : pair.len});
    *column = equals ? ct_span_trim((ct_span){equals + 1, (size_t)(pair.at + pair.len - equals - 1)}) : CT_SPAN_NONE;
    return true;
}

static int field_of(ct_span name)
{
    for (int i = 0; i < CT_CSV_FIELD_COUNT; i++) {
        if (ct_span_is(name, field_names[i])) {
            return i;
        }
    }
    return -1;
}

int ct_csv_position(ct_span text)
{
    int value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || value > 1000) {
            return 0;
        }
        value = value * 10 + (text.at[i] - '0');
    }
    return value;
}

static int shown(ct_span text)
{
    return text.len > 64 ? 64 : (int)text.len;
}

enum ct_status ct_csv_map_check(ct_span map, bool numbered, struct ct_error *err)
{
    ct_span field, column;
    while (ct_csv_map_next(&map, &field, &column)) {
        if (field_of(field) < 0) {
            return ct_error_set(err, CT_BAD_CONFIG, "option map: \"%.*s\" is not a field", shown(field), field.at);
        }
        if (column.len == 0 || (numbered && ct_csv_position(column) == 0)) {
            return ct_error_set(err, CT_BAD_CONFIG, "option map: %.*s= needs a column's %s", shown(field), field.at,
                                numbered ? "position, from 1, as the file has no header" : "name");
        }
    }
    return CT_OK;
}

static enum ct_status apply_map(struct ct_csv_columns *columns, ct_span map, bool numbered, const ct_span *cells,
                                size_t count, struct ct_error *err)
{
    ct_span field, name;
    while (ct_csv_map_next(&map, &field, &name)) {
        int16_t found = -1;
        if (numbered) {
            int position = ct_csv_position(name);
            found = position >= 1 && (size_t)position <= count ? (int16_t)(position - 1) : -1;
        }
        if (!numbered) {
            found = (int16_t)ct_csv_column_of(name, cells, count);
        }
        if (found < 0) {
            return ct_error_set(err, CT_REFUSED, "option map: the file has no column \"%.*s\"", shown(name), name.at);
        }
        columns->column[field_of(field)] = found;
    }
    return CT_OK;
}

enum ct_status ct_csv_columns_find(struct ct_csv_columns *columns, ct_span map, bool numbered, const ct_span *cells,
                                   size_t count, struct ct_error *err)
{
    for (size_t i = 0; i < CT_CSV_FIELD_COUNT; i++) {
        columns->column[i] = -1;
    }
    columns->count = count;
    enum ct_status status = apply_map(columns, map, numbered, cells, count, err);
    if (status != CT_OK) {
        return status;
    }
    const int16_t *at = columns->column;
    bool mapped_wide = at[CT_CSV_USER_TEXT] >= 0 || at[CT_CSV_BOT_TEXT] >= 0 || at[CT_CSV_AGENT_TEXT] >= 0;
    if (!numbered) {
        if (!mapped_wide) {
            find_known(columns, CT_CSV_TEXT, cells, count);
            find_known(columns, CT_CSV_ROLE, cells, count);
        }
        columns->wide = mapped_wide || at[CT_CSV_TEXT] < 0 || at[CT_CSV_ROLE] < 0;
        find_known(columns, CT_CSV_CONVERSATION_ID, cells, count);
        find_known(columns, CT_CSV_TS, cells, count);
        if (at[CT_CSV_TS] >= 0) {
            find_known(columns, CT_CSV_TIME_OF_DAY, cells, count);
        }
        if (columns->wide) {
            /* "message" may be the customer's side where a "response" stands beside it. */
            find_known(columns, CT_CSV_USER_TEXT, cells, count);
            find_known(columns, CT_CSV_BOT_TEXT, cells, count);
            find_known(columns, CT_CSV_AGENT_TEXT, cells, count);
            if (at[CT_CSV_USER_TEXT] < 0 && at[CT_CSV_TEXT] >= 0 && at[CT_CSV_BOT_TEXT] >= 0) {
                columns->column[CT_CSV_USER_TEXT] = at[CT_CSV_TEXT];
            }
        }
        if (at[CT_CSV_CONVERSATION_ID] >= 0) { /* else a bare "id" may be either, and a wrong guess would drop rows */
            find_name(columns, CT_CSV_ID, CT_SPAN_LIT("id"), cells, count);
        }
        for (int field = CT_CSV_BOT_TS; field <= CT_CSV_CURRENCY; field++) {
            if (field != CT_CSV_CATEGORY) {
                find_known(columns, (enum ct_csv_field)field, cells, count);
            }
        }
    } else {
        columns->wide = mapped_wide;
    }
    bool has_long = !columns->wide && at[CT_CSV_TEXT] >= 0 && at[CT_CSV_ROLE] >= 0;
    bool has_wide =
        columns->wide && at[CT_CSV_USER_TEXT] >= 0 && (at[CT_CSV_BOT_TEXT] >= 0 || at[CT_CSV_AGENT_TEXT] >= 0);
    if (!has_long && !has_wide && !(columns->wide && mapped_wide)) {
        return ct_error_set(err, CT_REFUSED,
                            "no columns for text and role, nor for user and bot; say which with map=text=...,role=...");
    }
    return CT_OK;
}
