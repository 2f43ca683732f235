/* config_value.c - one value of the configuration: checked wherever it stands, and turned into what it means. See
 * config.h. */
#include "cli/config.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/period.h"
#include "engine/yaml_tree.h"
#include "engine/zone.h"

static bool wrong(char *problem, const char *format, ...) CT_PRINTF(2, 3);
static bool wrong(char *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(problem, CT_CONFIG_PROBLEM_BYTES, format, args);
    va_end(args);
    return false;
}

/* A message may quote a bad value, but not all of a long one. */
#define QUOTED "\"%.100s\""

/* ---- kinds ------------------------------------------------------------------------------ */

static bool read_duration(const struct ct_setting *row, const char *text, ct_usec *out, char *problem)
{
    ct_usec value;
    if (!ct_duration_parse(ct_span_of(text), &value)) {
        return wrong(problem, QUOTED " is not a time such as 90s, 30m, 24h or 7d", text);
    }
    if (value < row->min || value > row->max) {
        return wrong(problem, QUOTED " is too %s", text, value < row->min ? "short" : "long");
    }
    *out = value;
    return true;
}

static bool read_bytes(const struct ct_setting *row, const char *text, size_t *out, char *problem)
{
    uint64_t value;
    if (!ct_bytes_parse(ct_span_of(text), &value)) {
        return wrong(problem, QUOTED " is not a size such as 512K or 16M", text);
    }
    if (value < (uint64_t)row->min || value > (uint64_t)row->max) {
        return wrong(problem, QUOTED " is too %s", text, value < (uint64_t)row->min ? "small" : "large");
    }
    *out = (size_t)value;
    return true;
}

static bool read_threads(const struct ct_setting *row, const char *text, unsigned *out, char *problem)
{
    int64_t value = 0;
    if (strcmp(text, "auto") == 0) {
        *out = 0;
        return true;
    }
    size_t digits = strspn(text, "0123456789");
    for (size_t i = 0; i < digits && digits < 10; i++) {
        value = 10 * value + (text[i] - '0');
    }
    if (digits == 0 || text[digits] != '\0' || value < row->min || value > row->max) {
        return wrong(problem, QUOTED " is not auto or a number from %d to %d", text, (int)row->min, (int)row->max);
    }
    *out = (unsigned)value;
    return true;
}

static bool read_announced(const char *text, enum ct_announced *out, char *problem)
{
    static const char *const names[] = {
        [CT_ANNOUNCED_AUTO] = "auto", [CT_ANNOUNCED_ALWAYS] = "always", [CT_ANNOUNCED_NEVER] = "never"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum ct_announced)i;
            return true;
        }
    }
    return wrong(problem, QUOTED " is not auto, always or never", text);
}

static bool read_format(const char *text, const struct ct_parser **out, char *problem)
{
    const struct ct_parser *found = ct_parser_find(ct_span_of(text));
    if (found == NULL) {
        wrong(problem, "there is no format " QUOTED "; it is one of", text);
        for (size_t i = 0; ct_parsers[i] != NULL; i++) {
            size_t used = strlen(problem);
            (void)snprintf(problem + used, CT_CONFIG_PROBLEM_BYTES - used, "%s %s", i ? "," : "", ct_parsers[i]->name);
        }
        return false;
    }
    *out = found;
    return true;
}

static bool read_slice_field(const char *text, enum ct_slice_field *out, char *problem)
{
    if (!ct_slice_field_from(ct_span_of(text), out)) {
        wrong(problem, "there is no field " QUOTED "; it is one of", text);
        for (unsigned i = 0; i < CT_SLICE_COUNT; i++) {
            size_t used = strlen(problem);
            (void)snprintf(problem + used, CT_CONFIG_PROBLEM_BYTES - used, "%s %s", i ? "," : "",
                           ct_slice_field_text((enum ct_slice_field)i));
        }
        return false;
    }
    return true;
}

