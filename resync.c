// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resync: copies the dirty regions from the local to the remote leg.
 *
 * A region is locked like a write while it is copied. So the copy waits for
 * the writes that are in flight in it, and writes that come later wait for the
 * copy and find the region clean: an older copy never meets a newer write.
 * One region at a time is what a foreground write can be delayed by.
 */
#include <linux/completion.h>
#include <linux/dm-kcopyd.h>
#include <linux/module.h>

#include "primary.h"

DECLARE_DM_KCOPYD_THROTTLE_WITH_MODULE_PARM(resync_throttle,
	"Percentage of time a resync may keep the legs busy");

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

/* Copies a region that is locked. Return: false when it cannot be read. */
static bool copy_region(struct primary *p, struct io_range *range)
{
	struct dm_io_region from = {
		.bdev = p->r.devs[LEG_LOCAL],
		.sector = range->first,
		.count = range->last - range->first + 1,
	};
	struct dm_io_region to = from;
	unsigned long region = dirty_region(&p->map, range->first);
	struct copy copy = { };

	if (!dirty_test(&p->map, region))
		return true;

	to.bdev = p->r.devs[LEG_REMOTE];
	init_completion(&copy.done);
	dm_kcopyd_copy(p->kcopyd, &from, 1, &to, 0, copied, &copy);
	wait_for_completion(&copy.done);

	if (copy.read_failed) {
		repl_fault(&p->r, -EIO, "local", "read", range->first,
			   "the region could not be copied to the remote leg");
	} else if (copy.write_failed) {
		primary_remote_failed(p, -EIO, REQ_OP_WRITE, range->first,
				      "the resync met an error");
	} else {
		dirty_sent(&p->map, region);
		dirty_clear(&p->map, region);
	}
	return !copy.read_failed;
}

static bool resync_goes_on(const struct primary *p)
{
	return !READ_ONCE(p->resync_stop) &&
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
	if (cmpxchg(&p->remote, REMOTE_ONLINE, REMOTE_RESYNC) == REMOTE_ONLINE) {
		queue_work(system_unbound_wq, &p->resync_work);
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
			REPL_ERR(&p->r, "the local leg cannot be read in %lu regions: the remote leg stays degraded",
				 unreadable);
		} else if (dirty_count(&p->map)) {
			queue_work(system_unbound_wq, &p->resync_work);
		} else {
			WRITE_ONCE(p->remote, REMOTE_ONLINE);
			smp_mb(); /* pairs with cmpxchg() in resync_needed() */
			if (dirty_count(&p->map))
				resync_needed(p);
			REPL_INFO(&p->r, "the remote leg is in sync");
		}
		repl_event(&p->r);
	}
	mutex_unlock(&p->r.lock);
}

static void do_resync(struct work_struct *work)
{
	struct primary *p = container_of(work, struct primary, resync_work);
	struct dirty_map *map = &p->map;
	unsigned long region, unreadable = 0;
	struct range_sleeper s;

	for_each_set_bit(region, map->dirty, map->regions) {
		if (!resync_goes_on(p))
			return;
		s.range.first = (sector_t)region << map->shift;
		s.range.last = min_t(sector_t, p->r.len,
				     (sector_t)(region + 1) << map->shift) - 1;
		range_acquire_sync(&p->ranges, &s);
		if (!copy_region(p, &s.range))
			unreadable++;
		range_release(&p->ranges, &s.range);
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
	INIT_WORK(&p->resync_work, do_resync);
	p->kcopyd = dm_kcopyd_client_create(&dm_kcopyd_throttle);
	return PTR_ERR_OR_ZERO(p->kcopyd);
}

void resync_exit(struct primary *p)
{
	if (!IS_ERR_OR_NULL(p->kcopyd))
		dm_kcopyd_client_destroy(p->kcopyd);
}

/**
 * resync_start() - copy what is dirty, if the remote leg is in resync
 * @p: the primary, locked
 */
void resync_start(struct primary *p)
{
	WRITE_ONCE(p->resync_stop, false);
	if (p->remote == REMOTE_RESYNC)
		queue_work(system_unbound_wq, &p->resync_work);
}

/**
 * resync_quiesce() - end after the region that is being copied
 * @p: the primary, not locked
 *
 * What is left stays dirty; resync_start() goes on with it.
 */
void resync_quiesce(struct primary *p)
{
	WRITE_ONCE(p->resync_stop, true);
	cancel_work_sync(&p->resync_work);
}
