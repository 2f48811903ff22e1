/*
 * Names of files and directories: what they say, and how they are written. docs/format/directory.md is
 * normative.
 *
 * Invariants: reading follows Kafka's loader, so that both sides see the same files in a directory; an
 * offset that is handed out is 0 or more; a topic that is handed out is within Kafka's grammar and so is
 * safe as part of a path.
 *
 * Threads: pure functions. Nothing is allocated; suffixes are static strings.
 */
#include "format/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "format/java_text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* <20 digits>-<10 digits>: offset and epoch of a KRaft snapshot. */
#define SNAPSHOT_OFFSET_DIGITS 20
#define SNAPSHOT_EPOCH_DIGITS 10
#define SNAPSHOT_STEM_LENGTH (SNAPSHOT_OFFSET_DIGITS + 1 + SNAPSHOT_EPOCH_DIGITS)

static const struct {
	const char *name;
	enum logstore_file_kind kind;
} fixed_names[] = {
	{LS_NAME_EPOCHS, LOGSTORE_FILE_EPOCHS},
	{LS_NAME_RECOVERY_POINTS, LOGSTORE_FILE_OFFSETS},
	{LS_NAME_LOG_STARTS, LOGSTORE_FILE_OFFSETS},
	{LS_NAME_HIGH_WATERMARKS, LOGSTORE_FILE_OFFSETS},
	{LS_NAME_CLEANER_OFFSETS, LOGSTORE_FILE_OFFSETS},
	{LS_NAME_PARTITION_METADATA, LOGSTORE_FILE_PROPERTIES},
	{LS_NAME_META_PROPERTIES, LOGSTORE_FILE_PROPERTIES},
	{LS_NAME_CONFIG, LOGSTORE_FILE_PROPERTIES},
	{LS_NAME_CLEAN_SHUTDOWN, LOGSTORE_FILE_CLEAN_SHUTDOWN},
	{"quorum-state", LOGSTORE_FILE_JSON},
	{"bootstrap.checkpoint", LOGSTORE_FILE_LOG}, /* a KRaft snapshot of no offset */
};

static const struct {
	const char *ending;
	enum logstore_file_kind kind;
} segment_endings[] = {
	{".log", LOGSTORE_FILE_LOG},
	{".index", LOGSTORE_FILE_OFFSET_INDEX},
	{".timeindex", LOGSTORE_FILE_TIME_INDEX},
	{".txnindex", LOGSTORE_FILE_TXN_INDEX},
	{".snapshot", LOGSTORE_FILE_SNAPSHOT},
};

/* What a file is renamed to on its way in or out of the log. */
static const char *const segment_suffixes[] = {".deleted", ".cleaned", ".swap"};
static const char *const snapshot_endings[] = {".checkpoint", ".checkpoint.part", ".checkpoint.deleted"};

static bool ends_with(const char *text, size_t size, const char *ending)
{
	size_t ending_size = strlen(ending);

	return size >= ending_size && memcmp(text + size - ending_size, ending, ending_size) == 0;
}

bool ls_topic_valid(const char *topic)
{
	size_t length = strnlen(topic, LOGSTORE_TOPIC_NAME_MAX + 1);

	if (length == 0 || length > LOGSTORE_TOPIC_NAME_MAX)
		return false;
	if (strcmp(topic, ".") == 0 || strcmp(topic, "..") == 0)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = topic[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool digit = c >= '0' && c <= '9';

		if (!letter && !digit && c != '.' && c != '_' && c != '-')
			return false;
	}
	return true;
}

int ls_partition_directory_name(char ret_name[LS_DIRECTORY_NAME_MAX], const char *topic, int32_t partition)
{
	char name[LS_DIRECTORY_NAME_MAX];
	int length = snprintf(name, sizeof name, "%s-%" PRId32, topic, partition);

	LS_ASSERT(partition >= 0);
	if (length < 0 || (size_t)length >= sizeof name)
		return -1;
	memcpy(ret_name, name, (size_t)length + 1);
	return length;
}

/*
 * Whether the name of a directory that is on its way out has Kafka's form "<a>-<b>.<c>" before its ending,
 * where none of the three is empty and nothing is white space.
 */
static bool marked_form(const char *name, size_t size)
{
	const char *dash, *dot;

	for (size_t i = 0; i < size; i++) {
		if (ls_java_space(name[i]))
			return false;
	}
	if (size < 5)
		return false;
	dash = memchr(name + 1, '-', size - 1);
	dot = memrchr(name, '.', size - 1);
	return dash && dot && dot >= dash + 2;
}

static int split_partition(const char *name, size_t size, char *ret_topic, int32_t *ret_partition)
{
	char topic[LOGSTORE_TOPIC_NAME_MAX + 1];
	const char *dash = memrchr(name, '-', size);
	size_t topic_size;
	int32_t partition;

	if (!dash)
		return LOGSTORE_E_INVALID_NAME;
	topic_size = (size_t)(dash - name);
	if (topic_size >= sizeof topic)
		return LOGSTORE_E_INVALID_NAME;
	memcpy(topic, name, topic_size);
	topic[topic_size] = '\0';
	if (!ls_topic_valid(topic))
		return LOGSTORE_E_INVALID_NAME;
	/* The last '-' went to the separator, so that the number cannot be negative. */
	if (!ls_java_int(dash + 1, size - topic_size - 1, &partition))
		return LOGSTORE_E_INVALID_NAME;
	memcpy(ret_topic, topic, topic_size + 1);
	*ret_partition = partition;
	return 0;
}

