/* The store and what happens to files: other people's, damaged ones, a second writer, a full disk, kill -9, power. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "stored_records.h"

static enum ct_status refused(enum ct_store_mode mode, const char *why)
{
    struct ct_error err = {0};
    struct ct_store *store = (struct ct_store *)(void *)&err;
    enum ct_status status = ct_store_open(path, mode, &store, &err);
    assert_null(store);
    assert_int_equal(err.status, status);
    if (!strstr(err.text, why)) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
    }
    return status;
}

static void write_bytes(const char *bytes, size_t len)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void other_files(void **state)
{
    (void)state;
    static const char prose[] = "{\"conversation_id\":\"a transcript, as it happens, of more than sixteen bytes\"}\n";
    assert_int_equal(refused(CT_STORE_READ, "No such file"), CT_IO);
    write_bytes("", 0);
    assert_int_equal(refused(CT_STORE_READ, "an empty file"), CT_REFUSED);
    write_bytes(prose, sizeof prose - 1);
    assert_int_equal(refused(CT_STORE_READ, "no convtap store"), CT_REFUSED);
    assert_int_equal(refused(CT_STORE_WRITE, "no convtap store"), CT_REFUSED);
    char back[200];
    FILE *file = fopen(path, "re");
    assert_int_equal(fread(back, 1, sizeof back, file), sizeof prose - 1);
    fclose(file);
    assert_memory_equal(back, prose, sizeof prose - 1);
    unlink(path);
    execute("CREATE TABLE theirs(a); INSERT INTO theirs VALUES(1)");
    assert_int_equal(refused(CT_STORE_WRITE, "database of another program"), CT_REFUSED);
    assert_int_equal(refused(CT_STORE_READ, "database of another program"), CT_REFUSED);
    assert_int_equal(number_of("SELECT count(*) FROM sqlite_schema"), 1);
    unlink(path);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(refused(CT_STORE_WRITE, path), CT_IO);
    assert_int_equal(refused(CT_STORE_READ, path), CT_IO);
    rmdir(path);
    snprintf(path, sizeof path, "%s/no/such/folder.db", folder);
    assert_int_equal(refused(CT_STORE_WRITE, "No such file"), CT_IO);
}

static void other_versions(void **state)
{
    (void)state;
    ct_store_close(opened(CT_STORE_WRITE));
    execute("PRAGMA user_version=3");
    assert_int_equal(refused(CT_STORE_WRITE, "newer convtap (schema 3"), CT_REFUSED);
    assert_int_equal(refused(CT_STORE_READ, "newer convtap (schema 3"), CT_REFUSED);
    execute("PRAGMA user_version=0");
    assert_int_equal(refused(CT_STORE_READ, "older convtap"), CT_REFUSED);
}

/* What the first version wrote: refused by whoever opens it, with the remedy, and left as it is. */
static void the_first_version(void **state)
{
    (void)state;
    execute("CREATE TABLE meta(key TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT, WITHOUT ROWID;"
            "CREATE TABLE conversation(row INTEGER PRIMARY KEY NOT NULL, conversation_id TEXT NOT NULL) STRICT;"
            "INSERT INTO meta VALUES('applied',77);INSERT INTO conversation VALUES(1,'a');"
            "PRAGMA application_id=1129599025;PRAGMA user_version=1"); /* "CTP1" */
    for (int mode = CT_STORE_READ; mode <= CT_STORE_WRITE; mode++) {
        assert_int_equal(refused((enum ct_store_mode)mode, "older convtap (schema 1"), CT_REFUSED);
        assert_int_equal(refused((enum ct_store_mode)mode, "nothing was changed"), CT_REFUSED);
        assert_int_equal(refused((enum ct_store_mode)mode, "convtap serve fills it from its tape"), CT_REFUSED);
    }
    assert_int_equal(number_of("SELECT user_version FROM pragma_user_version"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM sqlite_schema"), 2);
    assert_int_equal(number_of("SELECT value FROM meta"), 77);
}

static enum ct_status count_rows(void *context, const struct ct_store_row *row)
{
    (void)row;
    ++*(int *)context;
    return CT_OK;
}

/* Of another layout of records: said, not misread; an audit again writes it anew. */
static void another_layout(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_store_filter f = anything();
    int rows = 0;
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.id = "a"}, 0);
    commit(store);
    ct_store_close(store);
    execute("UPDATE conversation SET layout=layout+1");
    store = opened(CT_STORE_WRITE);
    assert_int_equal(ct_store_each(store, &f, count_rows, &rows, &err), CT_REFUSED);
    assert_non_null(strstr(err.text, "another version"));
    expect_sound(store);
    put_one(store, &(struct tale){.id = "a"}, 0);
    assert_int_equal(ct_store_each(store, &f, count_rows, &rows, &err), CT_OK);
    assert_int_equal(rows, 1);
    ct_store_close(store);
}

