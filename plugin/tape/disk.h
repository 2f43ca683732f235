/* disk.h - what the writer asks of the disk, as a table: so that tests can let it fail where they like.
 *
 * Each function is as the system call it stands for: -1 and errno where it fails.
 */
#ifndef CT_TAPE_DISK_H
#define CT_TAPE_DISK_H

#include <sys/uio.h>

#include "plugin/tape/tape.h"

struct ct_tape_disk {
    void *context;
    int (*create)(void *context, int folder, const char *name); /* new and empty, read and write, 0600 */
    ssize_t (*write)(void *context, int file, const struct iovec *parts, int count, int64_t offset);
    int (*sync)(void *context, int file); /* its data are on the disk */
    int (*truncate)(void *context, int file, int64_t size);
    int (*sync_folder)(void *context, int folder);
};
extern const struct ct_tape_disk ct_tape_disk_real;

/* As ct_tape_open, on another disk; the table and its context must outlive the tape. */
enum ct_status ct_tape_open_on(const struct ct_tape_options *options, const struct ct_tape_disk *disk,
                               struct ct_tape **out, struct ct_tape_opened *opened, struct ct_error *err) CT_MUST_USE;

#endif
