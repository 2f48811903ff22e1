/*
 * Locks behind a thin shim, so that a seeded scheduler can take their place. Failures of the underlying
 * calls are programmer errors (assertions).
 */
#ifndef LS_BASE_THREAD_H
#define LS_BASE_THREAD_H

#include <pthread.h>

struct ls_mutex {
	pthread_mutex_t native;
};

struct ls_cond {
	pthread_cond_t native;
};

/* Returns 0 or -ENOMEM / -EAGAIN. */
int ls_mutex_init(struct ls_mutex *mutex);
void ls_mutex_fini(struct ls_mutex *mutex);
void ls_mutex_lock(struct ls_mutex *mutex);
void ls_mutex_unlock(struct ls_mutex *mutex);

int ls_cond_init(struct ls_cond *cond);
void ls_cond_fini(struct ls_cond *cond);
void ls_cond_wait(struct ls_cond *cond, struct ls_mutex *mutex);
void ls_cond_broadcast(struct ls_cond *cond);

#endif
