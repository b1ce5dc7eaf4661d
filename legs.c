// SPDX-License-Identifier: GPL-2.0-only
/*
 * The path of a bio through a primary, straight from map.
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
 * known by then. With a dirty log the region has a durable mark before either
 * leg is asked.
 *
 * In async mode the payload is copied, both legs are written from the copy, and
 * the range is held until the local leg has answered: dm core's clone gets the
 * copy's pages. See behind.c for the
 * order in which the copies reach the remote leg.
 *
 * Between a cut and the end of its checkpoint the remote leg gets nothing that
 * was submitted after the cut. The local leg does, and reads it back; in sync
 * mode such a write is acknowledged when the remote leg has it too.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>

#include "primary.h"

static unsigned long io_region(const struct primary_io *io)
{
	return dirty_region(&io->p->map, io->range.first);
}

/* All legs that matter have answered. */
static void finish(struct primary_io *io)
{
	if (io->phase == PHASE_WRITE) {
		if (io->copy)
			behind_put(io->copy);
		range_release(&io->p->ranges, &io->range);
	}
	io->phase = PHASE_JOINED;
}

static void end_bio(struct primary_io *io, blk_status_t status)
{
	struct bio *bio = io->bio;

	finish(io);
	bio->bi_status = status;
	bio_endio(bio);
}

static void leg_answered(struct primary_io *io)
{
	if (atomic_dec_and_test(&io->legs))
		end_bio(io, io->status);
}

static void retry_leg(struct primary_io *io, enum primary_dev leg)
{
	queue_work(io->p->io_wq, &io->retry[leg]);
}

/* What a local leg's error means for the remote leg, and for whoever asks. */
static void local_failed(struct primary_io *io, blk_status_t status,
			 enum req_op op)
{
	struct primary *p = io->p;

	if (io->phase == PHASE_FLUSH) {
		op = REQ_OP_FLUSH;
	} else if (io->both) {
		/* the remote leg may have what failed here */
		dirty_set(&p->map, io_region(io));
		resync_needed(p);
	}
	/* a flush may have been part of it, of this device or of one below */
	if (io->phase == PHASE_FLUSH || io->bio->bi_opf & REQ_FUA)
		primary_local_flush_failed(p);
	repl_fault(&p->r, blk_status_to_errno(status), "local",
		   repl_op_name(op), io->range.first, "the error went up");
}

/*
 * ---- The remote leg, sync mode ----
 */

/* The remote leg does not get it; the region is dirty. */
static void remote_given_up(struct primary_io *io)
{
	struct primary *p = io->p;

	if (!p->config.stall) {
		leg_answered(io);
		return;
	}
	/* once it is parked the last bio may be answered: see repl_detach() */
	rcu_read_lock();
	llist_add(&io->parked, &p->parked);
	smp_mb(); /* pairs with hold_legs() */
	if (READ_ONCE(p->no_parking))
		legs_unpark(p);
	else
		queue_work(p->r.wq, &p->settle_work);
	rcu_read_unlock();
}

static void remote_failed(struct primary_io *io, blk_status_t status,
			  enum req_op op)
{
	struct primary *p = io->p;

	if (io->phase == PHASE_WRITE)
		dirty_set(&p->map, io_region(io));
	else
		op = REQ_OP_FLUSH;
	if (primary_cannot(op, status)) {
		resync_needed(p);
		leg_answered(io);
		return;
	}
	primary_remote_failed(p, blk_status_to_errno(status), op,
			      io->range.first, p->config.stall ?
			      "writes wait for the remote leg" :
			      "the remote leg is given up");
	remote_given_up(io);
}

/**
 * legs_unpark() - acknowledge writes that the remote leg failed
 * @p: the primary; their regions are dirty
 *
 * Context: any.
 */
void legs_unpark(struct primary *p)
{
	struct llist_node *all = llist_reverse_order(llist_del_all(&p->parked));
	struct primary_io *io, *next;

	llist_for_each_entry_safe(io, next, all, parked)
		leg_answered(io);
}

