/*
 * The floor under every dump: reads a file from front to back in pieces of 256 KiB and computes the CRC-32C
 * of all of it. Prints the checksum and the bytes read.
 */
#include <errno.h>
#include <fcntl.h>
#include <isa-l.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 256 * 1024 };

/* Returns 0, or -1 with errno. */
static int scan(int fd, uint64_t *ret_bytes, uint32_t *ret_crc)
{
	static unsigned char piece[PIECE_BYTES];
	uint64_t position = 0;
	uint32_t crc = 0xffffffff;

	for (;;) {
		ssize_t n = pread(fd, piece, sizeof(piece), (off_t)position);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		crc = crc32_iscsi(piece, (int)n, crc);
		position += (uint64_t)n;
	}
	*ret_bytes = position;
	*ret_crc = ~crc;
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t bytes;
	uint32_t crc;
	int fd;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: ref_scan FILE\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || scan(fd, &bytes, &crc) < 0) {
		(void)fprintf(stderr, "ref_scan: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	(void)close(fd);
	(void)printf("%08x %llu\n", crc, (unsigned long long)bytes);
	return 0;
}
