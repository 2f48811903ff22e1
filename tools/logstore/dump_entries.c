/*
 * Files other than logs for `logstore dump`: indexes, snapshots, checkpoints, properties. Names of JSON
 * fields are those of `stat --json` where both show the same thing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dump.h"
#include "json_out.h"
#include "report.h"

struct entries {
	struct dump *dump;
	const struct target *target;
	bool heading_done;
};

static void json_entry(struct json *json, const struct logstore_file_entry *entry)
{
	const struct logstore_txn_entry *txn = &entry->u.txn;
	const struct logstore_producer_entry *producer = &entry->u.producer;
	char name[LOGSTORE_TOPIC_NAME_MAX + 16];

	switch (entry->kind) {
	case LOGSTORE_FILE_OFFSET_INDEX:
		json_int(json, "offset", entry->u.index.offset);
		json_uint(json, "position", entry->u.index.position);
		break;
	case LOGSTORE_FILE_TIME_INDEX:
		json_int(json, "timestamp", entry->u.time_index.timestamp);
		json_int(json, "offset", entry->u.time_index.offset);
		break;
	case LOGSTORE_FILE_TXN_INDEX:
		json_int(json, "version", txn->version);
		json_int(json, "producer_id", txn->producer_id);
		json_int(json, "first", txn->first_offset);
		json_int(json, "last", txn->last_offset);
		json_int(json, "last_stable_offset", txn->last_stable_offset);
		break;
	case LOGSTORE_FILE_SNAPSHOT:
		json_int(json, "producer_id", producer->producer_id);
		json_int(json, "producer_epoch", producer->producer_epoch);
		json_int(json, "last_sequence", producer->last_sequence);
		json_int(json, "last_offset", producer->last_offset);
		json_int(json, "offset_delta", producer->offset_delta);
		json_int(json, "timestamp", producer->timestamp);
		json_int(json, "coordinator_epoch", producer->coordinator_epoch);
		json_int_or_null(json, "current_txn_first_offset", producer->current_txn_first_offset);
		break;
	case LOGSTORE_FILE_EPOCHS:
		json_int(json, "leader_epoch", entry->u.epoch.epoch);
		json_int(json, "start_offset", entry->u.epoch.start_offset);
		break;
	case LOGSTORE_FILE_OFFSETS:
		(void)snprintf(name, sizeof name, "%s-%d", entry->u.checkpoint.topic,
		               entry->u.checkpoint.partition);
		json_text(json, "partition", name);
		json_int(json, "offset", entry->u.checkpoint.offset);
		break;
	case LOGSTORE_FILE_PROPERTIES:
	case LOGSTORE_FILE_CLEAN_SHUTDOWN:
	case LOGSTORE_FILE_JSON:
		if (entry->u.property.name[0] != '\0')
			json_text(json, "name", entry->u.property.name);
		json_text(json, "value", entry->u.property.value);
		break;
	case LOGSTORE_FILE_UNKNOWN:
	case LOGSTORE_FILE_LOG:
		break;
	}
}

/* Files of a data directory have no partition of their own. */
static bool in_partition(enum logstore_file_kind kind, const char *name)
{
	return kind != LOGSTORE_FILE_OFFSETS && kind != LOGSTORE_FILE_CLEAN_SHUTDOWN &&
	       strcmp(name, "meta.properties") != 0;
}

static void print_json(struct entries *entries, const struct logstore_file_entry *entry)
{
	struct json json = json_line(&entries->dump->tool->out);

	if (in_partition(entry->kind, entries->target->name))
		json_text(&json, "partition", entries->target->label);
	json_text(&json, "file", entries->target->name);
	json_entry(&json, entry);
	json_line_end(&json);
}

static const char *heading(enum logstore_file_kind kind)
{
	switch (kind) {
	case LOGSTORE_FILE_OFFSET_INDEX:
		return "              OFFSET    POSITION\n";
	case LOGSTORE_FILE_TIME_INDEX:
		return "TIME                                         OFFSET\n";
	case LOGSTORE_FILE_TXN_INDEX:
		return "  PRODUCER  ABORTED OFFSETS                 LAST STABLE\n";
	case LOGSTORE_FILE_SNAPSHOT:
		return "  PRODUCER  EPOCH  LAST SEQUENCE   LAST OFFSET  COORDINATOR  OPEN SINCE  TIME\n";
	case LOGSTORE_FILE_EPOCHS:
		return "EPOCH          START\n";
	case LOGSTORE_FILE_OFFSETS:
		return "      OFFSET  PARTITION\n";
	case LOGSTORE_FILE_PROPERTIES:
	case LOGSTORE_FILE_CLEAN_SHUTDOWN:
	case LOGSTORE_FILE_JSON:
	case LOGSTORE_FILE_UNKNOWN:
	case LOGSTORE_FILE_LOG:
		break;
	}
	return "";
}

