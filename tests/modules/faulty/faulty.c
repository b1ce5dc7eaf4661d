// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk that can be told which operations are to fail. Its table is
 *
 *	0 <length> faulty
 *
 * Its content is in memory, all zeroes at first; it takes all operations, and
 * has a volatile cache. Message:
 *
 *	fail [OP...]	from now on these are answered with an I/O error and do
 *			nothing, and no others
 *	forget [OP...]	the same, with "not supported"
 *	lose [OP...]	the same, with a medium error
 *	again [OP...]	the same to who must not wait, with "would have to"
 *	hold [OP...]	these are kept until the next message of this kind; what is
 *			to fail by then does
 *
 * OP is read, write, zeroes, discard, flush or fua (which is a write too). The
 * status line says what it was asked for and did not fail: sectors of the first
 * four, how many of the others; and how many are kept.
 */
#include <linux/atomic.h>
#include <linux/bio.h>
#include <linux/device-mapper.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#define DM_MSG_PREFIX "faulty"

enum op { OP_READ, OP_WRITE, OP_ZEROES, OP_DISCARD, OP_FLUSH, OP_FUA, OPS };

static const char * const op_names[OPS] = {
	"read", "write", "zeroes", "discard", "flush", "fua",
};

/**
 * struct faulty - one device
 * @memory: its content
 * @fail: bit per enum op
 * @forget: the same
 * @lose: the same
 * @again: the same
 * @hold: the same; under @lock
 * @lock: protects @held
 * @held: bios that are kept
 * @asked: by enum op
 */
struct faulty {
	u8 *memory;
	unsigned long fail;
	unsigned long forget;
	unsigned long lose;
	unsigned long again;
	unsigned long hold;
	spinlock_t lock;
	struct bio_list held;
	atomic64_t asked[OPS];
};

static enum op op_of(const struct bio *bio)
{
	switch (bio_op(bio)) {
	case REQ_OP_READ:
		return OP_READ;
	case REQ_OP_WRITE_ZEROES:
		return OP_ZEROES;
	case REQ_OP_DISCARD:
		return OP_DISCARD;
	default:
		return bio_sectors(bio) ? OP_WRITE : OP_FLUSH;
	}
}

static void transfer(struct faulty *f, struct bio *bio, enum op op)
{
	u8 *where = f->memory + (bio->bi_iter.bi_sector << SECTOR_SHIFT);
	struct bvec_iter iter;
	struct bio_vec vec;

	if (op == OP_ZEROES || op == OP_DISCARD) {
		memset(where, 0, bio->bi_iter.bi_size);
		return;
	}
	bio_for_each_segment(vec, bio, iter) {
		if (op == OP_READ)
			memcpy_to_bvec(&vec, where);
		else
			memcpy_from_bvec(where, &vec);
		where += vec.bv_len;
	}
}

static bool hold(struct faulty *f, struct bio *bio)
{
	bool held;

	spin_lock_irq(&f->lock);
	held = f->hold & BIT(op_of(bio));
	if (held)
		bio_list_add(&f->held, bio);
	spin_unlock_irq(&f->lock);
	return held;
}

static void answer(struct faulty *f, struct bio *bio)
{
	enum op op = op_of(bio);

	atomic64_add(op == OP_FLUSH ? 1 : bio_sectors(bio), &f->asked[op]);
	if (bio->bi_opf & REQ_FUA)
		atomic64_inc(&f->asked[OP_FUA]);
	if (op != OP_FLUSH)
		transfer(f, bio, op);
	bio_endio(bio);
}

static bool is_to_fail(const struct faulty *f, const struct bio *bio)
{
	unsigned long fail = READ_ONCE(f->fail);

	return fail & BIT(op_of(bio)) ||
	       (bio->bi_opf & REQ_FUA && fail & BIT(OP_FUA));
}

static void hold_these(struct faulty *f, unsigned long ops)
{
	struct bio_list held;
	struct bio *bio;

	spin_lock_irq(&f->lock);
	f->hold = ops;
	held = f->held;
	bio_list_init(&f->held);
	spin_unlock_irq(&f->lock);
	while ((bio = bio_list_pop(&held))) {
		if (is_to_fail(f, bio))
			bio_io_error(bio);
		else
			answer(f, bio);
	}
}

