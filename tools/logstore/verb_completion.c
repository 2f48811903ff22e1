/*
 * Completion scripts. Each shell gets the verbs, the options of each verb with their help, the words an
 * option can take, the names of topic settings and file names.
 */
#include <logstore/config.h>
#include <stdio.h>
#include <string.h>

#include "help.h"
#include "report.h"
#include "tool.h"

/* "segment.bytes= segment.ms= ..." for NAME=VALUE, without the equals signs for NAME. */
static int put_setting_names(struct out *out, const char *after)
{
	struct logstore_config_entry entry;
	logstore_config *config = NULL;

	if (logstore_config_new(&config) < 0)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	for (size_t i = 0; logstore_config_at(config, i, &entry) == 1; i++) {
		if (i > 0)
			out_char(out, ' ');
		out_text(out, entry.name);
		out_text(out, after);
	}
	logstore_config_free(config);
	return EXIT_STATUS_OK;
}

/* Text inside single quotes of a shell. */
static void put_quoted(struct out *out, const char *text)
{
	out_char(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			out_text(out, "'\\''");
		else
			out_char(out, *text);
	}
	out_char(out, '\'');
}

static void put_verb_names(struct out *out)
{
	for (size_t i = 0; i < VERB_COUNT; i++)
		out_format(out, "%s%s", i > 0 ? " " : "", verb_table[i].name);
}

static bool takes_setting(const struct option_def *option)
{
	return option->kind == ARG_SETTING || option->kind == ARG_NAME;
}

/* ---- bash ---- */

/* "verb:--option) choices;;" for every option that takes an argument. */
static int put_bash_values(struct out *out, const struct verb_def *verb)
{
	const struct option_def *option;
	size_t at = 0;
	int status = EXIT_STATUS_OK;

	while (status == EXIT_STATUS_OK && (option = options_next(verb->id, &at)) != NULL) {
		if (option->kind == ARG_NONE)
			continue;
		out_format(out, "\t%s:--%s", verb->name, option->name);
		if (option->short_name != 0)
			out_format(out, "|%s:-%c", verb->name, option->short_name);
		if (option->kind == ARG_FILES) {
			out_text(out, ") compopt -o default; return ;;\n");
			continue;
		}
		out_text(out, ") words='");
		if (option->choices)
			out_text(out, option->choices);
		if (takes_setting(option)) {
			status = put_setting_names(out, option->kind == ARG_SETTING ? "=" : "");
			out_text(out, "'; compopt -o nospace ;;\n");
		} else {
			out_text(out, "' ;;\n");
		}
	}
	return status;
}

static int put_bash(struct out *out)
{
	int status = EXIT_STATUS_OK;

	out_text(
		out,
		"# bash completion of logstore\n_logstore()\n{\n"
		"\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
		"\tlocal verb=${COMP_WORDS[1]} words\n"
		"\tCOMPREPLY=()\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tCOMPREPLY=($(compgen -W '");
	put_verb_names(out);
	out_text(out, "' -- \"$current\"))\n\t\treturn\n\tfi\n\tcase $verb:$previous in\n");
	for (size_t i = 0; i < VERB_COUNT && status == EXIT_STATUS_OK; i++)
		status = put_bash_values(out, &verb_table[i]);
	out_text(out, "\thelp:help) words='");
	put_verb_names(out);
	out_text(
		out,
		"' ;;\n\tcompletion:completion) words='bash zsh fish' ;;\n\tesac\n"
		"\tif [ -n \"${words+x}\" ]; then\n\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
		"\t\treturn\n\tfi\n"
		"\tif [[ $current != -* ]]; then\n\t\tcompopt -o default\n\t\treturn\n\tfi\n\tcase $verb in\n");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const struct option_def *option;
		size_t at = 0;

		out_format(out, "\t%s) words='", verb_table[i].name);
		while ((option = options_next(verb_table[i].id, &at)) != NULL) {
			if (option->group)
				out_format(out, " --%s", option->name);
		}
		out_text(out, "' ;;\n");
	}
	out_text(
		out,
		"\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\ncomplete -F _logstore logstore\n");
	return status;
}

/* ---- zsh ---- */

/* Help inside [...] of an _arguments specification: brackets and colons mean something there. */
static void put_zsh_help(struct out *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			out_text(out, "'\\''");
		else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
			out_format(out, "\\%c", *text);
		else
			out_char(out, *text);
	}
}

