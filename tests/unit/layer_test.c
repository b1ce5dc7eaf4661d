// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layers over the kernel's own maple tree, a buffer in memory, and recovery. The
 * model of a layer is an array: for each sector what it has, and for data the
 * number of the write. What a layer maps to a place is looked up there.
 */
#include <linux/kernel.h>
#include <linux/slab.h>

#include "disk.h"
#include "layer.h"
#include "secondary.h"
#include "unit.h"

#define LEN		3000
#define SEGMENTS	60
#define BUFFER_SECTORS	(FORMAT_FIRST_SEGMENT + SEGMENTS * FORMAT_MIN_SEGMENT)
#define IN_FLIGHT	6

/*
 * What a sector of a model has, besides the number of a write, which is above. A
 * write that fails makes a layer forget that a sector was discarded, not a recovery.
 */
enum { NOTHING, ZEROES, DISCARDED, WAS_DISCARDED, HOLE, NUMBERS };

struct model {
	u32 what[LEN];
};

struct write {
	struct layer_write w;
	u64 sector;
	u32 number;
};

static struct block_device *disk;
static struct buffer b;
static wait_queue_head_t wait;
static u32 numbers = NUMBERS;
static u32 *content;	/* by sector of the buffer: the number of the write */
static struct write flight[IN_FLIGHT];

/* recover.c and buffer.c take these from the replication */
void generate_random_guid(unsigned char guid[16])
{
	unit_random_bytes(guid, 16);
}

/* the kernel calls it when it boots */
extern void maple_tree_init(void);

static void changed(struct buffer *buffer)
{
	(void)buffer;
}

static void open_buffer(void)
{
	char why[256];
	int error;

	b = (struct buffer) { };
	error = buffer_open(&b, disk, LEN, "", changed, why, sizeof(why));
	EXPECT(!error, "the buffer cannot be opened: %d, %s", error, why);
	b.wq = alloc_workqueue("io", 0, 2);
}

static void close_buffer(void)
{
	destroy_workqueue(b.wq);
	buffer_close(&b);
}

static void set_up(void)
{
	static bool booted;

	if (!booted)
		maple_tree_init();
	booted = true;
	init_waitqueue_head(&wait);
	disk = disk_new(BUFFER_SECTORS);
	content = unit_zeroes(BUFFER_SECTORS, sizeof(*content));
	memset(flight, 0, sizeof(flight));
	open_buffer();
}

static void tear_down(void)
{
	EXPECT(b.free.count == b.format.nr_segments, "%u of %u segments are free in the end",
	       b.free.count, b.format.nr_segments);
	close_buffer();
	rcu_barrier();
	disk_free(disk);
	free(content);
}

static struct layer *new_layer(u64 epoch)
{
	struct layer *l = layer_new(&b, "inbound", epoch, BUFFER_RESERVE, &wait);

	EXPECT(l, "no memory for a layer");
	return l;
}

/*
 * ---- What a layer says ----
 */

static u32 kind_of(int found)
{
	switch (found) {
	case -ENOENT:
		return NOTHING;
	case FORMAT_ZERO:
		return ZEROES;
	case FORMAT_DISCARD:
		return DISCARDED;
	case FORMAT_HOLE:
		return HOLE;
	default:
		FAIL("the layer says %d", found);
	}
}

static u32 now(const struct model *m, u64 sector)
{
	return m->what[sector] == WAS_DISCARDED ? ZEROES : m->what[sector];
}

static u32 recovered(const struct model *m, u64 sector)
{
	return m->what[sector] == WAS_DISCARDED ? DISCARDED : m->what[sector];
}

static void check_range(struct layer *l, const struct model *m, u64 sector, u64 end)
{
	unsigned int n, i;
	sector_t place = 0;
	int found;

	for (; sector < end; sector += n) {
		n = end - sector;
		found = layer_lookup(l, sector, &n, &place);
		EXPECT(n && sector + n <= end, "%u sectors from %llu to %llu", n,
		       (unsigned long long)sector, (unsigned long long)end);
		for (i = 0; i < n; i++)
			EXPECT(now(m, sector + i) == (found == FORMAT_DATA ?
						      content[place + i] : kind_of(found)),
			       "sector %llu has %d, place %llu, not %u",
			       (unsigned long long)sector + i, found,
			       (unsigned long long)place, m->what[sector + i]);
	}
}

