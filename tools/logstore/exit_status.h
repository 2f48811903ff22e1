/* Exit statuses of the tool: the table that every man page shows. */
#ifndef TOOL_EXIT_STATUS_H
#define TOOL_EXIT_STATUS_H

enum exit_status {
	EXIT_STATUS_OK = 0,
	EXIT_STATUS_FAILED = 1,      /* the verb failed: refused, damaged, not there */
	EXIT_STATUS_DAMAGE = 4,      /* verify found something wrong */
	EXIT_STATUS_OPERATIONAL = 8, /* cannot read or write, locked, no space */
	EXIT_STATUS_USAGE = 16,      /* the command line makes no sense */
	EXIT_STATUS_HANGUP = 129, /* SIGHUP */
	EXIT_STATUS_INTERRUPT = 130, /* SIGINT */
	EXIT_STATUS_TERMINATE = 143, /* SIGTERM */
};

#endif
