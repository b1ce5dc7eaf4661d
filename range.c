// SPDX-License-Identifier: GPL-2.0-only
#include <linux/completion.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/sched.h>

#include "range.h"

static struct range_bucket *bucket_of(struct range_lock *rl,
				      const struct io_range *range)
{
	return &rl->bucket[hash_64(range->first >> rl->shift,
				   ilog2(RANGE_BUCKETS))];
}

/* Does @range overlap one of @list that comes before @until? */
static bool conflicts(const struct list_head *list, const struct io_range *range,
		      const struct io_range *until)
{
	const struct io_range *other;

	list_for_each_entry(other, list, list) {
		if (other == until)
			break;
		if (range->first <= other->last && other->first <= range->last)
			return true;
	}
	return false;
}

/* Grants what can be granted; the bucket's lock is held. */
static void grant_waiting(struct range_lock *rl, struct range_bucket *b)
{
	struct io_range *range, *next;
	bool any = false;

	/* pairs with range_unhold() */
	if (smp_load_acquire(&rl->hold))
		return;
	list_for_each_entry_safe(range, next, &b->waiting, list) {
		if (conflicts(&b->held, range, NULL) ||
		    conflicts(&b->waiting, range, range))
			continue;
		list_move_tail(&range->list, &b->held);
		llist_add(&range->ready, &rl->granted);
		any = true;
	}
	if (any)
		queue_work(rl->wq, &rl->work);
}

static void call_owners(struct work_struct *work)
{
	struct range_lock *rl = container_of(work, struct range_lock, work);
	struct llist_node *all = llist_reverse_order(llist_del_all(&rl->granted));
	struct io_range *range, *next;

	/* an owner may free its range */
	llist_for_each_entry_safe(range, next, all, ready)
		range->granted(range);
}

/**
 * range_lock_init() - set up
 * @rl: the range lock
 * @shift: log2 of a region's sectors; no range crosses a region
 * @wq: calls the owners of ranges that had to wait; WQ_MEM_RECLAIM
 */
void range_lock_init(struct range_lock *rl, unsigned int shift,
		     struct workqueue_struct *wq)
{
	int i;

	rl->shift = shift;
	rl->hold = false;
	rl->watch = 0;
	init_waitqueue_head(&rl->idle);
	init_llist_head(&rl->granted);
	INIT_WORK(&rl->work, call_owners);
	rl->wq = wq;
	for (i = 0; i < RANGE_BUCKETS; i++) {
		spin_lock_init(&rl->bucket[i].lock);
		INIT_LIST_HEAD(&rl->bucket[i].held);
		INIT_LIST_HEAD(&rl->bucket[i].waiting);
	}
}

/**
 * range_acquire() - take a range
 * @rl: the range lock
 * @range: first, last and granted are set
 * @nowait: do not queue the range when it is not free
 *
 * Context: any.
 * Return: true when the caller has the range now. Else, without @nowait, its
 * granted() will be called.
 */
bool range_acquire(struct range_lock *rl, struct io_range *range, bool nowait)
{
	struct range_bucket *b = bucket_of(rl, range);
	unsigned long flags;
	bool got;

	spin_lock_irqsave(&b->lock, flags);
	range->cut = cut_now();
	/* pairs with range_unhold(): what was changed meanwhile is seen */
	got = !smp_load_acquire(&rl->hold) && !conflicts(&b->held, range, NULL) &&
	      !conflicts(&b->waiting, range, NULL);
	if (got)
		list_add_tail(&range->list, &b->held);
	else if (!nowait)
		list_add_tail(&range->list, &b->waiting);
	spin_unlock_irqrestore(&b->lock, flags);
	return got;
}

/**
 * range_release() - give a range back
 * @rl: the range lock
 * @range: held
 *
 * Context: any.
 */
void range_release(struct range_lock *rl, struct io_range *range)
{
	struct range_bucket *b = bucket_of(rl, range);
	unsigned long flags;

	spin_lock_irqsave(&b->lock, flags);
	list_del(&range->list);
	if (unlikely(!list_empty(&b->waiting)))
		grant_waiting(rl, b);
	if (unlikely(range->cut < READ_ONCE(rl->watch)))
		wake_up(&rl->idle);
	spin_unlock_irqrestore(&b->lock, flags);
}

static void wake_sleeper(struct io_range *range)
{
	complete(&container_of(range, struct range_sleeper, range)->done);
}

/**
 * range_acquire_sync() - take a range, sleep until it is free
 * @rl: the range lock
 * @s: range's first and last are set
 *
 * Context: process, not from the range lock's workqueue when that is ordered.
 */
