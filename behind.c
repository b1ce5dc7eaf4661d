// SPDX-License-Identifier: GPL-2.0-only
/*
 * Async mode: copies that are on their way to the remote leg.
 *
 * A write is copied before either leg gets it, and both legs get the copy: the
 * owner may do with the buffer what it likes, the legs stay equal. The pages go
 * when both legs have answered.
 *
 * What is on its way is bounded: a copy takes room first, then memory. A write
 * for which there is no room waits with its range held, so that what overlaps
 * it stays in order. Without memory the write's region becomes dirty and is
 * copied later; nothing here waits for memory that may depend on it.
 *
 * Copies reach the remote leg in parallel and in any order, but for those that
 * overlap: they take their range in a second range lock, in the order in which
 * they took it in the first one. So at any instant the remote leg may have a
 * write and lack one that was acknowledged before; at a cut it does not, see
 * cut.h.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/slab.h>

#include "compat.h"
#include "primary.h"

/*
 * No writer waits for the remote leg: what that does not take at once is left to a
 * worker. Where it is known beforehand, it is collected for a while: to wake the
 * worker costs more than to send.
 */
#define SEND_DELAY	1	/* jiffy */

/* bios that are had without the page allocator */
#define RESERVE		64

/**
 * struct behind_write - a write on its way to the remote leg
 * @p: the primary
 * @range: among the copies
 * @gate: at the gate
 * @refs: legs that have yet to answer
 * @sectors: of room
 * @waits: for its range, and for behind_send()
 * @dropped: is not sent after all
 * @sleeps: the remote leg may sleep when it is sent
 * @send: in the primary's behind.sending
 * @iter: of @bio before it was sent
 * @bio: the remote leg's, with the pages; last, from the primary's bio_set
 */
struct behind_write {
	struct primary *p;
	struct io_range range;
	struct cut_wait gate;
	atomic_t refs;
	sector_t sectors;
	atomic_t waits;
	bool dropped;
	bool sleeps;
	struct llist_node send;
	struct bvec_iter iter;
	struct bio bio;
};

/*
 * ---- Room ----
 */

/**
 * behind_most() - the most that one copy may take
 * @p: the primary
 *
 * Return: sectors.
 */
unsigned int behind_most(const struct primary *p)
{
	return min_t(unsigned int,
		     round_down(p->config.max_behind, FORMAT_BLOCK_SECTORS),
		     BIO_MAX_VECS << PAGE_SECTORS_SHIFT);
}

/* A copy takes whole pages. */
static sector_t room_for(const struct bio *bio)
{
	return round_up(bio_sectors(bio), PAGE_SECTORS);
}

/* What has no payload may be larger than all the room, and goes alone then. */
static bool fits(const struct primary *p, sector_t sectors)
{
	const struct behind *b = &p->behind;

	return !b->sectors || b->sectors + sectors <= p->config.max_behind;
}

/*
 * Pages are kept for the next copy: to be had from the page allocator they would
 * have to be cleared. There are never more than there is room for.
 */
static void keep_pages(struct behind *b, struct bio *bio)
{
	unsigned int i;

	for (i = 0; i < bio->bi_vcnt; i++)
		list_add(&bio->bi_io_vec[i].bv_page->lru, &b->pages);
}

static struct page *get_page_for_copy(struct behind *b, gfp_t gfp)
{
	unsigned long flags;
	struct page *page;

	spin_lock_irqsave(&b->lock, flags);
	page = list_first_entry_or_null(&b->pages, struct page, lru);
	if (page)
		list_del(&page->lru);
	spin_unlock_irqrestore(&b->lock, flags);
	return page ? page : alloc_page(gfp);
}

static void free_pages_kept(struct behind *b)
{
	struct page *page, *next;
	LIST_HEAD(pages);

	spin_lock_irq(&b->lock);
	list_splice_init(&b->pages, &pages);
	spin_unlock_irq(&b->lock);
	list_for_each_entry_safe(page, next, &pages, lru)
		__free_page(page);
}

