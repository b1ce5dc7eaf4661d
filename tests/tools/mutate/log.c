// SPDX-License-Identifier: GPL-2.0
/*
 * Is a damaged dirty log refused, or else read right?
 *
 * Each image is a log, in the file IMAGE.log, as long as the device; all of
 * them are of the local leg as it is, and the remote leg is all zeroes.
 * Something is changed in the log, and rarely in the local leg. Then a primary
 * is made of these, and not started.
 *
 * What has to come of it follows from a decoder in this file, which shares no
 * line with the module's. Either there is no such primary, the kernel's log has
 * a line that says why, and the log is as it was; or there is one that knows as
 * many dirty regions as the log has marks, and its marks are still there when
 * it has gone. Sometimes it is started: then exactly those regions are copied
 * to the remote leg.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mutate.h"

/* From Documentation/format.rst */
#define SUPER_MAGIC	UINT64_C(0x31474f4c4c504552)
#define MARKS_MAGIC	UINT64_C(0x314b524d4c504552)
#define OWNER		72
#define SAMPLE		200
#define FIRST_MARKS	16
#define BITS		32
#define PER_SECTOR	3840
#define PER_BLOCK	(BLOCK_SECTORS * PER_SECTOR)

/* To start it copies at most so much */
#define COPY_LIMIT	16384
#define CHUNK		2048

static const struct field super_field[] = {
	{ "magic", 0, 8 }, { "crc", 8, 4 }, { "version", 12, 4 }, { "uuid", 16, 8 },
	{ "sequence", 32, 8 }, { "leg_sectors", 40, 8 }, { "region_sectors", 48, 4 },
	{ "flags", 52, 4 }, { "epoch", 56, 8 }, { "base", 64, 8 }, { "owner", OWNER, 1 },
	{ "owner's end", OWNER + OWNER_SIZE - 8, 8 }, { "a sample", SAMPLE, 4 },
	{ "the last sample", SAMPLE + 4 * (SAMPLES - 1), 4 }, { "reserved", 456, 8 },
	{ "the end of reserved", BLOCK - 1, 1 },
};

static const struct field marks_field[] = {
	{ "magic", 0, 8 }, { "crc", 8, 4 }, { "index", 12, 4 }, { "uuid", 16, 8 },
	{ "uuid's end", 24, 8 }, { "bits", BITS, 8 }, { "the last bits", SECTOR - 8, 8 },
};

/* What must come of a log */
struct verdict {
	enum outcome outcome;
	uint64_t epoch, sequence, marked;
	char why[128];
};

static struct image {
	const char *name;
	uint8_t *log;
	struct verdict good;
} image[16];
static const struct image *now;
static unsigned int nr_images;

static const char *device[3];
static char table[512];
static int local_fd, remote_fd, log_fd, control_fd;
static uint64_t leg_sectors, region_sectors, regions, log_sectors;
static uint64_t marks_sectors, length;	/* that it has to have, that it has */
static uint8_t *log, *found;		/* the mutated one, a scratch */
static uint8_t *marked;			/* by region */
static uint32_t sample[SAMPLES];	/* of the local leg */
static uint64_t leg_changed = UINT64_MAX;	/* a sector of it */
static unsigned int started;
static uint8_t leg_was[SECTOR], leg_is[SECTOR];

/*
 * ---- What must come of it ----
 */

static bool super_valid(const uint8_t *p, unsigned int copy)
{
	uint64_t sequence = get(p + 32, 8), sectors = get(p + 40, 8), region = get(p + 48, 4);
	size_t owner = strnlen((const char *)p + OWNER, OWNER_SIZE);

	if (get(p, 8) != SUPER_MAGIC || get(p + CRC, 4) != block_crc(p, BLOCK) ||
	    get(p + 12, 4) != 1)
		return false;
	if (!sequence || sequence > INT64_MAX || (sequence & 1) != copy)
		return false;
	if (region < 8 || region > 1 << 21 || region & (region - 1))
		return false;
	if (!sectors || sectors > INT64_MAX || (sectors - 1) / region >= 0x7fffffff)
		return false;
	if (get(p + 56, 8) > INT64_MAX || get(p + 64, 8) > get(p + 56, 8))
		return false;
	return zeroes(p + OWNER + owner, OWNER_SIZE - owner) && zeroes(p + 52, 4) &&
	       zeroes(p + 456, BLOCK - 456);
}

