/* base/thread.h: mutual exclusion, and that a broadcast wakes every waiter. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "base/thread.h"
#include "testlib.h"

TestSuite(thread, .fini = ts_check_leaks);

enum { THREADS = 8, ROUNDS = 20000 };

struct shared {
	struct ls_mutex mutex;
	struct ls_cond cond;
	long count;
	int waiting;
	int woken;
	bool go;
};

static void set_up(struct shared *shared)
{
	*shared = (struct shared){.count = 0};
	cr_assert_eq(ls_mutex_init(&shared->mutex), 0);
	cr_assert_eq(ls_cond_init(&shared->cond), 0);
}

static void tear_down(struct shared *shared)
{
	ls_cond_fini(&shared->cond);
	ls_mutex_fini(&shared->mutex);
}

static void *count_up(void *arg)
{
	struct shared *shared = arg;

	for (int i = 0; i < ROUNDS; i++) {
		ls_mutex_lock(&shared->mutex);
		shared->count++;
		ls_mutex_unlock(&shared->mutex);
	}
	return NULL;
}

static void *wait_for_go(void *arg)
{
	struct shared *shared = arg;

	ls_mutex_lock(&shared->mutex);
	shared->waiting++;
	ls_cond_broadcast(&shared->cond);
	while (!shared->go)
		ls_cond_wait(&shared->cond, &shared->mutex);
	shared->woken++;
	ls_mutex_unlock(&shared->mutex);
	return NULL;
}

static void start(pthread_t threads[THREADS], void *(*run)(void *), struct shared *shared)
{
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, run, shared), 0);
}

static void join(pthread_t threads[THREADS])
{
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_join(threads[i], NULL), 0);
}

Test(thread, mutex_excludes)
{
	struct shared shared;
	pthread_t threads[THREADS];

	set_up(&shared);
	start(threads, count_up, &shared);
	join(threads);
	cr_assert_eq(shared.count, (long)THREADS * ROUNDS);
	tear_down(&shared);
}

Test(thread, broadcast_wakes_all)
{
	struct shared shared;
	pthread_t threads[THREADS];

	set_up(&shared);
	start(threads, wait_for_go, &shared);
	ls_mutex_lock(&shared.mutex);
	while (shared.waiting < THREADS)
		ls_cond_wait(&shared.cond, &shared.mutex);
	cr_assert_eq(shared.woken, 0);
	shared.go = true;
	ls_cond_broadcast(&shared.cond);
	ls_mutex_unlock(&shared.mutex);
	join(threads);
	cr_assert_eq(shared.woken, THREADS);
	tear_down(&shared);
}
