/*
 * Delimited input: lines, or records with another end, from a file descriptor. The memory is at
 * most four times that of the longest record.
 */
#ifndef TOOL_INPUT_H
#define TOOL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Longest record that is taken. */
#define INPUT_RECORD_MAX ((size_t)256 << 20)

enum input_result {
	INPUT_END = 0,
	INPUT_RECORD = 1,
	INPUT_IDLE = 2, /* nothing came for a while */
};

struct input {
	int fd;
	const char *delimiter; /* 1 byte or more */
	size_t delimiter_size;
	bool at_end;
	char *buffer;
	size_t size;  /* of buffer */
	size_t begin; /* of what was not handed out yet */
	size_t end;
	size_t searched; /* no delimiter begins before this position */
};

void input_init(struct input *input, int fd, const char *delimiter, size_t delimiter_size);
void input_fini(struct input *input);

/*
 * The next record, without its delimiter; valid until the next call. What follows the last delimiter is a
 * record too, unless it is empty. @idle_ms: how long to wait for more before INPUT_IDLE; -1: for ever.
 * Returns enum input_result; -EINTR after a signal; -EMSGSIZE for a record that is too long; -errno.
 */
int input_next(struct input *input, int idle_ms, const char **ret_record, size_t *ret_size);

#endif
