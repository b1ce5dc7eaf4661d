/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A dirty log, read as a whole: superblocks and marks. Nothing is ever written.
 *
 * What is read may be hostile, as a buffer may (image.h); no more memory is
 * used than about what the marks take on the log.
 */
#ifndef LOG_IMAGE_H
#define LOG_IMAGE_H

#include "format_log.h"
#include "reader.h"

/**
 * struct log_super - a copy of the superblock that is valid
 * @log: what it says of the log
 * @state: what it says of marks and legs; @state.owner is any string
 */
struct log_super {
	struct format_log log;
	struct format_log_state state;
};

/**
 * enum log_mark - what is known of a region
 * @LOG_CLEAN: it has no mark
 * @LOG_MARKED: it has one
 * @LOG_UNKNOWN: its mark cannot be read, or is not valid
 */
enum log_mark {
	LOG_CLEAN,
	LOG_MARKED,
	LOG_UNKNOWN,
};

/**
 * struct log_range - regions in a row of which the same is known
 * @sector: of the primary
 * @sectors: length
 * @regions: length
 * @mark: not LOG_CLEAN
 */
struct log_range {
	u64 sector;
	u64 sectors;
	u64 regions;
	enum log_mark mark;
};

/**
 * struct log_image - a dirty log that was read
 * @path: as given to log_image_read(), not owned
 * @sectors: length
 * @copy: both copies of the superblock
 * @super: what they say
 * @live: the copy that counts, or READER_NO_SUPER: then nothing else was read
 * @marks_sectors: length of @valid: sectors of marks that the device has room
 *	for
 * @valid: for each of them, whether it is what it has to be
 * @bits: their marks, FORMAT_MARKS_SIZE bytes each
 * @nr_valid: how many of them are valid
 * @nr_marked: regions with a mark
 * @nr_unknown: regions of which it is not known
 * @faults: what is wrong
 */
struct log_image {
	const char *path;
	u64 sectors;
	struct reader_copy copy[FORMAT_SUPER_COPIES];
	struct log_super super[FORMAT_SUPER_COPIES];
	unsigned int live;
	u32 marks_sectors;
	bool *valid;
	__u8 *bits;
	u32 nr_valid;
	u64 nr_marked;
	u64 nr_unknown;
	struct reader_faults faults;
};

/**
 * log_image_recognized() - is this a dirty log, in order or damaged?
 * @path: block device or file
 *
 * Return: true if superblock copy 0 has the magic of one.
 */
bool log_image_recognized(const char *path);

/**
 * log_image_read() - read a dirty log
 * @image: gets it; any content before
 * @path: block device or file, recognized; has to last as long as @image
 *
 * It is not left open. Followed by log_image_free(), whatever came of it.
 *
 * Return: true if nothing is wrong with it: @image->faults has none.
 */
bool log_image_read(struct log_image *image, const char *path);

/**
 * log_image_mark() - what is known of a region?
 * @image: from log_image_read(), with a superblock that counts
 * @region: of its regions
 */
enum log_mark log_image_mark(const struct log_image *image, u64 region);

/**
 * log_image_next() - the next regions with marks, or of which it is not known
 * @image: from log_image_read()
 * @region: where to begin, at first 0; gets where to go on
 * @range: gets them
 *
 * Return: false if there are none.
 */
bool log_image_next(const struct log_image *image, u64 *region, struct log_range *range);

/**
 * log_image_free() - free what log_image_read() has got
 * @image: is of no use afterwards
 */
void log_image_free(struct log_image *image);

#endif