static bool read_group(const char *text, struct ct_slice_by *out, char *problem)
{
    enum ct_slice_field field;
    const char *comma = strchr(text, ',');
    if (ct_slice_by_from(ct_span_of(text), out)) {
        return true;
    }
    if (!comma) {
        return read_slice_field(text, &field, problem);
    }
    char first[64];
    (void)snprintf(first, sizeof first, "%.*s", (int)(comma - text > 60 ? 60 : comma - text), text);
    return read_slice_field(first, &field, problem) && read_slice_field(comma + 1, &field, problem) &&
           wrong(problem, QUOTED " are not two different fields, of which one at most is day, week, month or quarter",
                 text);
}

static bool read_filter(const char *text, struct ct_filter *out, char *problem)
{
    const char *why;
    return ct_filter_from(ct_span_of(text), out, &why) || wrong(problem, QUOTED ": %s", text, why);
}

/* Whether it is a time at all; which one depends on the zone (config_period.c). */
static bool check_moment(ct_span text, char *problem)
{
    ct_usec at;
    return ct_period_moment(NULL, text, &at) ||
           wrong(problem, "\"%.*s\" is not a date such as 2026-11-01, nor a time such as 2026-11-21T10:00:00Z",
                 (int)(text.len > 100 ? 100 : text.len), text.at);
}

static bool check_compare(const char *text, char *problem)
{
    const char *slash = strchr(text, '/');
    if (strcmp(text, "none") == 0 || strcmp(text, "previous") == 0) {
        return true;
    }
    if (!slash) {
        return wrong(problem, QUOTED " is not none, previous or FROM/TO", text);
    }
    return check_moment((ct_span){text, (size_t)(slash - text)}, problem) &&
           check_moment(ct_span_of(slash + 1), problem);
}

static bool read_time(const char *text, ct_usec *out, char *problem)
{
    if (strcmp(text, "newest") == 0) {
        *out = CT_USEC_NONE;
        return true;
    }
    return ct_time_parse(ct_span_of(text), out) ||
           wrong(problem, QUOTED " is not newest or a time such as 2026-11-21T10:00:00Z", text);
}

/* ---- formats' options ------------------------------------------------------------------- */

static bool is_choice(const char *type, ct_span value)
{
    for (const char *at = type + sizeof "choice:" - 1;; at++) {
        size_t len = strcspn(at, "|");
        if (ct_span_eq((ct_span){at, len}, value)) {
            return true;
        }
        at += len;
        if (*at == '\0') {
            return false;
        }
    }
}

/* Known to the format that is set, or to any where none is. */
static bool check_option(const struct ct_parser *format, const char *name, const char *text, char *problem)
{
    bool known = false;
    const char *choices = NULL;
    for (size_t p = 0; ct_parsers[p] != NULL; p++) {
        if (format != NULL && format != ct_parsers[p]) {
            continue;
        }
        for (const struct ct_option *o = ct_parsers[p]->options; o != NULL && o->name != NULL; o++) {
            if (strcmp(o->name, name) != 0) {
                continue;
            }
            known = true;
            if (strncmp(o->type, "choice:", sizeof "choice:" - 1) != 0 || is_choice(o->type, ct_span_of(text))) {
                return true;
            }
            choices = o->type + sizeof "choice:" - 1;
        }
    }
    if (!known && format != NULL) {
        return wrong(problem, "format %s has no option " QUOTED "; convtap formats lists them", format->name, name);
    }
    return known ? wrong(problem, "%s: " QUOTED " is none of %s", name, text, choices)
                 : wrong(problem, "no format has an option " QUOTED "; convtap formats lists them", name);
}

const struct ct_parser *ct_config_format(const struct ct_config_item *item)
{
    return item->section == CT_SECTION_SOURCE    ? ((struct ct_source_settings *)item->to)->format
           : item->section == CT_SECTION_WRITING ? ((struct ct_input_writing *)item->to)->format
                                                 : ((struct ct_config *)item->to)->format;
}

/* ---- targets ---------------------------------------------------------------------------- */

