/* The desk's answers over a real tap: figures, lists, explanations, how the tap does; every one held against the API's
 * description.
 */
#include "desk_bench.h"

static void refused(const char *target, int status, const char *code, const char *word)
{
    struct bench_answer answer = bench_get(target);
    if (answer.status != status || !strstr(bench_text(answer.json, "error.message"), word)) {
        fail_msg("%s: %d %s", target, answer.status, answer.body);
    }
    assert_string_equal(bench_text(answer.json, "error.code"), code);
    bench_forget(&answer);
}

/* Six conversations: three customers, two channels, one of them with a person. */
static void tell_six(void)
{
    bench_whole("c1", "u1", "web", 10 * CT_USEC_PER_DAY, "it is on its way", "thanks");
    bench_whole("c2", "u1", "web", 9 * CT_USEC_PER_DAY, "it is on its way", "it does not work");
    bench_whole("c3", "u2", "whatsapp", 9 * CT_USEC_PER_DAY, "it is on its way", "thanks");
    bench_whole("c4", "u3", "whatsapp", CT_USEC_PER_HOUR, "it is on its way", "human please");
    bench_whole("c5", "u3", "web", CT_USEC_PER_HOUR / 2, "transferring you", "thanks");
    bench_whole("c6", "u2", "web", CT_USEC_PER_MINUTE, "it is on its way", "thanks");
    bench_settle();
}

static void windows(void **state)
{
    (void)state;
    tell_six();
    struct bench_answer answer = bench_get("/api/v1/kpis?window=5m");
    assert_int_equal(answer.status, 200);
    assert_string_equal(bench_text(answer.json, "window.name"), "5m");
    assert_string_equal(bench_text(answer.json, "window.basis"), "first_published_at");
    assert_true(bench_number(answer.json, "totals.conversations") == 6);
    assert_true(bench_number(answer.json, "window.messages") == 18);
    const cJSON *fcr = bench_kpi(answer.json, "fcr");
    assert_string_equal(bench_text(fcr, "reason"), "needs_customers");
    assert_true(cJSON_IsNull(bench_at(fcr, "value")));
    assert_null(bench_at(bench_kpi(answer.json, "automation_rate"), "reason"));
    bench_forget(&answer);

    answer = bench_get("/api/v1/kpis?window=1h&by=channel&id=automation_rate,aht.ai&lang=es");
    assert_int_equal(cJSON_GetArraySize(bench_at(answer.json, "kpis")), 2);
    assert_string_equal(bench_text(answer.json, "kpis.0.name"), "Tasa de resolución automática");
    assert_string_equal(bench_text(answer.json, "kpis.1.id"), "aht.ai");
    assert_string_equal(bench_text(answer.json, "slices.1.key"), "whatsapp");
    assert_true(bench_number(answer.json, "slices.1.conversations") == 2);
    bench_forget(&answer);
    bench_check_answers();
}

/* An answer that is known already is not sent again, until something changes. */
static void known_answers(void **state)
{
    (void)state;
    tell_six();
    struct bench_answer first = bench_get("/api/v1/kpis?window=1h");
    char header[100];
    (void)snprintf(header, sizeof header, "if-none-match: %s", first.etag);
    struct bench_answer second = bench_ask_with(CT_METHOD_GET, "/api/v1/kpis?window=1h", header);
    assert_int_equal(second.status, 304);
    assert_null(second.body);
    struct bench_answer other = bench_ask_with(CT_METHOD_GET, "/api/v1/kpis?window=5m", header);
    assert_int_equal(other.status, 200);
    bench_whole("c7", "u9", "web", CT_USEC_PER_MINUTE, "it is on its way", "thanks");
    bench_settle();
    struct bench_answer third = bench_ask_with(CT_METHOD_GET, "/api/v1/kpis?window=1h", header);
    assert_int_equal(third.status, 200);
    assert_true(bench_number(third.json, "totals.conversations") == 7);
    assert_string_not_equal(first.etag, third.etag);
    struct ct_desk *own = bench.desk; /* another run may count as many changes, of other figures */
    struct ct_desk_options options = own->options;
    options.terms = NULL;
    atomic_fetch_add(&bench.now, 1);
    bench.desk = ct_desk_new(&options);
    assert_non_null(bench.desk);
    (void)snprintf(header, sizeof header, "if-none-match: %s", third.etag);
    struct bench_answer after = bench_ask_with(CT_METHOD_GET, "/api/v1/kpis?window=1h", header);
    assert_int_equal(after.status, 200);
    bench_forget(&after);
    ct_desk_free(bench.desk);
    bench.desk = own;
    bench_forget(&first);
    bench_forget(&second);
    bench_forget(&other);
    bench_forget(&third);
    bench_check_answers();
}

