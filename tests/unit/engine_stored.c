/* engine_stored.c - a message that waits as flat memory is the message that was put there, field by field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/stored.h"
#include "engine/stored_pack.h"

static struct ct_stored *store(const struct ct_message *m, uint32_t *bytes)
{
    struct ct_place place = {.offset = 77, .input = 3, .index = 9};
    *bytes = ct_stored_bytes(m);
    assert_true(*bytes >= sizeof(struct ct_stored) && *bytes % 8 == 0);
    void *at = malloc(*bytes); /* exactly: a sanitizer sees a byte too many */
    assert_non_null(at);
    ct_stored_write(at, *bytes, m, &place);
    return at;
}

static void assert_same_span(ct_span a, ct_span b)
{
    assert_int_equal(a.len, b.len);
    assert_true(ct_span_eq(a, b));
}

static void everything(void **state)
{
    enum { CALLS = 1500 };
    static struct ct_tool_call calls[CALLS], back_calls[CALLS];
    static char names[CALLS][8];
    struct ct_message m, back;
    uint32_t bytes;
    (void)state;
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("c");
    m.user_id = CT_SPAN_LIT("user");
    m.channel = CT_SPAN_LIT("web");
    m.language = CT_SPAN_LIT("es");
    m.bot = CT_SPAN_LIT("b2");
    m.bot_version = CT_SPAN_LIT("2.3.1");
    m.tenant = CT_SPAN_LIT("t");
    m.segment = CT_SPAN_LIT("smb");
    m.product = CT_SPAN_LIT("P-100");
    m.country = CT_SPAN_LIT("ES");
    m.intent = CT_SPAN_LIT("cancel_order");
    m.category = CT_SPAN_LIT("utility");
    m.id = CT_SPAN_LIT("id-1");
    m.text = CT_SPAN_LIT("hola");
    m.role = CT_ROLE_TOOL;
    m.ts = INT64_MIN + 1;
    m.has_cost = true;
    m.cost = -5;
    m.currency = CT_SPAN_LIT("EUR");
    m.tokens.input = INT64_MAX;
    m.tokens.output = 0;
    m.tokens.model = CT_SPAN_LIT("m");
    m.event.type = CT_EVENT_OTHER;
    m.event.phase = CT_PHASE_RETURNED;
    m.event.by = CT_SPAN_LIT("bot");
    m.event.reason = CT_SPAN_LIT("why");
    m.event.name = CT_SPAN_LIT("csat");
    m.event.value = CT_SPAN_LIT("4");
    m.event.text = CT_SPAN_LIT("well");
    m.event.scale_max = 10;
    m.event.scale_min = 0;
    for (int i = 0; i < CALLS; i++) {
        int len = snprintf(names[i], sizeof names[i], "f%d", i);
        calls[i] = (struct ct_tool_call){
            {names[i], (size_t)len}, i % 2 ? (ct_span){names[i], 1} : CT_SPAN_NONE, CT_SPAN_LIT("{}")};
    }
    m.tool_calls = calls;
    m.tool_call_count = CALLS;
    struct ct_stored *stored = store(&m, &bytes);
    assert_int_equal(stored->bytes, bytes);
    assert_int_equal(stored->offset, 77);
    assert_int_equal(stored->input, 3);
    assert_int_equal(stored->index, 9);
    assert_int_equal(ct_stored_role(stored), CT_ROLE_TOOL);
    assert_int_equal(ct_stored_call_count(stored), CALLS);
    ct_stored_read(stored, &back, back_calls);
    assert_same_span(back.conversation_id, m.conversation_id);
    assert_same_span(back.user_id, m.user_id);
    assert_same_span(back.channel, m.channel);
    assert_same_span(back.language, m.language);
    assert_same_span(back.bot, m.bot);
    assert_same_span(back.bot_version, m.bot_version);
    assert_same_span(back.tenant, m.tenant);
    assert_same_span(back.segment, m.segment);
    assert_same_span(back.product, m.product);
    assert_same_span(back.country, m.country);
    assert_same_span(back.intent, m.intent);
    assert_same_span(back.category, m.category);
    assert_same_span(back.id, m.id);
    assert_same_span(back.text, m.text);
    assert_same_span(back.currency, m.currency);
    assert_same_span(back.tokens.model, m.tokens.model);
    assert_same_span(back.event.by, m.event.by);
    assert_same_span(back.event.reason, m.event.reason);
    assert_same_span(back.event.name, m.event.name);
    assert_same_span(back.event.value, m.event.value);
    assert_same_span(back.event.text, m.event.text);
    assert_true(back.ts == m.ts && back.role == m.role && back.has_cost && back.cost == m.cost);
    assert_true(back.tokens.input == INT64_MAX && back.tokens.cached == -1 && back.tokens.output == 0);
    assert_true(back.event.type == m.event.type && back.event.phase == m.event.phase);
    assert_true(back.event.scale_max == 10 && back.event.scale_min == 0);
    assert_int_equal(back.tool_call_count, CALLS);
    for (int i = 0; i < CALLS; i++) {
        assert_same_span(back.tool_calls[i].name, calls[i].name);
        assert_same_span(back.tool_calls[i].id, calls[i].id);
    }
    free(stored);
}

