// SPDX-License-Identifier: GPL-2.0
/*
 * Is a damaged buffer refused, or else read right?
 *
 * Each image is a disk and its buffer, in the files IMAGE.disk and
 * IMAGE.buffer, as long as the devices. Something is changed in them, in the
 * blocks that a secondary reads when it recovers, and they are put onto the
 * devices. Then a secondary is made of these.
 *
 * What has to come of it follows from a decoder in this file, which shares no
 * line with the module's. Either there is no such secondary, the kernel's log
 * has a line that says why, and both devices are as they were; or there is one
 * in the stage and at the epoch that the superblock names, and its content is
 * what the decoder says, now and when it is made once more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mutate.h"

/* From Documentation/format.rst */
#define SUPER_MAGIC	UINT64_C(0x315455424c504552)
#define SUMMARY_MAGIC	UINT64_C(0x314d55534c504552)
#define FIRST_SEGMENT	64
#define OWNER		112
#define SAMPLE		240
#define ENTRY(n)	(96 + 32 * (n))
#define ENTRIES		125

enum stage { NONE, RUNNING, FAILOVER, DONE = 4 };
enum kind { DATA, ZERO, DISCARD, HOLE, VOID };

static const struct field super_field[] = {
	{ "magic", 0, 8 }, { "crc", 8, 4 }, { "version", 12, 4 }, { "uuid", 16, 8 },
	{ "sequence", 32, 8 }, { "disk_sectors", 40, 8 }, { "buffer_sectors", 48, 8 },
	{ "segment_sectors", 56, 4 }, { "stage", 60, 4 }, { "epoch", 64, 8 },
	{ "merged_epoch", 72, 8 }, { "newest_summary", 80, 8 }, { "newest_sequence", 88, 8 },
	{ "newest_epoch", 96, 8 }, { "flags", 104, 4 }, { "reserved1", 108, 4 },
	{ "owner", OWNER, 1 }, { "owner's end", OWNER + OWNER_SIZE - 8, 8 },
	{ "a sample", SAMPLE, 4 }, { "the last sample", SAMPLE + 4 * (SAMPLES - 1), 4 },
	{ "reserved2", 496, 8 }, { "the end of reserved2", BLOCK - 1, 1 },
};

static const struct field summary_field[] = {
	{ "magic", 0, 8 }, { "crc", 8, 4 }, { "entries", 12, 4 }, { "uuid", 16, 8 },
	{ "sequence", 32, 8 }, { "epoch", 40, 8 }, { "previous", 48, 8 },
	{ "previous_sequence", 56, 8 }, { "previous_epoch", 64, 8 }, { "reserved", 72, 8 },
	{ "reserved's end", 95, 1 },
};

static const struct field entry_field[] = {
	{ "sector", 0, 8 }, { "place", 8, 8 }, { "sectors", 16, 4 }, { "crc", 20, 4 },
	{ "kind", 24, 1 }, { "reserved", 25, 1 }, { "reserved's end", 31, 1 },
};

struct image {
	const char *name;
	uint8_t *disk, *buffer;
	uint32_t sample[SAMPLES];	/* of the disk */
};

/* What must come of a disk and a buffer */
struct verdict {
	bool accepted, formatted;
	enum stage stage;
	uint64_t epoch, sequence;
	unsigned int summaries;
	uint64_t place[64];	/* of the first ones, newest first */
	char why[128];
};

static struct image image[16];
static const struct image *now;
static uint64_t disk_sectors, buffer_sectors;
static int disk_fd, buffer_fd;
static uint8_t *disk, *buffer;		/* the mutated ones */
static uint64_t disk_changed = UINT64_MAX;	/* a sector of it */
static uint8_t *found, *expected;
static uint64_t *where, *claimed;	/* by sector: of the disk, of the buffer */

/*
 * ---- What must come of it ----
 */

#define ON_DISK		UINT64_MAX
#define READS_ZERO	(UINT64_MAX - 1)
#define DISCARDED	(UINT64_MAX - 2)
#define OPEN		(UINT64_MAX - 3)
/* What a sector of the buffer holds: its sector of the disk, one of these, or 0 */
#define A_SUMMARY	UINT64_MAX

struct geometry {
	uint64_t sectors, segment, segments;
};

static struct geometry geometry_of(const uint8_t *super)
{
	struct geometry g = { get(super + 48, 8), get(super + 56, 4), 0 };

	if (g.segment)
		g.segments = (g.sectors - FIRST_SEGMENT) / g.segment;
	return g;
}

