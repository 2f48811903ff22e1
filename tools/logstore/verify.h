/* What the parts of `logstore verify` share. */
#ifndef TOOL_VERIFY_H
#define TOOL_VERIFY_H

#include <logstore/inspect.h>

#include "target.h"
#include "tool.h"

/* Findings kept for the report of one partition; the rest is counted. */
#define VERIFY_FINDINGS_SHOWN 100

struct verify {
	struct tool *tool;
	bool json;
	int64_t begun_ms;    /* of the whole run */
	int64_t progress_ms; /* last time progress was shown; 0: not yet */
	bool progress_on;

	const char *label;                  /* what is being checked */
	bool directory;                     /* it is a data directory without its partitions */
	char *shown[VERIFY_FINDINGS_SHOWN]; /* lines about its findings */
	size_t shown_count;
	uint64_t findings[3]; /* of it, by severity */

	uint64_t total_findings[3];
	uint64_t total_bytes;
	uint64_t unchecked;       /* what could not be checked, or not all of it */
	char unchecked_text[512]; /* their names, as many as fit */
	char unclean[PATH_MAX];   /* a data directory that was not closed cleanly, or empty */
	int status;               /* exit status, bits combined */
};

/*
 * Begins with a partition, a directory or a file; ends it with a line of the report. @result is NULL if it
 * could not be checked.
 */
void verify_begin(struct verify *verify, const char *label);
void verify_end(struct verify *verify, const struct logstore_verify_result *result);

/* Callbacks of the library; the argument is a struct verify. */
int verify_finding(void *arg, const struct logstore_finding *finding);
int verify_progress(void *arg, uint64_t done, uint64_t total);

/* Totals and the next step. */
void verify_summary(struct verify *verify, const char *path);

/* One file alone. Returns 0 or an exit status, having printed what is wrong. */
int verify_file(struct verify *verify, const struct target *target,
                struct logstore_verify_result *ret_result);

#endif
