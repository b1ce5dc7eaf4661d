// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log: marks of regions that outlive a crash.
 *
 * Marks are made and taken away by one ordered worker. Writes that need one
 * wait in a list while the worker writes a block; the next block takes along
 * all that came meanwhile.
 *
 * Taking away is the delicate part. A writer sets its region in the dirty map,
 * then looks whether the mark is durable; the worker takes back "durable", then
 * looks at the dirty map. With a barrier in between on both sides one of them
 * sees the other: either the mark stays, or the writer asks for it anew, and
 * the worker gets to that after the block without it is written.
 *
 * A mark may go only when the local leg's data has been made durable, and when
 * the remote leg's will be there after whatever its host goes through: both is
 * for the dirty map to know. The superblock that promises no more than that
 * goes first, together with samples of what will no longer be marked; nobody
 * writes there meanwhile, for lack of a mark.
 *
 * A block of marks that fails to be written may be there or not. That is no
 * harm: nobody was promised a new mark, and nobody needed an old one.
 */
#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "block.h"
#include "core.h"
#include "log.h"
#include "samples.h"

/* How long marks are left alone after they are no longer needed. */
#define CLEAR_DELAY	HZ

#define MARK_BYTES(blocks)	((size_t)(blocks) * FORMAT_BLOCK_MARKS / 8)

/*
 * ---- Superblocks ----
 */

struct found_log {
	struct format_log format;
	u64 sequence;
	struct format_log_state state;
};

/* @context: an array of struct found_log, one for each copy */
static bool decode_super(void *context, void *block, unsigned int copy,
			 u64 *sequence, char *why, size_t size)
{
	struct found_log *found = (struct found_log *)context + copy;

	if (!format_log_super_decode(block, copy, &found->format,
				     &found->sequence, &found->state, why, size))
		return false;
	*sequence = found->sequence;
	return true;
}

static const struct super_kind log_super = {
	.what = "dirty log",
	.magic = FORMAT_LOG_MAGIC,
	.decode = decode_super,
};

/* Is what was found the log of this primary? */
static int check_found(const struct found_log *found,
		       const struct format_log *want, const char *owner,
		       char *why, size_t size)
{
	if (found->format.leg_sectors != want->leg_sectors) {
		scnprintf(why, size,
			  "The dirty log belongs to a primary of %llu sectors, this one has %llu",
			  (unsigned long long)found->format.leg_sectors,
			  (unsigned long long)want->leg_sectors);
		return -EINVAL;
	}
	if (found->format.region_sectors != want->region_sectors) {
		scnprintf(why, size,
			  "The dirty log has a region_size of %u, the table %u",
			  found->format.region_sectors, want->region_sectors);
		return -EINVAL;
	}
	if (*owner && *found->state.owner &&
	    strcmp(owner, found->state.owner)) {
		scnprintf(why, size,
			  "The dirty log belongs to another primary: its UUID is %*pE",
			  (int)strlen(found->state.owner), found->state.owner);
		return -EINVAL;
	}
	return 0;
}

/* Return: 1 and @found, 0 for a device to be formatted, or a negative errno. */
static int find_super(struct block_device *bdev, const struct format_log *want,
		      const char *owner, struct found_log *found,
		      char *why, size_t size)
{
	struct found_log *copies;
	int r;

	if (bdev_nr_sectors(bdev) < format_log_sectors(want)) {
		scnprintf(why, size,
			  "The dirty log is too small: it has %llu sectors, %llu are needed",
			  (unsigned long long)bdev_nr_sectors(bdev),
			  (unsigned long long)format_log_sectors(want));
		return -EINVAL;
	}
	copies = kmalloc_array(FORMAT_SUPER_COPIES, sizeof(*copies), GFP_KERNEL);
	if (!copies) {
		scnprintf(why, size, "Out of memory");
		return -ENOMEM;
	}
	r = supers_read(bdev, &log_super, copies, why, size);
	if (r >= 0) {
		*found = copies[r];
		r = check_found(found, want, owner, why, size) ?: 1;
	} else if (r == -ENODATA) {
		r = 0;
	}
	kfree(copies);
	return r;
}

/**
 * log_check() - could this device be the dirty log?
 * @bdev: the device
 * @len: length of the primary in sectors
 * @region_size: sectors
 * @owner: the primary's dm UUID, or an empty string
 * @why: gets the reason of an error
 * @size: of @why in bytes
 *
 * Changes nothing.
 *
 * Context: process, sleeps.
 * Return: 0 or a negative errno.
 */