static int faulty_map(struct dm_target *ti, struct bio *bio)
{
	struct faulty *f = ti->private;
	enum op op = op_of(bio);

	if (is_to_fail(f, bio))
		return DM_MAPIO_KILL;
	if (READ_ONCE(f->forget) & BIT(op) || READ_ONCE(f->lose) & BIT(op)) {
		bio->bi_status = READ_ONCE(f->lose) & BIT(op) ?
			BLK_STS_MEDIUM : BLK_STS_NOTSUPP;
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	}
	if (bio->bi_opf & REQ_NOWAIT && READ_ONCE(f->again) & BIT(op)) {
		bio_wouldblock_error(bio);
		return DM_MAPIO_SUBMITTED;
	}
	if (!hold(f, bio))
		answer(f, bio);
	return DM_MAPIO_SUBMITTED;
}

static int faulty_message(struct dm_target *ti, unsigned int argc, char **argv,
			  char *result, unsigned int maxlen)
{
	struct faulty *f = ti->private;
	unsigned long ops = 0;
	unsigned int i;
	int op;

	for (i = 1; i < argc; i++) {
		op = match_string(op_names, OPS, argv[i]);
		if (op < 0)
			return op;
		ops |= BIT(op);
	}
	if (!strcmp(argv[0], "fail"))
		WRITE_ONCE(f->fail, ops);
	else if (!strcmp(argv[0], "forget"))
		WRITE_ONCE(f->forget, ops);
	else if (!strcmp(argv[0], "lose"))
		WRITE_ONCE(f->lose, ops);
	else if (!strcmp(argv[0], "again"))
		WRITE_ONCE(f->again, ops);
	else if (!strcmp(argv[0], "hold"))
		hold_these(f, ops);
	else
		return -EINVAL;
	return 0;
}

static void faulty_status(struct dm_target *ti, status_type_t type,
			  unsigned int flags, char *result, unsigned int maxlen)
{
	struct faulty *f = ti->private;
	unsigned int sz = 0;
	int op;

	if (type != STATUSTYPE_INFO) {
		*result = '\0';
		return;
	}
	for (op = 0; op < OPS; op++)
		DMEMIT("%s%lld", op ? " " : "",
		       (long long)atomic64_read(&f->asked[op]));
	spin_lock_irq(&f->lock);
	DMEMIT(" %u", bio_list_size(&f->held));
	spin_unlock_irq(&f->lock);
}

static int faulty_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct faulty *f;

	if (argc) {
		ti->error = "There are no arguments";
		return -EINVAL;
	}
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	f->memory = vzalloc(ti->len << SECTOR_SHIFT);
	if (!f->memory) {
		kfree(f);
		return -ENOMEM;
	}
	spin_lock_init(&f->lock);
	bio_list_init(&f->held);
	ti->private = f;
	ti->num_flush_bios = 1;
	ti->flush_supported = true;
	ti->num_discard_bios = 1;
	ti->discards_supported = true;
	ti->num_write_zeroes_bios = 1;
	return 0;
}

static void faulty_dtr(struct dm_target *ti)
{
	struct faulty *f = ti->private;

	vfree(f->memory);
	kfree(f);
}

/* There is none below, but dm core asks before it lets write zeroes through. */
static int faulty_iterate_devices(struct dm_target *ti,
				  iterate_devices_callout_fn fn, void *data)
{
	return 0;
}

static void faulty_io_hints(struct dm_target *ti, struct queue_limits *limits)
{
	limits->max_discard_sectors = UINT_MAX;
	limits->max_hw_discard_sectors = UINT_MAX;
	limits->discard_granularity = SECTOR_SIZE;
	limits->max_write_zeroes_sectors = UINT_MAX;
}

static struct target_type faulty_target = {
	.name = "faulty",
	.version = { 1, 0, 0 },
	.features = DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = faulty_ctr,
	.dtr = faulty_dtr,
	.map = faulty_map,
	.message = faulty_message,
	.status = faulty_status,
	.iterate_devices = faulty_iterate_devices,
	.io_hints = faulty_io_hints,
};

static int __init faulty_init(void)
{
	return dm_register_target(&faulty_target);
}

static void __exit faulty_exit(void)
{
	dm_unregister_target(&faulty_target);
}

module_init(faulty_init);
module_exit(faulty_exit);

MODULE_DESCRIPTION("A disk of which each operation can fail, for tests");
MODULE_LICENSE("GPL");
