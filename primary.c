// SPDX-License-Identifier: GPL-2.0-only
/*
 * The primary: every write goes to both legs, straight from map.
 *
 * A write takes its range, then decides where it goes, and holds the range
 * until all legs have answered. So writes that overlap reach both legs in one
 * order, and the decision cannot be overtaken:
 *
 *	the remote leg takes writes and the region is clean	both legs
 *	else							local leg only,
 *			and the region is dirty before the local leg is asked
 *
 * There is no third case; "sent or marked" is total. A write that the remote
 * leg fails marks its region dirty before it is acknowledged, whatever else is
 * known by then.
 *
 * What the remote leg has answered may yet be lost with the remote host's
 * memory. The regions sent since the last two checkpoints are remembered, and
 * become dirty when the remote leg fails, see dirty.h.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "primary.h"

static bool sends(const struct primary *p)
{
	return READ_ONCE(p->remote) != REMOTE_DEGRADED;
}

/*
 * ---- Failures of the remote leg ----
 */

/**
 * primary_remote_failed() - the remote leg answered with an error
 * @p: the primary
 * @error: negative errno
 * @op: what it failed
 * @sector: where
 * @text: more words, a constant string
 *
 * From here on nothing is sent to it. The caller has marked the region.
 *
 * Context: any.
 */
void primary_remote_failed(struct primary *p, int error, enum req_op op,
			   sector_t sector, const char *text)
{
	WRITE_ONCE(p->remote, REMOTE_DEGRADED);
	repl_fault(&p->r, error, "remote", repl_op_name(op), sector, text);
	if (!test_and_set_bit(0, &p->remote_failed))
		queue_work(p->r.wq, &p->fail_work);
}

/* Accounts for a failure; p->r.lock is held. */
static void settle_failure(struct primary *p)
{
	lockdep_assert_held(&p->r.lock);
	if (!test_bit(0, &p->remote_failed))
		return;

	/* a start may have come in between */
	WRITE_ONCE(p->remote, REMOTE_DEGRADED);
	range_hold(&p->ranges);
	clear_bit(0, &p->remote_failed);
	dirty_add_recent(&p->map);
	range_unhold(&p->ranges);
	REPL_WARN(&p->r, "the remote leg is degraded, %lu of %lu regions are dirty: writes go on locally; stop and start, or reload the table, to resync",
		  dirty_count(&p->map), p->map.regions);
	repl_event(&p->r);
}

static void do_fail(struct work_struct *work)
{
	struct primary *p = container_of(work, struct primary, fail_work);

	mutex_lock(&p->r.lock);
	settle_failure(p);
	mutex_unlock(&p->r.lock);
}

/*
 * ---- The path of a bio ----
 */

static unsigned long io_region(const struct primary_io *io)
{
	return dirty_region(&io->p->map, io->range.first);
}

/* Both legs have answered. */
static void finish(struct primary_io *io)
{
	if (io->phase == PHASE_WRITE)
		range_release(&io->p->ranges, &io->range);
	io->phase = PHASE_JOINED;
}

static void retry_leg(struct primary_io *io, enum primary_leg leg)
{
	queue_work(io->p->io_wq, &io->retry[leg]);
}

static void remote_end_io(struct bio *remote)
{
	struct primary_io *io = container_of(remote, struct primary_io, remote);
	struct primary *p = io->p;
	blk_status_t status = remote->bi_status;
	enum req_op op = bio_op(remote);

	bio_uninit(remote);
	if (unlikely(status)) {
		if (status == BLK_STS_AGAIN && (remote->bi_opf & REQ_NOWAIT)) {
			retry_leg(io, LEG_REMOTE);
			return;
		}
		if (io->phase == PHASE_WRITE)
			dirty_set(&p->map, io_region(io));
		else
			op = REQ_OP_FLUSH;
		primary_remote_failed(p, blk_status_to_errno(status), op,
				      io->range.first, "the remote leg is given up");
	}

	if (atomic_dec_and_test(&io->legs)) {
		struct bio *bio = io->bio;

		finish(io);
		bio->bi_status = io->status;
		bio_endio(bio);
	}
}

static void send_remote(struct primary_io *io, gfp_t gfp, blk_opf_t without)
{
	struct primary *p = io->p;

	/* needs memory only where there are crypto contexts or integrity */
	if (unlikely(bio_init_clone(p->r.devs[LEG_REMOTE], &io->remote, io->bio,
				    gfp))) {
		retry_leg(io, LEG_REMOTE);
		return;
	}
	io->remote.bi_iter = io->iter;
	/* dm polls its own clone only */
	io->remote.bi_opf &= ~(without | REQ_POLLED);
	io->remote.bi_end_io = remote_end_io;
	submit_bio_noacct(&io->remote);
}

