// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk with a volatile cache that tells what it was asked for, in which
 * order. Its table is
 *
 *	0 <length> recorder <number>
 *
 * All such devices share one log, <debugfs>/recorder: each write and flush when
 * it comes in and when it is answered, with its data, see recorder.h. So what
 * a loss of power may leave is known exactly: of each device what was answered
 * before a flush was sent that was answered, or had FUA and was answered; and
 * any part of all else that was sent. dm-log-writes cannot tell: it writes
 * down what was flushed when it is, and does not know which device a flush was
 * for when two of them are parts of one.
 *
 * Messages, to any of the devices:
 *
 *	record SEED	begin a new log; from now on writes and flushes are
 *			answered a little later and in any order
 *	pass		log nothing, answer at once
 *	mark N		note the number N in the log
 *	fail N		this device answers what is recorded with an error from
 *			now on, unless N is 0
 *
 * The content is in memory, all zeroes at first. A write gets there when it is
 * answered.
 */
#include <linux/bio.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/device-mapper.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "recorder.h"

#define DM_MSG_PREFIX "recorder"

#define PATIENCE	24

static unsigned int log_mib = 128;
module_param(log_mib, uint, 0444);
MODULE_PARM_DESC(log_mib, "Room for the log in MiB");

/**
 * struct recorder - one device
 * @number: from the table
 * @bytes: its length
 * @memory: its content
 * @failing: what is recorded fails
 */
struct recorder {
	unsigned int number;
	bool failing;
	u64 bytes;
	u8 *memory;
};

/**
 * struct held - a bio that is not answered yet; dm core's per-bio data
 * @list: in held_bios
 * @r: the device
 * @bio: dm core's clone
 * @iter: of @bio as it came in
 * @id: in the log
 * @patience: times it is not answered yet though chosen
 */
struct held {
	struct list_head list;
	struct recorder *r;
	struct bio *bio;
	struct bvec_iter iter;
	u64 id;
	unsigned int patience;
};

static DEFINE_SPINLOCK(lock);		/* all that follows */
static struct debugfs_blob_wrapper events;
static size_t room;
static bool recording, full;
static u64 last_id;
static LIST_HEAD(held_bios);
static unsigned int nr_held;
static u64 choice;

static struct dentry *file;
static struct workqueue_struct *answers;

static void do_answer(struct work_struct *work);
static DECLARE_WORK(answer_work, do_answer);

/* --- The log; its lock is held */

static void *append(struct recorder_event event)
{
	struct recorder_event *e = events.data + events.size;
	size_t size = sizeof(event) + event.bytes;

	if (full)
		return NULL;
	if (events.size + size + sizeof(event) > room) {
		full = true;
		event = (struct recorder_event) { .type = RECORDER_FULL };
		size = sizeof(event);
	}
	*e = event;
	events.size += size;
	return full ? NULL : e + 1;
}

static enum recorder_op op_of(const struct bio *bio)
{
	if (!bio_sectors(bio))
		return RECORDER_FLUSH;
	return bio_op(bio) == REQ_OP_WRITE ? RECORDER_WRITE : RECORDER_ZERO;
}

static void log_submit(struct held *h)
{
	struct bio *bio = h->bio;
	struct recorder_event event = {
		.type = RECORDER_SUBMIT,
		.device = h->r->number,
		.id = h->id,
		.sector = bio->bi_iter.bi_sector,
		.sectors = bio_sectors(bio),
		.op = op_of(bio),
		.flags = bio->bi_opf & REQ_FUA ? RECORDER_FUA : 0,
	};
	struct bvec_iter iter;
	struct bio_vec v;
	u8 *data;

	if (event.op == RECORDER_WRITE)
		event.bytes = bio->bi_iter.bi_size;
	data = append(event);
	if (!data || event.op != RECORDER_WRITE)
		return;
	bio_for_each_segment(v, bio, iter) {
		memcpy_from_bvec(data, &v);
		data += v.bv_len;
	}
}

/* --- The content */

static void transfer(struct recorder *r, struct bio *bio, struct bvec_iter iter)
{
	u8 *at = r->memory + (iter.bi_sector << SECTOR_SHIFT);
	struct bvec_iter i;
	struct bio_vec v;

	switch (bio_op(bio)) {
	case REQ_OP_READ:
		__bio_for_each_segment(v, bio, i, iter) {
			memcpy_to_bvec(&v, at);
			at += v.bv_len;
		}
		break;
	case REQ_OP_WRITE:
		__bio_for_each_segment(v, bio, i, iter) {
			memcpy_from_bvec(at, &v);
			at += v.bv_len;
		}
		break;
	default:
		memset(at, 0, iter.bi_size);
	}
}

static u64 choose(void)
{
	choice ^= choice << 13;
	choice ^= choice >> 7;
	choice ^= choice << 17;
	return choice >> 11;
}

static struct held *any_held(void)
{
	struct held *h;
	u64 n;

	div64_u64_rem(choose(), nr_held, &n);
	list_for_each_entry(h, &held_bios, list)
		if (!n--)
			return h;
	return NULL;
}

/*
 * Any of those held, once some more had the time to come in: flushes and what
 * has FUA for longer, so that other writes overtake them.
 */
