// SPDX-License-Identifier: GPL-2.0-only
/*
 * The views: where a bio goes.
 *
 * A bio looks at the layout that is published, once. Reads need nothing but
 * RCU to find their layer, and pin it while they are in flight. Writes count
 * themselves where they go and look whether the layout is still the one they
 * have seen; if not, they look again. So who publishes a layout in which
 * writes are held knows, when the counts are 0, that nothing is on its way:
 *
 *	write			freeze
 *	count++			publish
 *	barrier			barrier
 *	layout as seen?		count 0?
 *
 * Whoever comes second sees what the other has done.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "secondary.h"

/* how often to reclaim memory for one mapping before the write fails */
#define MEMORY_TRIES	16

/*
 * 64 MiB: what is blanked at a time. It may swallow as many mappings as there
 * are sectors, and all that with the layer's lock held.
 */
#define BLANK_SECTORS	131072

static const char *view_name(enum view_id view)
{
	return view == VIEW_INBOUND ? "inbound" : "active";
}

static void put_count(struct secondary *s, atomic_t *count)
{
	/* waitqueue_active() is safe: atomic_dec_and_test() is a full barrier */
	if (atomic_dec_and_test(count) && waitqueue_active(&s->r.wait))
		wake_up_all(&s->r.wait);
}

static int answer(struct secondary_io *io, struct bio *bio, blk_status_t status)
{
	io->phase = IO_PASS;
	bio->bi_status = status;
	bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}

static void trim(struct bio *bio, unsigned int sectors)
{
	if (sectors >= bio_sectors(bio))
		return;
	/* the rest may have to wait, and nobody would poll for this part meanwhile */
	bio->bi_opf &= ~REQ_POLLED;
	dm_accept_partial_bio(bio, sectors);
}

/*
 * ---- Reads ----
 */

static int map_read(struct secondary *s, struct secondary_io *io, struct bio *bio)
{
	unsigned int i, sectors = bio_sectors(bio);
	struct layer *l = NULL;
	struct layout *now;
	sector_t place;
	int kind = -ENOENT;

	rcu_read_lock();
	now = rcu_dereference(s->layout);
	if (unlikely(now->mode[io->view] == VIEW_REFUSED)) {
		rcu_read_unlock();
		return answer(io, bio, BLK_STS_IOERR);
	}
	if (now->open[io->view]) {
		l = now->open[io->view];
		kind = layer_lookup(l, io->sector, &sectors, &place);
	}
	for (i = 0; kind == -ENOENT && i < now->nr; i++) {
		smp_rmb(); /* newest first: pairs with the order in punch() */
		l = now->committed[i];
		kind = layer_lookup(l, io->sector, &sectors, &place);
	}
	if (kind == FORMAT_DATA)
		atomic_inc(&l->readers);
	else if (kind == -ENOENT)
		atomic_inc(&s->disk_readers);
	rcu_read_unlock();

	trim(bio, sectors);
	switch (kind) {
	case FORMAT_DATA:
		io->phase = IO_READ_LAYER;
		io->layer = l;
		bio_set_dev(bio, s->r.devs[DEV_BUFFER]);
		bio->bi_iter.bi_sector = place;
		return DM_MAPIO_REMAPPED;
	case -ENOENT:
		io->phase = IO_READ_DISK;
		bio_set_dev(bio, s->r.devs[DEV_DISK]);
		return DM_MAPIO_REMAPPED;
	default:
		io->phase = IO_PASS;
		zero_fill_bio(bio);
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	}
}

/*
 * ---- Writes ----
 */

/*
 * The mode for a write, with the write counted where it goes; with it the
 * layer, or whether there are committed layers above the disk.
 */
static enum view_mode enter_write(struct secondary *s, enum view_id view,
				  struct layer **layer, bool *covered)
{
	enum view_mode mode;
	struct layout *now;