static void retry_remote(struct work_struct *work)
{
	send_remote(container_of(work, struct primary_io, retry[LEG_REMOTE]),
		    GFP_NOIO, REQ_NOWAIT);
}

static void send_local(struct primary_io *io)
{
	/* whoever polls does so where the bio was submitted first */
	io->bio->bi_opf &= ~REQ_POLLED;
	submit_bio_noacct(io->bio);
}

static void retry_local(struct work_struct *work)
{
	struct primary_io *io = container_of(work, struct primary_io,
					     retry[LEG_LOCAL]);

	io->bio->bi_iter = io->iter;
	io->bio->bi_status = BLK_STS_OK;
	io->bio->bi_opf &= ~REQ_NOWAIT;
	bio_set_dev(io->bio, io->p->r.devs[LEG_LOCAL]);
	send_local(io);
}

/* Sends to the remote leg what it should have; the local leg is next. */
static void route(struct primary_io *io)
{
	struct primary *p = io->p;
	bool remote = sends(p);

	if (io->phase == PHASE_WRITE) {
		if (remote && dirty_test(&p->map, io_region(io)))
			remote = false;
		if (remote)
			dirty_sent(&p->map, io_region(io));
		else
			dirty_set(&p->map, io_region(io));
	}

	io->status = BLK_STS_OK;
	io->both = remote;
	atomic_set(&io->legs, remote ? 2 : 1);
	bio_set_dev(io->bio, p->r.devs[LEG_LOCAL]);
	if (remote) {
		io->iter = io->bio->bi_iter;
		INIT_WORK(&io->retry[LEG_LOCAL], retry_local);
		INIT_WORK(&io->retry[LEG_REMOTE], retry_remote);
		send_remote(io, GFP_NOWAIT, 0);
	}
}

static void write_granted(struct io_range *range)
{
	struct primary_io *io = container_of(range, struct primary_io, range);

	route(io);
	send_local(io);
}

/**
 * primary_map() - send a bio to its legs
 * @p: the primary
 * @io: per-bio data
 * @bio: its sector is the mapped device's, from 0
 *
 * Context: process; does not sleep for a REQ_NOWAIT bio.
 * Return: what dm core wants to know.
 */
int primary_map(struct primary *p, struct primary_io *io, struct bio *bio)
{
	bool nowait = bio->bi_opf & REQ_NOWAIT;
	sector_t region_end;

	io->p = p;
	io->bio = bio;
	if (bio_op(bio) == REQ_OP_READ) {
		io->phase = PHASE_READ;
		io->range.first = bio->bi_iter.bi_sector;
		bio_set_dev(bio, p->r.devs[LEG_LOCAL]);
		return DM_MAPIO_REMAPPED;
	}
	if (!bio_sectors(bio)) {
		io->phase = PHASE_FLUSH;
		io->range.first = 0;
		route(io);
		return DM_MAPIO_REMAPPED;
	}

	io->range.first = bio->bi_iter.bi_sector;
	region_end = (io->range.first | ((1ULL << p->map.shift) - 1)) + 1;
	if (bio_end_sector(bio) > region_end)
		dm_accept_partial_bio(bio, region_end - io->range.first);
	io->range.last = bio_end_sector(bio) - 1;
	io->range.granted = write_granted;
	io->phase = PHASE_WRITE;

	if (unlikely(!range_acquire(&p->ranges, &io->range, nowait))) {
		/* a bio that waits may have been answered by now */
		if (nowait) {
			io->phase = PHASE_PASS;
			bio_wouldblock_error(bio);
		}
		return DM_MAPIO_SUBMITTED;
	}
	route(io);
	return DM_MAPIO_REMAPPED;
}

/**
 * primary_end_io() - the local leg has answered, or both legs have
 * @io: per-bio data
 * @bio: dm core's clone
 * @error: its status
 *
 * Context: any.
 * Return: what dm core wants to know.
 */
