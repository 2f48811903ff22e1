/*
 * Shared by the files of this folder: reading option structs of any size, and the environment.
 *
 * An option struct begins with its size. A smaller one comes from an older program: what it lacks has its
 * default. A larger one comes from a newer program: what this library does not know must be zero.
 */
#ifndef LS_API_API_H
#define LS_API_API_H

#include <logstore/logstore.h>

#include "base/env.h"

/* Fills gaps: allocator, clocks, randomness, and plain system calls for files. */
void ls_api_env_resolve(const struct logstore_env *env, struct ls_env *ret_env);

/*
 * Overlays `given` (NULL: nothing) on `known`, a struct of `known_size` bytes that holds the defaults.
 * Returns 0 or -EINVAL for a size that makes no sense or unknown members that are set.
 */
int ls_api_options(void *known, size_t known_size, const void *given, const char *what,
                struct logstore_error *ret_error);

#endif