static bool within_segment(const struct geometry *g, uint64_t place, uint64_t sectors)
{
	if (place < FIRST_SEGMENT || place >= FIRST_SEGMENT + g->segments * g->segment)
		return false;
	return sectors && sectors <= g->segment - (place - FIRST_SEGMENT) % g->segment;
}

static bool super_valid(const uint8_t *p, unsigned int copy)
{
	uint64_t sequence = get(p + 32, 8), epoch = get(p + 64, 8), merged = get(p + 72, 8);
	uint64_t place = get(p + 80, 8), newest = get(p + 88, 8), newest_epoch = get(p + 96, 8);
	struct geometry g = geometry_of(p);
	/* the active layer that a failover commits has one more than the checkpoint */
	uint64_t newest_possible = epoch + (get(p + 60, 4) != RUNNING);
	size_t owner = strnlen((const char *)p + OWNER, OWNER_SIZE);

	if (get(p, 8) != SUPER_MAGIC || get(p + CRC, 4) != block_crc(p, BLOCK) || get(p + 12, 4) != 1)
		return false;
	if (!sequence || sequence > INT64_MAX || (sequence & 1) != copy)
		return false;
	if (g.sectors < 1088 || g.sectors > 0x7fffffff)
		return false;
	if (g.segment < 128 || g.segment > 2048 || g.segment & (g.segment - 1) || g.segments < 8)
		return false;
	if (get(p + 104, 4) > 1 || !zeroes(p + 108, 4) || !zeroes(p + 496, BLOCK - 496))
		return false;
	switch (get(p + 60, 4)) {
	case NONE:
		if (epoch || merged || place)
			return false;
		break;
	case DONE:
		if (place && newest_epoch > merged)
			return false;
		break;
	case RUNNING:
	case FAILOVER:
		break;
	default:
		return false;
	}
	if (epoch > INT64_MAX || merged > newest_possible || newest_epoch > newest_possible)
		return false;
	if (!zeroes(p + OWNER + owner, OWNER_SIZE - owner))
		return false;
	if (!place)
		return !newest && !newest_epoch;
	return newest <= INT64_MAX && within_segment(&g, place, BLOCK_SECTORS);
}

static __attribute__((format(printf, 2, 3))) bool refuse(struct verdict *v, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(v->why, sizeof(v->why), fmt, args);
	va_end(args);
	v->accepted = false;
	return false;
}

static bool take_entry(struct verdict *v, const struct geometry *g, const uint8_t *p)
{
	uint64_t sector = get(p, 8), place = get(p + 8, 8), sectors = get(p + 16, 4), i;
	unsigned int kind = p[24];

	if (kind > VOID || !zeroes(p + 20, 4) || !zeroes(p + 25, 7))
		return refuse(v, "an entry's kind, crc or reserved bytes");
	if (!sectors || sector >= disk_sectors || sectors > disk_sectors - sector)
		return refuse(v, "an entry's range");
	if (kind == DATA || kind == VOID ? !within_segment(g, place, sectors) : place)
		return refuse(v, "an entry's place");
	if (kind == VOID)
		return true;
	for (i = 0; i < sectors; i++) {
		if (where[sector + i] == OPEN)
			where[sector + i] = kind == DATA ? place + i :
					    kind == HOLE ? ON_DISK :
					    kind == ZERO ? READS_ZERO : DISCARDED;
		if (kind != DATA)
			continue;
		if (claimed[place + i] && claimed[place + i] != sector + i + 1)
			return refuse(v, "a place with two owners");
		claimed[place + i] = sector + i + 1;
	}
	return true;
}

static bool take_summary(struct verdict *v, const uint8_t *super, const struct geometry *g,
			 uint64_t place, uint64_t sequence, uint64_t epoch)
{
	const uint8_t *p = buffer + place * SECTOR;
	uint64_t previous = get(p + 48, 8), i;
	uint32_t entries = get(p + 12, 4);

	if (get(p, 8) != SUMMARY_MAGIC || get(p + CRC, 4) != block_crc(p, BLOCK))
		return refuse(v, "a summary's magic or checksum");
	if (memcmp(p + UUID, super + UUID, UUID_SIZE))
		return refuse(v, "a summary's uuid");
	if (get(p + 32, 8) != sequence || get(p + 40, 8) != epoch)
		return refuse(v, "a summary's sequence or epoch");
	if (previous) {
		if (!within_segment(g, previous, BLOCK_SECTORS) ||
		    get(p + 56, 8) >= sequence || get(p + 64, 8) > epoch)
			return refuse(v, "a summary's previous one");
	} else if (!zeroes(p + 56, 16)) {
		return refuse(v, "a summary's previous one");
	}
	if (entries > ENTRIES)
		return refuse(v, "a summary's entries");
	if (!zeroes(p + 72, 24) || !zeroes(p + ENTRY(entries), BLOCK - ENTRY(entries)))
		return refuse(v, "a summary's reserved bytes");
	for (i = 0; i < BLOCK_SECTORS; i++) {
		if (claimed[place + i])
			return refuse(v, "a summary over something else");
		claimed[place + i] = A_SUMMARY;
	}
	/* from the last to the first: what is set is newer */
	for (i = entries; i--; )
		if (!take_entry(v, g, p + ENTRY(i)))
			return false;
	if (v->summaries < ARRAY_SIZE(v->place))
		v->place[v->summaries] = place;
	v->summaries++;
	return true;
}