int ls_directory_name_parse(const char *name, enum ls_directory_kind *ret_kind, char *ret_topic,
                            int32_t *ret_partition)
{
	static const struct {
		const char *ending;
		enum ls_directory_kind kind;
	} marks[] = {
		{"-delete", LS_DIRECTORY_DELETE},
		{"-future", LS_DIRECTORY_FUTURE},
		{"-stray", LS_DIRECTORY_STRAY},
	};
	enum ls_directory_kind kind = LS_DIRECTORY_PARTITION;
	size_t size = strlen(name);
	int r;

	if (strcmp(name, "remote-log-index-cache") == 0) {
		*ret_kind = LS_DIRECTORY_INTERNAL;
		return 0;
	}
	for (size_t i = 0; i < COUNT(marks); i++) {
		if (!ends_with(name, size, marks[i].ending))
			continue;
		if (!marked_form(name, size - strlen(marks[i].ending)))
			return LOGSTORE_E_INVALID_NAME;
		kind = marks[i].kind;
		size = (size_t)((const char *)memrchr(name, '.', size) - name);
		break;
	}
	r = split_partition(name, size, ret_topic, ret_partition);
	if (r < 0)
		return r;
	*ret_kind = kind;
	return 0;
}

void ls_file_name(char ret_name[LS_FILE_NAME_MAX], int64_t offset, const char *ending)
{
	int length;

	LS_ASSERT(offset >= 0);
	length = snprintf(ret_name, LS_FILE_NAME_MAX, "%020" PRId64 "%s", offset, ending);
	LS_ASSERT(length > 0 && length < LS_FILE_NAME_MAX);
}

static bool all_digits(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return true;
}

static int parse_snapshot_stem(const char *name, size_t size, int64_t *ret_offset)
{
	int64_t offset;
	int32_t epoch;

	if (size != SNAPSHOT_STEM_LENGTH || name[SNAPSHOT_OFFSET_DIGITS] != '-' ||
	    !all_digits(name, SNAPSHOT_OFFSET_DIGITS) ||
	    !all_digits(name + SNAPSHOT_OFFSET_DIGITS + 1, SNAPSHOT_EPOCH_DIGITS))
		return LOGSTORE_E_INVALID_NAME;
	if (!ls_java_long(name, SNAPSHOT_OFFSET_DIGITS, &offset) ||
	    !ls_java_int(name + SNAPSHOT_OFFSET_DIGITS + 1, SNAPSHOT_EPOCH_DIGITS, &epoch))
		return LOGSTORE_E_INVALID_NAME;
	*ret_offset = offset;
	return 0;
}

/* The number before the first dot, if there are both. */
static bool parse_stem(const char *name, int64_t *ret_offset)
{
	const char *dot = strchr(name, '.');
	int64_t offset;

	if (!dot || !ls_java_long(name, (size_t)(dot - name), &offset) || offset < 0)
		return false;
	*ret_offset = offset;
	return true;
}

static bool parse_fixed(const char *name, struct logstore_file_name *ret_name)
{
	for (size_t i = 0; i < COUNT(fixed_names); i++) {
		if (strcmp(name, fixed_names[i].name) == 0) {
			ret_name->kind = fixed_names[i].kind;
			return true;
		}
	}
	return false;
}

/* A KRaft snapshot. Returns 1 if it is none, 0, or LOGSTORE_E_INVALID_NAME. */
static int parse_snapshot(const char *name, size_t size, struct logstore_file_name *ret_name)
{
	for (size_t i = 0; i < COUNT(snapshot_endings); i++) {
		const char *ending = snapshot_endings[i];

		if (!ends_with(name, size, ending))
			continue;
		ret_name->kind = LOGSTORE_FILE_LOG;
		ret_name->suffix = ending + strlen(".checkpoint");
		return parse_snapshot_stem(name, size - strlen(ending), &ret_name->base_offset);
	}
	return 1;
}

int ls_file_name_parse(const char *name, struct logstore_file_name *ret_name)
{
	struct logstore_file_name parsed = {
		.kind = LOGSTORE_FILE_UNKNOWN,
		.base_offset = LOGSTORE_NO_OFFSET,
		.suffix = "",
	};
	size_t size = strlen(name);
	bool kafkas = false, numbered;
	int r = 0;

	if (parse_fixed(name, &parsed) || (r = parse_snapshot(name, size, &parsed)) <= 0) {
		*ret_name = parsed;
		return r;
	}
	for (size_t i = 0; i < COUNT(segment_suffixes); i++) {
		if (ends_with(name, size, segment_suffixes[i])) {
			parsed.suffix = segment_suffixes[i];
			size -= strlen(parsed.suffix);
			kafkas = true;
			break;
		}
	}
	for (size_t i = 0; i < COUNT(segment_endings); i++) {
		if (ends_with(name, size, segment_endings[i].ending)) {
			parsed.kind = segment_endings[i].kind;
			kafkas = true;
			break;
		}
	}
	numbered = parse_stem(name, &parsed.base_offset);
	*ret_name = parsed;
	return kafkas && !numbered ? LOGSTORE_E_INVALID_NAME : 0;
}
