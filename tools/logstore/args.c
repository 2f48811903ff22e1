/*
 * getopt_long(3) driven by the option table. Values are checked against the kind of argument here, so that
 * verbs can take numbers and choices as they come.
 */
#include "args.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "exit_status.h"
#include "parse.h"
#include "report.h"

/* What getopt_long() returns for the option at index i of the verb: above every character. */
#define LONG_BASE 1000

struct getopt_tables {
	struct option longs[OPTIONS_MAX + 1];
	char shorts[2 * OPTIONS_MAX + 2];
	const struct option_def *defs[OPTIONS_MAX];
	int count;
};

static void tables_fill(struct getopt_tables *tables, enum verb_id verb)
{
	const struct option_def *def;
	size_t at = 0;
	char *to = tables->shorts;

	memset(tables, 0, sizeof *tables);
	*to++ = ':'; /* a missing argument is told from an unknown option */
	while (tables->count < OPTIONS_MAX && (def = options_next(verb, &at)) != NULL) {
		tables->defs[tables->count] = def;
		tables->longs[tables->count] = (struct option){
			.name = def->name,
			.has_arg = def->kind == ARG_NONE ? no_argument : required_argument,
			.val = LONG_BASE + tables->count,
		};
		if (def->short_name != 0) {
			*to++ = def->short_name;
			if (def->kind != ARG_NONE)
				*to++ = ':';
		}
		tables->count++;
	}
}

static const struct option_def *tables_find(const struct getopt_tables *tables, int found)
{
	if (found >= LONG_BASE)
		return tables->defs[found - LONG_BASE];
	for (int i = 0; i < tables->count; i++) {
		if (tables->defs[i]->short_name == found)
			return tables->defs[i];
	}
	return NULL;
}

/* "none gzip snappy" as "none, gzip, snappy". */
static void list_choices(const char *choices, char *to, size_t size)
{
	size_t at = 0;

	for (; *choices != '\0' && at + 3 < size; choices++) {
		if (*choices == ' ')
			to[at++] = ',';
		to[at++] = *choices;
	}
	to[at] = '\0';
}

static bool is_choice(const char *choices, const char *value)
{
	size_t size = strlen(value);

	for (const char *word = choices; word; word = strchr(word, ' ') ? strchr(word, ' ') + 1 : NULL) {
		if (strncmp(word, value, size) == 0 && (word[size] == ' ' || word[size] == '\0'))
			return size > 0;
	}
	return false;
}

static int check_value(const char *verb, const struct option_def *def, const char *value)
{
	int64_t number;
	uint64_t bytes;
	char list[128];

	switch (def->kind) {
	case ARG_NUMBER:
		if (parse_int(value, &number) && number >= 0)
			return 0;
		return report_usage("%s: --%s: \"%s\" is no number of 0 or more", verb, def->name, value);
	case ARG_INTEGER:
		if (parse_int(value, &number))
			return 0;
		return report_usage("%s: --%s: \"%s\" is no number", verb, def->name, value);
	case ARG_SIZE:
		if (parse_size(value, &bytes))
			return 0;
		return report_usage("%s: --%s: \"%s\" is no size such as 65536, 64K or 1M", verb, def->name,
		                    value);
	case ARG_CHOICE:
		if (is_choice(def->choices, value))
			return 0;
		list_choices(def->choices, list, sizeof list);
		return report_usage("%s: --%s: \"%s\" is none of %s", verb, def->name, value, list);
	case ARG_SETTING:
		if (strchr(value, '=') && value[0] != '=')
			return 0;
		return report_usage("%s: --%s: \"%s\" is not NAME=VALUE", verb, def->name, value);
	case ARG_NONE:
	case ARG_TEXT:
	case ARG_FILES:
	case ARG_NAME:
		break;
	}
	return 0;
}

/* Longest name of an option that is compared with what was typed. */
#define NAME_LIMIT 32

/* How many letters have to be typed, left out, replaced or swapped with the next to make @a of @b. */
static size_t edits(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t rows[3][NAME_LIMIT + 1]; /* of a prefix of @a two shorter, one shorter, and itself */

	for (size_t j = 0; j <= b_size; j++)
		rows[0][j] = rows[1][j] = rows[2][j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		memcpy(rows[0], rows[1], sizeof rows[0]);
		memcpy(rows[1], rows[2], sizeof rows[1]);
		rows[2][0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			size_t best = rows[1][j - 1] + (a[i - 1] != b[j - 1]);

			if (rows[1][j] + 1 < best)
				best = rows[1][j] + 1;
			if (rows[2][j - 1] + 1 < best)
				best = rows[2][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    rows[0][j - 2] + 1 < best)
				best = rows[0][j - 2] + 1;
			rows[2][j] = best;
		}
	}
	return rows[2][b_size];
}

/* The option most like a name of @size letters: two mistakes away at most, or the one it begins. */
static const char *guess_option(const struct getopt_tables *tables, const char *name, size_t size)
{
	const char *best = NULL;
	size_t best_edits = 3;

	for (int i = 0; i < tables->count; i++) {
		const char *candidate = tables->defs[i]->name;
		size_t candidate_size = strlen(candidate);
		size_t count;

		if (size > NAME_LIMIT || candidate_size > NAME_LIMIT)
			continue;
		count = size > 2 ? edits(name, size, candidate, candidate_size) : 3;
		if (count > 2 && size > 0 && strncmp(name, candidate, size) == 0)
			count = 2;
		if (count < best_edits) {
			best_edits = count;
			best = candidate;
		}
	}
	return best;
}

