// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>

#include "block.h"
#include "samples.h"

/**
 * sample_take() - the value of a sample
 * @bdev: the device; nobody writes to the sample's block
 * @len: its length in sectors, as far as it is sampled
 * @i: below FORMAT_SAMPLES
 * @block: FORMAT_BLOCK_SIZE bytes of room, or NULL
 *
 * Context: process, sleeps.
 * Return: the value, or 0 when it cannot be known.
 */
u32 sample_take(struct block_device *bdev, sector_t len, unsigned int i,
		void *block)
{
	if (!block || len < FORMAT_BLOCK_SECTORS ||
	    block_io(bdev, REQ_OP_READ, format_sample_sector(len, i), block))
		return 0;
	return format_sample_crc(block);
}

/**
 * samples_compare() - is this the device that was sampled?
 * @bdev: the device
 * @len: its length in sectors, as far as it is sampled
 * @sample: FORMAT_SAMPLES of them
 * @stale: does the sample of the block at this sector say nothing?
 * @context: for @stale
 * @where: gets a sector that differs, or that cannot be read
 *
 * Context: process, sleeps.
 * Return: 0, -EUCLEAN, -ENOMEM, or the error of reading.
 */
int samples_compare(struct block_device *bdev, sector_t len, const u32 *sample,
		    bool (*stale)(void *context, sector_t sector),
		    void *context, sector_t *where)
{
	sector_t first[FORMAT_SAMPLE_RESULTS] = { };
	unsigned int count[FORMAT_SAMPLE_RESULTS] = { };
	enum format_sample result;
	unsigned int i;
	void *block;
	int error = 0;

	block = kmalloc(FORMAT_BLOCK_SIZE, GFP_NOIO);
	if (!block)
		return -ENOMEM;
	for (i = 0; i < FORMAT_SAMPLES; i++) {
		*where = format_sample_sector(len, i);
		if (!sample[i] || stale(context, *where))
			continue;
		error = block_io(bdev, REQ_OP_READ, *where, block);
		if (error)
			break;
		result = format_sample_compare(sample[i], block);
		if (!count[result]++)
			first[result] = *where;
	}
	kfree(block);
	if (error)
		return error;
	if (count[FORMAT_SAMPLE_OTHER])
		result = FORMAT_SAMPLE_OTHER;
	else if (count[FORMAT_SAMPLE_BLANK] && !count[FORMAT_SAMPLE_EQUAL])
		result = FORMAT_SAMPLE_BLANK;
	else
		return 0;
	*where = first[result];
	return -EUCLEAN;
}
