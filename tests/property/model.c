#include "model.h"

#include <stdio.h>
#include <string.h>

struct logstore_record model_make_record(const struct model_record *record)
{
	static char key[32], value[1024];
	struct logstore_record made = {.timestamp = record->timestamp, .key_size = -1};

	if (record->has_key) {
		made.key_size = snprintf(key, sizeof key, "key-%u", record->stamp % 17);
		made.key = key;
	}
	for (uint16_t i = 0; i < record->value_size; i++)
		value[i] = (char)('a' + (record->stamp + i * (record->stamp % 7)) % 26);
	made.value = value;
	made.value_size = record->value_size;
	return made;
}

bool model_is_aborted(const struct model *model, size_t batch)
{
	const struct model_batch *data = &model->batches[batch];

	for (size_t i = batch + 1; i < model->count; i++) {
		const struct model_batch *marker = &model->batches[i];

		if (marker->control && marker->producer_id == data->producer_id)
			return !marker->commit;
	}
	return false;
}

int64_t model_first_open(const struct model *model)
{
	for (size_t i = 0; i < model->count; i++) {
		const struct model_batch *data = &model->batches[i];
		bool ended = false;

		if (!data->transactional || data->control)
			continue;
		for (size_t j = i + 1; j < model->count && !ended; j++)
			ended = model->batches[j].control && model->batches[j].producer_id == data->producer_id;
		if (!ended)
			return data->base;
	}
	return LOGSTORE_NO_OFFSET;
}

void model_truncate(struct model *model, int64_t offset)
{
	while (model->count > 0 && model->batches[model->count - 1].last >= offset)
		model->count--;
}
