/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that differs between the kernels this builds for, keyed by the presence
 * of a macro: distributions backport, so a version number tells nothing.
 */
#ifndef REPL_COMPAT_H
#define REPL_COMPAT_H

#include <linux/blkdev.h>
#include <linux/device-mapper.h>

#ifdef BLK_FEAT_STABLE_WRITES
/* The limits carry the wish for stable pages. */
#define compat_stable_writes_target(ti)		do { } while (0)
#define compat_stable_writes_limits(limits)	\
	((limits)->features |= BLK_FEAT_STABLE_WRITES)
#else
/* The target does; dm core sets the queue's flag from it. */
#define compat_stable_writes_target(ti)		((ti)->needs_stable_writes = true)
#define compat_stable_writes_limits(limits)	do { } while (0)
#endif

/*
 * A target that does not sleep for a REQ_NOWAIT bio although a device below it
 * might. Without the limits' flag dm core does not let it.
 */
#ifdef BLK_FEAT_NOWAIT
#define compat_nowait_limits(limits)		\
	((limits)->features |= BLK_FEAT_NOWAIT)
#else
#define compat_nowait_limits(limits)		do { } while (0)
#endif

/* Bios of a CPU's cache may be put in interrupts. */
#ifdef BLK_FEAT_STABLE_WRITES
#define COMPAT_ALLOC_CACHE	REQ_ALLOC_CACHE
#else
#define COMPAT_ALLOC_CACHE	0
#endif

/* What a table opened for writing has in its mode. */
#ifdef BLK_OPEN_WRITE
#define COMPAT_OPEN_WRITE	BLK_OPEN_WRITE
#else
#define COMPAT_OPEN_WRITE	FMODE_WRITE
#endif

/*
 * A mapped device held open without a claim: it cannot be removed, but can be
 * mounted. dm_get_device() would claim it.
 */
#ifdef BLK_FEAT_STABLE_WRITES
struct compat_held {
	struct file *file;
};

static inline int compat_hold(const char *path, struct compat_held *held)
{
	dev_t dev;
	int r = dm_devt_from_path(path, &dev);

	if (r)
		return r;
	held->file = bdev_file_open_by_dev(dev, BLK_OPEN_READ, NULL, NULL);
	if (!IS_ERR(held->file))
		return 0;
	r = PTR_ERR(held->file);
	held->file = NULL;
	return r;
}

static inline struct block_device *compat_held_bdev(const struct compat_held *held)
{
	return file_bdev(held->file);
}

static inline void compat_release(struct compat_held *held)
{
	if (held->file)
		bdev_fput(held->file);
	held->file = NULL;
}
#else
struct compat_held {
	struct block_device *bdev;
};

static inline int compat_hold(const char *path, struct compat_held *held)
{
	dev_t dev = dm_get_dev_t(path);
	int r;

	if (!dev)
		return -ENODEV;
	held->bdev = blkdev_get_by_dev(dev, FMODE_READ, NULL);
	if (!IS_ERR(held->bdev))
		return 0;
	r = PTR_ERR(held->bdev);
	held->bdev = NULL;
	return r;
}

static inline struct block_device *compat_held_bdev(const struct compat_held *held)
{
	return held->bdev;
}

static inline void compat_release(struct compat_held *held)
{
	if (held->bdev)
		blkdev_put(held->bdev, FMODE_READ);
	held->bdev = NULL;
}
#endif

#if BITS_PER_LONG < 64
#error "dm-replication keeps sector ranges in maple trees and needs a 64 bit kernel"
#endif

#endif
