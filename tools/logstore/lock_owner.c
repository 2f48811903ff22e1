/*
 * Finding the owner of `.lock`. A lock of the process kind (Kafka's) comes with its pid; one that belongs
 * to an open file does not, then the processes that have the file open are looked through in /proc.
 */
#include "lock_owner.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a process has the file open. */
static bool process_has_file(const char *pid, const struct stat *file)
{
	char path[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	bool found = false;
	DIR *dir;

	(void)snprintf(path, sizeof path, "/proc/%s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false; /* not ours to see */
	while (!found && (entry = readdir(dir)) != NULL) {
		if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0)
			found = st.st_dev == file->st_dev && st.st_ino == file->st_ino;
	}
	(void)closedir(dir);
	return found;
}

static long search_processes(const struct stat *file)
{
	struct dirent *entry;
	long found = 0;
	DIR *dir = opendir("/proc");

	while (dir && found == 0 && (entry = readdir(dir)) != NULL) {
		long pid = isdigit((unsigned char)entry->d_name[0]) ? strtol(entry->d_name, NULL, 10) : 0;

		if (pid > 0 && pid != (long)getpid() && process_has_file(entry->d_name, file))
			found = pid;
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

static void describe_process(long pid, char *to, size_t size)
{
	char path[64];
	char name[64] = "";
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%ld/comm", pid);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(name, sizeof name, file))
			name[0] = '\0';
		(void)fclose(file); /* only read */
	}
	name[strcspn(name, "\n")] = '\0';
	(void)snprintf(to, size, "process %ld%s%s%s", pid, name[0] ? " (" : "", name, name[0] ? ")" : "");
}

bool lock_owner_describe(const char *directory, char *to, size_t size)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];
	struct stat st;
	long pid = 0;
	bool held;
	int fd;

	if (snprintf(path, sizeof path, "%s/.lock", directory) >= (int)sizeof path)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && fstat(fd, &st) == 0;
	(void)close(fd); /* only asked */
	if (!held)
		return false;
	pid = lock.l_pid > 0 ? (long)lock.l_pid : search_processes(&st);
	if (pid > 0)
		describe_process(pid, to, size);
	else
		(void)snprintf(to, size, "another process");
	return true;
}
