// SPDX-License-Identifier: GPL-2.0-only
/*
 * A secondary from start to stop: stages, epochs, and what its views read. It is
 * compiled with its views, layers, buffer and recovery; what core.c does for any
 * replication is done here, and nothing is merged.
 *
 * The model is three disks: the last checkpoint, and each view. A checkpoint
 * makes the inbound view's the checkpoint, and the active view's too.
 */
#include <linux/completion.h>
#include <linux/kernel.h>
#include <linux/sched.h>

#include "disk.h"
#include "secondary.h"
#include "unit.h"

#define LEN		700
#define MOST		60	/* sectors of a bio */
#define SEGMENTS	80
#define BUFFER_SECTORS	(FORMAT_FIRST_SEGMENT + SEGMENTS * FORMAT_MIN_SEGMENT)

static struct block_device *disk, *buffer;
static struct secondary *s;
static struct repl *r;
static u32 numbers;

/* what each sector begins with */
struct model {
	u32 view[VIEWS][LEN];
	u32 checkpoint[LEN];
	/* of a commit that failed and may be found by a crash */
	u32 doubtful[LEN];
	bool doubt;
	enum repl_stage stage;
	bool inbound_closed;
	u64 epoch;
};

static struct model m;

/*
 * ---- What core.c and merge.c do ----
 */

void generate_random_guid(unsigned char guid[16])
{
	unit_random_bytes(guid, 16);
}

const char *dm_device_name(struct mapped_device *md)
{
	return "standby";
}

int dm_copy_name_and_uuid(struct mapped_device *md, char *name, char *uuid)
{
	strscpy(uuid, "vm7-standby", DM_UUID_LEN);
	return 0;
}

const char *repl_stage_name(enum repl_stage stage)
{
	return "";
}

const char *repl_op_name(enum req_op op)
{
	return "";
}

int repl_refuse(struct replication_reason *why, int error, const char *fmt, ...)
{
	va_list arguments;

	va_start(arguments, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, arguments);
	va_end(arguments);
	return error;
}

int repl_init(struct repl *repl, const struct repl_kind *kind, struct mapped_device *md,
	      sector_t len, struct block_device *devs[REPL_DEVS])
{
	repl->kind = kind;
	repl->len = len;
	memcpy(repl->devs, devs, sizeof(repl->devs));
	strscpy(repl->uuid, "vm7-standby", sizeof(repl->uuid));
	mutex_init(&repl->lock);
	init_waitqueue_head(&repl->wait);
	return 0;
}

struct repl *repl_attach(const struct repl_kind *kind, struct mapped_device *md, sector_t len,
			 struct block_device *devs[REPL_DEVS], const char **error)
{
	return NULL;
}

void repl_publish(struct repl *repl)
{
}

void repl_list_acquire(void)
{
}

void repl_list_release(void)
{
}

void repl_event(struct repl *repl)
{
}

void repl_set_stage(struct repl *repl, enum repl_stage stage)
{
	WRITE_ONCE(repl->stage, stage);
}

void repl_fault(struct repl *repl, int error, const char *where, const char *op,
		sector_t sector, const char *text)
{
	EXPECT(error < 0, "a fault that is none: %d", error);
}

void repl_clear_fault(struct repl *repl)
{
}

int merge_init(struct secondary *secondary)
{
	secondary->merge_cursor = MERGE_IDLE;
	return 0;
}

void merge_exit(struct secondary *secondary)
{
}

void merge_start(struct secondary *secondary)
{
}

void merge_quiesce(struct secondary *secondary)
{
}

/*
 * ---- Bios ----
 */

struct io {
	struct secondary_io io;
	struct bio bio;
	struct bio_vec vec;
	u8 (*data)[512];
	unsigned int sectors;
	struct completion done;
};

static void answered(struct bio *bio)
{
	complete(&container_of(bio, struct io, bio)->done);
}

void dm_accept_partial_bio(struct bio *bio, unsigned int sectors)
{
	struct io *io = container_of(bio, struct io, bio);

	EXPECT(sectors && sectors < bio_sectors(bio), "%u of %u sectors", sectors,
	       bio_sectors(bio));
	bio->bi_iter.bi_size = sectors * 512;
	io->sectors = sectors;
}

