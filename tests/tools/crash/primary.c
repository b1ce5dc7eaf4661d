// SPDX-License-Identifier: GPL-2.0
/*
 * Crash tests of a primary with a dirty log.
 *
 * Random writes go through a primary, with checkpoints, stops and failures of
 * the remote leg, while all that legs and log are asked for is recorded. Then
 * power is lost at some moment: of local leg and log any part of what was not
 * flushed is lost. The remote leg is on another host. It has what it has
 * answered, and any part of what was on its way; or that host goes down as well
 * and is back at its own last checkpoint. From what is left
 *
 *  - the local leg must have what was flushed;
 *  - every region in which the legs differ must be marked;
 *  - after a start and a checkpoint both legs must be equal, and the local leg
 *    as it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crash.h"

#define DEPTH		10
#define MORE		5	/* times the rounds, at most */
#define ENOUGH		10	/* cuts for each window that are surely tried */

/* Marks are taken away a second after a checkpoint has made them useless. */
#define QUIET_MS	900
#define CLEAR_MS	300

/**
 * tally - what was tried
 * @events: in all logs
 * @tried: recoveries
 * @same: cuts that leave the same as another one
 * @left_out: of the sample
 * @window: recoveries by what the primary was doing
 * @windows: how often it did that
 * @differ: the legs did
 * @back: the remote leg was at its host's last checkpoint
 * @lost: an acknowledged write was not on the local leg
 * @clean: not all regions were dirty
 * @again: of what a recovery has left
 * @checkpoints: of the workload
 * @failures: of the remote leg
 */
static struct {
	size_t events;
	unsigned int tried, same, left_out, window[WINDOWS], windows[WINDOWS], differ, back, lost, clean, again;
	unsigned int checkpoints, failures, supers, marks;
} tally;

static uint8_t *local, *remote;		/* room for what is read */
static writer_t *content;		/* of the local leg */

/*
 * ---- The device ----
 */

struct status {
	char stage[24], remote[24], error[24];
	uint64_t epoch, clean, all;
};

static uint32_t regions(void)
{
	return (opt.sectors[LOCAL] + opt.region - 1) / opt.region;
}

static size_t leg_size(void)
{
	return (size_t)opt.sectors[LOCAL] * SECTOR;
}

static void get_status(struct status *s)
{
	char text[256];

	dm_status(subject.name, text, sizeof(text));
	if (sscanf(text, "primary %23s %" SCNu64 " %" SCNu64 "/%" SCNu64 " %23s %*u %23s",
		   s->stage, &s->epoch, &s->clean, &s->all, s->remote, s->error) != 6)
		die("cannot read status '%s'", text);
}

static int create(void)
{
	char params[256], behind[40] = "";
	unsigned int args = 4 + opt.nosync + opt.async;

	if (opt.behind) {
		args += 2;
		snprintf(behind, sizeof(behind), " max_behind %u", opt.behind);
	}
	snprintf(params, sizeof(params), "primary %s %s %u dirty_log %s region_size %u%s%s%s",
		 devices[LOCAL].number, devices[REMOTE].number, args, devices[LOG].number,
		 opt.region, opt.nosync ? " nosync" : "", opt.async ? " async" : "", behind);
	return dm_create(&subject, "pri", opt.sectors[LOCAL], "replication", params);
}

static void must(const char *text)
{
	struct status s;
	int error = dm_message(subject.name, text);

	if (!error)
		return;
	get_status(&s);
	die("'%s' failed: %s (stage %s, remote leg %s, error %s)", text, strerror(error), s.stage,
	    s.remote, s.error);
}

static void read_leg(enum device device, uint8_t *data)
{
	if (pread(devices[device].fd, data, leg_size(), 0) != (ssize_t)leg_size())
		die("reading %s: %s", devices[device].name, strerror(errno));
}

/* After a checkpoint, with nothing in flight. */
static void must_be_equal(const char *when)
{
	uint32_t i, n = 0, first = 0;

	read_leg(LOCAL, local);
	read_leg(REMOTE, remote);
	for (i = 0; i < opt.sectors[LOCAL]; i++)
		if (memcmp(local + (size_t)i * SECTOR, remote + (size_t)i * SECTOR, SECTOR) && !n++)
			first = i;
	if (n)
		die("the legs differ %s, in %u sectors from %u on: op %u on the local leg, op %u on the remote leg",
		    when, n, first, sector_read(local + (size_t)first * SECTOR, first),
		    sector_read(remote + (size_t)first * SECTOR, first));
}

