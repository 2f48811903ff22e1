/*
 * liblogstore behind a line protocol: one job (a JSON object) per line of standard input, one answer per
 * line of standard output, like the Java driver beside it. Uses the public API alone. A job that fails is
 * answered by {"failed": ...} and leaves the process running; directories still open at the end of input
 * are closed.
 */
#include "ls_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct driver {
	struct open_dir *dirs;
};

static int64_t stopped_clock(void *ctx)
{
	const struct open_dir *dir = ctx;

	return dir->now_ms;
}

/* A set of settings from an object of strings; null and a failed answer if one is not accepted. */
static logstore_config *config_of(const json_t *job, json_t *answer)
{
	json_t *settings = json_object_get(job, "config");
	logstore_config *config;
	const char *name;
	json_t *value;

	if (logstore_config_new(&config) < 0)
		abort();
	json_object_foreach(settings, name, value) {
		struct logstore_error error = {0};
		int r = logstore_config_set(config, name, json_string_value(value), &error);

		if (r < 0) {
			fail_error(answer, name, r, &error);
			return logstore_config_free(config);
		}
	}
	return config;
}

static struct open_dir *find_dir(struct driver *driver, const json_t *job, json_t *answer)
{
	const char *path = field_text(job, "dir", "");

	for (struct open_dir *dir = driver->dirs; dir; dir = dir->next) {
		if (strcmp(dir->path, path) == 0)
			return dir;
	}
	fail(answer, "%s is not open", path);
	return NULL;
}

static struct open_part *find_part(struct driver *driver, const json_t *job, json_t *answer)
{
	struct open_dir *dir = find_dir(driver, job, answer);
	const char *name = field_text(job, "partition", "");

	if (!dir)
		return NULL;
	for (struct open_part *part = dir->parts; part; part = part->next) {
		if (strcmp(part->name, name) == 0)
			return part;
	}
	fail(answer, "%s is not loaded", name);
	return NULL;
}

static void free_dir(struct open_dir *dir)
{
	free(dir->path);
	free(dir);
}

static bool was_clean(const char *path)
{
	char marker[4096];

	(void)snprintf(marker, sizeof(marker), "%s/.kafka_cleanshutdown", path);
	return access(marker, F_OK) == 0;
}

static void job_open(struct driver *driver, const json_t *job, json_t *answer)
{
	struct open_dir *dir = must_alloc(sizeof(*dir));
	struct logstore_options options;
	struct logstore_error error = {0};
	struct logstore_env env;
	logstore_config *defaults = config_of(job, answer);
	bool clean;
	int r;

	if (!defaults) {
		free(dir);
		return;
	}
	dir->path = must_copy(field_text(job, "dir", ""));
	dir->now_ms = field_int(job, "now", 0);
	logstore_env_init(&env);
	env.clock.wall_ms = stopped_clock;
	env.clock.ctx = dir;
	logstore_options_init(&options);
	options.create = true;
	options.env = &env;
	options.defaults = defaults;
	clean = was_clean(dir->path);
	r = logstore_open(dir->path, &options, &dir->store, &error);
	(void)logstore_config_free(defaults);
	if (r < 0) {
		fail_error(answer, "open", r, &error);
		free_dir(dir);
		return;
	}
	put_bool(answer, "clean", clean);
	dir->next = driver->dirs;
	driver->dirs = dir;
}

/* Closes a directory that is no longer in the driver's list. */
static void close_dir(struct open_dir *dir, json_t *answer)
{
	struct logstore_error error = {0};
	int r;

	while (dir->parts) {
		struct open_part *part = dir->parts;

		dir->parts = part->next;
		(void)logstore_partition_close(part->part);
		free(part->name);
		free(part);
	}
	r = logstore_close(dir->store, &error);
	if (r < 0)
		fail_error(answer, "close", r, &error);
	free_dir(dir);
}

static void job_close(struct driver *driver, const json_t *job, json_t *answer)
{
	struct open_dir *dir = find_dir(driver, job, answer);
	struct open_dir **link = &driver->dirs;

	if (!dir)
		return;
	while (*link != dir)
		link = &(*link)->next;
	*link = dir->next;
	close_dir(dir, answer);
}

static void remember_part(struct open_dir *dir, const char *name, logstore_partition *part)
{
	struct open_part *opened = must_alloc(sizeof(*opened));

	opened->dir = dir;
	opened->name = must_copy(name);
	opened->part = part;
	opened->next = dir->parts;
	dir->parts = opened;
}

