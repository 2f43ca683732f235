/* openmetrics.c - the metrics page. Called by the desk for GET /metrics. */
#include "sinks/openmetrics.h"

#include <assert.h>

#define NAME_BYTES 200

struct family {
    struct ct_out *out;
    enum ct_openmetrics_form form;
    char name[NAME_BYTES];
    const char *unit; /* NULL = none */
    enum ct_openmetrics_kind kind;
    bool labelled; /* the sample that is being written has a label */
};

/* ---- texts ------------------------------------------------------------------------------------------------------ */

/* Backslash and line feed escaped in every text, the quote where `quotes`. Bytes that are no UTF-8 become U+FFFD. */
static void escaped(struct ct_out *out, ct_span text, bool quotes)
{
    while (text.len) {
        size_t bad;
        ct_span good = text;
        bool valid = ct_utf8_valid(text, &bad);
        good.len = valid ? text.len : bad;
        for (size_t i = 0; i < good.len; i++) {
            char c = good.at[i];
            if (c == '\\' || (c == '"' && quotes)) {
                ct_out_char(out, '\\');
                ct_out_char(out, c);
            } else if (c == '\n') {
                ct_out_text(out, "\\n");
            } else {
                ct_out_char(out, c);
            }
        }
        if (!valid) {
            ct_out_text(out, "\xEF\xBF\xBD");
            good.len++;
        }
        text.at += good.len;
        text.len -= good.len;
    }
}

static const char *ending(const struct family *family)
{
    static const char *const endings[] = {
        [CT_OPENMETRICS_GAUGE] = "", [CT_OPENMETRICS_COUNTER] = "_total", [CT_OPENMETRICS_INFO] = "_info"};
    return endings[family->kind];
}

static void append(char *name, const char *text)
{
    size_t len = strlen(name), more = strlen(text);
    assert(len + more < NAME_BYTES);
    memcpy(name + len, text, more + 1);
}

/* Everything before the help's text. In the classic form a family has the name of its samples, and no units or infos.
 */
static void begin(struct family *family)
{
    static const char *const types[] = {
        [CT_OPENMETRICS_GAUGE] = "gauge", [CT_OPENMETRICS_COUNTER] = "counter", [CT_OPENMETRICS_INFO] = "info"};
    struct ct_out *out = family->out;
    if (family->form == CT_OPENMETRICS_1_0) {
        ct_out_format(out, "# TYPE %s %s\n", family->name, types[family->kind]);
        if (family->unit) {
            ct_out_format(out, "# UNIT %s %s\n", family->name, family->unit);
        }
        ct_out_format(out, "# HELP %s ", family->name);
    } else {
        const char *type = types[family->kind == CT_OPENMETRICS_INFO ? CT_OPENMETRICS_GAUGE : family->kind];
        ct_out_format(out, "# TYPE %s%s %s\n", family->name, ending(family), type);
        ct_out_format(out, "# HELP %s%s ", family->name, ending(family));
    }
}

static void help(const struct family *family, const char *text)
{
    escaped(family->out, ct_span_of(text), family->form == CT_OPENMETRICS_1_0);
}

/* ---- samples ---------------------------------------------------------------------------------------------------- */

static void sample(struct family *family)
{
    ct_out_text(family->out, family->name);
    ct_out_text(family->out, ending(family));
    family->labelled = false;
}

static void label_begin(struct family *family, const char *name)
{
    ct_out_char(family->out, family->labelled ? ',' : '{');
    ct_out_text(family->out, name);
    ct_out_text(family->out, "=\"");
    family->labelled = true;
}

static void label(struct family *family, const char *name, ct_span value)
{
    label_begin(family, name);
    escaped(family->out, value, true);
    ct_out_char(family->out, '"');
}

/* num / den, whole numbers without a point. */
static void value(struct family *family, ct_wide num, ct_wide den)
{
    char text[CT_DECIMAL_BYTES];
    ct_out_text(family->out, family->labelled ? "} " : " ");
    if (num % den == 0) {
        ct_wide_format(num / den, text);
    } else {
        ct_decimal_format(num, den, 9, true, text);
    }
    ct_out_text(family->out, text);
    ct_out_char(family->out, '\n');
}

/* Which block of a view: the whole, or a slice. */
struct place {
    const struct ct_openmetrics_view *view;
    const struct ct_block *block;
    bool slice;
};

