/* The store: revisions, withdrawals, sums, filters and pages, a reader beside the writer. */
#include "stored_records.h"

static int64_t sum(const char *measure)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT ifnull(sum(value),0) FROM sum_hour WHERE measure='%s'", measure);
    return number_of(sql);
}

/* ---- revisions -------------------------------------------------------------------------------------------------- */

static void the_same_again_changes_nothing(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.id = "a", .user = "u"}, 1);
    put_one(store, &(struct tale){.id = "b", .channel = "web"}, 0);
    commit(store);
    char *want = dump_of(store);
    int64_t changes = number_of("SELECT sum(revision) FROM conversation");
    put_one(store, &(struct tale){.id = "a", .user = "u"}, 1);
    put_one(store, &(struct tale){.id = "b", .channel = "web"}, 0);
    assert_int_equal(ct_store_waiting(store), 0);
    commit(store);
    char *got = dump_of(store);
    assert_string_equal(got, want);
    assert_int_equal(number_of("SELECT sum(revision) FROM conversation"), changes);
    assert_int_equal(sum("conversations"), 2);
    assert_int_equal(number_of("SELECT count(*) FROM sum_hour WHERE measure='nothing'"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM evidence"), 4);
    expect_sound(store);
    free(want);
    free(got);
    ct_store_close(store);
}

static void the_newest_revision_wins(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.messages = 2, .channel = "web"}, 1);
    int64_t row = 1;
    put_one(store, &(struct tale){.messages = 5, .channel = "whatsapp"}, 3); /* also in another group's place */
    put_one(store, &(struct tale){.messages = 4, .channel = "web"}, 2);      /* comes late */
    commit(store);
    assert_int_equal(number_of("SELECT row FROM conversation"), row);
    assert_int_equal(number_of("SELECT revision FROM conversation"), 3);
    assert_int_equal(number_of("SELECT messages FROM conversation"), 5);
    assert_int_equal(number_of("SELECT count(*) FROM evidence"), 2);
    assert_int_equal(sum("conversations"), 1);
    assert_int_equal(sum("messages"), 5);
    assert_int_equal(number_of("SELECT count(*) FROM sum_hour WHERE channel='web'"), 0);
    /* Published in the hour of its first revision. */
    assert_int_equal(number_of("SELECT first_published_at FROM conversation"), T0 + 2 * CT_USEC_PER_SECOND);
    expect_sound(store);
    ct_store_close(store);
}

static void an_audit_counts_revisions_itself(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.messages = 2}, 0);
    assert_int_equal(ct_store_waiting(store), 1);
    put_one(store, &(struct tale){.messages = 3}, 0);
    put_one(store, &(struct tale){.messages = 3}, 0);
    commit(store);
    assert_int_equal(number_of("SELECT revision FROM conversation"), 2);
    assert_int_equal(sum("messages"), 3);
    /* The same content under other rules is another revision, too. */
    struct ct_ruleset other = toy;
    snprintf(other.hash, sizeof other.hash, "def456");
    struct ct_record *record = record_of(&(struct tale){.messages = 3});
    struct ct_store_put put = {.record = record, .rules = &other};
    struct ct_error err = {0};
    assert_int_equal(ct_store_put(store, &put, &err), CT_OK);
    commit(store);
    assert_int_equal(number_of("SELECT revision FROM conversation"), 3);
    assert_int_equal(number_of("SELECT rules_hash='def456' FROM conversation"), 1);
    free(record);
    expect_sound(store);
    ct_store_close(store);
}

static void known_by_tenant_id_and_beginning(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.id = "x"}, 1);
    put_one(store, &(struct tale){.id = "x", .tenant = "t"}, 1);
    put_one(store, &(struct tale){.id = "x", .at = T0 + 1}, 1);
    put_one(store, &(struct tale){.id = "x", .session = 7}, 1); /* the number of a dated session says nothing */
    put_one(store, &(struct tale){.id = "x", .untimed = true, .session = 1}, 1);
    put_one(store, &(struct tale){.id = "x", .untimed = true, .session = 2}, 1);
    put_one(store, &(struct tale){.id = "x", .untimed = true, .session = 2}, 1);
    commit(store);
    assert_int_equal(number_of("SELECT count(*) FROM conversation"), 5);
    expect_sound(store);
    ct_store_close(store);
}