void zero_fill_bio(struct bio *bio)
{
	memset(container_of(bio, struct io, bio)->data, 0, bio->bi_iter.bi_size);
}

/* What the device below does with it: a sector at a time, for the pages' sake. */
static int do_below(struct io *io)
{
	u8 *bounce = kmalloc(FORMAT_BLOCK_SIZE, GFP_NOIO);
	unsigned int i;
	int error = 0;

	for (i = 0; i < bio_sectors(&io->bio) && !error; i++) {
		struct bio_vec vec = { bounce, 512, 0 };
		struct bio one = {
			.bi_bdev = io->bio.bi_bdev,
			.bi_opf = io->bio.bi_opf,
			.bi_iter.bi_sector = io->bio.bi_iter.bi_sector + i,
			.bi_io_vec = &vec,
		};

		memcpy(bounce, io->data[i], 512);
		if (bio_op(&one) == REQ_OP_DISCARD || bio_op(&one) == REQ_OP_WRITE_ZEROES) {
			memset(bounce, 0, 512);
			one.bi_opf = REQ_OP_WRITE;
		}
		error = submit_bio_wait(&one);
		if (bio_op(&one) == REQ_OP_READ)
			memcpy(io->data[i], bounce, 512);
	}
	if (!bio_sectors(&io->bio) || io->bio.bi_opf & REQ_FUA)
		error = error ?: blkdev_issue_flush(io->bio.bi_bdev);
	kfree(bounce);
	return error;
}

/* Now and then a device takes its time, so that others find the bio in flight. */
static bool slow;

static void below(struct io *io)
{
	blk_status_t status;

	if (slow && unit_chance(20))
		unit_sleep_us(unit_random(300));
	status = errno_to_blk_status(do_below(io));

	if (view_end_io(&io->io, &io->bio, &status) == DM_ENDIO_INCOMPLETE)
		return;
	io->bio.bi_status = status;
	complete(&io->done);
}

void submit_bio_noacct(struct bio *bio)
{
	below(container_of(bio, struct io, bio));
}

/* Return: 0, or an errno; @sectors are those that it was answered for. */
static int do_io(enum view_id view, blk_opf_t opf, u64 sector, u8 (*data)[512],
		 unsigned int *sectors)
{
	struct io io = {
		.bio = {
			.bi_opf = opf,
			.bi_iter = { .bi_sector = sector, .bi_size = *sectors * 512 },
			.bi_end_io = answered,
		},
		.data = data,
		.sectors = *sectors,
	};

	init_completion(&io.done);
	if (view_map(s, &io.io, &io.bio, view) == DM_MAPIO_REMAPPED)
		below(&io);
	wait_for_completion(&io.done);
	*sectors = io.sectors;
	return blk_status_to_errno(io.bio.bi_status);
}

/*
 * ---- Views ----
 */

static bool is_refused(enum view_id view)
{
	if (view == VIEW_INBOUND)
		return m.inbound_closed;
	return m.stage == STAGE_NONE;
}

static void check_views(void)
{
	static u8 data[MOST][512];
	unsigned int n, i, view;
	u64 sector;
	int error;
	u32 found;

	/* a failed flush may have lost what is not in a checkpoint */
	for (view = 0; view < VIEWS; view++) {
		for (sector = 0; sector < LEN; sector += n) {
			n = min(1 + unit_random(MOST), LEN - sector);
			memset(data, 0xee, sizeof(data));
			error = do_io(view, REQ_OP_READ, sector, data, &n);
			EXPECT(!error == !is_refused(view), "view %u, stage %u: a read ends with %d",
			       view, m.stage, error);
			for (i = 0; !error && !buffer->lost && i < n; i++) {
				memcpy(&found, data[i], sizeof(found));
				EXPECT(found == m.view[view][sector + i],
				       "view %u, stage %u, epoch %llu: sector %llu has %u, not %u",
				       view, m.stage, (unsigned long long)m.epoch,
				       (unsigned long long)sector + i, found,
				       m.view[view][sector + i]);
			}
		}
	}
	EXPECT(r->stage == m.stage, "stage %u, not %u", r->stage, m.stage);
	EXPECT(r->epoch == m.epoch, "epoch %llu, not %llu", (unsigned long long)r->epoch,
	       (unsigned long long)m.epoch);
}

