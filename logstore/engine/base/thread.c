#include "base/thread.h"

#include "base/assert.h"

int ls_mutex_init(struct ls_mutex *mutex)
{
	return -pthread_mutex_init(&mutex->native, NULL);
}

void ls_mutex_fini(struct ls_mutex *mutex)
{
	int r = pthread_mutex_destroy(&mutex->native);

	LS_ASSERT(r == 0);
}

void ls_mutex_lock(struct ls_mutex *mutex)
{
	int r = pthread_mutex_lock(&mutex->native);

	LS_ASSERT(r == 0);
}

void ls_mutex_unlock(struct ls_mutex *mutex)
{
	int r = pthread_mutex_unlock(&mutex->native);

	LS_ASSERT(r == 0);
}

int ls_cond_init(struct ls_cond *cond)
{
	return -pthread_cond_init(&cond->native, NULL);
}

void ls_cond_fini(struct ls_cond *cond)
{
	int r = pthread_cond_destroy(&cond->native);

	LS_ASSERT(r == 0);
}

void ls_cond_wait(struct ls_cond *cond, struct ls_mutex *mutex)
{
	int r = pthread_cond_wait(&cond->native, &mutex->native);

	LS_ASSERT(r == 0);
}

void ls_cond_broadcast(struct ls_cond *cond)
{
	int r = pthread_cond_broadcast(&cond->native);

	LS_ASSERT(r == 0);
}
