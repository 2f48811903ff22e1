/*
 * Makes the input of bench_dump.py: one partition with one segment of a given size, records with a key of 9
 * and a value of about 100 bytes, in batches of about 16 KiB. The bytes depend on the arguments alone.
 */
#include <logstore/logstore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES = 16 * 1024, VALUE_BYTES = 128, KEY_BYTES = 16 };

static const int64_t start_ms = 1700000000000;

struct source {
	uint64_t random;
	int64_t count;   /* records made so far */
	char key[KEY_BYTES];
	char value[VALUE_BYTES];
};

/* xorshift64* */
static uint64_t next_random(struct source *source)
{
	source->random ^= source->random >> 12;
	source->random ^= source->random << 25;
	source->random ^= source->random >> 27;
	return source->random * UINT64_C(0x2545f4914f6cdd1d);
}

/* A log line of a shop: as compressible as such lines are. */
static void next_record(struct source *source, struct logstore_record *ret_record)
{
	static const char *const states[] = {"created", "paid", "packed", "shipped", "returned"};
	uint64_t r = next_random(source);
	int key_size = snprintf(source->key, sizeof(source->key), "k%08llu", (unsigned long long)(r % 1000000));
	int value_size = snprintf(source->value, sizeof(source->value),
	                          "{\"order\":%llu,\"state\":\"%s\",\"total\":\"%llu.%02llu\",\"trace\":\"%016llx\","
	                          "\"note\":\"leave at the door\"}",
	                          (unsigned long long)(r % 100000000), states[r % 5],
	                          (unsigned long long)(r >> 40) % 1000, (unsigned long long)(r >> 20) % 100,
	                          (unsigned long long)next_random(source));

	*ret_record = (struct logstore_record){
		.timestamp = start_ms + source->count / 50,
		.key = source->key, .key_size = key_size,
		.value = source->value, .value_size = value_size,
	};
	source->count++;
}

static int append_batch(logstore_partition *part, logstore_batch_builder *builder, struct source *source,
                        uint8_t codec, struct logstore_error *error)
{
	struct logstore_append_result result;
	struct logstore_batch_options options;
	struct logstore_record record;
	const void *bytes;
	size_t size;
	int r;

	logstore_batch_options_init(&options);
	options.codec = codec;
	r = logstore_batch_builder_start(builder, &options, error);
	while (r == 0 && logstore_batch_builder_size(builder) < BATCH_BYTES) {
		next_record(source, &record);
		r = logstore_batch_builder_add(builder, &record, false, error);
	}
	if (r == 0)
		r = logstore_batch_builder_finish(builder, &bytes, &size, error);
	if (r == 0)
		r = logstore_append_batches(part, bytes, size, NULL, &result, error);
	return r;
}

static int fill(logstore_partition *part, uint8_t codec, uint64_t size, struct logstore_error *error)
{
	struct source source = {.random = UINT64_C(88172645463325252)};
	struct logstore_offsets offsets = {0};
	logstore_batch_builder *builder;
	int r = logstore_batch_builder_new(NULL, &builder);

	while (r == 0 && offsets.size < size) {
		r = append_batch(part, builder, &source, codec, error);
		logstore_partition_offsets(part, &offsets);
	}
	(void)logstore_batch_builder_free(builder);
	return r;
}

static int make(const char *path, uint8_t codec, uint64_t size, struct logstore_error *error)
{
	struct logstore_options options;
	logstore_partition *part;
	logstore_config *config;
	logstore *store;
	int r, closed;

	r = logstore_config_new(&config);
	if (r < 0)
		return r;
	r = logstore_config_set(config, "segment.bytes", "2147483647", error);
	logstore_options_init(&options);
	options.create = true;
	options.defaults = config;
	if (r == 0)
		r = logstore_open(path, &options, &store, error);
	(void)logstore_config_free(config);
	if (r < 0)
		return r;
	r = logstore_partition_create(store, "bench", 0, NULL, &part, error);
	if (r == 0) {
		r = fill(part, codec, size, error);
		(void)logstore_partition_close(part);
	}
	closed = logstore_close(store, r == 0 ? error : NULL);
	return r < 0 ? r : closed;
}

int main(int argc, char **argv)
{
	struct logstore_error error = {0};
	uint8_t codec = LOGSTORE_CODEC_NONE;
	int r;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: make_segment DIR CODEC BYTES\n");
		return 2;
	}
	while (codec <= LOGSTORE_CODEC_ZSTD && strcmp(logstore_codec_name(codec), argv[2]) != 0)
		codec++;
	r = codec <= LOGSTORE_CODEC_ZSTD ? make(argv[1], codec, strtoull(argv[3], NULL, 10), &error)
	                                 : LOGSTORE_E_UNSUPPORTED_COMPRESSION_TYPE;
	if (r < 0) {
		(void)fprintf(stderr, "make_segment: %s\n", error.text[0] ? error.text : logstore_strerror(r));
		return 1;
	}
	return 0;
}
