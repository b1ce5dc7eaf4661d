// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resync: copies the dirty regions from the local to the remote leg.
 *
 * A region is locked like a write while it is copied. So the copy waits for
 * the writes that are in flight in it, and writes that come later wait for the
 * copy and find the region clean: an older copy never meets a newer write.
 * One region at a time is what a foreground write can be delayed by.
 */
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/dm-kcopyd.h>
#include <linux/vmalloc.h>

#include "primary.h"

struct copy {
	struct completion done;
	bool read_failed;
	bool write_failed;
};

static void copied(int read_err, unsigned long write_err, void *context)
{
	struct copy *copy = context;

	copy->read_failed = read_err;
	copy->write_failed = write_err;
	complete(&copy->done);
}

static void copy_data(struct primary *p, const struct io_range *range,
		      struct copy *copy)
{
	struct dm_io_region from = {
		.bdev = p->r.devs[LEG_LOCAL],
		.sector = range->first,
		.count = range->last - range->first + 1,
	};
	struct dm_io_region to = from;

	to.bdev = p->r.devs[LEG_REMOTE];
	init_completion(&copy->done);
	dm_kcopyd_copy(p->resync.kcopyd, &from, 1, &to, 0, copied, copy);
	wait_for_completion(&copy->done);
}

/*
 * Does the local leg read as zeroes there? The first block tells in most cases
 * that it does not.
 */
static bool reads_as_zeroes(struct primary *p, const struct io_range *range)
{
	sector_t sector = range->first, n = FORMAT_BLOCK_SECTORS;

	for (; sector <= range->last; sector += n, n = CHUNK_SECTORS) {
		n = min_t(sector_t, n, range->last + 1 - sector);
		if (leg_io(p, LEG_LOCAL, REQ_OP_READ, sector, n,
			   p->resync.data) ||
		    memchr_inv(p->resync.data, 0, n << SECTOR_SHIFT))
			return false;
	}
	return true;
}

/*
 * Copies a region that is locked. What was discarded or zeroed on the local leg
 * is zeroed, not written, on a remote leg that knows how.
 *
 * Return: false when it cannot be read.
 */
static bool copy_region(struct primary *p, const struct io_range *range)
{
	unsigned long region = dirty_region(&p->map, range->first);
	struct block_device *remote = p->r.devs[LEG_REMOTE];
	sector_t sectors = range->last - range->first + 1;
	struct copy copy = { };

	/* a stop, or a cut, may have come while we waited for the range */
	if (!primary_sends(p) || range->cut >= READ_ONCE(p->gate.cut) ||
	    !dirty_test(&p->map, region))
		return true;

	/*
	 * Sent and clean from before the copy on, while nobody gets at the
	 * range: a flush that fails meanwhile finds it among what was sent.
	 */
	dirty_sent(&p->map, region);
	dirty_clear(&p->map, region);
	if (bdev_write_zeroes_sectors(remote) &&
	    reads_as_zeroes(p, range))
		copy.write_failed = blkdev_issue_zeroout(remote, range->first,
							 sectors, GFP_NOIO, 0);
	else
		copy_data(p, range, &copy);

	if (copy.read_failed || copy.write_failed)
		dirty_set(&p->map, region);
	if (copy.read_failed) {
		repl_fault(&p->r, -EIO, "local", "read", range->first,
			   "the region could not be copied to the remote leg");
	} else if (copy.write_failed) {
		primary_remote_failed(p, -EIO, REQ_OP_WRITE, range->first,
				      "the resync met an error");
	} else {
		WRITE_ONCE(p->resync.sectors, p->resync.sectors + sectors);
	}
	return !copy.read_failed;
}

static bool resync_goes_on(const struct primary *p)
{
	return !READ_ONCE(p->resync.stop) &&
	       READ_ONCE(p->remote) == REMOTE_RESYNC;
}

/**
 * resync_needed() - a region became dirty although the remote leg is online
 * @p: the primary
 *
 * Context: any.
 */
