/* Which partition a key, a group or a transactional id belongs to, as Kafka's Java code computes it. */
#ifndef LS_FORMAT_PARTITIONER_H
#define LS_FORMAT_PARTITIONER_H

#include <stddef.h>
#include <stdint.h>

int32_t ls_murmur2(const void *key, size_t size);
/* Java's String.hashCode of UTF-8 text (over UTF-16 code units; a malformed byte counts as U+FFFD). */
int32_t ls_java_string_hash(const char *utf8);

int32_t ls_partition_of_key(const void *key, size_t size, int32_t partition_count);
int32_t ls_partition_of_group(const char *id, int32_t partition_count);

#endif
