/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the readers of a disk buffer (image.h) and of a dirty log (log_image.h)
 * share. Nothing is ever written. A program that runs out of memory says so and
 * exits with 1.
 *
 * Places and lengths are in sectors of 512 bytes.
 */
#ifndef READER_H
#define READER_H

#include <stddef.h>

#include "format.h"

#define READER_SECTOR_SIZE	512
#define READER_NO_SUPER		FORMAT_SUPER_COPIES

/**
 * struct reader_faults - what is wrong, in sentences
 * @nr: how many there are
 * @kept: how many of them are in @text: the first ones
 * @text: the sentences, without a full stop at the end
 */
struct reader_faults {
	size_t nr;
	size_t kept;
	char **text;
};

/**
 * struct reader_copy - a copy of a superblock
 * @valid: the format takes it
 * @why: what is wrong with it, if it is not valid
 * @sequence: the superblock's, if it is valid
 */
struct reader_copy {
	bool valid;
	char why[160];
	u64 sequence;
};

/**
 * reader_grow() - make room for one more element
 * @array: NULL, or what this function has returned; the caller frees it
 * @nr: how many elements it has
 * @size: of an element in bytes
 *
 * Return: the array, which may have moved.
 */
void *reader_grow(void *array, size_t nr, size_t size);

/**
 * reader_fault() - add a fault
 * @faults: gets it, if there are not too many of them
 * @format: of the sentence
 */
__attribute__((format(printf, 2, 3)))
void reader_fault(struct reader_faults *faults, const char *format, ...);

/**
 * reader_free_faults() - free the sentences
 * @faults: has none afterwards
 */
void reader_free_faults(struct reader_faults *faults);

/**
 * reader_open() - open a block device or a file for reading
 * @path: of it
 * @sectors: gets its length
 * @faults: gets what is wrong
 *
 * A block device that is mounted, or used by a mapped device, is refused.
 *
 * Return: a file descriptor, which the caller closes, or -1.
 */
int reader_open(const char *path, u64 *sectors, struct reader_faults *faults);

/**
 * reader_block() - read one block
 * @fd: from reader_open()
 * @sector: first sector
 * @block: gets FORMAT_BLOCK_SIZE bytes
 *
 * Return: 0, or a negative errno; -ENODATA where the device ends.
 */
int reader_block(int fd, u64 sector, void *block);

/**
 * reader_supers() - read the two blocks with superblocks
 * @fd: from reader_open()
 * @block: gets them, zeroes where one cannot be read
 * @copy: gets why it cannot; otherwise the caller decodes it
 *
 * Return: bit i is set if @block[i] was read.
 */
unsigned int reader_supers(int fd, __u8 block[FORMAT_SUPER_COPIES][FORMAT_BLOCK_SIZE],
			   struct reader_copy *copy);

/**
 * reader_choose() - which superblock counts?
 * @copy: both copies; copy 0 has the magic
 * @faults: gets one for each that is not valid
 *
 * Return: the valid one that is newer, or READER_NO_SUPER.
 */
unsigned int reader_choose(const struct reader_copy *copy, struct reader_faults *faults);

#endif
