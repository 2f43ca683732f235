/* business_columns.c - from a header record to the columns of business events. */
#include "parsers/business_columns.h"

#include "parsers/csv_columns.h"

const char *ct_business_column_text(unsigned column)
{
    return column == CT_BUSINESS_TIME_OF_DAY ? "time_of_day" : ct_business_key_text((enum ct_business_key)column);
}

/* Names by which exports call a column beside its key, the surest first; separated by spaces. A bare "id" is the
 * event's only where the customer has another column. */
static const struct {
    unsigned column;
    const char *names;
} known[] = {
    {CT_BUSINESS_KEY_EVENT, "eventtype eventname evento tipoevento tipodeevento nombreevento nomeevento tipo type"},
    {CT_BUSINESS_KEY_AT,
     "ts timestamp datetime createdat occurredat eventtime eventdate fechahora fechayhora fechaevento "
     "datahora dataevento date fecha data time"},
    {CT_BUSINESS_TIME_OF_DAY, "time hora horario"},
    {CT_BUSINESS_KEY_USER_ID, "customerid clientid accountid idusuario usuarioid idcliente clienteid idcuenta cuentaid "
                              "idconta contaid user customer client account usuario cliente cuenta conta"},
    {CT_BUSINESS_KEY_TENANT, "tenantid"},
    {CT_BUSINESS_KEY_ID, "eventid idevento eventoid"},
    {CT_BUSINESS_KEY_REF,
     "reference orderid ordernumber idpedido pedidoid numeropedido invoice factura nota referencia "
     "order pedido"},
    {CT_BUSINESS_KEY_NAME, "productname product plan module feature milestone nombre producto modulo funcion hito nome "
                           "produto marco"},
    {CT_BUSINESS_KEY_SEGMENT, "segmento customersegment"},
    {CT_BUSINESS_KEY_REASON, "motivo razon razao causa"},
    {CT_BUSINESS_KEY_TEXT, "comment comments comentario comentarios feedback texto opinion opiniao"},
    {CT_BUSINESS_KEY_CURRENCY, "moneda divisa moeda"},
    {CT_BUSINESS_KEY_SINCE, "customersince clientedesde desde"},
    {CT_BUSINESS_KEY_DUE, "duedate fechavencimiento vencimiento vencimento"},
    {CT_BUSINESS_KEY_DURATION_S, "durationseconds seconds segundos"},
    {CT_BUSINESS_KEY_DURATION, "duracion duracao"},
    {CT_BUSINESS_KEY_AMOUNT, "importe monto valor total price precio preco mrr revenue ingreso receita"},
    {CT_BUSINESS_KEY_MARGIN, "margen margem"},
    {CT_BUSINESS_KEY_GOAL, "objetivo meta"},
    {CT_BUSINESS_KEY_COUNT, "quantity cantidad quantidade numero seats licencias licencas"},
    {CT_BUSINESS_KEY_SCORE, "rating puntuacion puntaje pontuacao"},
    {CT_BUSINESS_KEY_SCALE, "escala"},
};

static bool is_taken(const struct ct_business_columns *columns, int column)
{
    for (unsigned i = 0; i < CT_BUSINESS_COLUMNS; i++) {
        if (columns->column[i] == column) {
            return true;
        }
    }
    return false;
}

static void find(struct ct_business_columns *columns, unsigned column, ct_span name, const ct_span *cells, size_t count)
{
    int at = columns->column[column] < 0 ? ct_csv_column_of(name, cells, count) : -1;
    if (at >= 0 && !is_taken(columns, at)) {
        columns->column[column] = (int16_t)at;
    }
}

static void find_known(struct ct_business_columns *columns, unsigned column, const char *names, const ct_span *cells,
                       size_t count)
{
    for (ct_span rest = ct_span_of(names); rest.len;) {
        const char *cut = memchr(rest.at, ' ', rest.len);
        ct_span name = {rest.at, cut ? (size_t)(cut - rest.at) : rest.len};
        rest = cut ? (ct_span){cut + 1, rest.len - name.len - 1} : CT_SPAN_NONE;
        find(columns, column, name, cells, count);
    }
}

