/*
 * Reading delimited records. Invariant: begin <= searched <= end <= size.
 */
#include "input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (256u * 1024)

void input_init(struct input *input, int fd, const char *delimiter, size_t delimiter_size)
{
	*input = (struct input){.fd = fd, .delimiter = delimiter, .delimiter_size = delimiter_size};
}

void input_fini(struct input *input)
{
	free(input->buffer);
	input->buffer = NULL;
}

/* The delimiter at or after `searched`, or NULL; moves `searched` up to where a next search begins. */
static char *find_delimiter(struct input *input)
{
	size_t left = input->end - input->searched;
	char *found;

	if (left == 0)
		return NULL;
	if (input->delimiter_size == 1)
		found = memchr(input->buffer + input->searched, input->delimiter[0], left);
	else
		found = memmem(input->buffer + input->searched, left, input->delimiter,
		               input->delimiter_size);
	/* A delimiter may have begun in the last bytes. */
	if (!found && left >= input->delimiter_size)
		input->searched = input->end - (input->delimiter_size - 1);
	return found;
}

/* Room for more bytes behind `end`. */
static int make_room(struct input *input)
{
	char *grown;
	size_t size;

	if (input->begin > 0) {
		memmove(input->buffer, input->buffer + input->begin, input->end - input->begin);
		input->end -= input->begin;
		input->searched -= input->begin;
		input->begin = 0;
	}
	if (input->size - input->end >= READ_BYTES / 2)
		return 0;
	if (input->end > INPUT_RECORD_MAX)
		return -EMSGSIZE;
	size = input->size ? 2 * input->size : READ_BYTES;
	grown = realloc(input->buffer, size);
	if (!grown)
		return -ENOMEM;
	input->buffer = grown;
	input->size = size;
	return 0;
}

/* Waits for input. Returns 1 if there is some, 0 after @idle_ms, -errno. */
static int wait_readable(const struct input *input, int idle_ms)
{
	struct pollfd poll_fd = {.fd = input->fd, .events = POLLIN};
	int r = poll(&poll_fd, 1, idle_ms);

	return r < 0 ? -errno : r;
}

/* Reads once. Returns INPUT_RECORD for some bytes or the end, INPUT_IDLE, or -errno. */
static int fill(struct input *input, int idle_ms)
{
	ssize_t got;
	int r = make_room(input);

	if (r == 0)
		r = wait_readable(input, idle_ms);
	if (r < 0)
		return r;
	if (r == 0)
		return INPUT_IDLE;
	got = read(input->fd, input->buffer + input->end, input->size - input->end);
	if (got < 0)
		return -errno;
	input->end += (size_t)got;
	input->at_end = got == 0;
	return INPUT_RECORD;
}

int input_next(struct input *input, int idle_ms, const char **ret_record, size_t *ret_size)
{
	for (;;) {
		char *found = find_delimiter(input);
		int r;

		if (found || (input->at_end && input->begin < input->end)) {
			char *end = found ? found : input->buffer + input->end;
			size_t next = (size_t)(end - input->buffer) + (found ? input->delimiter_size : 0);

			*ret_record = input->buffer + input->begin;
			*ret_size = (size_t)(end - input->buffer) - input->begin;
			input->begin = next;
			input->searched = next;
			return INPUT_RECORD;
		}
		if (input->at_end)
			return INPUT_END;
		r = fill(input, idle_ms);
		if (r != INPUT_RECORD)
			return r;
	}
}
