// SPDX-License-Identifier: GPL-2.0-only
/*
 * Range locks: against a model, one step after the other; and with threads that
 * find each other where they must not.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "range.h"
#include "unit.h"

static struct range_lock rl;
static struct workqueue_struct *wq;

static void set_up(unsigned int shift, int threads)
{
	wq = alloc_workqueue("io", WQ_MEM_RECLAIM, threads);
	range_lock_init(&rl, shift, wq);
}

static void tear_down(void)
{
	unsigned int i;

	destroy_workqueue(wq);
	for (i = 0; i < RANGE_BUCKETS; i++)
		EXPECT(list_empty(&rl.bucket[i].held) && list_empty(&rl.bucket[i].waiting),
		       "something is left in bucket %u", i);
}

/*
 * ---- Against a model ----
 *
 * The model knows nothing of buckets: a list of ranges in the order of their
 * arrival. One that waits is granted as soon as nothing that came before it
 * overlaps it and is still there, unless all is on hold.
 */

#define MODEL_RANGES	24

struct model_range {
	struct io_range range;
	unsigned long arrival;
	enum { FREE, WAITING, HELD } state;
	bool late;
	unsigned int calls;
	unsigned int expected_calls;
	unsigned long called_as;
};

static struct model_range ranges[MODEL_RANGES];
static unsigned long arrivals, calls;
static bool on_hold;

static void model_granted(struct io_range *range)
{
	struct model_range *r = container_of(range, struct model_range, range);

	r->calls++;
	r->called_as = ++calls;
}

static bool overlap(const struct model_range *a, const struct model_range *b)
{
	return a->range.first <= b->range.last && b->range.first <= a->range.last;
}

static bool model_is_free(const struct model_range *r)
{
	unsigned int i;

	for (i = 0; i < MODEL_RANGES; i++)
		if (&ranges[i] != r && ranges[i].state != FREE &&
		    ranges[i].arrival < r->arrival && overlap(&ranges[i], r))
			return false;
	return !on_hold;
}

/* What the model grants now, and no more than that, has been granted. */
static void check_grants(void)
{
	struct model_range *r;
	unsigned int i, j;

	flush_workqueue(wq);
	for (i = 0; i < MODEL_RANGES; i++) {
		r = &ranges[i];
		if (r->state == WAITING && model_is_free(r)) {
			r->expected_calls++;
			r->late = true;
		}
		EXPECT(r->calls == r->expected_calls, "range %u, %llu to %llu: granted %u times, not %u",
		       i, (unsigned long long)r->range.first, (unsigned long long)r->range.last,
		       r->calls, r->expected_calls);
	}
	/* of one region those that came first are called first */
	for (i = 0; i < MODEL_RANGES; i++)
		for (j = 0; j < MODEL_RANGES; j++)
			EXPECT(!ranges[i].late || !ranges[j].late ||
			       ranges[i].range.first >> rl.shift !=
			       ranges[j].range.first >> rl.shift ||
			       ranges[i].arrival <= ranges[j].arrival ||
			       ranges[i].called_as > ranges[j].called_as,
			       "called in another order than they came: %lu as %lu, %lu as %lu",
			       ranges[i].arrival, ranges[i].called_as, ranges[j].arrival,
			       ranges[j].called_as);
	for (i = 0; i < MODEL_RANGES; i++) {
		if (ranges[i].late)
			ranges[i].state = HELD;
		ranges[i].late = false;
	}
}

static void model_acquire(struct model_range *r, u64 base)
{
	bool nowait = unit_chance(30), got, expected;
	u64 region = base + (unit_random(3) << rl.shift);
	unsigned int size = 1U << rl.shift;

	*r = (struct model_range) { .range.granted = model_granted, .arrival = ++arrivals };
	r->range.first = region + unit_random(size);
	r->range.last = r->range.first + unit_random_size(region + size - r->range.first);
	expected = model_is_free(r);
	got = range_acquire(&rl, &r->range, nowait);
	EXPECT(got == expected, "%llu to %llu: got %d", (unsigned long long)r->range.first,
	       (unsigned long long)r->range.last, got);
	EXPECT(r->range.cut == cut_now(), "of another time");
	if (got)
		r->state = HELD;
	else if (!nowait)
		r->state = WAITING;
}