static bool take_room(struct primary *p, struct primary_io *io, bool nowait)
{
	sector_t sectors = room_for(io->bio);
	struct behind *b = &p->behind;
	unsigned long flags;
	bool got;

	spin_lock_irqsave(&b->lock, flags);
	got = list_empty(&b->waiting) && fits(p, sectors);
	if (got)
		WRITE_ONCE(b->sectors, b->sectors + sectors);
	else if (!nowait)
		list_add_tail(&io->room, &b->waiting);
	spin_unlock_irqrestore(&b->lock, flags);
	return got;
}

/* Together with @bio and its pages, if there is one. */
static void give_room(struct primary *p, sector_t sectors, struct bio *bio)
{
	struct behind *b = &p->behind;
	unsigned long flags;

	spin_lock_irqsave(&b->lock, flags);
	if (bio) {
		keep_pages(b, bio);
		bio_put(bio);
	}
	/* the last touch: from here on the primary may go */
	WRITE_ONCE(b->sectors, b->sectors - sectors);
	if (unlikely(!list_empty(&b->waiting)))
		queue_work(p->io_wq, &b->room_work);
	if (!b->sectors)
		wake_up(&b->idle);
	spin_unlock_irqrestore(&b->lock, flags);
}

static struct primary_io *next_waiting(struct primary *p)
{
	struct behind *b = &p->behind;
	struct primary_io *io;

	spin_lock_irq(&b->lock);
	io = list_first_entry_or_null(&b->waiting, struct primary_io, room);
	if (io && fits(p, room_for(io->bio))) {
		list_del(&io->room);
		WRITE_ONCE(b->sectors, b->sectors + room_for(io->bio));
	} else {
		io = NULL;
	}
	spin_unlock_irq(&b->lock);
	return io;
}

static void do_room(struct work_struct *work)
{
	struct primary *p = container_of(work, struct primary, behind.room_work);
	struct primary_io *io;

	while ((io = next_waiting(p)))
		legs_send_behind(io);
}

/*
 * ---- The remote leg ----
 */

/**
 * behind_put() - a leg has done with a copy
 * @copy: it
 *
 * Context: any.
 */
void behind_put(struct behind_write *copy)
{
	struct primary *p = copy->p;
	sector_t sectors = copy->sectors;

	if (!atomic_dec_and_test(&copy->refs))
		return;
	/* only now: a checkpoint flushes the local leg too */
	range_release(&p->behind.ranges, &copy->range);
	give_room(p, sectors, &copy->bio);
}

/* One who may sleep sends it. */
static void leave_to_worker(struct behind_write *copy, unsigned long delay)
{
	struct behind *b = &copy->p->behind;

	/* once it is listed it may be answered, and the primary go: see repl_detach() */
	rcu_read_lock();
	if (llist_add(&copy->send, &b->sending))
		queue_delayed_work(b->wq, &b->send_work, delay);
	rcu_read_unlock();
}

static void copy_end_io(struct bio *bio)
{
	struct behind_write *copy = container_of(bio, struct behind_write, bio);
	struct primary *p = copy->p;
	blk_status_t status = bio->bi_status;

	if (unlikely(status)) {
		if (repl_would_wait(bio, status)) {
			leave_to_worker(copy, 0);
			return;
		}
		dirty_set(&p->map, dirty_region(&p->map, copy->range.first));
		if (primary_cannot(bio_op(bio), status))
			resync_needed(p);
		else
			primary_remote_failed(p, blk_status_to_errno(status),
					      bio_op(bio), copy->range.first,
					      p->config.stall ?
					      "writes wait for the remote leg" :
					      "the remote leg is given up");
	}
	behind_put(copy);
}

/* Is a copy to be sent? If not it is done with. */
static bool is_wanted(struct behind_write *copy)
{
	struct primary *p = copy->p;

	if (likely(!copy->dropped && primary_sends(p)))
		return true;
	if (!copy->dropped)
		dirty_set(&p->map, dirty_region(&p->map, copy->range.first));
	behind_put(copy);
	return false;
}

/* It has its range, and is not behind a cut. */
static void submit(struct behind_write *copy, unsigned long delay)
{
	if (!is_wanted(copy))
		return;
	if (copy->sleeps)
		leave_to_worker(copy, delay);
	else
		submit_bio_noacct(&copy->bio);
}

