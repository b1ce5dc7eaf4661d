// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bio.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "block.h"
#include "core.h"

/**
 * block_io() - read or write one block
 * @bdev: the device
 * @opf: operation and flags
 * @sector: where
 * @data: FORMAT_BLOCK_SIZE bytes within one page of lowmem
 *
 * Context: process, sleeps.
 * Return: 0 or a negative errno, which is not -EAGAIN: that means more here.
 */
int block_io(struct block_device *bdev, blk_opf_t opf, sector_t sector,
	     void *data)
{
	struct bio_vec vec;
	struct bio bio;
	int error;

	bio_init(&bio, bdev, &vec, 1, opf);
	bio.bi_iter.bi_sector = sector;
	__bio_add_page(&bio, virt_to_page(data), FORMAT_BLOCK_SIZE,
		       offset_in_page(data));
	error = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return error == -EAGAIN ? -EIO : error;
}

/* What a write that was cut off may leave, where sectors are written as a whole. */
static bool is_unreadable(int error)
{
	return error == -ENODATA || error == -EILSEQ;
}

static int read_copies(struct block_device *bdev, const struct super_kind *kind,
		       __le64 *block, void *context, char *why, size_t size)
{
	char wrong[FORMAT_SUPER_COPIES][112];
	bool valid[FORMAT_SUPER_COPIES];
	u64 sequence[FORMAT_SUPER_COPIES];
	unsigned int i;
	int error;

	for (i = 0; i < FORMAT_SUPER_COPIES; i++) {
		error = block_io(bdev, REQ_OP_READ, i * FORMAT_BLOCK_SECTORS,
				 block);
		valid[i] = false;
		if (is_unreadable(error)) {
			scnprintf(wrong[i], sizeof(wrong[i]),
				  "it cannot be read, error %d", error);
			continue;
		}
		if (error) {
			scnprintf(why, size,
				  "Cannot read the %s's superblock: error %d",
				  kind->what, error);
			return error;
		}
		if (!i && format_all_zero(block, FORMAT_BLOCK_SIZE))
			return -ENODATA;
		if (!i && *block != cpu_to_le64(kind->magic)) {
			scnprintf(why, size,
				  "The %s holds something else: it begins with %*phN; zero its first 4096 bytes to use it",
				  kind->what, 8, block);
			return -EINVAL;
		}
		valid[i] = kind->decode(context, block, i, &sequence[i],
					wrong[i], sizeof(wrong[i]));
	}
	if (valid[0] && valid[1])
		return sequence[1] > sequence[0];
	if (valid[0] || valid[1]) {
		DMWARN("%pg: superblock copy %d is damaged: %s; copy %d counts",
		       bdev, valid[0], wrong[valid[0]], valid[1]);
		return valid[1];
	}
	scnprintf(why, size,
		  "The %s's superblocks are damaged: %s, and %s; zero its first 4096 bytes to give up what it holds",
		  kind->what, wrong[0], wrong[1]);
	return -EINVAL;
}

/**
 * supers_read() - which of two superblocks counts?
 * @bdev: the device
 * @kind: what is looked for
 * @context: for @kind's decode, which gets both copies
 * @why: gets the reason of an error
 * @size: of @why in bytes
 *
 * The first copy must at least look like one, if it can be read: a copy 1 that was
 * left behind under something new is no reason to write to it. A copy of which the
 * medium has lost sectors is damaged; any other error may be gone the next time,
 * and the older copy must not be taken for the newer because of it.
 *
 * Context: process, sleeps.
 * Return: the copy that counts, -ENODATA for a device to be formatted, or
 * another negative errno.
 */
int supers_read(struct block_device *bdev, const struct super_kind *kind,
		void *context, char *why, size_t size)
{
	void *block = kmalloc(FORMAT_BLOCK_SIZE, GFP_NOIO);
	int r;

	if (!block) {
		scnprintf(why, size, "Out of memory");
		return -ENOMEM;
	}
	r = read_copies(bdev, kind, block, context, why, size);
	kfree(block);
	return r;
}