static void remote_end_io(struct bio *remote)
{
	struct primary_io *io = container_of(remote, struct primary_io, remote);
	blk_status_t status = remote->bi_status;
	enum req_op op = bio_op(remote);

	if (repl_would_wait(remote, status)) {
		retry_leg(io, LEG_REMOTE);
		return;
	}
	bio_uninit(remote);
	if (likely(!status))
		leg_answered(io);
	else
		remote_failed(io, status, op);
}

static void retry_remote(struct work_struct *work)
{
	struct primary_io *io = container_of(work, struct primary_io,
					     retry[LEG_REMOTE]);

	primary_unsend(&io->remote, io->p->r.devs[LEG_REMOTE], &io->iter);
	submit_bio_noacct(&io->remote);
}

static void remote_passed(struct cut_wait *wait)
{
	struct primary_io *io = container_of(wait, struct primary_io, gate);

	if (primary_sends(io->p)) {
		retry_leg(io, LEG_REMOTE);
		return;
	}
	bio_uninit(&io->remote);
	dirty_set(&io->p->map, io_region(io));
	remote_given_up(io);
}

/*
 * The local leg's bio is next, and once it is sent the block layer changes it:
 * what the remote leg is to get, now or later, is taken from it here.
 */
static void send_remote(struct primary_io *io)
{
	struct primary *p = io->p;

	/* needs memory only where there are crypto contexts or integrity */
	if (unlikely(bio_init_clone(p->r.devs[LEG_REMOTE], &io->remote, io->bio,
				    GFP_NOWAIT))) {
		remote_failed(io, BLK_STS_RESOURCE, bio_op(io->bio));
		return;
	}
	/* dm polls its own clone only */
	io->remote.bi_opf &= ~REQ_POLLED;
	io->remote.bi_end_io = remote_end_io;
	io->gate.pass = remote_passed;
	if (io->phase != PHASE_WRITE ||
	    !cut_gate_holds(&p->gate, &io->gate, io->range.cut))
		submit_bio_noacct(&io->remote);
}

/*
 * ---- The local leg ----
 */

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

	primary_unsend(io->bio, io->p->r.devs[LEG_LOCAL], &io->iter);
	send_local(io);
}

/*
 * ---- Where a write goes ----
 */

/* In async mode the remote leg is not waited for. */
static void send_both(struct primary_io *io)
{
	io->iter = io->bio->bi_iter;
	INIT_WORK(&io->retry[LEG_LOCAL], retry_local);
	if (io->copy) {
		atomic_set(&io->legs, 1);
		behind_send(io->copy);
		return;
	}
	atomic_set(&io->legs, 2);
	INIT_WORK(&io->retry[LEG_REMOTE], retry_remote);
	send_remote(io);
}

/* dm core's clone is the local leg's and is next. */
static int send(struct primary_io *io)
{
	bio_set_dev(io->bio, io->p->r.devs[LEG_LOCAL]);
	if (io->both)
		send_both(io);
	else
		atomic_set(&io->legs, 1);
	return DM_MAPIO_REMAPPED;
}

static void write_marked(struct mark_wait *wait, int error)
{
	struct primary_io *io = container_of(wait, struct primary_io, mark);

	if (unlikely(error)) {
		/* neither leg was asked */
		if (io->copy)
			behind_drop(io->copy);
		end_bio(io, errno_to_blk_status(error));
		return;
	}
	send(io);
	send_local(io);
}

/*
 * Notes where a write goes before anything is sent. It has its time on the clock
 * of cuts by now, so it is not noted in an epoch before its own.
 */
static int note_and_send(struct primary_io *io)
{
	struct primary *p = io->p;
	unsigned long region = io_region(io);

	if (io->both)
		dirty_sent(&p->map, region);
	else
		dirty_set(&p->map, region);
	if (!p->log || likely(log_marked(p->log, region)))
		return send(io);
	/* takes no longer than I/O does, so REQ_NOWAIT has no say */
	io->mark.region = region;
	io->mark.marked = write_marked;
	log_mark(p->log, &io->mark);
	return DM_MAPIO_SUBMITTED;
}

static int again(struct primary_io *io)
{
	end_bio(io, BLK_STS_AGAIN);
	return DM_MAPIO_SUBMITTED;
}

