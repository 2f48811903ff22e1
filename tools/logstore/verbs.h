/*
 * The table of verbs: what each is called, how its help reads and which function runs it. A run function
 * returns an exit status; it has printed what went wrong.
 */
#ifndef TOOL_VERBS_H
#define TOOL_VERBS_H

#include "options.h"

struct tool;

struct example {
	const char *command;
	const char *what;
};

struct verb_def {
	enum verb_id id;
	const char *name;
	const char *operands; /* in help, for example "PATH [FILE...]" */
	int min_operands;
	int max_operands;        /* -1: any number */
	const char *summary;     /* one line */
	const char *description; /* paragraphs, with an empty line between them */
	struct example examples[5];
	int (*run)(struct tool *tool);
};

extern const struct verb_def verb_table[VERB_COUNT];

/* NULL if there is none. */
const struct verb_def *verb_find(const char *name);

int verb_append(struct tool *tool);
int verb_completion(struct tool *tool);
int verb_config(struct tool *tool);
int verb_create(struct tool *tool);
int verb_delete(struct tool *tool);
int verb_delete_records(struct tool *tool);
int verb_dump(struct tool *tool);
int verb_help(struct tool *tool);
int verb_offsets(struct tool *tool);
int verb_read(struct tool *tool);
int verb_stat(struct tool *tool);
int verb_truncate(struct tool *tool);
int verb_verify(struct tool *tool);
int verb_version(struct tool *tool);

#endif