	rcu_read_lock();
	for (;;) {
		atomic_t *count;

		now = rcu_dereference(s->layout);
		mode = now->mode[view];
		if (mode == VIEW_LAYERED) {
			*layer = now->open[view];
			count = &(*layer)->writers;
		} else if (mode == VIEW_PLAIN) {
			*covered = now->nr;
			count = &s->plain_writers;
		} else {
			break;
		}
		atomic_inc(count);
		smp_mb__after_atomic(); /* pairs with layout_publish() */
		if (likely(now == rcu_access_pointer(s->layout)))
			break;
		put_count(s, count);
	}
	rcu_read_unlock();
	return mode;
}

static bool is_held(struct secondary *s, enum view_id view)
{
	bool held;

	rcu_read_lock();
	held = rcu_dereference(s->layout)->mode[view] == VIEW_HELD;
	rcu_read_unlock();
	return held;
}

/*
 * Sleeps until the view is no longer held. What this waits for are writes that
 * have been sent, and those the block layer has issued before it lets a task
 * map another bio, or does when the task sleeps: they do not depend on us.
 *
 * Return: false when @bio must not wait.
 */
static bool wait_held(struct secondary *s, struct secondary_io *io,
		      struct bio *bio)
{
	if (bio->bi_opf & REQ_NOWAIT)
		return false;
	wait_event(s->r.wait, !is_held(s, io->view));
	return true;
}

/* Memory was short where one must not sleep: here one may. */
static bool wait_memory(unsigned int tries)
{
	if (tries >= MEMORY_TRIES)
		return false;
	/* who is to bring others memory can only wait for those who free some */
	if (current->flags & PF_MEMALLOC)
		schedule_timeout_uninterruptible(1);
	else
		kfree(kmalloc(PAGE_SIZE, GFP_NOIO));
	return true;
}

static int map_data(struct secondary *s, struct secondary_io *io, struct bio *bio)
{
	int error = layer_write(io->layer, io->sector, bio_sectors(bio),
				&io->write);

	if (unlikely(error))
		return error;
	trim(bio, io->write.sectors);
	io->phase = IO_WRITE_LAYER;
	/* only a checkpoint makes a layer durable */
	bio->bi_opf &= ~REQ_FUA;
	bio_set_dev(bio, s->r.devs[DEV_BUFFER]);
	bio->bi_iter.bi_sector = io->write.place;
	return DM_MAPIO_REMAPPED;
}

/* Return: what dm core wants to know, or -ENOMEM and the bio is as it was. */
static int map_layered(struct secondary *s, struct secondary_io *io,
		       struct bio *bio)
{
	struct layer *l = io->layer;
	enum req_op op = bio_op(bio);
	int r;

	if (op == REQ_OP_WRITE) {
		r = map_data(s, io, bio);
		if (r == DM_MAPIO_REMAPPED)
			return r;
	} else {
		trim(bio, BLANK_SECTORS);
		r = layer_blank(l, io->sector, bio_sectors(bio),
				op == REQ_OP_DISCARD ?
				FORMAT_DISCARD : FORMAT_ZERO);
	}

	layer_put_writer(l);
	switch (r) {
	case 0:
		return answer(io, bio, BLK_STS_OK);
	case -ENOSPC:
		repl_fault(&s->r, -ENOSPC, view_name(io->view),
			   repl_op_name(op), io->sector,
			   "the buffer is full: take a checkpoint");
		return answer(io, bio, BLK_STS_NOSPC);
	default:
		return r;
	}
}

/* To the disk; the range is locked when there are committed layers. */
static void plain_granted(struct io_range *range)
{
	struct secondary_io *io = container_of(range, struct secondary_io, range);

	/* whoever polls does so where the bio was submitted first */
	io->bio->bi_opf &= ~REQ_POLLED;
	submit_bio_noacct(io->bio);
}

static int map_plain(struct secondary *s, struct secondary_io *io,
		     struct bio *bio, bool covered)
{
	bool nowait = bio->bi_opf & REQ_NOWAIT;
	sector_t region_end;