static __attribute__((format(printf, 2, 3))) void refuse(struct verdict *v, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(v->why, sizeof(v->why), fmt, args);
	va_end(args);
	v->outcome = REFUSED;
}

static bool take_marks(struct verdict *v, const uint8_t *from, const uint8_t *super)
{
	uint64_t i, r;

	memset(marked, 0, regions);
	for (i = 0; i < marks_sectors; i++) {
		const uint8_t *p = from + (FIRST_MARKS + i) * SECTOR;

		if (get(p, 8) != MARKS_MAGIC || get(p + CRC, 4) != block_crc(p, SECTOR) ||
		    get(p + 12, 4) != i || memcmp(p + UUID, super + UUID, UUID_SIZE)) {
			refuse(v, "marks %" PRIu64 ": magic, crc, index or uuid", i);
			return false;
		}
		for (r = 0; r < PER_SECTOR; r++) {
			if (!(p[BITS + r / 8] & 1 << r % 8))
				continue;
			if (i * PER_SECTOR + r >= regions) {
				refuse(v, "marks %" PRIu64 ": of no region", i);
				return false;
			}
			marked[i * PER_SECTOR + r] = 1;
			v->marked++;
		}
	}
	return true;
}

static void take_samples(struct verdict *v, const uint8_t *super)
{
	uint64_t sector, want;
	unsigned int i;

	for (i = 0; i < SAMPLES; i++) {
		sector = sample_sector(leg_sectors, i);
		want = get(super + SAMPLE + 4 * i, 4);
		if (!want || marked[sector / region_sectors])
			continue;
		/* the leg has no blank blocks; what was changed there is another one */
		if (want == sample[i] && leg_changed - sector >= BLOCK_SECTORS)
			continue;
		refuse(v, "sample %u", i);
		return;
	}
}

/* Fills marked[] too. */
static struct verdict judge(const uint8_t *from)
{
	struct verdict v = { .outcome = ACCEPTED };
	char owner[OWNER_SIZE + 1] = "";
	bool valid[2], second;
	const uint8_t *p;

	if (length < FIRST_MARKS + marks_sectors) {
		refuse(&v, "too short");
		return v;
	}
	if (zeroes(from, BLOCK)) {
		v.outcome = FORMATTED;
		v.marked = regions;
		memset(marked, 1, regions);
		return v;
	}
	valid[0] = super_valid(from, 0);
	valid[1] = super_valid(from + BLOCK, 1);
	if (get(from, 8) != SUPER_MAGIC || (!valid[0] && !valid[1])) {
		refuse(&v, "something else, or no superblock");
		return v;
	}
	second = valid[1] && (!valid[0] || get(from + BLOCK + 32, 8) > get(from + 32, 8));
	p = from + (second ? BLOCK : 0);
	memcpy(owner, p + OWNER, OWNER_SIZE);
	if (get(p + 40, 8) != leg_sectors || get(p + 48, 4) != region_sectors ||
	    (*uuid && *owner && strcmp(uuid, owner))) {
		refuse(&v, "of another primary");
		return v;
	}
	v.sequence = get(p + 32, 8);
	v.epoch = get(p + 56, 8);
	if (take_marks(&v, from, p))
		take_samples(&v, p);
	return v;
}

/*
 * ---- Mutations ----
 */

static uint8_t *marks_at(uint64_t i)
{
	return log + (FIRST_MARKS + i) * SECTOR;
}