/*
 * ---- The workload ----
 */

static void say(enum op_kind kind, const char *text)
{
	writer_t op = workload_op(kind, ACTIVE, 0, 0);

	workload_begins(op);
	must(text);
	workload_acknowledged(op);
}

static void some(unsigned int most)
{
	unsigned int n;

	for (n = random_below(most + 1); n; n--)
		workload_ops();
}

/* Nothing is on its way then. */
static void quiet_checkpoint(void)
{
	say(OP_CHECKPOINT, "checkpoint");
	tally.checkpoints++;
}

/* With writes in flight, which may belong to it or not. */
static void checkpoint(void)
{
	bool busy = random_below(2);

	if (busy)
		workload_send();
	say(OP_CHECKPOINT, "checkpoint");
	if (busy)
		workload_wait();
	tally.checkpoints++;
}

/* The first checkpoint waits for the copy; writes go on meanwhile. */
static void start(void)
{
	writer_t op;

	say(OP_START, "start primary");
	op = workload_op(OP_RESYNC, ACTIVE, 0, 0);
	workload_begins(op);
	some(2);
	checkpoint();
	workload_acknowledged(op);
}

static void stop(bool degraded)
{
	say(OP_STOP, "stop");
	/* then it takes no checkpoint */
	ops[nr_ops].unsure = degraded;
	some(2);
}

static void fail_remote(void)
{
	writer_t op = nr_ops;
	struct status s;

	events_fail(REMOTE, true);
	while (ops[nr_ops].kind != OP_WRITE || op == nr_ops)
		workload_ops();
	some(opt.batches);
	/* a write that was acknowledged may be on its way to the remote leg */
	if (opt.async)
		dm_message(subject.name, "checkpoint");
	get_status(&s);
	if (strcmp(s.remote, "degraded"))
		die("the remote leg has failed, and is %s", s.remote);
	events_fail(REMOTE, false);
	stop(true);
	start();
	tally.failures++;
}

static uint64_t milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000) + t.tv_nsec / 1000000;
}

/* Marks that two checkpoints have made useless are taken away meanwhile. */
static void clearing(unsigned int checkpoints)
{
	uint64_t begun;

	while (checkpoints--)
		checkpoint();
	begun = milliseconds();
	some(2);
	while (milliseconds() - begun < QUIET_MS)
		usleep(10000);
	while (milliseconds() - begun < QUIET_MS + CLEAR_MS) {
		workload_ops();
		usleep(1000);
	}
}

static void epochs(unsigned int n)
{
	while (n--) {
		some(opt.batches);
		switch (random_below(6)) {
		case 0:
			fail_remote();
			break;
		case 1:
			stop(false);
			start();
			break;
		case 2:
			say(OP_FAILOVER, "stop failover");
			some(2);
			start();
			break;
		default:
			checkpoint();
		}
	}
}

/* All of it, with at least one of each. */
static void whole_workload(void)
{
	some(2);
	start();
	epochs(opt.epochs);
	clearing(2);
	fail_remote();
	/* what was copied need not be in a checkpoint of the remote host yet */
	clearing(0);
	epochs(opt.epochs);
	clearing(2);
	some(opt.batches);
}

/*
 * ---- Losses of power ----
 */

static void who_wrote(void)
{
	uint32_t i;

	for (i = 0; i < opt.sectors[LOCAL]; i++)
		content[i] = sector_read(image[LOCAL] + (size_t)i * SECTOR, i);
}

static bool region_differs(uint32_t region)
{
	size_t at = (size_t)region * opt.region * SECTOR, size = (size_t)opt.region * SECTOR;

	if (size > leg_size() - at)
		size = leg_size() - at;
	return memcmp(image[LOCAL] + at, image[REMOTE] + at, size);
}

/* Takes "<regions> <sector>+<sectors> ...". */
static void mark_ranges(const char *text, uint8_t *dirty)
{
	unsigned long regions, first, sectors, i;
	int used;

	if (sscanf(text, "%lu%n", &regions, &used) != 1)
		die("cannot read changed_since's '%s'", text);
	for (text += used; *text; text += used) {
		if (sscanf(text, " %lu+%lu%n", &first, &sectors, &used) != 2)
			die("cannot read changed_since's '%s'", text);
		for (i = first; i < first + sectors; i += opt.region, regions--)
			dirty[i / opt.region] = 1;
	}
	if (regions)
		die("changed_since counts %ld regions more than it lists", regions);
}