	bio_set_dev(bio, s->r.devs[DEV_DISK]);
	if (likely(!covered)) {
		io->phase = IO_WRITE_PLAIN;
		return DM_MAPIO_REMAPPED;
	}

	region_end = (io->sector | ((1ULL << s->ranges.shift) - 1)) + 1;
	trim(bio, min_t(sector_t, region_end - io->sector, bio_sectors(bio)));
	io->phase = IO_WRITE_PUNCH;
	/* both are flushed then, and what that loses is accounted for */
	io->fua = bio->bi_opf & REQ_FUA;
	bio->bi_opf &= ~REQ_FUA;
	io->range.first = io->sector;
	io->range.last = bio_end_sector(bio) - 1;
	io->range.granted = plain_granted;
	if (range_acquire(&s->ranges, &io->range, nowait))
		return DM_MAPIO_REMAPPED;
	/* a bio that waits may have been answered by now */
	if (nowait) {
		put_count(s, &s->plain_writers);
		return answer(io, bio, BLK_STS_AGAIN);
	}
	return DM_MAPIO_SUBMITTED;
}

static int map_write(struct secondary *s, struct secondary_io *io,
		     struct bio *bio)
{
	unsigned int tries = 0;
	bool covered = false;
	int r;

	do {
		switch (enter_write(s, io->view, &io->layer, &covered)) {
		case VIEW_LAYERED:
			r = map_layered(s, io, bio);
			if (r != -ENOMEM)
				return r;
			/* not a writer now: a transition need not wait */
			if (!(bio->bi_opf & REQ_NOWAIT) && !wait_memory(tries++)) {
				repl_fault(&s->r, -ENOMEM, view_name(io->view),
					   repl_op_name(bio_op(bio)), io->sector,
					   "the error went up");
				return answer(io, bio, BLK_STS_RESOURCE);
			}
			break;
		case VIEW_PLAIN:
			return map_plain(s, io, bio, covered);
		case VIEW_READ_ONLY:
		case VIEW_REFUSED:
			return answer(io, bio, BLK_STS_IOERR);
		case VIEW_HELD:
			break;
		}
	} while (wait_held(s, io, bio));
	return answer(io, bio, BLK_STS_AGAIN);
}

static void queue_flush(struct secondary_io *io)
{
	struct secondary *s = io->s;

	/* once it is on the list, somebody may answer it */
	if (llist_add(&io->flush, &s->flushes))
		queue_work(s->flush_wq, &s->flush_work);
}

/*
 * Neither view of a running secondary owes anything to a flush: a checkpoint
 * makes the inbound layer durable, and a crash drops the active one. That of an
 * ordinary disk does, and as long as the buffer hides the disk not only to it.
 */
static int map_flush(struct secondary *s, struct secondary_io *io,
		     struct bio *bio)
{
	bool covered = false;

	do {
		switch (enter_write(s, io->view, &io->layer, &covered)) {
		case VIEW_LAYERED:
			layer_put_writer(io->layer);
			return answer(io, bio, BLK_STS_OK);
		case VIEW_PLAIN:
			io->phase = IO_FLUSH;
			if (covered || test_bit(LOST_TELL_VIEWS, &s->lost)) {
				queue_flush(io);
				return DM_MAPIO_SUBMITTED;
			}
			bio_set_dev(bio, s->r.devs[DEV_DISK]);
			return DM_MAPIO_REMAPPED;
		case VIEW_READ_ONLY:
		case VIEW_REFUSED:
			return answer(io, bio, BLK_STS_IOERR);
		case VIEW_HELD:
			break;
		}
	} while (wait_held(s, io, bio));
	return answer(io, bio, BLK_STS_AGAIN);
}

/**
 * view_map() - send a bio to where its data is or is to be
 * @s: the secondary
 * @io: per-bio data
 * @bio: its sector is the view's, from 0
 * @view: it came in by
 *
 * Context: process; sleeps during a transition, but not for a REQ_NOWAIT bio.
 * Return: what dm core wants to know.
 */