static void label_place(struct family *family, const struct place *place)
{
    label(family, "window", ct_span_of(place->view->window));
    if (!place->slice) {
        return;
    }
    /* An empty label is no label to Prometheus, which would make it the whole: so it has a name, and names of that form
     * are told apart from ours. */
    label_begin(family, place->view->by);
    if (place->block->other) {
        ct_out_text(family->out, "(other)");
    } else if (place->block->key.len == 0) {
        ct_out_text(family->out, "(none)");
    } else {
        if (place->block->key.at[0] == '(') {
            ct_out_char(family->out, '(');
        }
        escaped(family->out, place->block->key, true);
    }
    ct_out_char(family->out, '"');
}

/* Calls `each` for every block of the page: whole windows in their order, each followed by its slices. */
static void places(const struct ct_openmetrics_page *page, void (*each)(void *context, const struct place *place),
                   void *context)
{
    for (size_t i = 0; i < page->view_count; i++) {
        const struct ct_openmetrics_view *view = &page->views[i];
        bool first = true, first_by = view->by != NULL;
        for (size_t j = 0; j < i; j++) {
            bool same = strcmp(page->views[j].window, view->window) == 0;
            first = first && !same;
            first_by = first_by && !(same && page->views[j].by && strcmp(page->views[j].by, view->by) == 0);
        }
        if (first) {
            each(context, &(struct place){view, view->total, false});
        }
        for (size_t k = 0; first_by && k < view->slice_count; k++) {
            each(context, &(struct place){view, &view->slices[k], true});
        }
    }
}

/* ---- windows ---------------------------------------------------------------------------------------------------- */

enum window_family {
    WINDOW_SECONDS,
    WINDOW_MESSAGES,
    WINDOW_CONVERSATIONS,
    WINDOW_ENGAGED,
    WINDOW_UNTIMED,
    WINDOW_OUTCOMES,
    WINDOW_FAMILIES
};

struct window_pass {
    struct family family;
    enum window_family what;
};

static void window_value(struct window_pass *pass, const struct place *place, ct_wide num, ct_wide den)
{
    sample(&pass->family);
    label_place(&pass->family, place);
    value(&pass->family, num, den);
}

static void window_place(void *context, const struct place *place)
{
    struct window_pass *pass = context;
    switch (pass->what) {
    case WINDOW_SECONDS:
        if (!place->slice && place->view->from != CT_USEC_NONE && place->view->to != CT_USEC_NONE) {
            window_value(pass, place, (ct_wide)place->view->to - place->view->from, CT_USEC_PER_SECOND);
        }
        break;
    case WINDOW_MESSAGES:
        if (!place->slice) {
            window_value(pass, place, (ct_wide)place->view->messages, 1);
        }
        break;
    case WINDOW_CONVERSATIONS:
        window_value(pass, place, (ct_wide)place->block->conversations, 1);
        break;
    case WINDOW_ENGAGED:
        window_value(pass, place, (ct_wide)place->block->engaged, 1);
        break;
    case WINDOW_UNTIMED:
        window_value(pass, place, (ct_wide)place->block->untimed, 1);
        break;
    case WINDOW_OUTCOMES:
        if (place->slice && strcmp(place->view->by, "outcome") == 0) {
            break; /* each of them has one outcome */
        }
        for (int outcome = 0; outcome < CT_OUTCOME_COUNT; outcome++) {
            sample(&pass->family);
            label_place(&pass->family, place);
            label(&pass->family, "outcome", ct_span_of(ct_outcome_text((enum ct_outcome)outcome)));
            value(&pass->family, (ct_wide)place->block->outcomes[outcome], 1);
        }
        break;
    case WINDOW_FAMILIES:
        break;
    }
}

static void write_windows(struct ct_out *out, enum ct_openmetrics_form form, const struct ct_openmetrics_page *page)
{
    static const struct {
        const char *name, *unit, *help;
    } rows[WINDOW_FAMILIES] = {
        [WINDOW_SECONDS] = {"convtap_window_seconds", "seconds", "How far back the window reaches."},
        [WINDOW_MESSAGES] = {"convtap_window_messages", NULL,
                             "Messages that came in the window, of conversations open or closed."},
        [WINDOW_CONVERSATIONS] = {"convtap_window_conversations", NULL,
                                  "Conversations that were closed in the window."},
        [WINDOW_ENGAGED] = {"convtap_window_engaged_conversations", NULL,
                            "Conversations of the window in which the customer wrote something."},
        [WINDOW_UNTIMED] = {"convtap_window_untimed_conversations", NULL,
                            "Conversations of the window with messages whose time is not known."},
        [WINDOW_OUTCOMES] = {"convtap_window_outcome_conversations", NULL,
                             "Conversations of the window by outcome; adds up to convtap_window_conversations."}};
    for (int what = 0; what < WINDOW_FAMILIES; what++) {
        struct window_pass pass = {.family = {.out = out, .form = form, .unit = rows[what].unit},
                                   .what = (enum window_family)what};
        append(pass.family.name, rows[what].name);
        begin(&pass.family);
        help(&pass.family, rows[what].help);
        ct_out_char(out, '\n');
        places(page, window_place, &pass);
    }
}

