/*
 * The logstore command: looks up the verb, parses its options, runs it, and turns what happened on
 * standard output and by signals into the exit status.
 *
 * Standard output is data, standard error is talk. A closed pipe ends the run quietly: whoever read has
 * had enough. Any other failure to write is an error, also when it shows only at the last flush.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>
#include <unistd.h>

#include "help.h"
#include "report.h"
#include "signals.h"
#include "tool.h"

int64_t tool_now(const struct tool *tool)
{
	struct timespec now;

	if (tool->now_given)
		return tool->now_ms;
	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t tool_monotonic_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t clock_wall_ms(void *ctx)
{
	return tool_now(ctx);
}

static bool wants_color(const char *when, int fd)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return isatty(fd) && !(no_color && no_color[0] != '\0') && term && strcmp(term, "dumb") != 0;
}

static void tool_setup(struct tool *tool)
{
	const char *color = args_value(&tool->args, OPT_COLOR);

	tool->color_out = wants_color(color, STDOUT_FILENO);
	tool->quiet = args_has(&tool->args, OPT_QUIET);
	tool->now_given = args_has(&tool->args, OPT_NOW);
	tool->now_ms = args_int(&tool->args, OPT_NOW, 0);
	logstore_env_init(&tool->env);
	tool->env.clock.wall_ms = clock_wall_ms;
	tool->env.clock.ctx = tool;
	if (!tool->quiet)
		tool->env.logger.log = report_logger;
}

/* What the run comes to, once everything has been written. */
static int finish(struct tool *tool, int status)
{
	int error = -out_flush(&tool->out);

	if (signals_stop())
		return signals_exit_status();
	if (error == EPIPE)
		return EXIT_STATUS_OK;
	if (error != 0)
		return report_message(EXIT_STATUS_OPERATIONAL, "standard output: %s", strerror(error));
	return status;
}

static int run_verb(struct tool *tool, const struct verb_def *verb, int argc, char **argv)
{
	int status = args_parse(&tool->args, verb, argc, argv);

	if (status != 0)
		return status;
	tool_setup(tool);
	if (args_has(&tool->args, OPT_HELP))
		help_verb(&tool->out, verb);
	else
		status = verb->run(tool);
	status = finish(tool, status);
	args_fini(&tool->args);
	return status;
}

/* `logstore --version` and `logstore --help` are verbs too. */
static const struct verb_def *find_verb(const char *name)
{
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	return verb_find(name);
}

/* The verb that shares most of its beginning with what was typed, or NULL. */
static const char *guess_verb(const char *name)
{
	const char *best = NULL;
	size_t best_size = 1;

	for (size_t i = 0; i < VERB_COUNT; i++) {
		const char *candidate = verb_table[i].name;
		size_t same = 0;

		while (name[same] != '\0' && name[same] == candidate[same])
			same++;
		if (same > best_size) {
			best_size = same;
			best = candidate;
		}
	}
	return best;
}

/* A partition of many segments has many files open; the hard limit is there to be used. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* without it the present limit holds */
	}
}

int main(int argc, char **argv)
{
	struct tool tool = {.now_given = false};
	const struct verb_def *verb;
	const char *guess;
	int status;

	(void)setlocale(LC_CTYPE, ""); /* widths of characters in tables; C if the locale is missing */
	signals_install();
	raise_descriptor_limit();
	if (argc < 2)
		return report_message(EXIT_STATUS_USAGE, "a verb is missing; logstore help lists them");
	verb = find_verb(argv[1]);
	if (!verb) {
		guess = guess_verb(argv[1]);
		return report_message(EXIT_STATUS_USAGE, "\"%s\" is no verb%s%s; logstore help lists them",
		                      argv[1], guess ? "; did you mean " : "", guess ? guess : "");
	}
	if (out_init(&tool.out, STDOUT_FILENO) < 0)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	status = run_verb(&tool, verb, argc - 1, argv + 1);
	out_fini(&tool.out);
	return status;
}
