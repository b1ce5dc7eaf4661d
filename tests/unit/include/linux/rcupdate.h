/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RCU. A callback runs in rcu_barrier() only, which the tests call as often as they
 * like: what is used after its time is used after it was freed.
 */
#ifndef UNIT_LINUX_RCUPDATE_H
#define UNIT_LINUX_RCUPDATE_H

#include <linux/kernel.h>

void rcu_read_lock(void);
void rcu_read_unlock(void);
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void rcu_barrier(void);
void synchronize_rcu(void);

#define rcu_assign_pointer(p, value)		smp_store_release(&(p), value)
#define rcu_dereference(p)			__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_dereference_check(p, held)		rcu_dereference(p)
#define rcu_dereference_raw(p)			rcu_dereference(p)
#define rcu_dereference_protected(p, held)	READ_ONCE(p)
#define RCU_INIT_POINTER(p, value)		WRITE_ONCE(p, value)

#endif