/* The next sector that is mapped; the layer is sealed. */
static void check_find(struct layer *l, const struct model *m)
{
	u64 from = unit_random(LEN), end = from + 1 + unit_random(LEN - from), s;
	sector_t found = from;
	bool is;

	for (s = from; s < end && m->what[s] == NOTHING; s++)
		;
	is = layer_find(l, &found, end);
	EXPECT(is == (s < end) && (!is || found == s),
	       "from %llu to %llu: found %d, %llu, not %llu", (unsigned long long)from,
	       (unsigned long long)end, is, (unsigned long long)found, (unsigned long long)s);
}

static void check_layer(struct layer *l, const struct model *m)
{
	u64 sector;

	check_range(l, m, 0, LEN);
	for (sector = 0; sector < LEN; ) {
		u64 end = min(sector + 1 + unit_random_size(200), (u64)LEN);

		check_range(l, m, sector, end);
		sector = end;
	}
	if (l->sealed)
		check_find(l, m);
}

/*
 * ---- What is done to it ----
 */

static bool is_busy(u64 sector, u64 sectors)
{
	unsigned int i;

	for (i = 0; i < IN_FLIGHT; i++)
		if (flight[i].number && sector < flight[i].sector + flight[i].w.sectors &&
		    flight[i].sector < sector + sectors)
			return true;
	return false;
}

static void random_range(u64 *sector, unsigned int *sectors)
{
	static u64 last;

	/* as often as not it goes on where the last one ended */
	*sector = unit_chance(50) ? last : unit_random(LEN);
	*sectors = min(1 + unit_random_size(150), LEN - *sector);
	last = (*sector + *sectors) % LEN;
}

/* Return: 0, or a negative errno, and nothing is changed. */
static int write_at(struct layer *l, struct model *m, struct write *write, u64 sector,
		    unsigned int sectors)
{
	u64 s;
	int error;

	write->sector = sector;
	error = layer_write(l, sector, sectors, &write->w);
	if (error)
		return error;
	EXPECT(write->w.sectors && write->w.sectors <= sectors, "%u of %u sectors",
	       write->w.sectors, sectors);
	/* what is listed must be what a recovery accepts */
	EXPECT(!write->w.summary ||
	       format_place_valid(&b.format, write->w.place, write->w.sectors),
	       "listed: %u sectors at %llu", write->w.sectors,
	       (unsigned long long)write->w.place);
	write->number = ++numbers;
	for (s = sector; s < sector + write->w.sectors; s++)
		if (m->what[s] == DISCARDED)
			m->what[s] = WAS_DISCARDED;
	return 0;
}

static void begin_write(struct layer *l, struct model *m, struct write *write)
{
	u64 sector, free = b.free.count, next = l->end - l->next;
	unsigned int sectors;
	int error;

	random_range(&sector, &sectors);
	if (is_busy(sector, sectors))
		return;
	error = write_at(l, m, write, sector, sectors);
	EXPECT(!error || error == -ENOSPC || (error == -ENOMEM && unit_memory_short),
	       "error %d", error);
	EXPECT(error != -ENOSPC || (free <= BUFFER_RESERVE && next < 8),
	       "no space, %llu segments and %llu sectors are free",
	       (unsigned long long)free, (unsigned long long)next);
}

static void end_write(struct layer *l, struct model *m, struct write *write, bool ok)
{
	u64 s, sector, place;

	for (s = 0; s < write->w.sectors; s++) {
		sector = write->sector + s;
		place = write->w.place + s;
		/* one that fails may have got there, which shows where there was data */
		if (ok || (unit_chance(50) && m->what[sector] >= NUMBERS))
			m->what[sector] = write->number;
		if (m->what[sector] == write->number)
			content[place] = write->number;
	}
	layer_write_end(l, &write->w, ok);
	write->number = 0;
}

static void end_all(struct layer *l, struct model *m)
{
	unsigned int i;

	for (i = 0; i < IN_FLIGHT; i++)
		if (flight[i].number)
			end_write(l, m, &flight[i], true);
}

static void blank(struct layer *l, struct model *m)
{
	bool discard = unit_chance(50);
	unsigned int sectors, n;
	u64 sector, s;
	int error;

	random_range(&sector, &sectors);
	if (is_busy(sector, sectors))
		return;
	error = layer_blank(l, sector, sectors, discard ? FORMAT_DISCARD : FORMAT_ZERO);
	EXPECT(!error || error == -ENOSPC || (error == -ENOMEM && unit_memory_short),
	       "error %d", error);
	for (s = sector; error != -ENOSPC && s < sector + sectors; s++) {
		/* a part of it from its begin on */
		if (error) {
			sector_t place;
			int found;

			n = 1;
			found = layer_lookup(l, s, &n, &place);
			if (found != (discard ? FORMAT_DISCARD : FORMAT_ZERO))
				break;
		}
		m->what[s] = discard ? DISCARDED : ZEROES;
	}
}

