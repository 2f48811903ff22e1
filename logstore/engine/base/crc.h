/* Checksums: CRC-32C for batches and snapshots, CRC-32 for messages of magic 0 and 1. */
#ifndef LS_BASE_CRC_H
#define LS_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Begin with crc 0; feed the result back in to go on: crc32c(crc32c(0, a), b) == crc32c(0, ab). */
uint32_t ls_crc32c(uint32_t crc, const void *bytes, size_t size);
uint32_t ls_crc32(uint32_t crc, const void *bytes, size_t size);

#endif
