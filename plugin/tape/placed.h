/* placed.h - a small file that is there whole or not at all: what is to survive a crash beside the tape (which
 * conversations are open, which alarms stand).
 */
#ifndef CT_TAPE_PLACED_H
#define CT_TAPE_PLACED_H

#include "engine/ct.h"

/* Writes `count` pieces to PATH.new (0600, no link is followed), syncs it, renames it to PATH and syncs the folder.
 * CT_IO: *err says which file and why; PATH is then as it was, and PATH.new is gone. */
enum ct_status ct_placed_write(const char *path, const ct_span *pieces, size_t count, struct ct_error *err) CT_MUST_USE;

#endif
