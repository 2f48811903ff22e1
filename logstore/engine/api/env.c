/*
 * The environment and the simulated file system, as the public headers declare them.
 */
#include <logstore/io.h>
#include <string.h>

#include "api/api.h"
#include "io/io.h"
#include "io/sim.h"

void logstore_env_init(struct logstore_env *env)
{
	memset(env, 0, sizeof *env);
	env->struct_size = sizeof *env;
}

void ls_api_env_resolve(const struct logstore_env *env, struct ls_env *ret_env)
{
	ls_env_resolve(env, ret_env);
	if (!ret_env->io)
		ret_env->io = ls_io_threads();
}

const struct logstore_io *logstore_io_threads(void)
{
	return ls_io_threads();
}

int logstore_sim_new(uint64_t seed, logstore_sim **ret_sim)
{
	return ls_sim_new(seed, ret_sim);
}

logstore_sim *logstore_sim_free(logstore_sim *sim)
{
	return ls_sim_free(sim);
}

const struct logstore_io *logstore_sim_io(logstore_sim *sim)
{
	return ls_sim_io(sim);
}

void logstore_sim_fail_nth(logstore_sim *sim, uint64_t countdown, int error, uint32_t op_mask)
{
	ls_sim_fail_nth(sim, countdown, error, op_mask);
}

bool logstore_sim_fault_pending(const logstore_sim *sim)
{
	return ls_sim_fault_pending(sim);
}

void logstore_sim_short_transfers(logstore_sim *sim, uint32_t one_in)
{
	ls_sim_short_transfers(sim, one_in);
}

uint64_t logstore_sim_operations(const logstore_sim *sim, int op)
{
	return ls_sim_operations(sim, op);
}

uint64_t logstore_sim_open_descriptors(const logstore_sim *sim)
{
	return ls_sim_open_descriptors(sim);
}
