/*
 * Topic and directory ids as text and back, and new ones.
 *
 * Text is base64 with '-' and '_' for 62 and 63: 16 bytes are 22 characters, of which the last carries two
 * bits only. As with Kafka's reader the four bits below those are not looked at.
 *
 * Threads: pure functions but ls_uuid_random(), which asks the environment.
 */
#include "format/uuid.h"

#include <errno.h>
#include <string.h>

#define TEXT_LENGTH (LS_UUID_TEXT_SIZE - 1)
/* Seven ids in ten will do; a good random source needs more than this many once in 10^34 times. */
#define RANDOM_TRIES 64

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void ls_uuid_text(const struct logstore_uuid *uuid, char ret_text[LS_UUID_TEXT_SIZE])
{
	uint32_t bits = 0;
	unsigned bit_count = 0;
	size_t length = 0;

	for (size_t i = 0; i < sizeof uuid->bytes; i++) {
		bits = bits << 8 | uuid->bytes[i];
		bit_count += 8;
		while (bit_count >= 6) {
			bit_count -= 6;
			ret_text[length++] = alphabet[bits >> bit_count & 0x3f];
		}
	}
	ret_text[length++] = alphabet[bits << (6 - bit_count) & 0x3f];
	ret_text[length] = '\0';
}

int ls_uuid_parse(const char *text, struct logstore_uuid *ret_uuid)
{
	struct logstore_uuid uuid;
	size_t length = strnlen(text, TEXT_LENGTH + 3), size = 0;
	uint32_t bits = 0;
	unsigned bit_count = 0;

	if (length == TEXT_LENGTH + 2 && memcmp(text + TEXT_LENGTH, "==", 2) == 0)
		length = TEXT_LENGTH;
	if (length != TEXT_LENGTH)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		const char *digit = strchr(alphabet, text[i]);

		if (!digit)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		bit_count += 6;
		if (bit_count >= 8) {
			bit_count -= 8;
			uuid.bytes[size++] = (uint8_t)(bits >> bit_count);
		}
	}
	*ret_uuid = uuid;
	return 0;
}

bool ls_uuid_is_zero(const struct logstore_uuid *uuid)
{
	static const struct logstore_uuid zero;

	return memcmp(uuid, &zero, sizeof zero) == 0;
}

int ls_uuid_random(const struct ls_env *env, struct logstore_uuid *ret_uuid)
{
	for (int i = 0; i < RANDOM_TRIES; i++) {
		struct logstore_uuid uuid;
		char text[LS_UUID_TEXT_SIZE];
		int r = env->random.bytes(env->random.ctx, uuid.bytes, sizeof uuid.bytes);

		if (r < 0)
			return r;
		uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40); /* version 4 */
		uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80); /* the variant of RFC 4122 */
		ls_uuid_text(&uuid, text);
		if (!strchr(text, '-')) {
			*ret_uuid = uuid;
			return 0;
		}
	}
	return -EIO; /* the host's random source repeats itself */
}