int view_map(struct secondary *s, struct secondary_io *io, struct bio *bio,
	     enum view_id view)
{
	unsigned long now;

	io->s = s;
	io->bio = bio;
	io->view = view;
	io->sector = bio->bi_iter.bi_sector;
	now = jiffies;
	if (READ_ONCE(s->last_io) != now)
		WRITE_ONCE(s->last_io, now);
	if (bio_op(bio) == REQ_OP_READ)
		return map_read(s, io, bio);
	if (!bio_sectors(bio))
		return map_flush(s, io, bio);
	return map_write(s, io, bio);
}

/*
 * ---- Ends ----
 */

/* Lists a hole. What cannot be listed becomes durable with the merge's end. */
static void note_hole(struct secondary *s, struct layer *holes,
		      const struct io_range *range)
{
	unsigned int tries = 0;
	int error;

	do {
		error = layer_note_hole(holes, range->first,
					range->last - range->first + 1);
	} while (error == -ENOMEM && wait_memory(tries++));
	if (error)
		WRITE_ONCE(s->holes_lost, true);
}

/*
 * Takes a range that is on the disk now out of all committed layers. The oldest
 * one goes first: a reader, who comes from the newest, never gets to see what
 * lay below it, and what cannot be taken out hides what is older still.
 */
static int punch(struct secondary *s, const struct io_range *range)
{
	struct layer *layer[MAX_COMMITTED], *holes;
	unsigned int i, nr, tries = 0;
	bool mapped = false;
	struct layout *now;
	int error = 0;

	rcu_read_lock();
	now = rcu_dereference(s->layout);
	holes = now->holes;
	if (holes)
		atomic_inc(&holes->readers);
	nr = now->nr;
	for (i = 0; i < nr; i++) {
		layer[i] = now->committed[i];
		atomic_inc(&layer[i]->readers);
	}
	rcu_read_unlock();

	for (i = 0; i < nr && !mapped; i++) {
		sector_t found = range->first;

		mapped = layer_find(layer[i], &found, range->last + 1);
	}
	if (mapped)
		note_hole(s, holes, range);
	if (holes)
		layer_put_reader(holes);
	for (i = nr; i-- && !error; ) {
		do {
			error = layer_punch(layer[i], range->first, range->last);
		} while (error && wait_memory(tries++));
	}
	for (i = 0; i < nr; i++)
		layer_put_reader(layer[i]);
	return error;
}

static void end_plain(struct secondary_io *io, blk_status_t status)
{
	put_count(io->s, &io->s->plain_writers);
	answer(io, io->bio, status);
}

static void do_punch(struct work_struct *work)
{
	struct secondary_io *io = container_of(work, struct secondary_io, work);
	struct secondary *s = io->s;
	/* what is swapped out waits for this one to end */
	unsigned int reserves = memalloc_noreclaim_save();
	int error = punch(s, &io->range);

	memalloc_noreclaim_restore(reserves);
	range_release(&s->ranges, &io->range);
	if (error) {
		repl_fault(&s->r, error, "committed", "write", io->sector,
			   "out of memory: the older data is still read");
		end_plain(io, BLK_STS_RESOURCE);
	} else if (io->fua) {
		io->phase = IO_FLUSH;
		queue_flush(io);
	} else {
		end_plain(io, BLK_STS_OK);
	}
}

/**
 * views_plain() - are there views whose writes are owed to a flush of the disk?
 * @s: the secondary
 *
 * Context: any.
 */
bool views_plain(struct secondary *s)
{
	bool plain;

	rcu_read_lock();
	plain = rcu_dereference(s->layout)->mode[VIEW_ACTIVE] == VIEW_PLAIN;
	rcu_read_unlock();
	return plain;
}

/**
 * views_lost() - a flush failed that was for what has been written through views
 * @s: the secondary
 *
 * The disk may answer the next one well.
 *
 * Context: process; flush_lock is held since before the flush, so that none of the
 * views' own has succeeded meanwhile. Not where writes are held.
 */
