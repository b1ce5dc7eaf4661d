/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Range locks: writes that overlap wait for each other.
 *
 * Every range lies within one region, so a region's bucket knows all that a
 * new range can conflict with, and taking a free range is one short list walk
 * under one spinlock. A range that must wait costs its owner no thread: it is
 * granted later, from a worker. Order is first come, first served.
 */
#ifndef REPL_RANGE_H
#define REPL_RANGE_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "cut.h"

#define RANGE_BUCKETS 64

/**
 * struct io_range - sectors that somebody works on
 * @list: in its bucket; the range lock's
 * @ready: among those granted late; the range lock's
 * @first: sector
 * @last: sector, inclusive
 * @cut: time of its acquisition on the clock of cuts; the range lock's
 * @granted: called once in process context when the range had to wait
 */
struct io_range {
	struct list_head list;
	struct llist_node ready;
	sector_t first;
	sector_t last;
	u64 cut;
	void (*granted)(struct io_range *range);
};

/**
 * struct range_sleeper - a range whose owner sleeps until it has it
 * @range: the range
 * @done: completed when it is granted late
 */
struct range_sleeper {
	struct io_range range;
	struct completion done;
};

/**
 * struct range_bucket - the ranges of some regions
 * @lock: taken in any context
 * @held: under @lock
 * @waiting: in order of arrival, under @lock
 */
struct range_bucket {
	spinlock_t lock;
	struct list_head held;
	struct list_head waiting;
};

/**
 * struct range_lock - the range locks of one device
 * @shift: a region's size is 1 << shift sectors; constant
 * @hold: nothing is granted; changed by the one holder, each bucket's lock
 *	taken once after the change
 * @watch: whoever waits in @idle does so for ranges from before this time;
 *	changed as @hold is
 * @idle: woken when such a range is released
 * @granted: ranges granted late, whose owners @work calls
 * @work: calls them
 * @wq: where; constant
 * @bucket: by region
 */
struct range_lock {
	unsigned int shift;
	bool hold;
	u64 watch;
	wait_queue_head_t idle;
	struct llist_head granted;
	struct work_struct work;
	struct workqueue_struct *wq;
	struct range_bucket bucket[RANGE_BUCKETS];
};

void range_lock_init(struct range_lock *rl, unsigned int shift,
		     struct workqueue_struct *wq);
bool range_acquire(struct range_lock *rl, struct io_range *range, bool nowait);
void range_acquire_sync(struct range_lock *rl, struct range_sleeper *s);
bool range_acquire_while(struct range_lock *rl, struct range_sleeper *s,
			 bool (*useful)(void *data), void *data);
void range_release(struct range_lock *rl, struct io_range *range);
void range_drain(struct range_lock *rl, u64 cut, const unsigned long *abandon);
void range_interrupt(struct range_lock *rl);
void range_pause(struct range_lock *rl);
void range_hold(struct range_lock *rl);
void range_unhold(struct range_lock *rl);

#endif
