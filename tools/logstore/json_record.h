/*
 * Records read back from JSON: one object per line, as dump --records --json prints them.
 */
#ifndef TOOL_JSON_RECORD_H
#define TOOL_JSON_RECORD_H

#include <jansson.h>
#include <logstore/types.h>

/* The batch a record came from. Comparable with memcmp(3): set all bytes to zero first. */
struct json_batch {
	int64_t base_offset; /* or LOGSTORE_NO_OFFSET if the input does not say */
	int64_t producer_id;
	int32_t leader_epoch;
	int16_t producer_epoch;
	uint8_t codec;
	uint8_t timestamp_type;
	bool transactional;
	bool control;
	uint8_t zero[6];
};

struct json_record {
	struct logstore_record record; /* offset and timestamp are -1 where the input does not say */
	struct json_batch batch;
	bool damaged; /* an object with "error" stands for a batch that could not be read */
	json_t *root;
	uint8_t *scratch; /* decoded base64 */
	size_t scratch_size;
	size_t scratch_used;
	struct logstore_header *headers;
	size_t header_room;
};

void json_record_init(struct json_record *record);
void json_record_fini(struct json_record *record);

/*
 * Parses a line. @base64: strings of keys and values are base64. What @record points to is valid until the
 * next call. Returns 0, or -1 and a text that says what is wrong; -2 without memory.
 */
int json_record_parse(struct json_record *record, const char *line, size_t size, bool base64, char *ret_text,
                      size_t text_size);

#endif
