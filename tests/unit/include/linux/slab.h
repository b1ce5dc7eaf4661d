/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory, which the sanitizer watches. A test can make it short. */
#ifndef UNIT_LINUX_SLAB_H
#define UNIT_LINUX_SLAB_H

#include <linux/kernel.h>

#define GFP_ATOMIC	1U
#define GFP_NOWAIT	1U
#define GFP_KERNEL	2U
#define GFP_NOIO	2U
#define __GFP_NOWARN	0U
#define __GFP_ZERO	4U
#define __GFP_ACCOUNT	0U
#define __GFP_NOFAIL	8U

static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return gfp & GFP_KERNEL;
}

/*
 * One allocation out of so many fails, by chance, in the thread that sets it; 0:
 * none does. Blocks are as aligned as the kernel's.
 */
extern __thread unsigned int unit_memory_short;

void *unit_alloc(size_t size, size_t align, gfp_t gfp);

static inline size_t unit_align(size_t size)
{
	return size & (size - 1) ? 16 : max_t(size_t, size, 16);
}

static inline void *kmalloc(size_t size, gfp_t gfp)
{
	return unit_alloc(size, unit_align(size), gfp);
}

static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc(n * size, gfp);
}

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

static inline void *kvcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kzalloc(n * size, gfp);
}

#define kfree(p)	free((void *)(p))
#define kvfree(p)	free((void *)(p))

struct kmem_cache;

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size, unsigned int align,
				     unsigned int flags, void (*ctor)(void *object));
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
void kmem_cache_free(struct kmem_cache *cache, void *object);
int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t n, void **objects);
void kmem_cache_free_bulk(struct kmem_cache *cache, size_t n, void **objects);

#define SLAB_PANIC	0

#endif
