/*
 * One walker per kind of file. Binary indexes are read in blocks, the rest whole. A tail of zero entries
 * (Kafka preallocates its indexes) is left out.
 */
#include "segment/entries.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "format/checkpoint.h"
#include "format/index_entry.h"
#include "format/names.h"
#include "format/properties.h"
#include "format/snapshot.h"
#include "format/uuid.h"
#include "io/io.h"
#include "segment/index_file.h"

#define SMALL_FILE_MAX (256u * 1024 * 1024)
#define BLOCK_ENTRIES 1024u

struct walk {
	const struct ls_env *env;
	const char *path;
	enum logstore_file_kind kind;
	int64_t base;
	logstore_file_entry_fn fn;
	void *arg;
};

/* ---- indexes ---------------------------------------------------------------------------------------------- */

int ls_file_entry_decode(enum logstore_file_kind kind, int64_t base, const uint8_t *bytes,
                         struct logstore_file_entry *ret_entry, struct logstore_error *ret_error)
{
	struct ls_offset_entry offset_entry;
	struct ls_time_entry time_entry;
	int r;

	ret_entry->kind = kind;
	if (kind == LOGSTORE_FILE_TXN_INDEX)
		return ls_txn_entry_read(bytes, &ret_entry->u.txn, ret_error);
	if (kind == LOGSTORE_FILE_OFFSET_INDEX) {
		r = ls_offset_entry_read(bytes, base, &offset_entry, ret_error);
		ret_entry->u.index.offset = r == 0 ? offset_entry.offset : 0;
		ret_entry->u.index.position = r == 0 ? offset_entry.position : 0;
		return r;
	}
	r = ls_time_entry_read(bytes, base, &time_entry, ret_error);
	ret_entry->u.time_index.timestamp = r == 0 ? time_entry.timestamp : 0;
	ret_entry->u.time_index.offset = r == 0 ? time_entry.offset : 0;
	return r;
}

static int walk_block(const struct walk *walk, const uint8_t *bytes, uint64_t first, uint64_t count,
                      uint32_t entry_size, struct logstore_error *ret_error)
{
	int r = 0;

	for (uint64_t i = 0; i < count && r == 0; i++) {
		struct logstore_file_entry entry = {.position = (first + i) * entry_size};

		r = ls_file_entry_decode(walk->kind, walk->base, bytes + i * entry_size, &entry, ret_error);
		if (r < 0)
			return ls_error_at(ret_error, r, walk->path, (int64_t)entry.position, -1);
		r = walk->fn(walk->arg, &entry);
	}
	return r;
}

static int walk_index(const struct walk *walk, uint32_t entry_size, struct logstore_error *ret_error)
{
	struct logstore_io_stat st;
	struct ls_index_file index;
	struct ls_buf block;
	uint64_t count;
	int r;

	r = ls_index_file_init(&index, walk->env, entry_size);
	if (r < 0)
		return r;
	ls_buf_init(&block, walk->env);
	r = ls_index_file_open(&index, walk->path, true);
	if (r == 0)
		r = walk->env->io->fstat(walk->env->io->ctx, index.fd, &st);
	if (r == 0)
		r = ls_buf_reserve(&block, (size_t)BLOCK_ENTRIES * entry_size);
	if (r < 0) {
		r = r == -ENOMEM ? r : ls_error_io(ret_error, r, "cannot read", walk->path);
		goto out;
	}
	count = ls_index_file_count(&index);
	for (uint64_t at = 0; at < count && r == 0; at += BLOCK_ENTRIES) {
		uint64_t n = count - at < BLOCK_ENTRIES ? count - at : BLOCK_ENTRIES;

		r = ls_index_file_read(&index, at, n, block.data);
		if (r < 0)
			r = ls_error_io(ret_error, r, "cannot read", walk->path);
		else
			r = walk_block(walk, block.data, at, n, entry_size, ret_error);
	}
	if (r == 0 && st.size % entry_size != 0)
		r = ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_FILE, walk->path,
		               (int64_t)(st.size - st.size % entry_size),
		               "the file ends inside an entry of %u bytes", entry_size);
out:
	ls_buf_fini(&block);
	ls_index_file_fini(&index);
	return r;
}

/* ---- files that are read whole ----------------------------------------------------------------------------- */

static int walk_snapshot(const struct walk *walk, const struct ls_buf *file, struct logstore_error *ret_error)
{
	uint32_t count;
	int r = ls_snapshot_check(file->data, file->size, &count, ret_error);

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		struct logstore_file_entry entry = {
			.kind = walk->kind,
			.position = LS_SNAPSHOT_HEADER_SIZE + (uint64_t)i * LS_SNAPSHOT_ENTRY_SIZE,
		};

		ls_snapshot_entry(file->data, i, &entry.u.producer);
		r = walk->fn(walk->arg, &entry);
	}
	return r;
}

static int epoch_line(void *arg, uint64_t line, int32_t epoch, int64_t start_offset)
{
	const struct walk *walk = arg;
	struct logstore_file_entry entry = {.kind = walk->kind, .position = line};

	entry.u.epoch.epoch = epoch;
	entry.u.epoch.start_offset = start_offset;
	return walk->fn(walk->arg, &entry);
}

