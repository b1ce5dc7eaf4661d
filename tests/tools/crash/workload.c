// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations on both views, and what they lead to.
 *
 * Writes come in batches of ranges that do not overlap, all in flight at once;
 * some batches are in flight while a transition is made.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crash.h"

#define BATCH		6
#define MOST_SECTORS	40
#define LATELY		40
#define FILL_BATCHES	60	/* at most, to fill the smallest buffer */
#define HOT_SPOTS	3
#define HOT_SECTORS	192
#define UNMAPPED	UINT32_MAX

/**
 * struct batch - writes in flight
 * @n: how many
 * @op: their numbers
 * @cb: what the kernel was told
 * @data: of each
 */
struct batch {
	unsigned int n;
	writer_t op[BATCH];
	struct iocb cb[BATCH];
	uint8_t *data[BATCH];
};

struct op *ops;
writer_t nr_ops;
unsigned int nr_full;			/* writes that did not fit */

static aio_context_t aio;
static struct batch batch;
static enum stage stage;
static uint64_t epoch;
static bool closed;			/* the inbound view, by a failover */
static writer_t *base, *layer[VIEWS];	/* of each sector, as acknowledged */
static writer_t last_transition;
static uint32_t hot[HOT_SPOTS];

writer_t workload_op(enum op_kind kind, enum view view, uint32_t sector, uint32_t sectors)
{
	ops = realloc(ops, (nr_ops + 2) * sizeof(*ops));
	if (!ops)
		die("out of memory");
	ops[++nr_ops] = (struct op) {
		.kind = kind,
		.view = view,
		.sector = sector,
		.sectors = sectors,
		.begin = NEVER,
		.end = NEVER,
	};
	return nr_ops;
}

void workload_begins(writer_t op)
{
	events_mark(op * 2);
}

void workload_acknowledged(writer_t op)
{
	struct op *o = &ops[op];
	uint32_t i;

	events_mark(op * 2 + 1);
	o->unsure = op < last_transition;
	for (i = 0; o->kind <= OP_DISCARD && i < o->sectors; i++)
		(stage == STAGE_RUNNING ? layer[o->view] : base)[o->sector + i] = op;
}

/* The buffer was full. What was asked for is done in part, or not at all. */
static void did_not_fit(writer_t op)
{
	ops[op].unsure = true;
	nr_full++;
}

static int fd_of(enum view view)
{
	return view == INBOUND ? inbound.fd : subject.fd;
}

/* One of those that take writes now. */
static enum view some_view(void)
{
	if (stage == STAGE_NONE)
		return INBOUND;
	return closed ? ACTIVE : random_below(VIEWS);
}

/*
 * ---- Writes ----
 */

/* Anywhere, in a few hot spots, or where something was done lately. */
static uint32_t some_sector(void)
{
	uint32_t few = nr_ops && nr_ops < LATELY ? nr_ops : LATELY;
	const struct op *lately = &ops[nr_ops ? nr_ops - random_below(few) : 0];
	uint32_t sector;

	switch (random_below(4)) {
	case 0:
		return random_below(opt.sectors[DISK]);
	case 1:
		return lately->sector;
	}
	sector = hot[random_below(HOT_SPOTS)] + random_below(HOT_SECTORS);
	return sector % opt.sectors[DISK];
}

static bool free_of(const struct batch *b, uint32_t sector, uint32_t sectors)
{
	unsigned int i;

	for (i = 0; i < b->n; i++) {
		const struct op *o = &ops[b->op[i]];

		if (sector < o->sector + o->sectors && o->sector < sector + sectors)
			return false;
	}
	return true;
}

static void some_range(const struct batch *b, uint32_t *sector, uint32_t *sectors)
{
	do {
		*sector = some_sector();
		*sectors = 1 + random_below(random_below(3) ? 12 : MOST_SECTORS);
		if (*sectors > opt.sectors[DISK] - *sector)
			*sectors = opt.sectors[DISK] - *sector;
	} while (!free_of(b, *sector, *sectors));
}

