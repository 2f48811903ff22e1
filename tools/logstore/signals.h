/*
 * Ctrl-C and friends. The first SIGINT, SIGTERM or SIGHUP asks long loops to stop in good order (a second
 * one ends the process at once); SIGPIPE and SIGXFSZ are ignored, a closed pipe and a file that may not grow
 * show up as failed writes.
 */
#ifndef TOOL_SIGNALS_H
#define TOOL_SIGNALS_H

#include <stdbool.h>

void signals_install(void);

/* Whether a signal asked to stop. */
bool signals_stop(void);

/* 129, 130 or 143 once signals_stop(), 0 before. */
int signals_exit_status(void);

#endif
