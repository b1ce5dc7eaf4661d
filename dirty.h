/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dirty map: which regions of the remote leg may differ from the local
 * leg, and which would if the remote host lost what it has not made durable.
 *
 * dirty: the remote leg does not have, or may not have, the newest data.
 * recent: sent to the remote leg, which need not have it in a checkpoint yet.
 *
 * A remote leg that fails may come back as it was at its last checkpoint: then
 * dirty |= recent. Whoever manages the pair lets both sides take their
 * checkpoints in turn, so a checkpoint here tells that the remote host has
 * made its one before this durable, and no more than that.
 */
#ifndef REPL_DIRTY_H
#define REPL_DIRTY_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/types.h>

#define DIRTY_EPOCHS 3

/**
 * struct dirty_map - a bit for each region
 * @shift: a region's size is 1 << shift sectors; constant
 * @regions: how many; constant
 * @dirty: atomic bit operations
 * @recent: of the open epoch, the one before, and the one before that while
 *	a checkpoint is being taken; atomic bit operations
 * @open: index in @recent; changes only while nothing is in flight
 * @nr_dirty: bits set in @dirty
 */
struct dirty_map {
	unsigned int shift;
	unsigned long regions;
	unsigned long *dirty;
	unsigned long *recent[DIRTY_EPOCHS];
	unsigned int open;
	atomic_long_t nr_dirty;
};

int dirty_init(struct dirty_map *map, sector_t len, sector_t region_size,
	       bool all);
void dirty_exit(struct dirty_map *map);
void dirty_cut(struct dirty_map *map);
void dirty_confirm(struct dirty_map *map);
void dirty_add_recent(struct dirty_map *map);

static inline unsigned long dirty_region(const struct dirty_map *map,
					 sector_t sector)
{
	return sector >> map->shift;
}

static inline bool dirty_test(const struct dirty_map *map, unsigned long region)
{
	return test_bit(region, map->dirty);
}

static inline void dirty_set(struct dirty_map *map, unsigned long region)
{
	if (!test_bit(region, map->dirty) &&
	    !test_and_set_bit(region, map->dirty))
		atomic_long_inc(&map->nr_dirty);
}

static inline void dirty_clear(struct dirty_map *map, unsigned long region)
{
	if (test_and_clear_bit(region, map->dirty))
		atomic_long_dec(&map->nr_dirty);
}

/* To be called before the write is sent. */
static inline void dirty_sent(struct dirty_map *map, unsigned long region)
{
	unsigned long *recent = map->recent[map->open];

	if (!test_bit(region, recent))
		set_bit(region, recent);
}

static inline unsigned long dirty_count(const struct dirty_map *map)
{
	return atomic_long_read(&map->nr_dirty);
}

#endif
