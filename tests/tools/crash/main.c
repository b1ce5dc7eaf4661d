// SPDX-License-Identifier: GPL-2.0
/*
 * crash - power is lost at any moment, and the secondary or primary comes back
 *
 *	crash [options] every|subsets|torn|again|failover
 *	crash [options] primary-every|primary-subsets|primary-torn|primary-again
 *
 * A workload runs on a secondary while all that its disk and buffer are asked
 * for is recorded. Then, again and again: what a loss of power at some moment
 * may leave of both is made, the module recovers it, and what it shows is held
 * against what it may be. The first difference ends the program.
 *
 *	every		each event is the last one: with all lost that can be,
 *			with all kept, and with all lost that was in flight
 *	subsets		before each flush or FUA write takes effect: any of the
 *			writes that can be lost are; all combinations of up to
 *			5 writes, else some; some of them torn
 *	torn		each superblock and summary is cut at every 512 bytes
 *	again		power is lost during a recovery and the merge that
 *			follows it, ten times in a row
 *	failover	like subsets and every, from a failover on
 *
 * The tests of a primary are the same; see primary.c.
 *
 *	-s SEED		the operations and the samples are made from it
 *	-b SECTORS	of the buffer
 *	-e N		epochs
 *	-f		some epochs go on until the buffer is full
 *	-o N		batches of operations in each, at most
 *	-p N		batches of operations after a failover or stop
 *	-n N		recoveries at most (in a round); a sample is taken of more
 *	-r N		rounds of "again" and "failover"
 *	-w		record with dm-log-writes, on /dev/ram0 and /dev/ram1
 *	-l SECTORS	of disk or legs
 *	-v		say what is done
 *
 * Of primaries only:
 *
 *	-g SECTORS	of a region
 *	-a		asynchronous
 *	-m SECTORS	that the remote leg may be behind
 *	-y		nosync
 *
 * With SAMPLE=N in the environment one recovery is tried where N are without it, and
 * not all has to be met that is there to meet.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"
#include "tests/tools/sample.h"

#define DEPTH		10
#define BEFORE		20	/* events before a failover */
#define AFTER		20	/* events after its merge */

struct options opt = {
	.seed = 1,
	.sectors = { 4096, 64 + 16 * 128 },
	.epochs = 8,
	.batches = 4,
	.plain = 12,
	.rounds = 4,
	.limit = UINT32_MAX,
	.region = 32,
	.sample = 1,
};

/**
 * tally - what was tried
 * @events: in all logs
 * @tried: recoveries
 * @same: cuts that leave the same as another one
 * @left_out: of the sample
 * @stage: found none, running, failover, done
 * @old: during a transition, and the state before it was found
 * @new: and the state that it led to was found
 * @merging: writes to the disk by the merge of a running secondary could be lost
 * @flushed: a failover was being merged, and there were flushed writes since
 * @subsets: cuts with a part of what could be lost
 * @torn: writes that were kept in part
 * @supers: superblocks that were
 * @summaries: summaries that were
 * @again: recoveries of what a recovery has left
 */
static struct {
	size_t events;
	unsigned int tried, same, left_out, stage[4], old, new, merging, flushed;
	unsigned int subsets, torn, supers, summaries, again;
} tally;

static uint64_t random_state;
static const char *now = "";		/* what is being done, for messages */

void now_is(const char *text)
{
	now = text;
}

void die(const char *fmt, ...)
{
	va_list args;

	printf("crash: seed %" PRIu64 "%s: ", opt.seed, now);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

void *allocate(size_t size)
{
	void *p = aligned_alloc(4096, (size + 4095) & ~(size_t)4095);

	if (!p)
		die("out of memory");
	return p;
}

void random_seed(uint64_t seed)
{
	random_state = seed | 1;
}

uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % n;
}

/*
 * ---- Recoveries ----
 */

/* Was something flushed since the failover, and the merge is not at its end? */
static bool has_flushed(const struct found *found, const struct state *s, size_t time)
{
	writer_t op;

	for (op = s->op + 1; op <= nr_ops; op++)
		if ((ops[op].kind == OP_FLUSH || ops[op].fua) && ops[op].end < time)
			return !strcmp(found->stage, "failover");
	return false;
}

static void count(const struct cut *cut, const struct found *found, enum verdict verdict)
{
	const struct state *next, *last = oracle_at(cut->time, &next);
	unsigned int i;
	bool merging = false;

	tally.tried++;
	tally.stage[found->state == STAGE_PLAIN ? 2 + !strcmp(found->stage, "done") :
		    found->state]++;
	tally.old += next && verdict == LAST;
	tally.new += verdict == NEXT;
	for (i = 0; i < nr_ios; i++) {
		if (!io_lost(&ios[i], cut->time))
			continue;
		merging |= last->stage == STAGE_RUNNING && ios[i].device == DISK;
		tally.torn += choices[i].part == PART_ANY;
	}
	tally.merging += merging;
	tally.flushed += has_flushed(found, last, cut->time);
	tally.subsets += cut->how == CUT_SUBSET || cut->how == CUT_ANY;
	if (cut->how >= CUT_TORN) {
		tally.supers += is_super(&ios[cut->io]);
		tally.summaries += is_summary(&ios[cut->io]);
	}
}

