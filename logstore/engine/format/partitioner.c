/*
 * Hashes by which Kafka's Java code chooses partitions: murmur2 for keys of records, String.hashCode for
 * groups and transactional ids.
 *
 * Pure functions, callable on any thread; they cannot fail.
 */
#include "format/partitioner.h"

#include "base/bytes.h"

#define MURMUR2_SEED 0x9747b28cu
#define MURMUR2_M 0x5bd1e995u
#define MURMUR2_R 24

#define REPLACEMENT_CHARACTER 0xfffdu

int32_t ls_murmur2(const void *key, size_t size)
{
	const uint8_t *p = key;
	uint32_t hash = MURMUR2_SEED ^ (uint32_t)size;

	for (; size >= 4; p += 4, size -= 4) {
		uint32_t k = ls_load_le32(p) * MURMUR2_M;

		k ^= k >> MURMUR2_R;
		hash = (hash * MURMUR2_M) ^ (k * MURMUR2_M);
	}
	if (size > 0) {
		for (size_t i = size; i > 0; i--)
			hash ^= (uint32_t)p[i - 1] << (8 * (i - 1));
		hash *= MURMUR2_M;
	}
	hash ^= hash >> 13;
	hash *= MURMUR2_M;
	hash ^= hash >> 15;
	return (int32_t)hash;
}

/* Bytes of the UTF-8 sequence that `lead` begins, with the lead's own bits; 0 if it can begin none. */
static unsigned sequence_size(uint8_t lead, uint32_t *ret_bits)
{
	if (lead < 0x80) {
		*ret_bits = lead;
		return 1;
	}
	if (lead >= 0xc2 && lead <= 0xdf) {
		*ret_bits = lead & 0x1fu;
		return 2;
	}
	if (lead >= 0xe0 && lead <= 0xef) {
		*ret_bits = lead & 0x0fu;
		return 3;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		*ret_bits = lead & 0x07u;
		return 4;
	}
	return 0;
}

/* The code point at `p`, which is not the terminator. Returns its size; a malformed byte is U+FFFD and 1. */
static unsigned decode_code_point(const uint8_t *p, uint32_t *ret_code_point)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t code_point = 0;
	unsigned size = sequence_size(p[0], &code_point);

	/* The terminator is no continuation byte, so this stays inside the text. */
	for (unsigned i = 1; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			size = 0;
			break;
		}
		code_point = code_point << 6 | (p[i] & 0x3fu);
	}
	if (size == 0 || code_point < smallest[size] || code_point > 0x10ffff ||
	    (code_point >= 0xd800 && code_point <= 0xdfff)) {
		*ret_code_point = REPLACEMENT_CHARACTER;
		return 1;
	}
	*ret_code_point = code_point;
	return size;
}

int32_t ls_java_string_hash(const char *utf8)
{
	const uint8_t *p = (const uint8_t *)utf8;
	uint32_t hash = 0;

	while (*p) {
		uint32_t code_point;

		p += decode_code_point(p, &code_point);
		if (code_point > 0xffff) {
			code_point -= 0x10000;
			hash = 31 * hash + (0xd800 + (code_point >> 10));
			code_point = 0xdc00 + (code_point & 0x3ff);
		}
		hash = 31 * hash + code_point;
	}
	return (int32_t)hash;
}

int32_t ls_partition_of_key(const void *key, size_t size, int32_t partition_count)
{
	if (partition_count < 1)
		return 0;
	return (ls_murmur2(key, size) & INT32_MAX) % partition_count;
}

int32_t ls_partition_of_group(const char *id, int32_t partition_count)
{
	int32_t hash = ls_java_string_hash(id);

	if (partition_count < 1 || hash == INT32_MIN)
		return 0;
	return (hash < 0 ? -hash : hash) % partition_count;
}
