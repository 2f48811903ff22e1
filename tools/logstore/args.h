/* The command line of one verb, parsed by the tables in options.c and verbs.c. */
#ifndef TOOL_ARGS_H
#define TOOL_ARGS_H

#include "verbs.h"

struct args_value {
	enum option_id id;
	const char *value; /* NULL for an option without an argument */
};

struct args {
	const struct verb_def *verb;
	struct args_value *values; /* in the order given */
	size_t value_count;
	char **operands;
	int operand_count;
};

/*
 * Parses what follows the verb (argv[0] is the verb). Prints what is wrong and returns EXIT_STATUS_USAGE,
 * or 0. After success free with args_fini().
 */
int args_parse(struct args *args, const struct verb_def *verb, int argc, char **argv);
void args_fini(struct args *args);

bool args_has(const struct args *args, enum option_id id);
/* The last one given, or NULL. */
const char *args_value(const struct args *args, enum option_id id);
/* One after another: *at begins with 0. NULL at the end. */
const char *args_next(const struct args *args, enum option_id id, size_t *at);
/* Values checked by args_parse(): ARG_NUMBER, ARG_INTEGER and ARG_SIZE. */
int64_t args_int(const struct args *args, enum option_id id, int64_t otherwise);
uint64_t args_size(const struct args *args, enum option_id id, uint64_t otherwise);

#endif
