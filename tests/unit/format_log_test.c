// SPDX-License-Identifier: GPL-2.0-only
/* The dirty log's encoding, as format_test.c does that of the disk buffer. */
#include <linux/kernel.h>

#include "blocks.h"
#include "format_log.h"
#include "unit.h"

static bool random_log(struct format_log *log)
{
	unsigned int shift = 3 + unit_random(19);
	u64 most = (u64)FORMAT_MAX_REGIONS << shift;

	unit_random_bytes(log->uuid, sizeof(log->uuid));
	return format_log_geometry(log, 1 + unit_random_size(most), 1U << shift);
}

static void random_state(struct format_log_state *state)
{
	unsigned int i;

	memset(state, 0, sizeof(*state));
	state->epoch = unit_random_size(FORMAT_MAX_COUNT + 1);
	state->base = unit_random(state->epoch + 1);
	for (i = unit_random(FORMAT_OWNER_SIZE + 1); i--; )
		state->owner[i] = 'a' + unit_random(26);
	for (i = 0; i < FORMAT_SAMPLES; i++)
		state->sample[i] = unit_random(1ULL << 32);
}

/*
 * ---- Geometry ----
 */

static void check_geometry(u64 sectors, u64 region)
{
	unsigned __int128 regions = region ? ((unsigned __int128)sectors + region - 1) / region : 0;
	struct format_log log = { };
	bool valid;

	valid = region >= 8 && region <= 1 << 21 && !(region & (region - 1)) && sectors &&
		sectors <= U64_MAX / 2 && regions <= 0x7fffffff;
	EXPECT(format_log_geometry(&log, sectors, region) == valid,
	       "%llu sectors, regions of %llu: %s", (unsigned long long)sectors,
	       (unsigned long long)region, valid ? "refused" : "accepted");
	if (!valid)
		return;
	EXPECT(log.leg_sectors == sectors && log.region_sectors == region &&
	       log.regions == regions, "%u regions, %llu sectors", log.regions,
	       (unsigned long long)sectors);
	/* 480 bytes in each of 8 sectors */
	EXPECT((u64)log.blocks * 30720 >= log.regions &&
	       ((u64)log.blocks - 1) * 30720 < log.regions, "%u blocks for %u regions",
	       log.blocks, log.regions);
	EXPECT(format_log_sectors(&log) == 16 + 8 * (u64)log.blocks, "length of the log");
}

static void geometry(void)
{
	u64 sectors, region;
	unsigned int i;

	for (region = 1; region <= 1U << 31; region *= 2) {
		for (i = 0; i < 200; i++) {
			const u64 lengths[] = {
				0, region, region * FORMAT_MAX_REGIONS, region * 30720,
				region * 30720 * (1 + unit_random(60000)), FORMAT_MAX_COUNT,
				U64_MAX, 1 + unit_random_size(U64_MAX),
			};

			sectors = lengths[unit_random(ARRAY_SIZE(lengths))];
			check_geometry(sectors + unit_random(5) - 2,
				       unit_chance(80) ? region : region + unit_random(3) - 1);
		}
	}
	check_geometry(1000, 0);
	check_geometry(U64_MAX, 8);
	check_geometry(U64_MAX, 1 << 21);
	check_geometry((u64)FORMAT_MAX_REGIONS << 21, 1 << 21);
	check_geometry(((u64)FORMAT_MAX_REGIONS << 21) + 1, 1 << 21);
}

/*
 * ---- Superblocks ----
 */

static bool accepts(u8 *block, unsigned int copy, struct format_log *log, u64 *sequence,
		    struct format_log_state *state)
{
	u8 before[FORMAT_BLOCK_SIZE];
	char why[160];
	bool ok;

	memcpy(before, block, sizeof(before));
	memset(why, 'x', sizeof(why));
	ok = format_log_super_decode((void *)block, copy, log, sequence, state, why,
				     sizeof(why));
	EXPECT(!memcmp(before, block, sizeof(before)), "the block was changed");
	EXPECT(ok || strnlen(why, sizeof(why)) < sizeof(why), "the reason has no end");
	return ok;
}

static bool is_accepted(u8 *block, unsigned int copy)
{
	struct format_log_state state;
	struct format_log log;
	u64 sequence;

	return accepts(block, copy, &log, &sequence, &state);
}

