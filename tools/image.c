// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/string.h>

#include "format_log.h"
#include "image.h"

/* What has less room can be made neither a buffer nor a dirty log. */
#define MIN_SECTORS	(FORMAT_FIRST_MARKS + FORMAT_BLOCK_SECTORS)

/*
 * ---- Names ----
 */

const char *image_stage_name(u32 stage)
{
	switch (stage) {
	case FORMAT_STAGE_NONE:
		return "none";
	case FORMAT_STAGE_RUNNING:
		return "running";
	case FORMAT_STAGE_FAILOVER:
		return "failover";
	case FORMAT_STAGE_DONE:
		return "done";
	}
	return "unknown";
}

const char *image_kind_name(enum format_kind kind)
{
	switch (kind) {
	case FORMAT_DATA:
		return "data";
	case FORMAT_ZERO:
		return "zero";
	case FORMAT_DISCARD:
		return "discard";
	case FORMAT_HOLE:
		return "hole";
	case FORMAT_VOID:
		return "void";
	}
	return "unknown";
}

/*
 * ---- Superblocks ----
 */

static void compare_supers(struct image *image)
{
	const struct format_buffer *a = &image->super[0].buffer;
	const struct format_buffer *b = &image->super[1].buffer;

	if (memcmp(a->uuid, b->uuid, sizeof(a->uuid)))
		reader_fault(&image->faults, "the superblock copies are of different buffers");
	else if (a->disk_sectors != b->disk_sectors || a->buffer_sectors != b->buffer_sectors ||
		 a->segment_sectors != b->segment_sectors)
		reader_fault(&image->faults, "the superblock copies differ in the lengths");
}

/* The first block has a superblock's magic. */
static void choose_super(struct image *image)
{
	image->live = reader_choose(image->copy, &image->faults);
	if (image->live == READER_NO_SUPER) {
		reader_fault(&image->faults,
			     "no copy of the superblock is valid: a secondary refuses this buffer");
		return;
	}
	image->content = IMAGE_BUFFER;
	if (image->copy[0].valid && image->copy[1].valid)
		compare_supers(image);
}

/* Is it a dirty log of which nothing but the other superblock is left? */
static bool was_log(void *block)
{
	struct format_log_state state;
	struct format_log log;
	char why[160];
	u64 sequence;

	return format_log_super_decode(block, 1, &log, &sequence, &state, why, sizeof(why));
}

static void something_else(struct image *image, const __u8 *block)
{
	u64 magic;

	memcpy(&magic, block, sizeof(magic));
	reader_fault(&image->faults,
		     "it holds something else: it begins with %016" PRIx64 ", not with a superblock; it is refused as a buffer and as a dirty log",
		     be64toh(magic));
	if (image->copy[1].valid || image->was_log)
		reader_fault(&image->faults,
			     "superblock copy 1 is valid; if this is a %s of which the start was overwritten, copy it back: dd if=%s of=%s bs=%u skip=1 count=1 conv=notrunc",
			     image->was_log ? "dirty log" : "buffer", image->path, image->path,
			     FORMAT_BLOCK_SIZE);
}

/* A secondary's rules: what it finds at the start tells it what this is. */
static void read_supers(struct image *image, int fd)
{
	__u8 block[FORMAT_SUPER_COPIES][FORMAT_BLOCK_SIZE] __aligned(8);
	unsigned int i, read = reader_supers(fd, block, image->copy);
	bool zero = read & 1 && format_all_zero(block[0], sizeof(block[0]));

	for (i = 0; i < FORMAT_SUPER_COPIES; i++) {
		struct image_super *super = &image->super[i];
		struct reader_copy *copy = &image->copy[i];

		if (read & 1U << i)
			copy->valid = format_super_decode((void *)block[i], i, &super->buffer,
							  &copy->sequence, &super->state,
							  copy->why, sizeof(copy->why));
	}

	image->content = IMAGE_FOREIGN;
	if (read & 1 && le64_to_cpu(*(__le64 *)block[0]) == FORMAT_SUPER_MAGIC) {
		choose_super(image);
		return;
	}
	image->was_log = read & 2 && was_log(block[1]);
	if (image->sectors < (zero || image->was_log ? MIN_SECTORS : FORMAT_MIN_SECTORS)) {
		reader_fault(&image->faults, "too small: it has %llu sectors, a buffer at least %u",
			     image->sectors, FORMAT_MIN_SECTORS);
	} else if (!(read & 1)) {
		image->content = IMAGE_UNREADABLE;
		reader_fault(&image->faults, "superblock copy 0: %s", image->copy[0].why);
	} else if (zero) {
		image->content = IMAGE_EMPTY;
	} else {
		something_else(image, block[0]);
	}
}