static bool read_target(const char *name, const char *text, struct ct_kpi_target *out, char *problem)
{
    const struct ct_kpi *kpi = ct_kpi_find(ct_span_of(name));
    if (kpi == NULL) {
        return wrong(problem, "there is no KPI " QUOTED "; convtap kpis lists them", name);
    }
    out->id = kpi->id;
    out->target = (struct ct_target){.op = CT_TARGET_NONE};
    if (strcmp(text, "none") == 0) {
        return true;
    }
    bool least = strncmp(text, ">=", 2) == 0, most = strncmp(text, "<=", 2) == 0;
    const char *amount = text + 2 * (least || most);
    amount += strspn(amount, " ");
    out->target.op = least ? CT_TARGET_AT_LEAST : CT_TARGET_AT_MOST;
    if (!(least || most) || !ct_kpi_amount_from(kpi, ct_span_of(amount), &out->target.micro)) {
        return wrong(problem, QUOTED " is not a target such as '>= 90', '<= 2.5'%s or none (unit: %s)", text,
                     kpi->unit == CT_UNIT_SECONDS ? ", '<= 5m'" : "", ct_unit_text(kpi->unit));
    }
    if ((least && kpi->better == CT_BETTER_LOWER) || (most && kpi->better == CT_BETTER_HIGHER)) {
        return wrong(problem, QUOTED " would be met by bad figures: of %s, %s is better", text, kpi->id,
                     ct_better_text(kpi->better));
    }
    return true;
}

/* ---- the live tap ----------------------------------------------------------------------- */

static bool check_text(const char *text, char *problem)
{
    enum { BYTES_MAX = 4096 };
    if (strlen(text) > BYTES_MAX) {
        return wrong(problem, "\"%.60s...\" is longer than %d bytes", text, BYTES_MAX);
    }
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return wrong(problem, "a control character or a line end has no place here");
        }
    }
    return true;
}

static bool read_flag(const char *text, bool *out, char *problem)
{
    *out = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
    return *out || strcmp(text, "no") == 0 || strcmp(text, "false") == 0 ||
           wrong(problem, QUOTED " is not yes or no", text);
}

static bool read_count(const struct ct_setting *row, const char *text, uint64_t *out, char *problem)
{
    uint64_t value = 0;
    size_t digits = strspn(text, "0123456789");
    for (size_t i = 0; i < digits && digits < 18; i++) {
        value = 10 * value + (uint64_t)(text[i] - '0');
    }
    if (digits == 0 || digits >= 18 || text[digits] != '\0' || value < (uint64_t)row->min ||
        value > (uint64_t)row->max) {
        return wrong(problem, QUOTED " is not a number from %lld to %lld", text, (long long)row->min,
                     (long long)row->max);
    }
    *out = value;
    return true;
}

static bool check_variable(const char *text, char *problem)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return (strspn(text, letters) == strlen(text) && strspn(text, letters + 53) == 0) ||
           wrong(problem, QUOTED " is not the name of a variable (the secret itself may not stand here)", text);
}

static bool check_address(const struct ct_setting *row, const char *text, char *problem)
{
    char host[256];
    unsigned port;
    bool unix_path = strncmp(text, "unix:", 5) == 0;
    if (unix_path && row->max == 0) {
        return wrong(problem, "it cannot be a socket of the file system");
    }
    if (!ct_address_split(text, host, &port)) {
        return wrong(problem, QUOTED " is not an address such as 127.0.0.1:7801 or [::1]:7801%s", text,
                     row->max ? ", or unix:/path" : "");
    }
    return unix_path || port >= (unsigned)row->min || wrong(problem, QUOTED " names no port", text);
}

static bool check_url(const char *text, char *problem)
{
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
    if (!check_text(text, problem)) {
        return false;
    }
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(text, schemes[i], len) == 0) {
            size_t host = strcspn(text + len, "/?#");
            if (memchr(text + len, '@', host)) {
                return wrong(problem, "a user or a password has no place in a URL here: secrets come from a file");
            }
            return (host > 0 && !strchr(text, ' ')) || wrong(problem, QUOTED " names no host", text);
        }
    }
    return wrong(problem, QUOTED " is not a URL that begins with http://, https://, ws:// or wss://", text);
}

