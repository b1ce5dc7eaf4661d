// SPDX-License-Identifier: GPL-2.0
/*
 * crash - power is lost at any moment, and the secondary comes back
 *
 *	crash [options] every|subsets|torn|again|failover
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
 *	-s SEED		the operations and the samples are made from it
 *	-b SECTORS	of the buffer
 *	-e N		epochs
 *	-f		some epochs go on until the buffer is full
 *	-o N		batches of operations in each, at most
 *	-p N		batches of operations after a failover or stop
 *	-n N		recoveries at most (in a round); a sample is taken of more
 *	-r N		rounds of "again" and "failover"
 *	-w		record with dm-log-writes, on /dev/ram0 and /dev/ram1
 *	-v		say what is done
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

#define FEW		5	/* writes of which all subsets are tried */
#define SAMPLES		8	/* of more */
#define DEPTH		10

struct options opt = {
	.seed = 1,
	.sectors = { 4096, 64 + 16 * 128 },
	.epochs = 8,
	.batches = 4,
	.plain = 12,
	.rounds = 4,
	.limit = UINT32_MAX,
};

/**
 * struct cut - a loss of power
 * @time: events that had happened
 * @how: what is lost of what can be
 * @io: of CUT_TORN and CUT_BYTES
 * @bits: of CUT_SUBSET those that are kept; of CUT_ANY the seed; of CUT_TORN
 *	how many sectors of @io are kept, negative: at its end; of CUT_BYTES
 *	how many bytes
 */
struct cut {
	size_t time;
	enum how { CUT_NONE, CUT_ALL, CUT_DONE, CUT_SUBSET, CUT_ANY, CUT_TORN,
		CUT_BYTES } how;
	unsigned int io;
	int64_t bits;
};

static struct cut *cuts;
static unsigned int nr_cuts, cuts_room;

static struct {
	unsigned int tried, same, left_out, stage[4], old, new, merging, flushed, subsets, torn, supers, summaries,
		again;
} tally;

static uint64_t random_state;
static const char *now = "";		/* what is being done, for messages */

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

uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % n;
}

/*
 * ---- Cuts ----
 */

static void add_cut(struct cut cut)
{
	if (nr_cuts == cuts_room) {
		cuts_room = cuts_room ? cuts_room * 2 : 4096;
		cuts = realloc(cuts, cuts_room * sizeof(*cuts));
		if (!cuts)
			die("out of memory");
	}
	cuts[nr_cuts++] = cut;
}

/* Each event from @first on is the last one. */
static void cut_every(size_t first)
{
	size_t t;

	for (t = first; t <= nr_events; t++) {
		add_cut((struct cut) { .time = t, .how = CUT_NONE });
		add_cut((struct cut) { .time = t, .how = CUT_ALL });
		add_cut((struct cut) { .time = t, .how = CUT_DONE });
	}
}

static unsigned int count_lost(size_t time)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr_ios; i++)
		n += io_lost(&ios[i], time);
	return n;
}

/* What can be lost is most just before something takes effect. */
static void cut_subsets(size_t first)
{
	unsigned int i, lost;
	int64_t bits;

	for (i = 0; i < nr_ios; i++) {
		const struct io *io = &ios[i];
		struct cut cut = { .time = io->complete };

		if ((io->op != IO_FLUSH && !io->fua) || io->complete == NEVER ||
		    io->complete < first)
			continue;
		lost = count_lost(cut.time);
		cut.how = lost <= FEW ? CUT_SUBSET : CUT_ANY;
		for (bits = lost <= FEW ? 1 << lost : SAMPLES; bits--; add_cut(cut))
			cut.bits = bits;
		cut.how = CUT_ANY;
		cut.bits = SAMPLES;
		add_cut(cut);
	}
}

static bool is_super(const struct io *io)
{
	return io->device == BUFFER && io->op == IO_WRITE && !memcmp(io->data, "REPLBUT1", 8);
}

static bool is_summary(const struct io *io)
{
	return io->device == BUFFER && io->op == IO_WRITE && !memcmp(io->data, "REPLSUM1", 8);
}

/*
 * Cut at every sector, with those before it or those from it on. All of a
 * superblock that is not zero lies in its first sector: that one is cut as
 * well, should the disk not write a sector as a whole.
 */
static void cut_torn(void)
{
	struct cut cut = { .how = CUT_TORN };

	for (cut.io = 0; cut.io < nr_ios; cut.io++) {
		const struct io *io = &ios[cut.io];
		int64_t kept;

		if (!is_super(io) && !is_summary(io))
			continue;
		cut.time = io->durable == NEVER ? nr_events : io->durable;
		for (kept = 1; kept < io->sectors; kept++) {
			cut.bits = kept;
			add_cut(cut);
			cut.bits = -kept;
			add_cut(cut);
		}
		cut.how = CUT_BYTES;
		for (cut.bits = 16; cut.bits < SECTOR; cut.bits += 16)
			add_cut(cut);
		cut.how = CUT_TORN;
	}
}

