/*
 * The pieces of ls_driver: liblogstore behind a line protocol, for tests that compare it with Kafka.
 * README.md lists the jobs. Everything runs on one thread. Running out of memory ends the process: it is
 * a test tool, and the answer could not be built anyway.
 */
#ifndef TESTS_INTEROP_LS_DRIVER_H
#define TESTS_INTEROP_LS_DRIVER_H

#include <jansson.h>
#include <logstore/inspect.h>
#include <logstore/logstore.h>

/* A partition that was created or loaded, until its directory is closed. */
struct open_part {
	struct open_part *next;
	struct open_dir *dir;
	char *name;
	logstore_partition *part;
};

/* An open data directory with its clock, which stands still until a job sets it. */
struct open_dir {
	struct open_dir *next;
	struct open_part *parts;
	char *path;
	logstore *store;
	int64_t now_ms;
};

/* ls_driver_json.c: the few things jobs and answers need of JSON */

/* Bytes of a field: base64 in `name`, or text in `name`_s. Free data with free(). */
struct bytes {
	uint8_t *data; /* null if size is -1 */
	int32_t size;  /* -1: neither field is there, or it is null */
};

void *must_alloc(size_t size);
char *must_copy(const char *text);
json_t *must(json_t *value);

bool has_field(const json_t *object, const char *name);
int64_t field_int(const json_t *object, const char *name, int64_t otherwise);
bool field_bool(const json_t *object, const char *name, bool otherwise);
const char *field_text(const json_t *object, const char *name, const char *otherwise);
bool field_bytes(const json_t *object, const char *name, struct bytes *ret_bytes);

void put(json_t *object, const char *name, json_t *value);
void put_int(json_t *object, const char *name, int64_t value);
void put_int_or_null(json_t *object, const char *name, int64_t value, int64_t null_value);
void put_bool(json_t *object, const char *name, bool value);
void put_text(json_t *object, const char *name, const char *value);
void put_bytes(json_t *object, const char *name, const void *data, int64_t size);
void push(json_t *array, json_t *value);
json_t *int_pair(int64_t first, int64_t second);

/* A job that fails as a whole is answered with {"failed": text}. */
void __attribute__((format(printf, 2, 3))) fail(json_t *answer, const char *format, ...);
void fail_error(json_t *answer, const char *what, int code, const struct logstore_error *error);

/* ls_driver_script.c */
void apply_script(struct open_part *part, const json_t *job, json_t *answer);

/* ls_driver_report.c: an open partition */
void report_state(struct open_part *part, const json_t *job, json_t *answer);
void report_lookups(struct open_part *part, const json_t *job, json_t *answer);
void report_reads(struct open_part *part, const json_t *job, json_t *answer);
void report_epochs(struct open_part *part, const json_t *job, json_t *answer);

/* ls_driver_records.c: the .log files of a partition directory, and the read_committed view */
void report_batches(const char *dir, const char *name, json_t *answer);
void report_records(const char *dir, const char *name, json_t *answer);
void report_committed(struct open_part *part, const json_t *job, json_t *answer);

#endif