void range_acquire_sync(struct range_lock *rl, struct range_sleeper *s)
{
	init_completion(&s->done);
	s->range.granted = wake_sleeper;
	if (!range_acquire(rl, &s->range, false))
		wait_for_completion(&s->done);
}

/* Return: true when @range waited, and does so no longer. */
static bool give_up(struct range_lock *rl, struct io_range *range)
{
	struct range_bucket *b = bucket_of(rl, range);
	struct io_range *other;
	bool found = false;

	spin_lock_irq(&b->lock);
	list_for_each_entry(other, &b->waiting, list) {
		found = other == range;
		if (found)
			break;
	}
	if (found) {
		list_del(&range->list);
		grant_waiting(rl, b);
	}
	spin_unlock_irq(&b->lock);
	return found;
}

/**
 * range_acquire_while() - take a range, sleep until it is free or of no use
 * @rl: the range lock
 * @s: range's first and last are set
 * @useful: asked a few times a second, while the range is not free
 * @data: for @useful
 *
 * Context: as range_acquire_sync().
 * Return: true when the caller has the range now.
 */
bool range_acquire_while(struct range_lock *rl, struct range_sleeper *s,
			 bool (*useful)(void *data), void *data)
{
	init_completion(&s->done);
	s->range.granted = wake_sleeper;
	if (range_acquire(rl, &s->range, false))
		return true;
	while (!wait_for_completion_timeout(&s->done, HZ / 10))
		if (!useful(data) && give_up(rl, &s->range))
			return false;
	return true;
}

static bool older(const struct list_head *list, u64 cut)
{
	const struct io_range *range;

	list_for_each_entry(range, list, list)
		if (range->cut < cut)
			return true;
	return false;
}

/* Nothing from before @cut is held, and @all: nor does it wait. */
static bool drained(struct range_bucket *b, u64 cut, bool all)
{
	bool done;

	spin_lock_irq(&b->lock);
	done = !older(&b->held, cut) && !(all && older(&b->waiting, cut));
	spin_unlock_irq(&b->lock);
	return done;
}

static void wait_drained(struct range_lock *rl, u64 cut, bool all,
			 const unsigned long *abandon)
{
	int i;

	WRITE_ONCE(rl->watch, cut);
	for (i = 0; i < RANGE_BUCKETS; i++)
		wait_event(rl->idle, (abandon && READ_ONCE(*abandon)) ||
			   drained(&rl->bucket[i], cut, all));
	WRITE_ONCE(rl->watch, 0);
}

/**
 * range_drain() - wait until all ranges from before a cut have been released
 * @rl: the range lock
 * @cut: a time on the clock of cuts that has come
 * @abandon: the wait ends too when this is not 0, and range_interrupt() is called
 *
 * Ranges are granted meanwhile. One caller at a time, which is not in
 * range_hold() either.
 *
 * Context: process, sleeps for as long as those ranges.
 */
void range_drain(struct range_lock *rl, u64 cut, const unsigned long *abandon)
{
	wait_drained(rl, cut, true, abandon);
}

/**
 * range_interrupt() - let range_drain() look whether it goes on
 * @rl: the range lock
 *
 * Context: any.
 */
void range_interrupt(struct range_lock *rl)
{
	wake_up_all(&rl->idle);
}

/**
 * range_pause() - grant nothing any more
 * @rl: the range lock
 *
 * Followed by range_unhold(), with range_hold() in between or not.
 *
 * Context: any.
 */
void range_pause(struct range_lock *rl)
{
	WRITE_ONCE(rl->hold, true);
}

/**
 * range_hold() - grant nothing any more and wait until nothing is held
 * @rl: the range lock
 *
 * One caller at a time. Followed by range_unhold().
 *
 * Context: process, sleeps for as long as the ranges that are held.
 */
void range_hold(struct range_lock *rl)
{
	range_pause(rl);
	wait_drained(rl, CUT_NEVER, false, NULL);
}

/**
 * range_unhold() - grant again, first what has been waiting
 * @rl: the range lock
 *
 * Context: process.
 */
void range_unhold(struct range_lock *rl)
{
	int i;

	/* pairs with range_acquire() and grant_waiting() */
	smp_store_release(&rl->hold, false);
	for (i = 0; i < RANGE_BUCKETS; i++) {
		spin_lock_irq(&rl->bucket[i].lock);
		grant_waiting(rl, &rl->bucket[i]);
		spin_unlock_irq(&rl->bucket[i].lock);
		cond_resched();
	}
}
