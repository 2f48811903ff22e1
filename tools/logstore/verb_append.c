/*
 * `logstore append`: records from lines or JSON into one partition. Whatever ends the run - the end of the
 * input, a refused record, a signal - what was appended before is flushed and said.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batcher.h"
#include "human.h"
#include "input.h"
#include "parse.h"
#include "report.h"
#include "session.h"
#include "signals.h"

/* Records wait this long for more before their batch is written. */
#define LINGER_MS 100

struct append {
	struct tool *tool;
	const struct target *target;
	struct session session;
	bool session_open;
	bool created;
	struct batcher batcher;
	bool json;
	bool base64;
	bool empty_as_null;
	char *delimiter;
	size_t delimiter_size;
	char *key_delimiter; /* or NULL */
	size_t key_delimiter_size;
	struct json_record record;
	const char *name; /* of the input file */
	uint64_t line;    /* number of the input record, from 1, in its file */
	const char *batch_name; /* where the batch being made begins */
	uint64_t batch_line;
	uint64_t skipped_control;
	uint64_t skipped_damaged;
};

/* ---- One record of the input ---- */

/* Adds a record and remembers where in the input its batch began. */
static int add_record(struct append *append, const struct logstore_record *record,
                      const struct json_batch *batch)
{
	int status = batcher_add(&append->batcher, record, batch);

	if (status == 0 && append->batcher.count == 1) {
		append->batch_name = append->name;
		append->batch_line = append->line;
	}
	return status;
}

static int add_line(struct append *append, const char *line, size_t size)
{
	struct logstore_record record = {.timestamp = LOGSTORE_NO_TIMESTAMP, .key_size = -1};
	const char *found = NULL;

	if (append->key_delimiter)
		found = memmem(line, size, append->key_delimiter, append->key_delimiter_size);
	if (found) {
		record.key = line;
		record.key_size = (int32_t)(found - line);
		size -= (size_t)(found - line) + append->key_delimiter_size;
		line = found + append->key_delimiter_size;
	}
	record.value = line;
	record.value_size = (int32_t)size; /* at most INPUT_RECORD_MAX */
	if (append->empty_as_null && record.key_size == 0) {
		record.key = NULL;
		record.key_size = -1;
	}
	if (append->empty_as_null && size == 0) {
		record.value = NULL;
		record.value_size = -1;
	}
	return add_record(append, &record, NULL);
}

static int add_json(struct append *append, const char *name, const char *line, size_t size)
{
	char text[256];
	int r;

	if (size == 0)
		return 0;
	r = json_record_parse(&append->record, line, size, append->base64, text, sizeof text);
	if (r == -2)
		return report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	if (r < 0)
		return report_message(EXIT_STATUS_FAILED, "%s: line %" PRIu64 ": %s", name, append->line,
		                      text);
	if (append->record.damaged) {
		if (args_has(&append->tool->args, OPT_SKIP_DAMAGED)) {
			append->skipped_damaged++;
			return 0;
		}
		return report_message(EXIT_STATUS_FAILED,
		                      "%s: line %" PRIu64 ": stands for a damaged batch; "
		                      "--skip-damaged leaves it out",
		                      name, append->line);
	}
	if (append->batcher.keep_offsets && append->record.record.offset == LOGSTORE_NO_OFFSET)
		return report_message(EXIT_STATUS_FAILED,
		                      "%s: line %" PRIu64 ": \"offset\" is missing, which "
		                      "--keep-offsets needs",
		                      name, append->line);
	if (append->record.batch.control && !append->batcher.keep_offsets) {
		append->skipped_control++;
		return 0;
	}
	return add_record(append, &append->record.record, &append->record.batch);
}

/* ---- Input ---- */

/*
 * How long to wait for more records. A batch that was one before is not taken apart by a slow writer: what
 * came later could not be appended behind it.
 */
static int linger(const struct batcher *batcher)
{
	if (batcher->count == 0 || (batcher->keep_offsets && batcher->batch.base_offset != LOGSTORE_NO_OFFSET))
		return -1;
	return LINGER_MS;
}

static int read_input(struct append *append, struct input *input, const char *name)
{
	int status = 0;

	append->line = 0;
	while (status == 0 && !signals_stop()) {
		const char *line;
		size_t size;
		int r = input_next(input, linger(&append->batcher), &line, &size);

		if (r == INPUT_END)
			break;
		if (r == INPUT_IDLE)
			status = batcher_flush(&append->batcher);
		else if (r == -EMSGSIZE)
			status = report_message(EXIT_STATUS_FAILED,
			                        "%s: record %" PRIu64 " is longer than %zu MiB", name,
			                        append->line + 1, INPUT_RECORD_MAX >> 20);
		else if (r < 0 && r != -EINTR)
			status = report_errno(-r, name);
		if (r == INPUT_RECORD || status != 0)
			append->line++;
		if (r != INPUT_RECORD)
			continue;
		status = append->json ? add_json(append, name, line, size) : add_line(append, line, size);
	}
	return status;
}