int log_check(struct block_device *bdev, sector_t len, unsigned int region_size,
	      const char *owner, char *why, size_t size)
{
	struct format_log want;
	struct found_log *found;
	int r;

	if (!format_log_geometry(&want, len, region_size)) {
		scnprintf(why, size, "Too many regions: raise region_size");
		return -E2BIG;
	}
	found = kmalloc(sizeof(*found), GFP_KERNEL);
	if (!found) {
		scnprintf(why, size, "Out of memory");
		return -ENOMEM;
	}
	r = find_super(bdev, &want, owner, found, why, size);
	kfree(found);
	return min(r, 0);
}

/* Over the copy that is not the live one. */
static int write_super(struct dirty_log *log,
		       const struct format_log_state *state)
{
	u64 sequence = log->sequence + 1;
	int error;

	lockdep_assert_held(&log->super_lock);
	/* what would be refused when it is read */
	if (log->sequence >= FORMAT_MAX_COUNT || state->epoch > FORMAT_MAX_COUNT)
		return -EOVERFLOW;
	format_log_super_encode(log->super, &log->format, sequence, state);
	error = block_io(log->bdev, REQ_OP_WRITE | REQ_SYNC | REQ_META | REQ_FUA,
			 (sequence % FORMAT_SUPER_COPIES) * FORMAT_BLOCK_SECTORS,
			 log->super);
	if (!error) {
		log->sequence = sequence;
		log->state = *state;
	}
	return error;
}

static void fault(struct dirty_log *log, int error, const char *op,
		  unsigned long region, const char *text)
{
	repl_fault(log->r, error, "dirty_log", op,
		   (sector_t)region << log->map->shift, text);
}

/*
 * ---- Marks ----
 */

static void *block_marks(struct dirty_log *log, u32 block)
{
	return log->marks + MARK_BYTES(block);
}

static int write_marks(struct dirty_log *log, u32 block, blk_opf_t flags)
{
	unsigned int i;

	memset(log->block, 0, FORMAT_BLOCK_SIZE);
	for (i = 0; i < FORMAT_BLOCK_SECTORS; i++) {
		memcpy(log->block[i].bits,
		       block_marks(log, block) + i * FORMAT_MARKS_SIZE,
		       FORMAT_MARKS_SIZE);
		format_marks_encode(&log->block[i], &log->format,
				    block * FORMAT_BLOCK_SECTORS + i);
	}
	return block_io(log->bdev, REQ_OP_WRITE | REQ_META | flags,
			FORMAT_FIRST_MARKS + (sector_t)block * FORMAT_BLOCK_SECTORS,
			log->block);
}

static int read_marks(struct dirty_log *log, u32 block, char *why, size_t size)
{
	sector_t sector = FORMAT_FIRST_MARKS +
			  (sector_t)block * FORMAT_BLOCK_SECTORS;
	char wrong[64];
	unsigned int i;
	int error;

	error = block_io(log->bdev, REQ_OP_READ, sector, log->block);
	if (error) {
		scnprintf(why, size,
			  "Cannot read the dirty log at sector %llu: error %d",
			  (unsigned long long)sector, error);
		return error;
	}
	for (i = 0; i < FORMAT_BLOCK_SECTORS; i++) {
		if (!format_marks_check(&log->block[i], &log->format,
					block * FORMAT_BLOCK_SECTORS + i,
					wrong, sizeof(wrong))) {
			scnprintf(why, size,
				  "The dirty log is damaged at sector %llu: %s; zero its first 4096 bytes to give it up and copy everything",
				  (unsigned long long)sector + i, wrong);
			return -EUCLEAN;
		}
		memcpy(block_marks(log, block) + i * FORMAT_MARKS_SIZE,
		       log->block[i].bits, FORMAT_MARKS_SIZE);
	}
	return 0;
}

/* All writes of @list that need a mark in the first one's block. */
static void mark_block(struct dirty_log *log, struct list_head *list)
{
	struct mark_wait *wait = list_first_entry(list, struct mark_wait, list);
	u32 block = wait->region / FORMAT_BLOCK_MARKS;
	struct mark_wait *next;
	LIST_HEAD(these);
	bool all = true;
	int error = 0;

	list_for_each_entry_safe(wait, next, list, list) {
		if (wait->region / FORMAT_BLOCK_MARKS != block)
			continue;
		list_move_tail(&wait->list, &these);
		__set_bit_le(wait->region, log->marks);
		all &= log_marked(log, wait->region);
	}
	if (!all)
		error = write_marks(log, block, REQ_SYNC | REQ_FUA);
	if (error)
		fault(log, error, "write",
		      list_first_entry(&these, struct mark_wait, list)->region,
		      "the region could not be marked");
	list_for_each_entry_safe(wait, next, &these, list) {
		if (!error)
			set_bit(wait->region, log->durable);
		/* it may be gone then */
		wait->marked(wait, error);
	}
}