static void do_answer(struct work_struct *work)
{
	struct held *h;

	for (;;) {
		usleep_range(50, 150);
		spin_lock_irq(&lock);
		if (!nr_held) {
			spin_unlock_irq(&lock);
			break;
		}
		h = any_held();
		if (op_is_flush(h->bio->bi_opf) && h->patience) {
			h->patience--;
			spin_unlock_irq(&lock);
			continue;
		}
		list_del(&h->list);
		nr_held--;
		if (h->r->failing)
			h->bio->bi_status = BLK_STS_IOERR;
		else
			transfer(h->r, h->bio, h->iter);
		append((struct recorder_event) {
			.type = RECORDER_COMPLETE,
			.device = h->r->number,
			.id = h->id,
			.flags = h->r->failing ? RECORDER_ERROR : 0,
		});
		spin_unlock_irq(&lock);
		bio_endio(h->bio);
	}
}

/* --- The target */

static int recorder_map(struct dm_target *ti, struct bio *bio)
{
	struct held *h = dm_per_bio_data(bio, sizeof(*h));
	struct recorder *r = ti->private;
	bool hold = false;

	bio->bi_iter.bi_sector = dm_target_offset(ti, bio->bi_iter.bi_sector);
	spin_lock_irq(&lock);
	if (recording && op_is_write(bio_op(bio))) {
		hold = true;
		h->r = r;
		h->bio = bio;
		h->iter = bio->bi_iter;
		h->id = ++last_id;
		h->patience = choose() % PATIENCE;
		log_submit(h);
		list_add_tail(&h->list, &held_bios);
		nr_held++;
	} else if (bio_sectors(bio)) {
		transfer(r, bio, bio->bi_iter);
	}
	spin_unlock_irq(&lock);
	if (hold)
		queue_work(answers, &answer_work);
	else
		bio_endio(bio);
	return DM_MAPIO_SUBMITTED;
}

static int recorder_message(struct dm_target *ti, unsigned int argc, char **argv,
			    char *result, unsigned int maxlen)
{
	struct recorder *r = ti->private;
	u64 n = 0;

	if (argc > 2 || (argc == 2 && kstrtou64(argv[1], 0, &n)))
		return -EINVAL;
	spin_lock_irq(&lock);
	if (!strcmp(argv[0], "record")) {
		recording = true;
		full = false;
		events.size = 0;
		choice = n * 2 + 1;
	} else if (!strcmp(argv[0], "pass")) {
		recording = false;
	} else if (!strcmp(argv[0], "fail")) {
		r->failing = n;
	} else if (!strcmp(argv[0], "mark")) {
		append((struct recorder_event) { .type = RECORDER_MARK, .id = n });
	} else {
		spin_unlock_irq(&lock);
		return -EINVAL;
	}
	spin_unlock_irq(&lock);
	return 0;
}

static int recorder_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct recorder *r;

	if (argc != 1) {
		ti->error = "One argument is needed";
		return -EINVAL;
	}
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	r->bytes = ti->len << SECTOR_SHIFT;
	r->memory = vzalloc(r->bytes);
	if (!r->memory || kstrtouint(argv[0], 0, &r->number)) {
		ti->error = "No number, or no memory";
		vfree(r->memory);
		kfree(r);
		return -EINVAL;
	}
	ti->private = r;
	ti->per_io_data_size = sizeof(struct held);
	ti->num_flush_bios = 1;
	ti->flush_supported = true;
	ti->num_discard_bios = 1;
	ti->discards_supported = true;
	ti->num_write_zeroes_bios = 1;
	return 0;
}

static void recorder_dtr(struct dm_target *ti)
{
	struct recorder *r = ti->private;

	vfree(r->memory);
	kfree(r);
}

/* There is none below, but dm core asks before it lets write zeroes through. */
static int recorder_iterate_devices(struct dm_target *ti,
				    iterate_devices_callout_fn fn, void *data)
{
	return 0;
}

static void recorder_io_hints(struct dm_target *ti, struct queue_limits *limits)
{
	limits->max_discard_sectors = UINT_MAX;
	limits->max_hw_discard_sectors = UINT_MAX;
	limits->discard_granularity = SECTOR_SIZE;
	limits->max_write_zeroes_sectors = UINT_MAX;
}

static struct target_type recorder_target = {
	.name = "recorder",
	.version = { 1, 0, 0 },
	.module = THIS_MODULE,
	.ctr = recorder_ctr,
	.dtr = recorder_dtr,
	.map = recorder_map,
	.message = recorder_message,
	.iterate_devices = recorder_iterate_devices,
	.io_hints = recorder_io_hints,
};

static int __init recorder_init(void)
{
	int r = -ENOMEM;

	room = (size_t)log_mib << 20;
	events.data = vmalloc(room);
	answers = alloc_workqueue("recorder", WQ_MEM_RECLAIM | WQ_UNBOUND, 1);
	if (!events.data || !answers)
		goto fail;
	r = dm_register_target(&recorder_target);
	if (r)
		goto fail;
	file = debugfs_create_blob("recorder", 0400, NULL, &events);
	return 0;
fail:
	if (answers)
		destroy_workqueue(answers);
	vfree(events.data);
	return r;
}

static void __exit recorder_exit(void)
{
	debugfs_remove(file);
	dm_unregister_target(&recorder_target);
	destroy_workqueue(answers);
	vfree(events.data);
}

module_init(recorder_init);
module_exit(recorder_exit);

MODULE_DESCRIPTION("A disk that records what it is asked for, for tests");
MODULE_LICENSE("GPL");