static void super_comes_back(void)
{
	struct format_log_state state, found;
	struct format_log log, back;
	u8 block[FORMAT_BLOCK_SIZE];
	u64 sequence, seen;
	unsigned int i;

	for (i = 0; i < 2000; i++) {
		EXPECT(random_log(&log), "no geometry");
		random_state(&state);
		sequence = 1 + unit_random_size(FORMAT_MAX_COUNT);
		unit_random_bytes(block, sizeof(block));
		format_log_super_encode((void *)block, &log, sequence, &state);
		EXPECT(accepts(block, sequence & 1, &back, &seen, &found), "refused");
		EXPECT(seen == sequence && !memcmp(&back, &log, sizeof(log)), "another log");
		EXPECT(found.epoch == state.epoch && found.base == state.base &&
		       !strcmp(found.owner, state.owner) &&
		       !memcmp(found.sample, state.sample, sizeof(found.sample)),
		       "another state");
		EXPECT(!is_accepted(block, !(sequence & 1)), "accepted as the other copy");
		EXPECT(!memcmp(block, "REPLLOG1", 8) &&
		       get32(block, 8) == block_crc32c(block, 4096) && get32(block, 12) == 1 &&
		       !memcmp(block + 16, log.uuid, 16) && get64(block, 32) == sequence &&
		       get64(block, 40) == log.leg_sectors &&
		       get32(block, 48) == log.region_sectors && !get32(block, 52) &&
		       get64(block, 56) == state.epoch && get64(block, 64) == state.base &&
		       !strncmp((char *)block + 72, state.owner, 128) &&
		       get32(block, 200) == state.sample[0] &&
		       get32(block, 452) == state.sample[63] &&
		       format_all_zero(block + 456, 4096 - 456),
		       "fields are not where the document says");
	}
}

static void make_super(u8 *block)
{
	struct format_log_state state;
	struct format_log log;

	EXPECT(random_log(&log), "no geometry");
	random_state(&state);
	format_log_super_encode((void *)block, &log, 2 + 2 * unit_random(1000), &state);
	EXPECT(is_accepted(block, 0), "the superblock to begin with is refused");
}

static void super_flips(void)
{
	u8 block[FORMAT_BLOCK_SIZE];
	unsigned int bit;

	make_super(block);
	for (bit = 0; bit < 8 * sizeof(block); bit++) {
		block[bit / 8] ^= 1 << bit % 8;
		/* bit 256 tells the copy */
		EXPECT(!is_accepted(block, bit == 256), "accepted with bit %u flipped", bit);
		block[bit / 8] ^= 1 << bit % 8;
	}
	EXPECT(is_accepted(block, 0), "refused as it was");
}

static bool super_is_valid(const u8 *block, unsigned int copy)
{
	u64 sequence = get64(block, 32), sectors = get64(block, 40);
	u64 epoch = get64(block, 56), base = get64(block, 64);
	u32 region = get32(block, 48), i;

	if (memcmp(block, "REPLLOG1", 8) || get32(block, 8) != block_crc32c(block, 4096) ||
	    get32(block, 12) != 1)
		return false;
	if (!sequence || sequence > U64_MAX / 2 || (sequence & 1) != copy)
		return false;
	for (i = 8; i != region; i *= 2)
		if (i >= 1 << 21)
			return false;
	if (!sectors || sectors > U64_MAX / 2 ||
	    ((unsigned __int128)sectors + region - 1) / region > 0x7fffffff)
		return false;
	if (epoch > U64_MAX / 2 || base > epoch)
		return false;
	for (i = strnlen((char *)block + 72, 128); i < 128; i++)
		if (block[72 + i])
			return false;
	return !get32(block, 52) && format_all_zero(block + 456, 4096 - 456);
}

static u64 hostile(const u8 *block)
{
	const u64 numbers[] = {
		0, 2, 4, 8, 16, 1 << 21, 1 << 22, get64(block, 40), get64(block, 56),
		get64(block, 64), (u64)FORMAT_MAX_REGIONS * get32(block, 48), 1ULL << 32,
		FORMAT_MAX_COUNT, U64_MAX,
	};

	return numbers[unit_random(ARRAY_SIZE(numbers))] + unit_random(5) - 2;
}

static void super_hostile(void)
{
	static const unsigned int wide[] = { 32, 40, 56, 64 }, narrow[] = { 12, 48, 52 };
	unsigned int i, n, valid = 0, rounds = unit_rounds(8000);
	u8 block[FORMAT_BLOCK_SIZE];

	for (i = 0; i < rounds; i++) {
		make_super(block);
		switch (unit_random(6)) {
		case 0:
			block[72 + unit_random(128)] = unit_random(2) * 'x';
			break;
		case 1:
			block[unit_chance(50) ? 456 + unit_random(3640) : unit_random(4096)] ^=
				1 << unit_random(8);
			break;
		case 2:
			put32(block, narrow[unit_random(ARRAY_SIZE(narrow))], hostile(block));
			break;
		default:
			put64(block, wide[unit_random(ARRAY_SIZE(wide))], hostile(block));
		}
		if (!unit_chance(2))
			put32(block, 8, block_crc32c(block, 4096));
		for (n = 0; n < 2; n++) {
			bool is = super_is_valid(block, n);

			valid += is;
			EXPECT(is_accepted(block, n) == is,
			       "%s as copy %u: sequence %llu, %llu sectors, regions of %u, epoch %llu, base %llu",
			       is ? "refused" : "accepted", n,
			       (unsigned long long)get64(block, 32),
			       (unsigned long long)get64(block, 40), get32(block, 48),
			       (unsigned long long)get64(block, 56),
			       (unsigned long long)get64(block, 64));
		}
	}
	EXPECT(valid > rounds / 50 && valid < rounds * 9 / 10, "%u of %u are valid: not much of a test",
	       valid, rounds);
}