/* ---- KPIs ------------------------------------------------------------------------------------------------------- */

enum aspect {
    ASPECT_VALUE,
    ASPECT_NUMERATOR,
    ASPECT_DENOMINATOR,
    ASPECT_BOUND,
    ASPECT_PERCENTILE,
    ASPECT_LEFT_OUT,
    ASPECTS
};

static const char *unit_of(const struct ct_kpi *kpi)
{
    switch (kpi->unit) {
    case CT_UNIT_PERCENT:
        return "ratio";
    case CT_UNIT_SECONDS:
    case CT_UNIT_DAYS:
        return "seconds";
    case CT_UNIT_MONEY:
        return "money";
    case CT_UNIT_POINTS:
        return "points";
    case CT_UNIT_COUNT:
    case CT_UNIT_PER_CUSTOMER:
    case CT_UNIT_MODULES:
    case CT_UNIT_ACTIONS:
        break;
    case CT_UNIT_RATIO:
        return "ratio";
    }
    return NULL;
}

static bool has_aspect(const struct ct_kpi *kpi, enum aspect aspect)
{
    bool mean = kpi->kind == CT_KPI_MEAN || kpi->kind == CT_KPI_MEDIAN;
    switch (aspect) {
    case ASPECT_NUMERATOR:
    case ASPECT_DENOMINATOR:
        /* A sum can be added as it is; the parts of a product, or of a difference, cannot. */
        return kpi->kind != CT_KPI_SUM && kpi->kind != CT_KPI_PRODUCT && kpi->kind != CT_KPI_DIFFERENCE;
    case ASPECT_BOUND:
        return kpi->kind == CT_KPI_RATIO || kpi->kind == CT_KPI_MEAN || kpi->kind == CT_KPI_SCORE ||
               kpi->kind == CT_KPI_SHARES || kpi->kind == CT_KPI_DIFFERENCE;
    case ASPECT_PERCENTILE:
        return mean && (kpi->unit == CT_UNIT_SECONDS || kpi->unit == CT_UNIT_DAYS);
    default:
        return true;
    }
}

/* A count has no unit, a mean's sum has the values'; a proportion is one amount of money in another. */
static const char *unit_of_aspect(const struct ct_kpi *kpi, enum aspect aspect)
{
    bool sum = kpi->kind == CT_KPI_MEAN || kpi->kind == CT_KPI_MEDIAN || kpi->kind == CT_KPI_QUOTIENT;
    bool amounts = kpi->kind == CT_KPI_PROPORTION;
    switch (aspect) {
    case ASPECT_NUMERATOR:
        return amounts ? "money" : sum ? unit_of(kpi) : NULL;
    case ASPECT_DENOMINATOR:
        return amounts ? "money" : NULL;
    case ASPECT_LEFT_OUT:
        return NULL;
    default:
        return unit_of(kpi);
    }
}

/* "convtap_" and the id, "recurrence.days" as "recurrence_time": the unit behind it is seconds. */
static void name_aspect(char *name, const struct ct_kpi *kpi, enum aspect aspect)
{
    static const char *const words[ASPECTS] = {"", "_numerator", "_denominator", "_bound", "_percentile", "_left_out"};
    static const char days[] = "_days";
    append(name, "convtap_");
    append(name, kpi->id);
    for (char *c = name; *c; c++) {
        *c = *c == '.' ? '_' : *c;
    }
    size_t len = strlen(name);
    if (kpi->unit == CT_UNIT_DAYS && len > sizeof days - 1 && strcmp(name + len - (sizeof days - 1), days) == 0) {
        name[len - (sizeof days - 1)] = '\0';
        append(name, "_time");
    }
    append(name, words[aspect]);
    const char *unit = unit_of_aspect(kpi, aspect);
    if (unit) {
        append(name, "_");
        append(name, unit);
    }
}