static void step(struct layer *l, struct model *m)
{
	struct write *write = &flight[unit_random(IN_FLIGHT)];

	if (unit_chance(12))
		blank(l, m);
	else if (write->number)
		end_write(l, m, write, unit_chance(90));
	else
		begin_write(l, m, write);
	rcu_barrier();
}

static void seal(struct layer *l, struct model *m, struct summary_id *newest)
{
	int error;

	end_all(l, m);
	error = layer_seal(l, newest);
	EXPECT(!error, "error %d", error);
	smp_store_release(&l->sealed, true);
	check_layer(l, m);
	EXPECT(!atomic_long_read(&l->unwritten_sectors), "%ld sectors are not written",
	       atomic_long_read(&l->unwritten_sectors));
}

static void run_steps(struct layer *l, struct model *m, unsigned int steps)
{
	unsigned int i;

	for (i = 0; i < steps; i++) {
		step(l, m);
		if (i % 10 == 0)
			check_layer(l, m);
	}
}

/*
 * ---- Tests ----
 */

static void one_layer(void)
{
	unsigned int round, rounds = unit_rounds(20);
	struct summary_id newest;
	struct model *m;
	struct layer *l;

	for (round = 0; round < rounds; round++) {
		set_up();
		m = unit_zeroes(1, sizeof(*m));
		l = new_layer(1);
		check_layer(l, m);
		/* the second half of it until the buffer is full */
		run_steps(l, m, round % 2 ? 150 : 1500);
		seal(l, m, &newest);
		check_layer(l, m);
		layer_free(l);
		free(m);
		tear_down();
	}
}

static void short_memory(void)
{
	unsigned int round, rounds = unit_rounds(20);
	struct summary_id newest;
	struct model *m;
	struct layer *l;

	for (round = 0; round < rounds; round++) {
		set_up();
		m = unit_zeroes(1, sizeof(*m));
		l = new_layer(1);
		unit_memory_short = 1 + unit_random(8);
		run_steps(l, m, 300);
		unit_memory_short = 0;
		seal(l, m, &newest);
		layer_free(l);
		free(m);
		tear_down();
	}
}

/* What is below shows through where the newer one says nothing. */
static void overlay(struct model *below, const struct model *newer)
{
	unsigned int s;

	for (s = 0; s < LEN; s++)
		if (newer->what[s] != NOTHING)
			below->what[s] = newer->what[s];
}

static void folds(void)
{
	unsigned int round, i, rounds = unit_rounds(15);
	struct summary_id newest;
	struct layer *l[2];
	struct model *m[2];

	for (round = 0; round < rounds; round++) {
		set_up();
		for (i = 0; i < 2; i++) {
			m[i] = unit_zeroes(1, sizeof(*m[i]));
			l[i] = new_layer(1 + i);
			run_steps(l[i], m[i], 200);
			seal(l[i], m[i], &newest);
		}
		EXPECT(!layer_fold(l[0], l[1]), "no memory");
		overlay(m[0], m[1]);
		check_layer(l[0], m[0]);
		check_layer(l[1], m[1]);
		segments_join(&b, &l[0]->segments, &l[1]->segments);
		layer_free(l[1]);
		check_layer(l[0], m[0]);
		for (i = 0; i < 100; i++) {
			unsigned int sectors, s;
			u64 sector;

			random_range(&sector, &sectors);
			EXPECT(!layer_punch(l[0], sector, sector + sectors - 1), "no memory");
			for (s = 0; s < sectors; s++)
				m[0]->what[sector + s] = NOTHING;
			check_layer(l[0], m[0]);
			rcu_barrier();
		}
		layer_free(l[0]);
		free(m[0]);
		free(m[1]);
		tear_down();
	}
}

/*
 * Epochs: a layer each, committed by a superblock, on a disk that fails at
 * times, and whose power is cut in the end. What is found then is the last
 * checkpoint, or, when a commit failed and could not be taken back, that one.
 */
struct epochs {
	struct model *committed;
	struct model *doubtful;
	struct layer *layer[40];
	unsigned int layers;
	unsigned int freed;
	struct summary_id newest;
};