static void release_held(unsigned int i)
{
	if (ranges[i].state != HELD)
		return;
	range_release(&rl, &ranges[i].range);
	ranges[i].state = FREE;
}

static void step(u64 base)
{
	struct model_range *r = &ranges[unit_random(MODEL_RANGES)];

	switch (unit_random(20)) {
	case 0:
		if (on_hold)
			range_unhold(&rl);
		else
			range_pause(&rl);
		on_hold = !on_hold;
		break;
	case 1:
		cut_begin();
		cut_take();
		break;
	default:
		if (r->state == FREE)
			model_acquire(r, base);
		else
			release_held(r - ranges);
	}
	check_grants();
}

static void model(void)
{
	unsigned int round, i, left, steps = unit_rounds(400);

	for (round = 0; round < 12; round++) {
		unsigned int shift = unit_random(12);
		u64 base = unit_random_size((1ULL << 62) >> shift) << shift;

		set_up(shift, 1);
		for (i = 0; i < steps; i++)
			step(base);
		if (on_hold)
			range_unhold(&rl);
		on_hold = false;
		check_grants();
		do {
			for (left = 0, i = 0; i < MODEL_RANGES; i++) {
				release_held(i);
				check_grants();
				left += ranges[i].state != FREE;
			}
		} while (left);
		tear_down();
	}
}

/*
 * ---- Threads ----
 *
 * @owner has the thread that holds each sector, @value a counter of it that is
 * written without any other lock, for the thread sanitizer to see.
 */

#define REGIONS		3
#define SHIFT		6
#define SECTORS		(REGIONS << SHIFT)
#define WRITERS		5
#define CONTROL		WRITERS		/* the thread that cuts and holds */

static unsigned int owner[SECTORS];
static unsigned long value[SECTORS];
static unsigned long writes[WRITERS][SECTORS];
static int held;
static bool holding;
static u64 drained;
static int writers_left = WRITERS;

static void enter(const struct io_range *range, unsigned int nr)
{
	unsigned int before;
	sector_t s;

	EXPECT(!READ_ONCE(holding), "granted while the lock is held back");
	__atomic_fetch_add(&held, 1, __ATOMIC_RELAXED);
	for (s = range->first; s <= range->last; s++) {
		before = __atomic_exchange_n(&owner[s], nr + 1, __ATOMIC_RELAXED);
		EXPECT(!before, "sector %llu belongs to %u and %u", (unsigned long long)s,
		       before - 1, nr);
		value[s]++;
		__atomic_fetch_add(&writes[nr][s], 1, __ATOMIC_RELAXED);
	}
}

static void leave(const struct io_range *range)
{
	sector_t s;

	EXPECT(range->cut >= READ_ONCE(drained),
	       "held, of time %llu, though all before %llu is drained",
	       (unsigned long long)range->cut, (unsigned long long)READ_ONCE(drained));
	for (s = range->first; s <= range->last; s++)
		WRITE_ONCE(owner[s], 0);
	__atomic_fetch_sub(&held, 1, __ATOMIC_RELAXED);
}

static void some_range(struct io_range *range)
{
	u64 region = unit_random(REGIONS) << SHIFT;

	range->first = region + unit_random(1 << SHIFT);
	range->last = range->first + unit_random(region + (1 << SHIFT) - range->first);
}

/* A range that costs its owner no thread, and that is freed in granted(). */
struct late {
	struct io_range range;
	unsigned int nr;
};

static atomic_t late_left;

static void end_late(struct io_range *range)
{
	struct late *late = container_of(range, struct late, range);

	enter(range, late->nr);
	leave(range);
	range_release(&rl, range);
	kfree(late);
	atomic_dec(&late_left);
}

static bool stays_useful(void *data)
{
	unsigned int *asked = data;

	return (*asked)++ < 1;
}