/* Sends some writes; they are in flight then. */
static void batch_send(struct batch *b, bool one_view, enum view view, unsigned int n)
{
	struct iocb *list[BATCH];
	uint32_t sector, sectors, i;
	long sent;

	for (b->n = 0; b->n < n; b->n++) {
		unsigned int at = b->n;
		writer_t op;

		if (!one_view)
			view = some_view();
		some_range(b, &sector, &sectors);
		op = workload_op(OP_WRITE, view, sector, sectors);
		/* its log has a write with FUA before older ones that were not flushed */
		ops[op].fua = stage != STAGE_RUNNING && !opt.log_writes && !random_below(4);
		if (!b->data[at])
			b->data[at] = allocate(MOST_SECTORS * SECTOR);
		for (i = 0; i < sectors; i++)
			sector_make(b->data[at] + i * SECTOR, sector + i, op);
		b->op[at] = op;
		b->cb[at] = (struct iocb) {
			.aio_lio_opcode = IOCB_CMD_PWRITE,
			.aio_fildes = fd_of(view),
			.aio_buf = (uintptr_t)b->data[at],
			.aio_nbytes = sectors * SECTOR,
			.aio_offset = (uint64_t)sector * SECTOR,
			.aio_rw_flags = ops[op].fua ? RWF_DSYNC : 0,
			.aio_data = op,
		};
		list[at] = &b->cb[at];
		workload_begins(op);
	}
	if (!aio && syscall(SYS_io_setup, BATCH, &aio))
		die("io_setup: %s", strerror(errno));
	sent = syscall(SYS_io_submit, aio, (long)b->n, list);
	if (sent != b->n)
		die("io_submit: %ld of %u, %s", sent, b->n, strerror(errno));
}

/*
 * Takes them in. One that a full buffer or a closed view has refused was never
 * acknowledged: whether a part of it is kept is nobody's promise.
 */
static void batch_wait(struct batch *b)
{
	struct io_event done;

	for (; b->n; b->n--) {
		if (syscall(SYS_io_getevents, aio, 1L, 1L, &done, NULL) != 1)
			die("io_getevents: %s", strerror(errno));
		if (done.res == (int64_t)ops[done.data].sectors * SECTOR)
			workload_acknowledged(done.data);
		else if (done.res == -ENOSPC)
			did_not_fit(done.data);
		else if (!closed || ops[done.data].view != INBOUND)
			die("op %u: write of %u+%u: %s", (writer_t)done.data,
			    ops[done.data].sector, ops[done.data].sectors, strerror(-done.res));
	}
}

static void blank(enum op_kind kind, enum view view)
{
	uint64_t range[2];
	uint32_t sector, sectors;
	writer_t op;

	some_range(&batch, &sector, &sectors);
	op = workload_op(kind, view, sector, sectors);
	range[0] = (uint64_t)sector * SECTOR;
	range[1] = (uint64_t)sectors * SECTOR;
	workload_begins(op);
	if (!ioctl(fd_of(view), kind == OP_ZERO ? BLKZEROOUT : BLKDISCARD, range))
		workload_acknowledged(op);
	else if (errno == ENOSPC)
		did_not_fit(op);
	else
		die("op %u: blank %u+%u: %s", op, sector, sectors, strerror(errno));
}

static void flush(enum view view)
{
	writer_t op = workload_op(OP_FLUSH, view, 0, 0);

	workload_begins(op);
	if (fsync(fd_of(view)))
		die("op %u: flush: %s", op, strerror(errno));
	workload_acknowledged(op);
}

/* A batch of writes, or something else. */
void workload_ops(void)
{
	switch (random_below(8)) {
	case 0:
		blank(OP_ZERO, some_view());
		break;
	case 1:
		/* what a ramdisk keeps of a discarded range is not in the log */
		blank(opt.log_writes ? OP_ZERO : OP_DISCARD, some_view());
		break;
	case 2:
		flush(some_view());
		break;
	default:
		batch_send(&batch, false, 0, 1 + random_below(BATCH));
		/* a flush owes nothing to what is in flight */
		if (!random_below(4))
			flush(some_view());
		batch_wait(&batch);
	}
}

/* A batch that is in flight until workload_wait(). */
void workload_send(void)
{
	batch_send(&batch, false, 0, 1 + random_below(BATCH));
}

void workload_wait(void)
{
	batch_wait(&batch);
}

/*
 * ---- Transitions ----
 */

static void commit(enum view view)
{
	uint32_t i;

	for (i = 0; i < opt.sectors[DISK]; i++) {
		if (layer[view][i] != UNMAPPED)
			base[i] = layer[view][i];
		layer[INBOUND][i] = UNMAPPED;
		layer[ACTIVE][i] = UNMAPPED;
	}
}

/* Writes may be in flight, of the view that is committed. */
static void transition(enum op_kind kind, enum view view)
{
	static const char * const text[] = {
		[OP_START] = "start secondary",
		[OP_CHECKPOINT] = "checkpoint",
		[OP_STOP] = "stop",
		[OP_FAILOVER] = "stop failover",
	};
	enum stage next = kind == OP_STOP || kind == OP_FAILOVER ? STAGE_PLAIN : STAGE_RUNNING;
	writer_t op = workload_op(kind, view, 0, 0);
	uint32_t event;
	int error;

	if (kind != OP_START)
		commit(view);
	if (kind != OP_FAILOVER)
		epoch++;
	oracle_transition(op, next, epoch, view, base);
	workload_begins(op);
	for (;;) {
		struct found found;

		event = recover_status(&found);
		error = dm_message(subject.name, text[kind]);
		/* the merge has to get on first */
		if (error != EBUSY)
			break;
		dm_wait(subject.name, event);
	}
	if (error)
		die("op %u: %s: %s", op, text[kind], strerror(error));
	stage = next;
	last_transition = op;
	closed = kind == OP_FAILOVER;
	workload_acknowledged(op);
}

