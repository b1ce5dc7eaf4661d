// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bio.h>
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "block.h"
#include "buffer.h"
#include "core.h"

int buffer_block_io(struct buffer *b, blk_opf_t opf, sector_t place, void *data)
{
	return block_io(b->bdev, opf, place, data);
}

/*
 * ---- Superblocks ----
 */

/**
 * struct found - a superblock that was found
 * @buffer: what it says of the buffer
 * @sequence: of it
 * @state: what it says of the layers
 */
struct found {
	struct format_buffer buffer;
	u64 sequence;
	struct format_state state;
};

/* @context: an array of struct found, one for each copy */
static bool decode_super(void *context, void *block, unsigned int copy,
			 u64 *sequence, char *why, size_t size)
{
	struct found *found = (struct found *)context + copy;

	if (!format_super_decode(block, copy, &found->buffer, &found->sequence,
				 &found->state, why, size))
		return false;
	*sequence = found->sequence;
	return true;
}

static const struct super_kind buffer_super = {
	.what = "buffer",
	.magic = FORMAT_SUPER_MAGIC,
	.decode = decode_super,
};

/* Is what was found a buffer of this secondary, on this device? */
static int check_found(const struct found *found, struct block_device *bdev,
		       sector_t disk_sectors, const char *owner,
		       char *why, size_t size)
{
	if (found->buffer.disk_sectors != disk_sectors) {
		scnprintf(why, size,
			  "The buffer belongs to a secondary of %llu sectors, this one has %llu",
			  (unsigned long long)found->buffer.disk_sectors,
			  (unsigned long long)disk_sectors);
		return -EINVAL;
	}
	if (found->buffer.buffer_sectors > bdev_nr_sectors(bdev)) {
		scnprintf(why, size,
			  "The buffer shrank: it had %llu sectors, now it has %llu",
			  (unsigned long long)found->buffer.buffer_sectors,
			  (unsigned long long)bdev_nr_sectors(bdev));
		return -EINVAL;
	}
	if (*owner && *found->state.owner &&
	    strcmp(owner, found->state.owner)) {
		scnprintf(why, size,
			  "The buffer belongs to another secondary: its UUID is %*pE",
			  (int)strlen(found->state.owner), found->state.owner);
		return -EINVAL;
	}
	return 0;
}

/* Return: 1 and @found, 0 for a device to be formatted, or a negative errno. */
static int find_super(struct block_device *bdev, sector_t disk_sectors,
		      const char *owner, struct found *found,
		      char *why, size_t size)
{
	struct found *copies;
	int r;

	if (bdev_nr_sectors(bdev) < FORMAT_MIN_SECTORS) {
		scnprintf(why, size,
			  "The buffer is too small: it has %llu sectors, %u are needed",
			  (unsigned long long)bdev_nr_sectors(bdev),
			  FORMAT_MIN_SECTORS);
		return -EINVAL;
	}
	if (bdev_nr_sectors(bdev) > FORMAT_MAX_SECTORS) {
		/* where the kernel's bitmap functions end */
		scnprintf(why, size,
			  "The buffer is too large: it has %llu sectors, %u can be used",
			  (unsigned long long)bdev_nr_sectors(bdev),
			  FORMAT_MAX_SECTORS);
		return -E2BIG;
	}
	copies = kmalloc_array(FORMAT_SUPER_COPIES, sizeof(*copies), GFP_KERNEL);
	if (!copies) {
		scnprintf(why, size, "Out of memory");
		return -ENOMEM;
	}
	r = supers_read(bdev, &buffer_super, copies, why, size);
	if (r >= 0) {
		*found = copies[r];
		r = check_found(found, bdev, disk_sectors, owner, why, size) ?: 1;
	} else if (r == -ENODATA) {
		r = 0;
	}
	kfree(copies);
	return r;
}

/**
 * buffer_check() - could this device be the buffer?
 * @bdev: the device
 * @disk_sectors: length of the secondary
 * @owner: its dm UUID, or an empty string
 * @why: gets the reason of an error
 * @size: of @why in bytes
 *
 * Changes nothing.
 *
 * Context: process, sleeps.
 * Return: 0 or a negative errno.
 */
