// SPDX-License-Identifier: GPL-2.0-only
#include <linux/init.h>
#include <linux/mutex.h>

#include "cut.h"

/* read by every write, written by no more than a few checkpoints a second */
u64 cut_clock __read_mostly;
static DEFINE_MUTEX(cut_mutex);

static struct lock_class_key cut_nest_key;
struct cut_nest cut_nest;

void __init cut_init(void)
{
	lockdep_init_map(&cut_nest.dep_map, "cut_nest", &cut_nest_key, 0);
}

/**
 * cut_begin() - prepare a cut
 *
 * Followed by cut_take(). In between the caller tells whoever is concerned, and
 * does not wait for I/O.
 *
 * Context: process.
 */
void cut_begin(void)
{
	mutex_lock(&cut_mutex);
}

/**
 * cut_take() - the instant
 *
 * What was told since cut_begin() is seen by every write that is behind the cut.
 */
void cut_take(void)
{
	/* pairs with cut_now() */
	smp_store_release(&cut_clock, cut_next());
	mutex_unlock(&cut_mutex);
}

/*
 * ---- Gates ----
 */

void cut_gate_init(struct cut_gate *gate)
{
	gate->cut = CUT_NEVER;
	spin_lock_init(&gate->lock);
	INIT_LIST_HEAD(&gate->waiting);
}

/**
 * cut_gate_close() - hold what is behind the cut that is being prepared
 * @gate: open
 *
 * Context: between cut_begin() and cut_take().
 */
void cut_gate_close(struct cut_gate *gate)
{
	spin_lock_irq(&gate->lock);
	WRITE_ONCE(gate->cut, cut_next());
	spin_unlock_irq(&gate->lock);
}

/**
 * cut_gate_open() - let pass what waits, and all that comes
 * @gate: closed or open
 *
 * Context: process.
 */
void cut_gate_open(struct cut_gate *gate)
{
	struct cut_wait *wait, *next;
	LIST_HEAD(list);

	spin_lock_irq(&gate->lock);
	WRITE_ONCE(gate->cut, CUT_NEVER);
	list_splice_init(&gate->waiting, &list);
	spin_unlock_irq(&gate->lock);
	list_for_each_entry_safe(wait, next, &list, list)
		wait->pass(wait);
}

/* The slow part of cut_gate_holds(). By now it may be another cut's gate. */
bool cut_gate_wait(struct cut_gate *gate, struct cut_wait *wait, u64 cut)
{
	unsigned long flags;
	bool holds;

	spin_lock_irqsave(&gate->lock, flags);
	holds = cut >= gate->cut;
	if (holds)
		list_add_tail(&wait->list, &gate->waiting);
	spin_unlock_irqrestore(&gate->lock, flags);
	return holds;
}