/* The narrow form of counts, and lengths on both sides of the one that needs more than a byte. */
static void narrow_and_long(void **state)
{
    static const size_t lengths[] = {1, 254, 255, 256, 70000};
    static char text[70000];
    struct ct_tool_call call = {CT_SPAN_LIT("lookup"), CT_SPAN_NONE, CT_SPAN_NONE}, back_call;
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct ct_message m, back;
        uint32_t bytes;
        ct_message_init(&m);
        m.conversation_id = CT_SPAN_LIT("c");
        m.text = (ct_span){text, lengths[i]};
        m.tokens.input = INT32_MAX;
        m.tokens.cached = 7;
        m.tool_calls = &call;
        m.tool_call_count = 1;
        struct ct_stored *stored = store(&m, &bytes);
        assert_int_equal(ct_stored_call_count(stored), 1);
        ct_stored_read(stored, &back, &back_call);
        assert_same_span(back.text, m.text);
        assert_same_span(back.tool_calls[0].name, call.name);
        assert_true(back.tokens.input == INT32_MAX && back.tokens.cached == 7 && back.tokens.output == -1);
        free(stored);
    }
}

static void nothing(void **state)
{
    struct ct_message m, back;
    uint32_t bytes;
    (void)state;
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("c");
    struct ct_stored *stored = store(&m, &bytes);
    assert_int_equal(ct_stored_call_count(stored), 0);
    ct_stored_read(stored, &back, NULL);
    assert_true(back.ts == CT_USEC_NONE && !back.has_cost && back.tokens.input == -1 && back.event.scale_min == -1);
    assert_int_equal(back.text.len, 0);
    assert_int_equal(back.tool_call_count, 0);
    free(stored);
}

static void the_key_is_tenant_and_id(void **state)
{
    struct ct_message a, b;
    (void)state;
    ct_message_init(&a);
    ct_message_init(&b);
    a.conversation_id = b.conversation_id = CT_SPAN_LIT("c");
    assert_true(ct_conversation_key(&a) == ct_conversation_key(&b));
    assert_true(ct_conversation_key(&a) == ct_hash(a.conversation_id, ct_hash(CT_SPAN_NONE, 0x7E4A)));
    b.tenant = CT_SPAN_LIT("t");
    assert_true(ct_conversation_key(&b) == ct_hash(b.conversation_id, ct_hash(b.tenant, 0x7E4A)));
    assert_true(ct_conversation_key(&a) != ct_conversation_key(&b));
    b.tenant = CT_SPAN_NONE;
    b.conversation_id = CT_SPAN_LIT("d");
    assert_true(ct_conversation_key(&a) != ct_conversation_key(&b));
}

