/* folder.h - a tape's folder: its segments by position, its lock. For the writer, the reader and the keeper. */
#ifndef CT_TAPE_FOLDER_H
#define CT_TAPE_FOLDER_H

#include "plugin/tape/tape.h"

enum { CT_SEGMENT_NAME = 40 }; /* room for a name with its zero */
#define CT_SEGMENT_RAW ".tape"
#define CT_SEGMENT_PACKED ".tape.zst"
#define CT_SEGMENT_PACKING ".tape.zst.tmp"

struct ct_segment_file {
    uint64_t base;
    uint64_t disk_bytes; /* 0 where the caller did not ask */
    ct_usec created;     /* the header's; CT_USEC_NONE = not read */
    bool raw, packed;    /* which of the two files there are; raw wins */
};
struct ct_segment_list {
    struct ct_segment_file *at; /* by base, rising */
    size_t count, room;
};

/* "00000000000003e8.tape"; `out` has CT_SEGMENT_NAME bytes. */
void ct_segment_name(uint64_t base, const char *suffix, char *out);
/* The segments there are. `list` may hold an earlier list: its memory is used again. With `stale` not NULL it is called
 * with the name of each file that a crash left behind (half packed). */
enum ct_status ct_folder_list(int folder, struct ct_segment_list *list, void (*stale)(int folder, const char *name),
                              struct ct_error *err) CT_MUST_USE;
enum ct_status ct_segment_list_add(struct ct_segment_list *list, const struct ct_segment_file *segment) CT_MUST_USE;
void ct_segment_list_done(struct ct_segment_list *list);
/* The last segment whose base is at or before `position`; SIZE_MAX = none. */
size_t ct_segment_list_find(const struct ct_segment_list *list, uint64_t position);

/* Opens the folder, making it and its parents (0700) where they are missing. -1: *err. */
int ct_folder_open(const char *path, bool make, struct ct_error *err);
/* Takes the writer's lock. CT_LIMIT: another has it, *err says which process. *lock is closed to give it back. */
enum ct_status ct_folder_lock(int folder, const char *path, int *lock, struct ct_error *err) CT_MUST_USE;
/* Is there a writer now? */
bool ct_folder_is_locked(int folder);

#endif