static struct choice any_choice(void)
{
	switch (random_below(5)) {
	case 0:
	case 1:
		return (struct choice) { PART_NONE, 0 };
	case 2:
	case 3:
		return (struct choice) { PART_ALL, 0 };
	default:
		return (struct choice) { PART_ANY, random_below(UINT64_C(1) << 32) };
	}
}

static void choose(const struct cut *cut)
{
	unsigned int i, n = 0;

	random_state = (opt.seed * 0x10001 + cut->time) * UINT64_C(0x9e3779b97f4a7c15) + cut->bits;
	random_state |= 1;
	for (i = 0; i < nr_ios; i++) {
		const struct io *io = &ios[i];

		choices[i] = (struct choice) { PART_NONE, 0 };
		if (!io_lost(io, cut->time))
			continue;
		switch (cut->how) {
		case CUT_NONE:
			break;
		case CUT_DONE:
			if (io->complete >= cut->time)
				break;
			/* fallthrough */
		case CUT_ALL:
			choices[i].part = PART_ALL;
			break;
		case CUT_SUBSET:
			if (cut->bits >> n & 1)
				choices[i].part = PART_ALL;
			break;
		case CUT_ANY:
			choices[i] = any_choice();
			break;
		case CUT_TORN:
			choices[i].part = PART_ALL;
			if (i != cut->io)
				break;
			choices[i].part = cut->bits > 0 ? PART_FIRST : PART_LAST;
			choices[i].sectors = cut->bits > 0 ? cut->bits : -cut->bits;
			break;
		case CUT_BYTES:
			choices[i].part = i == cut->io ? PART_BYTES : PART_ALL;
			choices[i].sectors = cut->bits;
			break;
		}
		n++;
	}
}

/* What may be found depends on it, beside the image. */
static uint64_t promises(size_t time)
{
	const struct state *next, *last = oracle_at(time, &next);
	uint64_t n = (last - states) * 2 + !!next;
	writer_t op;

	if (last->stage == STAGE_RUNNING)
		return n;
	n <<= 32;
	for (op = last->op; op <= nr_ops; op++)
		n += ops[op].end < time && (ops[op].fua || ops[op].kind == OP_FLUSH);
	return n;
}

/* Takes out those with the same image and promises as one before. */
static void unique_cuts(void)
{
	size_t room = nr_cuts * 4 + 16, at;
	unsigned int i, kept = 0;
	uint64_t *seen, key;

	seen = calloc(room, sizeof(*seen));
	if (!seen)
		die("out of memory");
	for (i = 0; i < nr_cuts; i++) {
		choose(&cuts[i]);
		key = promises(cuts[i].time) + 1;
		key = (image_key(cuts[i].time) ^ key * UINT64_C(0xd1342543de82ef95)) | 1;
		for (at = key % room; seen[at] && seen[at] != key; at = (at + 1) % room)
			;
		if (!seen[at])
			cuts[kept++] = cuts[i];
		seen[at] = key;
	}
	free(seen);
	tally.same += nr_cuts - kept;
	nr_cuts = kept;
}

static bool in_transition(const struct cut *cut)
{
	const struct state *next;

	oracle_at(cut->time, &next);
	return next;
}

/*
 * Takes a sample when there are more than may be tried, in order of time. Those
 * during a transition are few and all taken, unless the test is about these.
 */
static void sample_cuts(void)
{
	unsigned int i, certain = 0, taken = 0, kept = 0, left, room;

	for (i = 0; i < nr_cuts; i++)
		certain += in_transition(&cuts[i]);
	if (certain > opt.limit / 2)
		certain = 0;
	left = nr_cuts - certain;
	room = opt.limit - certain;
	for (i = 0; i < nr_cuts; i++) {
		if (!certain || !in_transition(&cuts[i])) {
			if (random_below(left--) >= room - taken)
				continue;
			taken++;
		}
		cuts[kept++] = cuts[i];
	}
	tally.left_out += nr_cuts - kept;
	nr_cuts = kept;
}

/*
 * ---- Recoveries ----
 */

static void describe_cut(char *text, size_t size, const struct cut *cut)
{
	static const char * const how[] = {
		"all lost that can be", "nothing lost", "lost what was in flight",
		"a subset kept", "any parts kept", "torn", "torn within a sector",
	};
	int used;

	used = snprintf(text, size, ", cut after event %zu of %zu, %s", cut->time, nr_events,
			how[cut->how]);
	if (cut->how >= CUT_TORN)
		snprintf(text + used, size - used, " (%s at buffer sector %u, the %s %d %s kept)",
			 is_super(&ios[cut->io]) ? "superblock" : "summary", ios[cut->io].sector,
			 cut->bits > 0 ? "first" : "last", abs((int)cut->bits),
			 cut->how == CUT_TORN ? "sectors" : "bytes");
	else if (cut->how >= CUT_SUBSET)
		snprintf(text + used, size - used, " (%" PRIx64 ")", cut->bits);
}

