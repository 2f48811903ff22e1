/* `logstore create`: a new partition, and its data directory if that is missing. */
#include <errno.h>
#include <string.h>

#include "report.h"
#include "session.h"

static int fill_options(struct tool *tool, struct logstore_create_options *options,
                        logstore_config **ret_config)
{
	const char *id = args_value(&tool->args, OPT_TOPIC_ID);
	int status = session_config(tool, ret_config);

	if (status != 0)
		return status;
	logstore_create_options_init(options);
	options->config = *ret_config;
	if (id && logstore_uuid_parse(id, &options->topic_id) < 0)
		return report_usage("create: --topic-id: \"%s\" is not 16 bytes in base64url (22 characters)",
		                    id);
	return 0;
}

static int create(struct tool *tool, const struct target *target,
                  const struct logstore_create_options *options)
{
	struct logstore_error error;
	struct logstore_uuid id;
	struct session session;
	char text[23];
	int status = session_open(&session, tool, target->data_dir, SESSION_CREATE);

	if (status != 0)
		return status;
	if (logstore_partition_create(session.store, target->listing.topic, target->listing.partition,
	                              options, &session.part, &error) < 0)
		return session_close(&session, report_error(&error, target->path));
	logstore_partition_topic_id(session.part, &id);
	logstore_uuid_text(&id, text);
	status = session_close(&session, 0);
	if (status == 0 && !tool->quiet)
		out_format(&tool->out, "%s: created, topic id %s\n", target->name, text);
	return status;
}

int verb_create(struct tool *tool)
{
	struct logstore_create_options options;
	struct target target;
	logstore_config *config = NULL;
	int status = target_partition(tool->args.operands[0], false, &target);

	if (status == 0)
		status = fill_options(tool, &options, &config);
	if (status == 0 && target.exists && args_has(&tool->args, OPT_DRY_RUN))
		status = report_message(EXIT_STATUS_FAILED, "%s: partition exists already", target.path);
	else if (status == 0 && args_has(&tool->args, OPT_DRY_RUN))
		out_format(&tool->out, "%s: would be created in %s. Nothing was changed.\n", target.name,
		           target.data_dir);
	else if (status == 0)
		status = create(tool, &target, &options);
	logstore_config_free(config);
	return status;
}
