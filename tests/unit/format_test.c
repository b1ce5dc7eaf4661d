// SPDX-License-Identifier: GPL-2.0-only
/*
 * The disk buffer's encoding. What is expected is written down here a second
 * time, from Documentation/format.rst: places of fields as numbers, checksums
 * bit by bit, limits in arithmetic that does not overflow.
 */
#include <linux/crc32c.h>
#include <linux/kernel.h>

#include "blocks.h"
#include "format.h"
#include "unit.h"

static const struct format_buffer *random_buffer(void)
{
	static struct format_buffer b;
	u64 sectors = FORMAT_MIN_SECTORS +
		      unit_random_size(FORMAT_MAX_SECTORS - FORMAT_MIN_SECTORS + 1);

	format_geometry(&b, sectors, 1 + unit_random_size(1ULL << 62));
	unit_random_bytes(b.uuid, sizeof(b.uuid));
	return &b;
}

static u64 random_place(const struct format_buffer *b)
{
	u64 segment = unit_random(b->nr_segments);

	return FORMAT_FIRST_SEGMENT + segment * b->segment_sectors +
	       unit_random(b->segment_sectors / 8) * 8;
}

/* A state that a module may write. */
static void random_state(const struct format_buffer *b, struct format_state *state)
{
	static const u32 stages[] = { 0, 1, 2, 4 };
	unsigned int i;
	u64 last;

	memset(state, 0, sizeof(*state));
	state->stage = stages[unit_random(ARRAY_SIZE(stages))];
	state->flags = unit_random(2);
	for (i = unit_random(FORMAT_OWNER_SIZE + 1); i--; )
		state->owner[i] = 'a' + unit_random(26);
	for (i = 0; i < FORMAT_SAMPLES; i++)
		state->sample[i] = unit_random(1ULL << 32);
	if (state->stage == FORMAT_STAGE_NONE)
		return;
	state->epoch = unit_random_size(FORMAT_MAX_COUNT) + 1;
	last = state->epoch + (state->stage != FORMAT_STAGE_RUNNING);
	state->merged_epoch = unit_random(last + 1);
	if (unit_chance(50)) {
		state->newest.place = random_place(b);
		state->newest.sequence = unit_random_size(FORMAT_MAX_COUNT) + 1;
		state->newest.epoch = unit_random(last + 1);
		if (state->stage == FORMAT_STAGE_DONE)
			state->newest.epoch = unit_random(state->merged_epoch + 1);
	}
}

static bool decode(void *block, unsigned int copy, struct format_buffer *b, u64 *sequence,
		   struct format_state *state, char *why, size_t size)
{
	u8 before[FORMAT_BLOCK_SIZE];
	bool ok;

	memcpy(before, block, sizeof(before));
	memset(why, 'x', size);
	ok = format_super_decode(block, copy, b, sequence, state, why, size);
	EXPECT(!memcmp(before, block, sizeof(before)), "the block was changed");
	EXPECT(ok || strnlen(why, size) < size, "the reason has no end");
	return ok;
}

static bool accepts(void *block, unsigned int copy)
{
	struct format_state state;
	struct format_buffer b;
	char why[160];
	u64 sequence;

	return decode(block, copy, &b, &sequence, &state, why, sizeof(why));
}

/*
 * ---- Checksums ----
 */

static void checksums(void)
{
	u8 bytes[FORMAT_BLOCK_SIZE];
	__le32 *field = (void *)(bytes + 8);
	unsigned int i;
	u32 found;

	EXPECT(~crc32c(~0, "123456789", 9) == 0xe3069283, "not the check value of CRC32C");
	for (i = 0; i < 100; i++) {
		unit_random_bytes(bytes, sizeof(bytes));
		found = *field;
		EXPECT(format_crc(bytes, sizeof(bytes), field) ==
		       block_crc32c(bytes, sizeof(bytes)), "not CRC32C without its field");
		EXPECT(*field == found, "the field was changed");
	}
}

