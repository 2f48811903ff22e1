/*
 * A data directory: its lock, its marker, its checkpoints, and the partitions that are open in it.
 *
 * store.c        open, close, partitions        checkpoints.c   the four text files, as one table
 */
#ifndef LS_STORE_STORE_H
#define LS_STORE_STORE_H

#include <logstore/logstore.h>

#include "base/env.h"

int ls_store_open(const char *path, const struct logstore_options *options, const struct ls_env *env,
                  logstore **ret_store, struct logstore_error *ret_error);
int ls_store_close(logstore *store, struct logstore_error *ret_error);
int ls_store_list(logstore *store, struct logstore_listing **ret_listings, size_t *ret_count,
                  struct logstore_error *ret_error);
void ls_store_free_listings(logstore *store, struct logstore_listing *listings);
int ls_store_checkpoint(logstore *store, struct logstore_error *ret_error);

int ls_store_create_partition(logstore *store, const char *topic, int32_t number,
                              const struct logstore_create_options *options, logstore_partition **ret_part,
                              struct logstore_error *ret_error);
int ls_store_open_partition(logstore *store, const char *topic, int32_t number, logstore_partition **ret_part,
                            struct logstore_error *ret_error);
/* Gives an opening back; `part` must have come from one of the two above. */
void ls_store_release_partition(logstore_partition *part);
/* Beside an owner: reads the checkpoints and the partition's directory again. Writing: does nothing. */
int ls_store_refresh_partition(logstore_partition *part, struct logstore_error *ret_error);
int ls_store_delete_partition(logstore *store, const char *topic, int32_t number, struct logstore_error *ret_error);

#endif