static void do_mark(struct work_struct *work)
{
	struct dirty_log *log = container_of(work, struct dirty_log, mark_work);
	LIST_HEAD(list);

	spin_lock_irq(&log->lock);
	list_splice_init(&log->waiting, &list);
	spin_unlock_irq(&log->lock);
	while (!list_empty(&list))
		mark_block(log, &list);
}

/**
 * log_mark() - make a region's mark durable
 * @log: the log
 * @wait: region and marked are set
 *
 * Context: any; does not sleep.
 */
void log_mark(struct dirty_log *log, struct mark_wait *wait)
{
	unsigned long flags;

	spin_lock_irqsave(&log->lock, flags);
	list_add_tail(&wait->list, &log->waiting);
	spin_unlock_irqrestore(&log->lock, flags);
	queue_work(log->wq, &log->mark_work);
}

struct mark_sleeper {
	struct mark_wait wait;
	struct completion done;
	int error;
};

static void wake_sleeper(struct mark_wait *wait, int error)
{
	struct mark_sleeper *s = container_of(wait, struct mark_sleeper, wait);

	s->error = error;
	complete(&s->done);
}

/**
 * log_mark_sync() - make a region's mark durable, and wait for it
 * @log: the log
 * @region: which
 *
 * Context: process, sleeps; not from the log's worker.
 * Return: 0 or a negative errno.
 */
int log_mark_sync(struct dirty_log *log, unsigned long region)
{
	struct mark_sleeper s = {
		.wait.region = region,
		.wait.marked = wake_sleeper,
	};

	init_completion(&s.done);
	log_mark(log, &s.wait);
	wait_for_completion(&s.done);
	return s.error;
}

/*
 * ---- Taking marks away ----
 */

static unsigned long sample_region(struct dirty_log *log, unsigned int i)
{
	return dirty_region(log->map,
			    format_sample_sector(log->format.leg_sectors, i));
}

/* Of what has no mark: nobody writes there. */
static void take_samples(struct dirty_log *log, struct format_log_state *state,
			 unsigned long first, unsigned long last)
{
	unsigned int i;

	for (i = 0; i < FORMAT_SAMPLES; i++) {
		unsigned long region = sample_region(log, i);

		if (region >= first && region <= last &&
		    !test_bit_le(region, log->marks) &&
		    !log_marked(log, region))
			state->sample[i] = sample_take(log->leg,
						       log->format.leg_sectors,
						       i, log->block);
	}
}

/* Takes back what is not needed in a block. Return: how many marks. */
static unsigned int unmark(struct dirty_log *log, unsigned long first,
			   unsigned long last)
{
	unsigned long region = first;
	unsigned int n = 0;

	for_each_set_bit_from(region, log->durable, last + 1) {
		if (dirty_needed(log->map, region))
			continue;
		clear_bit(region, log->durable);
		smp_mb__after_atomic(); /* pairs with dirty_sent() and dirty_set() */
		if (dirty_needed(log->map, region)) {
			set_bit(region, log->durable);
			continue;
		}
		__clear_bit_le(region, log->marks);
		n++;
	}
	return n;
}

static void clear_block(struct dirty_log *log, u32 block)
{
	unsigned long first = (unsigned long)block * FORMAT_BLOCK_MARKS, region;
	unsigned long last = min_t(unsigned long, log->format.regions,
				   first + FORMAT_BLOCK_MARKS) - 1;
	struct format_log_state state;
	int error;

	memcpy(log->undo, block_marks(log, block), MARK_BYTES(1));
	if (!unmark(log, first, last))
		return;

	smp_rmb(); /* pairs with log_clear() */
	mutex_lock(&log->super_lock);
	state = log->state;
	state.base = max(state.base, READ_ONCE(log->cleared));
	state.epoch = max(state.epoch, state.base);
	take_samples(log, &state, first, last);
	error = write_super(log, &state);
	mutex_unlock(&log->super_lock);
	if (error) {
		/* they are still there */
		for (region = first; region <= last; region++) {
			if (test_bit_le(region - first, log->undo) &&
			    !test_bit_le(region, log->marks)) {
				__set_bit_le(region, log->marks);
				set_bit(region, log->durable);
			}
		}
		fault(log, error, "write", first, "its superblock failed");
		return;
	}
	error = write_marks(log, block, 0);
	if (error)
		fault(log, error, "write", first, "old marks may stay");
}

