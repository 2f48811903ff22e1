/*
 * Messages on standard error. Each is put together in memory and written with one call, so that lines of
 * the library's threads do not mix.
 */
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit_status.h"
#include "human.h"
#include "lock_owner.h"

#define LINE_MAX_BYTES 2048

static void print_line(const char *prefix, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void print_line(const char *prefix, const char *format, va_list args)
{
	char line[LINE_MAX_BYTES];
	size_t used;

	(void)snprintf(line, sizeof line, "%s", prefix);
	used = strlen(line);
	(void)vsnprintf(line + used, sizeof line - used - 1, format, args); /* a cut line will do */
	used = strlen(line);
	line[used++] = '\n';
	(void)!write(STDERR_FILENO, line, used); /* nowhere left to complain to */
}

int report_message(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line("logstore: ", format, args);
	va_end(args);
	return status;
}

int report_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line("logstore ", format, args);
	va_end(args);
	return EXIT_STATUS_USAGE;
}

void report_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line("logstore: note: ", format, args);
	va_end(args);
}

void report_logger(void *ctx, enum logstore_log_level level, const char *message)
{
	(void)ctx;
	if (level <= LOGSTORE_LOG_WARNING)
		report_note("%s", message);
}

int report_status_of(int code)
{
	if (code == 0)
		return EXIT_STATUS_OK;
	if (code > -4096)
		return EXIT_STATUS_OPERATIONAL;
	switch (code) {
	case LOGSTORE_E_LOCKED:
	case LOGSTORE_E_UNCLEAN:
	case LOGSTORE_E_OFFLINE:
	case LOGSTORE_E_FULL:
	case LOGSTORE_E_BUSY:
	case LOGSTORE_E_STALE:
	case LOGSTORE_E_NOT_A_PARTITION:
	case LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION:
		return EXIT_STATUS_OPERATIONAL;
	default:
		return EXIT_STATUS_FAILED;
	}
}

/* What to do about it, or NULL. */
static const char *next_step(int code)
{
	switch (code) {
	case LOGSTORE_E_LOCKED:
		return "writing needs the owner to stop; stat, dump, read and verify work beside it";
	case LOGSTORE_E_UNCLEAN:
		return "stat, dump, read and verify can look at it as it is";
	case LOGSTORE_E_CORRUPT_MESSAGE:
	case LOGSTORE_E_CORRUPT_FILE:
	case LOGSTORE_E_LIMIT_EXCEEDED:
		return "logstore verify lists all damage";
	case LOGSTORE_E_UNKNOWN_TOPIC_OR_PARTITION:
		return "logstore stat on the data directory lists what there is";
	case LOGSTORE_E_PARTITION_EXISTS:
		return "logstore append adds to it";
	case LOGSTORE_E_MESSAGE_TOO_LARGE:
		return "-c max.message.bytes=N raises the limit for this run";
	case LOGSTORE_E_RECORD_LIST_TOO_LARGE:
		return "-c segment.bytes=N raises the limit for this run";
	case LOGSTORE_E_OFFSET_OUT_OF_RANGE:
		return "logstore offsets shows the range";
	case LOGSTORE_E_FULL:
	case -ENOSPC:
		return "free some space and try again";
	default:
		return NULL;
	}
}

/* " at byte 18,331,904 (offset 710200)", as far as it is known. */
static void describe_place(char *to, size_t size, const struct logstore_error *error)
{
	char number[HUMAN_MAX];
	size_t used = 0;

	to[0] = '\0';
	/* Without a file it is a position in memory, which says nothing to the user. */
	if (error->position >= 0 && error->path[0] != '\0') {
		(void)snprintf(to, size, ", at byte %s", human_count(number, error->position));
		used = strlen(to);
	}
	if (error->offset >= 0)
		(void)snprintf(to + used, size - used, "%soffset %lld%s", used > 0 ? " (" : ", ",
		               (long long)error->offset, used > 0 ? ")" : "");
}

/* " (owner 812, mode 0600)" for a file that may not be read. */
static void describe_owner(char *to, size_t size, const struct logstore_error *error, const char *path)
{
	struct stat st;

	to[0] = '\0';
	if (error->sys_errno == EACCES && stat(path, &st) == 0)
		(void)snprintf(to, size, " (owner %u, mode %04o)", (unsigned)st.st_uid,
		               (unsigned)st.st_mode & 07777u);
}

int report_error(const struct logstore_error *error, const char *path)
{
	const char *where = error->path[0] != '\0' ? error->path : path;
	const char *what = error->text[0] != '\0' ? error->text : logstore_strerror(error->code);
	const char *next = next_step(error->code);
	size_t size = strlen(what);
	char place[96];
	char detail[160];

	if (size > 0 && what[size - 1] == '.')
		size--; /* more follows in the same sentence */
	describe_place(place, sizeof place, error);
	if (error->code == LOGSTORE_E_LOCKED && lock_owner_describe(path, detail, sizeof detail))
		return report_message(EXIT_STATUS_OPERATIONAL, "%s: in use by %s: %s", path, detail, next);
	describe_owner(detail, sizeof detail, error, where);
	return report_message(report_status_of(error->code), "%s: %.*s%s%s%s%s%s", where, (int)size, what,
	                      place, detail, next ? " (" : "", next ? next : "", next ? ")" : "");
}

int report_errno(int error_number, const char *path)
{
	struct logstore_error error = {
		.code = -error_number, .sys_errno = error_number, .offset = -1, .position = -1};

	return report_error(&error, path);
}