static void one_writer(void **state)
{
    (void)state;
    char link[128];
    struct ct_store *store = opened(CT_STORE_WRITE);
    assert_int_equal(refused(CT_STORE_WRITE, "another process writes it"), CT_LIMIT);
    pid_t child = fork();
    if (child == 0) {
        struct ct_error err = {0};
        struct ct_store *second;
        snprintf(link, sizeof link, "%s/b.db", folder); /* the same file by another name */
        bool good = symlink(path, link) == 0 && ct_store_open(link, CT_STORE_WRITE, &second, &err) == CT_LIMIT;
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ct_store_close(store);
    ct_store_close(opened(CT_STORE_WRITE));
}

/* ---- kill -9 ---------------------------------------------------------------------------------------------------- */

enum { OF_GROUP = 25 };

/* Writes groups and says each commit's number on `to`. */
static void write_groups(int to)
{
    struct ct_error err = {0};
    struct ct_store *store;
    if (ct_store_open(path, CT_STORE_WRITE, &store, &err) != CT_OK) {
        _exit(2);
    }
    for (uint64_t group = ct_store_applied(store) + 1;; group++) {
        for (int i = 0; i < OF_GROUP; i++) {
            char id[40];
            snprintf(id, sizeof id, "c%d", (int)(group * OF_GROUP + (uint64_t)i) % 200);
            put_one(store, &(struct tale){.id = id, .messages = (uint32_t)group, .channel = "web"}, (uint32_t)group);
        }
        unsigned char number = (unsigned char)group;
        if (ct_store_commit(store, group, group % 3 == 0, &err) != CT_OK || write(to, &number, 1) != 1) {
            _exit(3);
        }
    }
}

static void killed_anywhere(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        int ends[2];
        unsigned char last = 0, got;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            write_groups(ends[1]);
        }
        close(ends[1]);
        for (unsigned i = 0; i < 1 + round % 4; i++) {
            assert_int_equal(read(ends[0], &last, 1), 1);
        }
        usleep(round * 137); /* somewhere in the next groups */
        kill(child, SIGKILL);
        while (read(ends[0], &got, 1) == 1) {
            last = got;
        }
        close(ends[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);
        struct ct_store *store = opened(CT_STORE_WRITE);
        uint64_t applied = ct_store_applied(store);
        assert_true(applied == last || applied == last + 1u); /* killed between the commit and its word */
        expect_sound(store);
        struct ct_store_stats stats;
        struct ct_error err = {0};
        assert_int_equal(ct_store_stats(store, &stats, &err), CT_OK);
        uint64_t due = applied * OF_GROUP < 200 ? applied * OF_GROUP : 200;
        assert_int_equal(stats.conversations, due); /* whole groups, nothing else */
        ct_store_close(store);
        assert_int_equal(number_of("SELECT max(revision) FROM conversation"), applied);
    }
}

/* ---- damage ----------------------------------------------------------------------------------------------------- */

static void a_sound_store(void)
{
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.id = "a", .user = "u", .channel = "web"}, 1);
    put_one(store, &(struct tale){.id = "b", .at = T0 + CT_USEC_PER_HOUR}, 1);
    put_one(store, &(struct tale){.id = "c"}, 1);
    withdraw_one(store, &(struct tale){.id = "c"}, 2);
    put_event(store, &(struct happening){.type = CT_BUSINESS_CUSTOMER_WON, .user = "u", .id = "e1"});
    put_event(store, &(struct happening){.type = CT_BUSINESS_COST, .amount = 5, .currency = "EUR"});
    commit(store);
    expect_sound(store);
    ct_store_close(store);
}

static size_t read_bytes(char *bytes, size_t room)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(bytes, 1, room, file);
    fclose(file);
    assert_true(len > 0 && len < room);
    return len;
}

