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
 *	a checkpoint is being taken; atomic bit operations. A write may be in a
 *	later one than its own, never in an earlier one.
 * @open: index in @recent
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

int dirty_init(struct dirty_map *map, sector_t len, sector_t region_size);
void dirty_exit(struct dirty_map *map);
void dirty_none(struct dirty_map *map);
void dirty_all(struct dirty_map *map);
void dirty_cut(struct dirty_map *map);
void dirty_uncut(struct dirty_map *map);
void dirty_confirm(struct dirty_map *map);
void dirty_add_recent(struct dirty_map *map);
void dirty_forget_recent(struct dirty_map *map);
void dirty_since(const struct dirty_map *map, u64 epochs, unsigned long *bits);

static inline unsigned long dirty_region(const struct dirty_map *map,
					 sector_t sector)
{
	return sector >> map->shift;
}

static inline bool dirty_test(const struct dirty_map *map, unsigned long region)
{
	return test_bit(region, map->dirty);
}

/*
 * Before the write is sent. What is looked at next, a mark in the dirty log, is
 * looked at afterwards: the log's own order is the other way round.
 */
static inline void dirty_note(unsigned long *bits, unsigned long region,
			      atomic_long_t *count)
{
	if (test_bit(region, bits)) {
		smp_rmb(); /* pairs with the barrier in unmark(), log.c */
		return;
	}
	if (!test_and_set_bit(region, bits) && count)
		atomic_long_inc(count);
}

static inline void dirty_set(struct dirty_map *map, unsigned long region)
{
	dirty_note(map->dirty, region, &map->nr_dirty);
}

static inline void dirty_sent(struct dirty_map *map, unsigned long region)
{
	/* pairs with dirty_cut(): a write behind the cut is not before it */
	dirty_note(map->recent[READ_ONCE(map->open)], region, NULL);
}

static inline void dirty_clear(struct dirty_map *map, unsigned long region)
{
	if (test_and_clear_bit(region, map->dirty))
		atomic_long_dec(&map->nr_dirty);
}

/* Is there a reason to copy the region, now or when the remote leg fails? */
static inline bool dirty_needed(const struct dirty_map *map,
				unsigned long region)
{
	int i;

	for (i = 0; i < DIRTY_EPOCHS; i++)
		if (test_bit(region, map->recent[i]))
			return true;
	return dirty_test(map, region);
}

static inline unsigned long dirty_count(const struct dirty_map *map)
{
	return atomic_long_read(&map->nr_dirty);
}

#endif