/* The KPIs that have no value in a window are those, and only those, that a customer's other conversations decide. */
static void reasons_are_true(void **state)
{
    (void)state;
    tell_six();
    struct bench_answer window = bench_get("/api/v1/kpis?window=today");
    struct bench_answer range = bench_get("/api/v1/kpis?from=2026-11-01T00:00:00Z&to=2026-11-22T00:00:00Z");
    const cJSON *kpi;
    size_t without = 0, of_customers = 0, first_contact = 0, count;
    const struct ct_kpi *catalogue = ct_kpi_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        of_customers += ct_kpi_of_customers(&catalogue[i]);
        first_contact += strncmp(catalogue[i].id, "fcr", 3) == 0;
    }
    assert_true(of_customers > 30);
    assert_int_equal(range.status, 200);
    assert_true(bench_number(window.json, "totals.conversations") == 6);
    assert_true(bench_number(range.json, "totals.conversations") == 6);
    cJSON_ArrayForEach(kpi, bench_at(window.json, "kpis"))
    {
        const cJSON *whole = bench_kpi(range.json, bench_text(kpi, "id"));
        bool reason = bench_at(kpi, "reason") != NULL;
        assert_null(bench_at(whole, "reason"));
        if (!cJSON_Compare(bench_at(kpi, "denominator"), bench_at(whole, "denominator"), true) && !reason) {
            fail_msg("%s has another base in a window, without a reason", bench_text(kpi, "id"));
        }
        without += reason;
    }
    /* What counts customers alone; and of the rest two durable ones, two of adoption, and four of a customer's others;
     * one of human marks. */
    assert_int_equal(without, of_customers + first_contact + 8 + 1);
    assert_string_equal(bench_text(bench_kpi(window.json, "iqs"), "reason"), "needs_range");
    assert_true(bench_number(bench_kpi(range.json, "fcr"), "denominator") > 0);
    assert_true(bench_number(bench_kpi(range.json, "recurrence"), "denominator") == 3);
    bench_forget(&window);
    bench_forget(&range);
    bench_check_answers();
}

/* u1's c1 is followed by c2 a day later: a range that holds c1 alone still knows that. */
static void ranges(void **state)
{
    (void)state;
    tell_six();
    static const char around[] = "/api/v1/kpis?from=2026-11-11T00:00:00Z&to=2026-11-12T00:00:00Z&id=fcr,recurrence";
    struct bench_answer answer = bench_get(around);
    assert_int_equal(answer.status, 200);
    assert_true(bench_number(answer.json, "totals.conversations") == 1);
    assert_true(bench_number(answer.json, "window.around") == 1);
    assert_true(bench_number(bench_kpi(answer.json, "fcr"), "numerator") == 0);
    assert_true(bench_number(bench_kpi(answer.json, "fcr"), "denominator") == 1);
    bench_forget(&answer);
    char alone[200];
    (void)snprintf(alone, sizeof alone, "%s&around=none&basis=started", around);
    answer = bench_get(alone);
    assert_true(bench_number(bench_kpi(answer.json, "fcr"), "denominator") == 0); /* nobody knows what came after */
    assert_true(bench_number(answer.json, "window.around") == 0);
    bench_forget(&answer);
    answer = bench_get("/api/v1/kpis?from=2026-11-21T00:00:00%2B00:00&to=2026-11-22T00:00:00+00:00&basis=published"
                       "&by=language");
    assert_int_equal(answer.status, 200);
    assert_true(bench_number(answer.json, "totals.conversations") == 6);
    assert_string_equal(bench_text(answer.json, "window.basis"), "first_published_at");
    bench_forget(&answer);
    answer = bench_get("/api/v1/kpis?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z&by=month");
    assert_true(bench_number(answer.json, "totals.conversations") == 0);
    assert_true(bench_at(answer.json, "window.as_of")->valuestring); /* the newest that is stored */
    bench_forget(&answer);
    bench.desk->options.range_max = 5;
    refused("/api/v1/kpis?from=2026-11-01T00:00:00Z&to=2026-11-22T00:00:00Z", 422, "range_too_large", "around=none");
    bench.desk->options.range_bytes_max = 1;
    bench.desk->options.range_max = 50;
    refused("/api/v1/kpis?from=2026-11-01T00:00:00Z&to=2026-11-22T00:00:00Z&around=none", 422, "range_too_large",
            "audit");
    bench_check_answers();
}