static void zeroes(void)
{
	u8 bytes[300] = { };
	unsigned int from, size, i;

	for (i = 0; i < 5000; i++) {
		from = unit_random(100);
		size = unit_random(200);
		EXPECT(format_all_zero(bytes + from, size), "zeroes are none");
		if (size) {
			u8 *p = &bytes[from + unit_random(size)];

			*p = 1 << unit_random(8);
			EXPECT(!format_all_zero(bytes + from, size), "one bit in %u bytes", size);
			*p = 0;
		}
	}
}

/*
 * ---- Geometry ----
 */

static void check_geometry(u64 sectors)
{
	struct format_buffer b;
	u64 segment;

	memset(&b, 0x5a, sizeof(b));
	format_geometry(&b, sectors, 12345);
	segment = b.segment_sectors;
	EXPECT(b.disk_sectors == 12345 && b.buffer_sectors == sectors, "lengths at %llu",
	       (unsigned long long)sectors);
	EXPECT(b.uuid[0] == 0x5a && b.uuid[15] == 0x5a, "the UUID was changed");
	EXPECT(segment >= 128 && segment <= 2048 && !(segment & (segment - 1)),
	       "segments of %llu at %llu", (unsigned long long)segment,
	       (unsigned long long)sectors);
	EXPECT(b.nr_segments == (sectors - 64) / segment && b.nr_segments >= 8,
	       "%u segments at %llu", b.nr_segments, (unsigned long long)sectors);
	/* the largest segments of which there are 64 */
	EXPECT(segment == 128 || b.nr_segments >= 64, "%u segments at %llu", b.nr_segments,
	       (unsigned long long)sectors);
	EXPECT(segment == 2048 || (sectors - 64) / (segment * 2) < 64,
	       "segments of %llu at %llu", (unsigned long long)segment,
	       (unsigned long long)sectors);
}

static void geometry(void)
{
	u64 step, near;
	unsigned int i;

	for (step = FORMAT_MIN_SECTORS; step <= FORMAT_MAX_SECTORS; step *= 2)
		for (near = step - 130; near <= step + 130; near++)
			if (near >= FORMAT_MIN_SECTORS)
				check_geometry(min(near, (u64)FORMAT_MAX_SECTORS));
	for (step = 128; step <= 2048; step *= 2)
		for (near = 64 + 64 * step - 2; near < 64 + 64 * step + 2; near++)
			check_geometry(near);
	check_geometry(FORMAT_MAX_SECTORS);
	for (i = 0; i < 20000; i++)
		check_geometry(FORMAT_MIN_SECTORS +
			       unit_random_size(FORMAT_MAX_SECTORS - FORMAT_MIN_SECTORS + 1));
}

/* Sector by sector, by division, in numbers that do not wrap. */
static bool place_is_valid(const struct format_buffer *b, u64 place, u64 sectors)
{
	unsigned __int128 first = place, last = first + sectors - 1;

	if (!sectors || first < 64)
		return false;
	return (first - 64) / b->segment_sectors == (last - 64) / b->segment_sectors &&
	       (last - 64) / b->segment_sectors < b->nr_segments;
}

/* A number that is at or near one that matters. */
static u64 near_of(const u64 *numbers, unsigned int n)
{
	return numbers[unit_random(n)] + unit_random(5) - 2;
}

static void places(void)
{
	unsigned int i, j;

	for (i = 0; i < 300; i++) {
		const struct format_buffer *b = random_buffer();
		u64 segment = b->segment_sectors;
		u64 random = unit_random(b->nr_segments);
		const u64 at[] = {
			0, 64, 64 + segment, 64 + random * segment, 64 + (random + 1) * segment,
			64 + (b->nr_segments - 1) * segment, 64 + b->nr_segments * segment,
			b->buffer_sectors, U32_MAX, 1ULL << 63, U64_MAX,
			64 + unit_random(b->buffer_sectors),
		};
		const u64 lengths[] = {
			0, 8, segment, segment / 2, segment - (at[11] - 64) % segment,
			U32_MAX, 1ULL << 32, 1ULL << 63, U64_MAX, U64_MAX - at[11],
		};

		for (j = 0; j < 300; j++) {
			u64 place = near_of(at, ARRAY_SIZE(at));
			u64 sectors = near_of(lengths, ARRAY_SIZE(lengths));
			bool valid = format_place_valid(b, place, sectors);

			EXPECT(valid == place_is_valid(b, place, sectors),
			       "%llu sectors at %llu, %u segments of %llu: %d",
			       (unsigned long long)sectors, (unsigned long long)place,
			       b->nr_segments, (unsigned long long)segment, valid);
		}
	}
}