/* Whether the zone is known on this machine is looked at where it is needed (serve_config.c). */
static bool check_zone(const char *text, char *problem)
{
    size_t len = strlen(text);
    struct ct_zone zone;
    if (!strchr(text, '/') && ct_zone_init(&zone, ct_span_of(text), CT_SPAN_NONE, NULL) == CT_OK) {
        ct_zone_done(&zone);
        return true;
    }
    bool named = len <= 100 && strchr(text, '/') && text[0] != '/' && !strstr(text, "..") && check_text(text, problem);
    return named ||
           wrong(problem, QUOTED " is not UTC, an offset such as +02:00, or a zone such as Europe/Madrid", text);
}

static bool read_choice(const char *names, const char *text, unsigned *out, char *problem)
{
    unsigned index = 0;
    for (const char *at = names;; index++) {
        size_t len = strcspn(at, "|");
        if (ct_span_eq((ct_span){at, len}, ct_span_of(text))) {
            *out = index;
            return true;
        }
        if (at[len] == '\0') {
            return wrong(problem, QUOTED " is none of %s", text, names);
        }
        at += len + 1;
    }
}

/* ---- handoff rules ---------------------------------------------------------------------- */

static bool check_rule_text(enum ct_setting_kind kind, const char *text, char *problem)
{
    enum { BYTES_MAX = 200 };
    size_t len = strlen(text);
    if (len > BYTES_MAX) {
        return wrong(problem, "\"%.60s...\" is longer than %d bytes", text, BYTES_MAX);
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return wrong(problem, "a control character or a line end has no place here");
        }
    }
    if (kind == CT_SETTING_PHRASES) {
        for (size_t i = 0; i < len; i++) {
            unsigned char c = (unsigned char)text[i];
            if (c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
                return true;
            }
        }
        return wrong(problem, QUOTED " holds no word", text);
    }
    size_t begin = text[0] == '*', end = len - (len > 1 && text[len - 1] == '*');
    if (begin >= end) {
        return wrong(problem, QUOTED " would take every tool", text);
    }
    return memchr(text + begin, '*', end - begin) == NULL ||
           wrong(problem, QUOTED ": '*' may stand at either end only", text);
}

/* ---- all of them ------------------------------------------------------------------------ */

