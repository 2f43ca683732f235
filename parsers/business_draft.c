/* business_draft.c - the fields of business events: reading and checking. See business_draft.h. */
#include "parsers/business_draft.h"

#include "engine/yaml_tree.h"

static const struct {
    const char *text;
    enum ct_business_kind kind;
} keys[CT_BUSINESS_KEYS] = {
#define X(name, text, kind) [CT_BUSINESS_KEY_##name] = {text, CT_BUSINESS_KIND_##kind},
    CT_BUSINESS_KEY_MAP(X)
#undef X
};

const char *ct_business_key_text(enum ct_business_key key)
{
    return keys[key].text;
}

enum ct_business_kind ct_business_key_kind(enum ct_business_key key)
{
    return keys[key].kind;
}

bool ct_business_key_from(ct_span text, enum ct_business_key *out)
{
    for (unsigned key = 0; key < CT_BUSINESS_KEYS; key++) {
        if (ct_span_is(text, keys[key].text)) {
            *out = (enum ct_business_key)key;
            return true;
        }
    }
    return false;
}

static bool fault_is(struct ct_business_fault *fault, const char *reason, enum ct_business_key key, const char *note)
{
    *fault = (struct ct_business_fault){reason, keys[key].text, note};
    return false;
}

void ct_business_draft_clear(struct ct_business_draft *draft)
{
    ct_business_event_init(&draft->event);
    draft->has_type = false;
    draft->seen = 0;
    memset(draft->flags, 0, sizeof draft->flags);
}

/* ---- times ------------------------------------------------------------------------------------------------------- */

static bool is_digits(ct_span text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (i >= text.len || text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
    }
    return true;
}

/* Wall-clock time, as if it were UTC, to UTC. */
static ct_usec to_utc(const struct ct_zone *zone, ct_usec local)
{
    int64_t seconds = local / CT_USEC_PER_SECOND - (local % CT_USEC_PER_SECOND < 0);
    return zone ? ct_zone_to_utc(zone, seconds) * CT_USEC_PER_SECOND + (local - seconds * CT_USEC_PER_SECOND) : local;
}

/* The date's first moment in the zone, or its last. */
static bool read_date(const struct ct_business_draft *draft, ct_span date, bool last, ct_usec *out)
{
    char text[32];
    if (date.len != 10) {
        return false;
    }
    memcpy(text, date.at, 10);
    memcpy(text + 10, "T00:00:00", 9);
    if (!ct_time_parse((ct_span){text, 19}, out)) {
        return false;
    }
    *out = to_utc(draft->zone, *out + (last ? CT_USEC_PER_DAY : 0)) - last;
    return true;
}

/* RFC 3339, also without an offset or without a time of day. */
static bool read_stamp(const struct ct_business_draft *draft, ct_span text, bool last, ct_usec *out)
{
    if (text.len == 10) {
        return read_date(draft, text, last, out);
    }
    if (!ct_time_parse(text, out)) {
        return false;
    }
    bool offset = text.at[text.len - 1] == 'Z' || text.at[text.len - 1] == 'z' ||
                  (text.len > 6 && (text.at[text.len - 6] == '+' || text.at[text.len - 6] == '-'));
    *out = offset ? *out : to_utc(draft->zone, *out);
    return true;
}

/* "1/3/2026" as "1/3/2026 00:00", and a day later without a microsecond where the last moment is meant. */
static enum ct_stamp read_day(const struct ct_business_draft *draft, ct_span text, bool last, ct_usec *out)
{
    char joined[64];
    size_t used;
    if (text.len + 6 > sizeof joined) {
        return CT_STAMP_BAD;
    }
    memcpy(joined, text.at, text.len);
    memcpy(joined + text.len, " 00:00", 6);
    const struct ct_zone utc = {0};
    enum ct_stamp stamp = ct_stamp_read((ct_span){joined, text.len + 6}, draft->order, &utc, &used, out);
    if (stamp == CT_STAMP_OK) {
        *out = to_utc(draft->zone, *out + (last ? CT_USEC_PER_DAY : 0)) - last;
    }
    return stamp;
}

