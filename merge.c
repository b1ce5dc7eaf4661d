// SPDX-License-Identifier: GPL-2.0-only
/*
 * The merge: moves committed layers into the disk, in passes.
 *
 * A pass takes the oldest committed layers when it begins, goes
 * through the device in sector order and copies the topmost mapping of each
 * range. Checkpoints taken meanwhile lie above and wait for the next pass. At
 * its end the disk is flushed; then the superblock says so, then the layers go.
 * Until then nothing is taken out, so a pass may end anywhere and begin again.
 *
 * Nobody else writes to the disk while the secondary runs. After a failover or
 * stop the views do: regions that are being copied are locked against them,
 * and what they have written is no longer in the layers.
 */
#include <linux/blkdev.h>
#include <linux/dm-kcopyd.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "secondary.h"

#define MERGE_REGIONS		8	/* copied at a time */
#define MERGE_COPIES		64	/* in flight */
#define MERGE_DELAY		2	/* jiffies: first answer who took the checkpoint */
#define MERGE_SHARE		50	/* percent of the time, unless told */

/**
 * struct pass - a pass of the merge
 * @s: the secondary
 * @nr: layers
 * @layer: newest first; they stay committed until the pass ends
 * @copies: in flight; s->r.wait is woken when they get few
 * @lock: protects @error and what tells of it; any context
 * @error: the first one
 * @where: layer or disk
 * @op: operation
 * @sector: where it was met
 */
struct pass {
	struct secondary *s;
	unsigned int nr;
	struct layer *layer[MAX_COMMITTED];
	atomic_t copies;
	spinlock_t lock;
	int error;
	const char *where;
	const char *op;
	sector_t sector;
};

struct copy {
	struct pass *pass;
	sector_t sector;
};

static bool goes_on(const struct pass *pass)
{
	return !READ_ONCE(pass->s->merge_stop) && !READ_ONCE(pass->error);
}

static void pass_failed(struct pass *pass, int error, const char *where,
			const char *op, sector_t sector)
{
	unsigned long flags;

	spin_lock_irqsave(&pass->lock, flags);
	if (!pass->error) {
		pass->where = where;
		pass->op = op;
		pass->sector = sector;
		WRITE_ONCE(pass->error, error);
	}
	spin_unlock_irqrestore(&pass->lock, flags);
}

static void copied(int read_err, unsigned long write_err, void *context)
{
	struct copy *copy = context;
	struct pass *pass = copy->pass;
	struct secondary *s = pass->s;

	if (read_err)
		pass_failed(pass, -EIO, "committed", "read", copy->sector);
	else if (write_err)
		pass_failed(pass, -EIO, "disk", "write", copy->sector);
	kfree(copy);
	/* the pass is on its worker's stack and may be gone after the last one */
	if (atomic_dec_return(&pass->copies) <= MERGE_COPIES / 2)
		wake_up_all(&s->r.wait);
}

static void copy_data(struct pass *pass, sector_t sector, unsigned int sectors,
		      sector_t place)
{
	struct secondary *s = pass->s;
	struct dm_io_region from = {
		.bdev = s->r.devs[DEV_BUFFER],
		.sector = place,
		.count = sectors,
	};
	struct dm_io_region to = {
		.bdev = s->r.devs[DEV_DISK],
		.sector = sector,
		.count = sectors,
	};
	struct copy *copy = kmalloc(sizeof(*copy), GFP_NOIO);

	if (!copy) {
		pass_failed(pass, -ENOMEM, "committed", "read", sector);
		return;
	}
	copy->pass = pass;
	copy->sector = sector;
	wait_event(pass->s->r.wait, atomic_read(&pass->copies) < MERGE_COPIES);
	atomic_inc(&pass->copies);
	dm_kcopyd_copy(s->kcopyd, &from, 1, &to, 0, copied, copy);
}

/*
 * A disk that writes zeroes by itself gives space back while it does. One that
 * only discards is told to, for a discard promises nothing about what is read.
 */
static void blank(struct pass *pass, sector_t sector, unsigned int sectors,
		  enum format_kind kind)
{
	struct block_device *disk = pass->s->r.devs[DEV_DISK];
	int error;

