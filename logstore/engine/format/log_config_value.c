/*
 * The check of one value against its setting.
 *
 * Values are read as Kafka's ConfigDef reads them, and refused in its words. Refused here though Kafka takes
 * them: NaN, hexadecimal floating point, and digits that are not ASCII. Numbers do not depend on the locale
 * of the process.
 *
 * Threads: pure functions. Work is bounded by the square of the longest value that is accepted.
 */
#include "format/log_config_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "format/java_text.h"

/* Kafka's controller refuses longer values, whatever the setting. */
#define VALUE_MAX_BYTES 32767
/* Of a value in a message, so that the reason behind it is not cut off. */
#define SHOWN_MAX_BYTES 256

/* Counted text: values and their parts are looked at where they stand. */
struct span {
	const char *text;
	size_t size;
};

static bool span_is(struct span span, const char *text)
{
	return span.size == strlen(text) && memcmp(span.text, text, span.size) == 0;
}

static int invalid(struct logstore_error *err, const struct ls_setting *setting, struct span value,
                   const char *why)
{
	int shown = value.size < SHOWN_MAX_BYTES ? (int)value.size : SHOWN_MAX_BYTES;

	return ls_error(err, LOGSTORE_E_INVALID_CONFIG, "Invalid value %.*s for configuration %s: %s", shown,
	                value.text, setting->name, why);
}

/* What was appended from `at` on: the parsed value, which is what Kafka shows once parsing went well. */
static struct span tail(const struct ls_buf *out, size_t at)
{
	return (struct span){.text = (const char *)out->data + at, .size = out->size - at};
}

static int check_range(const struct ls_setting *setting, double value, struct span text,
                       struct logstore_error *ret_error)
{
	char why[96];

	switch (setting->rule) {
	case LS_RULE_AT_LEAST:
	case LS_RULE_BETWEEN:
		/* Bounds are small: comparing as double, as Kafka does, is exact where it matters. */
		if (value < (double)setting->min) {
			(void)snprintf(why, sizeof why, "Value must be at least %" PRId64, setting->min);
			return invalid(ret_error, setting, text, why);
		}
		if (setting->rule == LS_RULE_BETWEEN && value > (double)setting->max) {
			(void)snprintf(why, sizeof why, "Value must be no more than %" PRId64, setting->max);
			return invalid(ret_error, setting, text, why);
		}
		return 0;
	case LS_RULE_LEVEL:
		if ((value < (double)setting->min && value != -1) || value > (double)setting->max) {
			(void)snprintf(why, sizeof why,
			               "Value must be between %" PRId64 " and %" PRId64 " or equal to -1",
			               setting->min, setting->max);
			return invalid(ret_error, setting, text, why);
		}
		return 0;
	case LS_RULE_NONE:
	case LS_RULE_CHOICE:
	case LS_RULE_REPLICAS:
		break;
	}
	return 0;
}

static int check_whole_number(const struct ls_setting *setting, struct span given, struct span value,
                              struct ls_buf *out, struct logstore_error *ret_error)
{
	size_t at = out->size;
	int32_t narrow = 0;
	int64_t number = 0;
	bool is_int = setting->type == LS_TYPE_INT;
	int r;

	if (is_int ? !ls_java_int(value.text, value.size, &narrow)
	           : !ls_java_long(value.text, value.size, &number))
		return invalid(ret_error, setting, given,
		               is_int ? "Not a number of type INT" : "Not a number of type LONG");
	if (is_int)
		number = narrow;
	r = ls_buf_printf(out, "%" PRId64, number);
	if (r < 0)
		return r;
	return check_range(setting, (double)number, tail(out, at), ret_error);
}

static size_t count_digits(struct span text, size_t at)
{
	size_t begin = at;

	while (at < text.size && text.text[at] >= '0' && text.text[at] <= '9')
		at++;
	return at - begin;
}

/*
 * Whether Java's Double.parseDouble takes it, less hexadecimal numbers and NaN: [sign] then Infinity, or
 * digits with an optional point and exponent and an optional f, F, d or D.
 */
static bool is_double(struct span text)
{
	size_t at = text.size > 0 && (text.text[0] == '+' || text.text[0] == '-') ? 1 : 0;
	size_t whole, fraction = 0;

	if (span_is((struct span){.text = text.text + at, .size = text.size - at}, "Infinity"))
		return true;
	whole = count_digits(text, at);
	at += whole;
	if (at < text.size && text.text[at] == '.') {
		at++;
		fraction = count_digits(text, at);
		at += fraction;
	}
	if (whole == 0 && fraction == 0)
		return false;
	if (at < text.size && (text.text[at] == 'e' || text.text[at] == 'E')) {
		size_t digits;

		at++;
		if (at < text.size && (text.text[at] == '+' || text.text[at] == '-'))
			at++;
		digits = count_digits(text, at);
		if (digits == 0)
			return false;
		at += digits;
	}
	if (at < text.size && strchr("fFdD", text.text[at]))
		at++;
	return at == text.size;
}