static uint8_t *super_at(bool live)
{
	return log + (live == (now->good.sequence & 1) ? BLOCK : 0);
}

static uint8_t *any_super(void)
{
	return super_at(below(4));
}

static uint8_t *any_marks(void)
{
	return marks_at(below(marks_sectors));
}

static const uint8_t *any_image(void)
{
	return image[below(nr_images)].log;
}

static void name_part(const uint8_t *p)
{
	uint64_t sector = (p - log) / SECTOR;

	if (sector < FIRST_MARKS)
		tell("superblock %u", sector >= BLOCK_SECTORS);
	else
		tell("marks %" PRIu64, sector - FIRST_MARKS);
}

static size_t size_of(const uint8_t *p)
{
	return p < marks_at(0) ? BLOCK : SECTOR;
}

static uint64_t interesting(uint64_t old, unsigned int size)
{
	const uint8_t *super = super_at(true);
	const struct field *f = &super_field[below(ARRAY_SIZE(super_field))];
	const uint64_t value[] = {
		0, below(6), UINT64_MAX - below(3), INT64_MAX + below(3), random_number(),
		old + 1, old - 1, old * 2, old / 2, old + 8 * (below(65) - 32),
		old ^ UINT64_C(1) << below(8 * size), (UINT64_C(1) << below(64)) - below(2),
		below(leg_sectors), leg_sectors + 1 - below(3), UINT64_C(1) << below(24),
		/* what another field has */
		get(super + f->at, f->size),
	};

	return value[below(ARRAY_SIZE(value))];
}

static void change_field(uint8_t *p)
{
	const struct field *f = p < marks_at(0) ? &super_field[below(ARRAY_SIZE(super_field))] :
						  &marks_field[below(ARRAY_SIZE(marks_field))];
	uint64_t old = get(p + f->at, f->size), value = interesting(old, f->size);

	put(p + f->at, f->size, value);
	tell("%s %" PRIu64 " to %" PRIu64, f->name, old, get(p + f->at, f->size));
}

/* Some sectors of a block as they are in another image */
static void tear(void)
{
	uint64_t block = below(2) ? below(2) : 2 + below(marks_sectors / BLOCK_SECTORS), i;
	const uint8_t *from = any_image();
	unsigned int n = 1 + below(7);

	tell("block %" PRIu64 " torn:", block);
	for (i = 0; i < BLOCK_SECTORS; i++) {
		uint64_t at = (block * BLOCK_SECTORS + i) * SECTOR;

		if (below(4) ? i < n : below(2))
			continue;
		tell("%" PRIu64, i);
		memcpy(log + at, from + at, SECTOR);
	}
}

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
	uint8_t copy[BLOCK];

	memcpy(copy, a, size);
	memcpy(a, b, size);
	memcpy(b, copy, size);
}

static void change_places(void)
{
	uint64_t i = below(marks_sectors), j = below(marks_sectors), blocks;

	switch (below(4)) {
	case 0:
		tell("the superblocks change places");
		swap(log, log + BLOCK, BLOCK);
		return;
	case 1:
		blocks = log_sectors / BLOCK_SECTORS;
		i = below(blocks);
		j = below(blocks);
		tell("blocks %" PRIu64 " and %" PRIu64 " change places", i, j);
		swap(log + i * BLOCK, log + j * BLOCK, BLOCK);
		return;
	case 2:
		tell("marks %" PRIu64 " and %" PRIu64 " change places", i, j);
		swap(marks_at(i), marks_at(j), SECTOR);
		return;
	case 3:
		tell("marks %" PRIu64 " and %" PRIu64 " change places but for what they are", i, j);
		swap(marks_at(i) + BITS, marks_at(j) + BITS, SECTOR - BITS);
		seal(marks_at(i), SECTOR);
		seal(marks_at(j), SECTOR);
		return;
	}
}