int buffer_check(struct block_device *bdev, sector_t disk_sectors,
		 const char *owner, char *why, size_t size)
{
	struct found *found = kmalloc(sizeof(*found), GFP_KERNEL);
	int r;

	if (!found) {
		scnprintf(why, size, "Out of memory");
		return -ENOMEM;
	}
	r = find_super(bdev, disk_sectors, owner, found, why, size);
	kfree(found);
	return min(r, 0);
}

/* Over the copy that is not the live one. */
static int write_super(struct buffer *b, const struct format_state *state)
{
	u64 sequence = b->sequence + 1;
	int error;

	format_super_encode(b->block, &b->format, sequence, state);
	error = block_io(b->bdev, REQ_OP_WRITE | REQ_SYNC | REQ_META | REQ_FUA,
			 (sequence % FORMAT_SUPER_COPIES) * FORMAT_BLOCK_SECTORS,
			 b->block);
	if (!error) {
		b->sequence = sequence;
		b->doubt = false;
	}
	return error;
}

/**
 * buffer_commit() - make a new superblock the one that counts
 * @b: the buffer
 * @state: what it says
 *
 * The copy that is not the live one is overwritten. What the superblock refers
 * to was written and is flushed here first. A failed flush ends it, and sets
 * @b->untrusted: the next one may succeed without what was lost. So does a
 * failed write where there is a volatile cache: a flush may have been part of
 * it, of this device or of one below, whatever it says of FUA. A failed write
 * may have got there, so the present state is written over it. If that fails
 * too @b->doubt is set: after a crash either may be found, until another commit
 * succeeds.
 *
 * Context: process, sleeps; calls are serialized by the owner.
 * Return: 0, and @b->state is the new one, or a negative errno.
 */
