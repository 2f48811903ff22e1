/*
 * Talking to the user on standard error: one line "logstore: PATH: what (next step)". Functions that
 * report a failure return the exit status that goes with it.
 */
#ifndef TOOL_REPORT_H
#define TOOL_REPORT_H

#include <logstore/env.h>
#include <logstore/error.h>

/* "logstore: ..." */
int report_message(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "logstore VERB: ...": a wrong command line. Returns EXIT_STATUS_USAGE. */
int report_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A remark that is no failure: "logstore: note: ...". */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * What a library function returned: @path is named if @error does not name a file. A next step is added
 * where one is known; for a locked directory also who owns it.
 */
int report_error(const struct logstore_error *error, const char *path);

/* errno of a failed system call on @path. */
int report_errno(int error_number, const char *path);

/* The exit status for what a library function returned (0 gives 0). */
int report_status_of(int code);

/* Warnings and errors of the library become notes. */
void report_logger(void *ctx, enum logstore_log_level level, const char *message);

#endif