/* Parts of another image */
static void mix(void)
{
	const uint8_t *from = any_image();
	uint64_t i;

	switch (below(4)) {
	case 0:
		tell("other superblocks");
		memcpy(log, from, 2 * BLOCK);
		break;
	case 1:
		i = below(2);
		tell("another superblock %" PRIu64, i);
		memcpy(log + i * BLOCK, from + i * BLOCK, BLOCK);
		break;
	case 2:
		tell("other marks");
		memcpy(marks_at(0), from + FIRST_MARKS * SECTOR, marks_sectors * SECTOR);
		break;
	case 3:
		tell("the marks of another log, as this one's");
		for (i = 0; i < marks_sectors; i++) {
			memcpy(marks_at(i) + BITS, from + (FIRST_MARKS + i) * SECTOR + BITS,
			       SECTOR - BITS);
			seal(marks_at(i), SECTOR);
		}
		break;
	}
}

/* As the module could have written them */
static void other_marks(void)
{
	uint64_t n = 1 + below(20), r = below(regions);
	bool set = below(3);

	tell("%" PRIu64 " marks from %" PRIu64 " are %s", n, r, set ? "set" : "gone");
	for (; n && r < regions; n--, r += below(4) ? 1 : below(1000)) {
		uint8_t *p = marks_at(r / PER_SECTOR);
		uint8_t bit = 1 << r % 8;

		if (set)
			p[BITS + r % PER_SECTOR / 8] |= bit;
		else
			p[BITS + r % PER_SECTOR / 8] &= ~bit;
		seal(p, SECTOR);
	}
}

static void no_region(void)
{
	uint64_t r = regions + below(2) * below(marks_sectors * PER_SECTOR - regions);
	uint8_t *p = marks_at(r / PER_SECTOR);

	tell("a mark of region %" PRIu64, r);
	p[BITS + r % PER_SECTOR / 8] |= 1 << r % 8;
	seal(p, SECTOR);
}

static void change_state(void)
{
	uint8_t *super = super_at(true);

	if (below(2)) {
		put(super + 56, 8, get(super + 56, 8) + below(5) - 2);
		tell("epoch %" PRIu64, get(super + 56, 8));
	}
	if (below(2)) {
		put(super + 64, 8, below(get(super + 56, 8) % 100 + 3));
		tell("base %" PRIu64, get(super + 64, 8));
	}
	if (below(4) == 0) {
		memset(super + SAMPLE, 0, 4 * (1 + below(SAMPLES)));
		tell("no samples");
	}
	if (below(8) == 0) {
		memset(super + OWNER, 0, OWNER_SIZE);
		tell("no owner");
	}
	seal(super, BLOCK);
}

static void change_supers(void)
{
	uint8_t *live = super_at(true), *other = super_at(false);
	uint64_t x;

	switch (below(7)) {
	case 0:
		tell("the first 4096 bytes are zero");
		memset(log, 0, BLOCK);
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
		x = interesting(leg_sectors, 8);
		tell("leg_sectors %" PRIu64, x);
		put(live + 40, 8, x);
		put(other + 40, 8, x);
		break;
	case 6:
		x = below(2) ? UINT64_C(1) << below(24) : interesting(region_sectors, 4);
		tell("region_sectors %" PRIu64, x);
		put(live + 48, 4, x);
		put(other + 48, 4, x);
		break;
	}
	seal(live, BLOCK);
	seal(other, BLOCK);
}

static void change_leg(void)
{
	if (leg_changed != UINT64_MAX)
		return;
	leg_changed = below(4) ? sample_sector(leg_sectors, below(SAMPLES)) + below(BLOCK_SECTORS) :
				 below(leg_sectors);
	tell("sector %" PRIu64 " of the local leg", leg_changed);
	if (pread(local_fd, found, SECTOR, leg_changed * SECTOR) != SECTOR)
		die("cannot read the local leg: %s", strerror(errno));
	memcpy(leg_was, found, SECTOR);
	memcpy(leg_is, found, SECTOR);
	leg_is[below(SECTOR)] ^= 1 + below(255);
}