/* Recovers what is on the devices; that goes into a new log. */
static void try_image(const struct cut *cut, struct found *found, bool both)
{
	enum verdict verdict;
	char why[512];
	int error;

	if (opt.verbose)
		printf("%s\n", now);
	error = recover(found, both);
	if (error) {
		cut_show(cut);
		die("the secondary cannot be created: %s", strerror(error));
	}
	verdict = oracle_judge(found, cut->time, why, sizeof(why));
	if (verdict == WRONG) {
		cut_show(cut);
		die("%s", why);
	}
	count(cut, found, verdict);
}

static void try_cut(const struct cut *cut, struct found *found)
{
	char text[256];

	cut_choose(cut);
	image_build(cut->time);
	cut_describe(text, sizeof(text), cut);
	now = text;
	image_load();
	try_image(cut, found, !random_below(4));
	recover_remove(found);
	now = "";
}

static void try_cuts(struct found *found)
{
	unsigned int i;

	choices_reset();
	tally.same += cuts_unique();
	random_seed(opt.seed * 3);
	tally.left_out += cuts_sample();
	for (i = 0; i < nr_cuts; i++)
		try_cut(&cuts[i], found);
	nr_cuts = 0;
}

/*
 * ---- Kinds of test ----
 */

static void begin(struct found *found)
{
	devices_create();
	image_remember();
	events_begin();
	if (recover(found, true))
		die("the secondary cannot be created");
	if (found->state != STAGE_NONE)
		die("a new secondary is in stage %s", found->stage);
	memset(found->content, 0, opt.sectors[DISK] * sizeof(*found->content));
	workload_begin(found);
	workload_fill();
}

static void end(const struct found *found)
{
	recover_remove(found);
	events_end();
	tally.events += nr_events;
}

/* All that there is. */
static void whole_workload(void)
{
	workload_start();
	workload_epochs(opt.epochs);
	workload_stop(true);
	workload_plain(opt.plain);
	workload_start();
	workload_epochs(2);
	workload_stop(false);
	workload_plain(2);
}

static void test_every(struct found *found)
{
	begin(found);
	whole_workload();
	end(found);
	cut_every(0, NEVER);
	try_cuts(found);
	devices_remove();
}

static void test_subsets(struct found *found)
{
	begin(found);
	whole_workload();
	end(found);
	cut_subsets(0, NEVER);
	try_cuts(found);
	devices_remove();
}

static void test_torn(struct found *found)
{
	begin(found);
	whole_workload();
	end(found);
	cut_torn();
	try_cuts(found);
	devices_remove();
}

static void test_failover(struct found *found)
{
	unsigned int n = opt.rounds;
	writer_t op;

	while (n--) {
		begin(found);
		workload_start();
		workload_epochs(opt.epochs);
		workload_stop(true);
		for (op = nr_ops; ops[op].kind != OP_FAILOVER; op--)
			;
		workload_plain(opt.plain);
		end(found);
		/* from the last writes before the failover to the first after the merge */
		cut_every(ops[op].begin - BEFORE, merged_at() + AFTER);
		cut_subsets(ops[op].begin - BEFORE, merged_at() + AFTER);
		try_cuts(found);
		devices_remove();
	}
}

/* What a secondary does before its power is lost again, if anything. */
static void some_life(const struct found *found)
{
	workload_begin(found);
	switch (random_below(4)) {
	case 0:
		return;
	case 1:
		workload_merge();
		return;
	}
	switch (found->state) {
	case STAGE_NONE:
		workload_start();
		workload_epochs(1);
		break;
	case STAGE_RUNNING:
		if (random_below(4))
			workload_epochs(1 + random_below(2));
		else
			workload_stop(random_below(2));
		break;
	case STAGE_PLAIN:
		if (!found->closed && !random_below(2)) {
			workload_plain(1);
			workload_start();
			workload_epochs(1);
		} else {
			workload_plain(2);
		}
	}
}

/* As a sample of all that can be. */
static struct cut some_cut(void)
{
	return (struct cut) {
		.time = random_below(nr_events + 1),
		.how = random_below(3) ? CUT_ANY : random_below(2) ? CUT_NONE : CUT_ALL,
		.bits = random_below(1 << 20),
	};
}

/*
 * Power is lost at any moment of the workload, then of the recovery and the
 * merge that follows, or of what goes on then, and so on. What the last one
 * left is where the next one begins.
 */
