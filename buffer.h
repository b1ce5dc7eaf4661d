/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The disk buffer: superblocks, and segments that layers take and give back.
 * Knows nothing of what the segments hold.
 */
#ifndef REPL_BUFFER_H
#define REPL_BUFFER_H

#include <linux/blkdev.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "format.h"

#define BUFFER_MIN_SEGMENTS	8
#define BUFFER_MIN_SEGMENT	128	/* sectors */
#define BUFFER_MAX_SEGMENT	2048	/* sectors */
#define BUFFER_MIN_SECTORS \
	(FORMAT_FIRST_SEGMENT + BUFFER_MIN_SEGMENTS * BUFFER_MIN_SEGMENT)

#define SEGMENT_NONE	U32_MAX

/**
 * struct segments - a list of segments that its owner locks
 * @head: first, or SEGMENT_NONE
 * @tail: last
 * @count: how many
 */
struct segments {
	u32 head;
	u32 tail;
	u32 count;
};

/**
 * struct summary_id - what points to a summary
 * @place: sector, 0 for none
 * @sequence: the summary's
 * @epoch: the summary's
 */
struct summary_id {
	u64 place;
	u64 sequence;
	u64 epoch;
};

/**
 * struct buffer_state - what a superblock says of the layers
 * @stage: enum repl_stage
 * @epoch: the last checkpoint
 * @merged_epoch: all up to this epoch is on the disk
 * @newest: the newest summary of the committed layers
 */
struct buffer_state {
	u32 stage;
	u64 epoch;
	u64 merged_epoch;
	struct summary_id newest;
};

/**
 * struct buffer - a disk buffer in use
 * @bdev: the device; constant
 * @uuid: constant
 * @disk_sectors: length of the secondary; constant
 * @block: room for a superblock that is being written; the owner's lock
 * @sequence: of the superblock written last; the owner's lock
 * @state: in the superblock written last; the owner's lock
 * @segment_sectors: a power of two; constant
 * @nr_segments: constant
 * @lock: protects @free and links of free segments; any context
 * @free: segments that nobody has
 * @next: the segment after each one in the list it is in
 * @written: a bit for each sector from the first segment on: set once a write
 *	to that place has succeeded; cleared when the segment is taken
 * @wq: writes summaries; the owner's, WQ_MEM_RECLAIM
 * @changed: called without @lock when a segment was taken or given back
 * @summary_sequence: of the newest summary begun
 */
struct buffer {
	struct block_device *bdev;
	u8 uuid[16];
	u64 disk_sectors;
	struct format_super *block;
	u64 sequence;
	struct buffer_state state;
	u32 segment_sectors;
	u32 nr_segments;
	spinlock_t lock;
	struct segments free;
	u32 *next;
	unsigned long *written;
	struct workqueue_struct *wq;
	void (*changed)(struct buffer *b);
	atomic64_t summary_sequence;
};

int buffer_check(struct block_device *bdev, sector_t disk_sectors,
		 char *why, size_t size);
int buffer_open(struct buffer *b, struct block_device *bdev,
		sector_t disk_sectors, void (*changed)(struct buffer *b),
		char *why, size_t size);
void buffer_close(struct buffer *b);
int buffer_commit(struct buffer *b, const struct buffer_state *state);
int buffer_block_io(struct buffer *b, blk_opf_t opf, sector_t place, void *data);

bool buffer_take(struct buffer *b, struct segments *to, sector_t *place);
void buffer_give(struct buffer *b, struct segments *from);
void segments_init(struct segments *list);
void segments_join(struct buffer *b, struct segments *to,
		   struct segments *from);

void buffer_set_written(struct buffer *b, sector_t place, unsigned int sectors);
bool buffer_written(const struct buffer *b, sector_t place, unsigned int *sectors);

static inline sector_t buffer_total(const struct buffer *b)
{
	return (sector_t)b->nr_segments * b->segment_sectors;
}

static inline sector_t buffer_used(const struct buffer *b)
{
	return (sector_t)(b->nr_segments - READ_ONCE(b->free.count)) *
	       b->segment_sectors;
}

#endif
