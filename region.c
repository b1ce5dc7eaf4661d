// SPDX-License-Identifier: GPL-2.0-only
/*
 * What resync, verify and repair do with regions: take one for themselves, read
 * and write it, and leave the legs to others for a while.
 */
#include <linux/dm-io.h>
#include <linux/ioprio.h>

#include "primary.h"

static void set_range(struct region_hold *hold, sector_t first, sector_t last)
{
	hold->local.range.first = first;
	hold->local.range.last = last;
	hold->remote.range.first = first;
	hold->remote.range.last = last;
}

/**
 * region_acquire() - take a range on both legs
 * @p: the primary
 * @hold: the caller's
 * @first: sector
 * @last: sector, inclusive, of the same region
 *
 * Waits for writes that are in flight there, and in async mode for copies that
 * are on their way.
 *
 * Context: process, sleeps; not from the primary's io_wq.
 */
static void region_acquire(struct primary *p, struct region_hold *hold,
			   sector_t first, sector_t last)
{
	set_range(hold, first, last);
	range_acquire_sync(&p->ranges, &hold->local);
	range_acquire_sync(&p->behind.ranges, &hold->remote);
}

static bool sends(void *data)
{
	return primary_sends(data);
}

/**
 * region_acquire_sent() - take a range while the remote leg is written to
 * @p: the primary
 * @hold: the caller's
 * @first: sector
 * @last: sector, inclusive, of the same region
 *
 * With on_remote_error stall, writes keep their ranges for as long as the remote
 * leg is gone: what is of no use then does not wait for them.
 *
 * Context: as region_acquire().
 * Return: false, with nothing taken, when the remote leg was given up meanwhile.
 */
bool region_acquire_sent(struct primary *p, struct region_hold *hold,
			 sector_t first, sector_t last)
{
	set_range(hold, first, last);
	if (!range_acquire_while(&p->ranges, &hold->local, sends, p))
		return false;
	if (range_acquire_while(&p->behind.ranges, &hold->remote, sends, p))
		return true;
	range_release(&p->ranges, &hold->local.range);
	return false;
}

void region_release(struct primary *p, struct region_hold *hold)
{
	range_release(&p->behind.ranges, &hold->remote.range);
	range_release(&p->ranges, &hold->local.range);
}

/**
 * region_acquire_nr() - take a whole region
 * @p: the primary
 * @hold: the caller's
 * @region: its number
 *
 * Context: as region_acquire().
 */
void region_acquire_nr(struct primary *p, struct region_hold *hold,
		       unsigned long region)
{
	sector_t first = (sector_t)region << p->map.shift;

	region_acquire(p, hold, first,
		       min_t(sector_t, p->r.len - first,
			     1ULL << p->map.shift) + first - 1);
}

/**
 * leg_io() - read from or write to a leg
 * @p: the primary
 * @leg: which
 * @op: REQ_OP_READ or REQ_OP_WRITE
 * @sector: where
 * @sectors: how much
 * @data: from vmalloc()
 *
 * Context: process, sleeps.
 * Return: 0 or -EIO; dm-io does not tell more.
 */
int leg_io(struct primary *p, enum primary_dev leg, enum req_op op,
	   sector_t sector, sector_t sectors, void *data)
{
	struct dm_io_region where = {
		.bdev = p->r.devs[leg],
		.sector = sector,
		.count = sectors,
	};
	struct dm_io_request request = {
		.bi_opf = op,
		.mem.type = DM_IO_VMA,
		.mem.ptr.vma = data,
		.client = p->io,
	};
	unsigned long bits;

	return dm_io(&request, 1, &where, &bits, IOPRIO_DEFAULT) ? -EIO : 0;
}

/**
 * background_pace() - leave the legs to others
 * @p: the primary
 * @began: ktime in ns when the caller began to use them
 * @stop: ends the wait
 *
 * So that the caller uses them for no more than @p->share percent of the time.
 *
 * Context: process, sleeps.
 */
void background_pace(struct primary *p, u64 began, const bool *stop)
{
	unsigned int share = READ_ONCE(p->share);
	u64 rest = ktime_get_ns() - began;

	if (share == 100)
		return;
	rest = div_u64(rest * (100 - share), share);
	wait_event_timeout(p->r.wait, READ_ONCE(*stop),
			   nsecs_to_jiffies(rest) ?: 1);
}
