/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UNIT_LINUX_SCHED_H
#define UNIT_LINUX_SCHED_H

#include <linux/kernel.h>

#define PF_MEMALLOC	1

struct task_struct {
	unsigned int flags;
};

/* one that is not to bring others memory */
static const struct task_struct unit_task;

#define current					(&unit_task)
#define jiffies					0UL
#define schedule_timeout_uninterruptible(n)	sched_yield()
#define memalloc_noreclaim_save()		0U
#define memalloc_noreclaim_restore(flags)	((void)(flags))

#endif