static bool read_time(const struct ct_business_draft *draft, enum ct_business_key key, ct_span text, ct_usec *out,
                      struct ct_business_fault *fault)
{
    static const struct ct_zone utc = {0};
    bool last = keys[key].kind == CT_BUSINESS_KIND_DUE;
    size_t used = 0;
    if (read_stamp(draft, text, last, out)) {
        return true;
    }
    if (!draft->any_date) {
        return fault_is(fault, "bad_time", key, "not an RFC 3339 time or date");
    }
    if (ct_stamp_epoch(text, out)) {
        return true;
    }
    enum ct_stamp stamp = ct_stamp_read(text, draft->order, draft->zone ? draft->zone : &utc, &used, out);
    if (stamp == CT_STAMP_DATE_ONLY && used == text.len) {
        stamp = read_day(draft, text, last, out);
    }
    switch (stamp) {
    case CT_STAMP_OK:
        return used == text.len || fault_is(fault, "bad_time", key, "something follows the time");
    case CT_STAMP_AMBIGUOUS:
        return fault_is(fault, "ambiguous_date", key, "day or month first? say order=dmy or order=mdy");
    case CT_STAMP_BAD:
    case CT_STAMP_DATE_ONLY:
        return fault_is(fault, "bad_time", key, "a date or time that does not exist in this order");
    case CT_STAMP_NONE:
        break;
    }
    return fault_is(fault, "bad_time", key, "neither a date nor epoch seconds or milliseconds");
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

enum { PLAIN_MAX = 64 };

/* "-1.234,56" or "1 234,56" to "-1234.56": groups are of three digits, and none after the comma. */
static bool plain_decimal(ct_span text, char *out, size_t *len)
{
    size_t at = 0, digits = 0, group = 0, to = 0;
    bool grouped = false, fraction = false;
    if (text.len > PLAIN_MAX) {
        return false;
    }
    if (text.len && (text.at[0] == '-' || text.at[0] == '+')) {
        if (text.at[at++] == '-') {
            out[to++] = '-';
        }
    }
    while (at < text.len) {
        char c = text.at[at];
        size_t space = ct_space_bytes((ct_span){text.at + at, text.len - at});
        if (c >= '0' && c <= '9') {
            out[to++] = c;
            group++;
            digits++;
            at++;
        } else if ((c == '.' || c == '\'' || space) && !fraction) {
            if (grouped ? group != 3 : group == 0 || group > 3) {
                return false;
            }
            grouped = true;
            group = 0;
            at += space ? space : 1;
        } else if (c == ',' && !fraction) {
            if (grouped && group != 3) {
                return false;
            }
            fraction = true;
            out[to++] = '.';
            at++;
        } else {
            return false;
        }
    }
    *len = to;
    return digits && (fraction || !grouped || group == 3);
}

static bool read_decimal(const struct ct_business_draft *draft, enum ct_business_key key, ct_span text, int64_t *out,
                         struct ct_business_fault *fault)
{
    char plain[PLAIN_MAX + 1];
    if (draft->comma) {
        size_t len;
        if (!plain_decimal(text, plain, &len)) {
            return fault_is(fault, "bad_number", key, "not a number with a decimal comma");
        }
        text = (ct_span){plain, len};
    }
    return (ct_money_parse(text, out) && *out != INT64_MIN) ||
           fault_is(fault, "bad_number", key, "not a decimal number in range");
}

static bool read_whole(enum ct_business_key key, ct_span text, int64_t *out, struct ct_business_fault *fault)
{
    bool minus = text.at[0] == '-';
    int64_t value = 0;
    if (text.len == minus || !is_digits(text, minus, text.len)) {
        return fault_is(fault, "bad_number", key, "not a whole number");
    }
    if (minus && keys[key].kind == CT_BUSINESS_KIND_COUNT && !ct_span_is(text, "-0")) {
        return fault_is(fault, "number_out_of_range", key, "below 0");
    }
    for (size_t i = minus; i < text.len; i++) {
        value = value * 10 + (text.at[i] - '0');
        if (value > INT64_C(1000000000000)) {
            return fault_is(fault, "number_out_of_range", key, "more than 10^12");
        }
    }
    *out = minus ? -value : value;
    return true;
}

/* "01:30:00". */
static bool read_clock(ct_span text, ct_usec *out)
{
    int64_t part[3] = {0, 0, 0};
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        size_t begin = at;
        for (; at < text.len && text.at[at] >= '0' && text.at[at] <= '9' && at - begin < 4; at++) {
            part[i] = part[i] * 10 + (text.at[at] - '0');
        }
        if (at == begin || (i > 0 && (at - begin != 2 || part[i] > 59)) ||
            (i < 2 && (at >= text.len || text.at[at++] != ':'))) {
            return false;
        }
    }
    *out = (part[0] * 3600 + part[1] * 60 + part[2]) * CT_USEC_PER_SECOND;
    return at == text.len;
}