/* What the customer's other conversations decide is not stored: an audit knows it, a live tap cannot. */
static void marks_are_not_stored(void **state)
{
    (void)state;
    struct ct_error err = {0};
    char *dumps[2];
    for (int marked = 0; marked < 2; marked++) {
        char name[128];
        snprintf(name, sizeof name, "%s/%c.db", folder, 'a' + marked);
        struct ct_store *store = open_at(name, CT_STORE_WRITE);
        struct ct_record *record = record_of(&(struct tale){.user = "u", .session = marked ? 3 : 1});
        if (marked) {
            record->first_contact = CT_TRUE;
            record->returned = record->is_return = record->immature = true;
            record->next_contact_usec = record->previous_contact_usec = record->observed_usec = 5;
            record->conversation_hash = 99;
            memset((char *)&record->score[0] + 1, 0xAA, 3); /* between a flag and a number */
        }
        struct ct_store_put put = {.record = record, .rules = &toy, .revision = marked ? 9 : 0, .final = marked};
        put.first_position = marked ? 17 : 0;
        assert_int_equal(ct_store_put(store, &put, &err), CT_OK);
        commit(store);
        dumps[marked] = dump_of(store);
        free(record);
        ct_store_close(store);
    }
    assert_string_equal(dumps[0], dumps[1]);
    assert_non_null(strstr(dumps[0], "\"first_contact\":null"));
    free(dumps[0]);
    free(dumps[1]);
}

/* ---- withdrawals ------------------------------------------------------------------------------------------------ */

static void withdrawn_stays_away(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.id = "a"}, 1);
    put_one(store, &(struct tale){.id = "b"}, 1);
    withdraw_one(store, &(struct tale){.id = "a"}, 2);
    commit(store);
    assert_int_equal(number_of("SELECT count(*) FROM conversation"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM evidence"), 2);
    assert_int_equal(sum("conversations"), 1);
    put_one(store, &(struct tale){.id = "a"}, 1); /* a replay */
    put_one(store, &(struct tale){.id = "a"}, 2);
    withdraw_one(store, &(struct tale){.id = "a"}, 2);
    withdraw_one(store, &(struct tale){.id = "never"}, 4);
    put_one(store, &(struct tale){.id = "never"}, 3);
    commit(store);
    assert_int_equal(number_of("SELECT count(*) FROM conversation"), 1);
    put_one(store, &(struct tale){.id = "a", .messages = 6}, 3); /* stands again, where it stood */
    put_one(store, &(struct tale){.id = "new"}, 1);
    commit(store);
    assert_int_equal(number_of("SELECT row FROM conversation WHERE conversation_id='a'"), 1);
    assert_int_equal(number_of("SELECT row FROM conversation WHERE conversation_id='new'"), 4);
    assert_int_equal(number_of("SELECT count(*) FROM withdrawn"), 1);
    assert_int_equal(sum("messages"), 10);
    expect_sound(store);
    ct_store_close(store);
}

/* A late message that was earlier than all others: the row goes on under its new beginning. */
static void a_beginning_moves(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_store *store = opened(CT_STORE_WRITE);
    const struct tale before = {.id = "m", .at = T0 + 10}, after = {.id = "m", .at = T0 + 3, .messages = 3};
    put_one(store, &before, 1);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(put_with(store, &after, 2, &before, &err), CT_OK);
        put_one(store, &before, 1); /* a replay brings nothing back */
        commit(store);
        assert_int_equal(number_of("SELECT count(*) FROM conversation"), 1);
        assert_int_equal(number_of("SELECT row FROM conversation"), 1);
        assert_int_equal(number_of("SELECT started_at FROM conversation"), T0 + 3);
        assert_int_equal(number_of("SELECT count(*) FROM withdrawn"), 1);
        assert_int_equal(sum("conversations"), 1);
        assert_int_equal(sum("messages"), 3);
        expect_sound(store);
    }
    ct_store_close(store);
}

/* ---- rule sets --- */

static bool join_names(void *context, uint16_t number, ct_span name)
{
    char *list = context;
    size_t len = strlen(list);
    (void)snprintf(list + len, 200 - len, "%u=%.*s;", (unsigned)number, (int)name.len, name.at);
    return true;
}