static void print_snapshot(struct out *out, const struct logstore_producer_entry *producer)
{
	char time[HUMAN_MAX];
	char open[24] = "-";

	if (producer->current_txn_first_offset >= 0)
		(void)snprintf(open, sizeof open, "%" PRId64, producer->current_txn_first_offset);
	out_format(out, "%10" PRId64 "  %5d  %13d  %12" PRId64 "  %11d  %10s  %s\n", producer->producer_id,
	           producer->producer_epoch, producer->last_sequence, producer->last_offset,
	           producer->coordinator_epoch, open, human_time(time, producer->timestamp));
}

static void print_text(struct out *out, const struct logstore_file_entry *entry)
{
	char text[HUMAN_MAX];

	switch (entry->kind) {
	case LOGSTORE_FILE_OFFSET_INDEX:
		out_format(out, "%20" PRId64 "  %10" PRIu64 "\n", entry->u.index.offset,
		           entry->u.index.position);
		break;
	case LOGSTORE_FILE_TIME_INDEX:
		out_format(out, "%-29s  %20" PRId64 "\n", human_time(text, entry->u.time_index.timestamp),
		           entry->u.time_index.offset);
		break;
	case LOGSTORE_FILE_TXN_INDEX:
		(void)snprintf(text, sizeof text, "%" PRId64 "..%" PRId64, entry->u.txn.first_offset,
		               entry->u.txn.last_offset);
		out_format(out, "%10" PRId64 "  %-30s  %" PRId64 "\n", entry->u.txn.producer_id, text,
		           entry->u.txn.last_stable_offset);
		break;
	case LOGSTORE_FILE_SNAPSHOT:
		print_snapshot(out, &entry->u.producer);
		break;
	case LOGSTORE_FILE_EPOCHS:
		out_format(out, "%5d  %13" PRId64 "\n", entry->u.epoch.epoch, entry->u.epoch.start_offset);
		break;
	case LOGSTORE_FILE_OFFSETS:
		out_format(out, "%12" PRId64 "  %s-%d\n", entry->u.checkpoint.offset,
		           entry->u.checkpoint.topic, entry->u.checkpoint.partition);
		break;
	case LOGSTORE_FILE_PROPERTIES:
		out_format(out, "%s=", entry->u.property.name);
		out_printable(out, entry->u.property.value, strlen(entry->u.property.value));
		out_char(out, '\n');
		break;
	case LOGSTORE_FILE_CLEAN_SHUTDOWN:
	case LOGSTORE_FILE_JSON:
		out_printable(out, entry->u.property.value, strlen(entry->u.property.value));
		out_char(out, '\n');
		break;
	case LOGSTORE_FILE_UNKNOWN:
	case LOGSTORE_FILE_LOG:
		break;
	}
}

/* The offset that --from is compared with; INT64_MAX where an entry has none. */
static int64_t entry_offset(const struct logstore_file_entry *entry)
{
	switch (entry->kind) {
	case LOGSTORE_FILE_OFFSET_INDEX:
		return entry->u.index.offset;
	case LOGSTORE_FILE_TIME_INDEX:
		return entry->u.time_index.offset;
	case LOGSTORE_FILE_TXN_INDEX:
		return entry->u.txn.last_offset;
	case LOGSTORE_FILE_SNAPSHOT:
	case LOGSTORE_FILE_EPOCHS:
	case LOGSTORE_FILE_OFFSETS:
	case LOGSTORE_FILE_PROPERTIES:
	case LOGSTORE_FILE_CLEAN_SHUTDOWN:
	case LOGSTORE_FILE_JSON:
	case LOGSTORE_FILE_UNKNOWN:
	case LOGSTORE_FILE_LOG:
		break;
	}
	return INT64_MAX;
}

static int print_entry(void *arg, const struct logstore_file_entry *entry)
{
	struct entries *entries = arg;
	struct dump *dump = entries->dump;

	if (entry_offset(entry) < dump->from)
		return 0;
	if (dump_done(dump))
		return 1;
	if (dump->json) {
		print_json(entries, entry);
	} else {
		if (!entries->heading_done && dump->headings)
			out_text(&dump->tool->out, heading(entry->kind));
		entries->heading_done = true;
		print_text(&dump->tool->out, entry);
	}
	dump->left--;
	return 0;
}

int dump_entries(struct dump *dump, const struct target *target)
{
	struct entries entries = {.dump = dump, .target = target};
	struct logstore_error error;
	int r = logstore_file_entries(&dump->tool->env, target->path, print_entry, &entries, &error);

	return r < 0 ? report_error(&error, target->path) : EXIT_STATUS_OK;
}