/*
 * ---- Samples ----
 */

static void check_sample_sectors(u64 sectors)
{
	u64 blocks = sectors / 8, at;
	unsigned int i;

	for (i = 0; i < FORMAT_SAMPLES; i++) {
		at = format_sample_sector(sectors, i);
		EXPECT(at == (u64)((unsigned __int128)blocks * i / 64) * 8,
		       "sample %u of %llu sectors is at %llu", i, (unsigned long long)sectors,
		       (unsigned long long)at);
		EXPECT(!blocks || at + 8 <= sectors, "sample %u of %llu sectors is behind it", i,
		       (unsigned long long)sectors);
	}
}

static void sample_sectors(void)
{
	unsigned int i;

	for (i = 0; i < 2000; i++)
		check_sample_sectors(i);
	for (i = 0; i < 20000; i++)
		check_sample_sectors(unit_random_size(U64_MAX));
	check_sample_sectors(FORMAT_MAX_COUNT);
	check_sample_sectors(U64_MAX);
}

static void samples(void)
{
	u8 block[FORMAT_BLOCK_SIZE], other[FORMAT_BLOCK_SIZE];
	unsigned int i, at;
	u32 sample;

	for (i = 0; i < 256; i++) {
		memset(block, i, sizeof(block));
		EXPECT(!format_sample_crc(block), "byte %u repeated has a sample", i);
	}
	for (i = 0; i < 200; i++) {
		unit_random_bytes(block, sizeof(block));
		sample = format_sample_crc(block);
		EXPECT(sample == plain_crc32c(block, sizeof(block)), "no CRC32C");
		EXPECT(format_sample_compare(sample, block) == FORMAT_SAMPLE_EQUAL, "not equal");
		memcpy(other, block, sizeof(other));
		at = unit_random(sizeof(other));
		other[at] ^= 1 << unit_random(8);
		EXPECT(format_sample_compare(sample, other) == FORMAT_SAMPLE_OTHER,
		       "a bit of byte %u makes no other block", at);
		memset(other, unit_random(256), sizeof(other));
		EXPECT(format_sample_compare(sample, other) == FORMAT_SAMPLE_BLANK, "not blank");
		/* all but one byte, at either end or anywhere */
		at = i ? i == 1 ? sizeof(other) - 1 : at : 0;
		other[at] ^= 0x10;
		EXPECT(format_sample_crc(other) && format_sample_compare(sample, other) ==
		       FORMAT_SAMPLE_OTHER, "taken for blank but for byte %u", at);
	}
}

/* A checksum of 0 is a sample of 1: 0 is "not known". */
static void sample_of_zero(void)
{
	u8 block[FORMAT_BLOCK_SIZE] = { 1, 2, 3 };

	force_crc32c(block, sizeof(block), 0);
	EXPECT(plain_crc32c(block, sizeof(block)) == 0, "the test makes no such block");
	EXPECT(format_sample_crc(block) == 1, "its sample is %u", format_sample_crc(block));
}

/*
 * ---- Superblocks ----
 */

static void super_comes_back(void)
{
	struct format_state state, found;
	u8 block[FORMAT_BLOCK_SIZE];
	struct format_buffer b;
	u64 sequence, back;
	char why[160];
	unsigned int i;

	for (i = 0; i < 2000; i++) {
		const struct format_buffer *from = random_buffer();

		random_state(from, &state);
		sequence = 1 + unit_random_size(FORMAT_MAX_COUNT);
		unit_random_bytes(block, sizeof(block));
		format_super_encode((void *)block, from, sequence, &state);
		EXPECT(decode(block, sequence & 1, &b, &back, &found, why, sizeof(why)),
		       "refused: %s", why);
		EXPECT(!memcmp(&b, from, sizeof(b)), "another buffer");
		EXPECT(back == sequence, "another sequence");
		EXPECT(found.stage == state.stage && found.flags == state.flags &&
		       found.epoch == state.epoch && found.merged_epoch == state.merged_epoch &&
		       !memcmp(&found.newest, &state.newest, sizeof(found.newest)) &&
		       !strcmp(found.owner, state.owner) &&
		       !memcmp(found.sample, state.sample, sizeof(found.sample)),
		       "another state");
		EXPECT(!accepts(block, !(sequence & 1)), "accepted as the other copy");
	}
}