/* A plain view's writes are the other one's too. */
static void model_write(enum view_id view, u64 sector, u32 number)
{
	m.view[view][sector] = number;
	if (m.stage != STAGE_RUNNING) {
		m.view[!view][sector] = number;
		m.checkpoint[sector] = number;
	}
}

static void write_some(enum view_id view)
{
	static u8 data[MOST][512];
	static const unsigned int ops[] = {
		REQ_OP_WRITE, REQ_OP_WRITE, REQ_OP_WRITE, REQ_OP_DISCARD, REQ_OP_WRITE_ZEROES,
	};
	unsigned int op = ops[unit_random(ARRAY_SIZE(ops))], n, i;
	u64 sector = unit_random(LEN);
	u32 number;
	int error;

	n = min(1 + unit_random(MOST), LEN - sector);
	number = ++numbers;
	for (i = 0; i < n; i++)
		memcpy(data[i], &number, sizeof(number));
	error = do_io(view, op, sector, data, &n);
	if (is_refused(view) || m.doubt) {
		EXPECT(error, "view %u, stage %u: a write is taken", view, m.stage);
		return;
	}
	EXPECT(!error, "view %u, stage %u: a write ends with %d", view, m.stage, error);
	for (i = 0; i < n; i++)
		model_write(view, sector + i, op == REQ_OP_WRITE ? number : 0);
}

static void flush_view(enum view_id view)
{
	unsigned int n = 0;
	int error = do_io(view, REQ_OP_WRITE | REQ_PREFLUSH, 0, NULL, &n);

	EXPECT(!error == (!is_refused(view) && !m.doubt), "a flush ends with %d", error);
}

static void use_views(unsigned int times)
{
	while (times--)
		write_some(unit_random(VIEWS));
	check_views();
}

/*
 * ---- Transitions ----
 */

static void set_up(void)
{
	char why[256] = "";
	int error;

	r = secondary_new(NULL, disk, buffer, LEN, why, sizeof(why));
	EXPECT(!IS_ERR(r), "no secondary: %ld, %s", PTR_ERR(r), why);
	s = to_secondary(r);
	mutex_lock(&r->lock);
	error = r->kind->resume(r, true);
	mutex_unlock(&r->lock);
	EXPECT(!error, "it does not come back: %d", error);
}

static void tear_down(void)
{
	r->kind->quiesce(r);
	r->kind->abandon(r);
	r->kind->destroy(r);
	rcu_barrier();
}

static void begin(void)
{
	static bool booted;

	if (!booted)
		maple_tree_init();
	booted = true;
	disk = disk_new(LEN);
	buffer = disk_new(BUFFER_SECTORS);
	memset(&m, 0, sizeof(m));
	set_up();
	check_views();
}

static void end(void)
{
	tear_down();
	disk_free(disk);
	disk_free(buffer);
}

static void start(void)
{
	struct replication_reason why = { };
	int error;

	mutex_lock(&r->lock);
	error = r->kind->start(r, &why);
	/* as repl_start() does */
	if (!error)
		repl_set_stage(r, STAGE_RUNNING);
	mutex_unlock(&r->lock);
	EXPECT(!error, "start: %d, %s", error, why.text);
	m.stage = STAGE_RUNNING;
	m.inbound_closed = false;
	m.epoch++;
	memcpy(m.view[VIEW_ACTIVE], m.view[VIEW_INBOUND], sizeof(m.checkpoint));
	memcpy(m.checkpoint, m.view[VIEW_INBOUND], sizeof(m.checkpoint));
	check_views();
}

