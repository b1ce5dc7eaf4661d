// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/string.h>

#include "image.h"

/* So many faults tell the story; a hostile buffer could have millions. */
#define KEPT_FAULTS	100

/*
 * ---- Memory and faults ----
 */

/* Makes room for one more element of an array. */
static void *grow(void *array, size_t nr, size_t size)
{
	/* has room for the next power of two from 16 on */
	if (nr && (nr < 16 || nr & (nr - 1)))
		return array;
	array = reallocarray(array, nr < 16 ? 16 : nr * 2, size);
	if (!array) {
		fprintf(stderr, "Out of memory\n");
		exit(1);
	}
	return array;
}

void image_fault(struct image_faults *faults, const char *format, ...)
{
	va_list arguments;
	char *text;

	faults->nr++;
	if (faults->kept == KEPT_FAULTS)
		return;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0) {
		fprintf(stderr, "Out of memory\n");
		exit(1);
	}
	va_end(arguments);
	faults->text = grow(faults->text, faults->kept, sizeof(*faults->text));
	faults->text[faults->kept++] = text;
}

void image_free_faults(struct image_faults *faults)
{
	while (faults->kept)
		free(faults->text[--faults->kept]);
	free(faults->text);
	*faults = (struct image_faults) { };
}

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
 * ---- Devices ----
 */