static void hostile_parameters(void **state)
{
    (void)state;
    char long_query[CT_QUERY_BYTES + 100];
    refused("/api/v1/kpis?windw=5m", 400, "unknown_parameter", "windw");
    refused("/api/v1/kpis?window=5m&window=5m", 400, "bad_parameter", "window: given more than once");
    refused("/api/v1/kpis?window=", 400, "bad_parameter", "window: has no value");
    refused("/api/v1/kpis?window", 400, "bad_parameter", "window: has no value");
    refused("/api/v1/kpis?window=%5", 400, "bad_parameter", "window: a '%'");
    refused("/api/v1/kpis?window=%zz", 400, "bad_parameter", "window: a '%'");
    refused("/api/v1/kpis?id=%ff", 400, "bad_parameter", "id: is not UTF-8");
    refused("/api/v1/kpis?id=%00", 400, "bad_parameter", "id: is not UTF-8");
    refused("/api/v1/kpis?window=2m", 400, "bad_parameter", "window: must be");
    refused("/api/v1/kpis?by=colour", 400, "bad_parameter", "by: must be");
    refused("/api/v1/kpis?by=bot", 400, "bad_parameter", "by: the windows are not kept by bot");
    refused("/api/v1/kpis?id=aht,,fcr", 400, "bad_parameter", "id: there is no KPI \"\"");
    refused("/api/v1/kpis?id=\"><script>", 400, "bad_parameter", "id: there is no KPI");
    refused("/api/v1/kpis?lang=fr", 400, "bad_parameter", "lang: must be");
    refused("/api/v1/kpis?from=2026-01-01T00:00:00Z", 400, "bad_parameter", "to: a range needs both");
    refused("/api/v1/kpis?to=2026-01-01T00:00:00Z", 400, "bad_parameter", "from: a range needs both");
    refused("/api/v1/kpis?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", 400, "bad_parameter",
            "to: must be later");
    refused("/api/v1/kpis?from=yesterday&to=2026-01-01T00:00:00Z", 400, "bad_parameter", "from: must be a time");
    refused("/api/v1/kpis?from=2026-13-01T00:00:00Z&to=2027-01-01T00:00:00Z", 400, "bad_parameter",
            "from: must be a time");
    refused("/api/v1/kpis?window=5m&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", 400, "bad_parameter",
            "window:");
    refused("/api/v1/kpis?window=5m&basis=started", 400, "bad_parameter", "basis: is of a range");
    refused("/api/v1/kpis?basis=x&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", 400, "bad_parameter", "basis:");
    refused("/api/v1/kpis?around=x&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", 400, "bad_parameter", "around:");
    refused("/api/v1/conversations?limit=0", 400, "bad_parameter", "limit: must be a whole number from 1 to 1000");
    refused("/api/v1/conversations?limit=1001", 400, "bad_parameter", "limit:");
    refused("/api/v1/conversations?limit=-1", 400, "bad_parameter", "limit:");
    refused("/api/v1/conversations?limit=1e3", 400, "bad_parameter", "limit:");
    refused("/api/v1/conversations?limit=99999999999999999999999", 400, "bad_parameter", "limit:");
    refused("/api/v1/conversations?cursor=abc", 400, "bad_parameter", "cursor:");
    refused("/api/v1/conversations?outcome=happy", 400, "bad_parameter", "outcome:");
    refused("/api/v1/conversations?basis=x", 400, "bad_parameter", "basis:");
    refused("/api/v1/conversations?kpi=happiness", 400, "bad_parameter", "kpi: there is no such KPI");
    refused("/api/v1/conversations?part=numerator", 400, "bad_parameter", "part: is of a KPI");
    refused("/api/v1/conversations?kpi=csat&part=half", 400, "bad_parameter", "part: must be");
    refused("/api/v1/conversations?kpi=fcr", 422, "needs_customers", "fcr looks at");
    refused("/api/v1/conversations/c1?lang=fr", 400, "bad_parameter", "lang: must be en or es");
    static const char *const plain[] = {"/api/v1/health",
                                        "/api/v1/ready",
                                        "/api/v1/drops",
                                        "/api/v1/status",
                                        "/metrics",
                                        "/api/v1/openapi.json",
                                        "/",
                                        "/api/v1/kpis/catalogue"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        char target[80];
        (void)snprintf(target, sizeof target, "%s?x=1", plain[i]);
        refused(target, 400, "unknown_parameter", "\"x\"");
    }
    size_t len = (size_t)snprintf(long_query, sizeof long_query, "/api/v1/conversations?channel=");
    memset(long_query + len, 'a', sizeof long_query - len - 1);
    long_query[sizeof long_query - 1] = '\0';
    refused(long_query, 400, "query_too_long", "bytes");
    struct bench_answer odd = bench_get("/api/v1/conversations?channel=x%27%20OR%201%3D1--&&user_id=%22%5C%0a");
    assert_int_equal(odd.status, 200);
    assert_int_equal(cJSON_GetArraySize(bench_at(odd.json, "conversations")), 0);
    bench_forget(&odd);
    refused("/nothing", 404, "not_found", "nothing here");
    bench_check_answers();
}

