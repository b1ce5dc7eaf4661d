/* SPDX-License-Identifier: GPL-2.0-only */
/* What a source file of the kernel has at hand without naming a header. */
#ifndef UNIT_LINUX_KERNEL_H
#define UNIT_LINUX_KERNEL_H

#include_next <linux/kernel.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>

#define U32_MAX		((u32)~0U)
#define BITS_PER_LONG	64
#define PAGE_SIZE	4096UL

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define noinline	__attribute__((__noinline__))
#define noinline_for_stack	noinline
#define __maybe_unused	__attribute__((__unused__))
#define __must_check	__attribute__((__warn_unused_result__))
#define __printf(a, b)	__attribute__((__format__(printf, a, b)))
#define fallthrough	__attribute__((__fallthrough__))

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))

#define min_t(type, a, b) ({			\
	type min_a = (a), min_b = (b);		\
	min_a < min_b ? min_a : min_b; })
#define max_t(type, a, b) ({			\
	type max_a = (a), max_b = (b);		\
	max_a > max_b ? max_a : max_b; })
#define min(a, b)	min_t(__typeof__(a), a, b)
#define max(a, b)	max_t(__typeof__(a), a, b)
#define swap(a, b) \
	do { __typeof__(a) swapped = (a); (a) = (b); (b) = swapped; } while (0)

#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define do_div(n, base) ({			\
	u32 rest = (n) % (base);		\
	(n) /= (base);				\
	rest; })

/*
 * Memory order: by the compiler's atomic operations, which the thread sanitizer
 * understands. It knows no fences, but what they order here is atomic as well.
 */
#define READ_ONCE(x)	__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value) \
	__atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, value) \
	__atomic_store_n(p, value, __ATOMIC_RELEASE)
#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_mb__after_atomic()	smp_mb()
#define smp_mb__before_atomic()	smp_mb()

#define BUG_ON(x) \
	do { if (unlikely(x)) abort(); } while (0)
#define WARN_ON(x) ({				\
	bool warn = (x);			\
	BUG_ON(warn);				\
	warn; })
#define WARN_ON_ONCE(x)	WARN_ON(x)
#define BUILD_BUG_ON(x)	static_assert(!(x), #x)

#define cond_resched()	sched_yield()
#define might_sleep()	do { } while (0)
#define fatal_signal_pending(task)	false

static inline ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t length = strlen(from);
	bool fits = length < size;

	if (!size)
		return -E2BIG;
	if (!fits)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
	return fits ? (ssize_t)length : -E2BIG;
}

#define MAX_ERRNO	4095

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline bool IS_ERR(const void *p)
{
	return (unsigned long)p >= (unsigned long)-MAX_ERRNO;
}

static inline long PTR_ERR(const void *p)
{
	return (long)p;
}

#define pr_err(...)	fprintf(stderr, __VA_ARGS__)

#endif
