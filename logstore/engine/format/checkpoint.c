/*
 * Kafka's text checkpoints. docs/format/checkpoints.md is normative.
 *
 * Invariants: lines are those of BufferedReader.readLine, fields those of a split on white space, numbers
 * those of Integer.parseInt and Long.parseLong, so that a file is accepted here only if Kafka accepts it.
 * The announced number of entries is compared and never used for a size. An entry is delivered only after
 * its whole line was found good.
 *
 * Failure: the first wrong line ends the walk and is named, counted from 1. A file that ends too early names
 * the line that is missing.
 *
 * Threads: pure functions. Nothing is allocated but by the caller's buffer.
 */
#include "format/checkpoint.h"

#include <inttypes.h>

#include "base/assert.h"
#include "base/error.h"
#include "format/java_text.h"
#include "format/names.h"

#define CHECKPOINT_VERSION 0
/* Four times what the longest topic with its partition and offset needs. */
#define LINE_MAX_BYTES 1024
#define FIELDS_MAX 3

struct field {
	const char *text;
	size_t size;
};

/* A walk over one file. `number` is the line that was read last. */
struct reader {
	const char *text;
	size_t size;
	size_t position;
	uint64_t number;
	struct field line;
	struct logstore_error *error;
};

static int damaged(const struct reader *reader, const char *what)
{
	return ls_corrupt(reader->error, LOGSTORE_E_CORRUPT_FILE, NULL, (int64_t)reader->number,
	                  "line %" PRIu64 ": %s", reader->number, what);
}

/* Returns 1 and a line, 0 at the end (then `number` is that of the line that is not there), or an error. */
static int next_line(struct reader *reader)
{
	bool found = ls_java_line(reader->text, reader->size, &reader->position, &reader->line.text,
	                          &reader->line.size);

	reader->number++;
	if (!found)
		return 0;
	if (reader->line.size > LINE_MAX_BYTES)
		return damaged(reader, "the line is too long");
	if (memchr(reader->line.text, '\0', reader->line.size))
		return damaged(reader, "the line has a NUL byte");
	return 1;
}

/* Splits the line; more fields than there is room for count as FIELDS_MAX + 1. */
static size_t split(const struct field *line, struct field ret_fields[FIELDS_MAX])
{
	size_t at = 0, count = 0;

	while (at < line->size) {
		size_t begin = at;

		while (at < line->size && !ls_java_space(line->text[at]))
			at++;
		if (count == FIELDS_MAX)
			return FIELDS_MAX + 1;
		/* White space at the very beginning stands behind an empty first field, as in Java. */
		ret_fields[count++] = (struct field){.text = line->text + begin, .size = at - begin};
		while (at < line->size && ls_java_space(line->text[at]))
			at++;
	}
	return count;
}

/* Version and count. Returns 1 if entries may follow, 0 if the file ends before them. */
static int read_head(struct reader *reader, int32_t *ret_count)
{
	int32_t version, count;
	int r = next_line(reader);

	if (r <= 0)
		return r;
	if (!ls_java_int(reader->line.text, reader->line.size, &version))
		return damaged(reader, "the version is not a number");
	if (version != CHECKPOINT_VERSION)
		return ls_corrupt(reader->error, LOGSTORE_E_UNSUPPORTED_VERSION, NULL,
		                  (int64_t)reader->number, "checkpoint has version %" PRId32 ", not %d",
		                  version, CHECKPOINT_VERSION);
	r = next_line(reader);
	if (r <= 0)
		return r;
	if (!ls_java_int(reader->line.text, reader->line.size, &count) || count < 0)
		return damaged(reader, "the number of entries is not a number of 0 or more");
	*ret_count = count;
	return 1;
}

/* A line's meaning: checks the fields of reader->line and hands them to the caller's function. */
typedef int (*entry_fn)(struct reader *reader, void *walk);

static int read_entries(struct reader *reader, entry_fn entry, void *walk)
{
	int32_t announced = 0, seen = 0;
	int r = read_head(reader, &announced);

	if (r <= 0)
		return r;
	while ((r = next_line(reader)) > 0) {
		if (seen == announced)
			return damaged(reader, "more entries follow than line 2 announces");
		seen++;
		r = entry(reader, walk);
		if (r != 0)
			return r;
	}
	if (r < 0)
		return r;
	if (seen != announced)
		return damaged(reader, "the file ends before the entries that line 2 announces");
	return 0;
}

struct offset_walk {
	ls_offset_line_fn fn;
	void *arg;
};

static int offset_entry(struct reader *reader, void *arg)
{
	const struct offset_walk *walk = arg;
	struct field fields[FIELDS_MAX];
	char topic[LOGSTORE_TOPIC_NAME_MAX + 1];
	int32_t partition;
	int64_t offset;

	if (split(&reader->line, fields) != 3)
		return damaged(reader, "an entry is a topic, a partition and an offset");
	if (fields[0].size > LOGSTORE_TOPIC_NAME_MAX)
		return damaged(reader, "the topic is too long");
	memcpy(topic, fields[0].text, fields[0].size);
	topic[fields[0].size] = '\0';
	if (!ls_topic_valid(topic))
		return damaged(reader, "the topic is outside Kafka's grammar");
	if (!ls_java_int(fields[1].text, fields[1].size, &partition) || partition < 0)
		return damaged(reader, "the partition is not a number of 0 or more");
	if (!ls_java_long(fields[2].text, fields[2].size, &offset))
		return damaged(reader, "the offset is not a number");
	return walk->fn(walk->arg, reader->number, topic, partition, offset);
}

int ls_offset_checkpoint_parse(const char *text, size_t size, ls_offset_line_fn fn, void *arg,
                               struct logstore_error *ret_error)
{
	struct reader reader = {.text = text, .size = size, .error = ret_error};
	struct offset_walk walk = {.fn = fn, .arg = arg};

	return read_entries(&reader, offset_entry, &walk);
}

struct epoch_walk {
	ls_epoch_line_fn fn;
	void *arg;
	int32_t last_epoch; /* of the entry before, or -1 */
	int64_t last_start;
};

static int epoch_entry(struct reader *reader, void *arg)
{
	struct epoch_walk *walk = arg;
	struct field fields[FIELDS_MAX];
	int32_t epoch;
	int64_t start;

	if (split(&reader->line, fields) != 2)
		return damaged(reader, "an entry is an epoch and a start offset");
	if (!ls_java_int(fields[0].text, fields[0].size, &epoch) || epoch < 0)
		return damaged(reader, "the epoch is not a number of 0 or more");
	if (!ls_java_long(fields[1].text, fields[1].size, &start) || start < 0)
		return damaged(reader, "the start offset is not a number of 0 or more");
	if (epoch <= walk->last_epoch)
		return damaged(reader, "the epoch is not above the one before");
	if (start <= walk->last_start)
		return damaged(reader, "the start offset is not above the one before");
	walk->last_epoch = epoch;
	walk->last_start = start;
	return walk->fn(walk->arg, reader->number, epoch, start);
}

int ls_epoch_checkpoint_parse(const char *text, size_t size, ls_epoch_line_fn fn, void *arg,
                              struct logstore_error *ret_error)
{
	struct reader reader = {.text = text, .size = size, .error = ret_error};
	struct epoch_walk walk = {.fn = fn, .arg = arg, .last_epoch = -1, .last_start = -1};

	return read_entries(&reader, epoch_entry, &walk);
}

int ls_checkpoint_write_head(struct ls_buf *out, size_t count)
{
	LS_ASSERT(count <= INT32_MAX);
	return ls_buf_printf(out, "%d\n%zu\n", CHECKPOINT_VERSION, count);
}
