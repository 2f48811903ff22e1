/*
 * Filling in the caller's struct logstore_error. All take a null `err`. Each returns the code it was
 * given, so that raising an error is one statement: return ls_error(err, -EINVAL, "...").
 * Corruption is raised through ls_corrupt*() alone: one place for a breakpoint.
 */
#ifndef LS_BASE_ERROR_H
#define LS_BASE_ERROR_H

#include <logstore/error.h>

int ls_error(struct logstore_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * A failed system call on a file; `code` is -errno. ENOSPC, EDQUOT and EFBIG become LOGSTORE_E_FULL. A
 * library code that was raised further inside keeps what it says; one that nobody filled in is filled in here.
 */
int ls_error_io(struct logstore_error *err, int code, const char *what, const char *path);

/* Damaged bytes at a position of a file, or of a buffer when path is NULL. */
int ls_corrupt(struct logstore_error *err, int code, const char *path, int64_t position, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Adds where to an error raised further inside, if it does not say yet; returns err's code unchanged. */
int ls_error_at(struct logstore_error *err, int code, const char *path, int64_t position, int64_t offset);

#endif