/* In the order in which they came. */
static void do_send(struct work_struct *work)
{
	struct behind *b = container_of(to_delayed_work(work), struct behind,
					send_work);
	struct llist_node *all = llist_reverse_order(llist_del_all(&b->sending));
	struct behind_write *copy, *next;

	llist_for_each_entry_safe(copy, next, all, send) {
		primary_unsend(&copy->bio, copy->p->r.devs[LEG_REMOTE],
			       &copy->iter);
		if (is_wanted(copy))
			submit_bio_noacct(&copy->bio);
	}
}

/* Somebody waits for what is on its way. */
static void hurry(struct primary *p)
{
	if (!llist_empty(&p->behind.sending))
		mod_delayed_work(p->behind.wq, &p->behind.send_work, 0);
}

static void copy_passed(struct cut_wait *wait)
{
	leave_to_worker(container_of(wait, struct behind_write, gate), 0);
}

static void go(struct behind_write *copy, unsigned long delay)
{
	if (atomic_dec_and_test(&copy->waits) &&
	    !cut_gate_holds(&copy->p->gate, &copy->gate, copy->range.cut))
		submit(copy, delay);
}

static void copy_granted(struct io_range *range)
{
	/* it has waited already */
	go(container_of(range, struct behind_write, range), 0);
}

/**
 * behind_send() - send a copy to the remote leg, when its turn comes
 * @copy: from behind_prepare()
 *
 * Context: process; does not sleep.
 */
void behind_send(struct behind_write *copy)
{
	go(copy, SEND_DELAY);
}

/**
 * behind_drop() - do not send a copy
 * @copy: from behind_prepare(); it keeps its place in line until its turn comes
 *
 * Context: process.
 */
void behind_drop(struct behind_write *copy)
{
	copy->dropped = true;
	go(copy, 0);
}

/*
 * ---- Copies ----
 */

static bool add_payload(struct behind *b, struct bio *bio, unsigned int bytes,
			gfp_t gfp)
{
	unsigned int len;
	struct page *page;

	for (; bytes; bytes -= len) {
		page = get_page_for_copy(b, gfp);
		if (!page)
			return false;
		len = min_t(unsigned int, bytes, PAGE_SIZE);
		__bio_add_page(bio, page, len, 0);
	}
	return true;
}

static struct behind_write *make_copy(struct primary *p, struct bio *from,
				      gfp_t gfp)
{
	struct block_device *remote = p->r.devs[LEG_REMOTE];
	blk_opf_t opf = from->bi_opf & ~(REQ_FUA | REQ_POLLED | REQ_NOWAIT |
					 REQ_ALLOC_CACHE);
	bool data = bio_has_data(from);
	struct behind_write *copy;
	bool sleeps;
	struct bio *bio;

	/*
	 * Where the block layer throttles what is written back it knows nothing of
	 * REQ_NOWAIT. It leaves alone what looks like direct I/O, but no discard.
	 */
	sleeps = !bdev_nowait(remote) || bio_op(from) == REQ_OP_DISCARD;
	if (!sleeps)
		opf |= REQ_NOWAIT;
	if (data)
		opf |= REQ_SYNC | REQ_IDLE;

	/*
	 * Never waits: what the pool's bios wait for may be in the same
	 * submitter's list. Durable on the remote leg is what a checkpoint
	 * makes it.
	 */
	bio = bio_alloc_bioset(remote, data ? DIV_ROUND_UP(from->bi_iter.bi_size,
						   PAGE_SIZE) : 0,
			       opf | COMPAT_ALLOC_CACHE,
			       GFP_NOWAIT | __GFP_NOWARN, &p->behind.bios);
	if (!bio)
		return NULL;
	bio->bi_ioprio = from->bi_ioprio;
	copy = container_of(bio, struct behind_write, bio);
	copy->sleeps = sleeps;
	if (data) {
		if (!add_payload(&p->behind, bio, from->bi_iter.bi_size,
				 gfp)) {
			bio_free_pages(bio);
			bio_put(bio);
			return NULL;
		}
		bio_copy_data(bio, from);
	}
	bio->bi_iter.bi_size = from->bi_iter.bi_size;
	bio->bi_iter.bi_sector = from->bi_iter.bi_sector;
	bio->bi_end_io = copy_end_io;
	copy->iter = bio->bi_iter;
	return copy;
}

