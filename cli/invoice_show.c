/* invoice_show.c - the checked bill as a table for people, as JSON, and as the list's lines. See invoice.h. */
#include "cli/invoice.h"

#include <stdio.h>

#include "sinks/format.h"
#include "sinks/json.h"
#include "sinks/writer.h"

static const char *word(const struct ct_invoice_page *page, const char *en, const char *es)
{
    return page->lang == CT_LANG_ES ? es : en;
}

/* Exact, at least two places: "0.99", "12.00", "0.00095565". */
static void money_text(ct_wide amount, char out[CT_DECIMAL_BYTES])
{
    size_t len = ct_decimal_format(amount, CT_NANO_PER_UNIT, 9, true, out);
    const char *point = memchr(out, '.', len);
    if (point && len - (size_t)(point - out) == 2 && len + 1 < CT_DECIMAL_BYTES) {
        out[len] = '0';
        out[len + 1] = '\0';
    }
}

/* All that the vendor asks for and is not owed, by its own definition. */
static ct_wide disputed(const struct ct_invoice_page *page)
{
    const struct ct_invoice_total *wrong = &page->sums->verdict[CT_VERDICT_WRONG_AMOUNT];
    ct_wide sum = wrong->amount - (ct_wide)wrong->count * page->price;
    for (unsigned v = 0; v < CT_VERDICT_COUNT; v++) {
        if (ct_verdict_disputes((enum ct_verdict_of_bill)v)) {
            sum += page->sums->verdict[v].amount;
        }
    }
    return sum;
}

/* ---- table ------------------------------------------------------------------------------------------------------- */

static void table_sum(struct ct_out *out, const struct ct_invoice_page *page, const char *name, bool counted,
                      uint64_t count, ct_wide amount)
{
    char money[CT_DECIMAL_BYTES], number[CT_FORMAT_BYTES] = "";
    size_t width = ct_text_width(ct_span_of(name));
    money_text(amount, money);
    if (counted) {
        ct_format_count((ct_wide)count, page->lang, number);
    }
    ct_out_format(out, "  %s", name);
    ct_out_fill(out, " ", width < 56 ? 56 - width : 1);
    ct_out_format(out, "%10s %16s %.*s\n", number, money, (int)page->vendor_currency.len, page->vendor_currency.at);
}

static void table_examples(struct ct_out *out, const struct ct_invoice_page *page, enum ct_verdict_of_bill verdict)
{
    const struct ct_invoice_examples *examples = &page->examples[verdict];
    for (size_t i = 0; i < examples->count; i++) {
        const struct ct_invoice_example *example = &examples->at[i];
        ct_span id = ct_text_clip((ct_span){example->id, example->id_len}, 60);
        ct_out_text(out, "      ");
        for (size_t b = 0; b < id.len; b++) {
            unsigned char byte = (unsigned char)id.at[b];
            ct_out_char(out, byte < 0x20 || byte == 0x7F ? '?' : id.at[b]);
        }
        ct_out_text(out, id.len < example->id_len ? "..." : "");
        if (example->known) {
            ct_out_format(out, ": %s", ct_why_sentence(example->why, page->lang));
        }
        ct_out_char(out, '\n');
    }
}

static void table_head(struct ct_out *out, const struct ct_invoice_page *page)
{
    char price[CT_DECIMAL_BYTES], from[40], to[40];
    money_text(page->price, price);
    ct_out_format(out, "%s: %s %.*s, %s\n  %s\n  %s\n", page->definition->profile, price,
                  (int)page->vendor_currency.len, page->vendor_currency.at,
                  word(page, "per resolved conversation", "por conversación resuelta"),
                  page->definition->formula[page->lang], page->definition->source);
    if (page->from != CT_USEC_NONE || page->to != CT_USEC_NONE) {
        from[0] = to[0] = '\0';
        if (page->from != CT_USEC_NONE) {
            ct_time_format(page->from, from);
        }
        if (page->to != CT_USEC_NONE) {
            ct_time_format(page->to, to);
        }
        ct_out_format(out, "  %s: %s - %s\n", word(page, "resolutions that count in", "resoluciones que cuentan en"),
                      from, to);
    }
    ct_out_char(out, '\n');
}