/* ---- lists ---------------------------------------------------------------------------------------------------------
 */

static void lists(void **state)
{
    (void)state;
    tell_six();
    struct bench_answer answer = bench_get("/api/v1/conversations");
    assert_int_equal(cJSON_GetArraySize(bench_at(answer.json, "conversations")), 6);
    assert_string_equal(bench_text(answer.json, "conversations.0.conversation_id"), "c6");
    assert_string_equal(bench_text(answer.json, "conversations.5.conversation_id"), "c1");
    assert_true(cJSON_IsNull(bench_at(answer.json, "next")));
    assert_true(bench_number(answer.json, "conversations.0.messages") == 3);
    bench_forget(&answer);
    static const struct {
        const char *filter;
        int count;
    } cases[] = {{"channel=whatsapp", 2},
                 {"channel=web&user_id=u1", 2},
                 {"conversation_id=c4", 1},
                 {"outcome=unresolved", 1},
                 {"outcome=silent", 0},
                 {"tenant=none", 0},
                 {"language=zz", 0},
                 {"bot=b", 0},
                 {"from=2026-11-12T00:00:00Z&to=2026-11-13T00:00:00Z", 2},
                 {"from=2026-11-21T11:00:00Z", 3},
                 {"basis=started&from=2026-11-21T11:00:00Z", 3},
                 {"kpi=escalation_rate", 6},
                 {"kpi=escalation_rate&part=denominator&channel=whatsapp", 2},
                 {"kpi=escalation_rate&part=numerator", 1},
                 {"kpi=containment_rate&part=numerator&limit=1000", 5},
                 {"kpi=csat", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char target[160];
        (void)snprintf(target, sizeof target, "/api/v1/conversations?%s", cases[i].filter);
        answer = bench_get(target);
        int count = cJSON_GetArraySize(bench_at(answer.json, "conversations"));
        if (answer.status != 200 || count != cases[i].count) {
            fail_msg("%s: %d conversations, %s", target, count, answer.body);
        }
        bench_forget(&answer);
    }
    bench_check_answers();
}

/* Pages see each conversation once, whatever is written between them. */
static void paging_under_insertion(void **state)
{
    (void)state;
    char id[32], target[120] = "/api/v1/conversations?limit=7";
    bool seen[60] = {false};
    unsigned pages = 0, told = 0, written = 60;
    for (unsigned i = 0; i < 60; i++) {
        (void)snprintf(id, sizeof id, "p%u", i);
        bench_whole(id, id, i % 2 ? "web" : "whatsapp", CT_USEC_PER_HOUR, "it is on its way", "thanks");
    }
    bench_settle();
    for (bool more = true; more; pages++) {
        struct bench_answer answer = bench_get(target);
        const cJSON *item, *next = bench_at(answer.json, "next");
        assert_int_equal(answer.status, 200);
        cJSON_ArrayForEach(item, bench_at(answer.json, "conversations"))
        {
            unsigned long number = strtoul(bench_text(item, "conversation_id") + 1, NULL, 10);
            assert_true(number < 60 && !seen[number]);
            seen[number] = true;
            told++;
        }
        more = cJSON_IsString(next);
        if (more) {
            (void)snprintf(target, sizeof target, "/api/v1/conversations?limit=7&cursor=%s", next->valuestring);
            (void)snprintf(id, sizeof id, "p%u", written++);
            bench_whole(id, id, "web", CT_USEC_PER_HOUR, "it is on its way", "thanks");
            bench_settle();
        }
        bench_forget(&answer);
    }
    assert_int_equal(told, 60);
    assert_int_equal(pages, 9);
    bench_check_answers();
}

/* ---- one conversation ----------------------------------------------------------------------------------------------
 */

static void explained(void **state)
{
    (void)state;
    tell_six();
    struct bench_answer answer = bench_get("/api/v1/conversations/c2");
    assert_int_equal(answer.status, 200);
    const cJSON *one = bench_at(answer.json, "conversations.0"), *because = bench_at(one, "explained.because.0");
    assert_true(cJSON_IsFalse(bench_at(one, "open")));
    assert_string_equal(bench_text(one, "record.outcome"), "unresolved");
    assert_string_equal(bench_text(one, "explained.outcome.words"), "the last word on it is negative");
    assert_string_equal(bench_text(because, "signal"), "user.not_resolved");
    assert_string_equal(bench_text(because, "means"), "not solved");
    assert_string_equal(bench_text(because, "file"), "rules/toy.yaml");
    assert_true(bench_number(because, "line") == 8);
    assert_true(bench_number(because, "message") == 2);
    assert_string_equal(bench_text(because, "words"),
                        "message 3, bytes 3-16: not solved (user.not_resolved), by toy.broken@1, toy@1.0.0");
    assert_true(bench_number(one, "stored.revision") == 1);
    bench_forget(&answer);
    answer = bench_get("/api/v1/conversations/c5");
    assert_string_equal(bench_text(answer.json, "conversations.0.record.outcome"), "escalated");
    assert_true(cJSON_GetArraySize(bench_at(answer.json, "conversations.0.explained.why_not")) > 2);
    bench_forget(&answer);
    /* Without the rule set there are names, but no places. */
    bench.desk->options.rules = NULL;
    answer = bench_get("/api/v1/conversations/c2");
    because = bench_at(answer.json, "conversations.0.explained.because.0");
    assert_true(cJSON_IsNull(bench_at(because, "file")) && cJSON_IsNull(bench_at(because, "line")));
    assert_string_equal(bench_text(because, "rule"), "toy.broken@1");
    bench_forget(&answer);
    refused("/api/v1/conversations/nobody", 404, "not_found", "no such conversation");
    refused("/api/v1/conversations/", 404, "not_found", "by its id");
    refused("/api/v1/conversations/c2?started_at=2020-01-01T00:00:00Z", 404, "not_found", "no such");
    refused("/api/v1/conversations/c2?tenant=other", 404, "not_found", "no such");
    refused("/api/v1/conversations/c2?session=1", 400, "unknown_parameter", "session");
    bench_check_answers();
}

/* No text of a conversation is in any answer. */
static void no_texts(void **state)
{
    (void)state;
    static const char *const targets[] = {"/api/v1/conversations/s1", "/api/v1/conversations/s2",
                                          "/api/v1/conversations",    "/api/v1/kpis?by=channel",
                                          "/api/v1/status",           "/metrics"};
    bench_whole("s1", "u1", "web", CT_USEC_PER_HOUR, "secretword one", "thanks secretword two");
    bench_message("s2", "user", "human please secretword");
    bench_settle();
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct bench_answer answer = bench_get(targets[i]);
        assert_int_equal(answer.status, 200);
        assert_null(strstr(answer.body, "secretword"));
        bench_forget(&answer);
    }
    bench_check_answers();
}