bool ct_config_read(struct ct_config *config, const struct ct_config_item *item, enum ct_setting_id id,
                    const char *name, const char *text, char *problem)
{
    const struct ct_setting *row = &ct_settings[id];
    void *to = (char *)item->to + row->to;
    struct ct_kpi_target target;
    enum ct_slice_field field;
    struct ct_filter filter;
    ct_usec usec;
    unsigned choice;
    if (*text == '\0' && row->kind != CT_SETTING_OPTIONS) {
        return wrong(problem, "it is empty");
    }
    switch (row->kind) {
    case CT_SETTING_PATH:
        *(const char **)to = text;
        return true;
    case CT_SETTING_FORMAT:
        return read_format(text, to, problem);
    case CT_SETTING_OPTIONS:
        return check_option(ct_config_format(item), name, text, problem);
    case CT_SETTING_TOOLS:
    case CT_SETTING_PHRASES:
        return check_rule_text(row->kind, text, problem);
    case CT_SETTING_ANNOUNCED:
        return read_announced(text, to, problem);
    case CT_SETTING_DURATION:
        return read_duration(row, text, to, problem);
    case CT_SETTING_IDLES:
        return *name == '\0' ? wrong(problem, "a channel has no name") : read_duration(row, text, &usec, problem);
    case CT_SETTING_TIME:
        return read_time(text, to, problem);
    case CT_SETTING_BYTES:
        return read_bytes(row, text, to, problem);
    case CT_SETTING_FIELD:
        config->group = true;
        return read_group(text, &config->group_by, problem);
    case CT_SETTING_FILTERS:
        return read_filter(text, &filter, problem);
    case CT_SETTING_MOMENT:
        *(const char **)to = text;
        return check_moment(ct_span_of(text), problem);
    case CT_SETTING_COMPARE:
        *(const char **)to = text;
        return check_compare(text, problem);
    case CT_SETTING_TARGETS:
        return read_target(name, text, &target, problem);
    case CT_SETTING_WEIGHTS:
        return ct_config_weight(row, name, text, problem);
    case CT_SETTING_LANG:
        return ct_lang_from(ct_span_of(text), to) || wrong(problem, QUOTED " is not en or es", text);
    case CT_SETTING_THREADS:
        return read_threads(row, text, to, problem);
    case CT_SETTING_FILE_OR_NONE:
        *(const char **)to = strcmp(text, "none") == 0 ? NULL : text;
        return true;
    case CT_SETTING_TEXT:
        *(const char **)to = text;
        return check_text(text, problem);
    case CT_SETTING_TEXTS:
    case CT_SETTING_PATHS:
        return check_text(text, problem);
    case CT_SETTING_FLAG:
        return read_flag(text, to, problem);
    case CT_SETTING_NUMBER:
        return read_count(row, text, to, problem);
    case CT_SETTING_VARIABLE:
        *(const char **)to = text;
        return check_variable(text, problem);
    case CT_SETTING_ADDRESS:
        *(const char **)to = text;
        return check_address(row, text, problem);
    case CT_SETTING_URL:
        *(const char **)to = text;
        return check_url(text, problem);
    case CT_SETTING_ZONE:
        *(const char **)to = text;
        return check_zone(text, problem);
    case CT_SETTING_CHOICE:
        return read_choice(row->argument, text, to, problem);
    case CT_SETTING_CHOICES:
        return read_choice(row->argument, text, &choice, problem);
    case CT_SETTING_FIELDS:
        return read_slice_field(text, &field, problem);
    case CT_SETTING_CONDITIONS:
        return ct_config_condition(text, problem);
    case CT_SETTING_WINDOW:
        *(const char **)to = text;
        return ct_config_window(text, &usec, problem);
    case CT_SETTING_WORDS:
        return check_text(text, problem);
    }
    return wrong(problem, "a kind of setting nobody reads");
}

/* A list or map of the live tap's sections into its struct. */
static bool settle_value(struct ct_config *config, const struct ct_config_item *item, enum ct_setting_id id)
{
    const struct ct_config_value *value = &item->values[id - ct_sections[item->section].first];
    void *to = (char *)item->to + ct_settings[id].to;
    char problem[CT_CONFIG_PROBLEM_BYTES];
    bool good = true;
    if (ct_settings[id].kind == CT_SETTING_TEXTS && value->count) {
        const char **texts = ct_arena_zalloc(&config->arena, (value->count + 1) * sizeof *texts);
        for (size_t i = 0; texts && i < value->count; i++) {
            texts[i] = value->entries[i].text;
        }
        *(const char *const **)to = texts;
        return texts != NULL;
    }
    if (ct_settings[id].kind == CT_SETTING_CHOICES) {
        unsigned bits = 0, one = 0;
        for (size_t i = 0; i < value->count && good; i++) {
            good = read_choice(ct_settings[id].argument, value->entries[i].text, &one, problem);
            bits |= 1u << one;
        }
        *(unsigned *)to = bits;
    }
    if (ct_settings[id].kind == CT_SETTING_FIELDS && value->count) {
        struct ct_config_fields *fields = to;
        fields->at = ct_arena_zalloc(&config->arena, value->count * sizeof *fields->at);
        for (size_t i = 0; fields->at && good && i < value->count; i++) {
            good = read_slice_field(value->entries[i].text, &fields->at[fields->count++], problem);
        }
        good = good && fields->at;
    }
    if (ct_settings[id].kind == CT_SETTING_OPTIONS && value->count) {
        bool writing = item->section == CT_SECTION_WRITING;
        struct ct_input_writing *files = item->to;
        struct ct_source_settings *source = item->to;
        struct ct_option_value *options = ct_arena_zalloc(&config->arena, value->count * sizeof *options);
        for (size_t i = 0; options && i < value->count; i++) {
            options[i] =
                (struct ct_option_value){ct_span_of(value->entries[i].name), ct_span_of(value->entries[i].text)};
        }
        *(writing ? &files->options : &source->options) = options;
        *(writing ? &files->option_count : &source->option_count) = value->count;
        good = options != NULL;
    }
    return good;
}