/* The events around a cut, for who has to find out. */
static void show_events(const struct cut *cut)
{
	size_t first = cut->time > 40 ? cut->time - 40 : 0, last = cut->time + 10, t;
	unsigned int i;
	writer_t op;

	for (t = first; t < last && t < nr_events; t++) {
		if (t == cut->time)
			printf("  ---- power is lost ----\n");
		for (op = 1; op <= nr_ops; op++)
			if (ops[op].begin == t || ops[op].end == t)
				printf("  %6zu op %u kind %d %s\n", t, op, ops[op].kind,
				       ops[op].begin == t ? "begins" : "is acknowledged");
		for (i = 0; i < nr_ios; i++) {
			const struct io *io = &ios[i];
			bool submit = io->submit == t;

			if (!submit && io->complete != t)
				continue;
			printf("  %6zu %s io %u: %s %s%s %u+%u", t, submit ? "submit" : "  done", i,
			       io->device == DISK ? "disk" : "buffer",
			       io->op == IO_FLUSH ? "flush" : is_super(io) ? "superblock" :
			       is_summary(io) ? "summary" : io->op == IO_WRITE ? "write" : "zero",
			       io->fua ? " FUA" : "", io->sector, io->sectors);
			if (submit && io_lost(io, cut->time))
				printf(" (could be lost; kept: %s)",
				       choices[i].part == PART_NONE ? "nothing" :
				       choices[i].part == PART_ALL ? "all" : "a part");
			printf("\n");
		}
	}
}

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

	if (opt.verbose)
		printf("%s\n", now);
	recover(found, both);
	verdict = oracle_judge(found, cut->time, why, sizeof(why));
	if (verdict == WRONG) {
		show_events(cut);
		die("%s", why);
	}
	count(cut, found, verdict);
}

static void try_cut(const struct cut *cut, struct found *found)
{
	char text[256];

	choose(cut);
	image_build(cut->time);
	describe_cut(text, sizeof(text), cut);
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
	unique_cuts();
	random_state = opt.seed * 3 | 1;
	sample_cuts();
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
	recover(found, true);
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
	cut_every(0);
	try_cuts(found);
	devices_remove();
}

static void test_subsets(struct found *found)
{
	begin(found);
	whole_workload();
	end(found);
	cut_subsets(0);
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
	writer_t last;

	while (n--) {
		begin(found);
		workload_start();
		workload_epochs(opt.epochs);
		last = nr_ops;
		workload_stop(true);
		workload_plain(opt.plain);
		end(found);
		/* from the last writes before the failover on */
		cut_every(ops[last + 1].begin);
		cut_subsets(ops[last + 1].begin);
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

	while (n++ < opt.rounds) {
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
			choose(&cut);
			image_build(cut.time);
			random_state = random * 3 | 1;
			image_load();
			image_remember();
			describe_cut(text, sizeof(text), &cut);
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

static void need(const char *what, unsigned int n)
{
	if (!n)
		die("never hit: %s", what);
}

static void report(const char *test, bool logged)
{
	printf("seed %" PRIu64 ": %zu events, %u operations (%u did not fit)\n", opt.seed, nr_events,
	       nr_ops, nr_full);
	printf("cuts: %u, %u left out, %u others are the same; found none: %u, running: %u, failover: %u, done: %u\n",
	       tally.tried, tally.left_out, tally.same, tally.stage[0], tally.stage[1], tally.stage[2],
	       tally.stage[3]);
	printf("during a transition: %u found the one before, %u the one being made; during a merge: %u, of a failover with flushed writes: %u\n",
	       tally.old, tally.new, tally.merging, tally.flushed);
	printf("subsets: %u; torn superblocks: %u, summaries: %u, other writes: %u; after a recovery: %u\n",
	       tally.subsets, tally.supers, tally.summaries, tally.torn, tally.again);
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
	struct found found;
	unsigned int i;
	bool logged;
	int c;

	while ((c = getopt(argc, argv, "s:b:e:fo:p:n:r:wv")) != -1) {
		switch (c) {
		case 's': opt.seed = strtoull(optarg, NULL, 0); break;
		case 'b': opt.sectors[BUFFER] = atoi(optarg); break;
		case 'f': opt.fill = true; break;
		case 'o': opt.batches = atoi(optarg); break;
		case 'e': opt.epochs = atoi(optarg); break;
		case 'p': opt.plain = atoi(optarg); break;
		case 'n': opt.limit = atoi(optarg); break;
		case 'r': opt.rounds = atoi(optarg); break;
		case 'w': opt.log_writes = true; break;
		case 'v': opt.verbose = true; break;
		default: return 2;
		}
	}
	random_state = opt.seed * 2 + 1;
	logged = opt.log_writes;
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