static uint32_t sample_of(const uint8_t *from, unsigned int i)
{
	return sample_crc(from + sample_sector(disk_sectors, i) * SECTOR);
}

static bool take_samples(struct verdict *v, const uint8_t *super)
{
	unsigned int i, equal = 0, blank = 0;
	uint32_t sample, is;
	uint64_t sector, j;

	for (i = 0; i < SAMPLES; i++) {
		sample = get(super + SAMPLE + 4 * i, 4);
		sector = sample_sector(disk_sectors, i);
		for (j = 0; j < BLOCK_SECTORS && where[sector + j] == ON_DISK; j++)
			;
		/* what is to be merged tells nothing */
		if (!sample || j < BLOCK_SECTORS)
			continue;
		/* to compute all of them each time would take most of the time */
		is = memcmp(disk + sector * SECTOR, now->disk + sector * SECTOR, BLOCK) ?
		     sample_of(disk, i) : now->sample[i];
		if (is && is != sample)
			return refuse(v, "sample %u", i);
		equal += is == sample;
		blank += !is;
	}
	return !blank || equal ? true : refuse(v, "a blank disk");
}

/* Fills where[] too. */
static struct verdict judge(void)
{
	uint64_t place, sequence, epoch, merged, i;
	struct verdict v = { .accepted = true };
	char owner[OWNER_SIZE + 1] = "";
	bool valid[2], second;
	const uint8_t *p;
	struct geometry g;

	if (zeroes(buffer, BLOCK)) {
		v.formatted = true;
		return v;
	}
	valid[0] = super_valid(buffer, 0);
	valid[1] = super_valid(buffer + BLOCK, 1);
	second = valid[1] && (!valid[0] || get(buffer + BLOCK + 32, 8) > get(buffer + 32, 8));
	if (get(buffer, 8) != SUPER_MAGIC) {
		refuse(&v, "something else");
		return v;
	}
	if (!valid[0] && !valid[1]) {
		refuse(&v, "no superblock");
		return v;
	}
	p = buffer + (second ? BLOCK : 0);
	g = geometry_of(p);
	memcpy(owner, p + OWNER, OWNER_SIZE);
	if (get(p + 40, 8) != disk_sectors || g.sectors > buffer_sectors ||
	    (*uuid && *owner && strcmp(uuid, owner))) {
		refuse(&v, "of another secondary, or shrunk");
		return v;
	}
	v.sequence = get(p + 32, 8);
	v.stage = get(p + 60, 4);
	v.epoch = get(p + 64, 8);
	for (i = 0; i < disk_sectors; i++)
		where[i] = OPEN;
	memset(claimed, 0, buffer_sectors * sizeof(*claimed));
	merged = get(p + 72, 8);
	place = get(p + 80, 8);
	sequence = get(p + 88, 8);
	epoch = get(p + 96, 8);
	while (place && epoch > merged) {
		const uint8_t *summary = buffer + place * SECTOR;

		if (!take_summary(&v, p, &g, place, sequence, epoch))
			return v;
		place = get(summary + 48, 8);
		sequence = get(summary + 56, 8);
		epoch = get(summary + 64, 8);
	}
	for (i = 0; i < disk_sectors; i++)
		if (where[i] == OPEN)
			where[i] = ON_DISK;
	if (v.stage == RUNNING)
		take_samples(&v, p);
	return v;
}

static void expect(void)
{
	uint64_t i;

	for (i = 0; i < disk_sectors; i++) {
		uint8_t *p = expected + i * SECTOR;

		if (where[i] == ON_DISK)
			memcpy(p, disk + i * SECTOR, SECTOR);
		else if (where[i] == READS_ZERO || where[i] == DISCARDED)
			memset(p, 0, SECTOR);
		else
			memcpy(p, buffer + where[i] * SECTOR, SECTOR);
	}
}