/**
 * behind_prepare() - make a copy of a write, and give it its place
 * @p: the primary
 * @io: the write; its range is held
 * @waited: there is room for it already
 * @nowait: do not sleep, do not wait for room
 *
 * The write itself gets the copy's payload. Followed by behind_send(); and by
 * behind_put() when the local leg has answered.
 *
 * Context: process.
 * Return: 0, -EAGAIN for @nowait, -EINPROGRESS if legs_send_behind() will be
 * called, or -ENOMEM.
 */
int behind_prepare(struct primary *p, struct primary_io *io, bool waited,
		   bool nowait)
{
	sector_t sectors = room_for(io->bio);
	struct behind_write *copy;

	if (!waited && !take_room(p, io, nowait)) {
		hurry(p);
		return nowait ? -EAGAIN : -EINPROGRESS;
	}
	copy = make_copy(p, io->bio, GFP_NOWAIT | __GFP_NOWARN);
	if (!copy && !nowait)
		copy = make_copy(p, io->bio,
				 GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN);
	if (!copy) {
		give_room(p, sectors, NULL);
		return nowait ? -EAGAIN : -ENOMEM;
	}
	copy->p = p;
	copy->sectors = sectors;
	copy->range.first = io->range.first;
	copy->range.last = io->range.last;
	copy->range.granted = copy_granted;
	copy->gate.pass = copy_passed;
	atomic_set(&copy->refs, 2);
	if (copy->bio.bi_vcnt) {
		io->bio->bi_io_vec = copy->bio.bi_io_vec;
		io->bio->bi_iter = copy->iter;
	}
	io->copy = copy;
	copy->dropped = false;
	atomic_set(&copy->waits, 2);
	if (range_acquire(&p->behind.ranges, &copy->range, false))
		atomic_dec(&copy->waits);
	return 0;
}

static bool is_idle(struct behind *b)
{
	bool idle;

	/* with the lock: whoever made it so has done with the primary */
	spin_lock_irq(&b->lock);
	idle = !b->sectors;
	spin_unlock_irq(&b->lock);
	return idle;
}

/**
 * behind_drain() - wait until the remote leg has answered all that is behind
 * @p: the primary; no new copies are made
 *
 * Context: process, sleeps.
 */
void behind_drain(struct primary *p)
{
	hurry(p);
	wait_event(p->behind.idle, is_idle(&p->behind));
	free_pages_kept(&p->behind);
}

/**
 * behind_drain_cut() - wait until it has answered what is from before a cut
 * @p: the primary
 * @cut: a time on the clock of cuts that has come
 *
 * Or until a leg has failed.
 *
 * Context: process, sleeps.
 */
void behind_drain_cut(struct primary *p, u64 cut)
{
	hurry(p);
	range_drain(&p->behind.ranges, cut, &p->failed);
}

/*
 * ---- Life ----
 */

/**
 * behind_init() - what async mode needs
 * @p: a new primary, its io_wq and map set up
 *
 * Return: 0 or a negative errno; behind_exit() serves either.
 */
int behind_init(struct primary *p)
{
	struct behind *b = &p->behind;

	spin_lock_init(&b->lock);
	INIT_LIST_HEAD(&b->waiting);
	init_waitqueue_head(&b->idle);
	INIT_LIST_HEAD(&b->pages);
	init_llist_head(&b->sending);
	INIT_WORK(&b->room_work, do_room);
	INIT_DELAYED_WORK(&b->send_work, do_send);
	range_lock_init(&b->ranges, p->map.shift, p->io_wq);
	/* it may sleep for as long as the remote leg does: nobody else's, and one */
	b->wq = alloc_workqueue("dm-repl-behind/%s",
				WQ_MEM_RECLAIM | WQ_UNBOUND, 1,
				dm_device_name(p->r.md));
	if (!b->wq)
		return -ENOMEM;
	return bioset_init(&b->bios, RESERVE, offsetof(struct behind_write, bio),
			   BIOSET_NEED_BVECS | BIOSET_PERCPU_CACHE);
}

void behind_exit(struct primary *p)
{
	/* nothing where it was never set up */
	if (p->behind.wq)
		destroy_workqueue(p->behind.wq);
	bioset_exit(&p->behind.bios);
}