static void damage_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *said;
    } damages[] = {
        {"PRAGMA foreign_keys=OFF; INSERT INTO evidence VALUES(77,0,0,0,0,'x',NULL,NULL)", "without its conversation"},
        {"INSERT INTO withdrawn VALUES(9,'a','',0,1772323200000000,5,0,0)", "withdrawn at once"},
        {"UPDATE withdrawn SET row=1", "of a withdrawn one"},
        {"DROP INDEX conversation_key; CREATE TEMP TABLE copy AS SELECT * FROM conversation WHERE row=1; "
         "UPDATE copy SET row=5; INSERT INTO conversation SELECT * FROM copy",
         "twice under one key"},
        {"UPDATE conversation SET revision=5000000000 WHERE row=1", "revision out of range"},
        {"UPDATE conversation SET json='{' WHERE row=1", "no JSON"},
        {"UPDATE conversation SET outcome='escalated' WHERE row=1", "line and columns differ"},
        {"UPDATE conversation SET user_id=NULL WHERE row=1", "line and columns differ"},
        {"UPDATE conversation SET started_at=started_at+1 WHERE row=1", "record and columns differ"},
        {"UPDATE conversation SET content_hash='0' WHERE row=1", "record and columns differ"},
        {"UPDATE conversation SET record=zeroblob(16) WHERE row=1", "record is damaged"},
        {"UPDATE conversation SET record=substr(record,1,length(record)-8) WHERE row=1", "another length"},
        {"UPDATE evidence SET end=end+1 WHERE conversation=1 AND ordinal=0", "evidence is not what its line says"},
        {"UPDATE evidence SET rule='other@1' WHERE conversation=1 AND ordinal=0", "evidence is not what its line says"},
        {"DELETE FROM evidence WHERE conversation=2 AND ordinal=1", "evidence is not what its line says"},
        {"INSERT INTO evidence VALUES(1,2,0,0,0,'x',NULL,NULL)", "evidence that its line does not have"},
        {"UPDATE sum_hour SET value=value+1 WHERE measure='messages' AND channel='web'", "hourly sum is 3"},
        {"DELETE FROM sum_hour WHERE measure='messages' AND channel='web'", "hourly sum is missing"},
        {"INSERT INTO sum_hour VALUES('messages',1772323200000000,'fax',4)", "channel \"fax\""},
        {"INSERT INTO sum_hour VALUES('messages',0,'web',4)", "in which nothing was published"},
        {"INSERT INTO sum_hour VALUES('what',1772323200000000,'web',4)", "no conversation knows"},
        {"UPDATE conversation SET sums=x'01' WHERE row=1", "sums are damaged"},
        {"UPDATE conversation SET sums=x'7f02' WHERE row=1", "sums are damaged"},
        {"UPDATE conversation SET first_published_at=first_published_at-7200000000 WHERE row=1", "hourly sum"},
        {"DELETE FROM conversation WHERE row=2", "in which nothing was published"},
        {"UPDATE conversation SET segment='smb' WHERE row=1", "record and columns differ"},
        {"UPDATE business_event SET type='moved_house' WHERE user_id='u'", "damaged: "},
        {"UPDATE business_event SET at=-9223372036854775808 WHERE user_id='u'", "it has no time"},
        {"UPDATE business_event SET id='e2' WHERE user_id='u'", "not the one that its identity says"},
        {"UPDATE business_event SET amount_nano=6 WHERE user_id=''", "not the one that its identity says"},
        {"UPDATE business_event SET text=cast(x'ff' AS TEXT) WHERE user_id='u'", "no UTF-8"},
    };
    static char whole[1 << 20];
    a_sound_store();
    size_t len = read_bytes(whole, sizeof whole);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        write_bytes(whole, len);
        execute(damages[i].sql);
        struct ct_store *store = opened(CT_STORE_READ);
        assert_int_equal(check_of(store), CT_REFUSED);
        if (!strstr(text, damages[i].said)) {
            fail_msg("%s\nfinds not \"%s\" but:\n%s", damages[i].sql, damages[i].said, text);
        }
        ct_store_close(store);
    }
}

