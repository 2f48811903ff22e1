/*
 * Control records: key and, for transaction markers, value. Higher versions are read by the prefix that
 * version 0 has; a negative version is damage, as it is to Kafka.
 *
 * Pure functions, callable on any thread. The only failure is LOGSTORE_E_CORRUPT_MESSAGE.
 */
#include "format/control.h"

#include "base/bytes.h"
#include "base/error.h"

static int corrupt(const struct logstore_record *record, struct logstore_error *ret_error, const char *text)
{
	int r = ls_corrupt(ret_error, LOGSTORE_E_CORRUPT_MESSAGE, NULL, -1, "%s", text);

	return ls_error_at(ret_error, r, NULL, -1, record->offset);
}

static int parse_marker(const struct logstore_record *record, int32_t *ret_epoch,
                        struct logstore_error *ret_error)
{
	const uint8_t *value = record->value;

	if (record->value_size < LS_MARKER_VALUE_SIZE)
		return corrupt(record, ret_error, "value of a transaction marker is shorter than 6 bytes");
	if (ls_load_be16s(value) < 0)
		return corrupt(record, ret_error, "value of a transaction marker has a negative version");
	*ret_epoch = ls_load_be32s(value + 2);
	return 0;
}

int ls_control_parse(const struct logstore_record *record, struct logstore_control *ret_control,
                     struct logstore_error *ret_error)
{
	struct logstore_control control = {.coordinator_epoch = LOGSTORE_NO_EPOCH};
	const uint8_t *key = record->key;

	if (record->key_size < LS_CONTROL_KEY_SIZE)
		return corrupt(record, ret_error, "key of a control record is shorter than 4 bytes");
	control.version = ls_load_be16s(key);
	control.type = ls_load_be16s(key + 2);
	if (control.version < 0)
		return corrupt(record, ret_error, "key of a control record has a negative version");
	if (control.type == LOGSTORE_CONTROL_ABORT || control.type == LOGSTORE_CONTROL_COMMIT) {
		int r = parse_marker(record, &control.coordinator_epoch, ret_error);

		if (r < 0)
			return r;
	}
	*ret_control = control;
	return 0;
}

void ls_marker_write(bool commit, int32_t coordinator_epoch, uint8_t ret_key[LS_CONTROL_KEY_SIZE],
                     uint8_t ret_value[LS_MARKER_VALUE_SIZE])
{
	ls_store_be16(ret_key, 0);
	ls_store_be16(ret_key + 2, commit ? LOGSTORE_CONTROL_COMMIT : LOGSTORE_CONTROL_ABORT);
	ls_store_be16(ret_value, 0);
	ls_store_be32s(ret_value + 2, coordinator_epoch);
}
