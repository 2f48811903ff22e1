/*
 * `logstore help`: examples first, then the options by group, then the exit statuses.
 */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "exit_status.h"
#include "report.h"
#include "tool.h"

#define WIDTH 80
#define OPTION_COLUMN 28

#define ANY_VERB UINT32_MAX
#define VERIFY VERB_BIT(VERB_VERIFY)
#define PLAIN (VERIFY | VERB_BIT(VERB_COMPLETION) | VERB_BIT(VERB_HELP) | VERB_BIT(VERB_VERSION))

const struct help_status help_statuses[] = {
	{EXIT_STATUS_OK, ANY_VERB, "done"},
	{EXIT_STATUS_FAILED, ~PLAIN, "the verb failed: refused, damaged, out of range"},
	{EXIT_STATUS_DAMAGE, VERIFY, "verify found damage, or files to rebuild"},
	{EXIT_STATUS_OPERATIONAL, ANY_VERB, "cannot read or write, locked, no space"},
	{EXIT_STATUS_DAMAGE | EXIT_STATUS_OPERATIONAL, VERIFY,
	 "verify found damage or files to rebuild, and could not check everything"},
	{EXIT_STATUS_USAGE, ANY_VERB, "the command line is wrong"},
	{EXIT_STATUS_HANGUP, ANY_VERB, "stopped by SIGHUP"},
	{EXIT_STATUS_INTERRUPT, ANY_VERB, "stopped by SIGINT"},
	{EXIT_STATUS_TERMINATE, ANY_VERB, "stopped by SIGTERM"},
};
const size_t help_status_count = sizeof help_statuses / sizeof *help_statuses;

bool help_status_applies(const struct help_status *status, const struct verb_def *verb)
{
	return !verb || (status->verbs & VERB_BIT(verb->id)) != 0;
}

/* Writes words from @column on, broken before WIDTH, with @indent blanks at the start of further lines. */
static void put_wrapped(struct out *out, const char *text, size_t column, size_t indent)
{
	bool first = true;

	while (*text != '\0') {
		size_t size = strcspn(text, " \n");

		if (!first && column + 1 + size > WIDTH) {
			out_char(out, '\n');
			out_spaces(out, indent);
			column = indent;
			first = true;
		}
		if (!first) {
			out_char(out, ' ');
			column++;
		}
		out_bytes(out, text, size);
		column += size;
		first = false;
		text += size;
		if (strncmp(text, "\n\n", 2) == 0) {
			out_text(out, "\n\n");
			out_spaces(out, indent);
			column = indent;
			first = true;
		}
		text += strspn(text, " \n");
	}
	out_char(out, '\n');
}

void help_option_names(const struct option_def *option, char *to, size_t size)
{
	char short_text[8] = "    ";

	if (option->short_name != 0)
		(void)snprintf(short_text, sizeof short_text, "-%c, ", option->short_name);
	(void)snprintf(to, size, "%s--%s%s%s", short_text, option->name, option->argument ? " " : "",
	               option->argument ? option->argument : "");
}

static void put_option(struct out *out, const struct option_def *option)
{
	char names[64];
	size_t column;

	help_option_names(option, names, sizeof names);
	column = 2 + strlen(names);
	out_format(out, "  %s", names);
	if (column + 2 > OPTION_COLUMN) {
		out_char(out, '\n');
		column = 0;
	}
	out_spaces(out, OPTION_COLUMN - column);
	put_wrapped(out, option->help, OPTION_COLUMN, OPTION_COLUMN);
}

static bool seen_before(enum verb_id verb, size_t end, const char *group)
{
	const struct option_def *option;
	size_t at = 0;

	while ((option = options_next(verb, &at)) != NULL && at < end) {
		if (option->group && strcmp(option->group, group) == 0)
			return true;
	}
	return false;
}

static void put_group(struct out *out, enum verb_id verb, const char *group)
{
	const struct option_def *option;
	size_t at = 0;

	out_format(out, "\n%s:\n", group);
	while ((option = options_next(verb, &at)) != NULL) {
		if (option->group && strcmp(option->group, group) == 0)
			put_option(out, option);
	}
}

static void put_groups(struct out *out, enum verb_id verb)
{
	const struct option_def *option;
	size_t at = 0;

	while ((option = options_next(verb, &at)) != NULL) {
		if (option->group && strcmp(option->group, "General") != 0 &&
		    !seen_before(verb, at, option->group))
			put_group(out, verb, option->group);
	}
	put_group(out, verb, "General");
}

void help_verb(struct out *out, const struct verb_def *verb)
{
	out_format(out, "logstore %s - %s\n\n", verb->name, verb->summary);
	for (size_t i = 0; i < sizeof verb->examples / sizeof *verb->examples && verb->examples[i].command;
	     i++)
		out_format(out, "  %s\n      %s\n", verb->examples[i].command, verb->examples[i].what);
	out_format(out, "\nUsage: logstore %s [OPTION...]%s%s\n\n", verb->name, verb->operands[0] ? " " : "",
	           verb->operands);
	put_wrapped(out, verb->description, 0, 0);
	put_groups(out, verb->id);
	out_text(out, "\nExit status:\n");
	for (size_t i = 0; i < help_status_count; i++) {
		if (help_status_applies(&help_statuses[i], verb))
			out_format(out, "  %3d  %s\n", help_statuses[i].status, help_statuses[i].meaning);
	}
}

void help_overview(struct out *out)
{
	out_text(out, "logstore - commit logs in Apache Kafka's file format\n\n"
	              "  seq 1000 | logstore append --create ./data/demo-0\n"
	              "  logstore read ./data/demo-0\n"
	              "  logstore dump ./data/demo-0\n"
	              "  logstore stat ./data\n\n"
	              "Usage: logstore VERB [OPTION...] PATH\n\n"
	              "PATH is a data directory, a partition (DIR/TOPIC-NUMBER) or a file.\n\nVerbs:\n");
	for (size_t i = 0; i < VERB_COUNT; i++)
		out_format(out, "  %-16s%s\n", verb_table[i].name, verb_table[i].summary);
	out_text(out, "\nlogstore help VERB shows examples and options.\n");
}

int verb_help(struct tool *tool)
{
	const struct verb_def *verb = NULL;

	if (tool->args.operand_count > 0) {
		verb = verb_find(tool->args.operands[0]);
		if (!verb)
			return report_usage("help: \"%s\" is no verb; logstore help lists them",
			                    tool->args.operands[0]);
	}
	if (args_has(&tool->args, OPT_MAN))
		man_page(&tool->out, verb);
	else if (verb)
		help_verb(&tool->out, verb);
	else
		help_overview(&tool->out);
	return EXIT_STATUS_OK;
}
