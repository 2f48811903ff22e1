/*
 * The verbs, in the order in which `logstore help` lists them by name. Descriptions are plain text; help
 * wraps them, the man page sets them.
 */
#include "verbs.h"

#include <string.h>

#define ANY (-1)

const struct verb_def verb_table[VERB_COUNT] = {
	[VERB_APPEND] = {
		VERB_APPEND, "append", "PATH [FILE...]", 1, ANY, "append records from standard input or files",
		"Each line becomes a record. PATH is one partition, DIR/TOPIC-NUMBER. A FILE of - is standard input. "
		"Records wait for at most a tenth of a second for more input, then their batch is written; at the "
		"end everything is on stable storage.\n\n"
		"With --json the input is what `logstore dump --records --json` and `logstore read --json` print: "
		"key, value, headers and timestamp are taken, control records are left out. With --keep-offsets "
		"the batches are built again as they were and appended as a replica appends them: offsets, leader "
		"epochs, producer ids, epochs and sequences, transactions and markers, timestamps.\n\n"
		"Such a copy does not carry the settings (logstore config shows them, -c gives them to the copy) nor "
		"the log start: dump shows what lies in the files, so records that were deleted but whose segment is "
		"still there are in the copy and can be read again. `logstore delete-records --before N` on the copy, "
		"with N the START that `logstore stat` shows for the original, hides them again.\n\n"
		"If a record of the input is refused, those before it are appended and the line to go on with is "
		"said; with --keep-offsets only whole batches are.",
		{ { "seq 1000 | logstore append --create ./data/demo-0", "a thousand records into a new partition" },
		  { "logstore append -K : -z zstd ./data/demo-0 users.txt", "key:value lines, compressed" },
		  { "logstore dump -rJ ./data/demo-0 | logstore append -J --keep-offsets --create ./copy/demo-0",
		    "a copy with the same offsets" } },
		verb_append },
	[VERB_COMPLETION] = {
		VERB_COMPLETION, "completion", "bash|zsh|fish", 1, 1, "print the completion script of a shell",
		"The script is made from the same table that parses the options.",
		{ { "source <(logstore completion bash)", "for this shell" },
		  { "logstore completion fish > ~/.config/fish/completions/logstore.fish", "for good" } },
		verb_completion },
	[VERB_CONFIG] = {
		VERB_CONFIG, "config", "PATH", 1, 1, "show or change the settings of a partition",
		"Settings have Kafka's names, defaults and ranges. Without --set and --unset those that differ from "
		"their default are shown. Settings are kept in the partition; a Kafka broker has its own and does not "
		"look at them.",
		{ { "logstore config ./data/orders-0", "what was changed" },
		  { "logstore config --all ./data/orders-0", "everything, with the defaults" },
		  { "logstore config --set segment.bytes=1048576 ./data/orders-0", "keep a setting" } },
		verb_config },
	[VERB_CREATE] = {
		VERB_CREATE, "create", "PATH", 1, 1, "create a partition",
		"PATH is DIR/TOPIC-NUMBER; the data directory DIR is created if it is missing, its parents are not.",
		{ { "logstore create ./data/orders-0", "with Kafka's defaults" },
		  { "logstore create -c cleanup.policy=compact -c segment.bytes=1048576 ./data/users-0",
		    "with settings of its own" } },
		verb_create },
	[VERB_DELETE] = {
		VERB_DELETE, "delete", "PATH", 1, 1, "delete a partition with its files",
		"The partition does not come back. Use --dry-run to see what would go.",
		{ { "logstore delete -n ./data/orders-0", "what would go, and how many bytes" },
		  { "logstore delete ./data/orders-0", "delete it" } },
		verb_delete },
	[VERB_DELETE_RECORDS] = {
		VERB_DELETE_RECORDS, "delete-records", "PATH", 1, 1, "move the start of a log forward",
		"Records below the new start cannot be read any more; segments that lie below it as a whole are "
		"removed.",
		{ { "logstore delete-records --before 5000 ./data/orders-0", "offsets below 5000 go" },
		  { "logstore delete-records --before hw ./data/orders-0",
		    "everything up to the high watermark goes" } },
		verb_delete_records },
	[VERB_DUMP] = {
		VERB_DUMP, "dump", "PATH...", 1, ANY, "show batches, records or the entries of any file Kafka writes",
		"PATH is a data directory, a partition directory or a single file: a log, an index, a snapshot, a "
		"checkpoint. Nothing is written and no lock is taken, so it works beside a running owner. Zero bytes "
		"and half a batch at the end of a log count as not written yet. Records below the log start are shown "
		"as long as they are in the files; `logstore read` leaves them out.\n\n"
		"With --json, fields that have their default are left out: magic 2, valid true, producer_id, "
		"producer_epoch, base_sequence and sequence -1, transactional, control, is_control and "
		"is_transactional false, codec none, timestamp_type CreateTime, no headers. A damaged batch is an "
		"object with \"valid\":false, or with \"error\".",
		{ { "logstore dump ./data/orders-0/00000000000000000000.log | head", "the first batches of a file" },
		  { "logstore dump --records --from 42 --count 1 ./data/orders-0", "one record" },
		  { "logstore dump -rJ ./data/orders-0 | jq -r .value", "values of all records" },
		  { "logstore dump ./data/orders-0/00000000000000000000.timeindex", "entries of an index" } },
		verb_dump },
	[VERB_HELP] = {
		VERB_HELP, "help", "[VERB]", 0, 1, "show help for a verb", "Without VERB: the list of verbs.",
		{ { "logstore help append", "options and examples of append" } },
		verb_help },
	[VERB_OFFSETS] = {
		VERB_OFFSETS, "offsets", "PATH...", 1, ANY, "show the bounds of partitions, or find offsets by time",
		"Shows the log start, the log end, the last stable offset and the high watermark. With --time: the "
		"first record at or after a time, as Kafka's ListOffsets answers.",
		{ { "logstore offsets ./data", "bounds of all partitions" },
		  { "logstore offsets --time 2026-03-01T09:00Z ./data/orders-0", "where that day's work begins" } },
		verb_offsets },
	[VERB_READ] = {
		VERB_READ, "read", "PATH", 1, 1, "print the records of a partition",
		"Prints values, one per line; up to the log end, or to the high watermark with --hw, or to the last "
		"stable offset with --committed. Control records are left out. No lock is taken, so it works beside "
		"a running owner.",
		{ { "logstore read ./data/orders-0", "all values" },
		  { "logstore read --from @2026-03-01T09:00:00Z --count 3 -f '%o %k %s\\n' ./data/orders-0",
		    "three records from a time on" },
		  { "logstore read --from -10 ./data/orders-0", "the last ten" },
		  { "logstore read --follow --committed ./data/orders-0", "what is committed, as it comes" } },
		verb_read },
	[VERB_STAT] = {
		VERB_STAT, "stat", "PATH...", 1, ANY, "show the state of a data directory or a partition",
		"One row per partition. With --json one object per partition: bounds, segments, producers, leader "
		"epochs; with --indexes also every index entry.",
		{ { "logstore stat ./data", "all partitions" },
		  { "logstore stat --segments ./data/orders-0", "its segments" },
		  { "logstore stat --json --indexes ./data/orders-0", "everything that is known" } },
		verb_stat },
	[VERB_TRUNCATE] = {
		VERB_TRUNCATE, "truncate", "PATH", 1, 1, "cut the end of a log",
		"Records at or above the given offset go. A log is cut between batches: an offset inside a batch is "
		"refused, unless --whole-batch lets the records before it in its batch go too.",
		{ { "logstore truncate -n --to 1200 ./data/orders-0", "what would go" },
		  { "logstore truncate --to 1200 ./data/orders-0", "cut" } },
		verb_truncate },
	[VERB_VERIFY] = {
		VERB_VERIFY, "verify", "PATH...", 1, ANY, "check every file against the others",
		"Checks every batch (checksum, structure, records, order of offsets), every index entry against its "
		"batch, the transaction index against the markers, snapshots, leader epochs and checkpoints. Nothing "
		"is written and no lock is taken. What cannot be read is named in the summary. Findings are damage "
		"(data is damaged or missing), rebuildable (a derived file is missing, stale or damaged) or notes "
		"(odd, but harmless). The exit status is 4 if there is damage or anything to rebuild, 8 if something "
		"could not be read, 12 if both.",
		{ { "logstore verify ./data", "everything" },
		  { "logstore verify --json ./data/orders-0 | jq .kind", "kinds of findings" } },
		verb_verify },
	[VERB_VERSION] = {
		VERB_VERSION, "version", "", 0, 0, "show the version", "With --json also what this build can do.",
		{ { "logstore --version --json", "version, formats and codecs" } },
		verb_version },
};

const struct verb_def *verb_find(const char *name)
{
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (strcmp(verb_table[i].name, name) == 0)
			return &verb_table[i];
	}
	return NULL;
}
