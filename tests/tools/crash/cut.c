// SPDX-License-Identifier: GPL-2.0
/*
 * When power is lost, and what becomes of each write that can be.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash.h"

#define FEW		5	/* writes of which all subsets are tried */
#define SAMPLES		8	/* of more */

/* where a superblock has its stage, see Documentation/format.rst */
#define SUPER_STAGE	60
#define SUPER_DONE	4

struct cut *cuts;
unsigned int nr_cuts;

static unsigned int room;

static void add_cut(struct cut cut)
{
	if (nr_cuts == room) {
		room = room ? room * 2 : 4096;
		cuts = realloc(cuts, room * sizeof(*cuts));
		if (!cuts)
			die("out of memory");
	}
	cuts[nr_cuts++] = cut;
}

/* Each event from @first to @last is the last one. */
void cut_every(size_t first, size_t last)
{
	size_t t;

	for (t = first; t <= nr_events && t <= last; t++) {
		add_cut((struct cut) { .time = t, .how = CUT_NONE });
		add_cut((struct cut) { .time = t, .how = CUT_ALL });
		add_cut((struct cut) { .time = t, .how = CUT_DONE });
	}
}

static unsigned int count_lost(size_t time)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr_ios; i++)
		n += ios[i].device != REMOTE && io_lost(&ios[i], time);
	return n;
}

/* What can be lost is most just before something takes effect. */
void cut_subsets(size_t first, size_t last)
{
	unsigned int i, lost;
	int64_t bits;

	for (i = 0; i < nr_ios; i++) {
		const struct io *io = &ios[i];
		struct cut cut = { .time = io->complete };

		if ((io->op != IO_FLUSH && !io->fua) || io->device == REMOTE ||
		    io->complete == NEVER ||
		    io->complete < first || io->complete > last)
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

bool is_super(const struct io *io)
{
	return io->device == BUFFER && io->op == IO_WRITE &&
	       (!memcmp(io->data, "REPLBUT1", 8) || !memcmp(io->data, "REPLLOG1", 8));
}

/* When the superblock was durable that says that a failover or stop is merged. */
size_t merged_at(void)
{
	unsigned int i;

	for (i = 0; i < nr_ios; i++) {
		uint32_t stage;

		if (!is_super(&ios[i]))
			continue;
		memcpy(&stage, ios[i].data + SUPER_STAGE, sizeof(stage));
		if (stage == SUPER_DONE)
			return ios[i].durable;
	}
	return nr_events;
}

/* Of a primary's log: marks. */
bool is_summary(const struct io *io)
{
	return io->device == BUFFER && io->op == IO_WRITE &&
	       (!memcmp(io->data, "REPLSUM1", 8) || !memcmp(io->data, "REPLMRK1", 8));
}

/*
 * Cut at every sector, with those before it or those from it on. All of a
 * superblock that is not zero lies in its first sector: that one is cut as
 * well, should the disk not write a sector as a whole. Marks are believed in
 * sectors, and need disks that do.
 */
void cut_torn(void)
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
		if (nr_devices > REMOTE && !is_super(io))
			continue;
		cut.how = CUT_BYTES;
		for (cut.bits = 16; cut.bits < SECTOR; cut.bits += 16)
			add_cut(cut);
		cut.how = CUT_TORN;
	}
}

/*
 * ---- The remote leg, which keeps its power ----
 *
 * What it has answered it has, until its host goes down as well: then it is back
 * at that host's last checkpoint. That one was taken at some time after the
 * primary's last checkpoint but one.
 */

/**
 * cut_checkpoint() - when a primary's checkpoint was acknowledged
 * @time: of the cut
 * @before: how many more were there after it, 0 or 1
 * @index: gets its place in remote_older[], or -1
 *
 * Return: the event, or 0 when it was before the log.
 */
size_t cut_checkpoint(size_t time, unsigned int before, int *index)
{
	size_t end[2] = { };
	unsigned int n = 0;
	writer_t op;

	for (op = 1; op <= nr_ops; op++) {
		const struct op *o = &ops[op];

		if ((o->kind != OP_CHECKPOINT && o->kind != OP_STOP) || o->unsure ||
		    !o->begin || o->end >= time)
			continue;
		end[1] = end[0];
		end[0] = o->end;
		n++;
	}
	*index = n > before ? -1 : (int)(n + 1 - before);
	return end[before];
}

static void fall_back(struct cut *cut)
{
	cut->remote = REMOTE_BACK;
	cut->back = cut_checkpoint(cut->time, 1, &cut->base);
	/* it may have been taken later as well */
	if (cut->base < 0 && random_below(2))
		cut->back += random_below(cut->time - cut->back);
}