static int report_unknown_long(const struct getopt_tables *tables, const char *verb, const char *word)
{
	const char *name = word + 2;
	size_t size = strcspn(name, "=");
	const char *guess = guess_option(tables, name, size);

	if (guess && strlen(guess) == size && strncmp(guess, name, size) == 0)
		return report_usage("%s: --%s takes no argument", verb, guess);
	if (guess)
		return report_usage("%s: no such option --%.*s; did you mean --%s?", verb, (int)size, name,
		                    guess);
	return report_usage("%s: no such option --%.*s here; logstore help %s lists them", verb, (int)size,
	                    name, verb);
}

static int report_unknown(const struct getopt_tables *tables, const char *verb, const char *word,
                          int short_name)
{
	if (word[0] == '-' && word[1] == '-')
		return report_unknown_long(tables, verb, word);
	return report_usage("%s: -%c: no such option here; logstore help %s lists them", verb, short_name,
	                    verb);
}

/* getopt_long() takes the beginning of a name for the name; a later option could change what it means. */
static bool is_abbreviation(const struct option_def *def, const char *word)
{
	size_t size = strlen(def->name);

	return strncmp(word + 2, def->name, size) != 0 || (word[2 + size] != '\0' && word[2 + size] != '=');
}

static int take_options(struct args *args, const struct getopt_tables *tables, int argc, char **argv)
{
	const char *verb = args->verb->name;

	optind = 0; /* glibc: start afresh */
	opterr = 0;
	for (;;) {
		int found = getopt_long(argc, argv, tables->shorts, tables->longs, NULL);
		const struct option_def *def;
		const char *word;
		int status;

		if (found == -1)
			return 0;
		if (found == '?')
			return report_unknown(tables, verb, argv[optind - 1], optopt);
		if (found == ':')
			return report_usage("%s: %s needs an argument", verb, argv[optind - 1]);
		def = tables_find(tables, found);
		if (!def)
			return report_unknown(tables, verb, argv[optind - 1], found);
		word = argv[optind - (optarg == argv[optind - 1] ? 2 : 1)];
		if (found >= LONG_BASE && is_abbreviation(def, word))
			return report_unknown(tables, verb, word, found);
		status = check_value(verb, def, optarg);
		if (status != 0)
			return status;
		args->values[args->value_count++] = (struct args_value){.id = def->id, .value = optarg};
	}
}

static int check_operands(const struct args *args)
{
	const struct verb_def *verb = args->verb;

	if (args_has(args, OPT_HELP))
		return 0;
	if (args->operand_count < verb->min_operands && !args_has(args, OPT_FILES))
		return report_usage("%s: %s is missing; logstore help %s shows how it is used", verb->name,
		                    verb->operands, verb->name);
	if (verb->max_operands >= 0 && args->operand_count > verb->max_operands)
		return report_usage("%s: \"%s\": one operand too many", verb->name,
		                    args->operands[verb->max_operands]);
	return 0;
}

int args_parse(struct args *args, const struct verb_def *verb, int argc, char **argv)
{
	struct getopt_tables tables;
	int status;

	*args = (struct args){.verb = verb};
	/* One word gives one option at most, except for bundles of short ones: -rJ. */
	for (int i = 0; i < argc; i++)
		args->value_count += strlen(argv[i]);
	args->values = calloc(args->value_count + 1, sizeof *args->values);
	args->value_count = 0;
	if (!args->values)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	tables_fill(&tables, verb->id);
	status = take_options(args, &tables, argc, argv);
	args->operands = argv + optind;
	args->operand_count = argc - optind;
	if (status == 0)
		status = check_operands(args);
	if (status != 0)
		args_fini(args);
	return status;
}

void args_fini(struct args *args)
{
	free(args->values);
	args->values = NULL;
	args->value_count = 0;
}

const char *args_next(const struct args *args, enum option_id id, size_t *at)
{
	while (*at < args->value_count) {
		const struct args_value *value = &args->values[(*at)++];

		if (value->id == id)
			return value->value;
	}
	return NULL;
}

bool args_has(const struct args *args, enum option_id id)
{
	for (size_t i = 0; i < args->value_count; i++) {
		if (args->values[i].id == id)
			return true;
	}
	return false;
}

const char *args_value(const struct args *args, enum option_id id)
{
	const char *last = NULL;

	for (size_t i = 0; i < args->value_count; i++) {
		if (args->values[i].id == id)
			last = args->values[i].value;
	}
	return last;
}

int64_t args_int(const struct args *args, enum option_id id, int64_t otherwise)
{
	const char *text = args_value(args, id);

	if (text)
		(void)parse_int(text, &otherwise); /* checked by check_value() */
	return otherwise;
}

uint64_t args_size(const struct args *args, enum option_id id, uint64_t otherwise)
{
	const char *text = args_value(args, id);

	if (text)
		(void)parse_size(text, &otherwise); /* checked by check_value() */
	return otherwise;
}
