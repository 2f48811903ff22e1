/*
 * Man pages in roff, one per verb and one for the tool: `logstore help --man VERB`, which the build calls.
 */
#include <ctype.h>
#include <logstore/version.h>
#include <stdio.h>
#include <string.h>

#include "help.h"

/* Text with what roff would take for its own escaped. */
static void put_roff(struct out *out, const char *text)
{
	bool line_start = true;

	for (; *text != '\0'; text++) {
		if (strncmp(text, "\n\n", 2) == 0) {
			out_text(out, "\n.PP\n");
			text++;
			line_start = true;
			continue;
		}
		if (line_start && (*text == '.' || *text == '\''))
			out_text(out, "\\&");
		if (*text == '\\')
			out_text(out, "\\e");
		else if (*text == '-')
			out_text(out, "\\-");
		else if (*text == '\'')
			out_text(out, "\\(aq");
		else
			out_char(out, *text);
		line_start = *text == '\n';
	}
}

static void put_line(struct out *out, const char *text)
{
	put_roff(out, text);
	out_char(out, '\n');
}

static void put_upper(struct out *out, const char *text)
{
	for (; *text != '\0'; text++)
		out_char(out, (char)toupper((unsigned char)*text));
}

static void put_header(struct out *out, const struct verb_def *verb)
{
	out_text(out, ".TH LOGSTORE");
	if (verb) {
		out_char(out, '-');
		put_upper(out, verb->name);
	}
	out_format(out, " 1 \"\" \"logstore %d.%d.%d\" \"logstore\"\n.nh\n.ad l\n.SH NAME\n",
	           LOGSTORE_VERSION_MAJOR, LOGSTORE_VERSION_MINOR, LOGSTORE_VERSION_PATCH);
	out_text(out, "logstore");
	if (verb) {
		out_text(out, "\\-");
		put_roff(out, verb->name);
	}
	out_text(out, " \\- ");
	put_line(out, verb ? verb->summary : "commit logs in Apache Kafka's file format");
}

static void put_options(struct out *out, const struct verb_def *verb)
{
	const struct option_def *option;
	size_t at = 0;

	out_text(out, ".SH OPTIONS\n");
	while ((option = options_next(verb->id, &at)) != NULL) {
		char names[64];

		if (!option->group)
			continue;
		help_option_names(option, names, sizeof names);
		out_text(out, ".TP\n.B ");
		put_line(out, names + strspn(names, " "));
		put_line(out, option->help);
	}
}

static void put_statuses(struct out *out, const struct verb_def *verb)
{
	out_text(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; i < help_status_count; i++) {
		if (!help_status_applies(&help_statuses[i], verb))
			continue;
		out_format(out, ".TP\n.B %d\n", help_statuses[i].status);
		put_line(out, help_statuses[i].meaning);
	}
}

static void put_examples(struct out *out, const struct verb_def *verb)
{
	out_text(out, ".SH EXAMPLES\n");
	for (size_t i = 0; i < sizeof verb->examples / sizeof *verb->examples && verb->examples[i].command;
	     i++) {
		out_text(out, ".TP\n.B ");
		put_line(out, verb->examples[i].command);
		put_line(out, verb->examples[i].what);
	}
}

static void put_environment(struct out *out)
{
	out_text(out, ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nno colour, whatever its value\n"
	              ".TP\n.B TERM\nno colour if it is dumb\n"
	              ".TP\n.B TZ\nthe zone of the times in tables\n");
}

static void put_verb_list(struct out *out)
{
	out_text(out, ".SH VERBS\n");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		out_text(out, ".TP\n.BR logstore\\-");
		put_roff(out, verb_table[i].name);
		out_text(out, " (1)\n");
		put_line(out, verb_table[i].summary);
	}
}

void man_page(struct out *out, const struct verb_def *verb)
{
	put_header(out, verb);
	out_text(out, ".SH SYNOPSIS\n.B logstore ");
	if (verb) {
		put_roff(out, verb->name);
		out_text(out, "\n.RI [ OPTION \"...] ");
		put_roff(out, verb->operands);
		out_text(out, "\"\n");
	} else {
		out_text(out, "\n.I VERB\n.RI [ OPTION \"...] \" PATH\n");
	}
	out_text(out, ".SH DESCRIPTION\n");
	put_line(
		out,
		verb ? verb->description
		     : "PATH is a data directory, a partition (DIR/TOPIC-NUMBER) or a file. Reading takes no lock "
		       "and writes nothing, so it also works on the directory of a running Kafka.");
	if (verb) {
		put_options(out, verb);
		put_examples(out, verb);
	} else {
		put_verb_list(out);
	}
	put_statuses(out, verb);
	put_environment(out);
	out_text(out, ".SH SEE ALSO\n");
	out_text(out, verb ? ".BR logstore (1)\n" : ".BR logstore\\-help (1)\n");
}
