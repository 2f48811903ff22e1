#include "base/crc.h"

#include <isa-l/crc.h>
#include <limits.h>

uint32_t ls_crc32c(uint32_t crc, const void *bytes, size_t size)
{
	const unsigned char *p = bytes;

	/* ISA-L takes an int length and works on the complemented register. Its pointer is const in spirit. */
	crc = ~crc;
	while (size > 0) {
		size_t n = size < INT_MAX ? size : INT_MAX;

		crc = crc32_iscsi((unsigned char *)(uintptr_t)p, (int)n, crc);
		p += n;
		size -= n;
	}
	return ~crc;
}

uint32_t ls_crc32(uint32_t crc, const void *bytes, size_t size)
{
	return crc32_gzip_refl(crc, bytes, size);
}
