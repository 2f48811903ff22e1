/*
 * Integers in byte arrays: fixed width, big or little endian, at any alignment. Kafka's files are big
 * endian throughout; little endian is for the LZ4 frame.
 */
#ifndef LS_BASE_BYTES_H
#define LS_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LS_BE(bits, v) (v)
#define LS_LE(bits, v) __builtin_bswap##bits(v)
#else
#define LS_BE(bits, v) __builtin_bswap##bits(v)
#define LS_LE(bits, v) (v)
#endif

#define LS_DEFINE_BYTES(bits) \
	static inline uint##bits##_t ls_load_be##bits(const void *p) \
	{ \
		uint##bits##_t v; \
		memcpy(&v, p, sizeof v); \
		return LS_BE(bits, v); \
	} \
	static inline void ls_store_be##bits(void *p, uint##bits##_t v) \
	{ \
		v = LS_BE(bits, v); \
		memcpy(p, &v, sizeof v); \
	} \
	static inline uint##bits##_t ls_load_le##bits(const void *p) \
	{ \
		uint##bits##_t v; \
		memcpy(&v, p, sizeof v); \
		return LS_LE(bits, v); \
	} \
	static inline void ls_store_le##bits(void *p, uint##bits##_t v) \
	{ \
		v = LS_LE(bits, v); \
		memcpy(p, &v, sizeof v); \
	}

LS_DEFINE_BYTES(16)
LS_DEFINE_BYTES(32)
LS_DEFINE_BYTES(64)

#undef LS_DEFINE_BYTES

/* Signed forms, for the fields that Kafka declares signed. */
static inline int16_t ls_load_be16s(const void *p)
{
	return (int16_t)ls_load_be16(p);
}

static inline int32_t ls_load_be32s(const void *p)
{
	return (int32_t)ls_load_be32(p);
}

static inline int64_t ls_load_be64s(const void *p)
{
	return (int64_t)ls_load_be64(p);
}

static inline void ls_store_be16s(void *p, int16_t v)
{
	ls_store_be16(p, (uint16_t)v);
}

static inline void ls_store_be32s(void *p, int32_t v)
{
	ls_store_be32(p, (uint32_t)v);
}

static inline void ls_store_be64s(void *p, int64_t v)
{
	ls_store_be64(p, (uint64_t)v);
}

#endif