int primary_end_io(struct primary_io *io, struct bio *bio, blk_status_t *error)
{
	struct primary *p = io->p;

	switch (io->phase) {
	case PHASE_PASS:
	case PHASE_JOINED:
		return DM_ENDIO_DONE;
	case PHASE_READ:
		if (unlikely(*error && *error != BLK_STS_AGAIN))
			repl_fault(&p->r, blk_status_to_errno(*error), "local",
				   "read", io->range.first,
				   "the error went up");
		return DM_ENDIO_DONE;
	case PHASE_FLUSH:
	case PHASE_WRITE:
		break;
	}

	if (unlikely(*error)) {
		bool write = io->phase == PHASE_WRITE;

		if (*error == BLK_STS_AGAIN && (bio->bi_opf & REQ_NOWAIT)) {
			/*
			 * Sent to one leg only, nothing has happened yet and
			 * the submitter may try again. Sent to both, the
			 * other leg has it: this one must follow.
			 */
			if (io->both) {
				retry_leg(io, LEG_LOCAL);
				return DM_ENDIO_INCOMPLETE;
			}
		} else {
			if (write && io->both) {
				/* the remote leg may have what failed here */
				dirty_set(&p->map, io_region(io));
				resync_needed(p);
			}
			repl_fault(&p->r, blk_status_to_errno(*error), "local",
				   write ? repl_op_name(bio_op(bio)) : "flush",
				   io->range.first, "the error went up");
		}
		io->status = *error;
	}

	if (!atomic_dec_and_test(&io->legs))
		return DM_ENDIO_INCOMPLETE;
	finish(io);
	return DM_ENDIO_DONE;
}

/*
 * ---- Start, checkpoint, stop ----
 */

/*
 * From here on writes go to the remote leg; what it lacks is copied. Nothing is
 * in flight when that is decided, so no write that went to the local leg alone
 * can mark its region too late to be copied. Nobody has watched the remote leg
 * since it was given up: it may have lost what it was sent last.
 */
static void take_up_remote(struct primary *p)
{
	repl_clear_fault(&p->r);
	range_hold(&p->ranges);
	dirty_add_recent(&p->map);
	WRITE_ONCE(p->remote, dirty_count(&p->map) ? REMOTE_RESYNC : REMOTE_ONLINE);
	range_unhold(&p->ranges);
	repl_event(&p->r);
	resync_start(p);
}

static int primary_start(struct repl *r, struct replication_reason *why)
{
	struct primary *p = to_primary(r);
	int error;

	settle_failure(p);
	error = blkdev_issue_flush(r->devs[LEG_REMOTE]);
	if (error)
		return repl_refuse(why, error, "the remote leg does not answer: error %d",
				   error);
	WRITE_ONCE(r->epoch, r->epoch + 1);
	take_up_remote(p);
	return 0;
}

static bool primary_ready(struct repl *r)
{
	return READ_ONCE(to_primary(r)->remote) != REMOTE_RESYNC;
}

static int refuse_in_resync(struct primary *p, struct replication_reason *why)
{
	return repl_refuse(why, -EAGAIN,
			   "no checkpoint: %lu regions are yet to be copied",
			   dirty_count(&p->map));
}

/* The remote leg has got all up to the cut: let it make that durable. */
static int flush_remote(struct primary *p, struct replication_reason *why)
{
	int error = blkdev_issue_flush(p->r.devs[LEG_REMOTE]);

	if (error)
		primary_remote_failed(p, error, REQ_OP_FLUSH, 0,
				      "the checkpoint failed");
	/* a write from before the cut may have failed too */
	if (test_bit(0, &p->remote_failed)) {
		settle_failure(p);
		return repl_refuse(why, error ?: -EIO,
				   "no checkpoint: the remote leg failed");
	}
	dirty_confirm(&p->map);
	WRITE_ONCE(p->r.epoch, p->r.epoch + 1);
	return 0;
}

/*
 * The cut is where no write is in flight. Writes go on while the remote leg
 * flushes: being later than the cut they may be in its flush or not.
 */
static int primary_checkpoint(struct repl *r, struct replication_reason *why)
{
	struct primary *p = to_primary(r);

	settle_failure(p);
	if (p->remote == REMOTE_RESYNC)
		return refuse_in_resync(p, why);
	if (p->remote == REMOTE_DEGRADED)
		return repl_refuse(why, -EIO,
				   "no checkpoint: the remote leg is degraded");

	range_hold(&p->ranges);
	dirty_cut(&p->map);
	range_unhold(&p->ranges);
	return flush_remote(p, why);
}

static int primary_stop(struct repl *r, bool failover,
			struct replication_reason *why)
{
	struct primary *p = to_primary(r);
	bool checkpoint;
	int error;

	settle_failure(p);
	if (!failover && p->remote == REMOTE_RESYNC)
		return refuse_in_resync(p, why);
	checkpoint = !failover && p->remote == REMOTE_ONLINE;
	if (!failover && !checkpoint)
		REPL_WARN(r, "stopped without a checkpoint: the remote leg is degraded");

	/* the cut is the last thing that the remote leg gets */
	range_hold(&p->ranges);
	WRITE_ONCE(p->remote, REMOTE_DEGRADED);
	dirty_cut(&p->map);
	/* nobody knows what a remote leg has after a failover */
	if (failover)
		dirty_add_recent(&p->map);
	range_unhold(&p->ranges);
	if (checkpoint) {
		error = flush_remote(p, why);
		if (error)
			return error;
	}
	repl_set_stage(r, STAGE_DONE);
	return 0;
}

