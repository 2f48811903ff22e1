/*
 * What a partition should hold, kept in plain arrays: batches with their records, bounds, and what follows
 * from them. The property test drives the library and this side by side.
 */
#ifndef TESTS_PROPERTY_MODEL_H
#define TESTS_PROPERTY_MODEL_H

#include <logstore/inspect.h>
#include <logstore/logstore.h>

#define MODEL_RECORDS_MAX 6
#define MODEL_BATCHES_MAX 512

struct model_record {
	int64_t timestamp;
	uint32_t stamp;    /* what key and value are made of */
	uint16_t value_size;
	bool has_key;
};

struct model_batch {
	int64_t base;
	int64_t last;
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t base_sequence;
	int32_t leader_epoch;
	bool transactional;
	bool control;
	bool commit;
	uint32_t count;
	struct model_record records[MODEL_RECORDS_MAX];
};

struct model {
	struct model_batch batches[MODEL_BATCHES_MAX]; /* by offset; those below the start stay until cut */
	size_t count;
	int64_t log_start;
	int64_t log_end;
	int32_t leader_epoch;
};

/* Key and value of a record, from its stamp. Static buffers. */
struct logstore_record model_make_record(const struct model_record *record);

/* Whether the data of a batch was aborted (its producer's next marker is an abort). */
bool model_is_aborted(const struct model *model, size_t batch);
/* First offset of the oldest transaction that is open, or LOGSTORE_NO_OFFSET. */
int64_t model_first_open(const struct model *model);
/* Drops the batches that end at or above an offset. */
void model_truncate(struct model *model, int64_t offset);

#endif