static void mutate_once(void)
{
	uint8_t *p = below(2) ? any_super() : any_marks();
	unsigned int n;

	switch (below(16)) {
	case 0:
	case 1:
		name_part(p);
		change_bits(p, SECTOR, size_of(p));
		if (below(3) == 0)
			seal(p, size_of(p));
		break;
	case 2:
		name_part(p);
		change_bytes(p, size_of(p));
		if (below(3) == 0)
			seal(p, size_of(p));
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		name_part(p);
		for (n = below(4) ? 1 : 2 + below(3); n; n--)
			change_field(p);
		if (below(8))
			seal(p, size_of(p));
		break;
	case 7:
		tear();
		break;
	case 8:
		change_places();
		break;
	case 9:
		mix();
		break;
	case 10:
	case 11:
		other_marks();
		break;
	case 12:
		change_state();
		break;
	case 13:
		change_supers();
		break;
	case 14:
		change_leg();
		break;
	case 15:
		if (below(2)) {
			no_region();
			break;
		}
		length = below(4) ? log_sectors - below(BLOCK_SECTORS + 3) : below(log_sectors);
		tell("%" PRIu64 " sectors only", length);
		break;
	}
}

/*
 * ---- A log that is too short ----
 */

static char short_name[32];		/* MAJOR:MINOR, once it is there */

/* Return: the device's number */
static dev_t short_do(unsigned long request, uint64_t sectors)
{
	struct {
		struct dm_ioctl head;
		struct dm_target_spec spec;
		char parameters[512];
	} dm = {
		.head = {
			.version = { DM_VERSION_MAJOR, 0, 0 },
			.data_size = sizeof(dm),
			.data_start = sizeof(dm.head),
			.target_count = 1,
			.name = "shortened",
		},
		.spec = { .length = sectors, .target_type = "linear" },
	};

	snprintf(dm.parameters, sizeof(dm.parameters), "%s 0", device[2]);
	if (ioctl(control_fd, request, &dm))
		die("cannot shorten the log: %s", strerror(errno));
	return dm.head.dev;
}

/* Made once: a mapped device takes long to go. */
static const char *short_device(uint64_t sectors)
{
	dev_t dev;

	if (!*short_name) {
		dev = short_do(DM_DEV_CREATE, 0);
		snprintf(short_name, sizeof(short_name), "%u:%u", major(dev), minor(dev));
	}
	short_do(DM_TABLE_LOAD, sectors);
	short_do(DM_DEV_SUSPEND, 0);
	return short_name;
}

/* There is no mapped device of no sectors. */
static void make_table(uint64_t sectors)
{
	snprintf(table, sizeof(table), "primary %s %s 4 region_size %" PRIu64 " dirty_log %s",
		 device[0], device[1], region_sectors,
		 sectors == log_sectors ? device[2] : short_device(sectors ? sectors : 1));
}

/*
 * ---- The device ----
 */

static void write_log(const uint8_t *from)
{
	write_at(log_fd, from, 0, log_sectors * SECTOR);
}

static void write_from(int fd, const uint8_t *from, uint64_t sector, uint64_t sectors)
{
	if (pwrite(fd, from, sectors * SECTOR, sector * SECTOR) != (ssize_t)(sectors * SECTOR))
		die("cannot write to a leg: %s", strerror(errno));
}

static void write_leg(const uint8_t *sector)
{
	if (leg_changed == UINT64_MAX)
		return;
	memcpy(found, sector, SECTOR);
	write_from(local_fd, found, leg_changed, 1);
}

