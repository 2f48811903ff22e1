/*
 * Java property files and partition.metadata. docs/format/checkpoints.md is normative.
 *
 * A logical line is one or more natural lines, joined where one ends in an odd number of backslashes. It is
 * gathered with its escapes, divided at the first separator that is not escaped, and then unescaped into
 * UTF-8. Bytes above 0x7f are ISO-8859-1, as java.util.Properties reads them.
 *
 * Invariants: the parsers are total; memory is at most a few times the longest logical line. Failure names
 * the natural line, counted from 1, where the logical line begins.
 *
 * Threads: pure functions.
 */
#include "format/properties.h"

#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "format/java_text.h"
#include "format/uuid.h"

struct reader {
	const char *text;
	size_t size;
	size_t position;
	uint64_t number;     /* natural line read last */
	uint64_t first;      /* natural line where the logical line begins */
	struct ls_buf line;  /* the logical line, escapes and all */
	struct ls_buf words; /* name and value, unescaped and terminated */
	struct logstore_error *error;
};

static int damaged(struct logstore_error *err, uint64_t line, const char *what)
{
	return ls_corrupt(err, LOGSTORE_E_CORRUPT_FILE, NULL, (int64_t)line, "line %" PRIu64 ": %s", line,
	                  what);
}

/* What separates within a line; line ends and other white space do not. */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f';
}

static size_t skip_blanks(const char *text, size_t at, size_t size)
{
	while (at < size && is_blank(text[at]))
		at++;
	return at;
}

/* Whether the line ends in a backslash that is not itself escaped. */
static bool is_continued(const char *text, size_t size)
{
	size_t count = 0;

	while (count < size && text[size - 1 - count] == '\\')
		count++;
	return count % 2 == 1;
}

/* The next natural line without the blanks it begins with. Returns 1, 0 at the end, or an error. */
static int natural_line(struct reader *reader, const char **ret_text, size_t *ret_size)
{
	const char *text;
	size_t size, at;

	if (!ls_java_line(reader->text, reader->size, &reader->position, &text, &size))
		return 0;
	reader->number++;
	if (memchr(text, '\0', size))
		return damaged(reader->error, reader->number, "the line has a NUL byte");
	at = skip_blanks(text, 0, size);
	*ret_text = text + at;
	*ret_size = size - at;
	return 1;
}

/* Gathers the next logical line into reader->line. Returns 1, 0 at the end, or an error. */
static int logical_line(struct reader *reader)
{
	const char *text = NULL;
	size_t size = 0;
	bool continued = false;
	int r;

	ls_buf_clear(&reader->line);
	while ((r = natural_line(reader, &text, &size)) > 0) {
		if (!continued) {
			if (size == 0 || text[0] == '#' || text[0] == '!')
				continue;
			reader->first = reader->number;
		}
		continued = is_continued(text, size);
		r = ls_buf_append(&reader->line, text, continued ? size - 1 : size);
		if (r < 0)
			return r;
		if (!continued && reader->line.size > 0)
			return 1;
	}
	if (r < 0)
		return r;
	return reader->line.size > 0 ? 1 : 0; /* the last line may announce one more that is not there */
}

