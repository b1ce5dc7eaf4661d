// SPDX-License-Identifier: GPL-2.0-only
/* The clock of cuts, and gates. */
#include <linux/atomic.h>
#include <linux/kernel.h>

#include "cut.h"
#include "unit.h"

/*
 * ---- One thread ----
 */

struct waiter {
	struct cut_wait wait;
	unsigned int nr;
	unsigned int passed;
};

static unsigned int next_pass;

static void pass_in_order(struct cut_wait *wait)
{
	struct waiter *w = container_of(wait, struct waiter, wait);

	EXPECT(w->nr == next_pass, "%u passes, it is %u's turn", w->nr, next_pass);
	next_pass++;
	w->passed++;
}

static u64 take_cut(struct cut_gate *gate)
{
	u64 cut;

	cut_begin();
	if (gate)
		cut_gate_close(gate);
	cut = cut_next();
	cut_take();
	return cut;
}

static void clock_goes_on(void)
{
	u64 before = cut_now(), cut;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		cut = take_cut(NULL);
		EXPECT(before < cut && cut_now() >= cut, "the cut parts nothing");
		EXPECT(cut_now() == before + 1, "it shows %llu after %llu",
		       (unsigned long long)cut_now(), (unsigned long long)before);
		before = cut_now();
	}
}

static void gate_parts(void)
{
	struct waiter w[20];
	struct cut_gate gate;
	unsigned int i, held;
	u64 cut;

	cut_gate_init(&gate);
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		w[i] = (struct waiter) { .wait.pass = pass_in_order };
		EXPECT(!cut_gate_holds(&gate, &w[i].wait, cut_now()), "an open gate holds");
		EXPECT(!cut_gate_holds(&gate, &w[i].wait, CUT_NEVER - 1), "an open gate holds");
	}
	cut = take_cut(&gate);
	for (held = 0, i = 0; i < ARRAY_SIZE(w); i++) {
		/* just before it, just behind it, and later */
		u64 shows = cut - 1 + i % 3;

		w[i].nr = held;
		EXPECT(cut_gate_holds(&gate, &w[i].wait, shows) == (shows >= cut),
		       "wrong for %llu, the cut is %llu", (unsigned long long)shows,
		       (unsigned long long)cut);
		held += shows >= cut;
	}
	EXPECT(!next_pass, "passed a closed gate");
	cut_gate_open(&gate);
	EXPECT(next_pass == held, "%u of %u have passed", next_pass, held);
	cut_gate_open(&gate);
	EXPECT(next_pass == held, "some have passed twice");
	for (i = 0; i < ARRAY_SIZE(w); i++)
		EXPECT(w[i].passed == (i % 3 > 0), "%u passed %u times", i, w[i].passed);
	EXPECT(!cut_gate_holds(&gate, &w[0].wait, cut_now()), "holds though it was opened");
}

/*
 * ---- Threads ----
 *
 * Writers write to one of two devices, then to the other, and leave a note for
 * the writer after them. The thread that cuts says what the gate holds now.
 */

#define WRITERS	4

static struct cut_gate gates[2];
static u64 sealed[2];
static u64 note;
static int writers_left = WRITERS;
static atomic_t waiting, passed;

struct write {
	struct cut_wait wait;
	unsigned int device;
	u64 cut;
};

static void submit(unsigned int device, u64 cut)
{
	u64 holds = __atomic_load_n(&sealed[device], __ATOMIC_SEQ_CST);

	EXPECT(!holds || cut < holds, "of time %llu, sent before the checkpoint at %llu is taken",
	       (unsigned long long)cut, (unsigned long long)holds);
}

static void pass(struct cut_wait *wait)
{
	struct write *write = container_of(wait, struct write, wait);

	submit(write->device, write->cut);
	atomic_inc(&passed);
	free(write);
}

static void write_to(unsigned int device)
{
	struct write *write = unit_zeroes(1, sizeof(*write));
	u64 cut = cut_now();

	*write = (struct write) { .wait.pass = pass, .device = device, .cut = cut };
	atomic_inc(&waiting);
	if (cut_gate_holds(&gates[device], &write->wait, cut))
		return;
	atomic_dec(&waiting);
	submit(device, cut);
	free(write);
}

static void write_both(void)
{
	unsigned int first = unit_random(2);
	/* written because of what another writer wrote */
	u64 because_of = __atomic_load_n(&note, __ATOMIC_ACQUIRE), before = cut_now();

	EXPECT(before >= because_of, "shows %llu, because of a write that shows %llu",
	       (unsigned long long)before, (unsigned long long)because_of);
	write_to(first);
	write_to(!first);
	__atomic_store_n(&note, before, __ATOMIC_RELEASE);
}

static void cut_both(void)
{
	unsigned int i;
	u64 cut;

	cut_begin();
	for (i = 0; i < 2; i++)
		cut_gate_close(&gates[i]);
	cut = cut_next();
	cut_take();
	for (i = 0; i < 2; i++)
		__atomic_store_n(&sealed[i], cut, __ATOMIC_SEQ_CST);
	unit_sleep_us(unit_random(200));
	for (i = 0; i < 2; i++) {
		__atomic_store_n(&sealed[i], 0, __ATOMIC_SEQ_CST);
		cut_gate_open(&gates[i]);
	}
}

static void thread(unsigned int nr)
{
	unsigned int i, rounds = unit_rounds(20000);

	if (nr == WRITERS) {
		while (__atomic_load_n(&writers_left, __ATOMIC_RELAXED))
			cut_both();
		return;
	}
	for (i = 0; i < rounds || atomic_read(&passed) < 10; i++)
		write_both();
	__atomic_fetch_sub(&writers_left, 1, __ATOMIC_RELAXED);
}

static void threads(void)
{
	cut_gate_init(&gates[0]);
	cut_gate_init(&gates[1]);
	unit_threads(WRITERS + 1, thread);
	EXPECT(atomic_read(&waiting) == atomic_read(&passed), "%d were held, %d have passed",
	       atomic_read(&waiting), atomic_read(&passed));
}

/* Cuts of several threads: one after the other, each an instant of its own. */
static u64 cuts[WRITERS];

static void cutter(unsigned int nr)
{
	u64 before, cut;
	unsigned int i;

	for (i = 0; i < 500; i++) {
		before = cut_now();
		cut = take_cut(NULL);
		EXPECT(cut > before && cut_now() >= cut, "the clock did not go on");
		cuts[nr]++;
	}
}

static void cuts_are_serial(void)
{
	u64 before = cut_now(), sum = 0;
	unsigned int i;

	unit_threads(WRITERS, cutter);
	for (i = 0; i < WRITERS; i++)
		sum += cuts[i];
	EXPECT(cut_now() == before + sum, "%llu cuts, the clock went on by %llu",
	       (unsigned long long)sum, (unsigned long long)(cut_now() - before));
}

const char *unit_part = "cut";

const struct unit_test unit_tests[] = {
	{ "a cut parts what is before it from what is behind it", clock_goes_on },
	{ "a gate holds what is behind its cut, in order", gate_parts },
	{ "nothing behind a cut is sent before its checkpoint", threads },
	{ "cuts are taken one after the other", cuts_are_serial },
	{ }
};
