/*
 * Small property files: meta.properties and logstore-config (Java .properties: '#' and '!' comments,
 * '=' or ':' or white space between name and value, backslash escapes and continued lines, ISO-8859-1
 * escapes \uXXXX), and partition.metadata ("version: 0", "topic_id: <base64>", no final newline).
 */
#ifndef LS_FORMAT_PROPERTIES_H
#define LS_FORMAT_PROPERTIES_H

#include <logstore/error.h>
#include <logstore/types.h>

#include "base/buf.h"

/* Called per property; name and value are terminated, unescaped (UTF-8) and valid during the call. */
typedef int (*ls_property_fn)(void *arg, uint64_t line, const char *name, const char *value);

/* Returns 0, LOGSTORE_E_CORRUPT_FILE (bad escape, NUL byte) with the line as position, -ENOMEM, or what fn returned. */
int ls_properties_parse(const struct ls_env *env, const char *text, size_t size, ls_property_fn fn, void *arg,
                        struct logstore_error *ret_error);
/* Appends one line, escaped. Returns 0 or -ENOMEM. */
int ls_property_write(struct ls_buf *out, const char *name, const char *value);

/*
 * partition.metadata. Returns 0; LOGSTORE_E_CORRUPT_FILE (line as position); LOGSTORE_E_UNSUPPORTED_VERSION
 * for a negative version (Kafka accepts 0 and above). The zero id is corrupt.
 */
int ls_partition_metadata_parse(const char *text, size_t size, struct logstore_uuid *ret_topic_id,
                                struct logstore_error *ret_error);
int ls_partition_metadata_write(struct ls_buf *out, const struct logstore_uuid *topic_id);

#endif
