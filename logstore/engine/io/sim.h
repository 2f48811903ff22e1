/*
 * The simulated file system: files in memory behind the same table, with faults to order. <logstore/io.h>
 * documents the functions under their public names, logstore_sim_*; these are what those names call.
 *
 * What it answers follows Linux, error by error. Its own choices, all of them repeatable:
 * - descriptors begin at 0, and the lowest free number is given out, at most LS_SIM_DESCRIPTORS_MAX
 * - a file can grow to LS_SIM_FILE_SIZE_MAX bytes; a write that begins there is -EFBIG
 * - lists are sorted by byte value
 * - a modification sets mtime_ms to the count of modifications so far: 1, 2, 3, ...
 * - everything belongs to the effective user of the process; modes are 0644 and 0755 and forbid nothing
 * - memory that runs out is -ENOMEM
 * - a close that was ordered to fail answers the error but gives up the descriptor, because that is what
 *   Linux does and callers must not close again
 */
#ifndef LS_IO_SIM_H
#define LS_IO_SIM_H

#include <logstore/io.h>

#define LS_SIM_DESCRIPTORS_MAX 65536
#define LS_SIM_FILE_SIZE_MAX (UINT64_C(1) << 36)

int ls_sim_new(uint64_t seed, struct logstore_sim **ret_sim);
struct logstore_sim *ls_sim_free(struct logstore_sim *sim);
const struct logstore_io *ls_sim_io(struct logstore_sim *sim);

void ls_sim_fail_nth(struct logstore_sim *sim, uint64_t countdown, int error, uint32_t op_mask);
bool ls_sim_fault_pending(const struct logstore_sim *sim);
void ls_sim_short_transfers(struct logstore_sim *sim, uint32_t one_in);
uint64_t ls_sim_operations(const struct logstore_sim *sim, int op);
uint64_t ls_sim_open_descriptors(const struct logstore_sim *sim);

#endif