static int read_file(struct append *append, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	struct input input;
	int status;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	append->name = standard ? "standard input" : path;
	append->line = 1;
	if (fd < 0)
		return report_errno(errno, path);
	input_init(&input, fd, append->delimiter, append->delimiter_size);
	status = read_input(append, &input, append->name);
	input_fini(&input);
	if (!standard)
		(void)close(fd); /* only read */
	return status;
}

static int read_all(struct append *append)
{
	const struct args *args = &append->tool->args;
	int status = args->operand_count > 1 ? 0 : read_file(append, "-");

	for (int i = 1; i < args->operand_count && status == 0 && !signals_stop(); i++)
		status = read_file(append, args->operands[i]);
	return status;
}

/* ---- The partition ---- */

static int create_partition(struct append *append)
{
	const struct target *target = append->target;
	struct logstore_create_options options;
	struct logstore_error error;
	logstore_config *config = NULL;
	int status = session_config(append->tool, &config);

	logstore_create_options_init(&options);
	options.config = config;
	if (status == 0 &&
	    logstore_partition_create(append->session.store, target->listing.topic, target->listing.partition,
	                              &options, &append->session.part, &error) < 0)
		status = report_error(&error, target->path);
	append->created = status == 0;
	logstore_config_free(config);
	return status;
}

static int open_partition(struct append *append)
{
	const struct target *target = append->target;
	bool dry_run = args_has(&append->tool->args, OPT_DRY_RUN);
	bool create = args_has(&append->tool->args, OPT_CREATE);
	int status;

	if (!target->exists && !create)
		return report_message(EXIT_STATUS_OPERATIONAL, "%s: no such partition (--create makes it)",
		                      target->path);
	if (!target->exists && dry_run)
		return 0;
	if (target->exists)
		status = session_open_partition(&append->session, append->tool, target,
		                                session_write_mode(append->tool));
	else
		status = session_open(&append->session, append->tool, target->data_dir, SESSION_CREATE);
	if (status != 0)
		return status;
	append->session_open = true;
	return target->exists ? 0 : create_partition(append);
}

/* Settings in force: of the partition, or in a dry run those it would get. */
static int settings(struct append *append, logstore_config **ret_config)
{
	struct logstore_error error;
	int status;

	if (append->session_open) {
		if (logstore_partition_get_config(append->session.part, ret_config, &error) < 0)
			return report_error(&error, append->target->path);
		return 0;
	}
	status = session_config(append->tool, ret_config);
	if (status == 0 && !*ret_config && logstore_config_new(ret_config) < 0)
		status = report_message(EXIT_STATUS_OPERATIONAL, "no memory");
	return status;
}

/* ---- The run ---- */

/* @failed: the reason why there may be nothing to report was said. */
static int report_result(struct append *append, uint64_t size_before, bool failed)
{
	const struct batcher *batcher = &append->batcher;
	struct out *out = &append->tool->out;
	struct logstore_offsets offsets;
	char count[HUMAN_MAX];
	char size[HUMAN_MAX];

	if (append->tool->quiet || (failed && batcher->records == 0))
		return 0;
	if (append->skipped_control > 0)
		report_note("control records left out: %" PRIu64, append->skipped_control);
	if (append->skipped_damaged > 0)
		report_note("damaged batches left out: %" PRIu64, append->skipped_damaged);
	human_count(count, (int64_t)batcher->records);
	if (!batcher->part) {
		out_format(out,
		           "%s: would append %s record%s, batches: %" PRIu64
		           ", %s%s. Nothing was changed.\n",
		           append->target->name, count, batcher->records == 1 ? "" : "s",
		           batcher->batches, human_size(size, batcher->bytes),
		           append->target->exists ? "" : ", to a new partition");
		return 0;
	}
	logstore_partition_offsets(batcher->part, &offsets);
	human_size(size, offsets.size - size_before);
	if (batcher->first_offset == LOGSTORE_NO_OFFSET)
		out_format(out, "%s: no records%s\n", append->target->name,
		           append->created ? ", created" : "");
	else if (batcher->records == 1)
		out_format(out, "%s: 1 record, offset %" PRId64 ", %s, flushed\n", append->target->name,
		           batcher->first_offset, size);
	else
		out_format(out, "%s: %s records, offsets %" PRId64 "..%" PRId64 ", %s, flushed\n",
		           append->target->name, count, batcher->first_offset, batcher->end_offset, size);
	return 0;
}

/*
 * After a failure: appends what was gathered before it, and says where the input has to go on. A batch that
 * was one before is left out, for its other records could not follow.
 */