void views_lost(struct secondary *s)
{
	set_bit(LOST_TELL_VIEWS, &s->lost);
	set_bit(LOST_TELL_START, &s->lost);
}

/**
 * holes_commit() - make durable what has been written through a plain view
 * @s: the secondary
 * @where: gets the device that failed
 *
 * A crash would bring committed data back over what is newer on the disk: so
 * first the disk, then the summaries that say where it counts.
 *
 * Context: process, sleeps; takes commit_lock.
 * Return: 0, -EAGAIN when it takes the end of the merge, or a negative errno.
 */
int holes_commit(struct secondary *s, const char **where)
{
	struct format_state state;
	struct summary_id newest;
	struct layer *holes;
	int error = 0;

	mutex_lock(&s->commit_lock);
	rcu_read_lock();
	holes = rcu_dereference(s->layout)->holes;
	if (holes)
		atomic_inc(&holes->readers);
	rcu_read_unlock();

	/* in this order: what is in a summary by now, the flush takes along */
	*where = "buffer";
	if (holes)
		error = layer_seal(holes, &newest);
	if (!error) {
		mutex_lock(&s->flush_lock);
		error = blkdev_issue_flush(s->r.devs[DEV_DISK]);
		if (error) {
			*where = "disk";
			s->disk_lost = true;
			views_lost(s);
		}
		mutex_unlock(&s->flush_lock);
	}
	/* it means something else here, whatever a device says */
	if (error == -EAGAIN)
		error = -EIO;
	state = s->buffer.state;
	if (!error && holes && !s->buffer.untrusted &&
	    newest.sequence != state.newest.sequence) {
		state.newest = newest;
		error = buffer_commit(&s->buffer, &state);
	}
	/* what a failed flush may have lost is a link of the chain */
	if (holes && s->buffer.untrusted)
		WRITE_ONCE(s->holes_lost, true);
	if (!error && holes && READ_ONCE(s->holes_lost))
		error = -EAGAIN;
	if (holes)
		layer_put_reader(holes);
	mutex_unlock(&s->commit_lock);
	return error;
}

/* Is the end of the merge still to come, and will it answer a flush? */
static bool merge_answers(struct secondary *s)
{
	return READ_ONCE(s->holes_lost) && !READ_ONCE(s->abandoned) &&
	       READ_ONCE(s->r.stage) != STAGE_FAILOVER_FAILED;
}

static void do_flush(struct work_struct *work)
{
	struct secondary *s = container_of(work, struct secondary, flush_work);
	struct llist_node *list = llist_del_all(&s->flushes);
	struct secondary_io *io, *next;
	const char *where;
	int error;

	if (!list)
		return;
	error = holes_commit(s, &where);
	if (error == -EAGAIN && !merge_answers(s))
		error = READ_ONCE(s->holes_lost) ? -EIO : 0;
	if (test_and_clear_bit(LOST_TELL_VIEWS, &s->lost)) {
		clear_bit(LOST_TELL_START, &s->lost);
		if (!error || error == -EAGAIN) {
			error = -EIO;
			where = "disk";
		}
	}
	if (error && error != -EAGAIN)
		repl_fault(&s->r, error, where, "flush", 0,
			   "the error went up");
	llist_for_each_entry_safe(io, next, list, flush) {
		if (error == -EAGAIN)
			llist_add(&io->flush, &s->flushes);
		else
			end_plain(io, errno_to_blk_status(error));
	}
	if (error != -EAGAIN)
		return;
	/* here until views_retry_flushes(), which may just have looked */
	smp_mb();
	if (!merge_answers(s))
		queue_work(s->flush_wq, &s->flush_work);
}

/**
 * views_retry_flushes() - the merge has ended, well or not
 * @s: the secondary
 */
void views_retry_flushes(struct secondary *s)
{
	smp_mb(); /* what has ended before the list, see do_flush() */
	if (!llist_empty(&s->flushes))
		queue_work(s->flush_wq, &s->flush_work);
}

