#include "store/checkpoints.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "format/checkpoint.h"
#include "format/names.h"
#include "io/io.h"

#define CHECKPOINT_FILE_MAX (256u * 1024 * 1024)

static const char *const file_names[LS_CHECKPOINT_COUNT] = {
	[LS_CHECKPOINT_RECOVERY_POINT] = LS_NAME_RECOVERY_POINTS,
	[LS_CHECKPOINT_LOG_START] = LS_NAME_LOG_STARTS,
	[LS_CHECKPOINT_HIGH_WATERMARK] = LS_NAME_HIGH_WATERMARKS,
	[LS_CHECKPOINT_CLEANER] = LS_NAME_CLEANER_OFFSETS,
};

void ls_checkpoints_init(struct ls_checkpoints *checkpoints, const struct ls_env *env)
{
	*checkpoints = (struct ls_checkpoints){.env = env};
}

void ls_checkpoints_fini(struct ls_checkpoints *checkpoints)
{
	for (size_t i = 0; i < checkpoints->count; i++)
		(void)ls_free(checkpoints->env, checkpoints->rows[i].topic);
	checkpoints->rows = ls_free(checkpoints->env, checkpoints->rows);
	checkpoints->count = checkpoints->capacity = 0;
}

static int compare(const struct ls_checkpoint_row *row, const char *topic, int32_t number)
{
	int c = strcmp(row->topic, topic);

	return c != 0 ? c : (row->number > number) - (row->number < number);
}

/* Index of the first row not below the key. */
static size_t lower_bound(const struct ls_checkpoints *checkpoints, const char *topic, int32_t number)
{
	size_t low = 0, high = checkpoints->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&checkpoints->rows[middle], topic, number) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct ls_checkpoint_row *ls_checkpoints_find(const struct ls_checkpoints *checkpoints, const char *topic,
                                                    int32_t number)
{
	size_t at = lower_bound(checkpoints, topic, number);

	if (at < checkpoints->count && compare(&checkpoints->rows[at], topic, number) == 0)
		return &checkpoints->rows[at];
	return NULL;
}

static int insert(struct ls_checkpoints *checkpoints, size_t at, const char *topic, int32_t number)
{
	struct ls_checkpoint_row row = {.number = number};

	if (checkpoints->count == checkpoints->capacity) {
		size_t capacity = checkpoints->capacity ? checkpoints->capacity * 2 : 16;
		struct ls_checkpoint_row *rows =
			ls_realloc(checkpoints->env, checkpoints->rows, capacity, sizeof *rows);

		if (!rows)
			return -ENOMEM;
		checkpoints->rows = rows;
		checkpoints->capacity = capacity;
	}
	row.topic = ls_strdup(checkpoints->env, topic);
	if (!row.topic)
		return -ENOMEM;
	for (size_t i = 0; i < LS_CHECKPOINT_COUNT; i++)
		row.offsets[i] = LOGSTORE_NO_OFFSET;
	memmove(&checkpoints->rows[at + 1], &checkpoints->rows[at], (checkpoints->count - at) * sizeof row);
	checkpoints->rows[at] = row;
	checkpoints->count++;
	return 0;
}

int ls_checkpoints_set(struct ls_checkpoints *checkpoints, const char *topic, int32_t number,
                       enum ls_checkpoint_file file, int64_t offset)
{
	size_t at = lower_bound(checkpoints, topic, number);

	LS_ASSERT(file < LS_CHECKPOINT_COUNT);
	if (at == checkpoints->count || compare(&checkpoints->rows[at], topic, number) != 0) {
		int r = insert(checkpoints, at, topic, number);

		if (r < 0)
			return r;
	}
	checkpoints->rows[at].offsets[file] = offset;
	return 0;
}

void ls_checkpoints_remove(struct ls_checkpoints *checkpoints, const char *topic, int32_t number)
{
	size_t at = lower_bound(checkpoints, topic, number);

	if (at == checkpoints->count || compare(&checkpoints->rows[at], topic, number) != 0)
		return;
	(void)ls_free(checkpoints->env, checkpoints->rows[at].topic);
	checkpoints->count--;
	memmove(&checkpoints->rows[at], &checkpoints->rows[at + 1],
	        (checkpoints->count - at) * sizeof checkpoints->rows[0]);
}

struct line {
	struct ls_checkpoints *checkpoints;
	enum ls_checkpoint_file file;
};

static int add_line(void *arg, uint64_t line_number, const char *topic, int32_t partition, int64_t offset)
{
	struct line *line = arg;

	(void)line_number;
	return ls_checkpoints_set(line->checkpoints, topic, partition, line->file, offset);
}

static int load_file(struct ls_checkpoints *checkpoints, const char *directory, enum ls_checkpoint_file file,
                     bool lenient, struct logstore_error *ret_error)
{
	struct line line = {.checkpoints = checkpoints, .file = file};
	char path[LS_PATH_MAX];
	struct ls_buf text;
	int r;

	r = ls_path_join(path, directory, file_names[file]);
	if (r < 0)
		return ls_error_io(ret_error, r, "cannot read", directory);
	ls_buf_init(&text, checkpoints->env);
	r = ls_io_read_file(checkpoints->env, path, CHECKPOINT_FILE_MAX, &text);
	if (r == 0) {
		r = ls_offset_checkpoint_parse((const char *)text.data, text.size, add_line, &line, ret_error);
		if (r < -4096) {
			r = ls_error_at(ret_error, r, path, ret_error ? ret_error->position : -1, -1);
			if (lenient)
				r = 0;
		}
	} else if (r == -ENOENT) {
		r = 0;
	} else {
		r = ls_error_io(ret_error, r, "cannot read", path);
	}
	ls_buf_fini(&text);
	return r;
}

int ls_checkpoints_load(struct ls_checkpoints *checkpoints, const char *directory, bool lenient,
                        struct logstore_error *ret_error)
{
	int r = 0;

	for (int file = 0; file < LS_CHECKPOINT_COUNT && r == 0; file++)
		r = load_file(checkpoints, directory, (enum ls_checkpoint_file)file, lenient, ret_error);
	return r;
}

int ls_checkpoints_write(const struct ls_checkpoints *checkpoints, const char *directory,
                         enum ls_checkpoint_file file, struct logstore_error *ret_error)
{
	char path[LS_PATH_MAX];
	struct ls_buf text;
	size_t count = 0;
	int r;

	r = ls_path_join(path, directory, file_names[file]);
	if (r < 0)
		return ls_error_io(ret_error, r, "cannot write", directory);
	for (size_t i = 0; i < checkpoints->count; i++)
		count += checkpoints->rows[i].offsets[file] != LOGSTORE_NO_OFFSET;
	ls_buf_init(&text, checkpoints->env);
	r = ls_checkpoint_write_head(&text, count);
	for (size_t i = 0; i < checkpoints->count && r == 0; i++) {
		const struct ls_checkpoint_row *row = &checkpoints->rows[i];

		if (row->offsets[file] != LOGSTORE_NO_OFFSET)
			r = ls_buf_printf(&text, "%s %" PRId32 " %" PRId64 "\n", row->topic, row->number,
			                  row->offsets[file]);
	}
	if (r == 0)
		r = ls_io_replace_file(checkpoints->env, path, text.data, text.size);
	ls_buf_fini(&text);
	return r < 0 ? ls_error_io(ret_error, r, "cannot write the checkpoint", path) : 0;
}