/* Up to ten years, from nanoseconds of a unit to microseconds, half to even. */
static bool read_duration(const struct ct_business_draft *draft, enum ct_business_key key, ct_span text, ct_usec *out,
                          struct ct_business_fault *fault)
{
    const ct_usec most = 3660 * CT_USEC_PER_DAY;
    if (keys[key].kind == CT_BUSINESS_KIND_SECONDS) {
        int64_t nano;
        if (!read_decimal(draft, key, text, &nano, fault)) {
            return false;
        }
        int64_t half = nano % 1000, whole = nano / 1000;
        *out = whole + (half > 500 || (half == 500 && whole % 2 != 0)) - (half < -500);
    } else {
        if (!ct_duration_parse(text, out) && !read_clock(text, out)) {
            return fault_is(fault, "bad_number", key, "not a duration such as 90s, 1h30m or 01:30:00");
        }
    }
    return (*out >= 0 && *out <= most) || fault_is(fault, "number_out_of_range", key, "from 0 to ten years");
}

static bool read_flag(enum ct_business_key key, ct_span text, int8_t *out, struct ct_business_fault *fault)
{
    static const char *const yes[] = {"true", "yes", "1", "y", "si", "s\xC3\xAD", "sim", "verdadero", "verdadeiro"};
    static const char *const no[] = {"false", "no", "0", "n", "n\xC3\xA3o", "nao", "falso"};
    char word[16];
    size_t len = text.len < sizeof word ? text.len : sizeof word;
    for (size_t i = 0; i < len; i++) {
        word[i] = text.at[i] >= 'A' && text.at[i] <= 'Z' ? (char)(text.at[i] + 32) : text.at[i];
    }
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (ct_span_is((ct_span){word, text.len < sizeof word ? len : 0}, yes[i])) {
            *out = 1;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        if (ct_span_is((ct_span){word, text.len < sizeof word ? len : 0}, no[i])) {
            *out = 0;
            return true;
        }
    }
    return fault_is(fault, "wrong_type", key, "true or false is due");
}

/* ---- one value --------------------------------------------------------------------------------------------------- */

static bool read_currency(ct_span text, ct_span *out, struct ct_business_fault *fault)
{
    bool good = text.len == 3;
    for (size_t i = 0; good && i < 3; i++) {
        good = text.at[i] >= 'A' && text.at[i] <= 'Z';
    }
    *out = text;
    return good ||
           fault_is(fault, "bad_currency", CT_BUSINESS_KEY_CURRENCY, "three capital letters are due, such as EUR");
}

static int64_t *number_of(struct ct_business_draft *draft, enum ct_business_key key)
{
    struct ct_business_numbers *numbers = &draft->event.numbers;
    switch (key) {
    case CT_BUSINESS_KEY_AT:
        return &draft->event.at;
    case CT_BUSINESS_KEY_SINCE:
        return &numbers->since;
    case CT_BUSINESS_KEY_DUE:
        return &numbers->due;
    case CT_BUSINESS_KEY_DURATION:
    case CT_BUSINESS_KEY_DURATION_S:
        return &numbers->duration_usec;
    case CT_BUSINESS_KEY_AMOUNT:
        return &numbers->amount;
    case CT_BUSINESS_KEY_MARGIN:
        return &numbers->margin;
    case CT_BUSINESS_KEY_VALUE:
        return &numbers->value;
    case CT_BUSINESS_KEY_GOAL:
        return &numbers->goal;
    case CT_BUSINESS_KEY_COUNT:
        return &numbers->count;
    case CT_BUSINESS_KEY_OF:
    case CT_BUSINESS_KEY_OF_COUNT:
        return &numbers->of_count;
    case CT_BUSINESS_KEY_SCORE:
        return &numbers->score;
    case CT_BUSINESS_KEY_SCALE_MIN:
        return &numbers->scale_min;
    case CT_BUSINESS_KEY_SCALE_MAX:
    case CT_BUSINESS_KEY_SCALE:
        return &numbers->scale_max;
    default:
        return NULL;
    }
}