static void check_length(struct image *image)
{
	u64 expected = 0;

	if (image->content == IMAGE_BUFFER)
		expected = image->super[image->live].buffer.buffer_sectors;
	if (image->sectors > FORMAT_MAX_SECTORS)
		reader_fault(&image->faults, "too large: it has %llu sectors, a buffer at most %u",
			    image->sectors, FORMAT_MAX_SECTORS);
	if (image->sectors < expected)
		reader_fault(&image->faults,
			    "it has shrunk: it has %llu sectors, it was formatted with %llu",
			    image->sectors, expected);
}

/*
 * ---- Summaries ----
 */

static void add_summary(struct image *image, const struct summary_id *id,
			const struct format_summary *block)
{
	struct image_summary *summary;
	struct image_entry *entry;
	u32 i;

	image->summary = reader_grow(image->summary, image->nr_summaries, sizeof(*summary));
	summary = &image->summary[image->nr_summaries];
	summary->id = *id;
	summary->entries = le32_to_cpu(block->entries);
	summary->first = image->nr_entries;
	format_summary_previous(block, &summary->previous);

	for (i = summary->entries; i--;) {
		image->entry = reader_grow(image->entry, image->nr_entries, sizeof(*entry));
		entry = &image->entry[image->nr_entries++];
		format_entry_decode(&block->entry[i], &entry->range);
		entry->summary = image->nr_summaries;
	}
	image->nr_summaries++;
}

static void read_chain(struct image *image, int fd)
{
	const struct image_super *super = &image->super[image->live];
	const struct format_buffer *buffer = &super->buffer;
	u64 room = (u64)buffer->nr_segments * (buffer->segment_sectors / FORMAT_BLOCK_SECTORS);
	struct summary_id id = super->state.newest;
	struct format_summary block __aligned(8);
	char why[160];
	int error;

	while (format_chain_goes_on(&id, super->state.merged_epoch)) {
		/* the sequence falls, so there is an end; summaries that overlap put it off */
		if (image->nr_summaries == room) {
			reader_fault(&image->faults, "there are more summaries than there is room for");
			return;
		}
		error = reader_block(fd, id.place, &block);
		if (error) {
			reader_fault(&image->faults, "summary at %llu: cannot be read: %s",
				    id.place, strerror(-error));
			return;
		}
		if (!format_summary_check(&block, buffer, &id, why, sizeof(why))) {
			reader_fault(&image->faults, "summary at %llu: %s", id.place, why);
			return;
		}
		add_summary(image, &id, &block);
		id = image->summary[image->nr_summaries - 1].previous;
	}
	image->complete = true;
}

bool image_read(struct image *image, const char *path)
{
	int fd;

	*image = (struct image) { .path = path, .live = READER_NO_SUPER };
	fd = reader_open(path, &image->sectors, &image->faults);
	if (fd < 0)
		return false;
	read_supers(image, fd);
	check_length(image);
	if (image->content == IMAGE_BUFFER)
		read_chain(image, fd);
	close(fd);
	return !image->faults.nr;
}

void image_free(struct image *image)
{
	free(image->summary);
	free(image->entry);
	reader_free_faults(&image->faults);
}

/*
 * ---- Places ----
 */

/* What lies at a place: data of a sector, or a summary. */
struct content {
	u64 place;
	u64 sectors;
	u64 sector;
	bool summary;
};

