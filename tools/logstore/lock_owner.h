/* Who holds the lock of a data directory. */
#ifndef TOOL_LOCK_OWNER_H
#define TOOL_LOCK_OWNER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes "process 812 (java)" or "another process". Returns false if nobody holds the lock, or it cannot
 * be told. Takes no lock itself.
 */
bool lock_owner_describe(const char *directory, char *to, size_t size);

#endif