static int create_part(struct open_dir *dir, const struct logstore_listing *name, const char *topic_id,
                       const logstore_config *config, logstore_partition **ret_part,
                       struct logstore_error *error)
{
	struct logstore_create_options options;
	int r;

	logstore_create_options_init(&options);
	options.config = config;
	if (topic_id) {
		r = logstore_uuid_parse(topic_id, &options.topic_id);
		if (r < 0)
			return r;
	}
	return logstore_partition_create(dir->store, name->topic, name->partition, &options, ret_part, error);
}

static int load_part(struct open_dir *dir, const struct logstore_listing *name, const logstore_config *config,
                     logstore_partition **ret_part, struct logstore_error *error)
{
	logstore_partition *part;
	int r;

	r = logstore_partition_open(dir->store, name->topic, name->partition, &part, error);
	if (r < 0)
		return r;
	r = logstore_partition_override_config(part, config, error);
	if (r < 0) {
		(void)logstore_partition_close(part);
		return r;
	}
	*ret_part = part;
	return 0;
}

static void job_create_or_load(struct driver *driver, const json_t *job, bool create, json_t *answer)
{
	struct open_dir *dir = find_dir(driver, job, answer);
	const char *text = field_text(job, "partition", "");
	struct logstore_error error = {0};
	struct logstore_listing name;
	logstore_partition *part;
	logstore_config *config;
	int r;

	if (!dir)
		return;
	config = config_of(job, answer);
	if (!config)
		return;
	r = logstore_partition_name_parse(text, &name);
	if (r == 0 && create)
		r = create_part(dir, &name, field_text(job, "topic_id", NULL), config, &part, &error);
	else if (r == 0)
		r = load_part(dir, &name, config, &part, &error);
	(void)logstore_config_free(config);
	if (r < 0)
		fail_error(answer, text, r, &error);
	else
		remember_part(dir, text, part);
}

/* Jobs about an open partition. */
static const struct {
	const char *verb;
	void (*run)(struct open_part *part, const json_t *job, json_t *answer);
} part_jobs[] = {
	{"apply", apply_script},     {"state", report_state},   {"lookups", report_lookups},
	{"reads", report_reads},     {"epochs", report_epochs}, {"committed", report_committed},
};

static void run_part_job(struct driver *driver, const char *verb, const json_t *job, json_t *answer)
{
	for (size_t i = 0; i < sizeof(part_jobs) / sizeof(part_jobs[0]); i++) {
		if (strcmp(part_jobs[i].verb, verb) == 0) {
			struct open_part *part = find_part(driver, job, answer);

			if (part)
				part_jobs[i].run(part, job, answer);
			return;
		}
	}
	fail(answer, "no job \"%s\"", verb);
}

static void run_job(struct driver *driver, const json_t *job, json_t *answer)
{
	const char *verb = field_text(job, "job", "");

	if (strcmp(verb, "version") == 0)
		put_text(answer, "version", logstore_version());
	else if (strcmp(verb, "open") == 0)
		job_open(driver, job, answer);
	else if (strcmp(verb, "close") == 0)
		job_close(driver, job, answer);
	else if (strcmp(verb, "create") == 0)
		job_create_or_load(driver, job, true, answer);
	else if (strcmp(verb, "load") == 0)
		job_create_or_load(driver, job, false, answer);
	else if (strcmp(verb, "batches") == 0)
		report_batches(field_text(job, "dir", ""), field_text(job, "partition", ""), answer);
	else if (strcmp(verb, "records") == 0)
		report_records(field_text(job, "dir", ""), field_text(job, "partition", ""), answer);
	else
		run_part_job(driver, verb, job, answer);
}

static void answer_line(struct driver *driver, const char *line)
{
	json_t *answer = must(json_object());
	json_error_t error;
	json_t *job = json_loads(line, 0, &error);

	if (job)
		run_job(driver, job, answer);
	else
		fail(answer, "not JSON: %s", error.text);
	if (json_dumpf(answer, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) < 0 || putchar('\n') == EOF ||
	    fflush(stdout) == EOF)
		exit(1); /* nobody reads the answers any more */
	json_decref(job);
	json_decref(answer);
}

int main(void)
{
	struct driver driver = {0};
	char *line = NULL;
	size_t capacity = 0;

	while (getline(&line, &capacity, stdin) > 0)
		answer_line(&driver, line);
	free(line);
	while (driver.dirs) {
		struct open_dir *dir = driver.dirs;
		json_t *answer = must(json_object());

		driver.dirs = dir->next;
		close_dir(dir, answer);
		json_decref(answer);
	}
	return 0;
}
