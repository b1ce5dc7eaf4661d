/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk in memory, with a volatile cache: what is written is read back at once,
 * and survives a crash when it was flushed since; else each sector does so or not.
 */
#ifndef UNIT_DISK_H
#define UNIT_DISK_H

#include <linux/blkdev.h>

/**
 * struct block_device - a disk
 * @lock: protects all of it
 * @sectors: how many
 * @cached: what is read, 512 bytes for each sector
 * @durable: what has been flushed
 * @dirty: by sector: the two may differ
 * @write_fails: one write out of so many fails, and may have got there in part; 0:
 *	none does
 * @flush_fails: so do flushes, and lose what they like
 * @writes: how many there were
 */
struct block_device {
	pthread_mutex_t lock;
	u64 sectors;
	u8 (*cached)[512];
	u8 (*durable)[512];
	bool *dirty;
	unsigned int write_fails;
	unsigned int flush_fails;
	unsigned long writes;
};

struct block_device *disk_new(u64 sectors);
void disk_free(struct block_device *disk);
/* The power fails: what was not flushed is there or not, sector by sector. */
void disk_crash(struct block_device *disk);

#endif
