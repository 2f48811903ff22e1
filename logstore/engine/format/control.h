/*
 * Control records: the key (int16 version, int16 type) and the value of transaction markers (int16
 * version, int32 coordinator epoch). A higher version of either is read by its known prefix.
 */
#ifndef LS_FORMAT_CONTROL_H
#define LS_FORMAT_CONTROL_H

#include <logstore/batch.h>

#define LS_CONTROL_KEY_SIZE 4
#define LS_MARKER_VALUE_SIZE 6

int ls_control_parse(const struct logstore_record *record, struct logstore_control *ret_control,
                     struct logstore_error *ret_error);

/* Key and value of a marker, into the caller's arrays. */
void ls_marker_write(bool commit, int32_t coordinator_epoch, uint8_t ret_key[LS_CONTROL_KEY_SIZE],
                     uint8_t ret_value[LS_MARKER_VALUE_SIZE]);

#endif
