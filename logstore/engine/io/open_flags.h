/* Private to this folder: which combinations of LOGSTORE_IO_* an open accepts, the same in every table. */
#ifndef LS_IO_OPEN_FLAGS_H
#define LS_IO_OPEN_FLAGS_H

#include <logstore/io.h>

static inline bool ls_io_open_flags_valid(unsigned flags)
{
	const unsigned known = LOGSTORE_IO_READ | LOGSTORE_IO_WRITE | LOGSTORE_IO_CREATE |
	                       LOGSTORE_IO_EXCLUSIVE | LOGSTORE_IO_TRUNCATE;

	if (flags & ~known)
		return false;
	if (!(flags & (LOGSTORE_IO_READ | LOGSTORE_IO_WRITE)))
		return false;
	if ((flags & LOGSTORE_IO_EXCLUSIVE) && !(flags & LOGSTORE_IO_CREATE))
		return false;
	/* What O_TRUNC does to a file opened for reading is left open by POSIX. */
	return !(flags & LOGSTORE_IO_TRUNCATE) || (flags & LOGSTORE_IO_WRITE);
}

#endif
