/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UNIT_LINUX_ATOMIC_H
#define UNIT_LINUX_ATOMIC_H

#include <linux/kernel.h>

#define UNIT_ATOMIC(prefix, word, v_t)							\
static inline word prefix##_read(const v_t *v)					\
{										\
	return READ_ONCE(v->counter);						\
}										\
static inline void prefix##_set(v_t *v, word i)				\
{										\
	WRITE_ONCE(v->counter, i);						\
}										\
static inline void prefix##_add(word i, v_t *v)				\
{										\
	__atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED);			\
}										\
static inline void prefix##_sub(word i, v_t *v)				\
{										\
	__atomic_fetch_sub(&v->counter, i, __ATOMIC_RELAXED);			\
}										\
static inline void prefix##_inc(v_t *v)					\
{										\
	prefix##_add(1, v);							\
}										\
static inline void prefix##_dec(v_t *v)					\
{										\
	prefix##_sub(1, v);							\
}										\
static inline word prefix##_inc_return(v_t *v)					\
{										\
	return __atomic_add_fetch(&v->counter, 1, __ATOMIC_SEQ_CST);		\
}										\
static inline bool prefix##_dec_and_test(v_t *v)				\
{										\
	return !__atomic_sub_fetch(&v->counter, 1, __ATOMIC_SEQ_CST);		\
}										\
static inline word prefix##_fetch_or(word i, v_t *v)				\
{										\
	return __atomic_fetch_or(&v->counter, i, __ATOMIC_SEQ_CST);		\
}

UNIT_ATOMIC(atomic, int, atomic_t)
UNIT_ATOMIC(atomic_long, long, atomic_long_t)
UNIT_ATOMIC(atomic64, s64, atomic64_t)

#endif
