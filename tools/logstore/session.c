/*
 * Opening and closing, with the clock and the settings that the command line asks for.
 */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "report.h"

enum session_mode session_write_mode(const struct tool *tool)
{
	return args_has(&tool->args, OPT_DRY_RUN) ? SESSION_READ : SESSION_WRITE;
}

int session_open(struct session *session, const struct tool *tool, const char *data_dir,
                 enum session_mode mode)
{
	struct logstore_options options;
	struct logstore_error error;
	int r;

	*session = (struct session){.data_dir = data_dir};
	logstore_options_init(&options);
	options.read_only = mode == SESSION_READ;
	options.create = mode == SESSION_CREATE;
	options.env = &tool->env;
	r = logstore_open(data_dir, &options, &session->store, &error);
	return r < 0 ? report_error(&error, data_dir) : 0;
}

int session_switch(struct session *session, const struct logstore_listing *listing)
{
	struct logstore_error error;
	logstore_partition *part = NULL;
	int r = logstore_partition_open(session->store, listing->topic, listing->partition, &part, &error);

	if (r < 0)
		return report_error(&error, session->data_dir);
	session->part = logstore_partition_close(session->part);
	session->part = part;
	return 0;
}

int session_override(struct session *session, const struct tool *tool)
{
	struct logstore_error error;
	logstore_config *config = NULL;
	int status = session_config(tool, &config);

	if (status == 0 && config && logstore_partition_override_config(session->part, config, &error) < 0)
		status = report_error(&error, session->data_dir);
	logstore_config_free(config);
	return status;
}

int session_open_partition(struct session *session, const struct tool *tool, const struct target *target,
                           enum session_mode mode)
{
	int status = session_open(session, tool, target->data_dir, mode);

	if (status != 0)
		return status;
	status = session_switch(session, &target->listing);
	if (status == 0)
		status = session_override(session, tool);
	return status != 0 ? session_close(session, status) : 0;
}

int session_close(struct session *session, int status)
{
	struct logstore_error error;
	int r;

	session->part = logstore_partition_close(session->part);
	r = logstore_close(session->store, &error);
	session->store = NULL;
	if (r < 0) {
		int failed = report_error(&error, session->data_dir);

		return status != 0 ? status : failed;
	}
	return status;
}

int session_config_set(const struct tool *tool, logstore_config *config, const char *option, const char *text)
{
	const char *equals = strchr(text, '=');
	struct logstore_error error;
	char *name = strndup(text, (size_t)(equals - text));
	int r;

	if (!name)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	r = logstore_config_set(config, name, equals + 1, &error);
	free(name);
	if (r < 0)
		return report_usage("%s: %s %s: %s", tool->args.verb->name, option, text,
		                    error.text[0] ? error.text : logstore_strerror(r));
	return 0;
}

int session_config(const struct tool *tool, logstore_config **ret_config)
{
	logstore_config *config = NULL;
	const char *text;
	size_t at = 0;
	int status = 0;

	*ret_config = NULL;
	if (!args_has(&tool->args, OPT_CONFIG))
		return 0;
	if (logstore_config_new(&config) < 0)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	while (status == 0 && (text = args_next(&tool->args, OPT_CONFIG, &at)) != NULL)
		status = session_config_set(tool, config, "-c", text);
	if (status != 0) {
		logstore_config_free(config);
		return status;
	}
	*ret_config = config;
	return 0;
}
