#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/error_text.h"

static void set_path(struct logstore_error *err, const char *path)
{
	size_t size = path ? strlen(path) : 0;

	/* The end of a path says more than its beginning. */
	if (size >= sizeof err->path) {
		(void)snprintf(err->path, sizeof err->path, "...%s", path + (size - (sizeof err->path - 4)));
		return;
	}
	memcpy(err->path, path ? path : "", size + 1);
}

static void reset(struct logstore_error *err, int code)
{
	memset(err, 0, offsetof(struct logstore_error, path));
	err->code = code;
	err->sys_errno = code < 0 && code > -4096 ? -code : 0;
	err->offset = -1;
	err->position = -1;
	err->record_index = -1;
	err->path[0] = '\0';
	err->text[0] = '\0';
}

int ls_error(struct logstore_error *err, int code, const char *format, ...)
{
	va_list args;

	LS_ASSERT(code < 0);
	if (err) {
		reset(err, code);
		va_start(args, format);
		(void)vsnprintf(err->text, sizeof err->text, format, args); /* a cut sentence will do */
		va_end(args);
	}
	return code;
}

int ls_error_io(struct logstore_error *err, int code, const char *what, const char *path)
{
	int sys_errno = -code;

	LS_ASSERT(code < 0);
	if (code <= -4096 && (!err || err->code == code))
		return ls_error_at(err, code, path, -1, -1); /* raised further inside, which knew more */
	if (code == -ENOSPC || code == -EDQUOT || code == -EFBIG)
		code = LOGSTORE_E_FULL;
	if (err) {
		reset(err, code);
		err->sys_errno = sys_errno;
		set_path(err, path);
		(void)snprintf(err->text, sizeof err->text, "%s: %s", what, ls_error_text(-sys_errno));
	}
	return code;
}

int ls_corrupt(struct logstore_error *err, int code, const char *path, int64_t position, const char *format, ...)
{
	va_list args;

	LS_ASSERT(code < -4096);
	if (err) {
		reset(err, code);
		set_path(err, path);
		err->position = position;
		va_start(args, format);
		(void)vsnprintf(err->text, sizeof err->text, format, args); /* a cut sentence will do */
		va_end(args);
	}
	return code;
}

int ls_error_at(struct logstore_error *err, int code, const char *path, int64_t position, int64_t offset)
{
	if (err && code < 0) {
		if (err->path[0] == '\0' && path) {
			set_path(err, path);
			err->position = position;
		}
		if (err->offset < 0)
			err->offset = offset;
	}
	return code;
}