/* strtod as in the C locale, whatever setlocale(3) was told. */
static int to_double(const char *text, double *ret_value)
{
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);

	if (c_locale == (locale_t)0)
		return -ENOMEM;
	*ret_value = strtod_l(text, NULL, c_locale);
	freelocale(c_locale);
	return 0;
}

int ls_setting_double(const char *text, double *ret_value)
{
	return to_double(text, ret_value);
}

/*
 * The fewest decimal digits that give the number back, and the exponent of the first one. Java looks at two
 * digits or more before it leaves out zeros: 4.9E-324, although 5E-324 would do.
 */
static int shortest_digits(double value, char digits[24], int *ret_exponent)
{
	for (int precision = 1; precision < 17; precision++) {
		char printed[48], plain[48];
		const char *exponent;
		size_t length = 0;
		double back;
		int r;

		(void)snprintf(printed, sizeof printed, "%.*e", precision, value);
		exponent = strchr(printed, 'e');
		/* Only digits are taken over: the point may be something else in this locale. */
		for (const char *p = printed; p < exponent; p++) {
			if (*p >= '0' && *p <= '9')
				digits[length++] = *p;
		}
		digits[length] = '\0';
		*ret_exponent = (int)strtol(exponent + 1, NULL, 10);
		(void)snprintf(plain, sizeof plain, "%c.%se%d", digits[0], digits + 1, *ret_exponent);
		r = to_double(plain, &back);
		if (r < 0)
			return r;
		if (back == value)
			break;
	}
	for (size_t length = strlen(digits); length > 1 && digits[length - 1] == '0'; length--)
		digits[length - 1] = '\0';
	return 0;
}