static ct_span *text_of(struct ct_business_draft *draft, enum ct_business_key key)
{
    for (unsigned field = 0; field < CT_BUSINESS_FIELD_COUNT; field++) {
        if (strcmp(ct_business_field_text((enum ct_business_field)field), keys[key].text) == 0) {
            return &draft->event.text[field];
        }
    }
    return NULL;
}

bool ct_business_draft_set(struct ct_business_draft *draft, enum ct_business_key key, ct_span text,
                           struct ct_business_fault *fault)
{
    enum ct_business_kind kind = keys[key].kind;
    int64_t *number = number_of(draft, key);
    if (kind != CT_BUSINESS_KIND_TEXT) {
        text = ct_span_trim(text);
    }
    if (text.len == 0) {
        return true;
    }
    if (number && *number != CT_BUSINESS_NUMBER_NONE) { /* "of" and "of_count": which one is meant? */
        return fault_is(fault, "duplicate_key", key, "said already by another key");
    }
    draft->seen |= UINT64_C(1) << key;
    switch (kind) {
    case CT_BUSINESS_KIND_TYPE:
        draft->has_type = ct_business_type_from(text, &draft->event.type);
        return draft->has_type || fault_is(fault, "unknown_event", key, "none of docs/business-events.md");
    case CT_BUSINESS_KIND_ID:
    case CT_BUSINESS_KIND_WORD:
    case CT_BUSINESS_KIND_TEXT:
        *text_of(draft, key) = text;
        return true;
    case CT_BUSINESS_KIND_CURRENCY:
        return read_currency(text, text_of(draft, key), fault);
    case CT_BUSINESS_KIND_TIME:
    case CT_BUSINESS_KIND_DUE:
        return read_time(draft, key, text, number, fault);
    case CT_BUSINESS_KIND_SECONDS:
    case CT_BUSINESS_KIND_DURATION:
        return read_duration(draft, key, text, number, fault);
    case CT_BUSINESS_KIND_DECIMAL:
        return read_decimal(draft, key, text, number, fault);
    case CT_BUSINESS_KIND_COUNT:
    case CT_BUSINESS_KIND_WHOLE:
        return read_whole(key, text, number, fault);
    case CT_BUSINESS_KIND_FLAG:
        return read_flag(key, text, &draft->flags[key], fault);
    }
    return true;
}

/* ---- the whole event --------------------------------------------------------------------------------------------- */

#define KEY(name) (UINT64_C(1) << CT_BUSINESS_KEY_##name)

