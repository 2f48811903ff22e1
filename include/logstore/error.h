/*
 * Errors. A function that fails returns -errno (a system call failed) or one of the codes below, and
 * fills in the caller's struct logstore_error where one was passed: what, where and the next step.
 *
 * The table is the only list of codes: it yields the enum, logstore_strerror(), logstore_error_name()
 * and logstore_error_kafka_code(). Where Kafka has a name for an error the code carries it.
 */
#ifndef LOGSTORE_ERROR_H
#define LOGSTORE_ERROR_H

#include <logstore/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, error code of Kafka's protocol, text). Values never change. */
#define LOGSTORE_ERROR_TABLE(X) \
	X(OFFSET_OUT_OF_RANGE, -5001, 1, "offset is outside the log") \
	X(CORRUPT_MESSAGE, -5002, 2, "batch is damaged or malformed") \
	X(UNKNOWN_TOPIC_OR_PARTITION, -5003, 3, "no such partition") \
	X(MESSAGE_TOO_LARGE, -5004, 10, "batch is larger than max.message.bytes") \
	X(INVALID_NAME, -5005, 17, "name is outside Kafka's grammar") \
	X(RECORD_LIST_TOO_LARGE, -5006, 18, "append is larger than segment.bytes") \
	X(INVALID_TIMESTAMP, -5007, 32, "record timestamp is out of the accepted range") \
	X(PARTITION_EXISTS, -5008, 36, "partition exists already") \
	X(INVALID_CONFIG, -5009, 40, "setting is unknown or its value is invalid") \
	X(UNSUPPORTED_FORMAT, -5010, 43, "message format is not readable or not writable by this version") \
	X(OUT_OF_ORDER_SEQUENCE_NUMBER, -5011, 45, "sequence number is not the next one of its producer") \
	X(INVALID_PRODUCER_EPOCH, -5012, 47, "producer epoch is stale") \
	X(INVALID_TXN_STATE, -5013, 48, "batch does not fit the state of its transaction") \
	X(TRANSACTION_COORDINATOR_FENCED, -5014, 52, "coordinator epoch is stale") \
	X(FENCED_LEADER_EPOCH, -5015, 74, "leader epoch is stale") \
	X(UNKNOWN_LEADER_EPOCH, -5016, 75, "leader epoch is newer than known here") \
	X(UNSUPPORTED_COMPRESSION_TYPE, -5017, 76, "codec is unknown or not built in") \
	X(INVALID_RECORD, -5018, 87, "record or batch is not acceptable") \
	X(UNEXPECTED_OFFSET, -5019, -1, "offsets of the append do not continue the log") \
	X(CORRUPT_FILE, -5020, 56, "file is damaged") \
	X(LOCKED, -5021, 56, "data directory is in use by another process") \
	X(UNCLEAN, -5022, 56, "data directory was not closed cleanly and needs recovery") \
	X(READ_ONLY, -5023, 56, "opened for reading only") \
	X(OFFLINE, -5024, 56, "partition is offline after an I/O error") \
	X(FULL, -5025, 56, "no space on the device") \
	X(LIMIT_EXCEEDED, -5026, 10, "a configured limit was reached") \
	X(NOT_A_PARTITION, -5027, 17, "not a partition directory") \
	X(UNSUPPORTED_VERSION, -5028, 35, "file was written by a newer version") \
	X(STALE, -5029, 56, "the bytes were truncated or deleted meanwhile") \
	X(BUSY, -5030, 56, "partition has open handles") \
	X(NO_SETTINGS, -5031, 40, "the topic's settings are not known here")

enum logstore_error_code {
#define LOGSTORE_ERROR_ENUM(name, value, kafka, text) LOGSTORE_E_##name = (value),
	LOGSTORE_ERROR_TABLE(LOGSTORE_ERROR_ENUM)
#undef LOGSTORE_ERROR_ENUM
};

#define LOGSTORE_ERROR_PATH_MAX 512
#define LOGSTORE_ERROR_TEXT_MAX 640

/*
 * The detail of a failure, owned by the caller (stack or heap, any lifetime). A function that succeeds
 * leaves it alone. offset and position are -1, record_index is -1 and path is "" where they say nothing.
 */
struct logstore_error {
	int32_t code;         /* what the function returned */
	int32_t sys_errno;    /* positive errno of the system call behind it, or 0 */
	int64_t offset;       /* of the record or batch concerned */
	int64_t position;     /* byte in the file (or in the caller's buffer when path is "") */
	int32_t record_index; /* record of an append that was refused */
	uint32_t reserved[3];
	char path[LOGSTORE_ERROR_PATH_MAX];
	char text[LOGSTORE_ERROR_TEXT_MAX]; /* one sentence, no final newline */
};

/**
 * logstore_strerror() - text for an error code
 * @code: what a function of this library returned
 *
 * Returns: a constant string, never NULL; for -errno what strerror(3) says, for an unknown code
 *          "unknown error".
 * Ownership: the string is static; do not free it.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API const char *logstore_strerror(int code);

/**
 * logstore_error_name() - Kafka's or our name of an error code
 * @code: what a function of this library returned
 *
 * Returns: for example "OUT_OF_ORDER_SEQUENCE_NUMBER" or "LOCKED"; for -errno its symbol ("ENOENT");
 *          "NONE" for 0 and "UNKNOWN" for an unknown code.
 * Ownership: the string is static; do not free it.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API const char *logstore_error_name(int code);

/**
 * logstore_error_kafka_code() - error code of Kafka's wire protocol
 * @code: what a function of this library returned
 *
 * Returns: the code to put into a response: 0 for 0, 56 (KAFKA_STORAGE_ERROR) for a failed system call,
 *          -1 (UNKNOWN_SERVER_ERROR) where the protocol has no word for it.
 * Threads: any thread.
 * Blocking: never.
 * Since: 0.1
 */
LOGSTORE_API int16_t logstore_error_kafka_code(int code);

#ifdef __cplusplus
}
#endif

#endif
