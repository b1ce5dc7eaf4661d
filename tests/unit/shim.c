// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the headers in include/ promise and do not do themselves: sleeping,
 * workqueues, RCU and memory, over threads.
 */
#include <time.h>
#include <linux/completion.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "unit.h"

/*
 * ---- Wait queues ----
 */

void init_waitqueue_head(wait_queue_head_t *queue)
{
	pthread_mutex_init(&queue->mutex, NULL);
	pthread_cond_init(&queue->cond, NULL);
	queue->wakeups = 0;
	queue->sleepers = 0;
}

void wake_up_all(wait_queue_head_t *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->wakeups++;
	pthread_cond_broadcast(&queue->cond);
	pthread_mutex_unlock(&queue->mutex);
}

/* Return: what unit_schedule() compares, which must be older than the look. */
unsigned long unit_prepare_to_wait(wait_queue_head_t *queue)
{
	unsigned long seen;

	pthread_mutex_lock(&queue->mutex);
	__atomic_fetch_add(&queue->sleepers, 1, __ATOMIC_SEQ_CST);
	seen = queue->wakeups;
	pthread_mutex_unlock(&queue->mutex);
	return seen;
}

unsigned long unit_schedule(wait_queue_head_t *queue, unsigned long seen)
{
	pthread_mutex_lock(&queue->mutex);
	while (queue->wakeups == seen)
		pthread_cond_wait(&queue->cond, &queue->mutex);
	seen = queue->wakeups;
	pthread_mutex_unlock(&queue->mutex);
	return seen;
}

void unit_finish_wait(wait_queue_head_t *queue)
{
	pthread_mutex_lock(&queue->mutex);
	__atomic_fetch_sub(&queue->sleepers, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&queue->mutex);
}

/*
 * ---- Completions ----
 */

void init_completion(struct completion *c)
{
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->cond, NULL);
	c->done = 0;
}

void complete(struct completion *c)
{
	pthread_mutex_lock(&c->mutex);
	c->done++;
	pthread_cond_signal(&c->cond);
	pthread_mutex_unlock(&c->mutex);
}

void wait_for_completion(struct completion *c)
{
	pthread_mutex_lock(&c->mutex);
	while (!c->done)
		pthread_cond_wait(&c->cond, &c->mutex);
	c->done--;
	pthread_mutex_unlock(&c->mutex);
}

/* Return: 0 when it was not completed in time. */
unsigned long wait_for_completion_timeout(struct completion *c, unsigned long jiffies)
{
	struct timespec end;
	unsigned long done;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += jiffies * UNIT_JIFFY_NS;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	pthread_mutex_lock(&c->mutex);
	while (!c->done && !error)
		error = pthread_cond_timedwait(&c->cond, &c->mutex, &end);
	done = !!c->done;
	c->done -= done;
	pthread_mutex_unlock(&c->mutex);
	return done;
}

/*
 * ---- Workqueues ----
 */

#define MAX_THREADS	4

/**
 * struct workqueue_struct - a workqueue
 * @lock: protects all of it, and its works' pending
 * @changed: a work was queued, or has ended
 * @works: queued
 * @thread: run them
 * @running: by thread: the work, or NULL; it may be gone
 * @threads: how many
 * @end: they are to end once nothing is queued
 */
struct workqueue_struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct list_head works;
	pthread_t thread[MAX_THREADS];
	struct work_struct *running[MAX_THREADS];
	int threads;
	bool end;
};

static bool is_running(struct workqueue_struct *wq, const struct work_struct *work)
{
	int i;

	for (i = 0; i < wq->threads; i++)
		if (wq->running[i] == work)
			return true;
	return false;
}

static struct work_struct *next_work(struct workqueue_struct *wq)
{
	struct work_struct *work;

	list_for_each_entry(work, &wq->works, entry)
		if (!is_running(wq, work))
			return work;
	return NULL;
}

struct worker {
	struct workqueue_struct *wq;
	int nr;
};

static void *run_works(void *data)
{
	struct worker *me = data;
	struct workqueue_struct *wq = me->wq;
	struct work_struct *work;
	int nr = me->nr;

	free(me);
	pthread_mutex_lock(&wq->lock);
	while (!wq->end || !list_empty(&wq->works)) {
		work = next_work(wq);
		if (!work) {
			pthread_cond_wait(&wq->changed, &wq->lock);
			continue;
		}
		list_del(&work->entry);
		work->pending = false;
		wq->running[nr] = work;
		pthread_mutex_unlock(&wq->lock);
		/* the work may be gone when it returns */
		work->func(work);
		pthread_mutex_lock(&wq->lock);
		wq->running[nr] = NULL;
		pthread_cond_broadcast(&wq->changed);
	}
	pthread_mutex_unlock(&wq->lock);
	return NULL;
}

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int threads)
{
	struct workqueue_struct *wq = unit_zeroes(1, sizeof(*wq));
	struct worker *worker;
	int i;

	(void)name;
	(void)flags;
	pthread_mutex_init(&wq->lock, NULL);
	pthread_cond_init(&wq->changed, NULL);
	INIT_LIST_HEAD(&wq->works);
	wq->threads = min(threads, MAX_THREADS);
	for (i = 0; i < wq->threads; i++) {
		worker = unit_zeroes(1, sizeof(*worker));
		*worker = (struct worker) { .wq = wq, .nr = i };
		if (pthread_create(&wq->thread[i], NULL, run_works, worker))
			abort();
	}
	return wq;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	int i;

	pthread_mutex_lock(&wq->lock);
	wq->end = true;
	pthread_cond_broadcast(&wq->changed);
	pthread_mutex_unlock(&wq->lock);
	for (i = 0; i < wq->threads; i++)
		pthread_join(wq->thread[i], NULL);
	pthread_cond_destroy(&wq->changed);
	pthread_mutex_destroy(&wq->lock);
	free(wq);
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	bool fresh;

	pthread_mutex_lock(&wq->lock);
	fresh = !work->pending;
	if (fresh) {
		work->pending = true;
		WRITE_ONCE(work->wq, wq);
		list_add_tail(&work->entry, &wq->works);
		pthread_cond_broadcast(&wq->changed);
	}
	pthread_mutex_unlock(&wq->lock);
	return fresh;
}

