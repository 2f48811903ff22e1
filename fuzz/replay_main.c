/*
 * Runs a fuzz target over files: each argument is an input, or a directory of inputs, taken in order of
 * their names. This is how the corpus is replayed where there is no fuzzing engine. Without a single input
 * it fails: a target without a corpus would pass for nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long inputs;

static int complain(const char *path)
{
	(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return -1;
}

/* The input is copied into a block of exactly its size, so that a sanitizer sees one byte too many. */
static int replay_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes;
	size_t n;

	if (!file)
		return complain(path);
	bytes = malloc(size ? size : 1);
	if (!bytes) {
		(void)fclose(file);
		return complain(path);
	}
	n = fread(bytes, 1, size, file);
	(void)fclose(file); /* only read from */
	if (n == size) {
		(void)LLVMFuzzerTestOneInput(bytes, size);
		inputs++;
	}
	free(bytes);
	return n == size ? 0 : complain(path);
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay(const char *path);

static int replay_directory(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, not_hidden, alphasort);
	int r = 0;

	if (count < 0)
		return complain(path);
	for (int i = 0; i < count; i++) {
		char name[4096];

		if (snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name) >= (int)sizeof name) {
			errno = ENAMETOOLONG;
			r = complain(path);
		} else if (r == 0) {
			r = replay(name);
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return complain(path);
	return S_ISDIR(st.st_mode) ? replay_directory(path) : replay_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (replay(argv[i]) < 0)
			return 1;
	}
	printf("%lu inputs\n", inputs);
	return inputs > 0 ? 0 : 1;
}
