/*
 * The table of options, by group. One option may have several lines where verbs mean it differently; an
 * alias has a line of its own with the same id.
 */
#include "options.h"

#define B(verb) VERB_BIT(VERB_##verb)
#define ALL_VERBS ((UINT32_C(1) << VERB_COUNT) - 1)
#define WRITERS (B(APPEND) | B(CREATE) | B(CONFIG) | B(DELETE) | B(DELETE_RECORDS) | B(TRUNCATE))
#define STORE_VERBS (WRITERS | B(READ) | B(DUMP) | B(STAT) | B(OFFSETS) | B(VERIFY))
#define TABLES (B(DUMP) | B(STAT) | B(OFFSETS) | B(CONFIG))

static const struct option_def table[] = {
	{ OPT_FROM, B(READ), 'o', ARG_TEXT, "from", "PLACE", NULL, "What to read",
	  "Begin at an offset, -N (N before the end), @TIME, beginning or end. Default: beginning." },
	{ OPT_FROM, B(DUMP), 'o', ARG_NUMBER, "from", "OFFSET", NULL, "What to show",
	  "Begin with the batch or record at this offset or after it." },
	{ OPT_COUNT, B(READ), 0, ARG_NUMBER, "count", "N", NULL, "What to read", "Stop after N records." },
	{ OPT_COUNT, B(DUMP), 0, ARG_NUMBER, "count", "N", NULL, "What to show",
	  "Stop after N batches, or with --records after N records." },
	{ OPT_FOLLOW, B(READ), 'F', ARG_NONE, "follow", NULL, NULL, "What to read",
	  "Wait for more at the end, until Ctrl-C." },
	{ OPT_COMMITTED, B(READ), 0, ARG_NONE, "committed", NULL, NULL, "What to read",
	  "Up to the last stable offset, without what transactions aborted." },
	{ OPT_COMMITTED, B(DUMP), 0, ARG_NONE, "committed", NULL, NULL, "What to show",
	  "With --records: only what a read_committed consumer gets." },
	{ OPT_COMMITTED, B(OFFSETS), 0, ARG_NONE, "committed", NULL, NULL, "What to show",
	  "Answer --time for a read_committed consumer: nothing at or above the last stable offset." },
	{ OPT_HW, B(READ), 0, ARG_NONE, "hw", NULL, NULL, "What to read",
	  "Up to the high watermark that was last checkpointed. Default: up to the log end." },
	{ OPT_HW, B(OFFSETS), 0, ARG_NONE, "hw", NULL, NULL, "What to show",
	  "Answer --time for a consumer: nothing at or above the high watermark." },
	{ OPT_SKIP_DAMAGED, B(READ), 0, ARG_NONE, "skip-damaged", NULL, NULL, "What to read",
	  "Go on after a damaged batch and say how many offsets are missing." },
	{ OPT_SKIP_DAMAGED, B(DUMP), 0, ARG_NONE, "skip-damaged", NULL, NULL, "What to show",
	  "Go on after a damaged batch, also where the next one has to be searched for." },
	{ OPT_RECORDS, B(DUMP), 'r', ARG_NONE, "records", NULL, NULL, "What to show", "Records instead of batches." },
	{ OPT_SEGMENTS, B(STAT), 0, ARG_NONE, "segments", NULL, NULL, "What to show", "One row per segment." },
	{ OPT_INDEXES, B(STAT), 0, ARG_NONE, "indexes", NULL, NULL, "What to show",
	  "The entries of every index too." },
	{ OPT_EXACT, B(STAT), 0, ARG_NONE, "exact", NULL, NULL, "What to show",
	  "Count records and codecs in partitions above 64 MiB too; reads every batch header." },
	{ OPT_TIME, B(OFFSETS), 't', ARG_TEXT, "time", "TIME", NULL, "What to show",
	  "The first record at or after a time: ms since 1970, 2026-03-01T12:00Z, or Kafka's -1 latest, "
	  "-2 earliest, -3 largest timestamp, -4 earliest local, -5 latest tiered, -6 earliest pending upload. "
	  "May be repeated." },
	{ OPT_QUICK, B(VERIFY), 0, ARG_NONE, "quick", NULL, NULL, "What to check",
	  "Checksums and structure only; do not decompress and parse records." },
	{ OPT_ALL, B(CONFIG), 'a', ARG_NONE, "all", NULL, NULL, "What to show",
	  "Also the settings that have their default." },
	{ OPT_SET, B(CONFIG), 0, ARG_SETTING, "set", "NAME=VALUE", NULL, "What to change",
	  "Keep a setting in the partition. May be repeated." },
	{ OPT_UNSET, B(CONFIG), 0, ARG_NAME, "unset", "NAME", NULL, "What to change",
	  "Take a setting back to its default. May be repeated." },
	{ OPT_TO, B(TRUNCATE), 0, ARG_NUMBER, "to", "OFFSET", NULL, "What to cut",
	  "The new log end: records at or above it go. It has to be the first offset of a batch." },
	{ OPT_WHOLE_BATCH, B(TRUNCATE), 0, ARG_NONE, "whole-batch", NULL, NULL, "What to cut",
	  "Where --to lies inside a batch: cut that batch as a whole, from its first offset on." },
	{ OPT_BEFORE, B(DELETE_RECORDS), 0, ARG_TEXT, "before", "OFFSET", NULL, "What to delete",
	  "The new log start; -1 or hw: the high watermark." },
	{ OPT_TOPIC_ID, B(CREATE), 0, ARG_TEXT, "topic-id", "ID", NULL, "What to make",
	  "Topic id as Kafka writes it (22 characters of base64url). Default: a random one." },
	{ OPT_CREATE, B(APPEND), 0, ARG_NONE, "create", NULL, NULL, "Where to write",
	  "Create the partition, and its data directory, if it is missing." },
	{ OPT_KEEP_OFFSETS, B(APPEND), 0, ARG_NONE, "keep-offsets", NULL, NULL, "Where to write",
	  "With --json: append as a replica does, with the offsets, batches, producers and epochs of the input." },
	{ OPT_JSON, B(APPEND), 'J', ARG_NONE, "json", NULL, NULL, "Input",
	  "One JSON object per line, as dump --records --json prints them." },
	{ OPT_BYTES, B(APPEND), 0, ARG_CHOICE, "bytes", "FORM", "auto base64", "Input",
	  "With --json: strings are text (auto) or all base64." },
	{ OPT_SKIP_DAMAGED, B(APPEND), 0, ARG_NONE, "skip-damaged", NULL, NULL, "Input",
	  "With --json: pass over objects that stand for a damaged batch." },
	{ OPT_KEY_DELIMITER, B(APPEND), 'K', ARG_TEXT, "key-delimiter", "TEXT", NULL, "Input",
	  "What stands before the first TEXT of a line is the key." },
	{ OPT_DELIMITER, B(APPEND), 'D', ARG_TEXT, "delimiter", "TEXT", NULL, "Input",
	  "Records end with TEXT (\\n, \\t, \\xHH are understood). Default: a line feed." },
	{ OPT_NULL_DATA, B(APPEND), '0', ARG_NONE, "null-data", NULL, NULL, "Input", "Records end with a zero byte." },
	{ OPT_EMPTY_NULL, B(APPEND), 'Z', ARG_NONE, "empty-as-null", NULL, NULL, "Input",
	  "An empty key or value is null (a null value is a tombstone)." },
	{ OPT_CODEC, B(APPEND), 'z', ARG_CHOICE, "codec", "CODEC", "none gzip snappy lz4 zstd", "Batches",
	  "Compress with none, gzip, snappy, lz4 or zstd. Default: the topic's compression.type." },
	{ OPT_LEVEL, B(APPEND), 0, ARG_INTEGER, "level", "N", NULL, "Batches", "Level of the codec." },
	{ OPT_BATCH_RECORDS, B(APPEND), 0, ARG_NUMBER, "batch-records", "N", NULL, "Batches",
	  "At most N records in a batch. Default: 10000." },
	{ OPT_BATCH_BYTES, B(APPEND), 0, ARG_SIZE, "batch-bytes", "SIZE", NULL, "Batches",
	  "At most SIZE bytes before compression (K, M and G are understood). Default: 256K." },
	{ OPT_FORMAT, B(READ), 'f', ARG_TEXT, "format", "FORMAT", NULL, "Output",
	  "Print each record like this: %o offset, %k key, %s value, %K %S their sizes (-1 is null), %T timestamp "
	  "in ms, %t topic, %p partition, %h headers, %R size of the value as 4 bytes, %% percent, and \\n \\t "
	  "\\r \\xHH." },
	{ OPT_KEY_DELIMITER, B(READ), 'K', ARG_TEXT, "key-delimiter", "TEXT", NULL, "Output",
	  "Print the key and TEXT before the value." },
	{ OPT_DELIMITER, B(READ), 'D', ARG_TEXT, "delimiter", "TEXT", NULL, "Output",
	  "End each record with TEXT. Default: a line feed." },
	{ OPT_NULL_DATA, B(READ), '0', ARG_NONE, "null-data", NULL, NULL, "Output",
	  "End each record with a zero byte." },
	{ OPT_JSON, (TABLES | B(READ) | B(VERIFY) | B(VERSION)), 'J', ARG_NONE, "json", NULL, NULL, "Output",
	  "One JSON object per line." },
	{ OPT_BYTES, (B(READ) | B(DUMP)), 0, ARG_CHOICE, "bytes", "FORM", "auto base64", "Output",
	  "With --json: keys and values as text where they are UTF-8, else {\"base64\":\"...\"} (auto), or always "
	  "as base64 strings." },
	{ OPT_NO_HEADINGS, TABLES, 0, ARG_NONE, "no-headings", NULL, NULL, "Output",
	  "Tables without their first line." },
	{ OPT_COLOR, ALL_VERBS, 0, ARG_CHOICE, "color", "WHEN", "auto always never", "General",
	  "Colour: auto (a terminal, and neither NO_COLOR nor TERM=dumb), always or never." },
	{ OPT_FILES, B(DUMP), 0, ARG_FILES, "files", "FILE,...", NULL, "Names of kafka-dump-log",
	  "The files, instead of PATH." },
	{ OPT_RECORDS, B(DUMP), 0, ARG_NONE, "print-data-log", NULL, NULL, "Names of kafka-dump-log",
	  "Same as --records." },
	{ OPT_RECORDS, B(DUMP), 0, ARG_NONE, "deep-iteration", NULL, NULL, "Names of kafka-dump-log",
	  "Same as --records." },
	{ OPT_MAX_BYTES, B(DUMP), 0, ARG_SIZE, "max-bytes", "SIZE", NULL, "Names of kafka-dump-log",
	  "Look at the first SIZE bytes of each log only." },
	{ OPT_DRY_RUN, WRITERS, 'n', ARG_NONE, "dry-run", NULL, NULL, "General",
	  "Say what would be done and change nothing." },
	{ OPT_CONFIG, B(CREATE), 'c', ARG_SETTING, "config", "NAME=VALUE", NULL, "What to make",
	  "A topic setting by Kafka's name, kept in the partition. May be repeated." },
	{ OPT_CONFIG, (B(APPEND) | B(TRUNCATE) | B(DELETE_RECORDS)), 'c', ARG_SETTING, "config", "NAME=VALUE", NULL,
	  "General", "A topic setting by Kafka's name, for this run (append --create: kept in a new partition)." },
	{ OPT_CONFIG, B(CONFIG), 'c', ARG_SETTING, "config", "NAME=VALUE", NULL, "What to show",
	  "Show the settings as they would be with this one." },
	{ OPT_NOW, STORE_VERBS, 0, ARG_NUMBER, "now", "MS", NULL, "General",
	  "The time it is, in ms since 1970, instead of the clock." },
	{ OPT_QUIET, (WRITERS | B(READ) | B(VERIFY)), 'q', ARG_NONE, "quiet", NULL, NULL, "General",
	  "No summary, no progress, no notes." },
	{ OPT_MAN, B(HELP), 0, ARG_NONE, "man", NULL, NULL, NULL, "The man page in roff." },
	{ OPT_HELP, ALL_VERBS, 'h', ARG_NONE, "help", NULL, NULL, "General", "Show this help." },
};

const struct option_def *options_next(enum verb_id verb, size_t *at)
{
	while (*at < sizeof table / sizeof *table) {
		const struct option_def *option = &table[(*at)++];

		if (option->verbs & VERB_BIT(verb))
			return option;
	}
	return NULL;
}