/*
 * ---- Mutations ----
 */

static uint8_t *block_at(uint64_t sector)
{
	return buffer + sector * SECTOR;
}

static bool is_super(const uint8_t *block)
{
	return block < buffer + 2 * BLOCK;
}

static void name_block(const uint8_t *block)
{
	if (is_super(block))
		tell("superblock %u", block != buffer);
	else
		tell("summary at %" PRIu64, (uint64_t)(block - buffer) / SECTOR);
}

/* A block that is read: a summary, the superblock that counts, or the other one */
static uint8_t *any_block(const struct verdict *good)
{
	unsigned int n = good->summaries;

	if (n && below(5) < 3)
		return block_at(good->place[below(n)]);
	return block_at(BLOCK_SECTORS * (below(4) ? good->sequence & 1 : ~good->sequence & 1));
}

static uint8_t *any_summary(const struct verdict *good)
{
	return block_at(good->place[below(good->summaries)]);
}

static uint64_t interesting(const struct verdict *good, uint64_t old, unsigned int size)
{
	const uint8_t *super = buffer + (good->sequence & 1 ? BLOCK : 0);
	const struct field *f = &super_field[below(ARRAY_SIZE(super_field))];
	const uint64_t value[] = {
		0, below(6), UINT64_MAX - below(3), INT64_MAX + below(3), random_number(),
		old + 1, old - 1, old * 2, old + 8 * (below(65) - 32),
		old ^ UINT64_C(1) << below(8 * size), (UINT64_C(1) << below(64)) - below(2),
		good->summaries ? good->place[below(good->summaries)] : FIRST_SEGMENT,
		FIRST_SEGMENT + below(buffer_sectors), buffer_sectors + 1 - below(3),
		below(disk_sectors), disk_sectors + 1 - below(3),
		/* what another field has */
		get(super + f->at, f->size),
	};

	return value[below(ARRAY_SIZE(value))];
}

static void change_field(const struct verdict *good, uint8_t *block)
{
	const struct field *f;
	uint64_t old, value;
	uint8_t *p = block;
	unsigned int n;

	if (is_super(block)) {
		f = &super_field[below(ARRAY_SIZE(super_field))];
	} else if (below(3)) {
		n = get(block + 12, 4);
		n = below(8) && n && n <= ENTRIES ? below(n) : below(ENTRIES);
		f = &entry_field[below(ARRAY_SIZE(entry_field))];
		p += ENTRY(n);
		tell("entry %u", n);
	} else {
		f = &summary_field[below(ARRAY_SIZE(summary_field))];
	}
	old = get(p + f->at, f->size);
	value = interesting(good, old, f->size);
	put(p + f->at, f->size, value);
	tell("%s %" PRIu64 " to %" PRIu64, f->name, old, get(p + f->at, f->size));
}

/* The first sectors of one, the rest of another; or not even that. */
static void tear(const struct verdict *good, uint8_t *block)
{
	unsigned int n = 1 + below(7), i;
	const uint8_t *other = any_block(good);

	name_block(block);
	for (i = 0; i < 8; i++) {
		if (below(4) ? i < n : below(2))
			continue;
		tell("sector %u of", i);
		name_block(other);
		memcpy(block + i * SECTOR, other + i * SECTOR, SECTOR);
	}
}

static void copy_block(const struct verdict *good, uint8_t *to)
{
	const uint8_t *from = below(4) ? any_block(good) : block_at(8 * below(buffer_sectors / 8));
	uint8_t head[72];

	memcpy(head, to, sizeof(head));
	memmove(to, from, BLOCK);
	name_block(to);
	tell("becomes");
	name_block(from);
	if (below(2)) {
		/* in the place and with the names of the one that it replaces */
		memcpy(to + UUID, head + UUID, sizeof(head) - UUID);
		tell("with its identity");
	}
	if (below(4))
		seal(to, BLOCK);
}

/* A summary points to any other one, or to itself. */
static void lead_astray(const struct verdict *good)
{
	uint8_t *from = any_summary(good), *to = any_summary(good);

	name_block(from);
	tell("points to");
	name_block(to);
	put(from + 48, 8, (to - buffer) / SECTOR);
	memcpy(from + 56, to + 32, 16);
	if (below(2)) {
		tell("with a sequence that falls");
		put(from + 56, 8, get(from + 32, 8) - 1);
		if (below(2))
			put(to + 32, 8, get(from + 32, 8) - 1);
		if (below(2)) {
			tell("and equal epochs");
			put(from + 64, 8, get(from + 40, 8));
			put(to + 40, 8, get(from + 40, 8));
		}
		seal(to, BLOCK);
	}
	seal(from, BLOCK);
}