	if (kind == FORMAT_DISCARD && !bdev_write_zeroes_sectors(disk) &&
	    bdev_max_discard_sectors(disk))
		error = blkdev_issue_discard(disk, sector, sectors, GFP_NOIO);
	else
		error = blkdev_issue_zeroout(disk, sector, sectors, GFP_NOIO, 0);
	if (error)
		pass_failed(pass, error, "disk",
			    kind == FORMAT_DISCARD ? "discard" : "write-zeroes",
			    sector);
}

/* The first sector from @sector on that any layer of the pass knows. */
static bool find_first(struct pass *pass, sector_t *sector, sector_t end)
{
	sector_t first = end, found;
	unsigned int i;

	for (i = 0; i < pass->nr; i++) {
		found = *sector;
		if (layer_find(pass->layer[i], &found, first))
			first = found;
		if (first == *sector)
			break;
	}
	*sector = first;
	return first < end;
}

/* Starts the copies of a region that is locked. */
static void merge_region(struct pass *pass, const struct io_range *range)
{
	sector_t sector = range->first, place;

	while (goes_on(pass) && find_first(pass, &sector, range->last + 1)) {
		unsigned int i, n = range->last + 1 - sector;
		int kind = -ENOENT;

		for (i = 0; kind == -ENOENT && i < pass->nr; i++)
			kind = layer_lookup(pass->layer[i], sector, &n, &place);
		if (kind == FORMAT_DATA)
			copy_data(pass, sector, n, place);
		else if (kind != -ENOENT)
			blank(pass, sector, n, kind);
		sector += n;
		if (sector > range->last)
			break;
	}
}

/* Merges some regions from @cursor on. Return: false at the end. */
static bool merge_some(struct pass *pass, sector_t *cursor)
{
	struct range_sleeper region[MERGE_REGIONS];
	struct secondary *s = pass->s;
	unsigned int i, n;

	for (n = 0; n < MERGE_REGIONS && goes_on(pass); n++) {
		struct io_range *range = &region[n].range;

		if (*cursor >= s->r.len || !find_first(pass, cursor, s->r.len))
			break;
		range->first = *cursor;
		range->last = min_t(sector_t, s->r.len,
				    ((*cursor >> MERGE_REGION_SHIFT) + 1)
				    << MERGE_REGION_SHIFT) - 1;
		*cursor = range->last + 1;
		range_acquire_sync(&s->ranges, &region[n]);
		merge_region(pass, range);
	}
	wait_event(pass->s->r.wait, !atomic_read(&pass->copies));
	for (i = 0; i < n; i++)
		range_release(&s->ranges, &region[i].range);
	return n;
}

/* Who uses a view comes first, unless it waits for the merge, or will soon. */
static void set_pace(struct secondary *s)
{
	bool idle = time_after(jiffies, READ_ONCE(s->last_io) + HZ / 10);
	bool pressed = test_bit(0, &s->above) || READ_ONCE(s->holes_lost);

	s->pace.throttle = idle || pressed ? 100 : READ_ONCE(s->merge_share);
}

static bool begin_pass(struct secondary *s, struct pass *pass)
{
	struct layout *now;

	mutex_lock(&s->r.lock);
	now = layout_now(s);
	/* the two newest can always be folded, however long the pass takes */
	pass->nr = min_t(unsigned int, now->nr, MAX_COMMITTED - 2);
	memcpy(pass->layer, now->committed + now->nr - pass->nr,
	       pass->nr * sizeof(pass->layer[0]));
	s->merging = pass->nr;
	mutex_lock(&s->commit_lock);
	s->disk_lost = false;
	mutex_unlock(&s->commit_lock);
	mutex_unlock(&s->r.lock);
	return pass->nr;
}

/*
 * Where views are plain it is for what they have written as well. A view that
 * becomes plain after the flush has failed has lost nothing by it.
 */
static int flush_copies(struct secondary *s)
{
	int error;

	mutex_lock(&s->flush_lock);
	error = blkdev_issue_flush(s->r.devs[DEV_DISK]);
	if (error && views_plain(s))
		views_lost(s);
	mutex_unlock(&s->flush_lock);
	return error;
}

/*
 * All is copied: flush, say so, let the layers go. Or it is to be copied once
 * more, by another pass.
 */