static bool settle_sections(struct ct_config *config)
{
    bool good = true;
    for (unsigned s = CT_SECTION_ROOT + 1; s < CT_SECTION_COUNT; s++) {
        for (size_t i = 0; i < config->groups[s].count; i++) {
            for (unsigned row = 0; row < ct_sections[s].count && good; row++) {
                good = settle_value(config, &config->groups[s].items[i], ct_sections[s].first + row);
            }
        }
    }
    return good;
}

bool ct_config_settle(struct ct_config *config)
{
    char problem[CT_CONFIG_PROBLEM_BYTES];
    const struct ct_config_value *options = &config->values[CT_SET_FORMAT_OPTIONS];
    const struct ct_config_value *idles = &config->values[CT_SET_IDLE_BY_CHANNEL];
    const struct ct_config_value *targets = &config->values[CT_SET_TARGETS];
    config->format_options = ct_arena_zalloc(&config->arena, options->count * sizeof *config->format_options);
    config->idle = ct_arena_zalloc(&config->arena, (idles->count + 1) * sizeof *config->idle);
    config->targets = ct_arena_zalloc(&config->arena, targets->count * sizeof *config->targets);
    if (config->format_options == NULL || config->idle == NULL || config->targets == NULL) {
        return false;
    }
    for (size_t i = 0; i < options->count; i++) {
        const struct ct_config_entry *e = &options->entries[i];
        config->format_options[i] = (struct ct_option_value){ct_span_of(e->name), ct_span_of(e->text)};
    }
    bool good = true;
    for (size_t i = 0; i < idles->count; i++) {
        const struct ct_config_entry *e = &idles->entries[i];
        config->idle[i].channel = ct_span_of(e->name);
        good &= read_duration(&ct_settings[CT_SET_IDLE_BY_CHANNEL], e->text, &config->idle[i].usec, problem);
    }
    for (size_t i = 0; i < targets->count; i++) {
        const struct ct_config_entry *e = &targets->entries[i];
        good &= read_target(e->name, e->text, &config->targets[i], problem);
    }
    const struct ct_config_value *filters = &config->values[CT_SET_WHERE];
    const struct ct_config_value *segments = &config->values[CT_SET_SEGMENTS];
    config->filters = ct_arena_zalloc(&config->arena, filters->count * sizeof *config->filters);
    const char **names = ct_arena_zalloc(&config->arena, (segments->count + 1) * sizeof *names);
    if (!config->filters || !names) {
        return false;
    }
    for (size_t i = 0; i < filters->count; i++) {
        good &= read_filter(filters->entries[i].text, &config->filters[config->filter_count++], problem);
    }
    for (size_t i = 0; i < segments->count; i++) {
        names[i] = segments->entries[i].text;
    }
    config->segments = names;
    config->labels = &config->values[CT_SET_LABELS];
    config->handoff_tools = &config->values[CT_SET_HANDOFF_TOOLS];
    config->handoff_phrases = &config->values[CT_SET_HANDOFF_PHRASES];
    config->competitors = &config->values[CT_SET_COMPETITORS];
    config->idle[idles->count] = (struct ct_idle){CT_SPAN_NONE, config->idle_usec};
    config->format_option_count = options->count;
    config->idle_count = idles->count + 1;
    config->target_count = targets->count;
    const struct ct_config_group *writings = &config->groups[CT_SECTION_WRITING];
    config->writings = ct_arena_zalloc(&config->arena, (writings->count + 1) * sizeof *config->writings);
    good = good && config->writings && settle_sections(config);
    for (size_t i = 0; good && i < writings->count; i++) {
        config->writings[config->writing_count++] = *(const struct ct_input_writing *)writings->items[i].to;
    }
    return good;
}
