/*
 * Runs a command and writes what it cost to a file descriptor: CPU seconds (user and system), wall seconds,
 * peak resident KiB. A process keeps the peak of the image it was forked from, so that a large parent, such
 * as an interpreter, cannot measure a small child itself; this one is small.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static double now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail with a valid clock id */
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Returns the wait status of the command, or -1 with errno. */
static int run(char **command, struct rusage *ret_usage)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid == 0) {
		(void)execvp(command[0], command);
		(void)fprintf(stderr, "measure: %s: %s\n", command[0], strerror(errno));
		_exit(127);
	}
	return wait4(pid, &status, 0, ret_usage) < 0 ? -1 : status;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	double begin = now();
	int status;

	if (argc < 3) {
		(void)fprintf(stderr, "usage: measure FD COMMAND...\n");
		return 2;
	}
	status = run(argv + 2, &usage);
	if (status < 0) {
		(void)fprintf(stderr, "measure: %s\n", strerror(errno));
		return 1;
	}
	if (dprintf(atoi(argv[1]), "%.6f %.6f %ld\n", seconds(&usage.ru_utime) + seconds(&usage.ru_stime),
	            now() - begin, usage.ru_maxrss) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
