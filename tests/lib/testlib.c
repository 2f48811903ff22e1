#include "testlib.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the address sanitizer's run-time; weak, so that other builds link. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

void ts_check_leaks(void)
{
	if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() != 0)
		abort();
}

static bool should_fail(struct ts_alloc *alloc)
{
	long request = atomic_fetch_add(&alloc->requests, 1) + 1;

	return request == atomic_load(&alloc->fail_at);
}

static void *counting_alloc(void *ctx, size_t size)
{
	struct ts_alloc *alloc = ctx;
	void *p;

	if (should_fail(alloc))
		return NULL;
	p = malloc(size);
	if (p) {
		memset(p, 0xA5, size);
		atomic_fetch_add(&alloc->outstanding, 1);
	}
	return p;
}

static void *counting_realloc(void *ctx, void *memory, size_t size)
{
	struct ts_alloc *alloc = ctx;
	void *p;

	if (should_fail(alloc))
		return NULL;
	p = realloc(memory, size);
	if (p && !memory) {
		memset(p, 0xA5, size);
		atomic_fetch_add(&alloc->outstanding, 1);
	}
	return p;
}

static void counting_free(void *ctx, void *memory)
{
	struct ts_alloc *alloc = ctx;

	if (memory)
		atomic_fetch_sub(&alloc->outstanding, 1);
	free(memory);
}

void ts_alloc_init(struct ts_alloc *alloc)
{
	memset(alloc, 0, sizeof *alloc);
	alloc->env.struct_size = sizeof alloc->env;
	alloc->env.allocator = (struct logstore_allocator){
		.alloc = counting_alloc,
		.realloc = counting_realloc,
		.free = counting_free,
		.ctx = alloc,
	};
	ls_env_resolve(&alloc->env, &alloc->ls);
}

bool ts_alloc_failed(const struct ts_alloc *alloc)
{
	long fail_at = atomic_load(&alloc->fail_at);

	return fail_at > 0 && atomic_load(&alloc->requests) >= fail_at;
}

void ts_rng_init(struct ts_rng *rng, uint64_t default_seed)
{
	const char *text = getenv("LOGSTORE_TEST_SEED");

	rng->state = text ? strtoull(text, NULL, 0) : default_seed;
	fprintf(stderr, "seed %" PRIu64 " (LOGSTORE_TEST_SEED)\n", rng->state);
}

uint64_t ts_rng_next(struct ts_rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

uint64_t ts_rng_below(struct ts_rng *rng, uint64_t bound)
{
	return bound ? ts_rng_next(rng) % bound : 0;
}

void ts_rng_fill(struct ts_rng *rng, void *buffer, size_t size)
{
	uint8_t *p = buffer;

	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)ts_rng_next(rng);
}

static void fail(const char *what, const char *path)
{
	fprintf(stderr, "testlib: %s %s: %s\n", what, path, strerror(errno));
	abort();
}

void ts_tempdir(char ret_path[256])
{
	const char *base = getenv("TMPDIR");

	snprintf(ret_path, 256, "%s/logstore-test-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(ret_path))
		fail("mkdtemp", ret_path);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void ts_tempdir_remove(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		fail("remove", path);
}

const char *ts_data(const char *relative)
{
	static _Thread_local char paths[8][512];
	static _Thread_local unsigned next;
	const char *base = getenv("LOGSTORE_TEST_DATA");
	char *path = paths[next++ % 8];

	if (!base) {
		errno = ENOENT;
		fail("LOGSTORE_TEST_DATA is not set for", relative);
	}
	snprintf(path, sizeof paths[0], "%s/%s", base, relative);
	return path;
}

uint8_t *ts_read_file(const char *path, size_t *ret_size)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes;

	if (!f || fstat(fileno(f), &st) != 0)
		fail("open", path);
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes || fread(bytes, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		fail("read", path);
	bytes[st.st_size] = 0;
	fclose(f);
	*ret_size = (size_t)st.st_size;
	return bytes;
}

uint8_t *ts_hex(const char *hex, size_t *ret_size)
{
	size_t size = strlen(hex) / 2;
	uint8_t *bytes = malloc(size + 1);

	for (size_t i = 0; bytes && i < size; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};

		bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	*ret_size = size;
	return bytes;
}

static const char *copy_from;
static const char *copy_to;

static int copy_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	char to[1024];

	(void)ftw;
	snprintf(to, sizeof to, "%s%s", copy_to, path + strlen(copy_from));
	if (flag == FTW_D) {
		if (mkdir(to, 0755) != 0 && errno != EEXIST)
			fail("mkdir", to);
	} else if (S_ISREG(st->st_mode)) {
		size_t size;
		uint8_t *bytes = ts_read_file(path, &size);
		FILE *f = fopen(to, "wb");

		if (!f || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
			fail("write", to);
		free(bytes);
	}
	return 0;
}

void ts_copy_tree(const char *from, const char *to)
{
	copy_from = from;
	copy_to = to;
	if (nftw(from, copy_one, 16, FTW_PHYS) != 0)
		fail("copy", from);
}