/* As Java's Double.toString: 0.5, 1.0, 1.0E-5, Infinity. */
static int append_double(struct ls_buf *out, double value)
{
	const char *sign = signbit(value) ? "-" : "";
	char digits[24];
	int exponent = 0, length, r;

	if (isinf(value))
		return ls_buf_printf(out, "%sInfinity", sign);
	if (value == 0)
		return ls_buf_printf(out, "%s0.0", sign);
	r = shortest_digits(fabs(value), digits, &exponent);
	if (r < 0)
		return r;
	length = (int)strlen(digits);
	if (exponent < -3 || exponent >= 7)
		return ls_buf_printf(out, "%s%c.%sE%d", sign, digits[0], length > 1 ? digits + 1 : "0",
		                     exponent);
	if (exponent < 0)
		return ls_buf_printf(out, "%s0.%.*s%s", sign, -exponent - 1, "000", digits);
	if (length > exponent + 1)
		return ls_buf_printf(out, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
	return ls_buf_printf(out, "%s%s%.*s.0", sign, digits, exponent + 1 - length, "000000");
}

static int check_double(const struct ls_setting *setting, struct span given, struct span value,
                        struct ls_buf *out, struct logstore_error *ret_error)
{
	size_t at = out->size;
	double number = 0;
	int r;

	if (!is_double(value))
		return invalid(ret_error, setting, given, "Not a number of type DOUBLE");
	r = to_double(value.text, &number); /* ends at what is_double() found, a blank or the final null */
	if (r == 0)
		r = append_double(out, number);
	if (r < 0)
		return r;
	return check_range(setting, number, tail(out, at), ret_error);
}

static int check_boolean(const struct ls_setting *setting, struct span given, struct span value,
                         struct ls_buf *out, struct logstore_error *ret_error)
{
	if (value.size == 4 && strncasecmp(value.text, "true", 4) == 0)
		return ls_buf_append(out, "true", 4);
	if (value.size == 5 && strncasecmp(value.text, "false", 5) == 0)
		return ls_buf_append(out, "false", 5);
	return invalid(ret_error, setting, given, "Expected value to be either true or false");
}

static int check_choice(const struct ls_setting *setting, struct span value, struct logstore_error *ret_error)
{
	char why[160] = "String must be one of: ";
	size_t length = strlen(why);

	for (size_t i = 0; setting->choices[i]; i++) {
		if (span_is(value, setting->choices[i]))
			return 0;
		length += (size_t)snprintf(why + length, sizeof why - length, "%s%s", i > 0 ? ", " : "",
		                           setting->choices[i]);
	}
	return invalid(ret_error, setting, value, why);
}

static int check_string(const struct ls_setting *setting, struct span value, struct ls_buf *out,
                        struct logstore_error *ret_error)
{
	int r = check_choice(setting, value, ret_error);

	if (r < 0)
		return r;
	return ls_buf_append(out, value.text, value.size);
}

/* The next item of a list without the white space around it. Takes it off `rest`; false after the last one.
 */
static bool next_item(struct span *rest, struct span *ret_item)
{
	struct span item = *rest;
	const char *comma;

	if (!rest->text)
		return false;
	comma = memchr(rest->text, ',', rest->size);
	if (comma) {
		item.size = (size_t)(comma - rest->text);
		rest->size -= item.size + 1;
		rest->text = comma + 1;
	} else {
		rest->text = NULL;
	}
	while (item.size > 0 && ls_java_space(item.text[0])) {
		item.text++;
		item.size--;
	}
	while (item.size > 0 && ls_java_space(item.text[item.size - 1]))
		item.size--;
	*ret_item = item;
	return true;
}

static bool has_duplicates(struct span list)
{
	struct span item, later;

	while (next_item(&list, &item)) {
		struct span rest = list;

		while (next_item(&rest, &later)) {
			if (item.size == later.size && memcmp(item.text, later.text, item.size) == 0)
				return true;
		}
	}
	return false;
}

static int check_choices(const struct ls_setting *setting, struct span list, struct logstore_error *ret_error)
{
	struct span item;
	int r;

	if (has_duplicates(list))
		return ls_error(ret_error, LOGSTORE_E_INVALID_CONFIG,
		                "Configuration '%s' values must not be duplicated.", setting->name);
	while (next_item(&list, &item)) {
		if (item.size == 0)
			return ls_error(ret_error, LOGSTORE_E_INVALID_CONFIG,
			                "Configuration '%s' values must not be empty.", setting->name);
		r = check_choice(setting, item, ret_error);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Nothing, or <digits>:<digits>. */
static bool is_replica(struct span item)
{
	size_t partition = count_digits(item, 0), broker;

	if (item.size == 0)
		return true;
	if (partition == 0 || partition == item.size || item.text[partition] != ':')
		return false;
	broker = count_digits(item, partition + 1);
	return broker > 0 && partition + 1 + broker == item.size;
}

static int check_replicas(const struct ls_setting *setting, struct span list,
                          struct logstore_error *ret_error)
{
	struct span rest = list, item;
	size_t stars = 0;
	bool all_replicas = true, only_stars = true;
	char value[SHOWN_MAX_BYTES], why[256];
	size_t length = 0;

	while (next_item(&rest, &item)) {
		all_replicas = all_replicas && is_replica(item);
		if (span_is(item, "*"))
			stars++;
		else if (item.size > 0)
			only_stars = false;
	}
	if (all_replicas || (only_stars && stars == 1))
		return 0;
	value[0] = '\0';
	for (rest = list; next_item(&rest, &item) && length < sizeof value;)
		length += (size_t)snprintf(value + length, sizeof value - length, "%s%.*s",
		                           length > 0 ? ", " : "", (int)item.size, item.text);
	(void)snprintf(why, sizeof why,
	               "%s must be the literal '*' or a list of replicas in the following format: "
	               "[partitionId]:[brokerId],[partitionId]:[brokerId],...",
	               setting->name);
	return ls_error(ret_error, LOGSTORE_E_INVALID_CONFIG, "Invalid value [%s] for configuration %s: %s",
	                value, setting->name, why);
}

static int check_list(const struct ls_setting *setting, struct span value, struct ls_buf *out,
                      struct logstore_error *ret_error)
{
	struct span rest = value, item;
	bool first = true;
	int r;

	if (value.size == 0)
		return 0;
	r = setting->rule == LS_RULE_REPLICAS ? check_replicas(setting, value, ret_error)
	                                      : check_choices(setting, value, ret_error);
	while (r == 0 && next_item(&rest, &item)) {
		if (!first)
			r = ls_buf_append(out, ",", 1);
		if (r == 0)
			r = ls_buf_append(out, item.text, item.size);
		first = false;
	}
	return r;
}

static int check_by_type(const struct ls_setting *setting, struct span given, struct span value,
                         struct ls_buf *out, struct logstore_error *ret_error)
{
	switch (setting->type) {
	case LS_TYPE_INT:
	case LS_TYPE_LONG:
		return check_whole_number(setting, given, value, out, ret_error);
	case LS_TYPE_DOUBLE:
		return check_double(setting, given, value, out, ret_error);
	case LS_TYPE_BOOLEAN:
		return check_boolean(setting, given, value, out, ret_error);
	case LS_TYPE_STRING:
		return check_string(setting, value, out, ret_error);
	case LS_TYPE_LIST:
		break;
	}
	return check_list(setting, value, out, ret_error);
}

int ls_setting_check(const struct ls_setting *setting, const char *value, struct ls_buf *out,
                     struct logstore_error *ret_error)
{
	struct span given = {.text = value, .size = strnlen(value, VALUE_MAX_BYTES + 1)};
	struct span trimmed = given;
	size_t size = out->size;
	int r;

	if (given.size > VALUE_MAX_BYTES)
		return ls_error(
			ret_error, LOGSTORE_E_INVALID_CONFIG,
			"The configuration value cannot be added because it exceeds the maximum value size "
			"of %d bytes.",
			VALUE_MAX_BYTES);
	ls_java_trim(&trimmed.text, &trimmed.size);
	r = check_by_type(setting, given, trimmed, out, ret_error);
	if (r == 0)
		r = ls_buf_append(out, "", 1);
	if (r < 0)
		out->size = size;
	return r;
}
