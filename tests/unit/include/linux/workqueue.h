/* SPDX-License-Identifier: GPL-2.0-only */
/* Workqueues: threads of their own. A work runs in one of them at a time. */
#ifndef UNIT_LINUX_WORKQUEUE_H
#define UNIT_LINUX_WORKQUEUE_H

#include <linux/list.h>

struct workqueue_struct;
struct work_struct;
typedef void (*work_func_t)(struct work_struct *work);

struct work_struct {
	struct list_head entry;
	work_func_t func;
	struct workqueue_struct *wq;
	bool pending;
};

#define INIT_WORK(work, function) \
	(*(work) = (struct work_struct) { .func = (function) })

struct delayed_work {
	struct work_struct work;
};

#define WQ_MEM_RECLAIM	1

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int threads);
#define alloc_ordered_workqueue(name, flags)	alloc_workqueue(name, flags, 1)
void destroy_workqueue(struct workqueue_struct *wq);
bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
bool flush_work(struct work_struct *work);
void flush_workqueue(struct workqueue_struct *wq);

#endif