/* One specification; @name is "--json" or "-J". */
static int put_zsh_option(struct out *out, const struct option_def *option, const char *name)
{
	int status = EXIT_STATUS_OK;

	out_format(out, "\t\t'*%s[", name);
	put_zsh_help(out, option->help);
	out_char(out, ']');
	if (option->kind != ARG_NONE) {
		out_format(out, ":%s:", option->argument);
		if (option->choices)
			out_format(out, "(%s)", option->choices);
		if (takes_setting(option)) {
			out_char(out, '(');
			status = put_setting_names(out, option->kind == ARG_SETTING ? "=" : "");
			out_char(out, ')');
		}
		if (option->kind == ARG_FILES)
			out_text(out, "_files");
	}
	out_text(out, "' \\\n");
	return status;
}

static int put_zsh_names(struct out *out, const struct option_def *option)
{
	const char short_name[] = {'-', option->short_name, '\0'};
	char name[64];
	int status;

	(void)snprintf(name, sizeof name, "--%s", option->name);
	status = put_zsh_option(out, option, name);
	if (status == EXIT_STATUS_OK && option->short_name != 0)
		status = put_zsh_option(out, option, short_name);
	return status;
}

static int put_zsh(struct out *out)
{
	int status = EXIT_STATUS_OK;

	out_text(out, "#compdef logstore\nlocal -a verbs\nverbs=(\n");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		out_text(out, "\t'");
		out_text(out, verb_table[i].name);
		out_char(out, ':');
		put_zsh_help(out, verb_table[i].summary);
		out_text(out, "'\n");
	}
	out_text(out, ")\nif (( CURRENT == 2 )); then\n\t_describe verb verbs\n\treturn\nfi\n"
	              "local verb=$words[2]\nshift words\n(( CURRENT-- ))\ncase $verb in\n");
	for (size_t i = 0; i < VERB_COUNT && status == EXIT_STATUS_OK; i++) {
		const struct option_def *option;
		size_t at = 0;

		out_format(out, "%s)\n\t_arguments \\\n", verb_table[i].name);
		while (status == EXIT_STATUS_OK && (option = options_next(verb_table[i].id, &at)) != NULL) {
			if (option->group)
				status = put_zsh_names(out, option);
		}
		if (verb_table[i].id == VERB_HELP) {
			out_text(out, "\t\t'1:verb:(");
			put_verb_names(out);
			out_text(out, ")' ;;\n");
		} else if (verb_table[i].id == VERB_COMPLETION) {
			out_text(out, "\t\t'1:shell:(bash zsh fish)' ;;\n");
		} else {
			out_text(out, "\t\t'*:file:_files' ;;\n");
		}
	}
	out_text(out, "esac\n");
	return status;
}

/* ---- fish ---- */

static int put_fish_option(struct out *out, const struct verb_def *verb, const struct option_def *option)
{
	int status = EXIT_STATUS_OK;

	out_format(out, "complete -c logstore -n '__fish_seen_subcommand_from %s' -l %s", verb->name,
	           option->name);
	if (option->short_name != 0)
		out_format(out, " -s %c", option->short_name);
	if (option->kind != ARG_NONE)
		out_text(out, option->kind == ARG_FILES ? " -r" : " -x");
	if (option->choices) {
		out_text(out, " -a ");
		put_quoted(out, option->choices);
	}
	if (takes_setting(option)) {
		out_text(out, " -a '");
		status = put_setting_names(out, option->kind == ARG_SETTING ? "=" : "");
		out_char(out, '\'');
	}
	out_text(out, " -d ");
	put_quoted(out, option->help);
	out_char(out, '\n');
	return status;
}

static int put_fish(struct out *out)
{
	int status = EXIT_STATUS_OK;

	out_text(out, "# fish completion of logstore\n");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		out_format(out, "complete -c logstore -f -n __fish_use_subcommand -a %s -d ",
		           verb_table[i].name);
		put_quoted(out, verb_table[i].summary);
		out_char(out, '\n');
	}
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const struct option_def *option;
		size_t at = 0;

		while (status == EXIT_STATUS_OK && (option = options_next(verb_table[i].id, &at)) != NULL) {
			if (option->group)
				status = put_fish_option(out, &verb_table[i], option);
		}
	}
	out_text(out, "complete -c logstore -f -n '__fish_seen_subcommand_from help' -a '");
	put_verb_names(out);
	out_text(
		out,
		"'\ncomplete -c logstore -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n");
	return status;
}

int verb_completion(struct tool *tool)
{
	const char *shell = tool->args.operands[0];

	if (strcmp(shell, "bash") == 0)
		return put_bash(&tool->out);
	if (strcmp(shell, "zsh") == 0)
		return put_zsh(&tool->out);
	if (strcmp(shell, "fish") == 0)
		return put_fish(&tool->out);
	return report_usage("completion: \"%s\" is none of bash, zsh, fish", shell);
}
