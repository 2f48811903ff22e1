/*
 * Kafka's varint and varlong: zig-zag, then base 128, least significant group first. Writes the shortest
 * form; accepts what Kafka accepts (over-long forms; bits above 32 in a fifth byte are dropped) and
 * rejects what it rejects (a fifth byte, or a tenth, that announces another one).
 */
#ifndef LS_BASE_VARINT_H
#define LS_BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

#define LS_VARINT_MAX 5
#define LS_VARLONG_MAX 10

/*
 * Decodes at p, never reading at or past end. Returns the first byte after the number, or NULL if it runs
 * past `end` or is too long.
 */
static inline const uint8_t *ls_varint_read(const uint8_t *p, const uint8_t *end, int32_t *ret_value)
{
	uint32_t v = 0;

	for (unsigned shift = 0; shift <= 28; shift += 7) {
		uint8_t b;

		if (p >= end)
			return NULL;
		b = *p++;
		v |= (uint32_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*ret_value = (int32_t)((v >> 1) ^ (0u - (v & 1)));
			return p;
		}
	}
	return NULL;
}

static inline const uint8_t *ls_varlong_read(const uint8_t *p, const uint8_t *end, int64_t *ret_value)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift <= 63; shift += 7) {
		uint8_t b;

		if (p >= end)
			return NULL;
		b = *p++;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*ret_value = (int64_t)((v >> 1) ^ (UINT64_C(0) - (v & 1)));
			return p;
		}
	}
	return NULL;
}

/* Writes at p, which has room for LS_VARLONG_MAX bytes; returns the first byte after the number. */
static inline uint8_t *ls_varlong_write(uint8_t *p, int64_t value)
{
	uint64_t v = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);

	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

/* A varint of an int32 has the same bytes as the varlong of the same number. */
static inline uint8_t *ls_varint_write(uint8_t *p, int32_t value)
{
	return ls_varlong_write(p, value);
}

static inline size_t ls_varlong_size(int64_t value)
{
	uint64_t v = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
	size_t n = 1;

	while (v >= 0x80) {
		v >>= 7;
		n++;
	}
	return n;
}

#endif
