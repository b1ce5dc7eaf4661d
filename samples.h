/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples of a device: do the notes that somebody took belong to it, and has it
 * been written to by others since?
 */
#ifndef REPL_SAMPLES_H
#define REPL_SAMPLES_H

#include <linux/blkdev.h>

#include "format.h"

u32 sample_take(struct block_device *bdev, sector_t len, unsigned int i,
		void *block);
int samples_compare(struct block_device *bdev, sector_t len, const u32 *sample,
		    bool (*stale)(void *context, sector_t sector),
		    void *context, sector_t *where);

#endif
