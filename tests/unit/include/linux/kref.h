/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UNIT_LINUX_KREF_H
#define UNIT_LINUX_KREF_H

#include <linux/atomic.h>

struct kref {
	atomic_t refcount;
};

#endif