static void check_status(const struct verdict *v)
{
	uint64_t epoch, clean, all;
	char stage[32];
	const char *status = device_status();

	if (sscanf(status, "primary %31s %" SCNu64 " %" SCNu64 "/%" SCNu64, stage, &epoch, &clean,
		   &all) != 4)
		die("status '%s'", status);
	if (strcmp(stage, "none") || epoch != v->epoch || all != regions ||
	    clean != regions - v->marked)
		die("status '%s', expected %" PRIu64 " of %" PRIu64 " regions dirty, epoch %" PRIu64,
		    status, v->marked, regions, v->epoch);
}

/* What is marked is copied, and nothing else. */
static void check_copy(void)
{
	static uint8_t *leg, *remote;
	uint64_t sector, i;

	if (!leg) {
		leg = memory(CHUNK * SECTOR);
		remote = memory(CHUNK * SECTOR);
	}
	for (sector = 0; sector < leg_sectors; sector += CHUNK) {
		uint64_t n = leg_sectors - sector < CHUNK ? leg_sectors - sector : CHUNK;

		if (pread(local_fd, leg, n * SECTOR, sector * SECTOR) != (ssize_t)(n * SECTOR) ||
		    pread(remote_fd, remote, n * SECTOR, sector * SECTOR) !=
		    (ssize_t)(n * SECTOR))
			die("cannot read a leg: %s", strerror(errno));
		for (i = 0; i < n; i++) {
			bool is = marked[(sector + i) / region_sectors];

			if (is ? memcmp(leg + i * SECTOR, remote + i * SECTOR, SECTOR) :
				 !zeroes(remote + i * SECTOR, SECTOR))
				die("sector %" PRIu64 " of the remote leg, %s", sector + i,
				    is ? "marked, was not copied" : "not marked, was copied");
		}
	}
}

static void clear_remote(void)
{
	static uint8_t *zero;
	uint64_t r, first, n;

	if (!zero)
		zero = memory(COPY_LIMIT * SECTOR);
	for (r = 0; r < regions; r++) {
		first = r * region_sectors;
		n = leg_sectors - first < region_sectors ? leg_sectors - first : region_sectors;
		if (marked[r])
			write_from(remote_fd, zero, first, n);
	}
}

static void start_it(void)
{
	int error;

	error = device_message("start primary");
	if (error)
		die("cannot start: %s", strerror(-error));
	error = device_message("checkpoint");
	if (error)
		die("no checkpoint: %s", strerror(-error));
	check_copy();
	clear_remote();
}

/* It was there and did nothing: its marks are still those in marked[]. */
static void check_marks(const struct verdict *v)
{
	static uint8_t *before;
	struct verdict left;

	if (!before)
		before = memory(regions);
	memcpy(before, marked, regions);
	read_all(log_fd, found, log_sectors, "the log");
	left = judge(found);
	if (left.outcome != ACCEPTED)
		die("it has left a log that is %s: %s", outcome_name[left.outcome], left.why);
	if (left.marked != v->marked || memcmp(before, marked, regions))
		die("the marks have changed: from %" PRIu64 " to %" PRIu64, v->marked, left.marked);
}

static void use_primary(const struct verdict *v)
{
	struct verdict left;

	check_status(v);
	/* where numbers end soon there is no next superblock */
	if (below(8) == 0 && v->marked * region_sectors <= COPY_LIMIT &&
	    leg_changed == UINT64_MAX && v->sequence < INT64_MAX / 2 &&
	    v->epoch < INT64_MAX / 2) {
		tell("(started)");
		started++;
		start_it();
		device_clear();
		read_all(log_fd, found, log_sectors, "the log");
		left = judge(found);
		if (left.outcome != ACCEPTED)
			die("it has left a log that is %s: %s", outcome_name[left.outcome],
			    left.why);
		return;
	}
	device_clear();
	check_marks(v);
	if (below(4))
		return;
	tell("(made again)");
	if (device_load("replication", table))
		die("refused the second time");
	check_status(v);
	device_clear();
	check_marks(v);
}

