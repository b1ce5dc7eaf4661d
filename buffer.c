// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bio.h>
#include <linux/bitmap.h>
#include <linux/crc32c.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "buffer.h"
#include "core.h"

static const char zeroes[FORMAT_BLOCK_SIZE];

static int block_io(struct block_device *bdev, blk_opf_t opf, sector_t place,
		    void *data)
{
	struct bio_vec vec;
	struct bio bio;
	int error;

	bio_init(&bio, bdev, &vec, 1, opf);
	bio.bi_iter.bi_sector = place;
	__bio_add_page(&bio, virt_to_page(data), FORMAT_BLOCK_SIZE,
		       offset_in_page(data));
	error = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return error;
}

/**
 * buffer_block_io() - read or write one block of metadata
 * @b: the buffer
 * @opf: operation and flags
 * @place: sector
 * @data: FORMAT_BLOCK_SIZE bytes within one page of lowmem
 *
 * Context: process, sleeps.
 * Return: 0 or a negative errno.
 */
int buffer_block_io(struct buffer *b, blk_opf_t opf, sector_t place, void *data)
{
	return block_io(b->bdev, opf, place, data);
}

/*
 * ---- Superblocks ----
 */

static u32 super_crc(struct format_super *super)
{
	__le32 crc = super->crc;
	u32 computed;

	super->crc = 0;
	computed = crc32c(~0, super, sizeof(*super));
	super->crc = crc;
	return computed;
}

static bool super_valid(struct format_super *super)
{
	return super->magic == cpu_to_le64(FORMAT_SUPER_MAGIC) &&
	       le32_to_cpu(super->crc) == super_crc(super) &&
	       super->version == cpu_to_le32(FORMAT_VERSION);
}

/* Reads what is there. Return: 1 a superblock, 0 zeroes, or a negative errno. */
static int read_super(struct block_device *bdev, char *why, size_t size)
{
	struct format_super *super;
	int error;

	super = kmalloc(FORMAT_BLOCK_SIZE, GFP_KERNEL);
	if (!super) {
		scnprintf(why, size, "Out of memory");
		return -ENOMEM;
	}
	error = block_io(bdev, REQ_OP_READ, 0, super);
	if (error) {
		scnprintf(why, size, "Cannot read the buffer's superblock: error %d",
			  error);
	} else if (!memcmp(super, zeroes, FORMAT_BLOCK_SIZE)) {
		error = 0;
	} else if (super_valid(super)) {
		error = 1;
	} else {
		scnprintf(why, size,
			  "The buffer holds something else: it begins with %*phN; zero its first 4096 bytes to use it",
			  8, super);
		error = -EINVAL;
	}
	kfree(super);
	return error;
}

/**
 * buffer_check() - could this device be a buffer?
 * @bdev: the device
 * @disk_sectors: length of the secondary
 * @why: gets the reason of an error
 * @size: of @why in bytes
 *
 * Changes nothing.
 *
 * Context: process, sleeps.
 * Return: 0 or a negative errno.
 */
int buffer_check(struct block_device *bdev, sector_t disk_sectors,
		 char *why, size_t size)
{
	int r;

	if (bdev_nr_sectors(bdev) < BUFFER_MIN_SECTORS) {
		scnprintf(why, size,
			  "The buffer is too small: it has %llu sectors, %u are needed",
			  (unsigned long long)bdev_nr_sectors(bdev),
			  BUFFER_MIN_SECTORS);
		return -EINVAL;
	}
	if (bdev_nr_sectors(bdev) > INT_MAX) {
		/* where the kernel's bitmap functions end */
		scnprintf(why, size,
			  "The buffer is too large: it has %llu sectors, %u can be used",
			  (unsigned long long)bdev_nr_sectors(bdev), INT_MAX);
		return -E2BIG;
	}
	r = read_super(bdev, why, size);
	if (r == 1) {
		scnprintf(why, size,
			  "The buffer belongs to a secondary that went away; this version cannot recover it: zero its first 4096 bytes to give up what it holds");
		return -EINVAL;
	}
	return r;
}

