/*
 * Text files. The first byte of the input says which one the rest is (modulo 5): 0 an offset checkpoint, 1 an
 * epoch checkpoint, 2 Java properties, 3 partition.metadata, 4 logstore-config.
 *
 * A text is a typed error that names a line of it (or the one behind the last), or something that says the
 * same once it is written and read again.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "format/checkpoint.h"
#include "format/log_config.h"
#include "format/names.h"
#include "format/properties.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static struct ls_env env;

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "checkpoint: %s\n", what);
	abort();
}

static void check_error(int r, const struct logstore_error *err, size_t size)
{
	require(r == LOGSTORE_E_CORRUPT_FILE || r == LOGSTORE_E_UNSUPPORTED_VERSION ||
	                r == LOGSTORE_E_INVALID_CONFIG,
	        "an untyped error");
	require(err->code == r, "the detail has another code");
	require(err->position >= 1 && (size_t)err->position <= size + 1, "a line outside the text");
}

/* Entries in the order they came, as lines of our own writing. */
struct entries {
	struct ls_buf lines;
	size_t count;
	int64_t last[2]; /* epoch and start offset before */
};

static int take_offset(void *arg, uint64_t line, const char *topic, int32_t partition, int64_t offset)
{
	struct entries *entries = arg;

	require(line == entries->count + 3, "an entry in another line");
	require(ls_topic_valid(topic) && partition >= 0, "an entry out of range");
	entries->count++;
	return ls_buf_printf(&entries->lines, "%s %d %lld\n", topic, partition, (long long)offset);
}

static int take_epoch(void *arg, uint64_t line, int32_t epoch, int64_t start_offset)
{
	struct entries *entries = arg;

	require(line == entries->count + 3, "an entry in another line");
	require(epoch > entries->last[0] && start_offset > entries->last[1], "epochs that do not increase");
	entries->last[0] = epoch;
	entries->last[1] = start_offset;
	entries->count++;
	return ls_buf_printf(&entries->lines, "%d %lld\n", epoch, (long long)start_offset);
}

static int parse_entries(bool epochs, const char *text, size_t size, struct entries *ret_entries,
                         struct logstore_error *err)
{
	*ret_entries = (struct entries){.last = {-1, -1}};
	ls_buf_init(&ret_entries->lines, &env);
	return epochs ? ls_epoch_checkpoint_parse(text, size, take_epoch, ret_entries, err)
	              : ls_offset_checkpoint_parse(text, size, take_offset, ret_entries, err);
}

static bool same_bytes(const struct ls_buf *a, const struct ls_buf *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static void checkpoint(bool epochs, const char *text, size_t size)
{
	struct entries entries, again;
	struct logstore_error err;
	struct ls_buf out;
	int r = parse_entries(epochs, text, size, &entries, &err);

	if (r < 0) {
		check_error(r, &err, size);
	} else {
		ls_buf_init(&out, &env);
		require(ls_checkpoint_write_head(&out, entries.count) == 0, "no memory");
		require(ls_buf_append(&out, entries.lines.data, entries.lines.size) == 0, "no memory");
		r = parse_entries(epochs, (const char *)out.data, out.size, &again, &err);
		require(r == 0 && same_bytes(&entries.lines, &again.lines), "a checkpoint changed");
		ls_buf_fini(&again.lines);
		ls_buf_fini(&out);
	}
	ls_buf_fini(&entries.lines);
}

static int take_property(void *arg, uint64_t line, const char *name, const char *value)
{
	require(line >= 1, "a property in no line");
	return ls_property_write(arg, name, value);
}

static void properties(const char *text, size_t size)
{
	struct logstore_error err;
	struct ls_buf written, again;
	int r;

	ls_buf_init(&written, &env);
	ls_buf_init(&again, &env);
	r = ls_properties_parse(&env, text, size, take_property, &written, &err);
	if (r < 0) {
		check_error(r, &err, size);
	} else {
		r = ls_properties_parse(&env, (const char *)written.data, written.size, take_property, &again,
		                        &err);
		require(r == 0 && same_bytes(&written, &again), "properties changed");
	}
	ls_buf_fini(&again);
	ls_buf_fini(&written);
}

static void metadata(const char *text, size_t size)
{
	struct logstore_uuid id, again;
	struct logstore_error err;
	struct ls_buf out;
	int r = ls_partition_metadata_parse(text, size, &id, &err);

	if (r < 0) {
		check_error(r, &err, size);
		return;
	}
	ls_buf_init(&out, &env);
	require(ls_partition_metadata_write(&out, &id) == 0, "no memory");
	r = ls_partition_metadata_parse((const char *)out.data, out.size, &again, &err);
	require(r == 0 && memcmp(&id, &again, sizeof id) == 0, "a topic id changed");
	ls_buf_fini(&out);
}

static void settings(const char *text, size_t size)
{
	struct logstore_config *config, *again;
	struct ls_log_config resolved;
	struct logstore_error err;
	struct ls_buf out, out_again;
	int r = ls_config_file_parse(&env, text, size, &config, &err);

	if (r < 0) {
		check_error(r, &err, size);
		return;
	}
	ls_buf_init(&out, &env);
	ls_buf_init(&out_again, &env);
	require(ls_config_file_write(&out, config) == 0, "no memory");
	require(ls_config_file_parse(&env, (const char *)out.data, out.size, &again, &err) == 0,
	        "settings are lost");
	require(ls_config_file_write(&out_again, again) == 0, "no memory");
	require(same_bytes(&out, &out_again), "settings changed");
	r = ls_log_config_resolve(config, &resolved, &err);
	require(r == 0 || r == LOGSTORE_E_INVALID_CONFIG, "an untyped error");
	require(r < 0 || resolved.segment_bytes > 0, "segments of no size");
	ls_buf_fini(&out_again);
	ls_buf_fini(&out);
	(void)ls_config_free(again);
	(void)ls_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	const char *text = (const char *)input + 1;

	if (size < 1)
		return 0;
	size--;
	ls_env_resolve(NULL, &env);
	switch (input[0] % 5) {
	case 0:
		checkpoint(false, text, size);
		break;
	case 1:
		checkpoint(true, text, size);
		break;
	case 2:
		properties(text, size);
		break;
	case 3:
		metadata(text, size);
		break;
	default:
		settings(text, size);
		break;
	}
	return 0;
}
