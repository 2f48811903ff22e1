/*
 * What one run of the tool carries around: output, the parsed command line and how to talk to the user.
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include <logstore/env.h>

#include "args.h"
#include "exit_status.h"
#include "out.h"

struct tool {
	struct out out; /* standard output */
	struct args args;
	bool color_out;
	bool quiet;
	bool now_given;
	int64_t now_ms;          /* with now_given */
	struct logstore_env env; /* clock and logger of this run */
};

/* Milliseconds since the epoch: --now or the clock. */
int64_t tool_now(const struct tool *tool);

/* For durations. */
int64_t tool_monotonic_ms(void);

#endif