bool flush_work(struct work_struct *work)
{
	struct workqueue_struct *wq = READ_ONCE(work->wq);
	bool waited = false;

	if (!wq)
		return false;
	pthread_mutex_lock(&wq->lock);
	while (work->pending || is_running(wq, work)) {
		waited = true;
		pthread_cond_wait(&wq->changed, &wq->lock);
	}
	pthread_mutex_unlock(&wq->lock);
	return waited;
}

static bool is_idle(struct workqueue_struct *wq)
{
	int i;

	for (i = 0; i < wq->threads; i++)
		if (wq->running[i])
			return false;
	return list_empty(&wq->works);
}

void flush_workqueue(struct workqueue_struct *wq)
{
	pthread_mutex_lock(&wq->lock);
	while (!is_idle(wq))
		pthread_cond_wait(&wq->changed, &wq->lock);
	pthread_mutex_unlock(&wq->lock);
}

/*
 * ---- RCU ----
 */

/**
 * struct reader - a thread that has read
 * @next: in the list of all; none is ever taken out
 * @since: 0, or the phase in which it began to read
 * @depth: sections that it is in
 */
struct reader {
	struct reader *next;
	unsigned long since;
	unsigned int depth;
};

static struct reader *readers;
static unsigned long phase = 1;
static __thread struct reader *reader;
static pthread_mutex_t rcu_list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rcu_head *rcu_list;

static struct reader *new_reader(void)
{
	struct reader *r = unit_zeroes(1, sizeof(*r));

	r->next = READ_ONCE(readers);
	while (!__atomic_compare_exchange_n(&readers, &r->next, r, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED))
		;
	return r;
}

void rcu_read_lock(void)
{
	if (!reader)
		reader = new_reader();
	if (!reader->depth++)
		__atomic_store_n(&reader->since, __atomic_load_n(&phase, __ATOMIC_SEQ_CST),
				 __ATOMIC_SEQ_CST);
}

void rcu_read_unlock(void)
{
	if (!--reader->depth)
		smp_store_release(&reader->since, 0);
}

/* Waits for the readers that there are, not for those that come. */
void synchronize_rcu(void)
{
	unsigned long now = __atomic_add_fetch(&phase, 1, __ATOMIC_SEQ_CST), since;
	struct reader *r;

	for (r = __atomic_load_n(&readers, __ATOMIC_SEQ_CST); r; r = r->next)
		while ((since = __atomic_load_n(&r->since, __ATOMIC_SEQ_CST)) && since < now)
			sched_yield();
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	pthread_mutex_lock(&rcu_list_lock);
	head->next = rcu_list;
	rcu_list = head;
	pthread_mutex_unlock(&rcu_list_lock);
}

/* Runs the callbacks that there are, once no reader is left that came before. */
void rcu_barrier(void)
{
	struct rcu_head *head, *next;

	pthread_mutex_lock(&rcu_list_lock);
	head = rcu_list;
	rcu_list = NULL;
	pthread_mutex_unlock(&rcu_list_lock);
	synchronize_rcu();
	for (; head; head = next) {
		next = head->next;
		head->func(head);
	}
}

/*
 * ---- Memory ----
 */

__thread unsigned int unit_memory_short;

void *unit_alloc(size_t size, size_t align, gfp_t gfp)
{
	void *p;

	if (unit_memory_short && !(gfp & __GFP_NOFAIL) && !unit_random(unit_memory_short))
		return NULL;
	if (posix_memalign(&p, align, size))
		abort();
	/* what was not asked for as zeroes is not */
	memset(p, gfp & __GFP_ZERO ? 0 : 0xa5, size);
	return p;
}

struct kmem_cache {
	unsigned int size;
	unsigned int align;
};

/* The process ends with its caches. */
struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align,
				     unsigned int flags, void (*ctor)(void *object))
{
	static struct kmem_cache caches[4];
	static unsigned int used;

	(void)name;
	(void)flags;
	if (ctor || used == ARRAY_SIZE(caches))
		abort();
	caches[used] = (struct kmem_cache) { .size = size, .align = align };
	return &caches[used++];
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	return unit_alloc(cache->size, cache->align, gfp);
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	(void)cache;
	free(object);
}

int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t n, void **objects)
{
	size_t i;

	for (i = 0; i < n; i++) {
		objects[i] = kmem_cache_alloc(cache, gfp);
		if (!objects[i]) {
			kmem_cache_free_bulk(cache, i, objects);
			return 0;
		}
	}
	return n;
}

void kmem_cache_free_bulk(struct kmem_cache *cache, size_t n, void **objects)
{
	while (n--)
		kmem_cache_free(cache, objects[n]);
}