/* Entries that are as good as those that were there: nothing may be refused. */
static void reorder(const struct verdict *good)
{
	uint8_t *block = any_summary(good), *a, *b, copy[32];
	unsigned int n = get(block + 12, 4), i;

	if (!n || n > ENTRIES)
		return;
	a = block + ENTRY(below(n));
	b = block + ENTRY(below(n));
	name_block(block);
	switch (below(8)) {
	case 0:
		tell("entries change places");
		memcpy(copy, a, sizeof(copy));
		memcpy(a, b, sizeof(copy));
		memcpy(b, copy, sizeof(copy));
		break;
	case 1:
		tell("an entry replaces another");
		memmove(a, b, sizeof(copy));
		break;
	case 2:
		tell("the last entry is gone");
		memset(block + ENTRY(n - 1), 0, 32);
		put(block + 12, 4, n - 1);
		break;
	case 3:
		for (i = below(4) ? n + below(4) + 1 : ENTRIES; n < i && n < ENTRIES; n++)
			memcpy(block + ENTRY(n), block + ENTRY(below(n)), 32);
		tell("entries again, %u in all", n);
		put(block + 12, 4, n);
		break;
	case 4:
		i = 1 + below(3);
		tell("an entry's kind is %u, without a place", i);
		a[24] = i;
		memset(a + 8, 0, 8);
		break;
	case 5:
		tell("an entry is void");
		a[24] = VOID;
		break;
	case 6:
		tell("an entry moves");
		put(a, 8, below(disk_sectors));
		break;
	case 7:
		tell("an entry shrinks");
		put(a + 16, 4, 1 + below(get(a + 16, 4) + 1));
		break;
	}
	seal(block, BLOCK);
}

/* Entries made up altogether, all of them possible or nearly so */
static void invent(const struct verdict *good)
{
	uint8_t *block = any_summary(good), *p;
	unsigned int n = 1 + below(ENTRIES), i;
	bool places = below(2);

	name_block(block);
	tell("has %u made up entries", n);
	memset(block + ENTRY(0), 0, 32 * ENTRIES);
	put(block + 12, 4, n);
	for (i = 0; i < n; i++) {
		p = block + ENTRY(i);
		p[24] = below(5);
		put(p, 8, below(disk_sectors));
		put(p + 16, 4, 1 + below(below(4) ? 4 : 64));
		if (p[24] == DATA && !places)
			p[24] = ZERO;
		/* mostly one place for one sector */
		if (p[24] == DATA || p[24] == VOID)
			put(p + 8, 8, below(50) ? FIRST_SEGMENT + 1024 + get(p, 8) % 1024 :
			    below(buffer_sectors));
	}
	seal(block, BLOCK);
}

static void shorten(const struct verdict *good)
{
	uint8_t *super = buffer + (good->sequence & 1 ? BLOCK : 0), *block = any_summary(good);

	if (below(2)) {
		tell("the chain ends with");
		name_block(block);
		memset(block + 48, 0, 24);
		seal(block, BLOCK);
	} else {
		tell("the chain begins with");
		name_block(block);
		put(super + 80, 8, (block - buffer) / SECTOR);
		memcpy(super + 88, block + 32, 16);
		seal(super, BLOCK);
	}
}

/* Stage, epochs and flags, in combinations that may be possible */
static void change_state(const struct verdict *good)
{
	static const uint8_t stages[] = { NONE, RUNNING, FAILOVER, 3, DONE };
	uint8_t *super = buffer + (good->sequence & 1 ? BLOCK : 0);
	uint64_t epoch = get(super + 64, 8);

	if (below(2)) {
		put(super + 60, 4, stages[below(sizeof(stages))]);
		tell("stage %u", super[60]);
	}
	if (below(2)) {
		put(super + 72, 8, below(epoch + 3));
		tell("merged_epoch %" PRIu64, get(super + 72, 8));
	}
	if (below(4) == 0) {
		put(super + 104, 4, below(3));
		tell("flags %u", super[104]);
	}
	if (below(4) == 0) {
		memset(super + 80, 0, 24);
		tell("no chain");
	}
	if (below(4) == 0) {
		put(super + 64, 8, epoch + below(5) - 2);
		tell("epoch %" PRIu64, get(super + 64, 8));
	}
	if (below(4) == 0) {
		memset(super + SAMPLE, 0, 4 * SAMPLES);
		tell("no samples");
	}
	if (below(8) == 0) {
		memset(super + OWNER, 0, OWNER_SIZE);
		tell("no owner");
	}
	seal(super, BLOCK);
}