static void check_refused(const struct verdict *v, int error)
{
	if (v->outcome != REFUSED)
		die("refused (%s), should have been %s", strerror(-error),
		    outcome_name[v->outcome]);
	if (!take_reason())
		die("refused without a reason in the kernel's log");
	if (device_refused_late())
		device_clear();
	read_all(log_fd, found, log_sectors, "the log");
	if (memcmp(found, log, log_sectors * SECTOR))
		die("the log was changed although it was refused");
}

/* Return: what it was to become, and did. The devices hold the image again. */
static struct verdict try(void)
{
	struct verdict v = judge(log);
	int error;

	make_table(length);
	write_log(log);
	write_leg(leg_is);
	take_reason();
	error = device_load("replication", table);
	if (error) {
		check_refused(&v, error);
	} else {
		if (v.outcome == REFUSED)
			die("accepted in spite of %s", v.why);
		use_primary(&v);
	}
	write_leg(leg_was);
	leg_changed = UINT64_MAX;
	length = log_sectors;
	memcpy(log, now->log, log_sectors * SECTOR);
	write_log(log);
	return v;
}

/*
 * ---- All of them ----
 */

static void take_image(unsigned int n)
{
	if (now == &image[n])
		return;
	now = &image[n];
	subject = now->name;
	memcpy(log, now->log, log_sectors * SECTOR);
	write_log(log);
}

static void try_as_it_is(unsigned int n)
{
	struct verdict *good = &image[n].good;

	*good = try();
	if (good->outcome != ACCEPTED)
		die("no use for this image: %s %s", outcome_name[good->outcome], good->why);
	printf("%s: epoch %" PRIu64 ", %" PRIu64 " of %" PRIu64 " regions marked\n", now->name,
	       good->epoch, good->marked, regions);
}

static enum outcome try_mutated(unsigned int n)
{
	now = &image[n];
	do
		mutate_once();
	while (below(10) == 0);
	announce();
	return try().outcome;
}

static void sample_leg(void)
{
	unsigned int i;

	for (i = 0; i < SAMPLES; i++) {
		if (pread(local_fd, found, BLOCK, sample_sector(leg_sectors, i) * SECTOR) != BLOCK)
			die("cannot read the local leg: %s", strerror(errno));
		sample[i] = sample_crc(found);
		if (!sample[i])
			die("a blank block in the local leg");
	}
}

/* @arg: local leg, remote leg, log, images */
void mutate_logs(const char *const *arg, unsigned int images, unsigned int sectors)
{
	static const struct trial trial = { take_image, try_as_it_is, try_mutated };
	unsigned int i;

	if (images > ARRAY_SIZE(image))
		die("too many images");
	memcpy(device, arg, sizeof(device));
	local_fd = open_device(arg[0], O_RDWR | O_DIRECT);
	remote_fd = open_device(arg[1], O_RDWR | O_DIRECT);
	log_fd = open_device(arg[2], O_RDWR | O_DIRECT);
	control_fd = open_device("/dev/mapper/control", O_RDWR);
	leg_sectors = length_of(local_fd);
	region_sectors = sectors;
	regions = (leg_sectors + region_sectors - 1) / region_sectors;
	marks_sectors = (regions + PER_BLOCK - 1) / PER_BLOCK * BLOCK_SECTORS;
	log_sectors = length_of(log_fd);
	length = log_sectors;
	if (log_sectors < FIRST_MARKS + marks_sectors)
		die("the log has %" PRIu64 " sectors", log_sectors);
	device_init(leg_sectors);
	log = memory(log_sectors * SECTOR);
	found = memory((log_sectors + BLOCK_SECTORS) * SECTOR);
	marked = memory(regions);
	nr_images = images;
	for (i = 0; i < images; i++) {
		image[i].name = arg[3 + i];
		image[i].log = load_file(image[i].name, "log", log_sectors);
	}
	sample_leg();
	run(&trial, images);
	printf("%u were started\n", started);
	if (*short_name)
		short_do(DM_DEV_REMOVE, 0);
}