struct kpi_pass {
    struct family family;
    enum aspect aspect;
    const struct ct_kpi *kpi;
};

static void figure_value(struct kpi_pass *pass, const struct place *place, const struct ct_figure *figure,
                         const char *extra, const char *extra_value, ct_wide num, ct_wide den)
{
    sample(&pass->family);
    label_place(&pass->family, place);
    if (figure->key[0]) {
        static const char *const names[] = {[CT_KEYED_BY_CURRENCY] = "currency",
                                            [CT_KEYED_BY_SHARE] = "share",
                                            [CT_KEYED_BY_SCALE] = "scale",
                                            [CT_KEYED_BY_NAME] = "key"};
        label(&pass->family, names[ct_kpi_keyed_by(pass->kpi)], ct_span_of(figure->key));
    }
    if (extra) {
        label(&pass->family, extra, ct_span_of(extra_value));
    }
    value(&pass->family, num, den);
}

/* A value of the KPI's unit, in the base unit. */
static void base_value(struct kpi_pass *pass, const struct place *place, const struct ct_figure *figure,
                       const char *extra, const char *extra_value, ct_wide num, ct_wide den)
{
    if (pass->kpi->unit == CT_UNIT_PERCENT) {
        den *= 100;
    } else if (pass->kpi->unit == CT_UNIT_DAYS) {
        num *= CT_USEC_PER_DAY / CT_USEC_PER_SECOND;
    }
    figure_value(pass, place, figure, extra, extra_value, num, den);
}

static void figure_aspect(struct kpi_pass *pass, const struct place *place, const struct ct_figure *figure)
{
    static const char *const percents[CT_PERCENTILE_COUNT] = {"50", "90", "95", "99"};
    if (pass->aspect == ASPECT_LEFT_OUT) {
        if (!figure->part && !place->slice) {
            struct ct_figure keyless = *figure; /* what is left out belongs to no key */
            keyless.key[0] = '\0';
            figure_value(pass, place, &keyless, NULL, NULL, (ct_wide)figure->left_out, 1);
        }
        return;
    }
    if (!figure->has_value) {
        return;
    }
    switch (pass->aspect) {
    case ASPECT_VALUE:
        base_value(pass, place, figure, NULL, NULL, figure->value_num, figure->value_den);
        break;
    case ASPECT_NUMERATOR:
        figure_value(pass, place, figure, NULL, NULL, figure->numerator, figure->scale);
        break;
    case ASPECT_DENOMINATOR:
        figure_value(pass, place, figure, NULL, NULL, figure->denominator, ct_figure_denominator_scale(figure));
        break;
    case ASPECT_BOUND:
        if (figure->has_interval && !place->slice) {
            base_value(pass, place, figure, "bound", "low", figure->low_micro, 1000000);
            base_value(pass, place, figure, "bound", "high", figure->high_micro, 1000000);
        }
        break;
    case ASPECT_PERCENTILE:
        for (unsigned i = 0; i < CT_PERCENTILE_COUNT && figure->has_percentiles && !place->slice; i++) {
            base_value(pass, place, figure, "percentile", percents[i], figure->percentile_micro[i], 1000000);
        }
        break;
    case ASPECT_LEFT_OUT:
    case ASPECTS:
        break;
    }
}

/* Of a KPI that is kept apart by a key, every key once: the parts, or the head where it is the only one. */
static void kpi_place(void *context, const struct place *place)
{
    struct kpi_pass *pass = context;
    const struct ct_figure *figures = place->block->figures;
    size_t count = place->block->figure_count, i = 0;
    while (i < count && figures[i].kpi != pass->kpi) {
        i++;
    }
    size_t parts = 0;
    while (i + 1 + parts < count && figures[i + 1 + parts].kpi == pass->kpi) {
        parts++;
    }
    if (i < count && (parts == 0 || pass->aspect == ASPECT_LEFT_OUT)) {
        figure_aspect(pass, place, &figures[i]);
        return;
    }
    for (size_t part = i + 1; part <= i + parts; part++) {
        bool again = false; /* a channel may be called as the one for all others is */
        for (size_t earlier = i + 1; earlier < part && !again; earlier++) {
            again = strcmp(figures[earlier].key, figures[part].key) == 0;
        }
        if (!again) {
            figure_aspect(pass, place, &figures[part]);
        }
    }
}

