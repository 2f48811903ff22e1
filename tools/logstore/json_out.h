/*
 * Streaming JSON: one object per line, commas kept by the writer. Nothing is held in memory. Values that
 * appear once per record are written by hand instead (record_out.c).
 *
 * A null name means an element of an array.
 */
#ifndef TOOL_JSON_OUT_H
#define TOOL_JSON_OUT_H

#include "out.h"

struct json {
	struct out *out;
	bool comma; /* a value stands before the next one */
};

/* Begins a line, ends it. */
struct json json_line(struct out *out);
void json_line_end(struct json *json);

void json_object(struct json *json, const char *name);
void json_object_end(struct json *json);
void json_array(struct json *json, const char *name);
void json_array_end(struct json *json);

/* Text that is not UTF-8 (a file name, say) becomes {"base64":"..."}; NULL becomes null. */
void json_text(struct json *json, const char *name, const char *text);
void json_int(struct json *json, const char *name, int64_t value);
void json_uint(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);
/* Null if @value is negative. */
void json_int_or_null(struct json *json, const char *name, int64_t value);

#endif