/* Kept with the first conversation of a rule set, gone with a group that is not committed, put again with the next. */
static void signals_of_rule_sets(void **state)
{
    (void)state;
    struct ct_error err = {0};
    char names[200] = "";
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.id = "a"}, 1);
    ct_store_close(store); /* not committed */
    store = opened(CT_STORE_WRITE);
    assert_int_equal(ct_store_signals(store, "abc123", join_names, names, &err), CT_NOT_FOUND);
    put_one(store, &(struct tale){.id = "a"}, 1);
    put_one(store, &(struct tale){.id = "b"}, 1);
    commit(store);
    assert_int_equal(number_of("SELECT count(*) FROM meta WHERE key='signals:abc123'"), 1);
    execute("DELETE FROM meta WHERE key='signals:abc123'");
    ct_store_close(store);
    store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.id = "a"}, 1); /* nothing new, but the rule set is */
    commit(store);
    ct_store_close(store);
    store = opened(CT_STORE_READ);
    assert_int_equal(ct_store_signals(store, "abc123", join_names, names, &err), CT_OK);
    assert_string_equal(names, "0=user.human_request;1=user.thanks;");
    assert_int_equal(ct_store_signals(store, "abc124", join_names, names, &err), CT_NOT_FOUND);
    expect_sound(store);
    ct_store_close(store);
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

static void applied_goes_with_the_group(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_store *store = opened(CT_STORE_WRITE);
    assert_int_equal(ct_store_applied(store), 0);
    put_one(store, &(struct tale){.id = "a"}, 1);
    assert_int_equal(ct_store_commit(store, 4711, true, &err), CT_OK);
    assert_int_equal(ct_store_commit(store, 0, true, &err), CT_OK);
    assert_int_equal(ct_store_applied(store), 4711);
    assert_int_equal(ct_store_commit(store, 5000, false, &err), CT_OK); /* time passed, nothing closed */
    ct_store_close(store);
    store = opened(CT_STORE_READ);
    assert_int_equal(ct_store_applied(store), 5000);
    ct_store_close(store);
}

/* A conversation that moves is a withdrawal and a put: half of it may not stay where somebody gives up between. */
static void what_was_not_committed_is_dropped(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.id = "a", .messages = 2}, 1);
    commit(store);
    put_one(store, &(struct tale){.id = "b", .messages = 2}, 1);
    ct_store_close(store);
    store = opened(CT_STORE_WRITE);
    assert_int_equal(number_of("SELECT count(*) FROM conversation"), 1);
    expect_sound(store);
    ct_store_close(store);
}

static unsigned looks;

static void look(void)
{
    looks++;
}

/* Into the log, and at the end into the file: each counts. */
static void others_are_let_past_while_a_group_is_written(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    ct_store_pace(store, look);
    looks = 0;
    for (int i = 0; i < 200; i++) {
        char id[32];
        snprintf(id, sizeof id, "c%d", i);
        put_one(store, &(struct tale){.id = id, .messages = 2}, 1);
    }
    commit(store);
    unsigned of_the_log = looks;
    assert_true(of_the_log >= 10);
    expect_sound(store);
    ct_store_close(store);
    assert_true(looks > of_the_log);
    store = opened(CT_STORE_READ);
    assert_int_equal(number_of("SELECT count(*) FROM conversation"), 200);
    ct_store_close(store);
}