static bool commit(struct epochs *e, struct layer *l, const struct summary_id *newest, u64 epoch)
{
	struct format_state state = b.state;

	state.stage = FORMAT_STAGE_RUNNING;
	state.epoch = epoch;
	state.newest = *newest;
	if (buffer_commit(&b, &state)) {
		layer_free(l);
		return false;
	}
	e->newest = *newest;
	e->layer[e->layers++] = l;
	return true;
}

static bool take_epoch(struct epochs *e, u64 epoch)
{
	struct model *m = unit_zeroes(1, sizeof(*m));
	struct layer *l = new_layer(epoch);
	struct summary_id newest;
	bool ok = true;

	l->newest = e->newest;
	run_steps(l, m, 20 + unit_random(60));
	end_all(l, m);
	/* a summary that cannot be written fails the seal, and once more the next */
	disk->write_fails = unit_chance(30) ? 2 : 0;
	disk->flush_fails = unit_chance(20) ? 2 : 0;
	if (layer_seal(l, &newest)) {
		ok = false;
		layer_free(l);
	} else {
		disk->write_fails = unit_chance(20) ? 2 : 0;
		seal(l, m, &newest);
		memcpy(e->doubtful, e->committed, sizeof(*m));
		overlay(e->doubtful, m);
		ok = commit(e, l, &newest, epoch);
		if (ok)
			memcpy(e->committed, e->doubtful, sizeof(*m));
	}
	disk->write_fails = 0;
	disk->flush_fails = 0;
	free(m);
	return ok;
}

static bool layer_is(struct layer *l, const struct model *m)
{
	sector_t place;
	unsigned int n;
	int found;
	u64 s;

	for (s = 0; s < LEN; s++) {
		n = 1;
		found = layer_lookup(l, s, &n, &place);
		if (recovered(m, s) != (found == FORMAT_DATA ? content[place] : kind_of(found)))
			return false;
	}
	return true;
}

static void check_recovered(const struct epochs *e, bool doubt)
{
	struct layer *l;
	char why[256] = "";
	int error;

	open_buffer();
	if (b.state.stage == FORMAT_STAGE_NONE && !doubt) {
		EXPECT(!e->layers, "nothing is committed, %u layers were", e->layers);
		tear_down();
		return;
	}
	l = new_layer(b.state.newest.epoch);
	error = recover_layer(&b, l, why, sizeof(why));
	EXPECT(!error, "error %d: %s", error, why);
	EXPECT(layer_is(l, e->committed) || (doubt && layer_is(l, e->doubtful)),
	       "not what was committed, %u epochs", e->layers);
	layer_free(l);
	tear_down();
}

static void crashes(void)
{
	unsigned int round, rounds = unit_rounds(60);

	for (round = 0; round < rounds; round++) {
		struct epochs e = {
			.committed = unit_zeroes(1, sizeof(struct model)),
			.doubtful = unit_zeroes(1, sizeof(struct model)),
		};
		bool doubt, goes_on = true;
		u64 epoch;

		set_up();
		for (epoch = 1; goes_on && epoch < 1 + unit_random(12); epoch++)
			goes_on = take_epoch(&e, epoch) || !(b.untrusted || b.doubt);
		doubt = b.doubt;
		while (e.freed < e.layers)
			layer_free(e.layer[e.freed++]);
		close_buffer();
		rcu_barrier();
		disk_crash(disk);
		check_recovered(&e, doubt);
		free(e.committed);
		free(e.doubtful);
	}
}

/* Writes that fail to two segments in a row, and one over both of them. */
static void two_segments(void)
{
	struct write first = { .sector = 0 }, second, both;
	struct model *m = unit_zeroes(1, sizeof(*m));
	struct summary_id newest;
	struct layer *l;
	char why[256] = "";
	struct epochs e = { };

	set_up();
	l = new_layer(1);
	write_at(l, m, &first, 0, FORMAT_MIN_SEGMENT - FORMAT_BLOCK_SECTORS);
	write_at(l, m, &second, first.w.sectors, 50);
	EXPECT(second.w.place == first.w.place + first.w.sectors, "not in a row");
	end_write(l, m, &first, false);
	end_write(l, m, &second, false);
	write_at(l, m, &both, first.w.sectors - 20, 40);
	end_write(l, m, &both, true);
	seal(l, m, &newest);
	EXPECT(commit(&e, l, &newest, 1), "no commit");
	layer_free(l);
	close_buffer();
	open_buffer();
	l = new_layer(1);
	EXPECT(!recover_layer(&b, l, why, sizeof(why)), "%s", why);
	EXPECT(layer_is(l, m), "not what was committed");
	layer_free(l);
	free(m);
	tear_down();
}