static int offset_line(void *arg, uint64_t line, const char *topic, int32_t partition, int64_t offset)
{
	const struct walk *walk = arg;
	struct logstore_file_entry entry = {.kind = walk->kind, .position = line};

	entry.u.checkpoint.topic = topic;
	entry.u.checkpoint.partition = partition;
	entry.u.checkpoint.offset = offset;
	return walk->fn(walk->arg, &entry);
}

static int property_line(void *arg, uint64_t line, const char *name, const char *value)
{
	const struct walk *walk = arg;
	struct logstore_file_entry entry = {.kind = walk->kind, .position = line};

	entry.u.property.name = name;
	entry.u.property.value = value;
	return walk->fn(walk->arg, &entry);
}

/* partition.metadata is no Java properties file, but is told the same way. */
static int walk_metadata(struct walk *walk, const struct ls_buf *file, struct logstore_error *ret_error)
{
	struct logstore_uuid id;
	char text[LS_UUID_TEXT_SIZE];
	int r = ls_partition_metadata_parse((const char *)file->data, file->size, &id, ret_error);

	if (r < 0)
		return r;
	ls_uuid_text(&id, text);
	r = property_line(walk, 1, "version", "0");
	return r != 0 ? r : property_line(walk, 2, "topic_id", text);
}

static int walk_text(struct walk *walk, struct ls_buf *file)
{
	int r = ls_buf_append(file, "", 1); /* terminates the text */

	return r < 0 ? r : property_line(walk, 1, "", (const char *)file->data);
}

static int walk_file(struct walk *walk, struct ls_buf *file, struct logstore_error *ret_error)
{
	const char *text = (const char *)file->data;

	switch (walk->kind) {
	case LOGSTORE_FILE_SNAPSHOT:
		return walk_snapshot(walk, file, ret_error);
	case LOGSTORE_FILE_EPOCHS:
		return ls_epoch_checkpoint_parse(text, file->size, epoch_line, walk, ret_error);
	case LOGSTORE_FILE_OFFSETS:
		return ls_offset_checkpoint_parse(text, file->size, offset_line, walk, ret_error);
	case LOGSTORE_FILE_PROPERTIES:
		if (strcmp(ls_path_name(walk->path), LS_NAME_PARTITION_METADATA) == 0)
			return walk_metadata(walk, file, ret_error);
		return ls_properties_parse(walk->env, text, file->size, property_line, walk, ret_error);
	case LOGSTORE_FILE_CLEAN_SHUTDOWN:
	case LOGSTORE_FILE_JSON:
		return walk_text(walk, file);
	case LOGSTORE_FILE_OFFSET_INDEX:
	case LOGSTORE_FILE_TIME_INDEX:
	case LOGSTORE_FILE_TXN_INDEX:
	case LOGSTORE_FILE_LOG:
	case LOGSTORE_FILE_UNKNOWN:
		break;
	}
	return LOGSTORE_E_INVALID_NAME; /* found out before it was read */
}

static int read_whole(const struct walk *walk, struct ls_buf *file, struct logstore_error *ret_error)
{
	int r = ls_io_read_file(walk->env, walk->path, SMALL_FILE_MAX, file);

	if (r == LOGSTORE_E_LIMIT_EXCEEDED)
		return ls_corrupt(ret_error, r, walk->path, -1, "the file is larger than %u bytes",
		                  SMALL_FILE_MAX);
	return r < 0 && r != -ENOMEM ? ls_error_io(ret_error, r, "cannot read", walk->path) : r;
}

int ls_file_entries(const struct ls_env *env, const char *path, logstore_file_entry_fn fn, void *arg,
                    struct logstore_error *ret_error)
{
	struct walk walk = {.env = env, .path = path, .fn = fn, .arg = arg};
	struct logstore_error detail = {0};
	struct logstore_file_name name;
	struct ls_buf file;
	int r;

	r = ls_file_name_parse(ls_path_name(path), &name);
	if (r < 0)
		return ls_corrupt(ret_error, r, path, -1, "the name begins with no offset");
	walk.kind = name.kind;
	walk.base = name.base_offset;
	if (name.kind == LOGSTORE_FILE_OFFSET_INDEX)
		return walk_index(&walk, LS_OFFSET_ENTRY_SIZE, ret_error);
	if (name.kind == LOGSTORE_FILE_TIME_INDEX)
		return walk_index(&walk, LS_TIME_ENTRY_SIZE, ret_error);
	if (name.kind == LOGSTORE_FILE_TXN_INDEX)
		return walk_index(&walk, LS_TXN_ENTRY_SIZE, ret_error);
	if (name.kind == LOGSTORE_FILE_LOG || name.kind == LOGSTORE_FILE_UNKNOWN)
		return ls_corrupt(ret_error, LOGSTORE_E_INVALID_NAME, path, -1,
		                  "by its name the file has no entries to list");
	ls_buf_init(&file, env);
	r = read_whole(&walk, &file, ret_error);
	if (r == 0)
		r = walk_file(&walk, &file, &detail);
	/* What the callback returned has no detail. */
	if (r < 0 && detail.code == r) {
		(void)ls_error_at(&detail, r, path, detail.position, -1);
		if (ret_error)
			*ret_error = detail;
	}
	ls_buf_fini(&file);
	return r;
}