/* The format is what is on disks, not what the structures say. */
static void super_fields(void)
{
	u8 block[FORMAT_BLOCK_SIZE];
	struct format_state state;
	unsigned int i;

	for (i = 0; i < 200; i++) {
		const struct format_buffer *b = random_buffer();
		u64 sequence = 1 + unit_random_size(FORMAT_MAX_COUNT);

		random_state(b, &state);
		format_super_encode((void *)block, b, sequence, &state);
		EXPECT(!memcmp(block, "REPLBUT1", 8), "magic");
		EXPECT(get32(block, 8) == block_crc32c(block, 4096), "checksum");
		EXPECT(get32(block, 12) == 1, "version");
		EXPECT(!memcmp(block + 16, b->uuid, 16), "UUID");
		EXPECT(get64(block, 32) == sequence, "sequence");
		EXPECT(get64(block, 40) == b->disk_sectors, "length of the disk");
		EXPECT(get64(block, 48) == b->buffer_sectors, "length of the buffer");
		EXPECT(get32(block, 56) == b->segment_sectors, "length of a segment");
		EXPECT(get32(block, 60) == state.stage, "stage");
		EXPECT(get64(block, 64) == state.epoch, "epoch");
		EXPECT(get64(block, 72) == state.merged_epoch, "merged epoch");
		EXPECT(get64(block, 80) == state.newest.place, "newest summary");
		EXPECT(get64(block, 88) == state.newest.sequence, "its sequence");
		EXPECT(get64(block, 96) == state.newest.epoch, "its epoch");
		EXPECT(get32(block, 104) == state.flags && !get32(block, 108), "flags");
		EXPECT(!strncmp((char *)block + 112, state.owner, 128), "owner");
		EXPECT(get32(block, 240) == state.sample[0] &&
		       get32(block, 492) == state.sample[63], "samples");
		EXPECT(format_all_zero(block + 496, 4096 - 496), "not zero in the end");
	}
}

static void make_super(u8 *block)
{
	const struct format_buffer *b = random_buffer();
	struct format_state state;

	random_state(b, &state);
	format_super_encode((void *)block, b, 2 + 2 * unit_random(1000), &state);
	EXPECT(accepts(block, 0), "the superblock to begin with is refused");
}

static void super_flips(void)
{
	u8 block[FORMAT_BLOCK_SIZE];
	unsigned int bit;

	make_super(block);
	for (bit = 0; bit < 8 * sizeof(block); bit++) {
		block[bit / 8] ^= 1 << bit % 8;
		/* bit 256 tells the copy */
		EXPECT(!accepts(block, bit == 256), "accepted with bit %u flipped", bit);
		block[bit / 8] ^= 1 << bit % 8;
	}
	EXPECT(accepts(block, 0), "refused as it was");
}

/* Numbers that a hostile superblock may have, and that are too much or too little. */
static u64 hostile(const u8 *block)
{
	const u64 numbers[] = {
		0, 2, 4, 64, 127, 128, 2048, 4096, get64(block, 40), get64(block, 48),
		get64(block, 64), get64(block, 64) + 1, get64(block, 72), get64(block, 80),
		get64(block, 96), 1088, 0x7fffffff, 1ULL << 32, FORMAT_MAX_COUNT, U64_MAX,
	};

	return near_of(numbers, ARRAY_SIZE(numbers));
}

