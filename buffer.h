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

/* segments that open layers leave to the records of a merge, see view.c */
#define BUFFER_RESERVE		1

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
 * struct buffer - a disk buffer in use
 * @bdev: the device; constant
 * @format: its identity and how it is divided; constant
 * @block: room for a superblock that is being written; the owner's lock
 * @sequence: of the superblock written last; the owner's lock
 * @state: in the superblock written last; the owner's lock
 * @doubt: the write of a superblock failed, and so did taking it back: a crash
 *	may find it. The owner's lock.
 * @untrusted: a flush failed, or a write that a flush may be part of: what was
 *	written since the superblock before may be lost, whatever later flushes
 *	say. The owner's lock.
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
	struct format_buffer format;
	struct format_super *block;
	u64 sequence;
	struct format_state state;
	bool doubt;
	bool untrusted;
	spinlock_t lock;
	struct segments free;
	u32 *next;
	unsigned long *written;
	struct workqueue_struct *wq;
	void (*changed)(struct buffer *b);
	atomic64_t summary_sequence;
};

int buffer_check(struct block_device *bdev, sector_t disk_sectors,
		 const char *owner, char *why, size_t size);
int buffer_open(struct buffer *b, struct block_device *bdev,
		sector_t disk_sectors, const char *owner,
		void (*changed)(struct buffer *b), char *why, size_t size);
void buffer_close(struct buffer *b);
int buffer_commit(struct buffer *b, const struct format_state *state);
int buffer_block_io(struct buffer *b, blk_opf_t opf, sector_t place, void *data);

bool buffer_take(struct buffer *b, struct segments *to, unsigned int leave,
		 sector_t *place);
void buffer_give(struct buffer *b, struct segments *from);
void buffer_adopt(struct buffer *b, const unsigned long *used,
		  struct segments *to);
void segments_init(struct segments *list);
void segments_join(struct buffer *b, struct segments *to,
		   struct segments *from);

unsigned int buffer_set_written(struct buffer *b, sector_t place,
				unsigned int sectors);
bool buffer_written(const struct buffer *b, sector_t place, unsigned int *sectors);

/* What layers can take. */
static inline sector_t buffer_total(const struct buffer *b)
{
	return (sector_t)(b->format.nr_segments - BUFFER_RESERVE) *
	       b->format.segment_sectors;
}

static inline sector_t buffer_used(const struct buffer *b)
{
	return min((sector_t)(b->format.nr_segments - READ_ONCE(b->free.count)) *
		   b->format.segment_sectors, buffer_total(b));
}

#endif