static void end_pass(struct secondary *s, struct pass *pass)
{
	struct format_state state, sampled;
	struct layer *holes = NULL;
	struct layout *next;
	unsigned int i;
	int error;

	error = flush_copies(s);
	if (error) {
		pass_failed(pass, error, "disk", "flush", 0);
		return;
	}
	/* nobody else changes these, and no checkpoint has to wait for them */
	memcpy(sampled.sample, s->buffer.state.sample, sizeof(sampled.sample));
	samples_take(&s->buffer, s->r.devs[DEV_DISK], pass->layer, pass->nr,
		     &sampled);

	mutex_lock(&s->r.lock);
	next = layout_copy(s);
	if (!next) {
		pass_failed(pass, -ENOMEM, "disk", "flush", 0);
		goto out;
	}
	next->nr -= pass->nr;
	if (!next->nr) {
		holes = next->holes;
		next->holes = NULL;
	}
	/* a commit that was in doubt no longer is, if this one succeeds */
	layout_set_modes(next, s->r.stage, s->buffer.state.flags);
	mutex_lock(&s->commit_lock);
	if (s->disk_lost) {
		/* a view's flush has got the error that was for our copies */
		mutex_unlock(&s->commit_lock);
		kfree(next);
		goto out;
	}
	state = s->buffer.state;
	state.merged_epoch = pass->layer[0]->epoch;
	if (!next->nr)
		state.newest = (struct summary_id) { };
	memcpy(state.sample, sampled.sample, sizeof(state.sample));
	error = buffer_commit(&s->buffer, &state);
	if (!error)
		layout_publish(s, next);
	mutex_unlock(&s->commit_lock);
	if (error) {
		pass_failed(pass, error, "buffer", "write", 0);
		kfree(next);
		goto out;
	}
	for (i = 0; i < pass->nr; i++)
		layer_retire(s, pass->layer[i], NULL);
	layer_retire(s, holes, NULL);
	if (!next->nr)
		WRITE_ONCE(s->holes_lost, false);
	/* all is on the disk: somebody may wait for just that */
	if (!next->nr)
		repl_event(&s->r);
out:
	s->merging = 0;
	mutex_unlock(&s->r.lock);
}

static void do_merge(struct work_struct *work)
{
	struct secondary *s = container_of(to_delayed_work(work),
					   struct secondary, merge_work);
	struct pass pass = { .s = s };

	spin_lock_init(&pass.lock);
	while (goes_on(&pass) && begin_pass(s, &pass)) {
		sector_t cursor = 0;

		do {
			WRITE_ONCE(s->merge_cursor, cursor);
			set_pace(s);
			cond_resched();
		} while (goes_on(&pass) && merge_some(&pass, &cursor));
		if (goes_on(&pass))
			end_pass(s, &pass);
	}
	WRITE_ONCE(s->merge_cursor, MERGE_IDLE);

	mutex_lock(&s->r.lock);
	s->merging = 0;
	if (pass.error) {
		repl_fault(&s->r, pass.error, pass.where, pass.op, pass.sector,
			   "the merge stopped: the data stays in the buffer");
		/* a stop may have come after it, and it all begins anew */
		if (s->r.stage == STAGE_FAILOVER &&
		    !delayed_work_pending(&s->merge_work))
			repl_set_stage(&s->r, STAGE_FAILOVER_FAILED);
	} else {
		secondary_merged(s);
	}
	mutex_unlock(&s->r.lock);
	views_retry_flushes(s);
}

int merge_init(struct secondary *s)
{
	INIT_DELAYED_WORK(&s->merge_work, do_merge);
	s->merge_cursor = MERGE_IDLE;
	s->merge_share = MERGE_SHARE;
	s->pace.throttle = 100;
	s->kcopyd = dm_kcopyd_client_create(&s->pace);
	return PTR_ERR_OR_ZERO(s->kcopyd);
}

void merge_exit(struct secondary *s)
{
	if (!IS_ERR_OR_NULL(s->kcopyd))
		dm_kcopyd_client_destroy(s->kcopyd);
}

/**
 * merge_start() - merge what is committed
 * @s: the secondary, locked
 */
void merge_start(struct secondary *s)
{
	if (s->r.suspended)
		return;
	WRITE_ONCE(s->merge_stop, false);
	queue_delayed_work(s->bg_wq, &s->merge_work, MERGE_DELAY);
}

/**
 * merge_quiesce() - end the pass after the copies in flight
 * @s: the secondary, not locked
 */
void merge_quiesce(struct secondary *s)
{
	WRITE_ONCE(s->merge_stop, true);
	cancel_delayed_work_sync(&s->merge_work);
}