/* All that has to do with a region, and when there were checkpoints. */
static void show_region(const struct cut *cut, uint32_t region)
{
	unsigned int i;
	writer_t op;
	size_t t;

	for (t = 0; t < cut->time; t++) {
		for (op = 1; op <= nr_ops; op++)
			if (ops[op].kind > OP_FLUSH && (ops[op].begin == t || ops[op].end == t))
				printf("  %6zu op %u kind %d %s\n", t, op, ops[op].kind,
				       ops[op].begin == t ? "begins" : "is acknowledged");
		for (i = 0; i < nr_ios; i++) {
			const struct io *io = &ios[i];

			if ((io->submit != t && io->complete != t) ||
			    (io->device != LOG && (io->op == IO_FLUSH ||
			     io->sector + io->sectors <= region * opt.region ||
			     io->sector >= (region + 1) * opt.region)))
				continue;
			printf("  %6zu %s io %u: %s %s %u+%u%s\n", t,
			       io->submit == t ? "submit" : "  done", i,
			       devices[io->device].name,
			       is_super(io) ? "superblock" : is_summary(io) ? "marks" :
			       io->op == IO_FLUSH ? "flush" : "write", io->sector, io->sectors,
			       is_summary(io) ? io->data[32 + region / 8] >> region % 8 & 1 ?
			       " with it" : " without it" : "");
		}
	}
}

/* Every region in which the legs differ must be in the primary's list. */
static void judge_marks(const struct cut *cut)
{
	uint8_t *dirty = allocate(regions());
	uint32_t i, n = 0, listed = 0;
	char text[64], *reply = allocate(16384);
	struct status s;
	int error;

	memset(dirty, 0, regions());
	get_status(&s);
	if (strcmp(s.stage, "none"))
		die("a recovered primary is in stage %s", s.stage);
	if (s.all != regions())
		die("it has %" PRIu64 " regions", s.all);
	snprintf(text, sizeof(text), "changed_since %" PRIu64, s.epoch);
	error = dm_ask(subject.name, text, reply, 16384);
	if (error)
		die("'%s': %s", text, strerror(error));
	mark_ranges(reply, dirty);
	for (i = 0; i < regions(); i++) {
		listed += dirty[i];
		if (!region_differs(i))
			continue;
		n++;
		if (!dirty[i]) {
			show_region(cut, i);
			die("the legs differ in region %u (sector %u), and it is not dirty; %" PRIu64
			    " of %" PRIu64 " are clean", i, i * opt.region, s.clean, s.all);
		}
	}
	if (listed != s.all - s.clean)
		die("%u regions have changed since the last checkpoint, %" PRIu64
		    " of %" PRIu64 " are clean", listed, s.clean, s.all);
	tally.differ += !!n;
	tally.clean += !!s.clean;
	free(dirty);
	free(reply);
}

/* Was something acknowledged, and older data is there? */
static bool has_lost(size_t time)
{
	writer_t op;
	uint32_t i;

	for (op = 1; op <= nr_ops; op++)
		for (i = 0; ops[op].kind <= OP_DISCARD && ops[op].begin && ops[op].end < time &&
		     i < ops[op].sectors; i++)
			if (content[ops[op].sector + i] < op && content[ops[op].sector + i])
				return true;
	return false;
}

static void count(const struct cut *cut)
{
	unsigned int mask = windows_at(cut->time), w;

	tally.tried++;
	for (w = 0; w < WINDOWS; w++)
		tally.window[w] += mask >> w & 1;
	tally.back += cut->remote == REMOTE_BACK;
	tally.lost += has_lost(cut->time);
	if (cut->how >= CUT_TORN) {
		tally.supers += is_super(&ios[cut->io]);
		tally.marks += is_summary(&ios[cut->io]);
	}
}

/* Leaves the devices as power was lost. */
static void lose_power(const struct cut *cut)
{
	char why[512];

	cut_choose(cut);
	image_build(cut->time);
	who_wrote();
	if (!oracle_keeps(content, cut->time, why, sizeof(why))) {
		cut_show(cut);
		die("the local leg: %s", why);
	}
	image_load();
}