/*
 * ---- Threads ----
 *
 * Each writer has every third slot of sectors. A reader sees what had ended
 * before it looked, or something newer.
 */

#define WRITERS		3
#define READERS		2
#define SLOT		30

static struct layer *shared;
static u32 ended[LEN];		/* number of the last write or blank that ended */
static u32 blanked[LEN];	/* of the last blank that began */
static int writers_left = WRITERS;

static void note_ended(u64 sector, unsigned int sectors, u32 number)
{
	while (sectors--)
		smp_store_release(&ended[sector++], number);
}

static void write_some(u64 sector, unsigned int sectors)
{
	bool ok = unit_chance(95);
	u32 number = __atomic_add_fetch(&numbers, 1, __ATOMIC_RELAXED), i;
	struct layer_write w;

	if (layer_write(shared, sector, sectors, &w))
		return;
	for (i = 0; ok && i < w.sectors; i++)
		WRITE_ONCE(content[w.place + i], number);
	layer_write_end(shared, &w, ok);
	if (ok)
		note_ended(sector, w.sectors, number);
}

static void blank_some(u64 sector, unsigned int sectors)
{
	u32 number = __atomic_add_fetch(&numbers, 1, __ATOMIC_RELAXED), i;

	for (i = 0; i < sectors; i++)
		WRITE_ONCE(blanked[sector + i], number);
	if (!layer_blank(shared, sector, sectors, unit_chance(50) ? FORMAT_ZERO : FORMAT_DISCARD))
		note_ended(sector, sectors, number);
}

static void write_slots(unsigned int nr)
{
	unsigned int i, sectors, rounds = unit_rounds(3000);
	u64 sector;

	for (i = 0; i < rounds; i++) {
		sector = (unit_random(LEN / SLOT / WRITERS) * WRITERS + nr) * SLOT;
		sector += unit_random(SLOT);
		sectors = 1 + unit_random(SLOT - sector % SLOT);
		atomic_inc(&shared->writers);
		if (unit_chance(5))
			blank_some(sector, sectors);
		else
			write_some(sector, sectors);
		layer_put_writer(shared);
	}
	__atomic_fetch_sub(&writers_left, 1, __ATOMIC_RELAXED);
}

static void read_some(void)
{
	unsigned int n = 1 + unit_random(SLOT), i;
	u64 sector = unit_random(LEN - n);
	u32 before[SLOT], number;
	sector_t place;
	int found;

	for (i = 0; i < n; i++)
		before[i] = smp_load_acquire(&ended[sector + i]);
	found = layer_lookup(shared, sector, &n, &place);
	for (i = 0; i < n; i++) {
		number = 0;
		if (found == FORMAT_DATA)
			number = READ_ONCE(content[place + i]);
		else if (found != -ENOENT)
			number = READ_ONCE(blanked[sector + i]);
		EXPECT(number >= before[i], "sector %llu has %u (%d), after %u has ended",
		       (unsigned long long)sector + i, number, found, before[i]);
	}
}

static void layer_thread(unsigned int nr)
{
	if (nr < WRITERS) {
		write_slots(nr);
		return;
	}
	while (__atomic_load_n(&writers_left, __ATOMIC_RELAXED)) {
		if (nr == WRITERS + READERS) {
			rcu_barrier();
			unit_sleep_us(100);
			continue;
		}
		atomic_inc(&shared->readers);
		read_some();
		layer_put_reader(shared);
	}
}

static void threads(void)
{
	struct summary_id newest;

	set_up();
	shared = new_layer(1);
	unit_threads(WRITERS + READERS + 1, layer_thread);
	EXPECT(!layer_seal(shared, &newest), "cannot be sealed");
	EXPECT(list_empty(&shared->unwritten), "sealed with a summary unwritten");
	layer_free(shared);
	tear_down();
}

const char *unit_part = "layer";

const struct unit_test unit_tests[] = {
	{ "a layer says what was written and blanked", one_layer },
	{ "short of memory it fails and keeps what it has", short_memory },
	{ "a fold is an overlay, a punch leaves nothing", folds },
	{ "a write over two segments is found again", two_segments },
	{ "readers see what had ended before they looked", threads },
	{ "after a crash the last commit is found again", crashes },
	{ }
};