/* The whole of both copies */
static void change_supers(const struct verdict *good)
{
	uint8_t *live = buffer + (good->sequence & 1 ? BLOCK : 0);
	uint8_t *other = buffer + (good->sequence & 1 ? 0 : BLOCK);
	uint64_t x;

	switch (below(8)) {
	case 0:
		tell("the first 4096 bytes are zero");
		memset(buffer, 0, BLOCK);
		return;
	case 1:
		tell("the live superblock is gone");
		memset(live + below(2) * 8, below(256), BLOCK - 8);
		return;
	case 2:
		tell("the other superblock is gone");
		memset(other, below(256), BLOCK);
		return;
	case 3:
		x = below(4);
		tell("version %" PRIu64, x);
		put(live + 12, 4, x);
		put(other + 12, 4, x);
		break;
	case 4:
		tell("another uuid");
		live[UUID + below(UUID_SIZE)] ^= 1 << below(8);
		if (below(2))
			memcpy(other + UUID, live + UUID, UUID_SIZE);
		break;
	case 5:
		x = interesting(good, disk_sectors, 8);
		tell("disk_sectors %" PRIu64, x);
		put(live + 40, 8, x);
		put(other + 40, 8, x);
		break;
	case 6:
		x = below(2) ? buffer_sectors - 64 + below(128) : interesting(good, buffer_sectors, 8);
		tell("buffer_sectors %" PRIu64, x);
		put(live + 48, 8, x);
		put(other + 48, 8, x);
		break;
	case 7:
		x = below(2) ? UINT64_C(64) << below(8) : interesting(good, 128, 4);
		tell("segment_sectors %" PRIu64, x);
		put(live + 56, 4, x);
		put(other + 56, 4, x);
		break;
	}
	seal(live, BLOCK);
	seal(other, BLOCK);
}

static void change_disk(void)
{
	uint64_t sector = below(2) ? sample_sector(disk_sectors, below(SAMPLES)) : below(disk_sectors);

	if (disk_changed < disk_sectors)
		sector = disk_changed;
	disk_changed = sector;
	tell("sector %" PRIu64 " of the disk", sector);
	disk[sector * SECTOR + below(SECTOR)] ^= 1 + below(255);
}

static void mutate_once(const struct verdict *good)
{
	uint8_t *block = any_block(good);
	unsigned int n, what = below(good->summaries ? 16 : 11);

	switch (what) {
	case 0:
		name_block(block);
		/* most of a superblock is empty */
		change_bits(block, is_super(block) ? SECTOR : BLOCK, BLOCK);
		if (below(3) == 0)
			seal(block, BLOCK);
		break;
	case 1:
		name_block(block);
		change_bytes(block, BLOCK);
		if (below(3) == 0)
			seal(block, BLOCK);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		name_block(block);
		for (n = below(4) ? 1 : 2 + below(3); n; n--)
			change_field(good, block);
		if (below(8))
			seal(block, BLOCK);
		break;
	case 6:
		tear(good, block);
		if (below(2))
			seal(block, BLOCK);
		break;
	case 7:
		copy_block(good, block);
		break;
	case 8:
		change_state(good);
		break;
	case 9:
		change_supers(good);
		break;
	case 10:
		change_disk();
		break;
	case 11:
		lead_astray(good);
		break;
	case 12:
	case 13:
		reorder(good);
		break;
	case 14:
		invent(good);
		break;
	case 15:
		shorten(good);
		break;
	}
}

/*
 * ---- The device ----
 */

/* "secondary STAGE EPOCH ...": as dmsetup has it */
static void check_status(const struct verdict *v)
{
	static const char * const name[] = { "none", "running", "failover", "", "done" };
	const char *status = device_status();
	char stage[32] = "";
	uint64_t epoch = UINT64_MAX;

	if (sscanf(status, "secondary %31s %" SCNu64, stage, &epoch) != 2)
		die("status '%s'", status);
	/* a merge that had little to do may have ended */
	if (v->stage == FAILOVER && !strcmp(stage, name[DONE]))
		strcpy(stage, name[FAILOVER]);
	if (strcmp(stage, name[v->stage]) || epoch != v->epoch)
		die("status '%s', expected %s %" PRIu64, status, name[v->stage], v->epoch);
}

