/*
 * Ctrl-C and friends. The first SIGINT or SIGTERM asks long loops to stop in good order (a second one ends
 * the process at once); SIGPIPE is ignored, a closed pipe shows up as a failed write.
 */
#ifndef TOOL_SIGNALS_H
#define TOOL_SIGNALS_H

#include <stdbool.h>

void signals_install(void);

/* Whether a signal asked to stop. */
bool signals_stop(void);

/* 130 or 143 once signals_stop(), 0 before. */
int signals_exit_status(void);

#endif