/* An open conversation is judged as it stands, and again when more has come. */
static void open_conversations(void **state)
{
    (void)state;
    bench_message("o1", "user", "where is my order");
    bench_settle();
    struct bench_answer answer = bench_get("/api/v1/conversations/o1");
    assert_int_equal(answer.status, 200);
    assert_true(cJSON_IsTrue(bench_at(answer.json, "conversations.0.open")));
    assert_true(cJSON_IsNull(bench_at(answer.json, "conversations.0.stored")));
    assert_true(bench_number(answer.json, "conversations.0.record.counts.user") == 1);
    bench_forget(&answer);
    bench_message("o1", "bot", "it is on its way");
    atomic_fetch_add(&bench.now, CT_USEC_PER_SECOND);
    bench_message("o1", "user", "thanks");
    bench_settle();
    answer = bench_get("/api/v1/conversations/o1");
    assert_true(bench_number(answer.json, "conversations.0.record.counts.user") == 2);
    assert_string_equal(bench_text(answer.json, "conversations.0.record.outcome"), "resolved_implied");
    assert_int_equal(cJSON_GetArraySize(bench_at(answer.json, "conversations")), 1);
    bench_forget(&answer);
    /* Nothing of it is in the list yet. */
    answer = bench_get("/api/v1/conversations");
    assert_int_equal(cJSON_GetArraySize(bench_at(answer.json, "conversations")), 0);
    bench_forget(&answer);
    /* Also without a store. */
    bench.desk->options.store = NULL;
    answer = bench_get("/api/v1/conversations/o1");
    assert_int_equal(answer.status, 200);
    bench_forget(&answer);
    refused("/api/v1/conversations", 503, "no_store", "keeps no store");
    refused("/api/v1/kpis?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", 503, "no_store", "keeps no store");
    bench_check_answers();
}

