// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty map, against what happened: for each region a byte that tells
 * whether it is dirty, and the epochs it was sent in. The model has no bits and
 * no ring of epochs; it counts epochs without end.
 */
#include <linux/kernel.h>
#include <linux/slab.h>

#include "dirty.h"
#include "unit.h"

#define NEVER	(-1000L)

/**
 * struct model - what happened
 * @dirty: by region
 * @sent: the epoch it was last sent in
 * @found: the epoch it may be taken to have been sent in: later than @sent when
 *	a cut was undone meanwhile
 * @regions: how many
 * @epoch: the open one
 * @keep: epochs from this one on must be known
 * @cut: an epoch has ended, its checkpoint is not taken yet
 */
struct model {
	u8 *dirty;
	long *sent;
	long *found;
	unsigned long regions;
	long epoch;
	long keep;
	bool cut;
};

static struct dirty_map map;
static struct model model;

static void set_up(unsigned long regions)
{
	unsigned int shift = 3 + unit_random(8);
	u64 len = ((u64)regions << shift) - unit_random(1 << shift);
	unsigned long i;
	int error;

	map = (struct dirty_map) { };
	error = dirty_init(&map, len, 1 << shift);
	EXPECT(!error, "error %d", error);
	EXPECT(map.regions == regions, "%lu regions, not %lu", map.regions, regions);
	EXPECT(dirty_region(&map, len - 1) == regions - 1, "the last sector is in region %lu of %lu",
	       dirty_region(&map, len - 1), regions);
	model = (struct model) {
		.dirty = unit_zeroes(regions, 1),
		.sent = unit_zeroes(regions, sizeof(long)),
		.found = unit_zeroes(regions, sizeof(long)),
		.regions = regions,
		.keep = NEVER + 1,
	};
	memset(model.dirty, 1, regions);
	for (i = 0; i < regions; i++)
		model.sent[i] = model.found[i] = NEVER;
}

static void tear_down(void)
{
	dirty_exit(&map);
	free(model.dirty);
	free(model.sent);
	free(model.found);
}

/* The least and the most that may be known to have been sent since @epoch. */
static bool must_know(unsigned long region, long epoch)
{
	return model.sent[region] >= max(epoch, model.keep);
}

static bool may_know(unsigned long region, long epoch)
{
	return model.found[region] >= max(epoch, model.keep);
}

static void check_dirty(void)
{
	unsigned long region, count = 0;

	for (region = 0; region < model.regions; region++) {
		EXPECT(dirty_test(&map, region) == model.dirty[region], "region %lu is %sdirty",
		       region, model.dirty[region] ? "not " : "");
		count += model.dirty[region];
		if (!dirty_needed(&map, region))
			EXPECT(!model.dirty[region] && !must_know(region, NEVER),
			       "region %lu is not needed; sent in %ld, it is %ld", region,
			       model.sent[region], model.epoch);
		else
			EXPECT(model.dirty[region] || may_know(region, NEVER),
			       "region %lu is needed; sent in %ld, it is %ld", region,
			       model.sent[region], model.epoch);
	}
	EXPECT(dirty_count(&map) == count, "%lu dirty, not %lu", dirty_count(&map), count);
}

static void check_since(void)
{
	unsigned long *bits = unit_zeroes(BITS_TO_LONGS(model.regions), sizeof(long));
	unsigned long region;
	long ago;
	u64 epochs;

	for (ago = 0; ago < DIRTY_EPOCHS; ago++) {
		/* what is longer ago than it knows: all that it has */
		epochs = ago < DIRTY_EPOCHS - 1 ? ago : 2 + unit_random_size(U64_MAX - 2);
		dirty_since(&map, epochs, bits);
		for (region = 0; region < model.regions; region++) {
			bool has = test_bit(region, bits);

			EXPECT(has || (!model.dirty[region] &&
				       !must_know(region, model.epoch - ago)),
			       "region %lu may differ since %ld epochs: sent in %ld, it is %ld",
			       region, ago, model.sent[region], model.epoch);
			EXPECT(!has || model.dirty[region] ||
			       may_know(region, model.epoch - ago),
			       "region %lu does not differ since %ld epochs: sent in %ld, it is %ld",
			       region, ago, model.sent[region], model.epoch);
		}
	}
	free(bits);
}