/* All steps of it, or fewer: another member of the group may fail. */
static int checkpoint(bool all)
{
	struct replication_reason why = { };
	int error;

	mutex_lock(&r->lock);
	error = r->kind->prepare(r, &why);
	if (!error) {
		if (all || unit_chance(50))
			r->kind->pause(r);
		error = all ? r->kind->commit(r, &why) : -ECANCELED;
		r->kind->finish(r);
	}
	mutex_unlock(&r->lock);
	flush_workqueue(s->bg_wq);
	rcu_barrier();
	if (!error) {
		m.epoch++;
		m.doubt = false;
		memcpy(m.checkpoint, m.view[VIEW_INBOUND], sizeof(m.checkpoint));
		memcpy(m.view[VIEW_ACTIVE], m.checkpoint, sizeof(m.checkpoint));
	} else if (s->buffer.doubt) {
		/* what the superblock written last may say */
		if (!m.doubt)
			memcpy(m.doubtful, m.view[VIEW_INBOUND], sizeof(m.doubtful));
		m.doubt = true;
	} else {
		m.doubt = false;
	}
	check_views();
	return error;
}

static void stop(bool failover)
{
	struct replication_reason why = { };
	enum view_id view = failover ? VIEW_ACTIVE : VIEW_INBOUND;
	int error;

	mutex_lock(&r->lock);
	error = r->kind->stop(r, failover, &why);
	mutex_unlock(&r->lock);
	EXPECT(!error, "stop: %d, %s", error, why.text);
	m.stage = STAGE_FAILOVER;
	m.inbound_closed = failover;
	m.epoch += !failover;
	memcpy(m.checkpoint, m.view[view], sizeof(m.checkpoint));
	memcpy(m.view[!view], m.checkpoint, sizeof(m.checkpoint));
	check_views();
}

/* The host goes down, and comes back with what is durable. */
static void crash(void)
{
	disk->off = true;
	buffer->off = true;
	tear_down();
	disk_crash(disk);
	disk_crash(buffer);
	set_up();
	if (m.doubt && r->epoch == m.epoch + 1) {
		memcpy(m.checkpoint, m.doubtful, sizeof(m.checkpoint));
		m.epoch++;
	}
	m.doubt = false;
	memcpy(m.view[VIEW_INBOUND], m.checkpoint, sizeof(m.checkpoint));
	memcpy(m.view[VIEW_ACTIVE], m.checkpoint, sizeof(m.checkpoint));
	check_views();
}

/*
 * ---- Tests ----
 */

static void life(void)
{
	unsigned int round, i, rounds = unit_rounds(12);
	bool failover;

	for (round = 0; round < rounds; round++) {
		begin();
		use_views(20);
		flush_view(VIEW_INBOUND);
		start();
		for (i = unit_random(6); i--; ) {
			use_views(15);
			if (unit_chance(20))
				flush_view(unit_random(VIEWS));
			EXPECT(unit_chance(20) ? checkpoint(false) : !checkpoint(true),
			       "no checkpoint, or one though the group failed");
		}
		use_views(15);
		failover = unit_chance(50);
		stop(failover);
		use_views(30);
		flush_view(VIEW_ACTIVE);
		end();
	}
}

static void crashes(void)
{
	unsigned int round, i, rounds = unit_rounds(20);

	for (round = 0; round < rounds; round++) {
		begin();
		use_views(10);
		start();
		for (i = unit_random(10); i--; ) {
			use_views(10);
			if (unit_chance(30))
				crash();
			else
				checkpoint(unit_chance(80));
		}
		if (unit_chance(60)) {
			use_views(10);
			stop(unit_chance(70));
			use_views(10);
			/* what is owed after it, and nothing that is not flushed */
			flush_view(VIEW_ACTIVE);
			crash();
		}
		end();
	}
}

