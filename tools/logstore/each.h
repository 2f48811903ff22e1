/* Running the same thing for every partition of a PATH, opened read-only. */
#ifndef TOOL_EACH_H
#define TOOL_EACH_H

#include "session.h"

/* @session has the partition open; returns an exit status. */
typedef int (*each_fn)(void *arg, struct session *session, const char *label);

/*
 * Calls @fn for the partition at @path, or for all of the data directory there. A partition that cannot be
 * opened does not keep the others from their turn. Returns the worst exit status.
 */
int each_partition(const struct tool *tool, const char *path, each_fn fn, void *arg);

#endif