/**
 * buffer_commit() - make a new superblock the one that counts
 * @b: the buffer
 * @state: what it says
 *
 * The copy that is not the live one is overwritten. What the superblock refers
 * to was written and is flushed here first; a failed flush ends it.
 *
 * Context: process, sleeps; calls are serialized by the owner.
 * Return: 0, and @b->state is the new one, or a negative errno; then either
 * may be found after a crash.
 */
int buffer_commit(struct buffer *b, const struct buffer_state *state)
{
	u64 sequence = b->sequence + 1;
	struct format_super *super = b->block;
	int error;

	error = blkdev_issue_flush(b->bdev);
	if (error)
		return error;

	memset(super, 0, FORMAT_BLOCK_SIZE);
	super->magic = cpu_to_le64(FORMAT_SUPER_MAGIC);
	super->version = cpu_to_le32(FORMAT_VERSION);
	memcpy(super->uuid, b->uuid, sizeof(super->uuid));
	super->sequence = cpu_to_le64(sequence);
	super->disk_sectors = cpu_to_le64(b->disk_sectors);
	super->buffer_sectors = cpu_to_le64(bdev_nr_sectors(b->bdev));
	super->segment_sectors = cpu_to_le32(b->segment_sectors);
	super->stage = cpu_to_le32(state->stage);
	super->epoch = cpu_to_le64(state->epoch);
	super->merged_epoch = cpu_to_le64(state->merged_epoch);
	super->newest_summary = cpu_to_le64(state->newest.place);
	super->newest_sequence = cpu_to_le64(state->newest.sequence);
	super->newest_epoch = cpu_to_le64(state->newest.epoch);
	super->crc = cpu_to_le32(super_crc(super));
	error = block_io(b->bdev, REQ_OP_WRITE | REQ_SYNC | REQ_META | REQ_FUA,
			 (sequence % FORMAT_SUPER_COPIES) * FORMAT_BLOCK_SECTORS,
			 super);
	if (!error) {
		b->sequence = sequence;
		b->state = *state;
	}
	return error;
}

/*
 * ---- Segments ----
 */

void segments_init(struct segments *list)
{
	list->head = SEGMENT_NONE;
	list->tail = SEGMENT_NONE;
	list->count = 0;
}

static void segments_add(struct buffer *b, struct segments *list, u32 segment)
{
	b->next[segment] = SEGMENT_NONE;
	if (list->head == SEGMENT_NONE)
		list->head = segment;
	else
		b->next[list->tail] = segment;
	list->tail = segment;
	WRITE_ONCE(list->count, list->count + 1);
}

/* All of @from goes to the end of @to; @from is empty then. */
void segments_join(struct buffer *b, struct segments *to, struct segments *from)
{
	if (from->head == SEGMENT_NONE)
		return;
	if (to->head == SEGMENT_NONE)
		to->head = from->head;
	else
		b->next[to->tail] = from->head;
	to->tail = from->tail;
	WRITE_ONCE(to->count, to->count + from->count);
	segments_init(from);
}

/**
 * buffer_take() - take a free segment
 * @b: the buffer
 * @to: the list it is added to; the caller has locked it
 * @place: its first sector
 *
 * Context: any.
 * Return: false when there is none.
 */
bool buffer_take(struct buffer *b, struct segments *to, sector_t *place)
{
	unsigned long flags;
	u32 segment;

	spin_lock_irqsave(&b->lock, flags);
	segment = b->free.head;
	if (segment == SEGMENT_NONE) {
		spin_unlock_irqrestore(&b->lock, flags);
		return false;
	}
	b->free.head = b->next[segment];
	WRITE_ONCE(b->free.count, b->free.count - 1);
	spin_unlock_irqrestore(&b->lock, flags);

	bitmap_clear(b->written, segment * b->segment_sectors,
		     b->segment_sectors);
	segments_add(b, to, segment);
	*place = FORMAT_FIRST_SEGMENT + (sector_t)segment * b->segment_sectors;
	b->changed(b);
	return true;
}

/**
 * buffer_give() - give segments back
 * @b: the buffer
 * @from: the list; empty afterwards. No I/O is in flight in them.
 *
 * Context: any.
 */
