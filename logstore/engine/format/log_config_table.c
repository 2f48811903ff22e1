/*
 * The table of topic settings. docs/configuration.md shows it.
 *
 * Invariants: sorted by name; every default is in canonical form and passes its own check.
 *
 * Threads: constant data.
 */
#include "format/log_config_internal.h"

#include <string.h>

static const char *const cleanup_policies[] = {"compact", "delete", NULL};
static const char *const compression_types[] = {
	"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer", NULL,
};
static const char *const timestamp_types[] = {"CreateTime", "LogAppendTime", NULL};

#define AT_LEAST(smallest) .rule = LS_RULE_AT_LEAST, .min = (smallest)
#define BETWEEN(smallest, largest) .rule = LS_RULE_BETWEEN, .min = (smallest), .max = (largest)
#define ONE_OF(texts) .rule = LS_RULE_CHOICE, .choices = (texts)

const struct ls_setting ls_settings[LS_SETTING_COUNT] = {
	[LS_SETTING_CLEANUP_POLICY] = {
		.name = "cleanup.policy",
		.type = LS_TYPE_LIST,
		ONE_OF(cleanup_policies),
		.default_value = "delete",
		.documentation = "What happens to old segments: delete removes them by age and size, compact "
		                 "keeps the latest record of each key; both may be given, and an empty list "
		                 "keeps everything.",
	},
	[LS_SETTING_COMPRESSION_GZIP_LEVEL] = {
		.name = "compression.gzip.level",
		.type = LS_TYPE_INT,
		.rule = LS_RULE_LEVEL,
		.min = 1,
		.max = 9,
		.default_value = "-1",
		.documentation = "Level used when compression.type is gzip; -1 is zlib's own default.",
	},
	[LS_SETTING_COMPRESSION_LZ4_LEVEL] = {
		.name = "compression.lz4.level",
		.type = LS_TYPE_INT,
		BETWEEN(1, 17),
		.default_value = "9",
		.documentation = "Level used when compression.type is lz4.",
	},
	[LS_SETTING_COMPRESSION_TYPE] = {
		.name = "compression.type",
		.type = LS_TYPE_STRING,
		ONE_OF(compression_types),
		.default_value = "producer",
		.documentation = "Codec of the batches on disk; producer keeps what the producer chose, "
		                 "uncompressed stores them without compression.",
	},
	[LS_SETTING_COMPRESSION_ZSTD_LEVEL] = {
		.name = "compression.zstd.level",
		.type = LS_TYPE_INT,
		BETWEEN(-131072, 22),
		.default_value = "3",
		.documentation = "Level used when compression.type is zstd.",
	},
	[LS_SETTING_DELETE_RETENTION_MS] = {
		.name = "delete.retention.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(0),
		.default_value = "86400000",
		.documentation = "How long tombstones and finished transaction markers outlive the first "
		                 "compaction that meets them.",
	},
	[LS_SETTING_ERRORS_DEADLETTERQUEUE_GROUP_ENABLE] = {
		.name = "errors.deadletterqueue.group.enable",
		.type = LS_TYPE_BOOLEAN,
		.default_value = "false",
		.documentation = "Whether the topic may be the dead letter queue of a share group.",
	},
	[LS_SETTING_FILE_DELETE_DELAY_MS] = {
		.name = "file.delete.delay.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(0),
		.default_value = "60000",
		.documentation = "Time between marking a file as deleted and removing it.",
	},
	[LS_SETTING_FLUSH_MESSAGES] = {
		.name = "flush.messages",
		.type = LS_TYPE_LONG,
		AT_LEAST(1),
		.default_value = "9223372036854775807",
		.documentation = "Number of records after which the log is forced to disk.",
	},
	[LS_SETTING_FLUSH_MS] = {
		.name = "flush.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(0),
		.default_value = "9223372036854775807",
		.documentation = "Longest time a record may wait before the log is forced to disk.",
	},
	[LS_SETTING_FOLLOWER_THROTTLED_REPLICAS] = {
		.name = "follower.replication.throttled.replicas",
		.type = LS_TYPE_LIST,
		.rule = LS_RULE_REPLICAS,
		.default_value = "",
		.documentation = "Replicas whose fetching as a follower is throttled: partition:broker "
		                 "items, or * for all of them.",
	},
	[LS_SETTING_INDEX_INTERVAL_BYTES] = {
		.name = "index.interval.bytes",
		.type = LS_TYPE_INT,
		AT_LEAST(0),
		.default_value = "4096",
		.documentation = "Bytes of log between two entries of the offset index.",
	},
	[LS_SETTING_INTERNAL_SEGMENT_BYTES] = {
		.name = "internal.segment.bytes",
		.type = LS_TYPE_INT,
		AT_LEAST(1),
		.documentation = "Takes the place of segment.bytes without its lower bound, for tests.",
	},
	[LS_SETTING_LEADER_THROTTLED_REPLICAS] = {
		.name = "leader.replication.throttled.replicas",
		.type = LS_TYPE_LIST,
		.rule = LS_RULE_REPLICAS,
		.default_value = "",
		.documentation = "Replicas that are throttled on the side of the leader: partition:broker "
		                 "items, or * for all of them.",
	},
	[LS_SETTING_LOCAL_RETENTION_BYTES] = {
		.name = "local.retention.bytes",
		.type = LS_TYPE_LONG,
		AT_LEAST(-2),
		.default_value = "-2",
		.documentation = "Bytes of a tiered partition that stay on local disks; -2 follows "
		                 "retention.bytes, -1 is unlimited.",
	},
	[LS_SETTING_LOCAL_RETENTION_MS] = {
		.name = "local.retention.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(-2),
		.default_value = "-2",
		.documentation = "Age up to which segments of a tiered partition stay on local disks; -2 "
		                 "follows retention.ms, -1 is unlimited.",
	},
	[LS_SETTING_MAX_COMPACTION_LAG_MS] = {
		.name = "max.compaction.lag.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(1),
		.default_value = "9223372036854775807",
		.documentation = "Longest time a record of a compacted topic may go without being considered "
		                 "for compaction; bounds the age of the active segment too.",
	},
	[LS_SETTING_MAX_MESSAGE_BYTES] = {
		.name = "max.message.bytes",
		.type = LS_TYPE_INT,
		AT_LEAST(0),
		.default_value = "1048588",
		.documentation = "Largest batch that is accepted, in bytes after compression and with its "
		                 "header.",
	},
	[LS_SETTING_TIMESTAMP_AFTER_MAX_MS] = {
		.name = "message.timestamp.after.max.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(0),
		.default_value = "3600000",
		.documentation = "How far a record's timestamp may lie ahead of the clock; only with "
		                 "CreateTime.",
	},
	[LS_SETTING_TIMESTAMP_BEFORE_MAX_MS] = {
		.name = "message.timestamp.before.max.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(0),
		.default_value = "9223372036854775807",
		.documentation = "How far a record's timestamp may lie behind the clock; only with "
		                 "CreateTime.",
	},
	[LS_SETTING_TIMESTAMP_TYPE] = {
		.name = "message.timestamp.type",
		.type = LS_TYPE_STRING,
		ONE_OF(timestamp_types),
		.default_value = "CreateTime",
		.documentation = "Whether records keep the producer's timestamp or get the time of the "
		                 "append.",
	},
	[LS_SETTING_MIN_CLEANABLE_DIRTY_RATIO] = {
		.name = "min.cleanable.dirty.ratio",
		.type = LS_TYPE_DOUBLE,
		BETWEEN(0, 1),
		.default_value = "0.5",
		.documentation = "Share of a log that must be uncompacted before compaction starts.",
	},
	[LS_SETTING_MIN_COMPACTION_LAG_MS] = {
		.name = "min.compaction.lag.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(0),
		.default_value = "0",
		.documentation = "Shortest time that a record stays as it is before compaction may remove "
		                 "it.",
	},
	[LS_SETTING_MIN_INSYNC_REPLICAS] = {
		.name = "min.insync.replicas",
		.type = LS_TYPE_INT,
		AT_LEAST(1),
		.default_value = "1",
		.documentation = "Replicas that must be in sync for a write with acks=all to succeed.",
	},
	[LS_SETTING_PREALLOCATE] = {
		.name = "preallocate",
		.type = LS_TYPE_BOOLEAN,
		.default_value = "false",
		.documentation = "Whether a new segment file gets its full size at once.",
	},
	[LS_SETTING_REMOTE_COPY_LAG_BYTES] = {
		.name = "remote.copy.lag.bytes",
		.type = LS_TYPE_LONG,
		AT_LEAST(-1),
		.default_value = "-1",
		.documentation = "Bytes by which the copying of segments to remote storage may be held back; "
		                 "-1 follows local.retention.bytes.",
	},
	[LS_SETTING_REMOTE_COPY_LAG_MS] = {
		.name = "remote.copy.lag.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(-1),
		.default_value = "0",
		.documentation = "Time by which the copying of segments to remote storage may be held back; "
		                 "0 copies at once, -1 follows local.retention.ms.",
	},
	[LS_SETTING_REMOTE_LOG_COPY_DISABLE] = {
		.name = "remote.log.copy.disable",
		.type = LS_TYPE_BOOLEAN,
		.default_value = "false",
		.documentation = "Whether no further segments are copied to remote storage.",
	},
	[LS_SETTING_REMOTE_LOG_DELETE_ON_DISABLE] = {
		.name = "remote.log.delete.on.disable",
		.type = LS_TYPE_BOOLEAN,
		.default_value = "false",
		.documentation = "Whether remote data is removed when remote.storage.enable is turned off.",
	},
	[LS_SETTING_REMOTE_STORAGE_ENABLE] = {
		.name = "remote.storage.enable",
		.type = LS_TYPE_BOOLEAN,
		.default_value = "false",
		.documentation = "Whether the topic is tiered, with older segments in remote storage.",
	},
	[LS_SETTING_RETENTION_BYTES] = {
		.name = "retention.bytes",
		.type = LS_TYPE_LONG,
		.default_value = "-1",
		.documentation = "Bytes that a partition may hold before its oldest segments are deleted; a "
		                 "negative number is unlimited.",
	},
	[LS_SETTING_RETENTION_MS] = {
		.name = "retention.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(-1),
		.default_value = "604800000",
		.documentation = "Age at which segments are deleted; -1 is unlimited.",
	},
	[LS_SETTING_SEGMENT_BYTES] = {
		.name = "segment.bytes",
		.type = LS_TYPE_INT,
		AT_LEAST(1048576),
		.default_value = "1073741824",
		.documentation = "Size at which a new segment is begun.",
	},
	[LS_SETTING_SEGMENT_INDEX_BYTES] = {
		.name = "segment.index.bytes",
		.type = LS_TYPE_INT,
		AT_LEAST(4),
		.default_value = "10485760",
		.documentation = "Size up to which the offset and time index of a segment may grow before a "
		                 "new segment is begun.",
	},
	[LS_SETTING_SEGMENT_JITTER_MS] = {
		.name = "segment.jitter.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(0),
		.default_value = "0",
		.documentation = "Upper bound of the random time taken off segment.ms, so that many "
		                 "partitions do not begin new segments at once.",
	},
	[LS_SETTING_SEGMENT_MS] = {
		.name = "segment.ms",
		.type = LS_TYPE_LONG,
		AT_LEAST(1),
		.default_value = "604800000",
		.documentation = "Age at which a new segment is begun even if the active one is not full.",
	},
	[LS_SETTING_UNCLEAN_LEADER_ELECTION_ENABLE] = {
		.name = "unclean.leader.election.enable",
		.type = LS_TYPE_BOOLEAN,
		.default_value = "false",
		.documentation = "Whether a replica that is not in sync may become leader, at the price of "
		                 "lost records.",
	},
};

const char *ls_setting_type_name(enum ls_setting_type type)
{
	static const char *const names[] = {
		[LS_TYPE_INT] = "int",
		[LS_TYPE_LONG] = "long",
		[LS_TYPE_DOUBLE] = "double",
		[LS_TYPE_BOOLEAN] = "boolean",
		[LS_TYPE_STRING] = "string",
		[LS_TYPE_LIST] = "list",
	};

	return names[type];
}

int ls_setting_find(const char *name)
{
	for (int i = 0; i < LS_SETTING_COUNT; i++) {
		if (strcmp(ls_settings[i].name, name) == 0)
			return i;
	}
	return -1;
}