/*
 * ---- Marks ----
 */

static bool accepts_marks(u8 *sector, const struct format_log *log, u32 index)
{
	u8 before[FORMAT_SECTOR_SIZE];
	char why[64];
	bool ok;

	memcpy(before, sector, sizeof(before));
	ok = format_marks_check((void *)sector, log, index, why, sizeof(why));
	EXPECT(!memcmp(before, sector, sizeof(before)), "the sector was changed");
	return ok;
}

/* Marks of a random sector, by chance of its last regions too. */
static u32 make_marks(u8 *sector, const struct format_log *log)
{
	u32 index = unit_random(log->blocks * 8);
	unsigned int i, n;
	u64 first;

	if (unit_chance(50))
		index = (log->regions - 1) / FORMAT_MARKS;
	first = (u64)index * FORMAT_MARKS;
	n = first >= log->regions ? 0 : min(log->regions - first, (u64)FORMAT_MARKS);
	memset(sector, 0, FORMAT_SECTOR_SIZE);
	for (i = 0; n && i < 100; i++)
		format_mark_set((void *)sector, unit_random(n));
	if (n)
		format_mark_set((void *)sector, n - 1);
	format_marks_encode((void *)sector, log, index);
	return index;
}

static void marks_flips(void)
{
	u8 sector[FORMAT_SECTOR_SIZE];
	struct format_log log;
	unsigned int bit, i;
	u32 index;

	for (i = 0; i < 20; i++) {
		EXPECT(random_log(&log), "no geometry");
		index = make_marks(sector, &log);
		EXPECT(!memcmp(sector, "REPLMRK1", 8) && get32(sector, 12) == index &&
		       get32(sector, 8) == block_crc32c(sector, 512) &&
		       !memcmp(sector + 16, log.uuid, 16),
		       "fields are not where the document says");
		EXPECT(accepts_marks(sector, &log, index), "refused");
		EXPECT(!accepts_marks(sector, &log, index ^ 1), "accepted in another place");
		for (bit = 0; bit < 8 * sizeof(sector); bit++) {
			sector[bit / 8] ^= 1 << bit % 8;
			EXPECT(!accepts_marks(sector, &log, index),
			       "accepted with bit %u flipped", bit);
			sector[bit / 8] ^= 1 << bit % 8;
		}
	}
}

/* A mark of each region in turn, with a right checksum. */
static void marks_of_none(void)
{
	u8 sector[FORMAT_SECTOR_SIZE];
	struct format_log log;
	unsigned int i, bit;
	u32 index;

	for (i = 0; i < 10; i++) {
		EXPECT(random_log(&log), "no geometry");
		index = make_marks(sector, &log);
		for (bit = 0; bit < FORMAT_MARKS; bit++) {
			memset(sector, 0, sizeof(sector));
			sector[32 + bit / 8] = 1 << bit % 8;
			EXPECT(format_mark_test((void *)sector, bit), "no mark in bit %u", bit);
			format_marks_encode((void *)sector, &log, index);
			EXPECT(accepts_marks(sector, &log, index) ==
			       ((u64)index * 3840 + bit < log.regions),
			       "mark %u of sector %u, %u regions", bit, index, log.regions);
		}
	}
}

static void marks_bits(void)
{
	u8 sector[FORMAT_SECTOR_SIZE] = { }, is[FORMAT_MARKS] = { };
	unsigned int i, bit;

	for (i = 0; i < 2000; i++) {
		bit = unit_random(FORMAT_MARKS);
		format_mark_set((void *)sector, bit);
		is[bit] = 1;
	}
	for (bit = 0; bit < FORMAT_MARKS; bit++)
		EXPECT(format_mark_test((void *)sector, bit) == is[bit], "bit %u", bit);
	EXPECT(format_all_zero(sector, 32), "marks in the head");
}

const char *unit_part = "format_log";

const struct unit_test unit_tests[] = {
	{ "any length of a primary is divided as documented", geometry },
	{ "a superblock comes back as it was written", super_comes_back },
	{ "a superblock with any one bit flipped is refused", super_flips },
	{ "hostile superblocks are judged as documented", super_hostile },
	{ "marks with any one bit flipped are refused", marks_flips },
	{ "marks of regions that do not exist are refused", marks_of_none },
	{ "each region has a mark of its own", marks_bits },
	{ }
};
