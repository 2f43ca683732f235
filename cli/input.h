/* input.h - the files an audit reads: found, opened, decompressed, hashed.
 *
 * A path is a file, a folder (read recursively, hidden names left out) or "-". A file that is reached by two paths (
 * links, ./a and a) is read once. Whatever order they were named in, they
 * are read in the order of their paths, so that the same files always give the same result.
 */
#ifndef CT_INPUT_H
#define CT_INPUT_H

#include "parsers/parser.h"

struct ct_input_file {
    char *path;
    char *error;            /* why it cannot be read; NULL = it can */
    uint64_t bytes;         /* size on disk; 0 where not known */
    uint64_t device, inode; /* which file it is, whatever its path; 0, 0 where it is no regular file */
};
struct ct_input_list {
    struct ct_input_file *files;
    size_t count;
};
/* Never fails on a single path: what cannot be read stands in the list with its error. CT_NO_MEMORY. */
enum ct_status ct_inputs_find(char *const *paths, size_t path_count, struct ct_input_list *out) CT_MUST_USE;
void ct_inputs_done(struct ct_input_list *list);

/* How some of the files are written: those that a pattern names. */
struct ct_input_writing {
    const char *files;              /* "crm-*.csv": see ct_input_fits */
    const struct ct_parser *format; /* NULL = as for all the others */
    const struct ct_option_value *options;
    size_t option_count;
};
/* '*', '?' and '[a-z]' stand for what a shell has them stand for, within a name. A pattern without '/' is of the file's
 * name, one with some of as many of the last folders, one that begins with it of the whole path. The ending of a
 * compressed file (.gz, .zst) may be left out. */
bool ct_input_fits(const char *pattern, const char *path);

/* One opened file. gzip and zstd are told by their first bytes, not by their names. */
struct ct_reader;
/* `hash`: also work out the SHA-256 of the bytes on disk. NULL = *err says why. */
struct ct_reader *ct_reader_open(const char *path, bool hash, struct ct_error *err);
/* Up to `capacity` decompressed bytes; *got 0 = the end. CT_IO: unreadable; CT_REFUSED: the compressed stream is broken
 * or cut off (what came before it was good). */
enum ct_status ct_reader_read(struct ct_reader *reader, char *to, size_t capacity, size_t *got,
                              struct ct_error *err) CT_MUST_USE;
uint64_t ct_reader_disk_bytes(const struct ct_reader *reader); /* read from disk so far */
/* After the end: 64 hex digits and NUL; "" where hashing was not asked for. Reads what is left of the file first. */
void ct_reader_hash(struct ct_reader *reader, char out[65]);
void ct_reader_close(struct ct_reader *reader);

/* A whole small file (rules, configuration, a time zone): NUL-terminated, free() it. NULL = *err. */
char *ct_file_read(const char *path, size_t limit_bytes, size_t *len, struct ct_error *err);

#endif