/* What a type needs beside event and at, what its flag is called, and whether amounts may be below 0. */
static const struct {
    uint64_t needs;
    enum ct_business_key flag; /* FLAG = none of its own */
    bool signed_amount;
} types[CT_BUSINESS_COUNT] = {
    [CT_BUSINESS_CUSTOMER] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_CUSTOMER_WON] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_CUSTOMER_LOST] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_CUSTOMER_BASE] = {KEY(COUNT), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_RENEWAL_DUE] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_RENEWED] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_PURCHASE] = {KEY(USER_ID) | KEY(AMOUNT), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_ORDER_DELIVERED] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_ORDER_CANCELLED] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_ORDER_RETURNED] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_SUBSCRIPTION] = {KEY(USER_ID) | KEY(AMOUNT), CT_BUSINESS_KEY_ADD_ON, false},
    [CT_BUSINESS_EXPANSION] = {KEY(USER_ID) | KEY(AMOUNT), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_TRIAL_STARTED] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_TRIAL_CONVERTED] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_SEATS_BOUGHT] = {KEY(USER_ID) | KEY(COUNT), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_SEATS_ACTIVE] = {KEY(USER_ID) | KEY(COUNT), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_FEATURE_USED] = {KEY(USER_ID) | KEY(NAME), CT_BUSINESS_KEY_KEY_ACTION, false},
    [CT_BUSINESS_SESSION] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_MILESTONE] = {KEY(USER_ID) | KEY(NAME), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_CHECKLIST] = {KEY(USER_ID) | KEY(COUNT) | KEY(OF), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_OUTCOME] = {KEY(USER_ID), CT_BUSINESS_KEY_REACHED, false},
    [CT_BUSINESS_BENEFIT] = {KEY(USER_ID) | KEY(AMOUNT), CT_BUSINESS_KEY_FLAG, true},
    [CT_BUSINESS_COST] = {KEY(AMOUNT), CT_BUSINESS_KEY_FLAG, true},
    [CT_BUSINESS_REFERENCE] = {KEY(USER_ID), CT_BUSINESS_KEY_AGREED, false},
    [CT_BUSINESS_REFERRAL] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_PROGRAMME] = {KEY(USER_ID) | KEY(NAME), CT_BUSINESS_KEY_JOINED, false},
    [CT_BUSINESS_SURVEY] = {KEY(NAME) | KEY(SCORE), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_FEEDBACK] = {KEY(TEXT), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_FEEDBACK_ANSWERED] = {KEY(REF), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_COMPLAINT_RAISED] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
    [CT_BUSINESS_COMPLAINT_RESOLVED] = {KEY(USER_ID), CT_BUSINESS_KEY_FLAG, false},
};

static bool check_needs(const struct ct_business_draft *draft, struct ct_business_fault *fault)
{
    enum ct_business_type type = draft->event.type;
    uint64_t seen = draft->seen | (draft->seen & KEY(OF_COUNT) ? KEY(OF) : 0), missing = types[type].needs & ~seen;
    if (missing) {
        return fault_is(fault, "missing_field", (enum ct_business_key)__builtin_ctzll(missing),
                        ct_business_text_of(type));
    }
    /* Two answers of nobody's that say the same are one event, unless they have ids. */
    bool anonymous = type == CT_BUSINESS_SURVEY || type == CT_BUSINESS_FEEDBACK;
    if (anonymous && !(draft->seen & (KEY(USER_ID) | KEY(ID)))) {
        return fault_is(fault, "missing_field", CT_BUSINESS_KEY_USER_ID, "and no id, either");
    }
    if (type == CT_BUSINESS_CUSTOMER_BASE && draft->seen & KEY(USER_ID)) {
        return fault_is(fault, "unexpected_field", CT_BUSINESS_KEY_USER_ID, "customer_base is of no customer");
    }
    if (type == CT_BUSINESS_SESSION && !(seen & (KEY(DURATION) | KEY(DURATION_S)))) {
        return fault_is(fault, "missing_field", CT_BUSINESS_KEY_DURATION_S, ct_business_text_of(type));
    }
    return true;
}

/* One key for a type's flag, or the plain one; a reference and a membership begin where nothing else is said. */
static bool take_flag(struct ct_business_draft *draft, struct ct_business_fault *fault)
{
    enum ct_business_type type = draft->event.type;
    enum ct_business_key own = types[type].flag;
    uint64_t bit = UINT64_C(1) << own;
    if (own != CT_BUSINESS_KEY_FLAG && draft->seen & bit && draft->seen & KEY(FLAG)) {
        return fault_is(fault, "duplicate_key", CT_BUSINESS_KEY_FLAG, "said already by another key");
    }
    if (draft->seen & bit) {
        draft->event.numbers.flag = draft->flags[own];
    } else if (draft->seen & KEY(FLAG)) {
        draft->event.numbers.flag = draft->flags[CT_BUSINESS_KEY_FLAG];
    } else if (type == CT_BUSINESS_REFERENCE || type == CT_BUSINESS_PROGRAMME) {
        draft->event.numbers.flag = 1;
    }
    const struct ct_business_numbers *numbers = &draft->event.numbers;
    if (type == CT_BUSINESS_OUTCOME && numbers->flag == CT_BUSINESS_NUMBER_NONE) {
        if (numbers->value == CT_BUSINESS_NUMBER_NONE || numbers->goal == CT_BUSINESS_NUMBER_NONE) {
            return fault_is(fault, "missing_field", CT_BUSINESS_KEY_REACHED, "outcome, without value and goal");
        }
        draft->event.numbers.flag = numbers->value >= numbers->goal;
    }
    return true;
}