static void do_clear(struct work_struct *work)
{
	struct dirty_log *log = container_of(to_delayed_work(work),
					     struct dirty_log, clear_work);

	clear_block(log, log->clear_from);
	if (++log->clear_from < log->format.blocks) {
		/* marks that are waited for come in between */
		queue_delayed_work(log->wq, &log->clear_work, 0);
		return;
	}
	log->clear_from = 0;
}

/**
 * log_clear() - some marks are about to become useless
 * @log: the log
 * @base: the dirty map still holds all that was written since this checkpoint
 *
 * To be called before the dirty map forgets what was written earlier. The marks
 * are taken away later.
 *
 * Context: any.
 */
void log_clear(struct dirty_log *log, u64 base)
{
	WRITE_ONCE(log->cleared, base);
	smp_wmb(); /* then the dirty map; pairs with clear_block() */
	queue_delayed_work(log->wq, &log->clear_work, CLEAR_DELAY);
}

/**
 * log_note() - note the number of a checkpoint
 * @log: the log
 * @epoch: it
 *
 * An error is recorded and no more: the checkpoint is the remote leg's.
 *
 * Context: process, sleeps.
 */
void log_note(struct dirty_log *log, u64 epoch)
{
	struct format_log_state state;
	int error;

	mutex_lock(&log->super_lock);
	state = log->state;
	state.epoch = epoch;
	error = write_super(log, &state);
	mutex_unlock(&log->super_lock);
	if (error)
		fault(log, error, "write", 0,
		      "the checkpoint's number could not be noted");
}

/**
 * log_base() - since when are the marks complete?
 * @log: the log
 *
 * Context: process, sleeps.
 * Return: the number of a checkpoint.
 */
u64 log_base(struct dirty_log *log)
{
	u64 base;

	mutex_lock(&log->super_lock);
	base = max(log->state.base, READ_ONCE(log->cleared));
	mutex_unlock(&log->super_lock);
	return base;
}

/*
 * ---- Life ----
 */

/* Marks first: as long as there is no superblock nobody believes them. */
static int format_log(struct dirty_log *log, bool all)
{
	struct format_log_state state = { };
	unsigned long region;
	int error = 0;
	u32 block;

	generate_random_uuid(log->format.uuid);
	strscpy(state.owner, log->owner, sizeof(state.owner));
	for (region = 0; all && region < log->format.regions; region++)
		__set_bit_le(region, log->marks);
	for (block = 0; !error && block < log->format.blocks; block++)
		error = write_marks(log, block, 0);
	if (!error)
		error = blkdev_issue_flush(log->bdev);
	take_samples(log, &state, 0, log->format.regions - 1);
	/* copy 0 last: without it the device counts as not formatted */
	mutex_lock(&log->super_lock);
	log->sequence = 0;
	if (!error)
		error = write_super(log, &state);
	if (!error)
		error = write_super(log, &state);
	mutex_unlock(&log->super_lock);
	return error;
}

static bool sample_stale(void *context, sector_t sector)
{
	struct dirty_log *log = context;

	return test_bit_le(dirty_region(log->map, sector), log->marks);
}

static int check_leg(struct dirty_log *log, char *why, size_t size)
{
	sector_t where;
	int error = samples_compare(log->leg, log->format.leg_sectors,
				    log->state.sample, sample_stale, log,
				    &where);

	if (error == -EUCLEAN)
		scnprintf(why, size,
			  "The local leg is not the dirty log's, or was written to by others: sector %llu differs; zero the log's first 4096 bytes to copy everything",
			  (unsigned long long)where);
	else if (error)
		scnprintf(why, size,
			  "Cannot read the local leg at sector %llu: error %d",
			  (unsigned long long)where, error);
	return error;
}