void buffer_give(struct buffer *b, struct segments *from)
{
	unsigned long flags;

	spin_lock_irqsave(&b->lock, flags);
	segments_join(b, &b->free, from);
	spin_unlock_irqrestore(&b->lock, flags);
	b->changed(b);
}

/*
 * The map of a layer knows a place from when a write to it is sent; it can be
 * read from when that write has succeeded. Marking bits needs no memory and no
 * sleep, so it can be done where the write ends.
 */
void buffer_set_written(struct buffer *b, sector_t place, unsigned int sectors)
{
	unsigned long bit = place - FORMAT_FIRST_SEGMENT;
	unsigned long end = bit + sectors;

	while (bit < end) {
		unsigned int in = bit % BITS_PER_LONG;
		unsigned int n = min_t(unsigned long, end - bit,
				       BITS_PER_LONG - in);

		atomic_long_or(GENMASK(in + n - 1, in),
			       (atomic_long_t *)&b->written[BIT_WORD(bit)]);
		bit += n;
	}
}

/**
 * buffer_written() - can this place be read?
 * @b: the buffer
 * @place: sector
 * @sectors: how many; made smaller to those for which the answer holds
 *
 * Context: any.
 */
bool buffer_written(const struct buffer *b, sector_t place, unsigned int *sectors)
{
	unsigned long bit = place - FORMAT_FIRST_SEGMENT;
	unsigned long end = bit + *sectors;

	if (test_bit(bit, b->written)) {
		*sectors = find_next_zero_bit(b->written, end, bit) - bit;
		return true;
	}
	*sectors = find_next_bit(b->written, end, bit) - bit;
	return false;
}

/*
 * ---- Life ----
 */

static int format(struct buffer *b)
{
	struct buffer_state state = { .stage = STAGE_NONE };
	int i, error = 0;

	generate_random_guid(b->uuid);
	/*
	 * Sequence 1 is copy 1, sequence 2 is copy 0: as long as copy 0 is
	 * zeroes nothing has been formatted.
	 */
	for (i = 0; !error && i < FORMAT_SUPER_COPIES; i++)
		error = buffer_commit(b, &state);
	return error;
}

/**
 * buffer_open() - take a device as a buffer
 * @b: zeroed
 * @bdev: the device
 * @disk_sectors: length of the secondary
 * @changed: called when a segment was taken or given back; any context
 * @why: gets the reason of an error
 * @size: of @why in bytes
 *
 * Formats a device that begins with zeroes. Followed by buffer_close(), also
 * after an error.
 *
 * Context: process, sleeps; no other instance uses the device.
 * Return: 0 or a negative errno.
 */
int buffer_open(struct buffer *b, struct block_device *bdev,
		sector_t disk_sectors, void (*changed)(struct buffer *b),
		char *why, size_t size)
{
	sector_t space = bdev_nr_sectors(bdev) - FORMAT_FIRST_SEGMENT;
	sector_t segment;
	u32 i;
	int error;

	error = buffer_check(bdev, disk_sectors, why, size);
	if (error)
		return error;

	b->bdev = bdev;
	b->changed = changed;
	b->disk_sectors = disk_sectors;
	spin_lock_init(&b->lock);
	segment = clamp_t(sector_t, rounddown_pow_of_two(space / 64),
			  BUFFER_MIN_SEGMENT, BUFFER_MAX_SEGMENT);
	b->segment_sectors = segment;
	b->nr_segments = space >> ilog2(segment);

	b->next = kvcalloc(b->nr_segments, sizeof(*b->next), GFP_KERNEL);
	b->written = kvcalloc(BITS_TO_LONGS(b->nr_segments * segment),
			      sizeof(long), GFP_KERNEL);
	b->block = kmalloc(FORMAT_BLOCK_SIZE, GFP_KERNEL);
	if (!b->next || !b->written || !b->block) {
		scnprintf(why, size, "Out of memory");
		return -ENOMEM;
	}
	segments_init(&b->free);
	for (i = 0; i < b->nr_segments; i++)
		segments_add(b, &b->free, i);

	error = format(b);
	if (error)
		scnprintf(why, size, "Cannot format the buffer: error %d", error);
	return error;
}

void buffer_close(struct buffer *b)
{
	kvfree(b->next);
	kvfree(b->written);
	kfree(b->block);
}
