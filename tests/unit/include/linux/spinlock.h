/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks. A spinlock is a reader of RCU too, as it is in the kernel: neither
 * ends while it is held.
 */
#ifndef UNIT_LINUX_SPINLOCK_H
#define UNIT_LINUX_SPINLOCK_H

#include <pthread.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>

typedef struct {
	pthread_mutex_t mutex;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(name)	{ PTHREAD_MUTEX_INITIALIZER }
#define DEFINE_SPINLOCK(name)		spinlock_t name = __SPIN_LOCK_UNLOCKED(name)

static inline void spin_lock_init(spinlock_t *lock)
{
	pthread_mutex_init(&lock->mutex, NULL);
}

static inline void spin_lock(spinlock_t *lock)
{
	pthread_mutex_lock(&lock->mutex);
	rcu_read_lock();
}

static inline void spin_unlock(spinlock_t *lock)
{
	rcu_read_unlock();
	pthread_mutex_unlock(&lock->mutex);
}

#define SINGLE_DEPTH_NESTING	1
#define spin_lock_nested(lock, subclass)	spin_lock(lock)
#define spin_lock_irq(lock)	spin_lock(lock)
#define spin_unlock_irq(lock)	spin_unlock(lock)
#define spin_lock_irqsave(lock, flags) \
	do { (flags) = 0; spin_lock(lock); } while (0)
#define spin_unlock_irqrestore(lock, flags) \
	do { (void)(flags); spin_unlock(lock); } while (0)

#endif
