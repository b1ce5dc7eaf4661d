// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "dirty.h"

static unsigned long *alloc_bits(unsigned long bits)
{
	return kvcalloc(BITS_TO_LONGS(bits), sizeof(long), GFP_KERNEL);
}

/**
 * dirty_init() - make a dirty map
 * @map: zeroed
 * @len: sectors of the device
 * @region_size: sectors, a power of two
 *
 * Every region starts dirty.
 *
 * Context: process. Followed by dirty_exit(), also after an error.
 * Return: 0, -ENOMEM, or -E2BIG when there would be more than 2^31 regions,
 * which is where the kernel's bitmap functions end.
 */
int dirty_init(struct dirty_map *map, sector_t len, sector_t region_size)
{
	sector_t regions;
	int i;

	map->shift = ilog2(region_size);
	regions = (len + region_size - 1) >> map->shift;
	if (regions > INT_MAX)
		return -E2BIG;
	map->regions = regions;

	map->dirty = alloc_bits(regions);
	if (!map->dirty)
		return -ENOMEM;
	for (i = 0; i < DIRTY_EPOCHS; i++) {
		map->recent[i] = alloc_bits(regions);
		if (!map->recent[i])
			return -ENOMEM;
	}
	dirty_all(map);
	return 0;
}

void dirty_exit(struct dirty_map *map)
{
	int i;

	kvfree(map->dirty);
	for (i = 0; i < DIRTY_EPOCHS; i++)
		kvfree(map->recent[i]);
}

/**
 * dirty_none() - no region is dirty
 * @map: the map; nobody else uses it yet
 *
 * Context: any.
 */
void dirty_none(struct dirty_map *map)
{
	bitmap_zero(map->dirty, map->regions);
	atomic_long_set(&map->nr_dirty, 0);
}

/**
 * dirty_all() - every region is dirty
 * @map: the map; nobody else uses it yet
 *
 * Context: any.
 */
void dirty_all(struct dirty_map *map)
{
	bitmap_fill(map->dirty, map->regions);
	atomic_long_set(&map->nr_dirty, map->regions);
}

/**
 * dirty_cut() - an epoch ends here
 * @map: the map
 *
 * Followed by dirty_confirm(), or by dirty_uncut() when the checkpoint is not
 * taken.
 *
 * Context: any; before the first write that belongs to the next epoch.
 */
void dirty_cut(struct dirty_map *map)
{
	WRITE_ONCE(map->open, (map->open + 1) % DIRTY_EPOCHS);
}

/**
 * dirty_uncut() - the epoch did not end there
 * @map: the map
 *
 * What was written since stays where it is as well: it will be found in the
 * next epoch too, which does no harm.
 */
void dirty_uncut(struct dirty_map *map)
{
	unsigned int last = map->open, before = (last + DIRTY_EPOCHS - 1) % DIRTY_EPOCHS;
	unsigned long region;

	WRITE_ONCE(map->open, before);
	for_each_set_bit(region, map->recent[last], map->regions)
		set_bit(region, map->recent[before]);
}

/**
 * dirty_confirm() - the checkpoint that the last cut belongs to is taken
 * @map: the map
 *
 * Forgets the epoch before the one that ended there.
 *
 * Context: all writes from before the cut have ended.
 */
void dirty_confirm(struct dirty_map *map)
{
	bitmap_zero(map->recent[(map->open + 1) % DIRTY_EPOCHS], map->regions);
}

/**
 * dirty_add_recent() - the remote leg may have lost what it was sent
 * @map: the map
 *
 * Context: process.
 */
void dirty_add_recent(struct dirty_map *map)
{
	unsigned long region;
	int i;

	for (i = 0; i < DIRTY_EPOCHS; i++)
		for_each_set_bit(region, map->recent[i], map->regions)
			dirty_set(map, region);
}

/**
 * dirty_forget_recent() - all that was sent recently is dirty now
 * @map: the map
 *
 * Context: no write is in flight since dirty_add_recent().
 */
void dirty_forget_recent(struct dirty_map *map)
{
	int i;

	for (i = 0; i < DIRTY_EPOCHS; i++)
		bitmap_zero(map->recent[i], map->regions);
}

/**
 * dirty_since() - what may differ from an earlier checkpoint
 * @map: the map
 * @epochs: how many checkpoints ago: 0 for the last one; what is above
 *	DIRTY_EPOCHS - 2 may be incomplete
 * @bits: of @map->regions; gets those regions
 *
 * Context: no checkpoint is being taken.
 */
void dirty_since(const struct dirty_map *map, u64 epochs, unsigned long *bits)
{
	unsigned int i, last = min_t(u64, epochs, DIRTY_EPOCHS - 1);

	bitmap_copy(bits, map->dirty, map->regions);
	/* the one behind the open one too: it may be of a cut that was undone */
	for (i = 0; i <= last + 1; i++)
		bitmap_or(bits, bits,
			  map->recent[(map->open + 1 + DIRTY_EPOCHS - i) % DIRTY_EPOCHS],
			  map->regions);
}
