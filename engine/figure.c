/* figure.c - names of what figures are made of, and exact decimals. Called by metrics and by every sink. */
#include "engine/figure.h"

#include <assert.h>
#include <utf8proc.h>

#include "engine/digits.h"

bool ct_lang_from(ct_span text, enum ct_lang *out)
{
    static const char codes[CT_LANG_COUNT][3] = {"en", "es"};
    for (int lang = 0; lang < CT_LANG_COUNT; lang++) {
        if (text.len >= 2 && (text.at[0] | 32) == codes[lang][0] && (text.at[1] | 32) == codes[lang][1] &&
            (text.len == 2 || text.at[2] == '-' || text.at[2] == '_' || text.at[2] == '.')) {
            *out = (enum ct_lang)lang;
            return true;
        }
    }
    return false;
}

const char *ct_family_text(enum ct_family family)
{
    static const char *const texts[] = {
#define X(name, text, en, es) text,
        CT_FAMILY_MAP(X)
#undef X
    };
    return texts[family];
}

const char *ct_family_name(enum ct_family family, enum ct_lang lang)
{
    static const char *const names[][CT_LANG_COUNT] = {
#define X(name, text, en, es) {en, es},
        CT_FAMILY_MAP(X)
#undef X
    };
    return names[family][lang];
}

const char *ct_kpi_kind_text(enum ct_kpi_kind kind)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_KPI_KIND_MAP(X)
#undef X
    };
    return texts[kind];
}

const char *ct_anchor_text(enum ct_anchor anchor)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_ANCHOR_MAP(X)
#undef X
    };
    return texts[anchor];
}

const char *ct_unit_text(enum ct_unit unit)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_UNIT_MAP(X)
#undef X
    };
    return texts[unit];
}

enum ct_key_kind ct_kpi_keyed_by(const struct ct_kpi *kpi)
{
    if (kpi->kind == CT_KPI_SHARES) {
        return CT_KEYED_BY_SHARE;
    }
    if (kpi->unit == CT_UNIT_MONEY || kpi->kind == CT_KPI_PROPORTION) {
        return CT_KEYED_BY_CURRENCY;
    }
    bool by_criteria = kpi->kind == CT_KPI_MEAN && kpi->unit == CT_UNIT_PERCENT; /* the IQS */
    return kpi->family == CT_FAMILY_EXPERIENCE && !by_criteria ? CT_KEYED_BY_SCALE : CT_KEYED_BY_NAME;
}

const char *ct_change_text(enum ct_change_verdict verdict)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_CHANGE_MAP(X)
#undef X
    };
    return texts[verdict];
}

int ct_change_better(const struct ct_figure *figure)
{
    int way = figure->change.verdict == CT_CHANGE_UP ? 1 : figure->change.verdict == CT_CHANGE_DOWN ? -1 : 0;
    return figure->kpi->better == CT_BETTER_HIGHER ? way : figure->kpi->better == CT_BETTER_LOWER ? -way : 0;
}

const char *ct_cadence_text(enum ct_cadence cadence)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_CADENCE_MAP(X)
#undef X
    };
    return texts[cadence];
}

const enum ct_family *ct_cadence_families(enum ct_cadence cadence, size_t *belong)
{
    static const enum ct_family orders[][CT_FAMILY_COUNT] = {
        [CT_CADENCE_NONE] = {CT_FAMILY_OPERATIONS, CT_FAMILY_COST, CT_FAMILY_EXPERIENCE, CT_FAMILY_ADOPTION,
                             CT_FAMILY_BUSINESS, CT_FAMILY_LIFECYCLE},
        [CT_CADENCE_WEEKLY] = {CT_FAMILY_OPERATIONS, CT_FAMILY_EXPERIENCE, CT_FAMILY_COST, CT_FAMILY_ADOPTION,
                               CT_FAMILY_BUSINESS, CT_FAMILY_LIFECYCLE},
        [CT_CADENCE_MONTHLY] = {CT_FAMILY_BUSINESS, CT_FAMILY_ADOPTION, CT_FAMILY_COST, CT_FAMILY_OPERATIONS,
                                CT_FAMILY_EXPERIENCE, CT_FAMILY_LIFECYCLE},
        [CT_CADENCE_QUARTERLY] = {CT_FAMILY_LIFECYCLE, CT_FAMILY_BUSINESS, CT_FAMILY_ADOPTION, CT_FAMILY_COST,
                                  CT_FAMILY_OPERATIONS, CT_FAMILY_EXPERIENCE},
    };
    static const size_t belongs[] = {CT_FAMILY_COUNT, 2, 3, CT_FAMILY_COUNT};
    *belong = belongs[cadence];
    return orders[cadence];
}

const char *ct_better_text(enum ct_better better)
{
    static const char *const texts[] = {"higher", "lower", "none"};
    return texts[better];
}

const char *ct_target_status_text(enum ct_target_status status)
{
    static const char *const texts[] = {"none", "met", "missed"};
    return texts[status];
}

const char *ct_percentile_text(unsigned percentile)
{
    static const char *const texts[CT_PERCENTILE_COUNT] = {"p50", "p90", "p95", "p99"};
    assert(percentile < CT_PERCENTILE_COUNT);
    return texts[percentile];
}

