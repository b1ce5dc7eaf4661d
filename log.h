/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dirty log: marks of regions that outlive a crash.
 *
 * A mark says: this region was written since the last checkpoints, or the
 * remote leg lacks it. It is durable before the first write to the region is
 * sent to either leg, and costs the next write a test of a bit. It is taken
 * away some time after the dirty map has no more use for it.
 *
 * The kernel's own dirty log (dm-dirty-log, "disk") was no choice: it writes
 * its whole bitset for each new region, believes what it reads without a
 * checksum, and cannot tell whose it is. An activity log (lru_cache) bounds how
 * many regions can be active, and makes a write wait when one more is.
 */
#ifndef REPL_LOG_H
#define REPL_LOG_H

#include <linux/bitops.h>
#include <linux/blkdev.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "dirty.h"
#include "format_log.h"

struct repl;

/**
 * struct mark_wait - a write that waits for the mark of its region
 * @list: in the log's; the log's
 * @region: to be marked
 * @marked: called once, from the log's worker: the mark is durable, or @error
 */
struct mark_wait {
	struct list_head list;
	unsigned long region;
	void (*marked)(struct mark_wait *wait, int error);
};

/**
 * struct dirty_log - a dirty log
 * @r: the replication, for messages and its first error; constant
 * @bdev: where it is; constant
 * @leg: the local leg, to be sampled; constant
 * @map: what tells whether a mark is still needed; constant
 * @format: geometry; constant once open
 * @owner: the primary's dm UUID; constant
 * @super_lock: from a look at @state to the superblock that replaces it
 * @sequence: of the newest superblock; @super_lock
 * @state: what it says; @super_lock
 * @super: room for it; @super_lock
 * @durable: regions whose mark is on the device for sure; atomic bit operations
 * @marks: those that are there, or are about to be, little endian; @wq
 * @block: room for a block of marks, or of a leg; @wq
 * @undo: of the block that is being cleared, from @marks; @wq
 * @lock: protects @waiting; any context
 * @waiting: struct mark_wait
 * @wq: ordered
 * @mark_work: makes marks durable
 * @clear_work: takes marks away, a block at a time
 * @clear_from: block it goes on with; @wq
 * @cleared: the marks are complete since this checkpoint, once those not needed
 *	are gone; set by log_clear()
 */
struct dirty_log {
	struct repl *r;
	struct block_device *bdev;
	struct block_device *leg;
	struct dirty_map *map;
	struct format_log format;
	const char *owner;
	struct mutex super_lock;
	u64 sequence;
	struct format_log_state state;
	struct format_log_super *super;
	unsigned long *durable;
	void *marks;
	struct format_marks *block;
	void *undo;
	spinlock_t lock;
	struct list_head waiting;
	struct workqueue_struct *wq;
	struct work_struct mark_work;
	struct delayed_work clear_work;
	u32 clear_from;
	u64 cleared;
};

int log_check(struct block_device *bdev, sector_t len, unsigned int region_size,
	      const char *owner, char *why, size_t size);
struct dirty_log *log_new(struct repl *r, struct block_device *bdev,
			  struct block_device *leg, struct dirty_map *map);
void log_free(struct dirty_log *log);
int log_open(struct dirty_log *log, bool all, u64 *epoch,
	     char *why, size_t size);
void log_mark(struct dirty_log *log, struct mark_wait *wait);
int log_mark_sync(struct dirty_log *log, unsigned long region);
void log_note(struct dirty_log *log, u64 epoch);
void log_clear(struct dirty_log *log, u64 base);
void log_quiesce(struct dirty_log *log);
u64 log_base(struct dirty_log *log);

/**
 * log_marked() - is a region's mark durable?
 * @log: the log
 * @region: which
 *
 * To be asked after the region has been set in the dirty map, be it dirty or
 * sent: whoever takes the mark away looks there afterwards, see do_clear().
 *
 * Context: any.
 */
static inline bool log_marked(const struct dirty_log *log, unsigned long region)
{
	return test_bit(region, log->durable);
}

#endif