/* ---- how it does ---------------------------------------------------------------------------------------------------
 */

static void health_and_status(void **state)
{
    (void)state;
    tell_six();
    bench_push("{\"conversation_id\":\n");
    bench_push("no json at all\n");
    bench_settle();
    struct bench_answer answer = bench_get("/api/v1/health");
    assert_string_equal(bench_text(answer.json, "status"), "ok");
    bench_forget(&answer);
    answer = bench_get("/api/v1/ready");
    assert_int_equal(answer.status, 200);
    assert_true(cJSON_IsTrue(bench_at(answer.json, "ready")));
    bench_forget(&answer);
    answer = bench_get("/api/v1/drops");
    assert_true(bench_number(answer.json, "total") == 2);
    assert_string_equal(bench_text(answer.json, "drops.0.reason"), "bad_json");
    assert_string_equal(bench_text(answer.json, "drops.0.means"), "a record is no valid JSON");
    bench_forget(&answer);
    answer = bench_get("/api/v1/drops?lang=es");
    assert_string_equal(bench_text(answer.json, "drops.0.means"), "un registro no es JSON válido");
    bench_forget(&answer);
    refused("/api/v1/drops?lang=fr", 400, "bad_parameter", "lang: must be en or es");
    answer = bench_get("/api/v1/status");
    assert_true(bench_number(answer.json, "store.conversations") == 6);
    assert_true(bench_number(answer.json, "conversations.published") == 6);
    assert_true(bench_number(answer.json, "counters.relay_connections_total") == 7);
    assert_string_equal(bench_text(answer.json, "rules_hash"),
                        "5ca1ab1e00000000000000000000000000000000000000000000000000000000");
    assert_true(bench_number(answer.json, "positions.committed") >= bench_number(answer.json, "positions.judged"));
    bench_forget(&answer);
    bench_check_answers();
}

