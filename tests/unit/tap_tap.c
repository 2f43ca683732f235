/* The tap as a whole, without a socket: what is appended is judged, stored and shown; what was open goes on after a
 * stop, with its state file and without; a numbered stream resumes where it was.
 */
#include "flow.h"

#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/tap/tap.h"

static _Atomic ct_usec clock_at;
static atomic_bool setups_fail;   /* for the judge, as memory does that runs out */
static atomic_bool fails_at_stop; /* the next one fails, once, when a stop has begun */
static atomic_uint interruptions; /* that were told of */
static pthread_t tests_thread;
static char folder[64], store_path[96], tape_path[96];

static ct_usec now(void)
{
    return atomic_load(&clock_at);
}

static void free_setup(struct ct_setup *setup)
{
    free(setup);
}

/* A packed setup is a letter here. */
static enum ct_status open_setup(void *context, ct_span packed, struct ct_feed_setup *out, struct ct_error *err)
{
    (void)context;
    char hash[8] = {0};
    if (atomic_load(&setups_fail) && !pthread_equal(pthread_self(), tests_thread)) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    if (packed.len == 1 && *packed.at == 'B' && !pthread_equal(pthread_self(), tests_thread) &&
        atomic_exchange(&fails_at_stop, false)) {
        usleep(300000); /* the test's thread stops the tap meanwhile */
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    if (packed.len != 1) {
        return ct_error_set(err, CT_BAD_CONFIG, "no setup of ours");
    }
    hash[0] = packed.at[0];
    struct ct_setup *setup = malloc(sizeof *setup);
    assert_non_null(setup);
    *setup = make_setup(hash);
    setup->done = free_setup;
    *out = (struct ct_feed_setup){.setup = setup, .max_record_bytes = 1 << 20};
    return CT_OK;
}

static void say(void *context, const char *line)
{
    (void)context;
    atomic_fetch_add(&interruptions, strstr(line, "event=judging_interrupted") != NULL);
    print_message("%s\n", line);
}

static struct ct_tap *start(const char *setup)
{
    static const enum ct_slice_field fields[] = {CT_SLICE_CHANNEL};
    struct ct_error err = {0};
    struct ct_tap *tap = NULL;
    const struct ct_tap_options options = {.tape = {.folder = tape_path, .commit_usec = 2000, .now = now},
                                           .store = store_path,
                                           .setups = {NULL, open_setup},
                                           .setup = ct_span_of(setup),
                                           .live = {.fields = fields, .field_count = 1},
                                           .tick_usec = 5000,
                                           .now = now,
                                           .log = say};
    enum ct_status status = ct_tap_start(&options, &tap, &err);
    if (status != CT_OK) {
        fail_msg("start: %s", err.text);
    }
    return tap;
}

static enum ct_status push_numbered(struct ct_tap *tap, const char *stream, uint64_t sequence, const char *line)
{
    const struct ct_intake *intake = ct_tap_intake(tap);
    const struct ct_tape_entry entry = {.kind = CT_TAPE_DATA,
                                        .at = now(),
                                        .source = CT_SPAN_LIT("web"),
                                        .format = CT_SPAN_LIT("convtap"),
                                        .stream = ct_span_of(stream),
                                        .sequence = sequence,
                                        .bytes = ct_span_of(line)};
    uint64_t end = 0;
    enum ct_status status = intake->append(intake->context, &entry, &end);
    assert_true(status != CT_OK || end > 0);
    return status;
}

static void push(struct ct_tap *tap, const char *line)
{
    assert_int_equal(push_numbered(tap, "", 0, line), CT_OK);
}

#define SAY(id, second, role, text)                                                                                    \
    "{\"conversation_id\":\"" id "\",\"user_id\":\"u\",\"channel\":\"web\",\"role\":\"" role                           \
    "\",\"ts\":\"2026-03-01T10:00:" second "Z\",\"text\":\"" text "\"}"
#define CLOSE(id, second)                                                                                              \
    "{\"conversation_id\":\"" id "\",\"role\":\"system\",\"ts\":\"2026-03-01T10:00:" second                            \
    "Z\",\"text\":\"\",\"event\":{\"type\":\"close\"}}"

struct rows {
    size_t count;
    char ids[16][16];
    uint32_t messages[16], revision[16];
    char hash[16][65];
};

static enum ct_status take_row(void *context, const struct ct_store_row *row)
{
    struct rows *rows = context;
    ct_span id = ct_record_text(row->record, CT_TEXT_CONVERSATION_ID);
    assert_true(rows->count < 16 && id.len < 16);
    memcpy(rows->ids[rows->count], id.at, id.len);
    rows->ids[rows->count][id.len] = '\0';
    rows->messages[rows->count] = row->record->message_count;
    rows->revision[rows->count] = row->revision;
    rows->count++;
    return CT_OK;
}

static struct rows stored(void)
{
    struct rows rows = {0};
    struct ct_store *store;
    struct ct_error err = {0};
    const struct ct_store_filter all = {.started_from = CT_USEC_NONE,
                                        .started_before = CT_USEC_NONE,
                                        .published_from = CT_USEC_NONE,
                                        .published_before = CT_USEC_NONE};
    assert_int_equal(ct_store_open(store_path, CT_STORE_READ, &store, &err), CT_OK);
    assert_int_equal(ct_store_each(store, &all, take_row, &rows, &err), CT_OK);
    ct_store_close(store);
    return rows;
}

static uint64_t shown(struct ct_tap *tap, uint64_t *messages)
{
    struct ct_live_view view;
    assert_int_equal(ct_live_compute(ct_tap_live(tap), CT_WINDOW_TODAY, NULL, &view), CT_OK);
    uint64_t count = view.total.conversations;
    if (messages) {
        *messages = view.messages;
    }
    ct_live_view_done(&view);
    return count;
}

static uint64_t dropped(struct ct_tap *tap, const char *reason)
{
    struct ct_tap_health *health = malloc(sizeof *health);
    ct_tap_health(tap, health);
    uint64_t count = 0;
    for (size_t i = 0; i < health->drop_count; i++) {
        count += strcmp(health->drops[i].reason, reason) == 0 ? health->drops[i].count : 0;
    }
    free(health);
    return count;
}

/* What a restart has to judge again is judged when it is ready. */
static void wait_ready(struct ct_tap *tap)
{
    struct ct_tap_health *health = malloc(sizeof *health);
    do {
        usleep(1000);
        ct_tap_health(tap, health);
    } while (!health->ready);
    free(health);
}

static int remove_one(const char *path, const struct stat *stat_of, int type, struct FTW *ftw)
{
    (void)stat_of;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/convtap-tap-XXXXXX");
    atomic_store(&clock_at, AT(0));
    atomic_store(&setups_fail, false);
    atomic_store(&fails_at_stop, false);
    atomic_store(&interruptions, 0);
    tests_thread = pthread_self();
    if (!mkdtemp(folder)) {
        return 1;
    }
    snprintf(tape_path, sizeof tape_path, "%s/tape", folder);
    snprintf(store_path, sizeof store_path, "%s/store.db", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void what_comes_is_judged_and_shown(void **state)
{
    (void)state;
    struct ct_tap *tap = start("A");
    uint64_t messages;
    push(tap, SAY("c1", "01", "user", "hola") "\n" SAY("c1", "02", "bot", "buenas"));
    push(tap, CLOSE("c1", "05"));
    push(tap, SAY("c2", "03", "user", "hello"));
    push(tap, "{\"broken\":");
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    wait_ready(tap);
    assert_int_equal(shown(tap, &messages), 1);
    assert_int_equal(messages, 4);
    struct rows rows = stored();
    assert_int_equal(rows.count, 1);
    assert_string_equal(rows.ids[0], "c1");
    assert_int_equal(rows.messages[0], 3);
    assert_int_equal(dropped(tap, "truncated"), 1);
    atomic_store(&clock_at, AT(3 * HOUR)); /* the silence of c2 */
    for (int i = 0; i < 5000 && stored().count < 2; i++) {
        usleep(1000);
    }
    assert_int_equal(stored().count, 2);
    ct_tap_stop(tap);
}

/* `forget`: the state file is lost. */
static void goes_on(bool forget)
{
    char path[160];
    struct ct_tap *tap = start("A");
    push(tap, SAY("c0", "00", "user", "adios"));
    push(tap, CLOSE("c0", "01"));
    push(tap, SAY("c1", "01", "user", "hola"));
    push(tap, SAY("c1", "02", "bot", "buenas"));
    assert_int_equal(push_numbered(tap, "s", 1, SAY("c2", "01", "user", "hello")), CT_OK);
    assert_int_equal(push_numbered(tap, "s", 2, SAY("c2", "02", "bot", "hi")), CT_OK);
    ct_tap_stop(tap);
    assert_int_equal(stored().count, 1);
    snprintf(path, sizeof path, "%s/state", tape_path);
    assert_int_equal(access(path, R_OK), 0);
    if (forget) {
        assert_int_equal(remove(path), 0);
    }
    tap = start("B"); /* what is open is judged by what it began with */
    const struct ct_intake *intake = ct_tap_intake(tap);
    assert_int_equal(intake->next_sequence(intake->context, CT_SPAN_LIT("web"), CT_SPAN_LIT("s")), 3);
    assert_int_equal(push_numbered(tap, "s", 2, SAY("c2", "02", "bot", "hi")), CT_OK); /* once more */
    assert_int_equal(push_numbered(tap, "s", 4, "{}"), CT_USAGE);
    assert_int_equal(push_numbered(tap, "s", 3, CLOSE("c2", "04")), CT_OK);
    push(tap, CLOSE("c1", "03"));
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    wait_ready(tap);
    struct rows rows = stored();
    assert_int_equal(rows.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rows.messages[i], rows.ids[i][1] == '0' ? 2 : 3);
        assert_int_equal(rows.revision[i], 1);
    }
    assert_int_equal(shown(tap, NULL), 3);
    assert_int_equal(dropped(tap, "resent"), 1);
    assert_int_equal(dropped(tap, "sequence_gap"), 1);
    ct_tap_stop(tap);
}

static void an_open_conversation_goes_on(void **state)
{
    (void)state;
    goes_on(false);
}

static void without_a_state_file_the_tape_is_enough(void **state)
{
    (void)state;
    goes_on(true);
}

static void a_setup_that_cannot_be_opened_is_refused(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_tap *tap = start("A");
    assert_int_equal(ct_tap_setup(tap, CT_SPAN_LIT("no"), &err), CT_BAD_CONFIG);
    push(tap, SAY("c1", "01", "user", "hola"));
    assert_int_equal(ct_tap_setup(tap, CT_SPAN_LIT("B"), &err), CT_OK);
    push(tap, CLOSE("c1", "02"));
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    wait_ready(tap);
    struct ct_tap_health *health = malloc(sizeof *health);
    ct_tap_health(tap, health);
    assert_string_equal(health->setup_hash, "B");
    assert_int_equal(health->reloads, 1);
    assert_true(health->ready && health->storing && health->recording);
    free(health);
    ct_tap_stop(tap);
}

static size_t looked;
static void look(void *context, const struct ct_record *record, const struct ct_setup *setup)
{
    (void)context;
    assert_string_equal(setup->hash, "A");
    assert_int_equal(record->message_count, 2);
    looked++;
}

static void an_open_conversation_can_be_looked_at(void **state)
{
    (void)state;
    struct ct_tap *tap = start("A");
    push(tap, SAY("c1", "01", "user", "hola"));
    push(tap, SAY("c1", "02", "bot", "buenas"));
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    assert_int_equal(ct_tap_look(tap, CT_SPAN_NONE, CT_SPAN_LIT("c1"), look, NULL), CT_OK);
    assert_int_equal(looked, 1);
    assert_int_equal(ct_tap_look(tap, CT_SPAN_NONE, CT_SPAN_LIT("c9"), look, NULL), CT_NOT_FOUND);
    assert_int_equal(stored().count, 0);
    ct_tap_stop(tap);
}

static void a_second_tap_on_the_folder_is_refused(void **state)
{
    (void)state;
    struct ct_tap *tap = start("A"), *second = NULL;
    struct ct_error err = {0};
    const struct ct_tap_options options = {
        .tape = {.folder = tape_path, .now = now}, .setups = {NULL, open_setup}, .setup = CT_SPAN_LIT("A"), .now = now};
    assert_int_equal(ct_tap_start(&options, &second, &err), CT_LIMIT);
    assert_null(second);
    assert_true(strlen(err.text) > 0);
    ct_tap_stop(tap);
}

/* Judging that cannot go on waits between its tries, and goes on by itself. */
static void what_fails_is_tried_again_after_a_while(void **state)
{
    (void)state;
    struct ct_tap *tap = start("A");
    struct ct_error err = {0};
    wait_ready(tap);
    push(tap, "{\"broken\":");
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    atomic_store(&setups_fail, true);
    assert_int_equal(ct_tap_setup(tap, CT_SPAN_LIT("B"), &err), CT_OK);
    for (int i = 0; i < 5000 && !atomic_load(&interruptions); i++) {
        usleep(1000);
    }
    assert_int_equal(ct_tap_settle(tap), CT_IO);
    usleep(300000);
    assert_in_range(atomic_load(&interruptions), 1, 2);
    push(tap, SAY("c1", "01", "user", "hola"));
    push(tap, CLOSE("c1", "05"));
    atomic_store(&setups_fail, false);
    for (int i = 0; i < 5000 && stored().count < 1; i++) {
        usleep(1000);
    }
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    assert_int_equal(stored().count, 1);
    assert_int_equal(shown(tap, NULL), 1);
    assert_int_equal(dropped(tap, "truncated"), 1); /* what is judged once more is counted once */
    ct_tap_stop(tap);
}

/* What fails of the moment while a tap stops is tried once more: all that came is judged and stored. */
static void what_fails_at_a_stop_is_tried_once_more(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_tap *tap = start("A");
    wait_ready(tap);
    atomic_store(&fails_at_stop, true);
    assert_int_equal(ct_tap_setup(tap, CT_SPAN_LIT("B"), &err), CT_OK);
    push(tap, SAY("c1", "01", "user", "hola"));
    push(tap, CLOSE("c1", "05"));
    for (int i = 0; i < 5000 && atomic_load(&fails_at_stop); i++) {
        usleep(1000);
    }
    ct_tap_stop(tap);
    assert_int_equal(atomic_load(&interruptions), 1);
    assert_int_equal(stored().count, 1);
}

/* A clock that was set back: the pipeline's time did not go back, and does not with a restart. */
static void time_does_not_go_back_with_a_restart(void **state)
{
    (void)state;
    atomic_store(&clock_at, AT(10 * HOUR));
    struct ct_tap *tap = start("A");
    wait_ready(tap);
    push(tap, SAY("c0", "00", "user", "adios"));
    push(tap, CLOSE("c0", "01"));
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    atomic_store(&clock_at, AT(30 * HOUR));
    for (int i = 0; i < 5000 && shown(tap, NULL) == 0; i++) {
        usleep(1000);
    }
    usleep(50000); /* some ticks: c0 has gone */
    atomic_store(&clock_at, AT(0));
    push(tap, SAY("c1", "01", "user", "hola"));
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    ct_tap_stop(tap);
    tap = start("A");
    wait_ready(tap);
    atomic_store(&clock_at, AT(3 * HOUR));
    usleep(50000);
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    assert_int_equal(stored().count, 1);
    atomic_store(&clock_at, AT(40 * HOUR));
    for (int i = 0; i < 5000 && stored().count < 2; i++) {
        usleep(1000);
    }
    assert_int_equal(stored().count, 2);
    ct_tap_stop(tap);
}

static int remove_segment(const char *path, const struct stat *stat_of, int type, struct FTW *ftw)
{
    (void)stat_of;
    (void)ftw;
    return type == FTW_F && strcmp(path + strlen(path) - 5, "state") != 0 ? remove(path) : 0;
}

/* A state file whose tape is gone says nothing of the tape that is there. */
static void numbers_are_those_of_the_tape(void **state)
{
    (void)state;
    struct ct_tap *tap = start("A");
    assert_int_equal(push_numbered(tap, "s", 1, SAY("c1", "01", "user", "hola")), CT_OK);
    assert_int_equal(push_numbered(tap, "s", 2, SAY("c1", "02", "bot", "buenas")), CT_OK);
    ct_tap_stop(tap);
    assert_int_equal(nftw(tape_path, remove_segment, 16, FTW_PHYS), 0);
    tap = start("A");
    const struct ct_intake *intake = ct_tap_intake(tap);
    assert_int_equal(intake->next_sequence(intake->context, CT_SPAN_LIT("web"), CT_SPAN_LIT("s")), 1);
    assert_int_equal(push_numbered(tap, "s", 1, SAY("c2", "01", "user", "hola")), CT_OK);
    push(tap, CLOSE("c2", "05"));
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    assert_int_equal(stored().count, 1);
    ct_tap_stop(tap);
}

/* What names a frame can name a conversation; what the store would not take must not hold up all that follows. */
static void a_frame_with_a_broken_name_is_left_out(void **state)
{
    (void)state;
    struct ct_tap *tap = start("A");
    const struct ct_intake *intake = ct_tap_intake(tap);
    struct ct_tape_entry entry = {.kind = CT_TAPE_DATA,
                                  .at = now(),
                                  .source = CT_SPAN_LIT("web"),
                                  .format = CT_SPAN_LIT("rasa_socketio"),
                                  .stream = CT_SPAN_LIT("sid-1"),
                                  .bytes = CT_SPAN_LIT("42[\"user_uttered\",{\"message\":\"hola\"}]")};
    assert_int_equal(intake->append(intake->context, &entry, NULL), CT_OK);
    entry.stream = CT_SPAN_LIT("sid-\xff");
    assert_int_equal(intake->append(intake->context, &entry, NULL), CT_OK);
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    atomic_store(&clock_at, AT(30 * HOUR));
    for (int i = 0; i < 1000 && stored().count < 1 && !atomic_load(&interruptions); i++) {
        usleep(1000);
    }
    assert_int_equal(atomic_load(&interruptions), 0);
    assert_int_equal(stored().count, 1);
    assert_int_equal(dropped(tap, "invalid_utf8"), 1);
    ct_tap_stop(tap);
}

static uint64_t events_counted(struct ct_tap *tap)
{
    struct ct_tap_health *health = malloc(sizeof *health);
    ct_tap_health(tap, health);
    uint64_t events = health->events;
    free(health);
    return events;
}

static uint64_t events_stored(void)
{
    struct ct_store *store;
    struct ct_store_stats stats;
    struct ct_error err = {0};
    assert_int_equal(ct_store_open(store_path, CT_STORE_READ, &store, &err), CT_OK);
    assert_int_equal(ct_store_stats(store, &stats, &err), CT_OK);
    ct_store_close(store);
    return stats.events;
}

static void push_event(struct ct_tap *tap, const char *line)
{
    const struct ct_intake *intake = ct_tap_intake(tap);
    const struct ct_tape_entry entry = {.kind = CT_TAPE_DATA,
                                        .at = now(),
                                        .source = CT_SPAN_LIT("crm"),
                                        .format = CT_SPAN_LIT("business"),
                                        .bytes = ct_span_of(line)};
    assert_int_equal(intake->append(intake->context, &entry, NULL), CT_OK);
}

/* Beside an open conversation, so that a restart reads them a second time; with the state file and without, and into a
 * store that was taken away. */
static void business_events_are_kept_once(void **state)
{
    (void)state;
    static const char won[] = "{\"event\":\"customer_won\",\"at\":\"2026-03-01\",\"user_id\":\"u\"}";
    static const char lost[] = "{\"event\":\"customer_lost\",\"at\":\"2026-03-02\",\"user_id\":\"u\"}";
    char path[160];
    struct ct_tap *tap = start("A");
    push(tap, SAY("c1", "01", "user", "hola"));
    push_event(tap, won);
    push_event(tap, won);
    push_event(tap, lost);
    assert_int_equal(ct_tap_settle(tap), CT_OK);
    wait_ready(tap);
    assert_int_equal(events_counted(tap), 3);
    assert_int_equal(events_stored(), 2);
    ct_tap_stop(tap);
    for (int round = 0; round < 3; round++) {
        if (round > 0) {
            snprintf(path, sizeof path, "%s/state", tape_path);
            assert_int_equal(remove(path), 0);
        }
        if (round == 2) {
            assert_int_equal(remove(store_path), 0);
        }
        tap = start("A");
        wait_ready(tap);
        assert_int_equal(events_counted(tap), 0); /* they came before */
        push_event(tap, won);
        assert_int_equal(ct_tap_settle(tap), CT_OK);
        assert_int_equal(events_counted(tap), 1);
        assert_int_equal(events_stored(), 2);
        assert_int_equal(shown(tap, NULL), 0);
        ct_tap_stop(tap);
    }
}

/* As many as this program has, at the least. */
static void each_reason_is_counted_by_its_name(void **state)
{
    (void)state;
    static char names[150][16];
    struct ct_tap *tap = start("A");
    const struct ct_intake *intake = ct_tap_intake(tap);
    for (size_t i = 0; i < 150; i++) {
        snprintf(names[i], sizeof names[i], "reason_%zu", i);
        intake->drop(intake->context, names[i], i + 1);
    }
    for (size_t i = 0; i < 150; i++) {
        assert_int_equal(dropped(tap, names[i]), i + 1);
    }
    ct_tap_stop(tap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_comes_is_judged_and_shown, begin, end),
        cmocka_unit_test_setup_teardown(an_open_conversation_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(without_a_state_file_the_tape_is_enough, begin, end),
        cmocka_unit_test_setup_teardown(a_setup_that_cannot_be_opened_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(an_open_conversation_can_be_looked_at, begin, end),
        cmocka_unit_test_setup_teardown(a_second_tap_on_the_folder_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(what_fails_is_tried_again_after_a_while, begin, end),
        cmocka_unit_test_setup_teardown(what_fails_at_a_stop_is_tried_once_more, begin, end),
        cmocka_unit_test_setup_teardown(time_does_not_go_back_with_a_restart, begin, end),
        cmocka_unit_test_setup_teardown(numbers_are_those_of_the_tape, begin, end),
        cmocka_unit_test_setup_teardown(a_frame_with_a_broken_name_is_left_out, begin, end),
        cmocka_unit_test_setup_teardown(business_events_are_kept_once, begin, end),
        cmocka_unit_test_setup_teardown(each_reason_is_counted_by_its_name, begin, end)};
    return cmocka_run_group_tests(tests, load, unload);
}