const struct ct_figure *ct_block_figure(const struct ct_block *block, const char *id)
{
    for (size_t i = 0; i < block->figure_count; i++) {
        if (!block->figures[i].part && strcmp(block->figures[i].kpi->id, id) == 0) {
            return &block->figures[i];
        }
    }
    return NULL;
}

/* The head of `text` within `columns` (its whole width in *width). */
static size_t head_within(ct_span text, size_t columns, size_t *width)
{
    size_t at = 0, used = 0;
    while (at < text.len) {
        utf8proc_int32_t point;
        utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)text.at + at,
                                                (utf8proc_ssize_t)(text.len - at < 4 ? text.len - at : 4), &point);
        int wide = len > 0 ? utf8proc_charwidth(point) : 1;
        if (used + (size_t)(wide > 0 ? wide : 0) > columns) {
            break;
        }
        used += (size_t)(wide > 0 ? wide : 0);
        at += len > 0 ? (size_t)len : 1;
    }
    *width = used;
    return at;
}

size_t ct_text_width(ct_span text)
{
    size_t width;
    head_within(text, SIZE_MAX, &width);
    return width;
}

ct_span ct_text_clip(ct_span text, size_t columns)
{
    size_t width;
    return (ct_span){text.at, head_within(text, columns, &width)};
}

__extension__ typedef unsigned __int128 wide_bits;

static wide_bits magnitude(ct_wide value)
{
    return value < 0 ? (wide_bits)0 - (wide_bits)value : (wide_bits)value;
}

/* Whether the quotient q of a division with remainder r by den rounds up: half goes to the even one. */
static bool rounds_up(wide_bits q, wide_bits r, wide_bits den)
{
    wide_bits rest = den - r;
    return r > rest || (r == rest && (q & 1));
}

ct_wide ct_wide_divide(ct_wide num, ct_wide den)
{
    assert(den > 0);
    wide_bits n = magnitude(num), d = (wide_bits)den, q = n / d, r = n % d;
    if (rounds_up(q, r, d)) {
        q++;
    }
    return num < 0 ? (ct_wide)((wide_bits)0 - q) : (ct_wide)q;
}

/* `value` is a magnitude, so what stands before its last 19 digits fits into 64 bits. */
static size_t bits_format(wide_bits value, char *out)
{
    const uint64_t part = 10000000000000000000u;
    char *end;
    if (value <= UINT64_MAX) {
        end = ct_digits_put(out, (uint64_t)value);
    } else {
        end = ct_digits_put(out, (uint64_t)(value / part));
        end = ct_digits_fill(end, (uint64_t)(value % part), 19);
    }
    *end = '\0';
    return (size_t)(end - out);
}

size_t ct_wide_format(ct_wide value, char *out)
{
    size_t sign = value < 0;
    if (sign) {
        out[0] = '-';
    }
    return sign + bits_format(magnitude(value), out + sign);
}

static const uint64_t limits[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

/* n / d = whole + fraction / limits[digits], not rounded; returns the rest, which is below d. */
static wide_bits split(wide_bits n, wide_bits d, unsigned digits, wide_bits *whole, uint64_t *fraction)
{
    wide_bits rest;
    uint64_t scaled;
    if (n <= UINT64_MAX && d <= UINT64_MAX) { /* almost all: no division of 128 bits */
        uint64_t left = (uint64_t)n % (uint64_t)d;
        *whole = (uint64_t)n / (uint64_t)d;
        if (d == limits[digits]) { /* seconds in µs, money in billionths */
            *fraction = left;
            return 0;
        }
        if (!__builtin_mul_overflow(left, limits[digits], &scaled)) {
            *fraction = scaled / (uint64_t)d;
            return scaled % (uint64_t)d;
        }
        rest = left;
    } else {
        *whole = n / d;
        rest = n % d;
    }
    /* Digit by digit, so that nothing overflows: rest < den <= 2^127 / 10 for any count that can be reached. */
    *fraction = 0;
    for (unsigned i = 0; i < digits; i++) {
        rest *= 10;
        *fraction = *fraction * 10 + (uint64_t)(rest / d);
        rest %= d;
    }
    return rest;
}

size_t ct_decimal_format(ct_wide num, ct_wide den, unsigned digits, bool trim, char *out)
{
    assert(den > 0 && digits <= 9);
    wide_bits whole;
    uint64_t fraction;
    wide_bits rest = split(magnitude(num), (wide_bits)den, digits, &whole, &fraction);
    if (rounds_up(digits ? fraction : whole, rest, (wide_bits)den) && ++fraction == limits[digits]) {
        fraction = 0;
        whole++;
    }
    char *at = out;
    if (num < 0 && (whole || fraction)) {
        *at++ = '-';
    }
    at += bits_format(whole, at);
    if (digits) {
        *at++ = '.';
        at = ct_digits_fill(at, fraction, digits);
        while (trim && at[-1] == '0' && at[-2] != '.') {
            at--;
        }
        *at = '\0';
    }
    return (size_t)(at - out);
}

size_t ct_seconds_format(ct_usec value, char *out)
{
    return ct_decimal_format(value, CT_USEC_PER_SECOND, 6, true, out);
}