static void note_fault(struct secondary_io *io, const char *where, enum req_op op,
		       blk_status_t status)
{
	if (status == BLK_STS_AGAIN)
		return;
	repl_fault(&io->s->r, blk_status_to_errno(status), where,
		   repl_op_name(op), io->sector, "the error went up");
}

/**
 * view_end_io() - a bio has been answered
 * @io: per-bio data
 * @bio: dm core's clone
 * @error: its status
 *
 * Context: any.
 * Return: what dm core wants to know.
 */
int view_end_io(struct secondary_io *io, struct bio *bio, blk_status_t *error)
{
	struct secondary *s = io->s;
	enum req_op op = bio_op(bio);

	if (unlikely(*error) && repl_would_wait(bio, *error))
		*error = BLK_STS_AGAIN;
	switch (io->phase) {
	case IO_PASS:
		break;
	case IO_READ_LAYER:
		if (unlikely(*error))
			note_fault(io, READ_ONCE(io->layer->name), op,
				   *error);
		layer_put_reader(io->layer);
		break;
	case IO_READ_DISK:
		if (unlikely(*error))
			note_fault(io, "disk", op, *error);
		put_count(s, &s->disk_readers);
		break;
	case IO_WRITE_LAYER:
		if (unlikely(*error))
			note_fault(io, READ_ONCE(io->layer->name), op,
				   *error);
		layer_write_end(io->layer, &io->write, !*error);
		layer_put_writer(io->layer);
		break;
	case IO_WRITE_PUNCH:
		if (!*error) {
			INIT_WORK(&io->work, do_punch);
			queue_work(s->io_wq, &io->work);
			return DM_ENDIO_INCOMPLETE;
		}
		range_release(&s->ranges, &io->range);
		fallthrough;
	case IO_WRITE_PLAIN:
		if (unlikely(*error))
			note_fault(io, "disk", op, *error);
		put_count(s, &s->plain_writers);
		break;
	case IO_FLUSH:
		if (unlikely(*error))
			note_fault(io, "disk", REQ_OP_FLUSH, *error);
		put_count(s, &s->plain_writers);
		break;
	}
	return DM_ENDIO_DONE;
}

/*
 * ---- Layouts ----
 */

/**
 * layout_now() - the published layout
 * @s: the secondary, locked
 */
struct layout *layout_now(struct secondary *s)
{
	return rcu_dereference_protected(s->layout,
					 lockdep_is_held(&s->r.lock));
}

/**
 * layout_copy() - a copy of the published layout, to be changed and published
 * @s: the secondary, locked
 *
 * Return: the caller's copy, or NULL when there is no memory.
 */
struct layout *layout_copy(struct secondary *s)
{
	return kmemdup(layout_now(s), sizeof(struct layout), GFP_NOIO);
}

/**
 * layout_set_modes() - what the views do in a stage
 * @layout: not published
 * @stage: the stage
 * @flags: of the superblock
 */
void layout_set_modes(struct layout *layout, enum repl_stage stage, u32 flags)
{
	static const enum view_mode mode[][VIEWS] = {
		[STAGE_NONE] = { VIEW_PLAIN, VIEW_REFUSED },
		[STAGE_RUNNING] = { VIEW_LAYERED, VIEW_LAYERED },
		[STAGE_FAILOVER] = { VIEW_PLAIN, VIEW_PLAIN },
		[STAGE_FAILOVER_FAILED] = { VIEW_PLAIN, VIEW_PLAIN },
		[STAGE_DONE] = { VIEW_PLAIN, VIEW_PLAIN },
	};

	memcpy(layout->mode, mode[stage], sizeof(layout->mode));
	if (flags & FORMAT_INBOUND_CLOSED)
		layout->mode[VIEW_INBOUND] = VIEW_REFUSED;
}