static void recover_primary(const struct cut *cut)
{
	int error = create();

	if (error) {
		cut_show(cut);
		die("the primary cannot be created: %s", strerror(error));
	}
	judge_marks(cut);
	count(cut);
}

static void try_cut(const struct cut *cut)
{
	char text[256];

	cut_describe(text, sizeof(text), cut);
	now_is(text);
	if (opt.verbose)
		printf("%s\n", text);
	lose_power(cut);
	recover_primary(cut);
	must("start primary");
	must("checkpoint");
	must_be_equal("after a resync");
	if (memcmp(local, image[LOCAL], leg_size()))
		die("the local leg has changed by the recovery");
	dm_remove(&subject);
	now_is("");
}

/* Some of each window, all over the time. */
static void choose_sure(void)
{
	enum window w;
	unsigned int i, n, all;

	for (w = 0; w < WINDOWS; w++) {
		for (i = all = 0; i < nr_cuts; i++)
			all += windows_at(cuts[i].time) >> w & 1;
		for (i = n = 0; i < nr_cuts; i++) {
			if (!(windows_at(cuts[i].time) >> w & 1))
				continue;
			cuts[i].sure |= n * ENOUGH / all != (n + 1) * ENOUGH / all;
			n++;
		}
	}
}

static void find_windows(void)
{
	enum window w;

	windows_find();
	for (w = 0; w < WINDOWS; w++)
		tally.windows[w] += windows_count(w);
}

static void try_cuts(void)
{
	unsigned int i;

	choices_reset();
	find_windows();
	cuts_remote();
	tally.same += cuts_unique();
	choose_sure();
	random_seed(opt.seed * 3);
	tally.left_out += cuts_sample();
	for (i = 0; i < nr_cuts; i++)
		try_cut(&cuts[i]);
	nr_cuts = 0;
}

/*
 * ---- Kinds of test ----
 */

/* All that comes now is by a primary that serves its local leg. */
static void begin_workload(void)
{
	struct found found = { .state = STAGE_PLAIN, .closed = true, .content = content };

	workload_begin(&found);
}

static void begin(void)
{
	devices_create();
	image_remember();
	image_older(image[REMOTE], image[REMOTE]);
	events_begin();
	if (create())
		die("the primary cannot be created");
	memset(content, 0, opt.sectors[LOCAL] * sizeof(*content));
	begin_workload();
}

static void end(void)
{
	dm_remove(&subject);
	events_end();
	tally.events += nr_events;
}

static void test_cuts(void (*cut)(void))
{
	begin();
	whole_workload();
	quiet_checkpoint();
	must_be_equal("after a checkpoint");
	end();
	cut();
	try_cuts();
	devices_remove();
}

static void test_every(void)
{
	cut_every(0, NEVER);
}

static void test_subsets(void)
{
	cut_subsets(0, NEVER);
}

/* What the remote leg would be, if its host went down after this crash. */
static const uint8_t *remote_at(size_t time, unsigned int before)
{
	struct cut cut = { .time = time, .remote = REMOTE_BACK };

	cut.back = cut_checkpoint(time, before, &cut.base);
	cut_choose(&cut);
	image_build(time);
	return image[REMOTE];
}

/* A checkpoint of this log that is the last one may be the last but one soon. */
static void remember_older(size_t time)
{
	uint8_t *last = allocate(leg_size());

	memcpy(last, remote_at(time, 0), leg_size());
	image_older(remote_at(time, 1), last);
	free(last);
}

static struct cut some_cut(void)
{
	struct cut cut = {
		.time = random_below(2) ? windows_any() : random_below(nr_events + 1),
		.how = random_below(3) ? CUT_ANY : random_below(2) ? CUT_NONE : CUT_ALL,
		.bits = random_below(1 << 20),
		.base = -1,
	};
	bool back = random_below(2);

	cut.remote = back ? REMOTE_BACK : random_below(REMOTE_BACK);
	if (back)
		cut.back = cut_checkpoint(cut.time, 1, &cut.base);
	return cut;
}

/* What a primary does before its power is lost again. */
static void some_life(void)
{
	begin_workload();
	some(1);
	start();
	if (!random_below(3))
		return;
	epochs(1 + random_below(opt.epochs));
	if (!random_below(3))
		clearing(random_below(3));
}

