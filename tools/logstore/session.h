/* An open store and partition for the length of one verb. */
#ifndef TOOL_SESSION_H
#define TOOL_SESSION_H

#include <logstore/logstore.h>

#include "target.h"
#include "tool.h"

enum session_mode {
	SESSION_READ, /* no lock, nothing written */
	SESSION_WRITE,
	SESSION_CREATE, /* as WRITE; makes the data directory if it is missing */
};

/* For verbs that write: READ in a dry run, else WRITE. */
enum session_mode session_write_mode(const struct tool *tool);

struct session {
	logstore *store;
	logstore_partition *part; /* or NULL */
	const char *data_dir;
};

/*
 * Opens a data directory. Like all functions here: 0, or it has printed what is wrong and returns an exit
 * status. On failure nothing is open.
 */
int session_open(struct session *session, const struct tool *tool, const char *data_dir,
                 enum session_mode mode);

/* Opens a data directory and one of its partitions, with the -c settings of the command line over its own. */
int session_open_partition(struct session *session, const struct tool *tool, const struct target *target,
                           enum session_mode mode);

/* Opens another partition of an open session in place of the present one. */
int session_switch(struct session *session, const struct logstore_listing *listing);

/* Lays the -c settings over the open partition. */
int session_override(struct session *session, const struct tool *tool);

/* Closes what is open. @status is what the verb has so far; a failure to close takes the place of 0. */
int session_close(struct session *session, int status);

/* The -c settings of the command line, or NULL if there are none. Free with logstore_config_free(). */
int session_config(const struct tool *tool, logstore_config **ret_config);

/* NAME=VALUE into @config; @text was checked to have the form. */
int session_config_set(const struct tool *tool, logstore_config *config, const char *option,
                       const char *text);

#endif