/* A buffer that fails: the last checkpoint stays, or the one that failed is found. */
static void failures(void)
{
	unsigned int round, i, failed = 0, rounds = unit_rounds(40);

	for (round = 0; round < rounds; round++) {
		begin();
		start();
		for (i = 0; i < 4 && !buffer->lost; i++) {
			if (!m.doubt)
				use_views(10);
			/* the data's writes are not to fail, nor is all to do so */
			buffer->write_fails = unit_random(4);
			buffer->flush_fails = unit_chance(30) ? 2 : 0;
			failed += !!checkpoint(true);
			buffer->write_fails = 0;
			buffer->flush_fails = 0;
		}
		if (m.doubt)
			write_some(unit_random(VIEWS));
		crash();
		use_views(10);
		end();
	}
	EXPECT(failed > rounds / 4, "%u checkpoints failed: not much of a test", failed);
}

/* More checkpoints than there may be committed layers: they are folded. */
static void many_epochs(void)
{
	unsigned int i;

	begin();
	start();
	for (i = 0; i < 3 * MAX_COMMITTED; i++) {
		use_views(4);
		EXPECT(!checkpoint(true), "checkpoint %u fails", i);
	}
	crash();
	use_views(4);
	end();
}

/* Writers and readers beside checkpoints: what was acknowledged is read. */
#define WRITERS		3

static u32 acknowledged[WRITERS];
static int writers_left = WRITERS;

static u32 read_active(unsigned int sector)
{
	u8 data[1][512] = { };
	unsigned int n = 1;
	u32 found;

	EXPECT(!do_io(VIEW_ACTIVE, REQ_OP_READ, sector, data, &n), "a read fails");
	memcpy(&found, data, sizeof(found));
	return found;
}

/* What is in a checkpoint does not change any more. */
static void check_checkpoint(void)
{
	u32 before[WRITERS], found;
	unsigned int i;

	for (i = 0; i < WRITERS; i++)
		before[i] = read_active(i);
	unit_sleep_us(400);
	for (i = 0; i < WRITERS; i++) {
		found = read_active(i);
		EXPECT(found == before[i], "sector %u of the checkpoint has %u, it had %u", i,
		       found, before[i]);
	}
}

static void stage_thread(unsigned int nr)
{
	unsigned int i, n, rounds = unit_rounds(400);
	struct replication_reason why;
	u8 data[1][512] = { };
	u32 found;

	if (nr == WRITERS) {
		/* nothing is merged: each one takes a segment */
		for (i = 0; i < SEGMENTS / 2; i++) {
			if (!__atomic_load_n(&writers_left, __ATOMIC_RELAXED))
				break;
			mutex_lock(&r->lock);
			if (!r->kind->prepare(r, &why)) {
				r->kind->pause(r);
				EXPECT(!r->kind->commit(r, &why), "%s", why.text);
				r->kind->finish(r);
			}
			mutex_unlock(&r->lock);
			check_checkpoint();
			rcu_barrier();
		}
		return;
	}
	for (i = 0; i < rounds; i++) {
		u32 number = ++acknowledged[nr];

		n = 1;
		memcpy(data, &number, sizeof(number));
		EXPECT(!do_io(VIEW_INBOUND, REQ_OP_WRITE, nr, data, &n), "a write fails");
		memset(data, 0, sizeof(data));
		n = 1;
		EXPECT(!do_io(VIEW_INBOUND, REQ_OP_READ, nr, data, &n), "a read fails");
		memcpy(&found, data, sizeof(found));
		EXPECT(found == number, "sector %u has %u, not %u", nr, found, number);
		/* the active view has what a checkpoint gave it, never more */
		found = read_active(nr);
		EXPECT(found <= number, "sector %u of the active view has %u, not up to %u", nr,
		       found, number);
	}
	__atomic_fetch_sub(&writers_left, 1, __ATOMIC_RELAXED);
}

static void threads(void)
{
	begin();
	start();
	slow = true;
	unit_threads(WRITERS + 1, stage_thread);
	end();
}

const char *unit_part = "stages";

const struct unit_test unit_tests[] = {
	{ "start, checkpoints, stop and failover", life },
	{ "a crash leads back to the last checkpoint", crashes },
	{ "a checkpoint that fails leaves all as it was", failures },
	{ "more checkpoints than layers", many_epochs },
	{ "views beside checkpoints", threads },
	{ }
};
