/*
 * One record as JSON or as a line for people. Used by dump --records and read; written for millions of
 * records: what is the same for a whole batch is put together once.
 */
#ifndef TOOL_RECORD_OUT_H
#define TOOL_RECORD_OUT_H

#include <logstore/batch.h>
#include <logstore/types.h>

#include "human.h"
#include "out.h"

struct record_out {
	struct out *out;
	bool base64; /* keys and values always as base64 strings */
	size_t prefix_size;
	char prefix[2048]; /* JSON from the begin of the line to the name of offset */
	bool batch_known;
	struct logstore_batch_info batch; /* the one the texts below are for */
	char timestamp_type[40];          /* JSON between timestamp and key */
	char producer[96];                /* JSON from producer_id to the name of sequence, or "" */
	char flags[96];                   /* JSON from leader_epoch to is_transactional */
	char tail[96];                    /* JSON from codec to the end of the line */
	struct human_clock clock;
};

void record_out_init(struct record_out *writer, struct out *out, bool base64);

/* Sets the partition of the records that follow. */
void record_out_partition(struct record_out *writer, const char *label);

/* Prints a record that stands in @batch. */
void record_out_json(struct record_out *writer, const struct logstore_batch_info *batch,
                     const struct logstore_record *record);
void record_out_text(struct record_out *writer, const struct logstore_batch_info *batch,
                     const struct logstore_record *record);

/* Kafka's name of a type of control record, "UNKNOWN" for another number. */
const char *control_type_name(int type);

/* Kafka's name of the timestamp type of a batch. */
const char *timestamp_type_name(const struct logstore_batch_info *batch);

/* Name of the codec, or "5" to "7". */
const char *codec_text(uint8_t codec);

#endif