/* A primary's stop leaves nothing to the background. */
static bool primary_stopped(struct repl *r, int *error)
{
	*error = 0;
	return true;
}

static int primary_resume(struct repl *r, bool reloaded)
{
	struct primary *p = to_primary(r);

	settle_failure(p);
	if (r->stage != STAGE_RUNNING)
		return 0;
	if (reloaded && p->remote == REMOTE_DEGRADED)
		take_up_remote(p);
	else
		resync_start(p);
	return 0;
}

static void primary_quiesce(struct repl *r)
{
	struct primary *p = to_primary(r);

	resync_quiesce(p);
	flush_work(&p->fail_work);
}

/* All I/O on the legs is the table's, which has gone, or has been quiesced. */
static void primary_abandon(struct repl *r)
{
	drain_workqueue(to_primary(r)->io_wq);
}

static void primary_destroy(struct repl *r)
{
	struct primary *p = to_primary(r);

	if (r->wq)
		destroy_workqueue(r->wq);
	if (p->io_wq)
		destroy_workqueue(p->io_wq);
	resync_exit(p);
	dirty_exit(&p->map);
	kvfree(p);
}

const struct repl_kind primary_kind = {
	.name = "primary",
	.mode = REPLICATION_MODE_PRIMARY,
	.start = primary_start,
	.checkpoint = primary_checkpoint,
	.stop = primary_stop,
	.ready = primary_ready,
	.stopped = primary_stopped,
	.resume = primary_resume,
	.quiesce = primary_quiesce,
	.abandon = primary_abandon,
	.destroy = primary_destroy,
};

/**
 * primary_new() - the replication for a table of the primary form
 * @md: the mapped device
 * @opt: what the table says
 * @error: why there is an error
 *
 * Return: a new replication, or the mapped device's present one when the table
 * names the same legs; given back with repl_detach(). Or an ERR_PTR.
 */
struct repl *primary_new(struct mapped_device *md,
			 const struct primary_options *opt, const char **error)
{
	struct primary *p;
	struct repl *r;
	int err;

	repl_list_acquire();
	r = repl_attach(&primary_kind, md, opt->len, opt->local, opt->remote,
			error);
	if (r) {
		if (!IS_ERR(r) &&
		    1ULL << to_primary(r)->map.shift != opt->region_size) {
			/* dropping the attachment cannot be the last */
			r->tables--;
			repl_put(r);
			*error = "region_size cannot change while the device exists";
			r = ERR_PTR(-EINVAL);
		}
		goto out;
	}

	p = kvzalloc(sizeof(*p), GFP_KERNEL);
	if (!p) {
		*error = "Out of memory";
		r = ERR_PTR(-ENOMEM);
		goto out;
	}
	r = &p->r;
	p->remote = REMOTE_DEGRADED;
	INIT_WORK(&p->fail_work, do_fail);
	*error = "Out of memory";
	err = repl_init(r, &primary_kind, md, opt->len, opt->local, opt->remote);
	if (!err) {
		err = dirty_init(&p->map, opt->len, opt->region_size, !opt->nosync);
		if (err == -E2BIG)
			*error = "Too many regions: raise region_size";
	}
	if (!err) {
		p->io_wq = alloc_workqueue("dm-repl-io/%s",
					   WQ_MEM_RECLAIM | WQ_UNBOUND, 0,
					   dm_device_name(md));
		err = p->io_wq ? 0 : -ENOMEM;
	}
	if (!err) {
		range_lock_init(&p->ranges, p->map.shift, p->io_wq);
		err = resync_init(p);
	}
	if (err) {
		primary_destroy(r);
		r = ERR_PTR(err);
		goto out;
	}
	repl_publish(r);
out:
	repl_list_release();
	return r;
}

/**
 * primary_status() - the positional status line
 * @p: the primary
 * @result: gets the text
 * @maxlen: its size in bytes
 * @fault: the first error's name, or "-"
 */
void primary_status(struct primary *p, char *result, unsigned int maxlen,
		    const char *fault)
{
	static const char * const remote[] = {
		[REMOTE_ONLINE] = "online",
		[REMOTE_RESYNC] = "resync",
		[REMOTE_DEGRADED] = "degraded",
	};
	unsigned int sz = 0;

	/* sync mode: what is not acknowledged by both is not acknowledged */
	DMEMIT("primary %s %llu %lu/%lu %s 0 %s",
	       repl_stage_name(READ_ONCE(p->r.stage)), READ_ONCE(p->r.epoch),
	       p->map.regions - dirty_count(&p->map), p->map.regions,
	       remote[READ_ONCE(p->remote)], fault);
}
