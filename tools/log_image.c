// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/string.h>

#include "log_image.h"

static bool has_magic(const __u8 *block)
{
	__le64 magic;

	memcpy(&magic, block, sizeof(magic));
	return le64_to_cpu(magic) == FORMAT_LOG_MAGIC;
}

bool log_image_recognized(const char *path)
{
	__u8 block[FORMAT_BLOCK_SIZE];
	struct reader_faults faults = { };
	bool recognized = false;
	u64 sectors;
	int fd;

	fd = reader_open(path, &sectors, &faults);
	if (fd >= 0) {
		recognized = !reader_block(fd, 0, block) && has_magic(block);
		close(fd);
	}
	/* who reads it as a buffer next finds them again */
	reader_free_faults(&faults);
	return recognized;
}

/*
 * ---- Superblocks ----
 */

static void compare_supers(struct log_image *image)
{
	const struct format_log *a = &image->super[0].log;
	const struct format_log *b = &image->super[1].log;

	if (memcmp(a->uuid, b->uuid, sizeof(a->uuid)))
		reader_fault(&image->faults, "the superblock copies are of different dirty logs");
	else if (a->leg_sectors != b->leg_sectors || a->region_sectors != b->region_sectors)
		reader_fault(&image->faults, "the superblock copies differ in the lengths");
}

/* A primary's rules are those that a secondary has for its buffer. */
static void read_supers(struct log_image *image, int fd)
{
	__u8 block[FORMAT_SUPER_COPIES][FORMAT_BLOCK_SIZE] __aligned(8);
	unsigned int i, read = reader_supers(fd, block, image->copy);

	for (i = 0; i < FORMAT_SUPER_COPIES; i++) {
		struct log_super *super = &image->super[i];
		struct reader_copy *copy = &image->copy[i];

		if (read & 1U << i)
			copy->valid = format_log_super_decode((void *)block[i], i, &super->log,
							      &copy->sequence, &super->state,
							      copy->why, sizeof(copy->why));
	}
	image->live = reader_choose(image->copy, &image->faults);
	if (image->live == READER_NO_SUPER)
		reader_fault(&image->faults,
			     "no copy of the superblock is valid: a primary refuses this dirty log");
	else if (image->copy[0].valid && image->copy[1].valid)
		compare_supers(image);
}

/*
 * ---- Marks ----
 */

static u64 regions_of(const struct log_image *image)
{
	return image->live == READER_NO_SUPER ? 0 : image->super[image->live].log.regions;
}

static void check_sector(struct log_image *image, struct format_marks *marks, u32 index)
{
	const struct format_log *log = &image->super[image->live].log;
	char why[160];

	if (!format_marks_check(marks, log, index, why, sizeof(why))) {
		reader_fault(&image->faults, "marks at sector %u: %s", FORMAT_FIRST_MARKS + index,
			     why);
		return;
	}
	memcpy(image->bits + (size_t)index * FORMAT_MARKS_SIZE, marks->bits, FORMAT_MARKS_SIZE);
	image->valid[index] = true;
	image->nr_valid++;
}

static void read_marks(struct log_image *image, int fd)
{
	const struct format_log *log = &image->super[image->live].log;
	struct format_marks marks[FORMAT_BLOCK_SECTORS] __aligned(8);
	u64 blocks = log->blocks, room = image->sectors / FORMAT_BLOCK_SECTORS;
	unsigned int i;
	u32 block;
	int error;

	if (image->sectors < format_log_sectors(log)) {
		reader_fault(&image->faults, "too short: it has %llu sectors, this dirty log takes %llu",
			     image->sectors, format_log_sectors(log));
		room -= room < 2 ? room : 2;
		blocks = room < blocks ? room : blocks;
	}
	/* no more than the device has: a superblock can say what it likes */
	image->marks_sectors = blocks * FORMAT_BLOCK_SECTORS;
	image->valid = calloc(image->marks_sectors + 1, sizeof(*image->valid));
	image->bits = calloc(image->marks_sectors + 1, FORMAT_MARKS_SIZE);
	if (!image->valid || !image->bits) {
		fprintf(stderr, "Out of memory\n");
		exit(1);
	}
	for (block = 0; block < blocks; block++) {
		u32 index = block * FORMAT_BLOCK_SECTORS;

		error = reader_block(fd, FORMAT_FIRST_MARKS + index, marks);
		if (error) {
			reader_fault(&image->faults, "marks at sector %u: cannot be read: %s",
				     FORMAT_FIRST_MARKS + index, strerror(-error));
			continue;
		}
		for (i = 0; i < FORMAT_BLOCK_SECTORS; i++)
			check_sector(image, &marks[i], index + i);
	}
}

/* The bits of all sectors in a row are one bitmap. */
enum log_mark log_image_mark(const struct log_image *image, u64 region)
{
	u64 index = region / FORMAT_MARKS;

	if (index >= image->marks_sectors || !image->valid[index])
		return LOG_UNKNOWN;
	return image->bits[region / 8] & 1U << region % 8 ? LOG_MARKED : LOG_CLEAN;
}

/* How many regions from here on surely have the same mark? As a rule all of a sector, or one. */
static u32 step(const struct log_image *image, u64 region)
{
	u64 index = region / FORMAT_MARKS;

	if (region % FORMAT_MARKS)
		return 1;
	if (index < image->marks_sectors && image->valid[index] &&
	    memchr_inv(image->bits + index * FORMAT_MARKS_SIZE, 0, FORMAT_MARKS_SIZE))
		return 1;
	return FORMAT_MARKS;
}

bool log_image_next(const struct log_image *image, u64 *region, struct log_range *range)
{
	u64 all = regions_of(image), first = *region, end;
	const struct format_log *log;

	while (first < all && log_image_mark(image, first) == LOG_CLEAN)
		first += step(image, first);
	if (first >= all)
		return false;
	log = &image->super[image->live].log;
	range->mark = log_image_mark(image, first);
	for (end = first; end < all && log_image_mark(image, end) == range->mark;
	     end += step(image, end))
		;
	if (end > all)
		end = all;
	*region = end;
	range->regions = end - first;
	range->sector = first * log->region_sectors;
	/* the last region may be a short one */
	range->sectors = (end == all ? log->leg_sectors : end * log->region_sectors) -
			 range->sector;
	return true;
}

static void count_marks(struct log_image *image)
{
	struct log_range range;
	u64 region = 0;

	while (log_image_next(image, &region, &range)) {
		if (range.mark == LOG_MARKED)
			image->nr_marked += range.regions;
		else
			image->nr_unknown += range.regions;
	}
}

bool log_image_read(struct log_image *image, const char *path)
{
	int fd;

	*image = (struct log_image) { .path = path, .live = READER_NO_SUPER };
	fd = reader_open(path, &image->sectors, &image->faults);
	if (fd < 0)
		return false;
	read_supers(image, fd);
	if (image->live != READER_NO_SUPER) {
		read_marks(image, fd);
		count_marks(image);
	}
	close(fd);
	return !image->faults.nr;
}

void log_image_free(struct log_image *image)
{
	free(image->valid);
	free(image->bits);
	reader_free_faults(&image->faults);
}
