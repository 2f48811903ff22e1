/*
 * Text for people. Times are local, ISO 8601 with the offset of the zone; years outside 0 to 9999 (a
 * timestamp can be anything) are shown as plain milliseconds.
 */
#include "human.h"

#include <stdio.h>
#include <string.h>

#include "encode.h"

/* Position of the milliseconds in "2026-03-01 12:00:03.120+01:00". */
#define MS_AT 20

char *human_size(char text[HUMAN_MAX], uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1023.5 && unit < 6) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(text, HUMAN_MAX, "%.*f %s",
	               unit == 0 || value >= 99.95 ? 0
	               : value >= 9.995            ? 1
	                                           : 2,
	               value, units[unit]);
	return text;
}

char *human_count(char text[HUMAN_MAX], int64_t value)
{
	char digits[ENCODE_INT_MAX];
	size_t size = (size_t)(put_int(digits, value) - digits);
	char *to = text;

	for (size_t i = 0; i < size; i++) {
		*to++ = digits[i];
		if ((size - i - 1) % 3 == 0 && i + 1 < size && digits[i] != '-')
			*to++ = ',';
	}
	*to = '\0';
	return text;
}

char *human_duration(char text[HUMAN_MAX], int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (ms < 1000)
		(void)snprintf(text, HUMAN_MAX, "%lld ms", (long long)ms);
	else if (ms < 100 * 1000)
		(void)snprintf(text, HUMAN_MAX, "%.1f s", (double)ms / 1000);
	else if (ms < 100 * 60000)
		(void)snprintf(text, HUMAN_MAX, "%lld min", (long long)(ms / 60000));
	else if (ms < INT64_C(48) * 3600000)
		(void)snprintf(text, HUMAN_MAX, "%lld h", (long long)(ms / 3600000));
	else
		(void)snprintf(text, HUMAN_MAX, "%lld days", (long long)(ms / 86400000));
	return text;
}

/* Text of a whole second. Returns false if the calendar does not reach that far. */
static bool second_text(char text[HUMAN_MAX], int64_t second)
{
	time_t when = (time_t)second;
	struct tm local;
	int size;
	long zone;

	if (!localtime_r(&when, &local) || local.tm_year < -1900 || local.tm_year > 8099)
		return false;
	zone = local.tm_gmtoff < 0 ? -local.tm_gmtoff : local.tm_gmtoff;
	size = snprintf(text, HUMAN_MAX, "%04d-%02d-%02d %02d:%02d:%02d.000%c%02ld:%02ld",
	                local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min,
	                local.tm_sec, local.tm_gmtoff < 0 ? '-' : '+', zone / 3600, zone / 60 % 60);
	return size > 0 && size < HUMAN_MAX;
}

char *human_clock_put(struct human_clock *clock, char *to, int64_t ms)
{
	int64_t second = ms / 1000;
	int64_t rest = ms % 1000;
	size_t size;

	if (ms == -1)
		return put_text(to, "-");
	if (rest < 0) {
		rest += 1000;
		second--;
	}
	if (!clock->known || clock->second != second) {
		clock->known = second_text(clock->text, second);
		clock->second = second;
	}
	if (!clock->known)
		return put_text(put_int(to, ms), " ms");
	size = strlen(clock->text);
	memcpy(to, clock->text, size);
	to[MS_AT] = (char)('0' + rest / 100);
	to[MS_AT + 1] = (char)('0' + rest / 10 % 10);
	to[MS_AT + 2] = (char)('0' + rest % 10);
	return to + size;
}

char *human_time(char text[HUMAN_MAX], int64_t ms)
{
	struct human_clock clock = {.known = false};

	*human_clock_put(&clock, text, ms) = '\0';
	return text;
}
