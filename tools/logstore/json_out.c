/*
 * The streaming JSON writer. Names are constants of the tool and need no escapes.
 */
#include "json_out.h"

#include <string.h>

static void begin_value(struct json *json, const char *name)
{
	if (json->comma)
		out_char(json->out, ',');
	json->comma = true;
	if (name) {
		out_char(json->out, '"');
		out_text(json->out, name);
		out_text(json->out, "\":");
	}
}

static void open_bracket(struct json *json, const char *name, char bracket)
{
	begin_value(json, name);
	out_char(json->out, bracket);
	json->comma = false;
}

static void close_bracket(struct json *json, char bracket)
{
	out_char(json->out, bracket);
	json->comma = true;
}

struct json json_line(struct out *out)
{
	struct json json = {.out = out};

	open_bracket(&json, NULL, '{');
	return json;
}

void json_line_end(struct json *json)
{
	close_bracket(json, '}');
	out_char(json->out, '\n');
}

void json_object(struct json *json, const char *name)
{
	open_bracket(json, name, '{');
}

void json_object_end(struct json *json)
{
	close_bracket(json, '}');
}

void json_array(struct json *json, const char *name)
{
	open_bracket(json, name, '[');
}

void json_array_end(struct json *json)
{
	close_bracket(json, ']');
}

void json_text(struct json *json, const char *name, const char *text)
{
	if (!text) {
		json_null(json, name);
		return;
	}
	begin_value(json, name);
	out_json_text(json->out, text, strlen(text));
}

void json_int(struct json *json, const char *name, int64_t value)
{
	begin_value(json, name);
	out_int(json->out, value);
}

void json_uint(struct json *json, const char *name, uint64_t value)
{
	begin_value(json, name);
	out_uint(json->out, value);
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin_value(json, name);
	out_text(json->out, value ? "true" : "false");
}

void json_null(struct json *json, const char *name)
{
	begin_value(json, name);
	out_text(json->out, "null");
}

void json_int_or_null(struct json *json, const char *name, int64_t value)
{
	if (value < 0)
		json_null(json, name);
	else
		json_int(json, name, value);
}