static int put_character(struct ls_buf *out, uint32_t c)
{
	uint8_t utf8[4];
	size_t size;

	if (c < 0x80) {
		utf8[0] = (uint8_t)c;
		size = 1;
	} else if (c < 0x800) {
		utf8[0] = (uint8_t)(0xc0 | c >> 6);
		utf8[1] = (uint8_t)(0x80 | (c & 0x3f));
		size = 2;
	} else if (c < 0x10000) {
		utf8[0] = (uint8_t)(0xe0 | c >> 12);
		utf8[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		utf8[2] = (uint8_t)(0x80 | (c & 0x3f));
		size = 3;
	} else {
		utf8[0] = (uint8_t)(0xf0 | c >> 18);
		utf8[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		utf8[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		utf8[3] = (uint8_t)(0x80 | (c & 0x3f));
		size = 4;
	}
	return ls_buf_append(out, utf8, size);
}

/* The four hexadecimal digits of \uXXXX, with `text` at the backslash. */
static bool read_unit(const char *text, size_t size, uint32_t *ret_unit)
{
	uint32_t unit = 0;

	if (size < 6 || text[0] != '\\' || text[1] != 'u')
		return false;
	for (size_t i = 2; i < 6; i++) {
		char c = text[i];
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (uint32_t)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			digit = (uint32_t)(c - 'A') + 10;
		else
			return false;
		unit = unit << 4 | digit;
	}
	*ret_unit = unit;
	return true;
}

/* \uXXXX, or two of them where the first is the upper half of a pair. Moves *at behind what it used. */
static int read_unicode(const struct reader *reader, const char *text, size_t size, size_t *at,
                        uint32_t *ret_c)
{
	uint32_t c, low;

	if (!read_unit(text + *at, size - *at, &c))
		return damaged(reader->error, reader->first,
		               "\\u is not followed by four hexadecimal digits");
	*at += 6;
	if (c >= 0xd800 && c < 0xdc00 && read_unit(text + *at, size - *at, &low) && low >= 0xdc00 &&
	    low < 0xe000) {
		*at += 6;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	if (c >= 0xd800 && c < 0xe000)
		return damaged(reader->error, reader->first, "half of a surrogate pair stands alone");
	if (c == 0)
		return damaged(reader->error, reader->first, "\\u0000 is not a character of a name or value");
	*ret_c = c;
	return 0;
}

static uint32_t escaped_character(char c)
{
	switch (c) {
	case 't':
		return '\t';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 'f':
		return '\f';
	default:
		return (uint8_t)c;
	}
}

/* Appends text without its escapes, and a terminating null. */
static int unescape(struct reader *reader, const char *text, size_t size)
{
	size_t at = 0;
	int r;

	while (at < size) {
		uint32_t c = (uint8_t)text[at];

		if (c != '\\' || at + 1 == size) {
			at++;
		} else if (text[at + 1] == 'u') {
			r = read_unicode(reader, text, size, &at, &c);
			if (r < 0)
				return r;
		} else {
			c = escaped_character(text[at + 1]);
			at += 2;
		}
		r = put_character(&reader->words, c);
		if (r < 0)
			return r;
	}
	return ls_buf_append(&reader->words, "", 1);
}

/* Divides the logical line and unescapes both halves. */
static int divide(struct reader *reader, const char **ret_name, const char **ret_value)
{
	const char *text = (const char *)reader->line.data;
	size_t size = reader->line.size, name_end = 0, value_begin, value_at;
	int r;

	while (name_end < size && !is_blank(text[name_end]) && text[name_end] != '=' && text[name_end] != ':')
		name_end += text[name_end] == '\\' && name_end + 1 < size ? 2 : 1;
	value_begin = skip_blanks(text, name_end, size);
	if (value_begin < size && (text[value_begin] == '=' || text[value_begin] == ':'))
		value_begin = skip_blanks(text, value_begin + 1, size);
	ls_buf_clear(&reader->words);
	r = unescape(reader, text, name_end);
	if (r < 0)
		return r;
	value_at = reader->words.size;
	r = unescape(reader, text + value_begin, size - value_begin);
	if (r < 0)
		return r;
	*ret_name = (const char *)reader->words.data;
	*ret_value = (const char *)reader->words.data + value_at;
	return 0;
}

/* The next property. Returns 1, 0 at the end, or an error. */
static int next_property(struct reader *reader, const char **ret_name, const char **ret_value)
{
	int r = logical_line(reader);

	if (r > 0) {
		int failure = divide(reader, ret_name, ret_value);

		r = failure < 0 ? failure : 1;
	}
	if (r == -ENOMEM)
		return ls_error(reader->error, r, "no memory for a property");
	return r;
}

int ls_properties_parse(const struct ls_env *env, const char *text, size_t size, ls_property_fn fn, void *arg,
                        struct logstore_error *ret_error)
{
	struct reader reader = {.text = text, .size = size, .error = ret_error};
	const char *name = NULL, *value = NULL;
	int r;

	ls_buf_init(&reader.line, env);
	ls_buf_init(&reader.words, env);
	while ((r = next_property(&reader, &name, &value)) > 0) {
		r = fn(arg, reader.first, name, value);
		if (r != 0)
			break;
	}
	ls_buf_fini(&reader.words);
	ls_buf_fini(&reader.line);
	return r;
}

/*
 * The next character of UTF-8 text. A byte that is no part of one counts as ISO-8859-1, so that writing
 * cannot fail on a text.
 */
static size_t take_character(const char *text, uint32_t *ret_c)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = (uint8_t)text[0];
	size_t size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 1;
	uint32_t c = size == 1 ? first : first & (0x7fu >> size);

	for (size_t i = 1; i < size; i++) {
		if (((uint8_t)text[i] & 0xc0) != 0x80) {
			*ret_c = first;
			return 1;
		}
		c = c << 6 | ((uint8_t)text[i] & 0x3f);
	}
	if (c < smallest[size] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
		*ret_c = first;
		return 1;
	}
	*ret_c = c;
	return size;
}

static int put_escaped(struct ls_buf *out, uint32_t c, bool escape_blank)
{
	static const char named[] = "\tt\nn\rr\ff"; /* a character, then its letter */

	for (size_t i = 0; i + 1 < sizeof named; i += 2) {
		if (c == (uint8_t)named[i])
			return ls_buf_printf(out, "\\%c", named[i + 1]);
	}
	if (c == '\\' || c == '=' || c == ':' || c == '#' || c == '!' || (c == ' ' && escape_blank))
		return ls_buf_printf(out, "\\%c", (int)c);
	if (c >= ' ' && c <= '~')
		return put_character(out, c);
	if (c < 0x10000)
		return ls_buf_printf(out, "\\u%04" PRIX32, c);
	c -= 0x10000;
	return ls_buf_printf(out, "\\u%04" PRIX32 "\\u%04" PRIX32, 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
}

/* A blank would end a name anywhere, but is lost from a value only at its beginning. */
static int put_word(struct ls_buf *out, const char *text, bool is_name)
{
	bool at_begin = true;

	while (*text != '\0') {
		uint32_t c;
		int r;

		text += take_character(text, &c);
		r = put_escaped(out, c, is_name || at_begin);
		if (r < 0)
			return r;
		at_begin = false;
	}
	return 0;
}

int ls_property_write(struct ls_buf *out, const char *name, const char *value)
{
	size_t size = out->size;
	int r = put_word(out, name, true);

	if (r == 0)
		r = ls_buf_append(out, "=", 1);
	if (r == 0)
		r = put_word(out, value, false);
	if (r == 0)
		r = ls_buf_append(out, "\n", 1);
	if (r < 0)
		out->size = size; /* all or nothing */
	return r;
}

/* Divides "<key>:<white space><value>". */
static bool metadata_value(const char *line, size_t size, const char *key, const char **ret_value,
                           size_t *ret_size)
{
	size_t at = strlen(key);

	if (size < at + 2 || memcmp(line, key, at) != 0 || line[at] != ':' || !ls_java_space(line[at + 1]))
		return false;
	at++;
	while (at < size && ls_java_space(line[at]))
		at++;
	*ret_value = line + at;
	*ret_size = size - at;
	return true;
}

int ls_partition_metadata_parse(const char *text, size_t size, struct logstore_uuid *ret_topic_id,
                                struct logstore_error *ret_error)
{
	char id_text[LS_UUID_TEXT_SIZE + 2];
	struct logstore_uuid id;
	const char *line, *value;
	size_t line_size, value_size, position = 0;
	int32_t version;

	if (!ls_java_line(text, size, &position, &line, &line_size) ||
	    !metadata_value(line, line_size, "version", &value, &value_size) ||
	    !ls_java_int(value, value_size, &version))
		return damaged(ret_error, 1, "expected \"version: <number>\"");
	if (version < 0)
		return ls_corrupt(ret_error, LOGSTORE_E_UNSUPPORTED_VERSION, NULL, 1,
		                  "partition metadata has version %" PRId32, version);
	if (!ls_java_line(text, size, &position, &line, &line_size) ||
	    !metadata_value(line, line_size, "topic_id", &value, &value_size) || value_size >= sizeof id_text)
		return damaged(ret_error, 2, "expected \"topic_id: <id>\"");
	memcpy(id_text, value, value_size);
	id_text[value_size] = '\0';
	if (strlen(id_text) != value_size || ls_uuid_parse(id_text, &id) < 0)
		return damaged(ret_error, 2, "the topic id is not 16 bytes in base64");
	if (ls_uuid_is_zero(&id))
		return damaged(ret_error, 2, "the topic id is zero, which means none");
	*ret_topic_id = id;
	return 0;
}

int ls_partition_metadata_write(struct ls_buf *out, const struct logstore_uuid *topic_id)
{
	char text[LS_UUID_TEXT_SIZE];

	ls_uuid_text(topic_id, text);
	return ls_buf_printf(out, "version: 0\ntopic_id: %s", text);
}