/* Documentation/format.rst, in numbers that do not wrap. */
static bool super_is_valid(const u8 *block, unsigned int copy)
{
	u64 sequence = get64(block, 32), sectors = get64(block, 48);
	u64 segment = get32(block, 56), stage = get32(block, 60);
	unsigned __int128 epoch = get64(block, 64), merged = get64(block, 72);
	unsigned __int128 last = epoch + (stage != 1);
	u64 newest = get64(block, 80), newest_sequence = get64(block, 88);
	u64 newest_epoch = get64(block, 96);
	const u64 max = U64_MAX / 2;
	struct format_buffer b;
	unsigned int i;

	if (memcmp(block, "REPLBUT1", 8) || get32(block, 8) != block_crc32c(block, 4096) ||
	    get32(block, 12) != 1)
		return false;
	if (!sequence || sequence > max || (sequence & 1) != copy)
		return false;
	if (sectors < 64 + 8 * 128 || sectors > 0x7fffffff)
		return false;
	for (i = 128; i != segment; i *= 2)
		if (i >= 2048)
			return false;
	b.segment_sectors = segment;
	b.nr_segments = (sectors - 64) / segment;
	if (b.nr_segments < 8)
		return false;
	if (stage > 4 || stage == 3 || epoch > max || merged > last)
		return false;
	if (stage == 0 && (epoch || merged || newest))
		return false;
	if (stage == 4 && newest && newest_epoch > merged)
		return false;
	if (newest_epoch > last || newest_sequence > max)
		return false;
	if (newest ? !place_is_valid(&b, newest, 8) : newest_epoch || newest_sequence)
		return false;
	for (i = strnlen((char *)block + 112, 128); i < 128; i++)
		if (block[112 + i])
			return false;
	return get32(block, 104) <= 1 && format_all_zero(block + 108, 4) &&
	       format_all_zero(block + 496, 4096 - 496);
}

static void super_hostile(void)
{
	static const unsigned int wide[] = { 32, 40, 48, 64, 72, 80, 88, 96 };
	static const unsigned int narrow[] = { 12, 56, 60, 104, 108 };
	unsigned int i, n, valid = 0, rounds = unit_rounds(8000);
	u8 block[FORMAT_BLOCK_SIZE];

	for (i = 0; i < rounds; i++) {
		make_super(block);
		for (n = 1 + unit_random(2); n--; ) {
			switch (unit_random(8)) {
			case 0:
				block[112 + unit_random(128)] = unit_random(2) * 'x';
				break;
			case 1:
				block[unit_chance(50) ? 496 + unit_random(3600) :
				      unit_random(4096)] ^= 1 << unit_random(8);
				break;
			case 2:
			case 3:
				put32(block, narrow[unit_random(ARRAY_SIZE(narrow))],
				      hostile(block));
				break;
			default:
				put64(block, wide[unit_random(ARRAY_SIZE(wide))], hostile(block));
			}
		}
		if (!unit_chance(2))
			put32(block, 8, block_crc32c(block, 4096));
		for (n = 0; n < 2; n++) {
			bool is = super_is_valid(block, n);

			valid += is;
			EXPECT(accepts(block, n) == is, "%s as copy %u: stage %u epoch %llu merged %llu newest %llu %llu %llu sequence %llu",
			       is ? "refused" : "accepted", n, get32(block, 60),
			       (unsigned long long)get64(block, 64),
			       (unsigned long long)get64(block, 72),
			       (unsigned long long)get64(block, 80),
			       (unsigned long long)get64(block, 88),
			       (unsigned long long)get64(block, 96),
			       (unsigned long long)get64(block, 32));
		}
	}
	EXPECT(valid > rounds / 50 && valid < rounds * 9 / 10, "%u of %u are valid: not much of a test",
	       valid, rounds);
}

