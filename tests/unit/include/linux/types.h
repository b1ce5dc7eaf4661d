/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's types, over those that the tools have. */
#ifndef UNIT_LINUX_TYPES_H
#define UNIT_LINUX_TYPES_H

#include_next <linux/types.h>

typedef __u16 u16;
typedef __s32 s32;
typedef __s64 s64;
typedef u64 sector_t;
typedef unsigned int gfp_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

typedef struct {
	s64 counter;
} atomic64_t;

struct list_head {
	struct list_head *next, *prev;
};

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

/* for sparse and for the kernel's own checks of sections and locks */
#define __rcu
#define __user
#define __force
#define __init
#define __exit
#define __read_mostly
#define __must_hold(lock)
#define __acquires(lock)
#define __releases(lock)

#endif
