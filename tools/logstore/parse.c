/*
 * What people type. Every parser takes the whole string or refuses it; nothing is guessed.
 */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool parse_int(const char *text, int64_t *ret_value)
{
	char *end;
	long long value;

	if (!isdigit((unsigned char)text[0]) && !(text[0] == '-' && isdigit((unsigned char)text[1])))
		return false;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return false;
	*ret_value = value;
	return true;
}

bool parse_size(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMG";
	char *end;
	const char *unit;
	uint64_t value;
	int shift = 0;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	unit = *end != '\0' ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		shift = 10 * (int)(unit - units + 1);
		end++;
	}
	if (*end != '\0' || value > UINT64_MAX >> shift)
		return false;
	*ret_bytes = value << shift;
	return true;
}

/* Takes exactly @digits digits. */
static bool take_number(const char **text, int digits, int *ret_value)
{
	int value = 0;

	for (int i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)(*text)[i]))
			return false;
		value = value * 10 + ((*text)[i] - '0');
	}
	*text += digits;
	*ret_value = value;
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static bool take_clock(const char **text, struct tm *tm, int *ret_ms)
{
	*ret_ms = 0;
	if (!take_number(text, 2, &tm->tm_hour) || !take_char(text, ':') ||
	    !take_number(text, 2, &tm->tm_min))
		return false;
	if (!take_char(text, ':'))
		return true;
	if (!take_number(text, 2, &tm->tm_sec))
		return false;
	if (take_char(text, '.')) {
		int scale = 100;

		if (!isdigit((unsigned char)**text))
			return false;
		for (; isdigit((unsigned char)**text); (*text)++, scale /= 10)
			*ret_ms += (**text - '0') * scale;
	}
	return true;
}

/* Offset of the zone in seconds, if one is named. */
static bool take_zone(const char **text, bool *ret_given, int *ret_seconds)
{
	int sign = **text == '-' ? -1 : 1;
	int hours;
	int minutes = 0;

	*ret_given = **text != '\0';
	*ret_seconds = 0;
	if (!*ret_given || take_char(text, 'Z') || take_char(text, 'z'))
		return true;
	if (!take_char(text, '+') && !take_char(text, '-'))
		return false;
	if (!take_number(text, 2, &hours) || hours > 23)
		return false;
	(void)take_char(text, ':');
	if (**text != '\0' && (!take_number(text, 2, &minutes) || minutes > 59))
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool calendar_ok(const struct tm *tm)
{
	return tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31 &&
	       tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

bool parse_time(const char *text, int64_t *ret_ms)
{
	struct tm tm = {.tm_isdst = -1};
	bool zone_given;
	int zone;
	int ms = 0;
	int64_t seconds;

	if (parse_int(text, ret_ms))
		return true;
	if (!take_number(&text, 4, &tm.tm_year) || !take_char(&text, '-') ||
	    !take_number(&text, 2, &tm.tm_mon) || !take_char(&text, '-') ||
	    !take_number(&text, 2, &tm.tm_mday))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if ((take_char(&text, 'T') || take_char(&text, 't') || take_char(&text, ' ')) &&
	    !take_clock(&text, &tm, &ms))
		return false;
	if (!take_zone(&text, &zone_given, &zone) || *text != '\0' || !calendar_ok(&tm))
		return false;
	seconds = zone_given ? (int64_t)timegm(&tm) - zone : (int64_t)mktime(&tm);
	*ret_ms = seconds * 1000 + ms;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character after a backslash; advances @text behind the escape. -1 if there is no such escape. */
static int take_escape(const char **text)
{
	static const char names[] = "ntr0\\";
	static const char values[] = "\n\t\r\0\\";
	const char *found = **text != '\0' ? strchr(names, **text) : NULL;

	if (found) {
		(*text)++;
		return (unsigned char)values[found - names];
	}
	if (**text == 'x' && hex_digit((*text)[1]) >= 0 && hex_digit((*text)[2]) >= 0) {
		int value = hex_digit((*text)[1]) * 16 + hex_digit((*text)[2]);

		*text += 3;
		return value;
	}
	return -1;
}

bool parse_escapes(const char *text, char *ret_bytes, size_t *ret_size)
{
	size_t size = 0;

	while (*text != '\0') {
		int c = (unsigned char)*text++;

		if (c == '\\')
			c = take_escape(&text);
		if (c < 0)
			return false;
		ret_bytes[size++] = (char)c;
	}
	*ret_size = size;
	return true;
}

bool parse_place(const char *text, struct place *ret_place)
{
	struct place place = {.kind = PLACE_OFFSET};

	if (strcmp(text, "beginning") == 0) {
		place.kind = PLACE_BEGINNING;
	} else if (strcmp(text, "end") == 0) {
		place.kind = PLACE_END;
	} else if (text[0] == '@' || (text[0] == 's' && text[1] == '@')) {
		place.kind = PLACE_TIME;
		if (!parse_time(strchr(text, '@') + 1, &place.value) || place.value < 0)
			return false;
	} else if (!parse_int(text, &place.value) || place.value == INT64_MIN) {
		return false;
	} else if (text[0] == '-') {
		place.kind = PLACE_BEFORE_END;
		place.value = -place.value;
	}
	*ret_place = place;
	return true;
}