static void rescue(struct append *append)
{
	struct batcher *batcher = &append->batcher;
	bool one;
	char count[HUMAN_MAX];
	char offsets[64] = "";

	if (!batcher->refused && linger(batcher) != -1)
		(void)batcher_flush(batcher); /* says itself what is wrong */
	if (append->tool->quiet || !append->name)
		return;
	one = batcher->records == 1;
	if (batcher->part && one)
		(void)snprintf(offsets, sizeof offsets, ", offset %" PRId64 ",", batcher->first_offset);
	else if (batcher->part && batcher->records > 0)
		(void)snprintf(offsets, sizeof offsets, ", offsets %" PRId64 "..%" PRId64 ",",
		               batcher->first_offset, batcher->end_offset);
	report_note("before that %s record%s%s %s appended; to go on, begin with line %" PRIu64 " of %s",
	            human_count(count, (int64_t)batcher->records), one ? "" : "s", offsets,
	            !batcher->part ? "would be"
	            : one          ? "was"
	                           : "were",
	            batcher->count > 0 ? append->batch_line : append->line,
	            batcher->count > 0 ? append->batch_name : append->name);
}

static int run(struct append *append)
{
	struct logstore_offsets offsets = {.size = 0};
	struct logstore_error error;
	logstore_partition *part = args_has(&append->tool->args, OPT_DRY_RUN) ? NULL : append->session.part;
	logstore_config *config = NULL;
	int status = settings(append, &config);
	int flushed;

	if (status != 0)
		return status;
	status = batcher_init(&append->batcher, append->tool, append->target->path, part, config);
	logstore_config_free(config);
	if (status != 0)
		return status;
	if (part)
		logstore_partition_offsets(part, &offsets);
	status = read_all(append);
	flushed = status == 0 ? batcher_flush(&append->batcher) : 0;
	if (status != 0 || flushed != 0)
		rescue(append);
	if (part && logstore_flush(part, &error) < 0)
		flushed = report_error(&error, append->target->path);
	if (flushed == 0)
		flushed = report_result(append, offsets.size, status != 0);
	return status != 0 ? status : flushed;
}

/* Before anything is created: whether the input files can be read. */
static int check_files(const struct args *args)
{
	for (int i = 1; i < args->operand_count; i++) {
		if (strcmp(args->operands[i], "-") != 0 && access(args->operands[i], R_OK) < 0)
			return report_errno(errno, args->operands[i]);
	}
	return 0;
}

/* Takes the escapes out of @text. Returns NULL, having printed why, if that fails. */
static char *unescape(const char *option, const char *text, size_t *ret_size)
{
	char *bytes = malloc(strlen(text) + 1);

	if (!bytes) {
		(void)report_message(EXIT_STATUS_OPERATIONAL, "no memory");
		return NULL;
	}
	if (!parse_escapes(text, bytes, ret_size) || *ret_size == 0) {
		(void)report_usage(
			"append: %s: \"%s\" is empty, or has an escape that is none of \\n \\t \\r \\0 \\\\ "
			"\\xHH",
			option, text);
		free(bytes);
		return NULL;
	}
	return bytes;
}

static int setup(struct append *append)
{
	const struct args *args = &append->tool->args;
	const char *key_delimiter = args_value(args, OPT_KEY_DELIMITER);
	const char *delimiter = args_value(args, OPT_DELIMITER);
	const char *bytes = args_value(args, OPT_BYTES);

	append->json = args_has(args, OPT_JSON);
	append->base64 = bytes && strcmp(bytes, "base64") == 0;
	append->empty_as_null = args_has(args, OPT_EMPTY_NULL);
	if (!append->json && (args_has(args, OPT_KEEP_OFFSETS) || bytes || args_has(args, OPT_SKIP_DAMAGED)))
		return report_usage("append: --keep-offsets, --bytes and --skip-damaged need --json");
	if (append->json &&
	    (key_delimiter || delimiter || append->empty_as_null || args_has(args, OPT_NULL_DATA)))
		return report_usage(
			"append: --json goes with none of --key-delimiter, --delimiter, --null-data, "
			"--empty-as-null");
	if (args_int(args, OPT_BATCH_RECORDS, 1) == 0)
		return report_usage("append: --batch-records: a batch has at least one record");
	if (args_has(args, OPT_NULL_DATA))
		delimiter = "\\0";
	append->delimiter = unescape("--delimiter", delimiter ? delimiter : "\\n", &append->delimiter_size);
	if (!append->delimiter)
		return EXIT_STATUS_USAGE;
	if (key_delimiter) {
		append->key_delimiter =
			unescape("--key-delimiter", key_delimiter, &append->key_delimiter_size);
		if (!append->key_delimiter)
			return EXIT_STATUS_USAGE;
	}
	return 0;
}

int verb_append(struct tool *tool)
{
	struct target target;
	struct append append = {.tool = tool, .target = &target};
	int status;

	json_record_init(&append.record);
	status = setup(&append);
	if (status == 0)
		status = target_partition(tool->args.operands[0], false, &target);
	if (status == 0)
		status = check_files(&tool->args);
	if (status == 0)
		status = open_partition(&append);
	if (status == 0)
		status = run(&append);
	batcher_fini(&append.batcher);
	if (append.session_open)
		status = session_close(&append.session, status);
	json_record_fini(&append.record);
	free(append.delimiter);
	free(append.key_delimiter);
	return status;
}