static void test_again(struct found *found)
{
	unsigned int depth, n = 0;
	struct cut cut;
	char text[256];

	while (n++ * opt.sample < opt.rounds) {
		begin(found);
		workload_start();
		workload_epochs(opt.epochs);
		if (random_below(2)) {
			workload_stop(random_below(2));
			workload_plain(2);
		}
		for (depth = 1; depth <= DEPTH; depth++) {
			uint64_t random = random_state;

			end(found);
			choices_reset();
			cut = some_cut();
			cut_choose(&cut);
			image_build(cut.time);
			random_seed(random * 3);
			image_load();
			image_remember();
			cut_describe(text, sizeof(text), &cut);
			now = text;
			events_begin();
			try_image(&cut, found, true);
			some_life(found);
			now = "";
			tally.again += depth > 1;
		}
		recover_remove(found);
		devices_remove();
	}
}

void need(const char *what, unsigned int n)
{
	if (!n && opt.sample == 1)
		die("never hit: %s", what);
}

static void report(const char *test, bool logged)
{
	printf("seed %" PRIu64 ": %zu events, %u operations (%u did not fit)\n", opt.seed, tally.events,
	       nr_ops, nr_full);
	printf("cuts: %u, %u left out, %u others are the same; found none: %u, running: %u, failover: %u, done: %u\n",
	       tally.tried, tally.left_out, tally.same, tally.stage[0], tally.stage[1], tally.stage[2],
	       tally.stage[3]);
	printf("during a transition: %u found the one before, %u the one being made; during a merge: %u, of a failover with flushed writes: %u\n",
	       tally.old, tally.new, tally.merging, tally.flushed);
	printf("subsets: %u; torn superblocks: %u, summaries: %u, other writes: %u; after a recovery: %u\n",
	       tally.subsets, tally.supers, tally.summaries, tally.torn, tally.again);
	if (!tally.tried)
		die("no loss of power was tried");
	if (!strcmp(test, "again")) {
		need("a loss of power after a recovery", tally.again);
		need("stage running", tally.stage[1]);
		return;
	}
	if (strcmp(test, "failover"))
		need("stage running", tally.stage[1]);
	if (strcmp(test, "torn") && strcmp(test, "failover") && !logged)
		need("a merge", tally.merging);
	need("stage failover", tally.stage[2]);
	need("stage done", tally.stage[3]);
	need("the state before a transition", tally.old);
	need("the state being made", tally.new);
	if (opt.fill)
		need("a write that does not fit", nr_full);
	if (!strcmp(test, "subsets")) {
		need("subsets", tally.subsets);
		need("torn data", tally.torn);
	}
	if (!strcmp(test, "failover"))
		need("flushed writes while a failover is merged", tally.flushed);
	if (!strcmp(test, "torn")) {
		need("torn superblocks", tally.supers);
		need("torn summaries", tally.summaries);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct found *found);
	} tests[] = {
		{ "every", test_every }, { "subsets", test_subsets }, { "torn", test_torn },
		{ "again", test_again }, { "failover", test_failover },
	};
	static const struct {
		char option;
		unsigned int *value;
	} numbers[] = {
		{ 'b', &opt.sectors[BUFFER] }, { 'e', &opt.epochs }, { 'n', &opt.limit },
		{ 'o', &opt.batches }, { 'p', &opt.plain }, { 'r', &opt.rounds },
		{ 'l', &opt.sectors[DISK] }, { 'g', &opt.region }, { 'm', &opt.behind },
	};
	struct found found;
	unsigned int i;
	bool logged;
	int c;

	while ((c = getopt(argc, argv, "s:b:e:fo:p:n:r:wvl:g:am:y")) != -1) {
		for (i = 0; i < ARRAY_SIZE(numbers) && numbers[i].option != c; i++)
			;
		if (i < ARRAY_SIZE(numbers))
			*numbers[i].value = atoi(optarg);
		else if (c == 's')
			opt.seed = strtoull(optarg, NULL, 0);
		else if (c == 'f')
			opt.fill = true;
		else if (c == 'a')
			opt.async = true;
		else if (c == 'y')
			opt.nosync = true;
		else if (c == 'w')
			opt.log_writes = true;
		else if (c == 'v')
			opt.verbose = true;
		else
			return 2;
	}
	opt.sample = sample_of();
	random_seed(opt.seed * 2);
	logged = opt.log_writes;
	if (optind < argc && !strncmp(argv[optind], "primary-", 8))
		return primary_test(argv[optind] + 8);
	recover_init();
	found_init(&found);
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (optind >= argc || strcmp(argv[optind], tests[i].name))
			continue;
		tests[i].run(&found);
		recover_exit();
		report(tests[i].name, logged);
		return 0;
	}
	fprintf(stderr, "crash: which test?\n");
	return 2;
}
