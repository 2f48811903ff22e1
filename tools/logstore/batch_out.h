/* One batch of a log file, or what stands in its place, as JSON or as a row of a table. */
#ifndef TOOL_BATCH_OUT_H
#define TOOL_BATCH_OUT_H

#include <logstore/inspect.h>

#include "human.h"
#include "out.h"

struct batch_out {
	struct out *out;
	const char *label; /* of the partition */
	const char *file;  /* name of the file */
	struct human_clock clock;
};

/* "BAD_CRC", "MALFORMED", ...; "OK" */
const char *scan_status_name(enum logstore_scan_status status);

/* Bytes of which this can be printed: everything with a header and a length that holds. */
static inline bool batch_out_has_header(const struct logstore_scan_item *item)
{
	return item->status == LOGSTORE_SCAN_OK || (item->status == LOGSTORE_SCAN_BAD_CRC && item->has_info);
}

void batch_out_heading(struct out *out);
/* @marker: "commit", "abort" and so on for a control batch, else NULL. */
void batch_out_text(struct batch_out *writer, const struct logstore_scan_item *item, const char *marker);
void batch_out_json(struct batch_out *writer, const struct logstore_scan_item *item);
/* An object with "error" for what is no batch, or none that can be read. */
void batch_out_json_error(struct batch_out *writer, const struct logstore_scan_item *item, const char *error,
                          const char *message);

#endif
