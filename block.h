/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks of FORMAT_BLOCK_SIZE bytes, and what counts when a superblock is there
 * in two copies.
 */
#ifndef REPL_BLOCK_H
#define REPL_BLOCK_H

#include <linux/blkdev.h>

#include "format.h"

/**
 * struct super_kind - a kind of superblock
 * @what: the device in messages: "buffer" or "dirty log"
 * @magic: its first eight bytes
 * @decode: take over what a copy says, and its sequence; false and why if it
 *	is none
 */
struct super_kind {
	const char *what;
	u64 magic;
	bool (*decode)(void *context, void *block, unsigned int copy,
		       u64 *sequence, char *why, size_t size);
};

int block_io(struct block_device *bdev, blk_opf_t opf, sector_t sector,
	     void *data);
int supers_read(struct block_device *bdev, const struct super_kind *kind,
		void *context, char *why, size_t size);

#endif