static int by_place(const void *a, const void *b)
{
	const struct content *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

static size_t collect_contents(const struct image *image, struct content **contents)
{
	struct content *c = NULL;
	size_t i, nr = 0;

	for (i = 0; i < image->nr_summaries; i++) {
		c = reader_grow(c, nr, sizeof(*c));
		c[nr++] = (struct content) {
			.place = image->summary[i].id.place,
			.sectors = FORMAT_BLOCK_SECTORS,
			.summary = true,
		};
	}
	for (i = 0; i < image->nr_entries; i++) {
		const struct format_range *range = &image->entry[i].range;

		if (range->kind != FORMAT_DATA)
			continue;
		c = reader_grow(c, nr, sizeof(*c));
		c[nr++] = (struct content) {
			.place = range->place,
			.sectors = range->sectors,
			.sector = range->sector,
		};
	}
	*contents = c;
	return nr;
}

static bool same_data(const struct content *a, const struct content *b)
{
	return !a->summary && !b->summary && a->place - a->sector == b->place - b->sector;
}

static void clash(struct image *image, const struct content *a, const struct content *b)
{
	const struct content *data = a->summary ? b : a;

	if (a->summary && b->summary)
		reader_fault(&image->faults, "the summaries at %llu and %llu overlap",
			    a->place, b->place);
	else if (a->summary || b->summary)
		reader_fault(&image->faults,
			    "data of sector %llu at %llu, %llu sectors, overlaps the summary at %llu",
			    data->sector, data->place, data->sectors,
			    (a->summary ? a : b)->place);
	else
		reader_fault(&image->faults,
			    "data of sector %llu at %llu, %llu sectors, and of sector %llu at %llu, %llu sectors, share a place",
			    a->sector, a->place, a->sectors, b->sector, b->place, b->sectors);
}

/*
 * By place, each is held against the one of those before it that reaches
 * farthest. If any of them overlaps it that one does; and as long as nothing
 * has clashed all that overlap each other are the same data.
 */
void image_check_places(struct image *image)
{
	const struct content *farthest;
	struct content *contents;
	size_t i, nr;

	nr = collect_contents(image, &contents);
	if (!nr)
		return;
	qsort(contents, nr, sizeof(*contents), by_place);
	farthest = contents;
	for (i = 1; i < nr; i++) {
		const struct content *c = &contents[i];

		if (c->place < farthest->place + farthest->sectors && !same_data(c, farthest))
			clash(image, farthest, c);
		if (c->place + c->sectors > farthest->place + farthest->sectors)
			farthest = c;
	}
	free(contents);
}

/*
 * ---- The map ----
 *
 * A sweep over the sectors. A heap has the entries that list the sector where
 * it is, the newest one on top; those that have ended leave the heap when they
 * come up.
 */

struct sweep {
	const struct image *image;
	const struct image_entry **by_sector;
	size_t nr, next;
	/* a newer entry has a lower address */
	const struct image_entry **heap;
	size_t in_heap;
	struct image_range *map;
	size_t nr_map;
};

static int compare_sectors(const void *a, const void *b)
{
	u64 x = (*(const struct image_entry *const *)a)->range.sector;
	u64 y = (*(const struct image_entry *const *)b)->range.sector;

	return (x > y) - (x < y);
}

static u64 entry_end(const struct image_entry *entry)
{
	return entry->range.sector + entry->range.sectors;
}

static void heap_push(struct sweep *s, const struct image_entry *entry)
{
	size_t i, above;

	s->heap = reader_grow(s->heap, s->in_heap, sizeof(*s->heap));
	for (i = s->in_heap++; i; i = above) {
		above = (i - 1) / 2;
		if (s->heap[above] < entry)
			break;
		s->heap[i] = s->heap[above];
	}
	s->heap[i] = entry;
}

static void heap_pop(struct sweep *s)
{
	const struct image_entry *last = s->heap[--s->in_heap];
	size_t i, below;

	for (i = 0; (below = 2 * i + 1) < s->in_heap; i = below) {
		if (below + 1 < s->in_heap && s->heap[below + 1] < s->heap[below])
			below++;
		if (last < s->heap[below])
			break;
		s->heap[i] = s->heap[below];
	}
	s->heap[i] = last;
}

static void add_range(struct sweep *s, const struct image_entry *entry, u64 sector, u64 end)
{
	struct image_range *last = s->nr_map ? &s->map[s->nr_map - 1] : NULL;
	struct image_range range = {
		.sector = sector,
		.sectors = end - sector,
		.epoch = s->image->summary[entry->summary].id.epoch,
		.kind = entry->range.kind,
	};

	if (range.kind == FORMAT_DATA)
		range.place = entry->range.place + (sector - entry->range.sector);
	if (last && last->sector + last->sectors == sector && last->kind == range.kind &&
	    last->epoch == range.epoch &&
	    (range.kind != FORMAT_DATA || last->place + last->sectors == range.place)) {
		last->sectors += range.sectors;
		return;
	}
	s->map = reader_grow(s->map, s->nr_map, sizeof(*s->map));
	s->map[s->nr_map++] = range;
}

static void sweep(struct sweep *s)
{
	u64 sector = 0, end;

	while (s->in_heap || s->next < s->nr) {
		if (!s->in_heap)
			sector = s->by_sector[s->next]->range.sector;
		while (s->next < s->nr && s->by_sector[s->next]->range.sector <= sector)
			heap_push(s, s->by_sector[s->next++]);
		if (entry_end(s->heap[0]) <= sector) {
			heap_pop(s);
			continue;
		}
		end = entry_end(s->heap[0]);
		if (s->next < s->nr && s->by_sector[s->next]->range.sector < end)
			end = s->by_sector[s->next]->range.sector;
		add_range(s, s->heap[0], sector, end);
		sector = end;
	}
}

struct image_range *image_map(const struct image *image, size_t *nr)
{
	struct sweep s = { .image = image };
	size_t i;

	for (i = 0; i < image->nr_entries; i++) {
		if (image->entry[i].range.kind == FORMAT_VOID)
			continue;
		s.by_sector = reader_grow(s.by_sector, s.nr, sizeof(*s.by_sector));
		s.by_sector[s.nr++] = &image->entry[i];
	}
	if (s.nr)
		qsort(s.by_sector, s.nr, sizeof(*s.by_sector), compare_sectors);
	sweep(&s);
	free(s.by_sector);
	free(s.heap);
	*nr = s.nr_map;
	return s.map;
}