/* The scale of a survey whose kind has one everywhere; else it has to be said. */
static bool check_survey(struct ct_business_draft *draft, struct ct_business_fault *fault)
{
    static const struct {
        const char *name;
        int64_t low, high;
    } kinds[] = {{"csat", 1, 5}, {"nps", 0, 10}, {"ces", 1, 7}};
    struct ct_business_numbers *numbers = &draft->event.numbers;
    int64_t low = 1, high = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (ct_span_is(draft->event.text[CT_BUSINESS_NAME], kinds[i].name)) {
            low = kinds[i].low;
            high = kinds[i].high;
        }
    }
    if (numbers->scale_max == CT_BUSINESS_NUMBER_NONE) {
        if (!high) {
            return fault_is(fault, "missing_field", CT_BUSINESS_KEY_SCALE_MAX, "survey of a kind of its own");
        }
        numbers->scale_max = high;
    }
    numbers->scale_min = numbers->scale_min == CT_BUSINESS_NUMBER_NONE ? low : numbers->scale_min;
    if (numbers->scale_min < -1000 || numbers->scale_max > 1000 || numbers->scale_min >= numbers->scale_max) {
        return fault_is(fault, "number_out_of_range", CT_BUSINESS_KEY_SCALE_MAX, "a scale from -1000 to 1000 is due");
    }
    return (numbers->score >= numbers->scale_min && numbers->score <= numbers->scale_max) ||
           fault_is(fault, "number_out_of_range", CT_BUSINESS_KEY_SCORE, "not on its scale");
}

static bool check_ranges(struct ct_business_draft *draft, struct ct_business_fault *fault)
{
    struct ct_business_numbers *numbers = &draft->event.numbers;
    enum ct_business_type type = draft->event.type;
    if (numbers->amount != CT_BUSINESS_NUMBER_NONE && numbers->amount < 0 && !types[type].signed_amount) {
        return fault_is(fault, "number_out_of_range", CT_BUSINESS_KEY_AMOUNT, "below 0");
    }
    if (numbers->margin != CT_BUSINESS_NUMBER_NONE &&
        (numbers->margin > CT_NANO_PER_UNIT || numbers->margin < -CT_NANO_PER_UNIT)) {
        return fault_is(fault, "number_out_of_range", CT_BUSINESS_KEY_MARGIN,
                        "a share from -1 to 1 is due: 0.4, not 40");
    }
    if (type == CT_BUSINESS_CHECKLIST && (numbers->of_count < 1 || numbers->count > numbers->of_count)) {
        return fault_is(fault, "number_out_of_range", CT_BUSINESS_KEY_OF, "at least 1 and at least count is due");
    }
    if (type == CT_BUSINESS_FEATURE_USED && numbers->count == CT_BUSINESS_NUMBER_NONE) {
        numbers->count = 1;
    }
    return type != CT_BUSINESS_SURVEY || check_survey(draft, fault);
}

bool ct_business_draft_check(struct ct_business_draft *draft, struct ct_business_fault *fault)
{
    if (!draft->has_type) {
        return fault_is(fault, "missing_field", CT_BUSINESS_KEY_EVENT, NULL);
    }
    if (draft->event.at == CT_USEC_NONE) {
        return fault_is(fault, "missing_field", CT_BUSINESS_KEY_AT, ct_business_text_of(draft->event.type));
    }
    if (!check_needs(draft, fault) || !take_flag(draft, fault) || !check_ranges(draft, fault)) {
        return false;
    }
    if (ct_business_bytes(&draft->event) == 0) {
        return fault_is(fault, "record_too_long", CT_BUSINESS_KEY_TEXT, "an event of more than 64 KiB");
    }
    return true;
}