static void check_content(const struct verdict *v, int fd)
{
	uint64_t i;

	if (v->stage == NONE) {
		if (pread(fd, found, SECTOR, 0) >= 0 || errno != EIO)
			die("a secondary that never started can be read");
		return;
	}
	read_all(fd, found, disk_sectors, "the active view");
	for (i = 0; i < disk_sectors; i++)
		if (memcmp(found + i * SECTOR, expected + i * SECTOR, SECTOR) &&
		    /* once it is merged a discard may have been to no effect */
		    (where[i] != DISCARDED ||
		     memcmp(found + i * SECTOR, disk + i * SECTOR, SECTOR)))
			die("sector %" PRIu64 " is not what the buffer has at %" PRId64, i,
			    (int64_t)where[i]);
}

static void write_some(const struct verdict *v, int fd)
{
	uint64_t sector = below(disk_sectors - BLOCK_SECTORS), i;
	uint8_t *data = found;

	for (i = 0; i < BLOCK; i++)
		data[i] = random_number();
	if (pwrite(fd, data, BLOCK, sector * SECTOR) != BLOCK) {
		/* what is committed may have left no room */
		if (v->stage == RUNNING && errno == ENOSPC)
			return;
		die("cannot write: %s", strerror(errno));
	}
	/* before a failover it is gone with the device */
	if (v->stage == RUNNING)
		return;
	memcpy(expected + sector * SECTOR, data, BLOCK);
	for (i = sector; i < sector + BLOCK_SECTORS; i++)
		where[i] = ON_DISK;
}

static void use_secondary(const struct verdict *v)
{
	int fd;

	check_status(v);
	fd = device_open();
	check_content(v, fd);
	if (v->stage != NONE && below(4) == 0)
		write_some(v, fd);
	close(fd);
	device_clear();
}

/*
 * ---- All of them ----
 */

/* The only blocks of a buffer that mutations change, one by one */
static uint64_t metadata(const struct verdict *good, unsigned int i)
{
	return i < 2 ? i * BLOCK_SECTORS : good->place[i - 2];
}

/* Puts what differs from @from, which the devices hold, onto them. */
static void write_changes(const struct verdict *good, const uint8_t *from, const uint8_t *to)
{
	unsigned int i;
	uint64_t at;

	for (i = 0; i < good->summaries + 2; i++) {
		at = metadata(good, i) * SECTOR;
		if (memcmp(from + at, to + at, BLOCK))
			write_at(buffer_fd, to, at, BLOCK);
	}
	if (disk_changed < disk_sectors)
		write_at(disk_fd, from == buffer ? now->disk : disk, disk_changed * SECTOR, SECTOR);
}

/* The mutation is over. */
static void forget(const struct verdict *good)
{
	unsigned int i;
	uint64_t at;

	for (i = 0; i < good->summaries + 2; i++) {
		at = metadata(good, i) * SECTOR;
		memcpy(buffer + at, now->buffer + at, BLOCK);
	}
	if (disk_changed < disk_sectors)
		memcpy(disk + disk_changed * SECTOR, now->disk + disk_changed * SECTOR, SECTOR);
	disk_changed = UINT64_MAX;
}

static void put_image(const struct image *i)
{
	write_at(disk_fd, i->disk, 0, disk_sectors * SECTOR);
	write_at(buffer_fd, i->buffer, 0, buffer_sectors * SECTOR);
}

static void unchanged(void)
{
	/* mostly the superblocks only: reading takes time */
	bool all = below(16) == 0;

	read_all(buffer_fd, found, all ? buffer_sectors : 2 * BLOCK_SECTORS, "the buffer");
	if (memcmp(found, buffer, all ? buffer_sectors * SECTOR : 2 * BLOCK))
		die("the buffer was changed although it was refused");
	if (!all)
		return;
	read_all(disk_fd, found, disk_sectors, "the disk");
	if (memcmp(found, disk, disk_sectors * SECTOR))
		die("the disk was changed although its buffer was refused");
}

static enum outcome outcome_of(const struct verdict *v)
{
	return v->formatted ? FORMATTED : v->accepted ? ACCEPTED : REFUSED;
}

/* Return: what it was to become, and did. The devices hold the image again. */
static struct verdict try(const struct verdict *good, const char *table)
{
	struct verdict v = judge();
	bool reason;
	int error;