static void add_recent(void)
{
	unsigned long region;

	dirty_add_recent(&map);
	for (region = 0; region < model.regions; region++) {
		EXPECT(dirty_test(&map, region) || !must_know(region, NEVER),
		       "region %lu is not dirty; sent in %ld, it is %ld", region,
		       model.sent[region], model.epoch);
		EXPECT(!dirty_test(&map, region) || model.dirty[region] ||
		       may_know(region, NEVER), "region %lu is dirty; sent in %ld, it is %ld",
		       region, model.sent[region], model.epoch);
		model.dirty[region] = dirty_test(&map, region);
	}
}

static void take_cut(void)
{
	dirty_cut(&map);
	model.epoch++;
	model.cut = true;
}

/* What was written since belongs to the epoch that goes on. */
static void take_back(void)
{
	unsigned long region;

	dirty_uncut(&map);
	model.cut = false;
	for (region = 0; region < model.regions; region++)
		if (model.sent[region] == model.epoch)
			model.sent[region]--;
	model.epoch--;
}

static void step(void)
{
	unsigned long region = unit_random(model.regions);

	switch (unit_random(24)) {
	case 0:
		if (!model.cut) {
			take_cut();
			break;
		}
		dirty_confirm(&map);
		model.cut = false;
		model.keep = model.epoch - 1;
		break;
	case 1:
		if (model.cut)
			take_back();
		break;
	case 2:
		if (unit_chance(20))
			add_recent();
		break;
	case 3:
		if (model.cut || unit_chance(80))
			break;
		add_recent();
		dirty_forget_recent(&map);
		for (region = 0; region < model.regions; region++)
			model.sent[region] = model.found[region] = NEVER;
		break;
	case 4:
		if (unit_chance(95))
			break;
		if (unit_chance(50))
			dirty_none(&map);
		else
			dirty_all(&map);
		memset(model.dirty, dirty_count(&map) > 0, model.regions);
		break;
	case 5:
	case 6:
	case 7:
		dirty_set(&map, region);
		model.dirty[region] = 1;
		break;
	case 8:
	case 9:
	case 10:
	case 11:
		dirty_clear(&map, region);
		model.dirty[region] = 0;
		break;
	default:
		dirty_sent(&map, region);
		model.sent[region] = model.epoch;
		model.found[region] = max(model.found[region], model.epoch);
	}
}

static void as_it_happened(void)
{
	static const unsigned long sizes[] = { 1, 2, 63, 64, 65, 127, 128, 129, 300 };
	unsigned int i, j, steps = unit_rounds(1500);

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		set_up(sizes[i]);
		check_dirty();
		dirty_none(&map);
		memset(model.dirty, 0, model.regions);
		for (j = 0; j < steps; j++) {
			step();
			check_dirty();
			if (!model.cut)
				check_since();
		}
		tear_down();
	}
}

static void limits(void)
{
	int error;

	/* 2^31 regions are one too many; with one less there is no memory here */
	unit_memory_short = 1;
	map = (struct dirty_map) { };
	error = dirty_init(&map, 1ULL << 34, 8);
	EXPECT(error == -E2BIG, "2^31 regions: %d", error);
	dirty_exit(&map);
	map = (struct dirty_map) { };
	error = dirty_init(&map, (1ULL << 34) - 8, 8);
	EXPECT(error == -ENOMEM, "2^31 - 1 regions: %d", error);
	dirty_exit(&map);
	map = (struct dirty_map) { };
	error = dirty_init(&map, (1ULL << 34) - 7, 8);
	EXPECT(error == -E2BIG, "one sector more than 2^31 - 1 regions: %d", error);
	dirty_exit(&map);
}

