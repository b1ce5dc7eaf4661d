/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wait queues. As in the kernel the condition is looked at with no lock, by a
 * thread that is in the queue already. A wake-up that gets lost is for the
 * tests to see: nothing here ends a sleep but a wake-up.
 */
#ifndef UNIT_LINUX_WAIT_H
#define UNIT_LINUX_WAIT_H

#include <pthread.h>
#include <linux/kernel.h>
#include <linux/spinlock.h>

typedef struct wait_queue_head {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	unsigned long wakeups;
	int sleepers;
} wait_queue_head_t;

void init_waitqueue_head(wait_queue_head_t *queue);
void wake_up_all(wait_queue_head_t *queue);
unsigned long unit_prepare_to_wait(wait_queue_head_t *queue);
unsigned long unit_schedule(wait_queue_head_t *queue, unsigned long seen);
void unit_finish_wait(wait_queue_head_t *queue);

/* No sleeper is exclusive, so all of them wake up. */
#define wake_up(queue)	wake_up_all(queue)

static inline bool waitqueue_active(wait_queue_head_t *queue)
{
	return __atomic_load_n(&queue->sleepers, __ATOMIC_SEQ_CST);
}

#define wait_event(queue, condition) do {				\
	unsigned long seen = unit_prepare_to_wait(&(queue));		\
	while (!(condition))						\
		seen = unit_schedule(&(queue), seen);			\
	unit_finish_wait(&(queue));					\
} while (0)

#endif
