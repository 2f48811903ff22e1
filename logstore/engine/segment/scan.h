/*
 * A .log file (or a KRaft snapshot) read from front to back, whoever wrote it and in whatever state:
 * what <logstore/inspect.h> declares as logstore_scan. One thread at a time.
 */
#ifndef LS_SEGMENT_SCAN_H
#define LS_SEGMENT_SCAN_H

#include <logstore/inspect.h>

#include "base/env.h"

/* Copies `env`. */
int ls_scan_open(const struct ls_env *env, const char *path, const struct logstore_scan_options *options,
                 logstore_scan **ret_scan, struct logstore_error *ret_error);
logstore_scan *ls_scan_close(logstore_scan *scan);
int ls_scan_next(logstore_scan *scan, struct logstore_scan_item *ret_item, struct logstore_error *ret_error);
int ls_scan_record(logstore_scan *scan, struct logstore_record *ret_record, struct logstore_error *ret_error);

#endif