int image_open_device(const char *path, u64 *sectors, struct image_faults *faults)
{
	int flags = O_RDONLY | O_CLOEXEC;
	struct stat info;
	off_t length;
	int fd;

	if (stat(path, &info)) {
		image_fault(faults, "cannot open %s: %s", path, strerror(errno));
		return -1;
	}
	if (!S_ISBLK(info.st_mode) && !S_ISREG(info.st_mode)) {
		image_fault(faults, "%s is neither a block device nor a file", path);
		return -1;
	}
	/* what a mapped device or a file system claims cannot be opened so */
	if (S_ISBLK(info.st_mode))
		flags |= O_EXCL;
	fd = open(path, flags);
	if (fd < 0) {
		if (errno == EBUSY)
			image_fault(faults,
				    "%s is in use: remove the mapped device, or unmount it, first",
				    path);
		else
			image_fault(faults, "cannot open %s: %s", path, strerror(errno));
		return -1;
	}
	length = lseek(fd, 0, SEEK_END);
	if (length < 0) {
		image_fault(faults, "cannot tell the length of %s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	*sectors = (u64)length / IMAGE_SECTOR_SIZE;
	return fd;
}

int image_read_block(int fd, u64 sector, void *block)
{
	off_t offset = sector * IMAGE_SECTOR_SIZE;
	size_t done = 0;
	ssize_t n;

	if (sector > INT64_MAX / IMAGE_SECTOR_SIZE - FORMAT_BLOCK_SECTORS)
		return -ENODATA;
	while (done < FORMAT_BLOCK_SIZE) {
		n = pread(fd, block + done, FORMAT_BLOCK_SIZE - done, offset + done);
		if (!n)
			return -ENODATA;
		if (n > 0)
			done += n;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/*
 * ---- Superblocks ----
 */

/* Returns false if the block cannot be read; what it is worth is in @super. */
static bool read_super(int fd, unsigned int copy, struct format_super *block,
		       struct image_super *super)
{
	int error = image_read_block(fd, copy * FORMAT_BLOCK_SECTORS, block);

	if (error) {
		scnprintf(super->why, sizeof(super->why), "cannot be read: %s", strerror(-error));
		return false;
	}
	super->valid = format_super_decode(block, copy, &super->buffer, &super->sequence,
					   &super->state, super->why, sizeof(super->why));
	return true;
}

static void compare_supers(struct image *image)
{
	const struct format_buffer *a = &image->super[0].buffer;
	const struct format_buffer *b = &image->super[1].buffer;

	if (memcmp(a->uuid, b->uuid, sizeof(a->uuid)))
		image_fault(&image->faults, "the superblock copies are of different buffers");
	else if (a->disk_sectors != b->disk_sectors || a->buffer_sectors != b->buffer_sectors ||
		 a->segment_sectors != b->segment_sectors)
		image_fault(&image->faults, "the superblock copies differ in the lengths");
}

/* The first block has a superblock's magic: the valid one that is newer counts. */
static void choose_super(struct image *image)
{
	struct image_super *super = image->super;
	unsigned int i;

	for (i = 0; i < FORMAT_SUPER_COPIES; i++) {
		if (!super[i].valid)
			image_fault(&image->faults, "superblock copy %u: %s", i, super[i].why);
		else if (image->live == IMAGE_NO_SUPER ||
			 super[i].sequence > super[image->live].sequence)
			image->live = i;
	}
	if (image->live == IMAGE_NO_SUPER) {
		image_fault(&image->faults,
			    "no copy of the superblock is valid: a secondary refuses this buffer");
		return;
	}
	image->content = IMAGE_BUFFER;
	if (super[0].valid && super[1].valid)
		compare_supers(image);
}

/* A secondary's rules: what it finds at the start tells it what this is. */
static void read_supers(struct image *image, int fd)
{
	struct image_super *super = image->super;
	struct format_super block[FORMAT_SUPER_COPIES] __aligned(8) = { };
	bool read;

	read = read_super(fd, 0, &block[0], &super[0]);
	read_super(fd, 1, &block[1], &super[1]);

	image->content = IMAGE_FOREIGN;
	if (le64_to_cpu(block[0].magic) == FORMAT_SUPER_MAGIC) {
		choose_super(image);
	} else if (image->sectors < FORMAT_MIN_SECTORS) {
		image_fault(&image->faults, "too small: it has %llu sectors, a buffer at least %u",
			    image->sectors, FORMAT_MIN_SECTORS);
	} else if (!read) {
		image->content = IMAGE_UNREADABLE;
		image_fault(&image->faults, "superblock copy 0: %s", super[0].why);
	} else if (!memchr_inv(&block[0], 0, sizeof(block[0]))) {
		image->content = IMAGE_EMPTY;
	} else {
		image_fault(&image->faults,
			    "it holds something else: it begins with %016" PRIx64 ", not with a superblock; a secondary refuses it",
			    be64toh(block[0].magic));
		if (super[1].valid)
			image_fault(&image->faults,
				    "superblock copy 1 is valid; if this is a buffer of which the start was overwritten, copy it back: dd if=%s of=%s bs=%u skip=1 count=1 conv=notrunc",
				    image->path, image->path, FORMAT_BLOCK_SIZE);
	}
}

static void check_length(struct image *image)
{
	u64 expected = 0;

	if (image->content == IMAGE_BUFFER)
		expected = image->super[image->live].buffer.buffer_sectors;
	if (image->sectors > FORMAT_MAX_SECTORS)
		image_fault(&image->faults, "too large: it has %llu sectors, a buffer at most %u",
			    image->sectors, FORMAT_MAX_SECTORS);
	if (image->sectors < expected)
		image_fault(&image->faults,
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

	image->summary = grow(image->summary, image->nr_summaries, sizeof(*summary));
	summary = &image->summary[image->nr_summaries];
	summary->id = *id;
	summary->entries = le32_to_cpu(block->entries);
	summary->first = image->nr_entries;
	format_summary_previous(block, &summary->previous);

	for (i = summary->entries; i--;) {
		image->entry = grow(image->entry, image->nr_entries, sizeof(*entry));
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
			image_fault(&image->faults, "there are more summaries than there is room for");
			return;
		}
		error = image_read_block(fd, id.place, &block);
		if (error) {
			image_fault(&image->faults, "summary at %llu: cannot be read: %s",
				    id.place, strerror(-error));
			return;
		}
		if (!format_summary_check(&block, buffer, &id, why, sizeof(why))) {
			image_fault(&image->faults, "summary at %llu: %s", id.place, why);
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

	*image = (struct image) { .path = path, .live = IMAGE_NO_SUPER };
	fd = image_open_device(path, &image->sectors, &image->faults);
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
	image_free_faults(&image->faults);
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
		c = grow(c, nr, sizeof(*c));
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
		c = grow(c, nr, sizeof(*c));
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
		image_fault(&image->faults, "the summaries at %llu and %llu overlap",
			    a->place, b->place);
	else if (a->summary || b->summary)
		image_fault(&image->faults,
			    "data of sector %llu at %llu, %llu sectors, overlaps the summary at %llu",
			    data->sector, data->place, data->sectors,
			    (a->summary ? a : b)->place);
	else
		image_fault(&image->faults,
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

	s->heap = grow(s->heap, s->in_heap, sizeof(*s->heap));
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
	s->map = grow(s->map, s->nr_map, sizeof(*s->map));
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
		s.by_sector = grow(s.by_sector, s.nr, sizeof(*s.by_sector));
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
