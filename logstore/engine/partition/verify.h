/*
 * Checking a directory against itself, read-only, in any state: what <logstore/inspect.h> declares as
 * logstore_verify_partition() and logstore_verify_directory(). docs/findings.md lists the kinds.
 */
#ifndef LS_PARTITION_VERIFY_H
#define LS_PARTITION_VERIFY_H

#include <logstore/inspect.h>

#include "base/env.h"

int ls_verify_partition(const struct ls_env *env, const char *path, const struct logstore_verify_options *options,
                        logstore_finding_fn fn, void *arg, struct logstore_verify_result *ret_result,
                        struct logstore_error *ret_error);
int ls_verify_directory(const struct ls_env *env, const char *path, logstore_finding_fn fn, void *arg,
                        struct logstore_error *ret_error);

#endif