/* Makes the copy of async mode. @waited: there is room for it. */
static int route_copy(struct primary_io *io, bool waited, bool nowait)
{
	struct primary *p = io->p;

	switch (behind_prepare(p, io, waited, nowait)) {
	case 0:
		return note_and_send(io);
	case -EINPROGRESS:
		return DM_MAPIO_SUBMITTED;
	case -EAGAIN:
		return again(io);
	default:
		/* no memory for a copy: a region to be copied later */
		io->both = false;
		dirty_set(&p->map, io_region(io));
		resync_needed(p);
		return note_and_send(io);
	}
}

/**
 * legs_send_behind() - go on with a write for which there is room now
 * @io: it; behind_prepare() had returned -EINPROGRESS
 *
 * Context: process.
 */
void legs_send_behind(struct primary_io *io)
{
	if (route_copy(io, true, false) == DM_MAPIO_REMAPPED)
		send_local(io);
}

static int route_flush(struct primary_io *io)
{
	struct primary *p = io->p;

	/* in async mode the remote leg's is the checkpoint's */
	io->both = primary_sends(p) && !p->config.async;
	return send(io);
}

/* The range is held. */
static int route_write(struct primary_io *io, bool nowait)
{
	struct primary *p = io->p;

	io->both = primary_sends(p) && !dirty_test(&p->map, io_region(io));
	if (io->both && p->config.async)
		return route_copy(io, false, nowait);
	return note_and_send(io);
}

static void write_granted(struct io_range *range)
{
	struct primary_io *io = container_of(range, struct primary_io, range);

	if (route_write(io, false) == DM_MAPIO_REMAPPED)
		send_local(io);
}

static void trim(struct primary *p, struct bio *bio, unsigned int most)
{
	sector_t first = bio->bi_iter.bi_sector;
	sector_t end = (first | ((1ULL << p->map.shift) - 1)) + 1;

	if (end - first < most)
		most = end - first;
	if (bio_sectors(bio) > most)
		dm_accept_partial_bio(bio, most);
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

	io->p = p;
	io->bio = bio;
	io->copy = NULL;
	io->status = BLK_STS_OK;
	io->range.first = bio->bi_iter.bi_sector;
	if (bio_op(bio) == REQ_OP_READ) {
		io->phase = PHASE_READ;
		trim(p, bio, UINT_MAX);
		io->iter = bio->bi_iter;
		bio_set_dev(bio, p->r.devs[LEG_LOCAL]);
		return DM_MAPIO_REMAPPED;
	}
	if (!bio_sectors(bio)) {
		io->phase = PHASE_FLUSH;
		return route_flush(io);
	}

	trim(p, bio, p->config.async && bio_has_data(bio) ? behind_most(p) :
	     UINT_MAX);
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
	return route_write(io, nowait);
}

/**
 * primary_end_io() - the local leg has answered, or all legs have
 * @io: per-bio data
 * @bio: dm core's clone
 * @error: its status
 *
 * Context: any.
 * Return: what dm core wants to know.
 */
int primary_end_io(struct primary_io *io, struct bio *bio, blk_status_t *error)
{
	switch (io->phase) {
	case PHASE_PASS:
	case PHASE_JOINED:
		return DM_ENDIO_DONE;
	case PHASE_READ:
		if (likely(!*error))
			return DM_ENDIO_DONE;
		if (repl_would_wait(bio, *error)) {
			*error = BLK_STS_AGAIN;
			return DM_ENDIO_DONE;
		}
		io->status = *error;
		repair_read(io);
		return DM_ENDIO_INCOMPLETE;
	case PHASE_FLUSH:
	case PHASE_WRITE:
		break;
	}

	if (unlikely(*error)) {
		bool waits = repl_would_wait(bio, *error);

		if (waits && io->both) {
			/* the other leg has it: this one must follow */
			retry_leg(io, LEG_LOCAL);
			return DM_ENDIO_INCOMPLETE;
		}
		if (waits)
			/* nothing has happened yet, and it may be tried again */
			*error = BLK_STS_AGAIN;
		else
			local_failed(io, *error, bio_op(bio));
		io->status = *error;
	}

	if (!atomic_dec_and_test(&io->legs))
		return DM_ENDIO_INCOMPLETE;
	finish(io);
	return DM_ENDIO_DONE;
}