void resync_needed(struct primary *p)
{
	smp_mb(); /* what is dirty first; pairs with resync_end() */
	if (cmpxchg(&p->remote, REMOTE_ONLINE, REMOTE_RESYNC) == REMOTE_ONLINE) {
		queue_work(p->bg_wq, &p->resync.work);
		repl_event(&p->r);
	}
}

/* All that can be copied is: is the remote leg good again? */
static void resync_end(struct primary *p, unsigned long unreadable)
{
	mutex_lock(&p->r.lock);
	if (resync_goes_on(p)) {
		if (unreadable) {
			WRITE_ONCE(p->remote, REMOTE_DEGRADED);
			p->unreadable = true;
			REPL_ERR(&p->r, "the local leg cannot be read in %lu regions: the remote leg stays degraded",
				 unreadable);
		} else if (dirty_count(&p->map)) {
			queue_work(p->bg_wq, &p->resync.work);
		} else {
			WRITE_ONCE(p->remote, REMOTE_ONLINE);
			smp_mb(); /* pairs with resync_needed() */
			if (dirty_count(&p->map))
				resync_needed(p);
			/* a workload may cause it again and again */
			REPL_INFO_LIMIT(&p->r, "the remote leg is in sync");
		}
		repl_event(&p->r);
	}
	mutex_unlock(&p->r.lock);
}

static void do_resync(struct work_struct *work)
{
	struct primary *p = container_of(work, struct primary, resync.work);
	struct dirty_map *map = &p->map;
	unsigned long region, unreadable = 0;
	struct region_hold hold;
	u64 began;

	WRITE_ONCE(p->resync.sectors, 0);
	WRITE_ONCE(p->resync.began, ktime_get_ns());
	for_each_set_bit(region, map->dirty, map->regions) {
		if (!resync_goes_on(p))
			break;
		began = ktime_get_ns();
		region_acquire_nr(p, &hold, region);
		if (!copy_region(p, &hold.local.range))
			unreadable++;
		region_release(p, &hold);
		background_pace(p, began, &p->resync.stop);
		cond_resched();
	}
	resync_end(p, unreadable);
}

/**
 * resync_init() - what a resync needs
 * @p: a new primary
 *
 * Return: 0 or -ENOMEM; resync_exit() serves either.
 */
int resync_init(struct primary *p)
{
	INIT_WORK(&p->resync.work, do_resync);
	p->resync.data = __vmalloc(CHUNK_BYTES, GFP_KERNEL | __GFP_NOWARN);
	if (!p->resync.data)
		return -ENOMEM;
	p->resync.kcopyd = dm_kcopyd_client_create(NULL);
	return PTR_ERR_OR_ZERO(p->resync.kcopyd);
}

void resync_exit(struct primary *p)
{
	if (!IS_ERR_OR_NULL(p->resync.kcopyd))
		dm_kcopyd_client_destroy(p->resync.kcopyd);
	vfree(p->resync.data);
}

/**
 * resync_start() - copy what is dirty, if the remote leg is in resync
 * @p: the primary, locked
 */
void resync_start(struct primary *p)
{
	WRITE_ONCE(p->resync.stop, false);
	if (p->remote == REMOTE_RESYNC)
		queue_work(p->bg_wq, &p->resync.work);
}

/**
 * resync_quiesce() - end after the region that is being copied
 * @p: the primary, not locked
 *
 * What is left stays dirty; resync_start() goes on with it.
 */
void resync_quiesce(struct primary *p)
{
	WRITE_ONCE(p->resync.stop, true);
	wake_up_all(&p->r.wait);
	cancel_work_sync(&p->resync.work);
}

/**
 * resync_rate() - how fast dirty regions are copied
 * @p: the primary
 *
 * Context: any.
 * Return: sectors in a second, on average since it began; 0 when none are.
 */
sector_t resync_rate(struct primary *p)
{
	u64 ms = div_u64(ktime_get_ns() - READ_ONCE(p->resync.began),
			 NSEC_PER_MSEC);

	if (READ_ONCE(p->remote) != REMOTE_RESYNC)
		return 0;
	return div64_u64((u64)READ_ONCE(p->resync.sectors) * MSEC_PER_SEC,
			 ms ?: 1);
}