static void kpi_help(const struct family *family, const struct ct_block *block, const struct ct_kpi *kpi,
                     enum aspect aspect)
{
    static const char *const words[ASPECTS] = {
        "", "Numerator: ", "Denominator: ", "95 % interval: ", "Percentiles: ", "Cases that could not be counted: "};
    const struct ct_figure *parent = kpi->parent ? ct_block_figure(block, kpi->parent) : NULL;
    help(family, words[aspect]);
    if (parent) {
        help(family, parent->kpi->name[CT_LANG_EN]);
        help(family, ", ");
    }
    help(family, kpi->name[CT_LANG_EN]);
    if (aspect == ASPECT_VALUE) {
        help(family, " (");
        help(family, kpi->formula[CT_LANG_EN]);
        help(family, "). ");
        help(family, kpi->help[CT_LANG_EN]);
    }
    ct_out_char(family->out, '\n');
}

static void write_kpis(struct ct_out *out, enum ct_openmetrics_form form, const struct ct_openmetrics_page *page)
{
    const struct ct_block *first = page->view_count ? page->views[0].total : NULL;
    for (size_t i = 0; first && i < first->figure_count; i++) {
        const struct ct_kpi *kpi = first->figures[i].kpi;
        if (page->without && page->without(kpi)) {
            continue;
        }
        for (int aspect = 0; aspect < ASPECTS && !first->figures[i].part; aspect++) {
            if (!has_aspect(kpi, (enum aspect)aspect)) {
                continue;
            }
            struct kpi_pass pass = {
                .family = {.out = out, .form = form, .unit = unit_of_aspect(kpi, (enum aspect)aspect)},
                .aspect = (enum aspect)aspect,
                .kpi = kpi};
            name_aspect(pass.family.name, kpi, (enum aspect)aspect);
            begin(&pass.family);
            kpi_help(&pass.family, first, kpi, (enum aspect)aspect);
            places(page, kpi_place, &pass);
        }
    }
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static bool same_labels(const struct ct_openmetrics_row *a, const struct ct_openmetrics_row *b)
{
    bool same = a->label_count == b->label_count;
    for (size_t i = 0; i < a->label_count && same; i++) {
        same = strcmp(a->labels[i].name, b->labels[i].name) == 0 && ct_span_eq(a->labels[i].value, b->labels[i].value);
    }
    return same;
}

/* Whether rows[until] names what one before it names already; with_labels, also with the same labels. */
static bool said_before(const struct ct_openmetrics_row *rows, size_t until, bool with_labels)
{
    for (size_t i = 0; i < until; i++) {
        if (strcmp(rows[i].name, rows[until].name) == 0 && (!with_labels || same_labels(&rows[i], &rows[until]))) {
            return true;
        }
    }
    return false;
}

static void write_row(struct family *family, const struct ct_openmetrics_row *row)
{
    sample(family);
    for (size_t i = 0; i < row->label_count; i++) {
        label(family, row->labels[i].name, row->labels[i].value);
    }
    value(family, row->kind == CT_OPENMETRICS_INFO ? 1 : row->value,
          row->scale && row->kind != CT_OPENMETRICS_INFO ? row->scale : 1);
}

static void write_rows(struct ct_out *out, enum ct_openmetrics_form form, const struct ct_openmetrics_page *page)
{
    const struct ct_openmetrics_row *rows = page->rows;
    for (size_t i = 0; i < page->row_count; i++) {
        if (said_before(rows, i, false)) {
            continue;
        }
        struct family family = {.out = out, .form = form, .unit = rows[i].unit, .kind = rows[i].kind};
        append(family.name, rows[i].name);
        begin(&family);
        help(&family, rows[i].help);
        ct_out_char(out, '\n');
        for (size_t j = i; j < page->row_count; j++) {
            if (strcmp(rows[j].name, rows[i].name) == 0 && !said_before(rows, j, true)) {
                write_row(&family, &rows[j]);
            }
        }
    }
}

void ct_openmetrics_write(struct ct_out *out, enum ct_openmetrics_form form, const struct ct_openmetrics_page *page)
{
    if (page->view_count) {
        write_windows(out, form, page);
    }
    write_kpis(out, form, page);
    write_rows(out, form, page);
    if (form == CT_OPENMETRICS_1_0) {
        ct_out_text(out, "# EOF\n");
    }
}