static void write_one(unsigned int nr)
{
	struct range_sleeper s;
	unsigned int asked = 0;
	struct late *late;

	switch (unit_random(4)) {
	case 0:
		late = kmalloc(sizeof(*late), GFP_NOIO);
		some_range(&late->range);
		late->range.granted = end_late;
		late->nr = nr;
		atomic_inc(&late_left);
		if (range_acquire(&rl, &late->range, false))
			end_late(&late->range);
		return;
	case 1:
		some_range(&s.range);
		if (!range_acquire(&rl, &s.range, true))
			return;
		break;
	case 2:
		some_range(&s.range);
		if (!range_acquire_while(&rl, &s, stays_useful, &asked)) {
			EXPECT(asked > 1, "given up though of use");
			return;
		}
		break;
	default:
		some_range(&s.range);
		range_acquire_sync(&rl, &s);
	}
	enter(&s.range, nr);
	if (unit_chance(10))
		unit_sleep_us(50);
	leave(&s.range);
	range_release(&rl, &s.range);
}

static void hold_all(void)
{
	unsigned int i, s;

	range_hold(&rl);
	WRITE_ONCE(holding, true);
	for (i = 0; i < 20; i++) {
		EXPECT(!__atomic_load_n(&held, __ATOMIC_RELAXED), "held though on hold");
		for (s = 0; s < SECTORS; s++)
			value[s] += 0;
		cond_resched();
	}
	WRITE_ONCE(holding, false);
	range_unhold(&rl);
}

static void take_cut(void)
{
	u64 cut;

	cut_begin();
	cut = cut_next();
	cut_take();
	range_drain(&rl, cut, NULL);
	WRITE_ONCE(drained, cut);
}

static void thread(unsigned int nr)
{
	unsigned int i, rounds = unit_rounds(4000);

	if (nr == CONTROL) {
		while (__atomic_load_n(&writers_left, __ATOMIC_RELAXED)) {
			if (unit_chance(50))
				take_cut();
			else
				hold_all();
			unit_sleep_us(unit_random(300));
		}
		return;
	}
	for (i = 0; i < rounds; i++)
		write_one(nr);
	__atomic_fetch_sub(&writers_left, 1, __ATOMIC_RELAXED);
}

static void threads(void)
{
	unsigned long sum;
	unsigned int s, i;

	set_up(SHIFT, 2);
	unit_threads(WRITERS + 1, thread);
	flush_workqueue(wq);
	EXPECT(!atomic_read(&late_left), "%d ranges were never granted", atomic_read(&late_left));
	tear_down();
	for (s = 0; s < SECTORS; s++) {
		for (sum = 0, i = 0; i < WRITERS; i++)
			sum += writes[i][s];
		EXPECT(value[s] == sum, "sector %u was written %lu times, not %lu", s, value[s],
		       sum);
	}
}

/*
 * ---- One thing at a time ----
 */

static void never(struct io_range *range)
{
	FAIL("granted: %llu to %llu", (unsigned long long)range->first,
	     (unsigned long long)range->last);
}

static void neighbours(void)
{
	struct io_range a = { .first = 10, .last = 19, .granted = never };
	struct io_range b = { .first = 20, .last = 20, .granted = never };
	struct io_range c = { .first = 9, .last = 9, .granted = never };
	struct io_range d = { .first = 19, .last = 19, .granted = never };
	struct io_range e = { .first = 0, .last = 10, .granted = never };

	set_up(11, 1);
	EXPECT(range_acquire(&rl, &a, true), "not free");
	EXPECT(range_acquire(&rl, &b, true), "the one behind is not free");
	EXPECT(range_acquire(&rl, &c, true), "the one before is not free");
	EXPECT(!range_acquire(&rl, &d, true), "its last sector is free");
	EXPECT(!range_acquire(&rl, &e, true), "its first sector is free");
	range_release(&rl, &a);
	range_release(&rl, &b);
	range_release(&rl, &c);
	tear_down();
}