/* One value on either side of each limit, one at a time. */
static void super_limits(void)
{
	static const struct {
		unsigned int at, size;
		u64 good, bad;
	} limits[] = {
		{ 32, 8, FORMAT_MAX_COUNT - 1, FORMAT_MAX_COUNT + 1 },
		{ 32, 8, 2, 0 },
		{ 48, 8, 1088, 1087 },
		{ 48, 8, 0x7fffffff, 0x80000000 },
		{ 56, 4, 128, 64 },
		{ 56, 4, 2048, 4096 },
		{ 56, 4, 256, 257 },
		{ 60, 4, 2, 3 },
		{ 60, 4, 1, 5 },
		{ 64, 8, FORMAT_MAX_COUNT, FORMAT_MAX_COUNT + 1 },
		{ 88, 8, FORMAT_MAX_COUNT, FORMAT_MAX_COUNT + 1 },
		{ 96, 8, 8, 9 },
		{ 72, 8, 8, 9 },
		{ 80, 8, 64, 63 },
		{ 80, 8, 64 + 128 - 8, 64 + 128 - 7 },
		{ 104, 4, 1, 2 },
		{ 12, 4, 1, 2 },
		{ 108, 4, 0, 1 },
	};
	struct format_state state = {
		.stage = FORMAT_STAGE_FAILOVER, .epoch = 7, .merged_epoch = 3,
		.newest = { .place = 64, .sequence = 5, .epoch = 7 },
	};
	u8 block[FORMAT_BLOCK_SIZE];
	struct format_buffer b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		/* 1152 sectors have segments of 128 and do not have 8 of 256 */
		format_geometry(&b, limits[i].at == 56 ? 1 << 20 : 64 + 128 * 20, 1000);
		b.segment_sectors = 128;
		format_super_encode((void *)block, &b, 2, &state);
		EXPECT(accepts(block, 0), "refused to begin with");
		if (limits[i].size == 8)
			put64(block, limits[i].at, limits[i].good);
		else
			put32(block, limits[i].at, limits[i].good);
		put32(block, 8, block_crc32c(block, 4096));
		EXPECT(accepts(block, 0), "limit %u: the good one is refused", i);
		if (limits[i].size == 8)
			put64(block, limits[i].at, limits[i].bad);
		else
			put32(block, limits[i].at, limits[i].bad);
		put32(block, 8, block_crc32c(block, 4096));
		EXPECT(!accepts(block, 0), "limit %u: the bad one is accepted", i);
	}
}

/*
 * ---- Summaries ----
 */

static void random_entry(const struct format_buffer *b, struct format_range *range)
{
	range->kind = unit_random(5);
	range->sector = unit_random_size(b->disk_sectors);
	range->sectors = 1 + unit_random_size(min(b->disk_sectors - range->sector,
						  (u64)U32_MAX));
	range->place = 0;
	if (range->kind == FORMAT_DATA || range->kind == FORMAT_VOID) {
		range->place = random_place(b);
		range->sectors = 1 + unit_random(min((u64)range->sectors,
						     b->segment_sectors -
						     (range->place - 64) % b->segment_sectors));
	}
}

static void make_summary(u8 *block, const struct format_buffer *b, struct summary_id *id,
			 unsigned int entries)
{
	struct format_summary *summary = (void *)block;
	struct summary_id previous = { };
	struct format_range range;
	unsigned int i;

	id->place = random_place(b);
	id->sequence = 1 + unit_random_size(FORMAT_MAX_COUNT - 1);
	id->epoch = unit_random_size(FORMAT_MAX_COUNT);
	if (id->sequence > 1 && unit_chance(70)) {
		previous.place = random_place(b);
		previous.sequence = unit_random(id->sequence);
		previous.epoch = unit_random(id->epoch + 1);
	}
	memset(block, 0, FORMAT_BLOCK_SIZE);
	format_summary_begin(summary, b, id, &previous);
	for (i = 0; i < entries; i++) {
		random_entry(b, &range);
		format_entry_encode(&summary->entry[i], &range);
	}
	format_summary_seal(summary, entries);
}

static bool accepts_summary(u8 *block, const struct format_buffer *b,
			    const struct summary_id *id)
{
	u8 before[FORMAT_BLOCK_SIZE];
	char why[160];
	bool ok;

	memcpy(before, block, sizeof(before));
	memset(why, 'x', sizeof(why));
	ok = format_summary_check((void *)block, b, id, why, sizeof(why));
	EXPECT(!memcmp(before, block, sizeof(before)), "the block was changed");
	EXPECT(ok || strnlen(why, sizeof(why)) < sizeof(why), "the reason has no end");
	return ok;
}

