#include "base/error_text.h"

#include <logstore/error.h>
#include <stddef.h>
#include <string.h>

struct row {
	int code;
	int16_t kafka;
	const char *name;
	const char *text;
};

static const struct row rows[] = {
#define ROW(name, value, kafka, text) {(value), (kafka), #name, (text)},
	LOGSTORE_ERROR_TABLE(ROW)
#undef ROW
};

static const struct row *find(int code)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].code == code)
			return &rows[i];
	}
	return NULL;
}

const char *ls_error_text(int code)
{
	const struct row *row = find(code);
	const char *text = NULL;

	if (row)
		return row->text;
	if (code == 0)
		return "success";
	if (code < 0 && code > -4096)
		text = strerrordesc_np(-code);
	return text ? text : "unknown error";
}

const char *ls_error_name(int code)
{
	const struct row *row = find(code);
	const char *name = NULL;

	if (row)
		return row->name;
	if (code == 0)
		return "NONE";
	if (code < 0 && code > -4096)
		name = strerrorname_np(-code);
	return name ? name : "UNKNOWN";
}

int16_t ls_error_kafka_code(int code)
{
	const struct row *row = find(code);

	if (row)
		return row->kafka;
	if (code == 0)
		return 0;
	return code < 0 && code > -4096 ? 56 : -1;
}