static int recover_log(struct dirty_log *log, const struct found_log *found,
		       char *why, size_t size)
{
	int error = 0;
	u32 block;

	log->format = found->format;
	log->sequence = found->sequence;
	log->state = found->state;
	log->cleared = found->state.base;
	for (block = 0; !error && block < log->format.blocks; block++)
		error = read_marks(log, block, why, size);
	if (!error)
		error = check_leg(log, why, size);
	/* a log that was made without a UUID belongs to whoever has one */
	strscpy(log->state.owner, *log->owner ? log->owner : found->state.owner,
		sizeof(log->state.owner));
	return error;
}

/**
 * log_open() - format a new log, or read an old one
 * @log: the log
 * @all: every region of a new log is marked
 * @epoch: gets the last checkpoint that an old log knows of
 * @why: gets the reason of an error
 * @size: of @why in bytes
 *
 * Sets in the dirty map what is marked. Nobody writes to the legs yet.
 *
 * Context: process, sleeps; the device's I/O is nobody else's.
 * Return: 1 for an old log, 0 for a new one, or a negative errno.
 */
int log_open(struct dirty_log *log, bool all, u64 *epoch, char *why, size_t size)
{
	struct found_log *found;
	unsigned long region;
	int r, error;

	found = kmalloc(sizeof(*found), GFP_KERNEL);
	if (!found) {
		scnprintf(why, size, "Out of memory");
		return -ENOMEM;
	}
	memset(log->marks, 0, MARK_BYTES(log->format.blocks));
	r = find_super(log->bdev, &log->format, log->owner, found, why, size);
	if (r == 1) {
		error = recover_log(log, found, why, size);
	} else if (!r) {
		error = format_log(log, all);
		if (error)
			scnprintf(why, size,
				  "Cannot format the dirty log: error %d", error);
	} else {
		error = r;
	}
	kfree(found);
	if (error)
		return error;
	for (region = 0; region < log->format.regions; region++) {
		if (test_bit_le(region, log->marks)) {
			set_bit(region, log->durable);
			dirty_set(log->map, region);
		}
	}
	*epoch = log->state.epoch;
	return r;
}

/**
 * log_new() - make the log of a new primary
 * @r: the replication
 * @bdev: where it is
 * @leg: the local leg
 * @map: the dirty map, set up; outlives the log
 *
 * No I/O yet. Given back with log_free().
 *
 * Return: the log, or NULL when out of memory.
 */
struct dirty_log *log_new(struct repl *r, struct block_device *bdev,
			  struct block_device *leg, struct dirty_map *map)
{
	struct dirty_log *log = kzalloc(sizeof(*log), GFP_KERNEL);

	if (!log)
		return NULL;
	log->r = r;
	log->bdev = bdev;
	log->leg = leg;
	log->map = map;
	log->owner = r->uuid;
	mutex_init(&log->super_lock);
	spin_lock_init(&log->lock);
	INIT_LIST_HEAD(&log->waiting);
	INIT_WORK(&log->mark_work, do_mark);
	INIT_DELAYED_WORK(&log->clear_work, do_clear);
	format_log_geometry(&log->format, r->len, 1U << map->shift);
	log->super = kmalloc(FORMAT_BLOCK_SIZE, GFP_KERNEL);
	log->block = kmalloc(FORMAT_BLOCK_SIZE, GFP_KERNEL);
	log->undo = kmalloc(MARK_BYTES(1), GFP_KERNEL);
	log->marks = kvzalloc(MARK_BYTES(log->format.blocks), GFP_KERNEL);
	log->durable = kvcalloc(BITS_TO_LONGS(map->regions), sizeof(long),
				GFP_KERNEL);
	log->wq = alloc_ordered_workqueue("dm-repl-log/%s", WQ_MEM_RECLAIM,
					  dm_device_name(r->md));
	if (log->super && log->block && log->undo && log->marks &&
	    log->durable && log->wq)
		return log;
	log_free(log);
	return NULL;
}

/**
 * log_free() - the counterpart of log_new()
 * @log: quiet for good, or NULL
 */
void log_free(struct dirty_log *log)
{
	if (!log)
		return;
	if (log->wq)
		destroy_workqueue(log->wq);
	kvfree(log->durable);
	kvfree(log->marks);
	kfree(log->undo);
	kfree(log->block);
	kfree(log->super);
	kfree(log);
}

/**
 * log_quiesce() - take away what can be, and end all I/O
 * @log: the log; no write is in flight
 *
 * Context: process, sleeps.
 */
void log_quiesce(struct dirty_log *log)
{
	while (flush_delayed_work(&log->clear_work))
		;
	flush_work(&log->mark_work);
}
