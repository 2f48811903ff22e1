/*
 * The one table of options. Parsing (args.c), `logstore help` (help.c), shell completion (completion.c)
 * and the man pages (man.c) all read it; an option that is not here does not exist.
 */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verb_id {
	VERB_APPEND,
	VERB_COMPLETION,
	VERB_CONFIG,
	VERB_CREATE,
	VERB_DELETE,
	VERB_DELETE_RECORDS,
	VERB_DUMP,
	VERB_HELP,
	VERB_OFFSETS,
	VERB_READ,
	VERB_STAT,
	VERB_TRUNCATE,
	VERB_VERIFY,
	VERB_VERSION,
	VERB_COUNT,
};

enum option_id {
	OPT_ALL,
	OPT_BATCH_BYTES,
	OPT_BATCH_RECORDS,
	OPT_BEFORE,
	OPT_BYTES,
	OPT_CODEC,
	OPT_COLOR,
	OPT_COMMITTED,
	OPT_CONFIG,
	OPT_COUNT,
	OPT_CREATE,
	OPT_DELIMITER,
	OPT_DRY_RUN,
	OPT_EXACT,
	OPT_FILES,
	OPT_FOLLOW,
	OPT_FORMAT,
	OPT_FROM,
	OPT_HELP,
	OPT_HW,
	OPT_INDEXES,
	OPT_JSON,
	OPT_KEEP_OFFSETS,
	OPT_KEY_DELIMITER,
	OPT_LEVEL,
	OPT_MAN,
	OPT_MAX_BYTES,
	OPT_NO_HEADINGS,
	OPT_NOW,
	OPT_NULL_DATA,
	OPT_EMPTY_NULL,
	OPT_QUICK,
	OPT_QUIET,
	OPT_RECORDS,
	OPT_SEGMENTS,
	OPT_SET,
	OPT_SKIP_DAMAGED,
	OPT_TIME,
	OPT_TO,
	OPT_TOPIC_ID,
	OPT_UNSET,
	OPT_WHOLE_BATCH,
};

/* What an option's argument is: parsing checks it, completion proposes it. */
enum argument_kind {
	ARG_NONE,
	ARG_TEXT,
	ARG_FILES,   /* file names with commas between them */
	ARG_NUMBER,  /* 0 or more */
	ARG_INTEGER, /* any */
	ARG_SIZE,    /* bytes, or with K, M, G */
	ARG_CHOICE,  /* one of `choices` */
	ARG_SETTING, /* NAME=VALUE */
	ARG_NAME,    /* name of a setting */
};

struct option_def {
	enum option_id id;
	uint32_t verbs;  /* bits 1 << enum verb_id */
	char short_name; /* or 0 */
	enum argument_kind kind;
	const char *name;
	const char *argument; /* its name in help; NULL with ARG_NONE */
	const char *choices;  /* ARG_CHOICE: words with blanks between them */
	const char *group;    /* heading in help; NULL: hidden */
	const char *help;
};

#define VERB_BIT(verb) (UINT32_C(1) << (verb))

/* The next option of a verb at or after *at, which moves behind it; NULL at the end. */
const struct option_def *options_next(enum verb_id verb, size_t *at);

/* Most options a verb has. */
#define OPTIONS_MAX 40

#endif