/* Numbers and texts at the edges, random: what is packed and unpacked is stored as the message itself would be. */
static void packed(void **state)
{
    static const int64_t edges[] = {
        0, 1, -1, 63, 64, -64, -65, INT32_MAX, INT64_MAX, INT64_MIN + 1, 1772323200000000, -1772323200000000};
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    enum { EDGES = sizeof edges / sizeof *edges, ROUNDS = 20000, MOST = 4096 };
    struct ct_stored_same same = {CT_SPAN_LIT("tenant"), CT_SPAN_LIT("c"), CT_SPAN_LIT("user"),
                                  CT_SPAN_LIT("web"),    CT_SPAN_NONE,     CT_SPAN_LIT("bot")};
    uint64_t seed = 3;
    ct_usec written = 0, read = 0;
    char bytes[MOST];
    (void)state;
#define DICE(sides) ((seed = seed * 6364136223846793005ull + 1442695040888963407ull) >> 33) % (sides)
#define EDGE() edges[DICE(EDGES)]
#define TEXT() ((ct_span){letters, DICE(3) ? DICE(40) : 0})
    for (int round = 0; round < ROUNDS; round++) {
        struct ct_message m, back;
        struct ct_tool_call calls[3], back_calls[3];
        size_t texts = 0;
        ct_message_init(&m);
        m.tenant = same.tenant;
        m.conversation_id = same.conversation_id;
        m.user_id = DICE(2) ? same.user_id : TEXT();
        m.channel = DICE(2) ? same.channel : TEXT();
        m.language = TEXT();
        m.bot = DICE(2) ? same.bot : TEXT();
        m.bot_version = TEXT();
        m.segment = TEXT();
        m.product = TEXT();
        m.country = TEXT();
        m.intent = TEXT();
        m.category = TEXT();
        m.id = TEXT();
        m.text = TEXT();
        m.role = (enum ct_role)(DICE(CT_ROLE_COUNT));
        m.ts = DICE(5) ? EDGE() : CT_USEC_NONE;
        m.has_cost = DICE(2);
        m.cost = m.has_cost ? EDGE() : 0;
        m.currency = TEXT();
        if (DICE(2)) {
            m.tokens.input = EDGE() & INT64_MAX;
            m.tokens.output = EDGE() & INT64_MAX;
        }
        m.tokens.model = TEXT();
        m.event.type = (enum ct_event_type)(DICE(CT_EVENT_OTHER + 1));
        m.event.phase = (enum ct_handoff_phase)(DICE(CT_PHASE_RETURNED + 1));
        m.event.by = TEXT();
        m.event.reason = TEXT();
        m.event.name = TEXT();
        m.event.value = TEXT();
        m.event.text = TEXT();
        m.event.scale_max = (int32_t)EDGE();
        m.event.scale_min = DICE(2) ? -1 : (int32_t)EDGE();
        m.tool_call_count = DICE(4);
        m.tool_calls = calls;
        for (size_t i = 0; i < m.tool_call_count; i++) {
            calls[i] = (struct ct_tool_call){.name = TEXT(), .id = TEXT()};
        }
        size_t most = ct_stored_pack_most(&m);
        assert_true(most <= MOST);
        size_t used = ct_stored_pack(bytes, &m, &same, &written, &texts);
        assert_true(used <= most && texts < used);
        const char *packed_calls;
        assert_int_equal(ct_stored_unpack(bytes, &back, &same, &read, &packed_calls), used);
        assert_int_equal(back.tool_call_count, m.tool_call_count);
        assert_null(back.tool_calls);
        (void)ct_stored_unpack_calls(packed_calls, back.tool_call_count, back_calls);
        back.tool_calls = back_calls;
        uint32_t size, back_size;
        struct ct_stored *one = store(&m, &size), *other = store(&back, &back_size);
        assert_int_equal(size, back_size);
        assert_memory_equal(one, other, size);
        free(one);
        free(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything), cmocka_unit_test(narrow_and_long),
        cmocka_unit_test(nothing),    cmocka_unit_test(the_key_is_tenant_and_id),
        cmocka_unit_test(packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