static void summary_comes_back(void)
{
	struct format_range range, back;
	struct summary_id id, previous;
	u8 block[FORMAT_BLOCK_SIZE];
	unsigned int i, entries;

	for (i = 0; i < 500; i++) {
		const struct format_buffer *b = random_buffer();
		struct format_entry entry = { };

		entries = i < 2 ? i * FORMAT_ENTRIES : unit_random(FORMAT_ENTRIES + 1);
		make_summary(block, b, &id, entries);
		EXPECT(accepts_summary(block, b, &id), "refused");
		EXPECT(!memcmp(block, "REPLSUM1", 8) && get32(block, 12) == entries &&
		       !memcmp(block + 16, b->uuid, 16) && get64(block, 32) == id.sequence &&
		       get64(block, 40) == id.epoch && format_all_zero(block + 72, 24) &&
		       get32(block, 8) == block_crc32c(block, 4096), "fields of the head");
		format_summary_previous((void *)block, &previous);
		EXPECT(get64(block, 48) == previous.place &&
		       get64(block, 56) == previous.sequence &&
		       get64(block, 64) == previous.epoch, "the summary before");
		random_entry(b, &range);
		format_entry_encode(&entry, &range);
		EXPECT(get64((u8 *)&entry, 0) == range.sector &&
		       get64((u8 *)&entry, 8) == range.place &&
		       get32((u8 *)&entry, 16) == range.sectors &&
		       ((u8 *)&entry)[24] == range.kind && sizeof(entry) == 32,
		       "fields of an entry");
		format_entry_decode(&entry, &back);
		EXPECT(back.sector == range.sector && back.place == range.place &&
		       back.sectors == range.sectors && back.kind == range.kind,
		       "an entry does not come back");
		previous = id;
		previous.sequence++;
		EXPECT(!accepts_summary(block, b, &previous), "with another sequence");
		previous = id;
		previous.epoch++;
		EXPECT(!accepts_summary(block, b, &previous), "of another epoch");
	}
}

static void summary_flips(void)
{
	const struct format_buffer *b = random_buffer();
	u8 block[FORMAT_BLOCK_SIZE];
	struct summary_id id;
	unsigned int bit;

	make_summary(block, b, &id, unit_random(FORMAT_ENTRIES + 1));
	for (bit = 0; bit < 8 * sizeof(block); bit++) {
		block[bit / 8] ^= 1 << bit % 8;
		EXPECT(!accepts_summary(block, b, &id), "accepted with bit %u flipped", bit);
		block[bit / 8] ^= 1 << bit % 8;
	}
	EXPECT(accepts_summary(block, b, &id), "refused as it was");
}

static bool entry_is_valid(const u8 *entry, const struct format_buffer *b)
{
	unsigned __int128 sector = get64(entry, 0);
	u64 place = get64(entry, 8);
	u32 sectors = get32(entry, 16);
	u8 kind = entry[24];

	if (get32(entry, 20) || kind > 4 || !format_all_zero(entry + 25, 7))
		return false;
	if (!sectors || sector + sectors > b->disk_sectors)
		return false;
	return kind == 0 || kind == 4 ? place_is_valid(b, place, sectors) : !place;
}

static bool summary_is_valid(const u8 *block, const struct format_buffer *b,
			     const struct summary_id *id)
{
	u32 i, entries = get32(block, 12);

	if (memcmp(block, "REPLSUM1", 8) || get32(block, 8) != block_crc32c(block, 4096) ||
	    memcmp(block + 16, b->uuid, 16) || get64(block, 32) != id->sequence ||
	    get64(block, 40) != id->epoch || entries > 125)
		return false;
	if (get64(block, 48) ? !place_is_valid(b, get64(block, 48), 8) ||
	    get64(block, 56) >= id->sequence || get64(block, 64) > id->epoch :
	    get64(block, 56) || get64(block, 64))
		return false;
	for (i = 0; i < entries; i++)
		if (!entry_is_valid(block + 96 + 32 * i, b))
			return false;
	return format_all_zero(block + 72, 24) &&
	       format_all_zero(block + 96 + 32 * entries, 4000 - 32 * entries);
}

