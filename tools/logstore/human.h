/*
 * Numbers and times for people. Every function writes a terminated string into the caller's buffer and
 * returns that buffer, so that it can stand inside an argument list.
 */
#ifndef TOOL_HUMAN_H
#define TOOL_HUMAN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define HUMAN_MAX 48

/* "812 MiB", "1.65 GiB", "78 B": three significant digits. */
char *human_size(char text[HUMAN_MAX], uint64_t bytes);
/* "1,203,311" */
char *human_count(char text[HUMAN_MAX], int64_t value);
/* "12 min", "3.1 s", "2 days" */
char *human_duration(char text[HUMAN_MAX], int64_t ms);
/* "2026-03-01 12:00:03.120+01:00", or "-" for -1 */
char *human_time(char text[HUMAN_MAX], int64_t ms);

/* Local times one after another; keeps the last second, since localtime_r(3) is slow. */
struct human_clock {
	bool known;
	int64_t second;
	char text[HUMAN_MAX]; /* of that second, with .000 for the milliseconds */
};
/* As human_time(); returns the end of what was written at @to (at most HUMAN_MAX bytes, no terminator). */
char *human_clock_put(struct human_clock *clock, char *to, int64_t ms);

#endif
