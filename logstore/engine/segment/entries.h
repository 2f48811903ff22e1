/*
 * The entries of any small file of a data directory, by its name: what <logstore/inspect.h> declares as
 * logstore_file_entries().
 */
#ifndef LS_SEGMENT_ENTRIES_H
#define LS_SEGMENT_ENTRIES_H

#include <logstore/inspect.h>

#include "base/env.h"

int ls_file_entries(const struct ls_env *env, const char *path, logstore_file_entry_fn fn, void *arg,
                    struct logstore_error *ret_error);

/* One entry of an index file of the given kind, whose segment begins at `base`; its position is left alone. */
int ls_file_entry_decode(enum logstore_file_kind kind, int64_t base, const uint8_t *bytes,
                         struct logstore_file_entry *ret_entry, struct logstore_error *ret_error);

#endif
