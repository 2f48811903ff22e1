/* Topic and directory ids: 16 bytes; as text base64url without padding, 22 characters. */
#ifndef LS_FORMAT_UUID_H
#define LS_FORMAT_UUID_H

#include <logstore/types.h>

#include "base/env.h"

#define LS_UUID_TEXT_SIZE 23 /* with the terminating null */

void ls_uuid_text(const struct logstore_uuid *uuid, char ret_text[LS_UUID_TEXT_SIZE]);
/* At most 24 characters, padding tolerated. Returns 0 or -EINVAL. */
int ls_uuid_parse(const char *text, struct logstore_uuid *ret_uuid);
bool ls_uuid_is_zero(const struct logstore_uuid *uuid);
/* A version 4 id whose text contains no "-" (Kafka avoids a leading one). Returns 0 or -errno. */
int ls_uuid_random(const struct ls_env *env, struct logstore_uuid *ret_uuid);

#endif
