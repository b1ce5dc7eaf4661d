// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads that the local leg failed: served from the remote leg where that has
 * the same data, and written back to the local leg, which as a rule finds
 * another place for them.
 *
 * One after the other: this is not for speed. What is written back is a copy of
 * our own, not the reader's buffer, which is the reader's to change.
 */
#include <linux/bio.h>
#include <linux/vmalloc.h>

#include "primary.h"

/* Puts a piece of a read where its owner wants it. */
static void fill(struct bio *bio, struct bvec_iter *iter, const void *data,
		 unsigned int bytes)
{
	struct bio_vec vec;

	while (bytes) {
		vec = bio_iter_iovec(bio, *iter);
		vec.bv_len = min(vec.bv_len, bytes);
		memcpy_to_bvec(&vec, data);
		data += vec.bv_len;
		bytes -= vec.bv_len;
		bio_advance_iter_single(bio, iter, vec.bv_len);
	}
}

/* Return: false when the remote leg is of no use either. */
static bool read_remote(struct primary *p, struct primary_io *io, void *data)
{
	sector_t sector = io->iter.bi_sector, n;
	sector_t end = sector + (io->iter.bi_size >> SECTOR_SHIFT);
	struct bvec_iter iter = io->iter;

	if (!primary_sends(p) ||
	    dirty_test(&p->map, dirty_region(&p->map, sector)))
		return false;
	for (; sector < end; sector += n) {
		n = min_t(sector_t, end - sector, CHUNK_SECTORS);
		if (leg_io(p, LEG_REMOTE, REQ_OP_READ, sector, n, data)) {
			repl_fault(&p->r, -EIO, "remote", "read", sector,
				   "nor could the local leg be read");
			return false;
		}
		if (leg_io(p, LEG_LOCAL, REQ_OP_WRITE, sector, n, data))
			repl_fault(&p->r, -EIO, "local", "write", sector,
				   "what cannot be read cannot be repaired either");
		fill(io->bio, &iter, data, n << SECTOR_SHIFT);
	}
	return true;
}

static void answer(struct primary_io *io, bool good)
{
	repl_fault(&io->p->r, blk_status_to_errno(io->status), "local", "read",
		   io->iter.bi_sector, good ? "read from the remote leg" :
		   "the error went up");
	io->phase = PHASE_PASS;
	io->bio->bi_status = good ? BLK_STS_OK : io->status;
	bio_endio(io->bio);
}

static void repair(struct primary *p, struct primary_io *io)
{
	sector_t first = io->iter.bi_sector;
	struct region_hold hold;
	bool good;

	if (!primary_sends(p) ||
	    !region_acquire_sent(p, &hold, first, first +
				 (io->iter.bi_size >> SECTOR_SHIFT) - 1)) {
		answer(io, false);
		return;
	}
	good = read_remote(p, io, p->repair_data);
	region_release(p, &hold);
	answer(io, good);
}

static void do_repair(struct work_struct *work)
{
	struct primary *p = container_of(work, struct primary, repair_work);
	struct llist_node *all = llist_reverse_order(llist_del_all(&p->repair));
	struct primary_io *io, *next;

	llist_for_each_entry_safe(io, next, all, parked)
		repair(p, io);
}

/**
 * repair_read() - answer a read that the local leg failed
 * @io: it; its status is the local leg's
 *
 * Context: any.
 */
void repair_read(struct primary_io *io)
{
	struct primary *p = io->p;

	/* once it is on the list, it and the last I/O of a primary may be gone */
	rcu_read_lock();
	llist_add(&io->parked, &p->repair);
	queue_work(p->repair_wq, &p->repair_work);
	rcu_read_unlock();
}

/**
 * repair_init() - what repairs need
 * @p: a new primary
 *
 * Return: 0 or -ENOMEM; repair_exit() serves either.
 */
int repair_init(struct primary *p)
{
	init_llist_head(&p->repair);
	INIT_WORK(&p->repair_work, do_repair);
	p->repair_data = __vmalloc(CHUNK_BYTES, GFP_KERNEL | __GFP_NOWARN);
	p->repair_wq = alloc_ordered_workqueue("dm-repl-repair/%s",
					       WQ_MEM_RECLAIM,
					       dm_device_name(p->r.md));
	return p->repair_data && p->repair_wq ? 0 : -ENOMEM;
}

void repair_exit(struct primary *p)
{
	if (p->repair_wq)
		destroy_workqueue(p->repair_wq);
	vfree(p->repair_data);
}
