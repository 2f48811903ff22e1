/* What the parts of `logstore dump` share. */
#ifndef TOOL_DUMP_H
#define TOOL_DUMP_H

#include "batch_out.h"
#include "record_out.h"
#include "target.h"
#include "tool.h"

struct dump {
	struct tool *tool;
	bool json;
	bool records;
	bool skip_damaged;
	bool headings;
	bool many;          /* more than one partition or file: they are named */
	int64_t from;       /* INT64_MIN: from the beginning */
	uint64_t left;      /* batches or records still to be shown */
	uint64_t max_bytes; /* of each log; UINT64_MAX: all */
	uint64_t damaged;   /* batches */
	bool stopped;       /* at one of them, which was said */
	bool named;         /* a name was printed */
	bool heading_done;  /* the table of batches has its first line */
	struct record_out record_out;
	struct batch_out batch_out;
};

/* Whether to stop: enough shown, a signal, or nobody to write to. */
bool dump_done(const struct dump *dump);

/* Names what follows, in text, where it is not clear. @name may be NULL. */
void dump_heading(struct dump *dump, const char *label, const char *name);

/* One log file, batch by batch. @tail: it is the last one of its partition. Returns an exit status. */
int dump_log(struct dump *dump, const char *label, const char *path, const char *name, bool tail);

/* Any other file, entry by entry. */
int dump_entries(struct dump *dump, const struct target *target);

/* What a read_committed consumer gets from a partition, or from all of a data directory. */
int dump_committed(struct dump *dump, const struct target *target);

#endif
