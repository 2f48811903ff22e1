/*
 * Looking inside: the second tier of the public API.
 */
#include <logstore/inspect.h>

#include <errno.h>

#include "api/api.h"
#include "base/error.h"
#include "format/names.h"
#include "partition/partition.h"
#include "partition/verify.h"
#include "segment/entries.h"
#include "segment/scan.h"

static int missing(struct logstore_error *ret_error)
{
	return ls_error(ret_error, -EINVAL, "an argument is missing");
}

int logstore_file_name_parse(const char *name, struct logstore_file_name *ret_name)
{
	return name && ret_name ? ls_file_name_parse(name, ret_name) : -EINVAL;
}

int logstore_partition_name_parse(const char *name, struct logstore_listing *ret_listing)
{
	struct logstore_listing listing = {0};
	enum ls_directory_kind kind;
	int r;

	if (!name || !ret_listing)
		return -EINVAL;
	r = ls_directory_name_parse(name, &kind, listing.topic, &listing.partition);
	if (r < 0 || kind != LS_DIRECTORY_PARTITION)
		return LOGSTORE_E_INVALID_NAME;
	*ret_listing = listing;
	return 0;
}

int logstore_scan_open(const struct logstore_env *env, const char *path, const struct logstore_scan_options *options,
                       logstore_scan **ret_scan, struct logstore_error *ret_error)
{
	struct logstore_scan_options known;
	struct ls_env resolved;
	int r;

	if (!path || !ret_scan)
		return missing(ret_error);
	logstore_scan_options_init(&known);
	r = ls_api_options(&known, sizeof known, options, "struct logstore_scan_options", ret_error);
	if (r < 0)
		return r;
	ls_api_env_resolve(env, &resolved);
	return ls_scan_open(&resolved, path, &known, ret_scan, ret_error);
}

logstore_scan *logstore_scan_close(logstore_scan *scan)
{
	return ls_scan_close(scan);
}

int logstore_scan_next(logstore_scan *scan, struct logstore_scan_item *ret_item, struct logstore_error *ret_error)
{
	return scan && ret_item ? ls_scan_next(scan, ret_item, ret_error) : missing(ret_error);
}

int logstore_scan_record(logstore_scan *scan, struct logstore_record *ret_record, struct logstore_error *ret_error)
{
	return scan && ret_record ? ls_scan_record(scan, ret_record, ret_error) : missing(ret_error);
}

int logstore_file_entries(const struct logstore_env *env, const char *path, logstore_file_entry_fn fn, void *arg,
                          struct logstore_error *ret_error)
{
	struct ls_env resolved;

	if (!path || !fn)
		return missing(ret_error);
	ls_api_env_resolve(env, &resolved);
	return ls_file_entries(&resolved, path, fn, arg, ret_error);
}

int logstore_inspect_segments(logstore_partition *part, logstore_segment_fn fn, void *arg,
                              struct logstore_error *ret_error)
{
	return part && fn ? ls_partition_inspect_segments(part, fn, arg, ret_error) : missing(ret_error);
}

int logstore_inspect_index(logstore_partition *part, int64_t segment_base, enum logstore_file_kind kind,
                           logstore_file_entry_fn fn, void *arg, struct logstore_error *ret_error)
{
	if (!part || !fn)
		return missing(ret_error);
	if (kind != LOGSTORE_FILE_OFFSET_INDEX && kind != LOGSTORE_FILE_TIME_INDEX && kind != LOGSTORE_FILE_TXN_INDEX)
		return ls_error(ret_error, -EINVAL, "kind %d is no index", (int)kind);
	return ls_partition_inspect_index(part, segment_base, kind, fn, arg, ret_error);
}

int logstore_inspect_producers(logstore_partition *part, logstore_producer_fn fn, void *arg,
                               struct logstore_error *ret_error)
{
	return part && fn ? ls_partition_inspect_producers(part, fn, arg, ret_error) : missing(ret_error);
}

int logstore_inspect_epochs(logstore_partition *part, logstore_epoch_fn fn, void *arg,
                            struct logstore_error *ret_error)
{
	return part && fn ? ls_partition_inspect_epochs(part, fn, arg, ret_error) : missing(ret_error);
}

int logstore_verify_partition(const struct logstore_env *env, const char *path,
                              const struct logstore_verify_options *options, logstore_finding_fn fn, void *arg,
                              struct logstore_verify_result *ret_result, struct logstore_error *ret_error)
{
	struct logstore_verify_options known;
	struct ls_env resolved;
	int r;

	if (!path || !fn || !ret_result)
		return missing(ret_error);
	logstore_verify_options_init(&known);
	r = ls_api_options(&known, sizeof known, options, "struct logstore_verify_options", ret_error);
	if (r < 0)
		return r;
	ls_api_env_resolve(env, &resolved);
	return ls_verify_partition(&resolved, path, &known, fn, arg, ret_result, ret_error);
}

int logstore_verify_directory(const struct logstore_env *env, const char *path, logstore_finding_fn fn, void *arg,
                              struct logstore_error *ret_error)
{
	struct ls_env resolved;

	if (!path || !fn)
		return missing(ret_error);
	ls_api_env_resolve(env, &resolved);
	return ls_verify_directory(&resolved, path, fn, arg, ret_error);
}
