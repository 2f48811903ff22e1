/*
 * Names and short texts. The first byte of the input says what the rest is (modulo 5): 0 the name of a file,
 * 1 the name of a directory, 2 an id in base64, 3 a topic with a partition number to make a name of,
 * 4 a setting and its value, with a '=' between them.
 *
 * What is accepted must be in range and mean the same once it is written and read again.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/log_config.h"
#include "format/names.h"
#include "format/uuid.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "names: %s\n", what);
	abort();
}

static void file_name(const char *text)
{
	static const char *const suffixes[] = {"", ".deleted", ".cleaned", ".swap", ".part"};
	static const char *const endings[] = {".log", ".index", ".timeindex", ".txnindex", ".snapshot"};
	struct logstore_file_name name, again;
	char written[LS_FILE_NAME_MAX], ending[32];
	bool known_suffix = false;
	int r = ls_file_name_parse(text, &name);

	require(r == 0 || r == LOGSTORE_E_INVALID_NAME, "an untyped error");
	require(name.base_offset >= LOGSTORE_NO_OFFSET, "an offset out of range");
	require(r == 0 || name.base_offset == LOGSTORE_NO_OFFSET, "an offset that is none");
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		known_suffix = known_suffix || strcmp(name.suffix, suffixes[i]) == 0;
	require(known_suffix, "an unknown suffix");
	if (r < 0 || name.base_offset < 0 || name.kind < LOGSTORE_FILE_LOG ||
	    name.kind > LOGSTORE_FILE_SNAPSHOT || strcmp(name.suffix, ".part") == 0)
		return;
	snprintf(ending, sizeof ending, "%s%s", endings[name.kind - LOGSTORE_FILE_LOG], name.suffix);
	ls_file_name(written, name.base_offset, ending);
	require(ls_file_name_parse(written, &again) == 0, "a written name is refused");
	require(again.kind == name.kind && again.base_offset == name.base_offset &&
	                strcmp(again.suffix, name.suffix) == 0,
	        "a file name changed");
}

static void check_partition_name(const char *topic, int32_t partition)
{
	enum ls_directory_kind kind;
	char name[LS_DIRECTORY_NAME_MAX], topic_again[LOGSTORE_TOPIC_NAME_MAX + 1];
	int32_t partition_again;
	int length = ls_partition_directory_name(name, topic, partition);

	if (length < 0)
		return;
	require((size_t)length == strlen(name), "a length that is another");
	require(ls_directory_name_parse(name, &kind, topic_again, &partition_again) == 0,
	        "a written name is refused");
	require(kind == LS_DIRECTORY_PARTITION && strcmp(topic, topic_again) == 0 &&
	                partition == partition_again,
	        "a directory name changed");
}

static void directory_name(const char *text)
{
	enum ls_directory_kind kind;
	char topic[LOGSTORE_TOPIC_NAME_MAX + 1];
	int32_t partition;
	int r = ls_directory_name_parse(text, &kind, topic, &partition);

	require(r == 0 || r == LOGSTORE_E_INVALID_NAME, "an untyped error");
	if (r < 0 || kind == LS_DIRECTORY_INTERNAL)
		return;
	require(ls_topic_valid(topic) && partition >= 0, "a topic or partition out of range");
	check_partition_name(topic, partition);
}

static void id(const char *text)
{
	struct logstore_uuid uuid, again;
	char written[LS_UUID_TEXT_SIZE];

	if (ls_uuid_parse(text, &uuid) < 0)
		return;
	ls_uuid_text(&uuid, written);
	require(strncmp(text, written, LS_UUID_TEXT_SIZE - 2) == 0, "an id changed its text");
	require(ls_uuid_parse(written, &again) == 0 && memcmp(&uuid, &again, sizeof uuid) == 0,
	        "an id changed");
}

static void topic(const char *text)
{
	uint32_t partition = 0;

	if (!ls_topic_valid(text))
		return;
	for (const char *p = text; *p; p++)
		partition = partition * 31 + (uint8_t)*p;
	check_partition_name(text, (int32_t)(partition & INT32_MAX));
}

static void setting(char *text)
{
	struct logstore_config *config;
	struct logstore_error err;
	struct ls_env env;
	char *value = strchr(text, '='), *before;
	int r;

	if (!value)
		return;
	*value++ = '\0';
	ls_env_resolve(NULL, &env);
	require(ls_config_new(&env, &config) == 0, "no memory");
	r = ls_config_set(config, text, value, &err);
	require(r == 0 || (r == LOGSTORE_E_INVALID_CONFIG && err.code == r && err.text[0]),
	        "an untyped error");
	if (r == 0) {
		before = strdup(ls_config_get(config, text));
		require(before != NULL, "no memory");
		require(ls_config_set(config, text, before, &err) == 0, "a canonical value is refused");
		require(strcmp(before, ls_config_get(config, text)) == 0, "a canonical value changed");
		free(before);
	}
	(void)ls_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	char *text;

	if (size < 1)
		return 0;
	text = malloc(size);
	require(text != NULL, "no memory");
	memcpy(text, input + 1, size - 1);
	text[size - 1] = '\0';
	switch (input[0] % 5) {
	case 0:
		file_name(text);
		break;
	case 1:
		directory_name(text);
		break;
	case 2:
		id(text);
		break;
	case 3:
		topic(text);
		break;
	default:
		setting(text);
		break;
	}
	free(text);
	return 0;
}