/* In percent of the time, while a view is used. */
static void merge_pace(unsigned int percent)
{
	char text[32];
	int error;

	snprintf(text, sizeof(text), "merge_throttle %u", percent);
	error = dm_message(subject.name, text);
	if (error)
		die("%s: %s", text, strerror(error));
}

void workload_start(void)
{
	transition(OP_START, INBOUND);
}

/* Waits until all that is committed is on the disk. */
void workload_merge(void)
{
	struct found found;
	uint32_t event;

	for (;;) {
		event = recover_status(&found);
		if (found.state == STAGE_PLAIN ? !strcmp(found.stage, "done") : !found.committed)
			break;
		dm_wait(subject.name, event);
	}
}

/* With nothing committed left: all that was given back is used again. */
static void fill_buffer(void)
{
	unsigned int i, full = nr_full;

	workload_merge();
	for (i = 0; i < FILL_BATCHES && nr_full == full; i++)
		workload_ops();
}

void workload_epochs(unsigned int n)
{
	unsigned int i;

	while (n--) {
		/* when it is slow there are several committed layers */
		merge_pace(random_below(3) ? 100 : 2);
		for (i = random_below(opt.batches + 1); i; i--)
			workload_ops();
		/* once in any case */
		if (opt.fill && (random_below(2) || (!n && !nr_full)))
			fill_buffer();
		if (random_below(2))
			batch_send(&batch, true, INBOUND, 1 + random_below(BATCH));
		transition(OP_CHECKPOINT, INBOUND);
		batch_wait(&batch);
	}
}

/* With writes in flight, and some that were acknowledged; the merge takes its time. */
void workload_stop(bool failover)
{
	enum view view = failover ? ACTIVE : INBOUND;
	unsigned int n;

	for (n = 2 + random_below(8); n; n--) {
		batch_send(&batch, false, 0, BATCH);
		batch_wait(&batch);
	}
	batch_send(&batch, true, view, BATCH);
	batch_wait(&batch);
	batch_send(&batch, true, view, 1 + random_below(BATCH));
	merge_pace(2);
	transition(failover ? OP_FAILOVER : OP_STOP, view);
	batch_wait(&batch);
}

/* Writes on while the merge is at work, and after it; not all of that is flushed. */
void workload_plain(unsigned int batches)
{
	merge_pace(2);
	while (batches--)
		workload_ops();
	merge_pace(100);
	workload_merge();
	workload_ops();
	flush(ACTIVE);
	batch_send(&batch, false, 0, BATCH);
	batch_wait(&batch);
}

/* Goes on from what was found. All ops so far are history, without a time. */
void workload_begin(const struct found *found)
{
	size_t size = opt.sectors[DISK] * sizeof(writer_t);
	unsigned int i;
	writer_t op;

	if (!ops) {
		/* op 0 is none */
		ops = allocate(sizeof(*ops));
		memset(ops, 0, sizeof(*ops));
		base = allocate(size);
		layer[INBOUND] = allocate(size);
		layer[ACTIVE] = allocate(size);
	}
	memset(layer[INBOUND], 0xff, size);
	memset(layer[ACTIVE], 0xff, size);
	memcpy(base, found->content, size);
	for (i = 0; i < HOT_SPOTS; i++)
		hot[i] = random_below(opt.sectors[DISK]);
	for (op = 0; op <= nr_ops; op++) {
		ops[op].begin = 0;
		ops[op].end = 0;
		ops[op].unsure = false;
	}
	last_transition = 0;
	stage = found->state;
	epoch = found->epoch;
	closed = found->closed;
	oracle_begin(stage, epoch, closed ? ACTIVE : INBOUND, base);
}

/* What is there before the first start, by the inbound view. */
void workload_fill(void)
{
	writer_t op = workload_op(OP_WRITE, INBOUND, 0, opt.sectors[DISK]);
	size_t size = (size_t)opt.sectors[DISK] * SECTOR;
	uint8_t *data = allocate(size);
	uint32_t i;

	for (i = 0; i < opt.sectors[DISK]; i++)
		sector_make(data + (size_t)i * SECTOR, i, op);
	workload_begins(op);
	if (pwrite(inbound.fd, data, size, 0) != (ssize_t)size)
		die("filling the inbound view: %s", strerror(errno));
	workload_acknowledged(op);
	free(data);
	flush(INBOUND);
	workload_ops();
}