static int column_from(ct_span name)
{
    for (unsigned i = 0; i < CT_BUSINESS_COLUMNS; i++) {
        if (ct_span_is(name, ct_business_column_text(i))) {
            return (int)i;
        }
    }
    return -1;
}

static int shown(ct_span text)
{
    return text.len > 64 ? 64 : (int)text.len;
}

enum ct_status ct_business_columns_check(ct_span map, bool numbered, struct ct_error *err)
{
    ct_span field, column;
    while (ct_csv_map_next(&map, &field, &column)) {
        if (column_from(field) < 0) {
            return ct_error_set(err, CT_BAD_CONFIG, "option columns: \"%.*s\" is no key of an event", shown(field),
                                field.at);
        }
        if (column.len == 0 || (numbered && ct_csv_position(column) == 0)) {
            return ct_error_set(err, CT_BAD_CONFIG, "option columns: %.*s= needs a column's %s", shown(field), field.at,
                                numbered ? "position, from 1, as the file has no header" : "name");
        }
    }
    return CT_OK;
}

static enum ct_status apply_map(struct ct_business_columns *columns, ct_span map, bool numbered, const ct_span *cells,
                                size_t count, struct ct_error *err)
{
    ct_span field, name;
    while (ct_csv_map_next(&map, &field, &name)) {
        int found = numbered ? ct_csv_position(name) - 1 : ct_csv_column_of(name, cells, count);
        int column = column_from(field);
        if (column < 0 || found < 0 || (size_t)found >= count) {
            return ct_error_set(err, CT_REFUSED, "option columns: the file has no column \"%.*s\"", shown(name),
                                name.at);
        }
        columns->column[column] = (int16_t)found;
    }
    return CT_OK;
}

enum ct_status ct_business_columns_find(struct ct_business_columns *columns, ct_span map, bool numbered,
                                        bool fixed_type, const ct_span *cells, size_t count, struct ct_error *err)
{
    int16_t *at = columns->column;
    for (unsigned i = 0; i < CT_BUSINESS_COLUMNS; i++) {
        at[i] = -1;
    }
    enum ct_status status = apply_map(columns, map, numbered, cells, count, err);
    if (status != CT_OK) {
        return status;
    }
    if (!numbered) {
        /* Keys by their own names before anything else: "time" may be a time of day, and "total" an amount. */
        for (unsigned i = 0; i < CT_BUSINESS_KEYS; i++) {
            if (i != CT_BUSINESS_KEY_ID && !(fixed_type && i == CT_BUSINESS_KEY_EVENT)) {
                find(columns, i, ct_span_of(ct_business_column_text(i)), cells, count);
            }
        }
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            if (!(fixed_type && known[i].column == CT_BUSINESS_KEY_EVENT) &&
                (known[i].column != CT_BUSINESS_TIME_OF_DAY || at[CT_BUSINESS_KEY_AT] >= 0)) {
                find_known(columns, known[i].column, known[i].names, cells, count);
            }
        }
        if (at[CT_BUSINESS_KEY_USER_ID] >= 0) {
            find(columns, CT_BUSINESS_KEY_ID, CT_SPAN_LIT("id"), cells, count);
        }
    }
    const char *missing =
        at[CT_BUSINESS_KEY_AT] < 0                                                                           ? "at"
        : !fixed_type && at[CT_BUSINESS_KEY_EVENT] < 0                                                       ? "event"
        : at[CT_BUSINESS_KEY_USER_ID] < 0 && at[CT_BUSINESS_KEY_COUNT] < 0 && at[CT_BUSINESS_KEY_AMOUNT] < 0 ? "user_id"
                                                                                                             : NULL;
    return missing ? ct_error_set(err, CT_REFUSED, "no column for %s; say which with columns=%s=...%s", missing,
                                  missing, strcmp(missing, "event") == 0 ? ", or the one type with event=..." : "")
                   : CT_OK;
}