/**
 * layout_publish() - make a layout the one that bios see
 * @s: the secondary, locked
 * @layout: handed over
 */
void layout_publish(struct secondary *s, struct layout *layout)
{
	struct layout *old = layout_now(s);

	rcu_assign_pointer(s->layout, layout);
	smp_mb(); /* the pointer before the counts, see the head */
	kfree_rcu(old, rcu);
}

static bool no_writers(struct secondary *s)
{
	struct layout *now = layout_now(s);
	int i;

	for (i = 0; i < VIEWS; i++)
		if (now->open[i] && atomic_read(&now->open[i]->writers))
			return false;
	return !atomic_read(&s->plain_writers);
}

/**
 * views_freeze() - hold all writes and wait for those in flight
 * @s: the secondary, locked
 * @held: a layout_copy(); handed over
 *
 * Reads go on. Followed by views_thaw().
 *
 * Context: process, sleeps as long as the devices take to answer.
 */
void views_freeze(struct secondary *s, struct layout *held)
{
	int i;

	for (i = 0; i < VIEWS; i++)
		if (held->mode[i] != VIEW_REFUSED)
			held->mode[i] = VIEW_HELD;
	layout_publish(s, held);
	wait_event(s->r.wait, no_writers(s));
}

/**
 * views_thaw() - let writes go on, with this layout
 * @s: the secondary, locked and frozen
 * @layout: handed over
 */
void views_thaw(struct secondary *s, struct layout *layout)
{
	layout_publish(s, layout);
	wake_up_all(&s->r.wait);
}

static bool layer_idle(struct layer *l)
{
	return !atomic_read(&l->readers) && !atomic_read(&l->writers);
}

static void do_retire(struct work_struct *work)
{
	struct secondary *s = container_of(work, struct secondary, retire_work);
	struct retired *t;
	sector_t used;

	for (;;) {
		spin_lock(&s->retired_lock);
		t = list_first_entry_or_null(&s->retired, struct retired, list);
		if (t)
			list_del(&t->list);
		spin_unlock(&s->retired_lock);
		if (!t)
			break;
		/* after this nobody finds the layer; then let go who has */
		synchronize_rcu();
		wait_event(s->r.wait, layer_idle(t->layer));
		if (t->into) {
			mtree_lock(&t->into->map);
			segments_join(&s->buffer, &t->into->segments,
				      &t->layer->segments);
			WRITE_ONCE(t->into->sectors, t->into->sectors +
				   t->layer->sectors);
			mtree_unlock(&t->into->map);
		}
		used = buffer_used(&s->buffer);
		layer_free(t->layer);
		kfree(t);
		/* now status says so: somebody may wait for just that */
		if (used && !buffer_used(&s->buffer))
			repl_event(&s->r);
	}
}

/**
 * layer_retire() - free a layer once nobody uses it
 * @s: the secondary
 * @l: the layer, in no published layout; or NULL
 * @into: gets its segments; NULL to free them
 *
 * Layers are freed in the order in which they are retired, so @into is still
 * there when its turn comes to get the segments.
 */
void layer_retire(struct secondary *s, struct layer *l, struct layer *into)
{
	struct retired *t;

	if (!l)
		return;
	t = kmalloc(sizeof(*t), GFP_NOIO | __GFP_NOFAIL);
	t->layer = l;
	t->into = into;
	spin_lock(&s->retired_lock);
	list_add_tail(&t->list, &s->retired);
	spin_unlock(&s->retired_lock);
	queue_work(s->bg_wq, &s->retire_work);
}

void views_init(struct secondary *s)
{
	spin_lock_init(&s->retired_lock);
	INIT_LIST_HEAD(&s->retired);
	INIT_WORK(&s->retire_work, do_retire);
	init_llist_head(&s->flushes);
	INIT_WORK(&s->flush_work, do_flush);
}

/* Waits for the I/O of our own. */
void views_quiesce(struct secondary *s)
{
	flush_work(&s->retire_work);
	flush_work(&s->flush_work);
}
