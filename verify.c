// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verify: compares the legs while they are used.
 *
 * A region is taken for as long as it is compared, as for a copy. What differs
 * although it should not becomes dirty, and resync does the rest.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "primary.h"

static bool verify_goes_on(const struct primary *p)
{
	return !READ_ONCE(p->verify.stop) && primary_sends(p);
}

/* What was found must not be forgotten in a crash, be it copied by then or not. */
static void mark_region(struct primary *p, unsigned long region)
{
	dirty_set(&p->map, region);
	if (p->log && !log_marked(p->log, region))
		log_mark_sync(p->log, region);
}

/* Return: 0, 1 if the legs differ, or a negative errno. */
static int compare(struct primary *p, const struct io_range *range, void *data)
{
	void *other = data + CHUNK_BYTES;
	sector_t sector, n;
	int error = 0;

	for (sector = range->first; sector <= range->last; sector += n) {
		n = min_t(sector_t, range->last + 1 - sector, CHUNK_SECTORS);
		if (leg_io(p, LEG_LOCAL, REQ_OP_READ, sector, n, data)) {
			repl_fault(&p->r, -EIO, "local", "read", sector,
				   "what is there could not be compared");
			error = -EIO;
			/* it may take a disk its time to say that */
			if (!verify_goes_on(p))
				return error;
			continue;
		}
		if (leg_io(p, LEG_REMOTE, REQ_OP_READ, sector, n, other)) {
			/* it is lost there until it is written again */
			mark_region(p, dirty_region(&p->map, sector));
			primary_remote_failed(p, -EIO, REQ_OP_READ, sector,
					      "the legs could not be compared");
			return -EIO;
		}
		if (memcmp(data, other, n << SECTOR_SHIFT))
			return 1;
	}
	return error;
}

static void compare_region(struct primary *p, unsigned long region, void *data)
{
	struct region_hold hold;

	region_acquire_nr(p, &hold, region);
	if (!dirty_test(&p->map, region) &&
	    compare(p, &hold.local.range, data) == 1) {
		REPL_WARN_LIMIT(&p->r, "the legs differ between sectors %llu and %llu: the region will be copied",
				(unsigned long long)hold.local.range.first,
				(unsigned long long)hold.local.range.last);
		mark_region(p, region);
		resync_needed(p);
		WRITE_ONCE(p->verify.differing, p->verify.differing + 1);
	}
	region_release(p, &hold);
}

static void do_verify(struct work_struct *work)
{
	struct primary *p = container_of(work, struct primary, verify.work);
	struct verify *v = &p->verify;
	u64 began;

	while (v->done < p->map.regions && verify_goes_on(p)) {
		began = ktime_get_ns();
		compare_region(p, v->done, v->data);
		WRITE_ONCE(v->done, v->done + 1);
		background_pace(p, began, &v->stop);
	}

	mutex_lock(&p->r.lock);
	/* one that was stopped by a suspend goes on later */
	if (v->running &&
	    (v->given_up || !READ_ONCE(v->stop) || !primary_sends(p))) {
		WRITE_ONCE(v->running, false);
		v->given_up = false;
		REPL_INFO(&p->r, "verified %lu of %lu regions, %lu differed",
			  v->done, p->map.regions, v->differing);
		repl_event(&p->r);
	}
	mutex_unlock(&p->r.lock);
}

/**
 * verify_init() - what a verify needs
 * @p: a new primary
 *
 * Return: 0 or -ENOMEM; verify_exit() serves either.
 */
int verify_init(struct primary *p)
{
	INIT_WORK(&p->verify.work, do_verify);
	p->verify.data = __vmalloc(2 * CHUNK_BYTES, GFP_KERNEL | __GFP_NOWARN);
	return p->verify.data ? 0 : -ENOMEM;
}

void verify_exit(struct primary *p)
{
	vfree(p->verify.data);
}

/**
 * verify_start() - begin to compare the legs
 * @p: the primary
 * @why: gets the reason of an error
 *
 * Context: process, sleeps.
 * Return: 0 or a negative errno.
 */
int verify_start(struct primary *p, struct replication_reason *why)
{
	struct verify *v = &p->verify;
	int error = 0;

	if (mutex_lock_killable(&p->r.lock))
		return repl_refuse(why, -EINTR, "killed");
	if (p->r.suspended)
		error = repl_refuse(why, -EAGAIN,
				    "the device is suspended: resume it first");
	else if (v->running)
		error = repl_refuse(why, -EBUSY, "the legs are being compared");
	else if (p->r.stage != STAGE_RUNNING || !primary_sends(p))
		error = repl_refuse(why, -EINVAL,
				    "there is nothing to compare: the remote leg gets no writes");
	if (!error) {
		WRITE_ONCE(v->running, true);
		WRITE_ONCE(v->done, 0);
		WRITE_ONCE(v->differing, 0);
		WRITE_ONCE(v->stop, false);
		queue_work(p->bg_wq, &v->work);
		repl_event(&p->r);
	}
	mutex_unlock(&p->r.lock);
	return error;
}

/**
 * verify_resume() - go on after a suspend
 * @p: the primary, locked
 */
void verify_resume(struct primary *p)
{
	struct verify *v = &p->verify;

	WRITE_ONCE(v->stop, false);
	if (v->given_up) {
		WRITE_ONCE(v->running, false);
		v->given_up = false;
	}
	if (v->running)
		queue_work(p->bg_wq, &v->work);
}

/**
 * verify_quiesce() - end after the region that is being compared
 * @p: the primary, not locked
 */
void verify_quiesce(struct primary *p)
{
	WRITE_ONCE(p->verify.stop, true);
	wake_up_all(&p->r.wait);
	cancel_work_sync(&p->verify.work);
}

/**
 * verify_cancel() - give up the comparison
 * @p: the primary
 * @why: gets the reason of an error
 *
 * Waits for the end of the region that is being compared. That may be held by a
 * write which waits for the remote leg, so who waits here can be killed, and
 * does not keep a suspend waiting.
 *
 * Context: process, sleeps.
 * Return: 0 or -EINTR.
 */
int verify_cancel(struct primary *p, struct replication_reason *why)
{
	struct verify *v = &p->verify;

	if (mutex_lock_killable(&p->r.lock))
		return repl_refuse(why, -EINTR, "killed");
	if (p->r.suspended) {
		WRITE_ONCE(v->running, false);
	} else if (v->running) {
		v->given_up = true;
		WRITE_ONCE(v->stop, true);
	}
	repl_event(&p->r);
	mutex_unlock(&p->r.lock);
	if (wait_event_killable(p->r.wait, !READ_ONCE(v->running) ||
				READ_ONCE(p->r.suspending)))
		return repl_refuse(why, -EINTR, "killed");
	return 0;
}