/* Every page of the file in turn is overwritten: whatever it was, no crash; reading says an error or the right rows. */
static void pages_overwritten(void **state)
{
    (void)state;
    a_sound_store();
    static char whole[1 << 20], spoiled[1 << 20];
    size_t len = read_bytes(whole, sizeof whole), found = 0;
    assert_true(len > 8192 * 5);
    for (size_t page = 0; page < len / 8192; page++) {
        struct ct_error err = {0};
        struct ct_store *store;
        struct ct_store_filter f = anything();
        int rows = 0;
        memcpy(spoiled, whole, len);
        memset(spoiled + page * 8192 + 100 * (page == 0), 0xA5, 4000);
        write_bytes(spoiled, len);
        if (ct_store_open(path, CT_STORE_READ, &store, &err) != CT_OK) {
            assert_true(err.text[0]);
            found++;
            continue;
        }
        found += check_of(store) != CT_OK;
        (void)!ct_store_each(store, &f, count_rows, &rows, &err);
        ct_store_close(store);
        if (ct_store_open(path, CT_STORE_WRITE, &store, &err) == CT_OK) { /* put fails or not, nothing worse */
            (void)!put_with(store, &(struct tale){.id = "a", .messages = 9}, 9, NULL, &err);
            (void)!put_with(store, &(struct tale){.id = "z", .messages = 9}, 9, NULL, &err);
            (void)!ct_store_commit(store, 3, false, &err);
            ct_store_close(store);
        }
    }
    assert_true(found > len / 8192 / 2); /* free pages are nobody's loss */
}

/* ---- a full disk, and power: through SQLite's own layer to the system -------------------------------------------- */

static struct {
    bool full;
    unsigned log_syncs;
} disk;
static sqlite3_vfs *real, shim;
static sqlite3_io_methods main_real, main_shim, log_real, log_shim;

static int write_main(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    return disk.full ? SQLITE_FULL : main_real.xWrite(file, bytes, len, at);
}

static int write_log(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    return disk.full ? SQLITE_FULL : log_real.xWrite(file, bytes, len, at);
}

static int sync_log(sqlite3_file *file, int flags)
{
    disk.log_syncs++;
    return log_real.xSync(file, flags);
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    int code = real->xOpen(real, name, file, flags, out);
    if (code == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB)) {
        main_real = main_shim = *file->pMethods;
        main_shim.xWrite = write_main;
        file->pMethods = &main_shim;
    } else if (code == SQLITE_OK && (flags & SQLITE_OPEN_WAL)) {
        log_real = log_shim = *file->pMethods;
        log_shim.xWrite = write_log;
        log_shim.xSync = sync_log;
        file->pMethods = &log_shim;
    }
    return code;
}

static int use_shim(void **state)
{
    real = sqlite3_vfs_find("unix");
    shim = *real;
    shim.zName = "shim";
    shim.xOpen = shim_open;
    shim.pNext = NULL;
    memset(&disk, 0, sizeof disk);
    return sqlite3_vfs_register(&shim, 1) == SQLITE_OK ? make_folder(state) : -1;
}

static int leave_shim(void **state)
{
    sqlite3_vfs_unregister(&shim);
    sqlite3_vfs_register(real, 1);
    return remove_folder(state);
}

static void the_disk_is_full(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.id = "a", .messages = 2}, 1);
    commit(store);
    put_one(store, &(struct tale){.id = "b", .messages = 2}, 1);
    disk.full = true;
    assert_int_equal(ct_store_commit(store, 5, false, &err), CT_IO);
    assert_non_null(strstr(err.text, "disk is full"));
    assert_int_equal(ct_store_waiting(store), 0);
    disk.full = false;
    assert_int_equal(ct_store_applied(store), 0);
    put_one(store, &(struct tale){.id = "b", .messages = 3}, 2);
    assert_int_equal(ct_store_commit(store, 5, true, &err), CT_OK);
    expect_sound(store);
    ct_store_close(store);
    assert_int_equal(number_of("SELECT count(*) FROM conversation"), 2);
    assert_int_equal(number_of("SELECT sum(value) FROM sum_hour WHERE measure='messages'"), 5);
}

static void durable_means_synced(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_one(store, &(struct tale){.id = "a"}, 1);
    unsigned before = disk.log_syncs;
    commit(store);
    assert_int_equal(disk.log_syncs, before); /* left to the system */
    put_one(store, &(struct tale){.id = "b"}, 1);
    assert_int_equal(ct_store_commit(store, 1, true, &err), CT_OK);
    assert_int_equal(disk.log_syncs, before + 1);
    assert_int_equal(ct_store_commit(store, 0, true, &err), CT_OK); /* also what was committed without */
    assert_int_equal(disk.log_syncs, before + 2);
    ct_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
        T(other_files),
        T(other_versions),
        T(the_first_version),
        T(another_layout),
        T(one_writer),
        T(killed_anywhere),
        T(damage_is_found),
        T(pages_overwritten),
        cmocka_unit_test_setup_teardown(the_disk_is_full, use_shim, leave_shim),
        cmocka_unit_test_setup_teardown(durable_means_synced, use_shim, leave_shim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