static void no_memory(void)
{
	unsigned int i, failed = 0;
	int error;

	unit_memory_short = 4;
	for (i = 0; i < 200; i++) {
		map = (struct dirty_map) { };
		error = dirty_init(&map, 10000, 8);
		EXPECT(!error || error == -ENOMEM, "error %d", error);
		failed += !!error;
		dirty_exit(&map);
	}
	EXPECT(failed > 10 && failed < 190, "%u of 200 failed: not much of a test", failed);
}

/*
 * ---- Threads ----
 *
 * Writers have regions of their own, next to each other, so that words are
 * shared. A write is in flight from its look at the epoch to its end; a
 * checkpoint is taken when those of the epoch that ended are done.
 */

#define WRITERS		4
#define EACH		40
#define IDLE		0

static long epoch_now = 1;
static long in_flight[WRITERS];
static long last_sent[WRITERS * EACH];
static int writers_left = WRITERS;

static void write_one(unsigned int nr)
{
	unsigned long region = unit_random(EACH) * WRITERS + nr;
	long epoch;

	/* as a range has its time before it is sent */
	do {
		epoch = __atomic_load_n(&epoch_now, __ATOMIC_SEQ_CST);
		__atomic_store_n(&in_flight[nr], epoch, __ATOMIC_SEQ_CST);
	} while (epoch != __atomic_load_n(&epoch_now, __ATOMIC_SEQ_CST));
	dirty_sent(&map, region);
	EXPECT(dirty_needed(&map, region), "region %lu was just sent, and is not needed", region);
	WRITE_ONCE(last_sent[region], epoch);
	if (unit_chance(30)) {
		dirty_set(&map, region);
		EXPECT(dirty_test(&map, region), "region %lu is not dirty", region);
	} else if (unit_chance(50)) {
		dirty_clear(&map, region);
		EXPECT(dirty_needed(&map, region), "region %lu was sent, and is not needed",
		       region);
	}
	__atomic_store_n(&in_flight[nr], IDLE, __ATOMIC_SEQ_CST);
}

static void wait_for_writes(long before)
{
	unsigned int i;
	long epoch;

	for (i = 0; i < WRITERS; i++)
		while ((epoch = __atomic_load_n(&in_flight[i], __ATOMIC_SEQ_CST)) != IDLE &&
		       epoch < before)
			cond_resched();
}

static void take_checkpoint(void)
{
	long epoch = epoch_now + 1;
	unsigned long region;

	dirty_cut(&map);
	__atomic_store_n(&epoch_now, epoch, __ATOMIC_SEQ_CST);
	wait_for_writes(epoch);
	dirty_confirm(&map);
	for (region = 0; region < WRITERS * EACH; region++) {
		long sent = READ_ONCE(last_sent[region]);

		EXPECT(sent < epoch - 1 || dirty_needed(&map, region),
		       "region %lu was sent in %ld, it is %ld, and is not needed", region, sent,
		       epoch);
	}
}

static void thread(unsigned int nr)
{
	unsigned int i, rounds = unit_rounds(20000);

	if (nr == WRITERS) {
		while (__atomic_load_n(&writers_left, __ATOMIC_RELAXED))
			take_checkpoint();
		return;
	}
	for (i = 0; i < rounds; i++)
		write_one(nr);
	__atomic_fetch_sub(&writers_left, 1, __ATOMIC_RELAXED);
}

static void threads(void)
{
	unsigned long region, count = 0;

	map = (struct dirty_map) { };
	EXPECT(!dirty_init(&map, WRITERS * EACH * 8, 8), "no map");
	dirty_none(&map);
	unit_threads(WRITERS + 1, thread);
	for (region = 0; region < map.regions; region++)
		count += dirty_test(&map, region);
	EXPECT(count == dirty_count(&map), "%lu dirty, %lu counted", count, dirty_count(&map));
	dirty_exit(&map);
}

const char *unit_part = "dirty";

const struct unit_test unit_tests[] = {
	{ "dirty and recent regions are those of what happened", as_it_happened },
	{ "more than 2^31 - 1 regions are refused", limits },
	{ "a map that cannot be made leaves nothing", no_memory },
	{ "what threads send is known until two checkpoints later", threads },
	{ }
};