static void sums_of_hours_and_channels(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    char id[32];
    for (int i = 0; i < 5000; i++) { /* more hours than a group holds in memory */
        snprintf(id, sizeof id, "c%d", i);
        put_one(store,
                &(struct tale){.id = id, .at = T0 + (i % 2500) * CT_USEC_PER_HOUR, .channel = i % 2 ? "web" : ""}, 0);
    }
    put_one(store, &(struct tale){.id = "old", .at = -90 * CT_USEC_PER_SECOND, .channel = "web"}, 0);
    commit(store);
    assert_int_equal(sum("conversations"), 5001);
    assert_int_equal(number_of("SELECT count(*) FROM sum_hour WHERE measure='messages'"), 2501);
    assert_int_equal(number_of("SELECT min(hour) FROM sum_hour"), -CT_USEC_PER_HOUR);
    expect_sound(store);
    ct_store_close(store);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

struct seen {
    char ids[4096];
    uint64_t last;
    size_t count;
    char json[4096];
    uint32_t session;
};

static enum ct_status see(void *context, const struct ct_store_row *row)
{
    struct seen *seen = context;
    ct_span id = ct_record_text(row->record, CT_TEXT_CONVERSATION_ID);
    size_t used = strlen(seen->ids);
    snprintf(seen->ids + used, sizeof seen->ids - used, "%.*s ", (int)id.len, id.at);
    snprintf(seen->json, sizeof seen->json, "%.*s", (int)row->json.len, row->json.at);
    seen->last = row->row;
    seen->session = row->record->session;
    seen->count++;
    return CT_OK;
}

static const char *found(struct ct_store *store, const struct ct_store_filter *filter, struct seen *seen)
{
    struct ct_error err = {0};
    memset(seen, 0, sizeof *seen);
    if (ct_store_each(store, filter, see, seen, &err) != CT_OK) {
        fail_msg("%s", err.text);
    }
    return seen->ids;
}

static enum ct_status stop(void *context, const struct ct_store_row *row)
{
    (void)row;
    ++*(int *)context;
    return CT_STOP;
}

static void filters_and_pages(void **state)
{
    (void)state;
    struct seen seen;
    struct ct_error err = {0};
    struct ct_store *store = opened(CT_STORE_WRITE);
    const struct tale tales[] = {
        {.id = "e", .at = T0 + 4 * CT_USEC_PER_HOUR, .channel = "web", .user = "u1", .outcome = CT_OUTCOME_ESCALATED},
        {.id = "a", .at = T0, .channel = "web", .user = "u1"},
        {.id = "b", .at = T0 + 1 * CT_USEC_PER_HOUR, .channel = "whatsapp", .user = "u2", .tenant = "t"},
        {.id = "a", .at = T0 + 2 * CT_USEC_PER_HOUR, .channel = "web", .user = "u1"},
        {.id = "d\"'%;--", .at = T0 + 3 * CT_USEC_PER_HOUR, .channel = "ñ"},
    };
    for (size_t i = 0; i < sizeof tales / sizeof *tales; i++) {
        put_one(store, &tales[i], 1);
    }
    commit(store);
    struct ct_store_filter f = anything();
    assert_string_equal(found(store, &f, &seen), "a b a d\"'%;-- e ");
    f.newest_first = true;
    assert_string_equal(found(store, &f, &seen), "e d\"'%;-- a b a ");
    f.limit = 2;
    assert_string_equal(found(store, &f, &seen), "e d\"'%;-- ");
    f.after = seen.last;
    assert_string_equal(found(store, &f, &seen), "a b ");
    f.after = seen.last;
    assert_string_equal(found(store, &f, &seen), "a ");
    f.after = seen.last;
    assert_string_equal(found(store, &f, &seen), "");
    f = anything();
    f.user_id = CT_SPAN_LIT("u1");
    f.started_before = T0 + 4 * CT_USEC_PER_HOUR;
    assert_string_equal(found(store, &f, &seen), "a a ");
    assert_int_equal(seen.session, 2);
    assert_ptr_equal(strstr(seen.json, "{\"conversation_id\":\"a\",\"session\":2,\"user_id\":\"u1\""), seen.json);
    f = anything();
    f.conversation_id = CT_SPAN_LIT("d\"'%;--");
    assert_string_equal(found(store, &f, &seen), "d\"'%;-- ");
    f = anything();
    f.outcome = CT_SPAN_LIT("escalated");
    f.channel = CT_SPAN_LIT("web");
    assert_string_equal(found(store, &f, &seen), "e ");
    f = anything();
    f.tenant = CT_SPAN_LIT("t");
    f.published_from = T0 + CT_USEC_PER_HOUR;
    f.published_before = T0 + 2 * CT_USEC_PER_HOUR;
    assert_string_equal(found(store, &f, &seen), "b ");
    f = anything();
    f.language = CT_SPAN_LIT("es' OR '1'='1");
    assert_string_equal(found(store, &f, &seen), "");
    f = anything();
    f.limit = 1;
    found(store, &f, &seen); /* a page ends on a row that is then withdrawn */
    withdraw_one(store, &tales[1], 2);
    f.after = seen.last;
    assert_string_equal(found(store, &f, &seen), "b ");
    int calls = 0;
    f = anything();
    assert_int_equal(ct_store_each(store, &f, stop, &calls, &err), CT_STOP);
    assert_int_equal(calls, 1);
    ct_store_close(store);
}

static enum ct_status add_value(void *context, ct_usec hour, ct_span channel, int64_t value)
{
    int64_t *total = context;
    (void)channel;
    assert_true(hour >= T0);
    *total += value;
    return CT_OK;
}

static void a_reader_beside_the_writer(void **state)
{
    (void)state;
    struct seen seen;
    struct ct_error err = {0};
    int64_t total = 0;
    struct ct_store *store = opened(CT_STORE_WRITE), *reader = opened(CT_STORE_READ);
    struct ct_store_filter f = anything();
    put_one(store, &(struct tale){.id = "a"}, 1);
    assert_string_equal(found(reader, &f, &seen), ""); /* not committed */
    assert_string_equal(found(store, &f, &seen), "a ");
    commit(store);
    assert_string_equal(found(reader, &f, &seen), "a ");
    put_one(store, &(struct tale){.id = "b", .messages = 3}, 1);
    assert_int_equal(ct_store_commit(store, 9, false, &err), CT_OK);
    assert_string_equal(found(reader, &f, &seen), "a b ");
    assert_int_equal(ct_store_applied(reader), 9);
    assert_int_equal(ct_store_sums(reader, CT_SPAN_LIT("messages"), T0, T0 + CT_USEC_PER_HOUR, add_value, &total, &err),
                     CT_OK);
    assert_int_equal(total, 5);
    expect_sound(reader);
    struct ct_store_stats stats;
    assert_int_equal(ct_store_stats(reader, &stats, &err), CT_OK);
    assert_int_equal(stats.conversations, 2);
    assert_int_equal(stats.evidence, 4);
    assert_int_equal(stats.schema, 2);
    assert_int_equal(stats.first_at, T0);
    ct_store_close(reader);
    ct_store_close(store);
    assert_true(access(path, F_OK) == 0);
    char log[128];
    snprintf(log, sizeof log, "%s-wal", path);
    assert_true(access(log, F_OK) != 0); /* closed, it is one file */
}

/* ---- what cannot be stored -------------------------------------------------------------------------------------- */

static void hostile_texts(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.id = "'); DROP TABLE conversation;--", .user = "\x01\"\\\n\xf0\x9f\x98\x80"}, 1);
    assert_int_equal(put_with(store, &(struct tale){.id = "bad\xff"}, 1, NULL, &err), CT_REFUSED);
    assert_non_null(strstr(err.text, "UTF-8"));
    char *big = malloc(300001);
    memset(big, 'x', 300000);
    big[300000] = '\0';
    put_one(store, &(struct tale){.id = big}, 1);
    free(big);
    commit(store);
    assert_int_equal(number_of("SELECT count(*) FROM conversation"), 2);
    expect_sound(store);
    ct_store_close(store);
}