static void hostile_entry(u8 *entry, const struct format_buffer *b)
{
	const u64 numbers[] = {
		0, 2, 64, b->disk_sectors, b->disk_sectors - get32(entry, 16), b->segment_sectors,
		64 + b->segment_sectors, 64 + (u64)b->nr_segments * b->segment_sectors,
		U32_MAX, 1ULL << 32, 1ULL << 63, U64_MAX, U64_MAX - get32(entry, 16) + 1,
	};
	u64 number = near_of(numbers, ARRAY_SIZE(numbers));

	switch (unit_random(6)) {
	case 0:
	case 1:
		put64(entry, 0, number);
		break;
	case 2:
		put64(entry, 8, number);
		break;
	case 3:
		put32(entry, 16, number);
		break;
	case 4:
		entry[24] = unit_chance(80) ? unit_random(6) : unit_random(256);
		break;
	default:
		entry[20 + unit_random(12)] ^= 1 << unit_random(8);
	}
}

static void summary_hostile(void)
{
	unsigned int i, j, valid = 0, rounds = unit_rounds(8000);
	u8 block[FORMAT_BLOCK_SIZE];
	struct summary_id id;

	for (i = 0; i < rounds; i++) {
		const struct format_buffer *b = random_buffer();
		unsigned int entries = unit_random_size(FORMAT_ENTRIES + 1);
		bool is;

		make_summary(block, b, &id, entries);
		switch (unit_random(10)) {
		case 0:
			put32(block, 12, entries + unit_random(4) - 2);
			break;
		case 1:
			put32(block, 12, unit_random_size(1ULL << 32));
			break;
		case 2:
			block[72 + unit_random(24)] ^= unit_random(256);
			break;
		case 3:
			put64(block, 48, unit_chance(50) ? 0 : unit_random_size(1ULL << 40));
			break;
		case 4:
			put64(block, 56, id.sequence + unit_random(3) - 1);
			break;
		case 5:
			put64(block, 64, id.epoch + unit_random(3) - 1);
			break;
		case 6:
			block[unit_random(4096)] ^= 1 << unit_random(8);
			break;
		default:
			j = unit_random(min(entries + 2, 125U));
			hostile_entry(block + 96 + 32 * j, b);
		}
		if (!unit_chance(2))
			put32(block, 8, block_crc32c(block, 4096));
		is = summary_is_valid(block, b, &id);
		valid += is;
		EXPECT(accepts_summary(block, b, &id) == is, "%s, %u entries",
		       is ? "refused" : "accepted", entries);
	}
	EXPECT(valid > rounds / 50 && valid < rounds * 9 / 10, "%u of %u are valid: not much of a test",
	       valid, rounds);
}

static void chain_ends(void)
{
	struct summary_id id = { .place = 64, .sequence = 3, .epoch = 5 };

	EXPECT(format_chain_goes_on(&id, 4), "not merged, and it ends");
	EXPECT(!format_chain_goes_on(&id, 5), "merged, and it goes on");
	EXPECT(!format_chain_goes_on(&id, U64_MAX), "merged long ago, and it goes on");
	id.place = 0;
	EXPECT(!format_chain_goes_on(&id, 4), "it goes on to no place");
}

const char *unit_part = "format";

const struct unit_test unit_tests[] = {
	{ "a checksum is CRC32C without its field", checksums },
	{ "one bit is not zeroes", zeroes },
	{ "any length of a buffer is divided as documented", geometry },
	{ "a place is valid only within one segment", places },
	{ "samples are spread over a disk of any length", sample_sectors },
	{ "a sample tells equal, blank and other blocks", samples },
	{ "a sample of 0 is 1", sample_of_zero },
	{ "a superblock comes back as it was written", super_comes_back },
	{ "fields of a superblock are where the document says", super_fields },
	{ "a superblock with any one bit flipped is refused", super_flips },
	{ "hostile superblocks are judged as documented", super_hostile },
	{ "a superblock's limits are sharp", super_limits },
	{ "a summary comes back as it was written", summary_comes_back },
	{ "a summary with any one bit flipped is refused", summary_flips },
	{ "hostile summaries are judged as documented", summary_hostile },
	{ "a chain ends at what is merged", chain_ends },
	{ }
};
