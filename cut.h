/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clock of cuts.
 *
 * A checkpoint of several devices needs one instant that divides all their
 * writes. It is a store: every write notes what the clock shows when it is
 * submitted, and a cut lets the clock go on by one. A write that shows the new
 * time anywhere was submitted after the cut, and so was every write that was
 * submitted because of it. Nothing is held for that, and devices that are not
 * concerned do not notice.
 */
#ifndef REPL_CUT_H
#define REPL_CUT_H

#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <asm/barrier.h>

extern u64 cut_clock;

/* later than any cut */
#define CUT_NEVER	(~0ULL)

/**
 * cut_now() - what a write that is submitted now belongs to
 *
 * Return: a time; a cut parts it from another when it is above one of them only.
 */
static inline u64 cut_now(void)
{
	/* pairs with cut_take() */
	return smp_load_acquire(&cut_clock);
}

/* For lockdep: who cuts several devices holds the locks of all of them. */
extern struct cut_nest {
	struct lockdep_map dep_map;
} cut_nest;

/**
 * cut_next() - the time that writes behind the cut will show at least
 *
 * Context: between cut_begin() and cut_take().
 */
static inline u64 cut_next(void)
{
	return cut_clock + 1;
}

void cut_init(void);
void cut_begin(void);
void cut_take(void);

/**
 * struct cut_gate - holds what must not be sent before a checkpoint is taken
 * @cut: what shows this time or a later one waits; CUT_NEVER: nothing does
 * @lock: protects @waiting, and changes of @cut; any context
 * @waiting: struct cut_wait, in the order of their arrival
 */
struct cut_gate {
	u64 cut;
	spinlock_t lock;
	struct list_head waiting;
};

/**
 * struct cut_wait - something at a gate
 * @list: in the gate's; the gate's
 * @pass: called once, in process context, if it had to wait; submits nothing by
 *	itself, for others of the group may still hold what it would wait for
 */
struct cut_wait {
	struct list_head list;
	void (*pass)(struct cut_wait *wait);
};

void cut_gate_init(struct cut_gate *gate);
void cut_gate_close(struct cut_gate *gate);
void cut_gate_open(struct cut_gate *gate);
bool cut_gate_wait(struct cut_gate *gate, struct cut_wait *wait, u64 cut);

/**
 * cut_gate_holds() - does something have to wait?
 * @gate: the gate
 * @wait: it; its pass is set
 * @cut: the time that it shows
 *
 * Context: any.
 * Return: false when it may go on now.
 */
static inline bool cut_gate_holds(struct cut_gate *gate, struct cut_wait *wait,
				  u64 cut)
{
	return unlikely(cut >= READ_ONCE(gate->cut)) &&
	       cut_gate_wait(gate, wait, cut);
}

#endif