void ct_invoice_table(struct ct_out *out, const struct ct_invoice_page *page)
{
    const struct ct_invoice_sums *sums = page->sums;
    char count[CT_FORMAT_BYTES];
    table_head(out, page);
    table_sum(out, page, word(page, "should be billed", "debería facturarse"), true, sums->due.count, sums->due.amount);
    if (page->has_bill) {
        table_sum(out, page, word(page, "is billed", "se factura"), true, sums->billed.count, sums->billed.amount);
        table_sum(out, page, word(page, "difference", "diferencia"), false, 0, sums->billed.amount - sums->due.amount);
        table_sum(out, page, word(page, "disputed", "en disputa"), false, 0, disputed(page));
        ct_out_char(out, '\n');
    }
    for (unsigned v = 0; v < CT_VERDICT_COUNT; v++) {
        const struct ct_invoice_total *total = &sums->verdict[v];
        if (total->count) {
            if (page->has_bill) {
                table_sum(out, page, ct_verdict_sentence((enum ct_verdict_of_bill)v, page->lang), true, total->count,
                          total->amount);
            }
            table_examples(out, page, (enum ct_verdict_of_bill)v);
        }
    }
    if (sums->provisional) {
        ct_format_count((ct_wide)sums->provisional, page->lang, count);
        ct_out_format(out, "  %s %s\n", count,
                      word(page, "of what should be billed may still be taken back",
                           "de lo que debería facturarse aún puede retirarse"));
    }
    if (sums->pending) {
        ct_format_count((ct_wide)sums->pending, page->lang, count);
        ct_out_format(out, "  %s %s\n", count,
                      word(page, "conversations are too young to say", "conversaciones son demasiado recientes"));
    }
    for (size_t i = 0; i < page->refused_count; i++) {
        ct_format_count((ct_wide)page->refused[i].count, page->lang, count);
        ct_out_format(out, "  %s %s: %s\n", count,
                      word(page, "rows of the bill refused", "filas de la factura rechazadas"),
                      page->refused[i].reason);
    }
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void json_money(struct ct_writer *json, const char *key, ct_wide amount)
{
    char text[CT_DECIMAL_BYTES];
    money_text(amount, text);
    ct_writer_key(json, key);
    ct_writer_text(json, text);
}

static void json_total(struct ct_writer *json, const char *key, const char *counts, uint64_t count, ct_wide amount)
{
    ct_writer_key(json, key);
    ct_writer_open(json, '{');
    ct_writer_key(json, counts);
    ct_writer_wide(json, (ct_wide)count);
    json_money(json, "amount", amount);
    ct_writer_close(json, '}');
}

static void json_verdicts(struct ct_writer *json, const struct ct_invoice_page *page)
{
    ct_writer_key(json, "verdicts");
    ct_writer_open(json, '[');
    for (unsigned v = 0; v < CT_VERDICT_COUNT; v++) {
        const struct ct_invoice_total *total = &page->sums->verdict[v];
        if ((v == CT_VERDICT_DUE) == page->has_bill) {
            continue;
        }
        ct_writer_open(json, '{');
        ct_writer_key(json, "verdict");
        ct_writer_text(json, ct_verdict_text((enum ct_verdict_of_bill)v));
        ct_writer_key(json, "text");
        ct_writer_text(json, ct_verdict_sentence((enum ct_verdict_of_bill)v, page->lang));
        ct_writer_key(json, "disputed");
        ct_writer_bool(json, ct_verdict_disputes((enum ct_verdict_of_bill)v));
        ct_writer_key(json, "rows");
        ct_writer_wide(json, (ct_wide)total->count);
        json_money(json, "amount", total->amount);
        ct_writer_key(json, "examples");
        ct_writer_open(json, '[');
        for (size_t i = 0; i < page->examples[v].count; i++) {
            ct_writer_string(json, (ct_span){page->examples[v].at[i].id, page->examples[v].at[i].id_len});
        }
        ct_writer_close(json, ']');
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, ']');
}

static void json_terms(struct ct_writer *json, const struct ct_invoice_page *page)
{
    const struct ct_definition *d = page->definition;
    ct_writer_key(json, "generated_at");
    ct_writer_time(json, page->as_of);
    ct_writer_key(json, "version");
    ct_writer_text(json, CT_VERSION);
    ct_writer_key(json, "rules_hash");
    ct_writer_text(json, page->rules_hash);
    ct_writer_key(json, "vendor");
    ct_writer_text(json, d->profile);
    ct_writer_key(json, "kpi");
    ct_writer_text(json, d->kpi);
    ct_writer_key(json, "formula");
    ct_writer_text(json, d->formula[page->lang]);
    ct_writer_key(json, "source");
    ct_writer_text(json, d->source);
    ct_writer_key(json, "counts_from");
    ct_writer_text(json, ct_anchor_text(d->anchor));
    json_money(json, "price", page->price);
    ct_writer_key(json, "currency");
    ct_writer_string(json, page->vendor_currency);
    ct_writer_key(json, "from");
    ct_writer_time(json, page->from);
    ct_writer_key(json, "to");
    ct_writer_time(json, page->to);
}

void ct_invoice_json(struct ct_out *out, const struct ct_invoice_page *page)
{
    const struct ct_invoice_sums *sums = page->sums;
    struct ct_writer json;
    ct_writer_init(&json, out);
    ct_writer_open(&json, '{');
    json_terms(&json, page);
    ct_writer_key(&json, "conversations");
    ct_writer_wide(&json, (ct_wide)sums->conversations);
    json_total(&json, "due", "conversations", sums->due.count, sums->due.amount);
    ct_writer_key(&json, "provisional");
    ct_writer_wide(&json, (ct_wide)sums->provisional);
    ct_writer_key(&json, "pending");
    ct_writer_wide(&json, (ct_wide)sums->pending);
    if (page->has_bill) {
        json_total(&json, "billed", "rows", sums->billed.count, sums->billed.amount);
        json_money(&json, "difference", sums->billed.amount - sums->due.amount);
        json_money(&json, "disputed", disputed(page));
    }
    json_verdicts(&json, page);
    ct_writer_key(&json, "refused");
    ct_writer_open(&json, '{');
    for (size_t i = 0; i < page->refused_count; i++) {
        ct_writer_key(&json, page->refused[i].reason);
        ct_writer_wide(&json, (ct_wide)page->refused[i].count);
    }
    ct_writer_close(&json, '}');
    ct_json_drops(&json, page->drops, page->drop_count);
    ct_writer_close(&json, '}');
    ct_out_char(out, '\n');
}

/* ---- the list -----------------------------------------------------------------------------------------------------
 */

static void line_facts(struct ct_writer *json, const struct ct_invoice_entry *entry, enum ct_lang lang)
{
    ct_writer_key(json, "why");
    ct_writer_text(json, ct_why_text(entry->why));
    ct_writer_key(json, "text");
    ct_writer_text(json, ct_why_sentence(entry->why, lang));
    ct_writer_key(json, "place");
    ct_writer_text(json, ct_stand_text(entry->place));
    ct_writer_key(json, "outcome");
    ct_writer_text(json, ct_outcome_text((enum ct_outcome)entry->outcome));
    if (entry->session > 1) {
        ct_writer_key(json, "session");
        ct_writer_wide(json, entry->session);
    }
    if (entry->sessions > 1) {
        ct_writer_key(json, "sessions");
        ct_writer_wide(json, (ct_wide)entry->sessions);
    }
    ct_writer_key(json, "started_at");
    ct_writer_time(json, entry->started_at);
    ct_writer_key(json, "ended_at");
    ct_writer_time(json, entry->ended_at);
    ct_writer_key(json, "counted_at");
    ct_writer_time(json, entry->place == CT_STAND_HIT ? entry->counted_at : CT_USEC_NONE);
    if (entry->provisional) {
        ct_writer_key(json, "settles_at");
        ct_writer_time(json, entry->settles_at);
    }
    if (entry->next_any_usec != CT_USEC_NONE) {
        ct_writer_key(json, "next_contact_s");
        ct_writer_seconds(json, entry->next_any_usec);
    }
    if (entry->agent_messages) {
        ct_writer_key(json, "agent_messages");
        ct_writer_wide(json, entry->agent_messages);
    }
    ct_writer_key(json, "evidence");
    ct_writer_raw(json, entry->evidence.len ? entry->evidence : CT_SPAN_LIT("[]"));
}

void ct_invoice_line(struct ct_out *out, const struct ct_invoice_entry *entry, enum ct_lang lang)
{
    struct ct_writer json;
    ct_writer_init(&json, out);
    ct_writer_open(&json, '{');
    ct_writer_key(&json, "conversation_id");
    ct_writer_string(&json, entry->id);
    ct_writer_key(&json, "verdict");
    ct_writer_text(&json, ct_verdict_text(entry->verdict));
    json_money(&json, "amount", entry->amount);
    if (entry->line) {
        ct_writer_key(&json, "bill_line");
        ct_writer_wide(&json, (ct_wide)entry->line);
    }
    if (entry->known) {
        line_facts(&json, entry, lang);
    }
    ct_writer_close(&json, '}');
    ct_out_char(out, '\n');
}
