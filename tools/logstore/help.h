/* Help text, man pages and completion scripts, all made from the tables of verbs and options. */
#ifndef TOOL_HELP_H
#define TOOL_HELP_H

#include "out.h"
#include "verbs.h"

/* One row of the table of exit statuses. */
struct help_status {
	int status;
	uint32_t verbs; /* those that can return it: bits 1 << enum verb_id */
	const char *meaning;
};
extern const struct help_status help_statuses[];
extern const size_t help_status_count;

/* Whether a verb, or any if @verb is NULL, can return it. */
bool help_status_applies(const struct help_status *status, const struct verb_def *verb);

/* Help of one verb, or of the whole tool. */
void help_verb(struct out *out, const struct verb_def *verb);
void help_overview(struct out *out);

/* Man page logstore-VERB(1), or logstore(1) if @verb is NULL, in roff. */
void man_page(struct out *out, const struct verb_def *verb);

/* "-o, --from PLACE" */
void help_option_names(const struct option_def *option, char *to, size_t size);

#endif