int buffer_commit(struct buffer *b, const struct format_state *state)
{
	int error;

	/* what would be refused when it is read */
	if (b->sequence >= FORMAT_MAX_COUNT || state->epoch > FORMAT_MAX_COUNT ||
	    state->newest.sequence > FORMAT_MAX_COUNT)
		return -EOVERFLOW;
	error = blkdev_issue_flush(b->bdev);
	if (error) {
		b->untrusted = true;
		return error;
	}
	error = write_super(b, state);
	if (!error) {
		b->state = *state;
		return 0;
	}
	if (bdev_write_cache(b->bdev))
		b->untrusted = true;
	if (write_super(b, &b->state))
		b->doubt = true;
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
 * @leave: free segments that are not for the caller
 * @place: its first sector
 *
 * Context: any.
 * Return: false when there is none.
 */
bool buffer_take(struct buffer *b, struct segments *to, unsigned int leave,
		 sector_t *place)
{
	const struct format_buffer *f = &b->format;
	unsigned long flags;
	u32 segment;

	spin_lock_irqsave(&b->lock, flags);
	segment = b->free.head;
	if (b->free.count <= leave) {
		spin_unlock_irqrestore(&b->lock, flags);
		return false;
	}
	b->free.head = b->next[segment];
	WRITE_ONCE(b->free.count, b->free.count - 1);
	spin_unlock_irqrestore(&b->lock, flags);

	bitmap_clear(b->written, segment * f->segment_sectors,
		     f->segment_sectors);
	segments_add(b, to, segment);
	*place = FORMAT_FIRST_SEGMENT + (sector_t)segment * f->segment_sectors;
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

/**
 * buffer_adopt() - tell which segments are in use
 * @b: the buffer, just opened
 * @used: a bit for each segment
 * @to: gets those; empty
 */
void buffer_adopt(struct buffer *b, const unsigned long *used,
		  struct segments *to)
{
	u32 i;

	segments_init(&b->free);
	for (i = 0; i < b->format.nr_segments; i++)
		segments_add(b, test_bit(i, used) ? to : &b->free, i);
	b->changed(b);
}

/**
 * buffer_set_written() - a place can be read from now on
 * @b: the buffer
 * @place: sector
 * @sectors: how many
 *
 * The map of a layer knows a place from when a write to it is sent; it can be
 * read from when that write has succeeded. Marking bits needs no memory and no
 * sleep, so it can be done where the write ends.
 *
 * Context: any.
 * Return: how many could not be read before.
 */
unsigned int buffer_set_written(struct buffer *b, sector_t place,
				unsigned int sectors)
{
	unsigned long bit = place - FORMAT_FIRST_SEGMENT;
	unsigned long end = bit + sectors;
	unsigned int fresh = 0;

	while (bit < end) {
		unsigned int in = bit % BITS_PER_LONG;
		unsigned int n = min_t(unsigned long, end - bit,
				       BITS_PER_LONG - in);
		unsigned long mask = GENMASK(in + n - 1, in);

		fresh += hweight_long(mask &
				      ~atomic_long_fetch_or(mask, (atomic_long_t *)
							    &b->written[BIT_WORD(bit)]));
		bit += n;
	}
	return fresh;
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

static int format(struct buffer *b, sector_t disk_sectors)
{
	int i, error = 0;

	format_geometry(&b->format, bdev_nr_sectors(b->bdev), disk_sectors);
	generate_random_guid(b->format.uuid);
	/*
	 * Sequence 1 is copy 1, sequence 2 is copy 0: as long as copy 0 is
	 * zeroes nothing has been formatted.
	 */
	for (i = 0; !error && i < FORMAT_SUPER_COPIES; i++)
		error = write_super(b, &b->state);
	return error;
}

/**
 * buffer_open() - take a device as a buffer
 * @b: zeroed
 * @bdev: the device
 * @disk_sectors: length of the secondary
 * @owner: its dm UUID, or an empty string
 * @changed: called when a segment was taken or given back; any context
 * @why: gets the reason of an error
 * @size: of @why in bytes
 *
 * Formats a device that begins with zeroes, changes nothing on another. What
 * is in use on that one is for the caller to find out, see buffer_adopt().
 * Followed by buffer_close(), also after an error.
 *
 * Context: process, sleeps; no other instance uses the device.
 * Return: 0 or a negative errno.
 */
int buffer_open(struct buffer *b, struct block_device *bdev,
		sector_t disk_sectors, const char *owner,
		void (*changed)(struct buffer *b), char *why, size_t size)
{
	struct format_buffer *f = &b->format;
	struct found *found;
	int r, error = 0;
	u32 i;

	found = kmalloc(sizeof(*found), GFP_NOIO);
	b->block = kmalloc(FORMAT_BLOCK_SIZE, GFP_NOIO);
	if (!found || !b->block) {
		scnprintf(why, size, "Out of memory");
		kfree(found);
		return -ENOMEM;
	}
	b->bdev = bdev;
	b->changed = changed;
	spin_lock_init(&b->lock);
	r = find_super(bdev, disk_sectors, owner, found, why, size);
	if (r == 1) {
		*f = found->buffer;
		b->sequence = found->sequence;
		b->state = found->state;
	}
	kfree(found);
	if (r < 0)
		return r;
	if (*owner)
		strscpy(b->state.owner, owner, sizeof(b->state.owner));
	if (!r)
		error = format(b, disk_sectors);
	if (error) {
		scnprintf(why, size, "Cannot format the buffer: error %d", error);
		return error;
	}

	b->next = kvcalloc(f->nr_segments, sizeof(*b->next), GFP_NOIO);
	b->written = kvcalloc(BITS_TO_LONGS(f->nr_segments * f->segment_sectors),
			      sizeof(long), GFP_NOIO);
	if (!b->next || !b->written) {
		scnprintf(why, size, "Out of memory");
		return -ENOMEM;
	}
	atomic64_set(&b->summary_sequence, b->state.newest.sequence);
	segments_init(&b->free);
	for (i = 0; i < f->nr_segments; i++)
		segments_add(b, &b->free, i);
	return 0;
}

/* Also after a buffer_open() that failed. */
void buffer_close(struct buffer *b)
{
	kvfree(b->next);
	kvfree(b->written);
	kfree(b->block);
	*b = (struct buffer) { };
}