	write_changes(good, now->buffer, buffer);
	take_reason();
	error = device_load("replication", table);
	if (error) {
		reason = take_reason();
		if (v.accepted)
			die("refused (%s), should have been %s", strerror(-error), outcome_name[outcome_of(&v)]);
		if (!reason)
			die("refused without a reason in the kernel's log");
		if (device_refused_late())
			device_clear();
		unchanged();
		write_changes(good, buffer, now->buffer);
		return v;
	}
	if (!v.accepted)
		die("accepted in spite of %s", v.why);
	if (!v.formatted)
		expect();
	use_secondary(&v);
	/* with sequences that end soon a superblock has no successor */
	if (below(2) && v.sequence < INT64_MAX / 2 && v.epoch < INT64_MAX / 2) {
		tell("(made again)");
		error = device_load("replication", table);
		if (error)
			die("refused the second time: %s", strerror(-error));
		use_secondary(&v);
	}
	put_image(now);
	return v;
}

static void load_image(struct image *i, const char *name)
{
	unsigned int n;

	i->name = name;
	i->disk = load_file(name, "disk", disk_sectors);
	i->buffer = load_file(name, "buffer", buffer_sectors);
	for (n = 0; n < SAMPLES; n++)
		i->sample[n] = sample_of(i->disk, n);
}

static void take_image(unsigned int n)
{
	if (now == &image[n])
		return;
	now = &image[n];
	subject = now->name;
	put_image(now);
	memcpy(disk, now->disk, disk_sectors * SECTOR);
	memcpy(buffer, now->buffer, buffer_sectors * SECTOR);
}

static struct verdict good[ARRAY_SIZE(image)];
static char table[512];

static void try_as_it_is(unsigned int n)
{
	struct verdict v;
	unsigned int i;

	good[n] = judge();
	/* what is given twice gets twice the mutations */
	for (i = 0; strcmp(image[i].name, now->name); i++)
		;
	if (i == n)
		printf("%s: stage %u, epoch %" PRIu64 ", %u summaries\n", now->name, good[n].stage,
		       good[n].epoch, good[n].summaries);
	v = try(&good[n], table);
	if (!v.accepted || v.summaries > ARRAY_SIZE(v.place))
		die("no use for this image: %s", v.why);
}

static enum outcome try_mutated(unsigned int n)
{
	struct verdict v;

	do
		mutate_once(&good[n]);
	while (below(10) == 0);
	announce();
	v = try(&good[n], table);
	forget(&good[n]);
	return outcome_of(&v);
}

/* @arg: disk, buffer, images */
void mutate_buffers(const char *const *arg, unsigned int images)
{
	static const struct trial trial = { take_image, try_as_it_is, try_mutated };
	unsigned int i;

	if (images > ARRAY_SIZE(image))
		die("too many images");
	disk_fd = open_device(arg[0], O_RDWR | O_DIRECT);
	buffer_fd = open_device(arg[1], O_RDWR | O_DIRECT);
	disk_sectors = length_of(disk_fd);
	buffer_sectors = length_of(buffer_fd);
	device_init(disk_sectors);
	for (i = 0; i < images; i++)
		load_image(&image[i], arg[2 + i]);
	disk = memory(disk_sectors * SECTOR);
	buffer = memory(buffer_sectors * SECTOR);
	expected = memory(disk_sectors * SECTOR);
	found = memory((disk_sectors > buffer_sectors ? disk_sectors : buffer_sectors) * SECTOR);
	where = memory(disk_sectors * sizeof(*where));
	claimed = memory(buffer_sectors * sizeof(*claimed));
	snprintf(table, sizeof(table), "secondary %s %s 0", arg[0], arg[1]);
	run(&trial, images);
}

/* Small ones, and from time to time a large one, mostly next to each other. */
void scribble(const char *view)
{
	int fd = open_device(view, O_RDWR | O_DIRECT);
	uint64_t sectors = length_of(fd), range[2], i;
	uint8_t *data = memory(64 * SECTOR);

	random_begin(seed);
	for (number = 0; number < count; number++) {
		uint64_t length = 1 + below(below(8) ? 4 : 64), what = below(10);

		range[0] = below(3) ? below(sectors / 8) : below(sectors - length);
		range[0] *= SECTOR;
		range[1] = length * SECTOR;
		for (i = 0; i < range[1]; i += 8)
			put(data + i, 8, random_number());
		/* not every ramdisk can discard */
		if (what == 0 ? ioctl(fd, BLKDISCARD, range) && errno != EOPNOTSUPP :
		    what == 1 ? ioctl(fd, BLKZEROOUT, range) :
		    pwrite(fd, data, range[1], range[0]) != (ssize_t)range[1])
			die("%s: %s", view, strerror(errno));
	}
}
