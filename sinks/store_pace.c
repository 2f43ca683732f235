/* store_pace.c - a store that is written beside threads that serve: ct_store_pace in store.h.
 *
 * SQLite writes a group's pages into its log, and the log's pages into the file, in one call of some milliseconds. The
 * only place between two pages is the files' own write: theirs is replaced by one that calls back after every few.
 */
#include "sinks/store_state.h"

enum { WRITES_A_LOOK = 4 }; /* some 20 us */

static int write_paced(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
    struct ct_store_paced *paced = (struct ct_store_paced *)(uintptr_t)file->pMethods;
    if (++paced->writes % WRITES_A_LOOK == 0) {
        paced->between();
    }
    return paced->plain->xWrite(file, bytes, len, offset);
}

static void pace(struct ct_store *store, int which, struct ct_store_paced *paced, void (*between)(void))
{
    enum { METHODS_VERSION = 3 }; /* that this was compiled with: what a newer library adds was not copied */
    sqlite3_file *file = NULL;
    if (sqlite3_file_control(store->db, "main", which, &file) == SQLITE_OK && file && file->pMethods &&
        file->pMethods->iVersion >= METHODS_VERSION && file->pMethods->xWrite != write_paced) {
        paced->methods = *file->pMethods;
        paced->methods.iVersion = METHODS_VERSION;
        paced->methods.xWrite = write_paced;
        paced->plain = file->pMethods;
        paced->between = between;
        file->pMethods = &paced->methods;
    }
}

void ct_store_pace(struct ct_store *store, void (*between)(void))
{
    pace(store, SQLITE_FCNTL_FILE_POINTER, &store->file, between);
    pace(store, SQLITE_FCNTL_JOURNAL_POINTER, &store->log, between);
}
