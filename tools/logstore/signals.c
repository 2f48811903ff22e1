/*
 * Signal handling of the tool. The handler only notes the number: everything else happens in the loops
 * that ask. System calls are not restarted, so that a blocked read of standard input ends too.
 */
#include "signals.h"

#include <signal.h>
#include <stddef.h>

/* The only mutable global of the tool: a signal handler has nowhere else to write to. */
static volatile sig_atomic_t caught;

static void note(int number)
{
	caught = number;
}

void signals_install(void)
{
	struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	(void)sigaction(SIGINT, &action, NULL); /* fails for invalid numbers only */
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGXFSZ, &ignore, NULL);
}

bool signals_stop(void)
{
	return caught != 0;
}

int signals_exit_status(void)
{
	return caught ? 128 + (int)caught : 0;
}