/* A range that waits is given up: what waits for nothing but that goes on. */
static struct range_sleeper gives_up = { .range = { .first = 5, .last = 14 } };
static bool first_is_held;

static bool is_waiting(void)
{
	bool waits = false;
	unsigned int i;

	for (i = 0; i < RANGE_BUCKETS; i++) {
		spin_lock_irq(&rl.bucket[i].lock);
		waits |= !list_empty(&rl.bucket[i].waiting);
		spin_unlock_irq(&rl.bucket[i].lock);
	}
	return waits;
}

static bool not_useful(void *data)
{
	return false;
}

static void give_up_thread(unsigned int nr)
{
	struct io_range first = { .first = 0, .last = 9, .granted = never };
	struct range_sleeper behind = { .range = { .first = 10, .last = 19 } };

	if (nr) {
		while (!__atomic_load_n(&first_is_held, __ATOMIC_ACQUIRE))
			unit_sleep_us(10);
		EXPECT(!range_acquire_while(&rl, &gives_up, not_useful, NULL),
		       "taken though it is not free");
		return;
	}
	EXPECT(range_acquire(&rl, &first, true), "not free");
	__atomic_store_n(&first_is_held, true, __ATOMIC_RELEASE);
	while (!is_waiting())
		unit_sleep_us(10);
	range_acquire_sync(&rl, &behind);
	range_release(&rl, &behind.range);
	range_release(&rl, &first);
}

static void given_up(void)
{
	set_up(11, 1);
	unit_threads(2, give_up_thread);
	tear_down();
}

static unsigned long abandoned;
static bool draining;

static void abandon_thread(unsigned int nr)
{
	struct io_range range = { .first = 1, .last = 2, .granted = never };
	u64 cut;

	if (nr) {
		while (!__atomic_load_n(&draining, __ATOMIC_ACQUIRE))
			unit_sleep_us(10);
		unit_sleep_us(2000);
		WRITE_ONCE(abandoned, 4);
		range_interrupt(&rl);
		return;
	}
	EXPECT(range_acquire(&rl, &range, true), "not free");
	cut_begin();
	cut = cut_next();
	cut_take();
	__atomic_store_n(&draining, true, __ATOMIC_RELEASE);
	range_drain(&rl, cut, &abandoned);
	EXPECT(READ_ONCE(abandoned), "drained with a range held");
	range_release(&rl, &range);
	range_drain(&rl, cut, NULL);
}

static void drain_is_abandoned(void)
{
	set_up(11, 1);
	unit_threads(2, abandon_thread);
	tear_down();
}

/* Nothing is held, and what waits is from before the cut. */
static bool let_go, given;

static void give_back(struct io_range *range)
{
	WRITE_ONCE(given, true);
	range_release(&rl, range);
}

static void pause_thread(unsigned int nr)
{
	static struct io_range range = { .first = 1, .last = 2, .granted = give_back };
	u64 cut;

	if (nr) {
		while (!__atomic_load_n(&let_go, __ATOMIC_ACQUIRE))
			unit_sleep_us(10);
		unit_sleep_us(2000);
		range_unhold(&rl);
		return;
	}
	range_pause(&rl);
	EXPECT(!range_acquire(&rl, &range, false), "granted though paused");
	cut_begin();
	cut = cut_next();
	cut_take();
	__atomic_store_n(&let_go, true, __ATOMIC_RELEASE);
	range_drain(&rl, cut, NULL);
	EXPECT(READ_ONCE(given), "drained with a range waiting");
}

static void drain_waits_for_waiting(void)
{
	set_up(11, 1);
	unit_threads(2, pause_thread);
	tear_down();
}

const char *unit_part = "range";

const struct unit_test unit_tests[] = {
	{ "ranges are granted as in a model", model },
	{ "no two threads have a sector; cuts drain, a hold holds", threads },
	{ "neighbours do not overlap", neighbours },
	{ "a range that is given up lets go on what is behind it", given_up },
	{ "a drain can be abandoned", drain_is_abandoned },
	{ "a drain waits for what waits, too", drain_waits_for_waiting },
	{ }
};