/* Each cut of the other devices so far, with two fates of the remote leg. */
void cuts_remote(void)
{
	unsigned int i, n = nr_cuts;

	for (i = 0; i < n; i++) {
		struct cut *cut = &cuts[i], back;

		cut->base = -1;
		cut->remote = cut->how == CUT_NONE ? REMOTE_ALL :
			      cut->how == CUT_ALL ? REMOTE_DONE : random_below(REMOTE_BACK);
		back = *cut;
		fall_back(&back);
		add_cut(back);
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

static struct choice remote_choice(const struct io *io, const struct cut *cut)
{
	static const struct choice all = { PART_ALL, 0 }, none = { PART_NONE, 0 };

	switch (cut->remote) {
	case REMOTE_ALL:
		return all;
	case REMOTE_DONE:
		return io->complete < cut->time ? all : none;
	case REMOTE_ANY:
		return io->complete < cut->time ? all : any_choice();
	default:
		if (cut->base >= 0 || io->submit >= cut->back)
			return none;
		return io->complete < cut->back ? all : any_choice();
	}
}

void cut_choose(const struct cut *cut)
{
	unsigned int i, n = 0;

	random_seed((opt.seed * 0x10001 + cut->time) * UINT64_C(0x9e3779b97f4a7c15) + cut->bits);
	remote_base = cut->remote == REMOTE_BACK ? cut->base : -1;
	for (i = 0; i < nr_ios; i++) {
		const struct io *io = &ios[i];

		choices[i] = (struct choice) { PART_NONE, 0 };
		if (io->device == REMOTE)
			choices[i] = remote_choice(io, cut);
		if (io->device == REMOTE || !io_lost(io, cut->time))
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

/* Takes out those with the same image and promises as one before. Return: how many. */
unsigned int cuts_unique(void)
{
	size_t slots = nr_cuts * 4 + 16, at;
	unsigned int i, same, kept = 0;
	uint64_t *seen, key;

	seen = calloc(slots, sizeof(*seen));
	if (!seen)
		die("out of memory");
	for (i = 0; i < nr_cuts; i++) {
		cut_choose(&cuts[i]);
		key = promises(cuts[i].time) + 1;
		key = (image_key(cuts[i].time) ^ key * UINT64_C(0xd1342543de82ef95)) | 1;
		for (at = key % slots; seen[at] && seen[at] != key; at = (at + 1) % slots)
			;
		if (!seen[at])
			cuts[kept++] = cuts[i];
		seen[at] = key;
	}
	free(seen);
	same = nr_cuts - kept;
	nr_cuts = kept;
	return same;
}

static bool in_transition(const struct cut *cut)
{
	const struct state *next;

	if (nr_devices > REMOTE)
		return cut->sure;
	oracle_at(cut->time, &next);
	return next;
}

/*
 * Takes a sample when there are more than may be tried, in order of time. Those
 * during a transition are few and all taken, unless the test is about these.
 *
 * Return: how many are left out.
 */
unsigned int cuts_sample(void)
{
	unsigned int i, certain = 0, taken = 0, kept = 0, left, space, limit = opt.limit;

	if (opt.sample > 1)
		limit = ((nr_cuts < limit ? nr_cuts : limit) + opt.sample - 1) / opt.sample;
	for (i = 0; i < nr_cuts; i++)
		certain += in_transition(&cuts[i]);
	if (certain > limit / 2)
		certain = 0;
	left = nr_cuts - certain;
	space = limit - certain;
	for (i = 0; i < nr_cuts; i++) {
		if (!certain || !in_transition(&cuts[i])) {
			if (random_below(left--) >= space - taken)
				continue;
			taken++;
		}
		cuts[kept++] = cuts[i];
	}
	left = nr_cuts - kept;
	nr_cuts = kept;
	return left;
}

/*
 * ---- For who has to find out ----
 */

void cut_describe(char *text, size_t size, const struct cut *cut)
{
	static const char * const how[] = {
		"all lost that can be", "nothing lost", "lost what was in flight",
		"a subset kept", "any parts kept", "torn", "torn within a sector",
	};
	static const char * const remote[] = {
		"all it has answered", "all it was sent", "what was in flight in part",
	};
	int used;

	used = snprintf(text, size, ", cut after event %zu of %zu, %s", cut->time, nr_events,
			how[cut->how]);
	if (cut->how >= CUT_TORN)
		snprintf(text + used, size - used, " (%s at sector %u, the %s %d %s kept)",
			 is_super(&ios[cut->io]) ? "superblock" :
			 nr_devices > REMOTE ? "marks" : "summary", ios[cut->io].sector,
			 cut->bits > 0 ? "first" : "last", abs((int)cut->bits),
			 cut->how == CUT_TORN ? "sectors" : "bytes");
	else if (cut->how >= CUT_SUBSET)
		snprintf(text + used, size - used, " (%" PRIx64 ")", cut->bits);
	if (nr_devices <= REMOTE)
		return;
	used = strlen(text);
	if (cut->remote == REMOTE_BACK && cut->base >= 0)
		snprintf(text + used, size - used, "; the remote leg is back before the first event");
	else if (cut->remote == REMOTE_BACK)
		snprintf(text + used, size - used, "; the remote leg is back at event %zu",
			 cut->back);
	else
		snprintf(text + used, size - used, "; the remote leg has %s", remote[cut->remote]);
}

/* The events around a cut. */
void cut_show(const struct cut *cut)
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
			       devices[io->device].name,
			       io->op == IO_FLUSH ? "flush" : is_super(io) ? "superblock" :
			       is_summary(io) ? nr_devices > REMOTE ? "marks" : "summary" : io->op == IO_WRITE ? "write" : "zero",
			       io->fua ? " FUA" : "", io->sector, io->sectors);
			if (submit && io_lost(io, cut->time))
				printf(" (could be lost; kept: %s)",
				       choices[i].part == PART_NONE ? "nothing" :
				       choices[i].part == PART_ALL ? "all" : "a part");
			printf("%s\n", !submit && io->failed ? " (failed)" : "");
		}
	}
}