/* Sums of absurd durations leave 64 bits: they are then wrong, but not lost, and the check names them. */
static void a_sum_beyond_64_bits(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_store *store = opened(CT_STORE_WRITE);
    const struct ct_store_sum huge[] = {{"usec", INT64_MAX}};
    for (int i = 0; i < 3; i++) {
        char id[32];
        snprintf(id, sizeof id, "c%d", i);
        struct ct_record *record = record_of(&(struct tale){.id = id});
        struct ct_store_put put = {.record = record, .rules = &toy, .revision = 1, .sums = huge, .sum_count = 1};
        assert_int_equal(ct_store_put(store, &put, &err), CT_OK);
        free(record);
    }
    commit(store);
    assert_int_equal(check_of(store), CT_REFUSED);
    assert_non_null(strstr(text, "left 64 bits"));
    withdraw_one(store, &(struct tale){.id = "c0"}, 2);
    withdraw_one(store, &(struct tale){.id = "c2"}, 2);
    commit(store);
    assert_int_equal(number_of("SELECT value FROM sum_hour"), INT64_MAX);
    expect_sound(store);
    ct_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
        T(the_same_again_changes_nothing),
        T(the_newest_revision_wins),
        T(an_audit_counts_revisions_itself),
        T(known_by_tenant_id_and_beginning),
        T(marks_are_not_stored),
        T(withdrawn_stays_away),
        T(a_beginning_moves),
        T(signals_of_rule_sets),
        T(applied_goes_with_the_group),
        T(what_was_not_committed_is_dropped),
        T(others_are_let_past_while_a_group_is_written),
        T(sums_of_hours_and_channels),
        T(filters_and_pages),
        T(a_reader_beside_the_writer),
        T(hostile_texts),
        T(a_sum_beyond_64_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
