/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Block devices in memory, see disk.h, and as much of a bio as it takes to read
 * or write a block there.
 */
#ifndef UNIT_LINUX_BLKDEV_H
#define UNIT_LINUX_BLKDEV_H

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

typedef unsigned int blk_opf_t;
typedef int blk_status_t;

enum req_op {
	REQ_OP_READ,
	REQ_OP_WRITE,
	REQ_OP_FLUSH,
	REQ_OP_DISCARD,
	REQ_OP_WRITE_ZEROES,
};

#define REQ_OP_MASK	0xffU
#define REQ_SYNC	(1U << 8)
#define REQ_META	(1U << 9)
#define REQ_FUA		(1U << 10)
#define REQ_PREFLUSH	(1U << 11)
#define REQ_NOWAIT	(1U << 12)

#define BLK_STS_OK	0
#define BLK_STS_AGAIN	1
#define BLK_STS_NOTSUPP	2
#define BLK_STS_IOERR	3

struct block_device;

struct bio_vec {
	void *page;
	unsigned int bytes;
	unsigned int offset;
};

struct bvec_iter {
	sector_t bi_sector;
};

struct bio {
	struct block_device *bi_bdev;
	blk_opf_t bi_opf;
	struct bvec_iter bi_iter;
	struct bio_vec *bi_io_vec;
};

#define virt_to_page(p)		((void *)((unsigned long)(p) & ~(PAGE_SIZE - 1)))
#define offset_in_page(p)	((unsigned int)((unsigned long)(p) & (PAGE_SIZE - 1)))

static inline void bio_init(struct bio *bio, struct block_device *bdev, struct bio_vec *vec,
			    unsigned int vecs, blk_opf_t opf)
{
	(void)vecs;
	*bio = (struct bio) { .bi_bdev = bdev, .bi_opf = opf, .bi_io_vec = vec };
}

static inline void bio_uninit(struct bio *bio)
{
	(void)bio;
}

static inline void __bio_add_page(struct bio *bio, void *page, unsigned int bytes,
				  unsigned int offset)
{
	*bio->bi_io_vec = (struct bio_vec) { page, bytes, offset };
}

int submit_bio_wait(struct bio *bio);
int blkdev_issue_flush(struct block_device *bdev);
sector_t bdev_nr_sectors(const struct block_device *bdev);
bool bdev_write_cache(const struct block_device *bdev);

#endif