/* All that a test of losses one after the other has to meet, see report() */
static bool seen(void)
{
	return tally.differ && tally.back && tally.clean && tally.lost &&
	       tally.window[RESYNC] && tally.window[CUT];
}

/* Each time it goes on from what the loss before has left. */
static void test_again(void)
{
	unsigned int depth, n = 0;
	struct cut cut;
	char text[256];

	/* few cuts are chosen: go on until each kind was among them */
	while (n++ * opt.sample < opt.rounds || (opt.sample == 1 && !seen() && n < opt.rounds * MORE)) {
		begin();
		some_life();
		for (depth = 1; depth <= DEPTH; depth++) {
			uint64_t random;

			end();
			choices_reset();
			find_windows();
			cut = some_cut();
			random = random_below(UINT64_C(1) << 32);
			cut_describe(text, sizeof(text), &cut);
			now_is(text);
			if (opt.verbose)
				printf("%s\n", text);
			lose_power(&cut);
			remember_older(cut.time);
			/* lose_power() again: the image is another one now */
			lose_power(&cut);
			image_remember();
			random_seed(random);
			events_begin();
			recover_primary(&cut);
			some_life();
			quiet_checkpoint();
			must_be_equal("after a checkpoint");
			now_is("");
			tally.again += depth > 1;
		}
		dm_remove(&subject);
		devices_remove();
	}
}

static void report(const char *test)
{
	static const char * const window[WINDOWS] = {
		"formatting", "marking", "marked and not used", "clearing",
		"noting", "in a resync", "in a checkpoint",
	};
	enum window w;

	printf("seed %" PRIu64 ": %zu events, %u operations, %u checkpoints, %u failures of the remote leg\n",
	       opt.seed, tally.events, nr_ops, tally.checkpoints, tally.failures);
	printf("cuts: %u, %u left out, %u others are the same; after a recovery: %u\n", tally.tried,
	       tally.left_out, tally.same, tally.again);
	for (w = 0; w < WINDOWS; w++)
		printf("%s%s: %u of %u times", w ? ", " : "while ", window[w], tally.window[w],
		       tally.windows[w]);
	printf("\n");
	printf("the legs differed: %u, the remote leg fell back: %u, the local leg has lost something: %u, not all was dirty: %u; torn superblocks: %u, marks: %u\n",
	       tally.differ, tally.back, tally.lost, tally.clean, tally.supers, tally.marks);
	if (!tally.tried)
		die("no loss of power was tried");
	need("legs that differ", tally.differ);
	need("a remote leg that fell back", tally.back);
	need("a clean region", tally.clean);
	if (!strcmp(test, "torn")) {
		need("torn superblocks", tally.supers);
		need("torn marks", tally.marks);
		return;
	}
	need("a write that was lost", tally.lost);
	need("a resync", tally.window[RESYNC]);
	need("a checkpoint", tally.window[CUT]);
	if (!strcmp(test, "again")) {
		need("a loss of power after a recovery", tally.again);
		return;
	}
	need("a failure of the remote leg", tally.failures);
	need("a mark that is being written", tally.window[MARKING]);
	need("a superblock that is being written", tally.window[NOTING]);
	need("marks that are being cleared", tally.window[CLEARING]);
	if (strcmp(test, "every"))
		return;
	need("the log being formatted", tally.window[FORMATTING]);
	need("a mark that nothing has used yet", tally.window[MARKED]);
}

int primary_test(const char *name)
{
	/* superblocks, and a block of marks that has room for all regions */
	opt.sectors[LOG] = 24;
	opt.sectors[REMOTE] = opt.sectors[LOCAL];
	nr_devices = 3;
	local = allocate(leg_size());
	remote = allocate(leg_size());
	content = allocate(opt.sectors[LOCAL] * sizeof(*content));
	recover_init();
	if (!strcmp(name, "every")) {
		test_cuts(test_every);
	} else if (!strcmp(name, "subsets")) {
		test_cuts(test_subsets);
	} else if (!strcmp(name, "torn")) {
		test_cuts(cut_torn);
	} else if (!strcmp(name, "again")) {
		test_again();
	} else {
		fprintf(stderr, "crash: which test?\n");
		return 2;
	}
	recover_exit();
	report(name);
	return 0;
}