static void reload(void **state)
{
    (void)state;
    struct bench_answer answer = bench_ask_with(CT_METHOD_POST, "/api/v1/reload", NULL);
    assert_int_equal(answer.status, 200);
    assert_true(cJSON_IsTrue(bench_at(answer.json, "reloaded")));
    bench_forget(&answer);
    static const struct {
        enum ct_status status;
        int answered;
        const char *code;
    } cases[] = {{CT_BAD_RULES, 422, "bad_rules"},
                 {CT_BAD_CONFIG, 422, "bad_configuration"},
                 {CT_IO, 500, "cannot_read"},
                 {CT_LIMIT, 503, "limit"},
                 {CT_NO_MEMORY, 500, "out_of_memory"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench.reload_status = cases[i].status;
        answer = bench_ask_with(CT_METHOD_POST, "/api/v1/reload", NULL);
        assert_int_equal(answer.status, cases[i].answered);
        assert_string_equal(bench_text(answer.json, "error.code"), cases[i].code);
        if (cases[i].answered == 422) {
            assert_string_equal(bench_text(answer.json, "error.file"), "rules/x.yaml");
            assert_true(bench_number(answer.json, "error.line") == 12);
        }
        bench_forget(&answer);
    }
    bench.desk->options.reload = NULL;
    answer = bench_ask_with(CT_METHOD_POST, "/api/v1/reload", NULL);
    assert_int_equal(answer.status, 501);
    bench_forget(&answer);
    bench_check_answers();
}

static void metrics_page(void **state)
{
    (void)state;
    tell_six();
    struct bench_answer answer = bench_get("/metrics");
    assert_string_equal(answer.type, "text/plain; version=0.0.4; charset=utf-8");
    assert_non_null(strstr(answer.body, "convtap_relay_connections_total 7\n"));
    assert_non_null(strstr(answer.body, "convtap_gate_open_connections 2\n"));
    assert_non_null(strstr(answer.body, "convtap_conversations_published_total 6\n"));
    bench_forget(&answer);
    answer = bench_ask_with(CT_METHOD_GET, "/metrics", "accept: application/openmetrics-text; version=1.0.0");
    assert_string_equal(answer.type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_string_equal(answer.body + answer.len - 6, "# EOF\n");
    assert_non_null(strstr(answer.body, "channel=\"whatsapp\""));
    bench_forget(&answer);
    bench_check_answers();
}

static void served_as_it_is(void **state)
{
    (void)state;
    struct bench_answer answer = bench_get("/");
    assert_string_equal(answer.type, "text/html; charset=utf-8");
    size_t count;
    const struct ct_route *routes = ct_desk_routes(bench.desk, &count);
    for (size_t i = 0; i < count; i++) { /* the page names every address but itself and the one that changes things */
        assert_true(strstr(answer.body, routes[i].path) || strcmp(routes[i].path, "/api/v1/reload") == 0);
    }
    bench_forget(&answer);
    answer = bench_get("/api/v1/openapi.json");
    assert_string_equal(bench_text(answer.json, "openapi"), "3.1.0");
    bench_forget(&answer);
    answer = bench_get("/api/v1/kpis/catalogue");
    assert_true(cJSON_GetArraySize(bench_at(answer.json, "kpis")) > 60);
    bench_forget(&answer);
    bench.desk->options.openapi = CT_SPAN_NONE;
    refused("/api/v1/openapi.json", 404, "not_installed", "not installed");
    bench_check_answers();
}

/* Only what is open to all has no scope, and only what changes something needs more than reading. */
static void scopes(void **state)
{
    (void)state;
    size_t count;
    const struct ct_route *routes = ct_desk_routes(bench.desk, &count);
    for (size_t i = 0; i < count; i++) {
        bool open = strcmp(routes[i].path, "/api/v1/health") == 0,
             admin = strcmp(routes[i].path, "/api/v1/reload") == 0;
        assert_int_equal(routes[i].scope, open ? CT_SCOPE_NONE : admin ? CT_SCOPE_ADMIN : CT_SCOPE_READ);
        assert_int_equal(routes[i].body_max, 0);
    }
    assert_int_equal(ct_desk_feed(bench.desk)->scope, CT_SCOPE_READ);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(windows),
                                       TEST(known_answers),
                                       TEST(reasons_are_true),
                                       TEST(ranges),
                                       TEST(hostile_parameters),
                                       TEST(lists),
                                       TEST(paging_under_insertion),
                                       TEST(explained),
                                       TEST(no_texts),
                                       TEST(open_conversations),
                                       TEST(health_and_status),
                                       TEST(reload),
                                       TEST(metrics_page),
                                       TEST(served_as_it_is),
                                       TEST(scopes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
