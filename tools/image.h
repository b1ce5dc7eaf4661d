/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk buffer, read as a whole: superblocks, the chain of summaries, and the
 * map that follows from them. Nothing is ever written.
 *
 * What is read may be hostile: every number has been held against the format
 * and the buffer, and no more memory is used than about what the summaries
 * take on the buffer.
 *
 * Places and lengths are in sectors of 512 bytes; places are those of the
 * buffer, "sector" is of the secondary.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include "reader.h"

/**
 * enum image_content - what was found
 * @IMAGE_UNREADABLE: nothing; it could not be opened or read, or is in use
 * @IMAGE_FOREIGN: something that a secondary refuses as its buffer
 * @IMAGE_EMPTY: not formatted: the first FORMAT_BLOCK_SIZE bytes are zero
 * @IMAGE_BUFFER: a buffer; its summaries may be damaged
 */
enum image_content {
	IMAGE_UNREADABLE,
	IMAGE_FOREIGN,
	IMAGE_EMPTY,
	IMAGE_BUFFER,
};

/**
 * struct image_super - a copy of the superblock that is valid
 * @buffer: what it says of the buffer
 * @state: what it says of the layers and the disk; @state.owner is any string
 */
struct image_super {
	struct format_buffer buffer;
	struct format_state state;
};

/**
 * struct image_summary - a summary of the committed chain
 * @id: place, sequence and epoch
 * @previous: what it points to
 * @entries: how many it has
 * @first: index in &image.entry of its newest entry; the older ones follow
 */
struct image_summary {
	struct summary_id id;
	struct summary_id previous;
	u32 entries;
	size_t first;
};

/**
 * struct image_entry - an entry of a summary
 * @range: what it says; its kind may be FORMAT_VOID
 * @summary: index in &image.summary
 */
struct image_entry {
	struct format_range range;
	size_t summary;
};

/**
 * struct image_range - a range of the effective map
 * @sector: of the secondary
 * @sectors: length
 * @place: of FORMAT_DATA, else 0
 * @epoch: of the summary that lists it
 * @kind: not FORMAT_VOID. FORMAT_HOLE: the disk counts, as where no range is.
 */
struct image_range {
	u64 sector;
	u64 sectors;
	u64 place;
	u64 epoch;
	enum format_kind kind;
};

/**
 * struct image - a buffer that was read
 * @path: as given to image_read(), not owned
 * @content: what it is; what follows depends on it
 * @sectors: length; not with IMAGE_UNREADABLE
 * @copy: the copies; read, if there was room for them
 * @super: what they say
 * @was_log: not IMAGE_BUFFER, but copy 1 is a valid superblock of a dirty log
 * @live: the copy that counts, READER_NO_SUPER without IMAGE_BUFFER
 * @complete: the chain was followed to its end
 * @nr_summaries: length of @summary
 * @summary: the chain, newest first
 * @nr_entries: length of @entry
 * @entry: of all summaries, newest first
 * @faults: what is wrong
 */
struct image {
	const char *path;
	enum image_content content;
	u64 sectors;
	struct reader_copy copy[FORMAT_SUPER_COPIES];
	struct image_super super[FORMAT_SUPER_COPIES];
	bool was_log;
	unsigned int live;
	bool complete;
	size_t nr_summaries;
	struct image_summary *summary;
	size_t nr_entries;
	struct image_entry *entry;
	struct reader_faults faults;
};

/**
 * image_read() - read a buffer
 * @image: gets it; any content before
 * @path: block device or file; has to last as long as @image
 *
 * It is not left open. Followed by image_free(), whatever came of it.
 *
 * Return: true if nothing is wrong with what can be read in one go along the
 * chain: @image->faults has none. What only a view of all the summaries tells
 * is image_check_places()'s.
 */
bool image_read(struct image *image, const char *path);

/**
 * image_check_places() - does each place of the buffer hold one thing only?
 * @image: from image_read(); gets a fault for each place that does not
 *
 * Data that several entries name is fine as long as they agree on whose it is.
 */
void image_check_places(struct image *image);

/**
 * image_map() - the effective map of the committed layers
 * @image: from image_read()
 * @nr: gets the number of ranges
 *
 * Where several entries list a sector the newest counts. If @image->complete is
 * false the map lacks what the rest of the chain has; it is empty unless
 * @image->content is IMAGE_BUFFER.
 *
 * Return: the ranges, by sector and disjoint; the caller frees them. NULL if
 * there are none.
 */
struct image_range *image_map(const struct image *image, size_t *nr);

/**
 * image_free() - free what image_read() has got
 * @image: is of no use afterwards
 */
void image_free(struct image *image);

/**
 * image_stage_name() - name of a stage, as in the target's status
 * @stage: enum format_stage
 */
const char *image_stage_name(u32 stage);

/**
 * image_kind_name() - name of what an entry lists
 * @kind: what
 */
const char *image_kind_name(enum format_kind kind);

#endif
