// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-replication: checkpointed block replication.
 *
 * The target: its table lines, messages and status lines, and which part of
 * the module each bio goes to. How the parts work is theirs to know:
 *
 *	dm-replication.c	the target
 *	  core.c		a mapped device's replication, over its tables
 *	  registry.c		groups of replication states
 *	  primary.c		the sending side: stages, failures, checkpoints
 *	    legs.c		  the path of a bio to both legs
 *	    behind.c		  copies on their way to the remote leg
 *	    resync.c		  copies what the remote leg lacks
 *	    verify.c		  compares the legs
 *	    repair.c		  reads what the local leg cannot
 *	    region.c		  what these three do with a region
 *	    dirty.c		  what the remote leg lacks
 *	    log.c		  the same, durable
 *	  secondary.c		the receiving side: stages and transitions
 *	    view.c		  the path of a bio through the layers
 *	    merge.c		  from the buffer into the disk
 *	    layer.c		  a layer's map and summaries
 *	    buffer.c		  superblocks and segments
 *	  range.c		writes that overlap wait for each other
 *	  cut.c			the instant of a checkpoint
 */
#include <linux/device-mapper.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "core.h"
#include "primary.h"
#include "secondary.h"

#define REGION_SIZE_DEFAULT	2048
#define MAX_BEHIND_DEFAULT	32768
#define WATERMARK_DEFAULT	80

enum form_id { FORM_PRIMARY, FORM_SECONDARY, FORM_INBOUND };

/* forms that have a replication of their own, and all */
#define ATTACHED	(BIT(FORM_PRIMARY) | BIT(FORM_SECONDARY))
#define ANY		(ATTACHED | BIT(FORM_INBOUND))

/**
 * struct options - the optional arguments of a table line
 * @seen: bit per entry of option_table that was given
 * @region_size: sectors
 * @max_behind: sectors
 * @stall: on_remote_error stall
 * @dirty_log: the device, as the line has it; only while it is parsed
 * @high_watermark: percent
 * @group: name
 */
struct options {
	unsigned long seen;
	unsigned int region_size;
	unsigned int max_behind;
	bool stall;
	const char *dirty_log;
	unsigned int high_watermark;
	char group[REPLICATION_GROUP_LEN];
};

/**
 * struct target - a target of one table; once constructed only @suspending changes
 * @form: of its line
 * @r: the replication it belongs to; for an inbound view, its secondary's
 * @attached: @r counts this table
 * @dev: those that the target sends bios to
 * @held: an inbound view's secondary
 * @opt: as the line has them
 * @suspending: from the begin of a suspend on; ends what messages wait for
 * @listener: gets @r's events while this table is live
 */
struct target {
	const struct form *form;
	struct repl *r;
	bool attached;
	struct dm_dev *dev[REPL_DEVS];
	struct compat_held held;
	struct options opt;
	bool suspending;
	struct repl_listener listener;
};

/**
 * struct form - a form of the table line
 * @name: its first word
 * @id: bit in the options' forms
 * @devs: what the target sends bios to, for messages
 * @nr_args: devices that the line names
 * @open: open them; sets ti->error
 * @create: find or make the replication; sets ti->error
 * @status: the positional status line
 */
struct form {
	const char *name;
	enum form_id id;
	const char *devs[REPL_DEVS];
	unsigned int nr_args;
	int (*open)(struct dm_target *ti, struct target *t,
		    struct dm_arg_set *as);
	int (*create)(struct dm_target *ti, struct target *t);
	void (*status)(struct target *t, char *result, unsigned int maxlen,
		       const char *fault);
};

/*
 * ---- Options: one table parses them and writes the TABLE line ----
 */

static int parse_region_size(struct options *opt, const char *arg, char **error)
{
	if (kstrtouint(arg, 10, &opt->region_size) ||
	    opt->region_size < FORMAT_MIN_REGION ||
	    opt->region_size > FORMAT_MAX_REGION ||
	    !is_power_of_2(opt->region_size)) {
		*error = "region_size must be a power of two from 8 to 2097152 sectors";
		return -EINVAL;
	}
	return 0;
}

static int parse_watermark(struct options *opt, const char *arg, char **error)
{
	if (kstrtouint(arg, 10, &opt->high_watermark) ||
	    opt->high_watermark < 1 || opt->high_watermark > 100) {
		*error = "high_watermark must be from 1 to 100 percent";
		return -EINVAL;
	}
	return 0;
}

static int parse_group(struct options *opt, const char *arg, char **error)
{
	/* it has to come back in the table line as one word */
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:+-";

	if (strscpy(opt->group, arg, sizeof(opt->group)) <= 0 ||
	    arg[strspn(arg, allowed)]) {
		*error = "group must be a name of 1 to 31 letters, digits and _.:+-";
		return -EINVAL;
	}
	return 0;
}

static int parse_remote_error(struct options *opt, const char *arg, char **error)
{
	opt->stall = !strcmp(arg, "stall");
	if (opt->stall || !strcmp(arg, "degrade"))
		return 0;
	*error = "on_remote_error must be degrade or stall";
	return -EINVAL;
}

static int parse_max_behind(struct options *opt, const char *arg, char **error)
{
	if (kstrtouint(arg, 10, &opt->max_behind) ||
	    opt->max_behind < FORMAT_BLOCK_SECTORS ||
	    opt->max_behind > INT_MAX) {
		*error = "max_behind must be from 8 to 2147483647 sectors";
		return -EINVAL;
	}
	return 0;
}

static int parse_dirty_log(struct options *opt, const char *arg, char **error)
{
	opt->dirty_log = arg;
	return 0;
}

static const struct option {
	const char *name;
	unsigned long forms;
	unsigned int args;
	/* sets *error when it fails; NULL when there is nothing to parse */
	int (*parse)(struct options *opt, const char *arg, char **error);
	/* why it is refused */
	char *missing;
} option_table[] = {
	{ "region_size", BIT(FORM_PRIMARY), 1, parse_region_size },
	{ "nosync", BIT(FORM_PRIMARY), 0 },
	{ "sync", BIT(FORM_PRIMARY), 0 },
	{ "on_remote_error", BIT(FORM_PRIMARY), 1, parse_remote_error },
	{ "group", BIT(FORM_PRIMARY) | BIT(FORM_SECONDARY), 1, parse_group },
	{ "high_watermark", BIT(FORM_SECONDARY), 1, parse_watermark },
	{ "dirty_log", BIT(FORM_PRIMARY), 1, parse_dirty_log },
	{ "async", BIT(FORM_PRIMARY), 0 },
	{ "max_behind", BIT(FORM_PRIMARY), 1, parse_max_behind },
	{ "inband", BIT(FORM_PRIMARY) | BIT(FORM_INBOUND), 0,
	  .missing = "inband is not supported by this version" },
};

enum {
	OPTION_REGION_SIZE,
	OPTION_NOSYNC,
	OPTION_SYNC,
	OPTION_ON_REMOTE_ERROR,
	OPTION_GROUP,
	OPTION_HIGH_WATERMARK,
	OPTION_DIRTY_LOG,
	OPTION_ASYNC,
	OPTION_MAX_BEHIND,
};

static int parse_option(struct dm_arg_set *as, enum form_id form,
			struct options *opt, unsigned int *left, char **error)
{
	const char *name = dm_shift_arg(as), *arg = NULL;
	const struct option *o;
	int i;

	(*left)--;
	for (i = 0; i < ARRAY_SIZE(option_table); i++) {
		o = &option_table[i];
		if (!strcmp(name, o->name) && (o->forms & BIT(form)))
			break;
	}
	if (i == ARRAY_SIZE(option_table)) {
		DMERR("unknown option \"%s\"", name);
		*error = "Unknown option for this form of the table line";
		return -EINVAL;
	}
	if (o->missing) {
		*error = o->missing;
		return -EOPNOTSUPP;
	}
	if (__test_and_set_bit(i, &opt->seen)) {
		DMERR("option \"%s\" given twice", name);
		*error = "An option is given twice";
		return -EINVAL;
	}
	if (o->args) {
		if (!*left) {
			DMERR("option \"%s\" needs an argument", name);
			*error = "An option lacks its argument";
			return -EINVAL;
		}
		arg = dm_shift_arg(as);
		(*left)--;
	}
	return o->parse ? o->parse(opt, arg, error) : 0;
}

static int parse_options(struct dm_arg_set *as, enum form_id form,
			 struct options *opt, char **error)
{
	unsigned int left;
	int r;

	opt->region_size = REGION_SIZE_DEFAULT;
	opt->max_behind = MAX_BEHIND_DEFAULT;
	opt->high_watermark = WATERMARK_DEFAULT;
	strscpy(opt->group, "default", sizeof(opt->group));
	if (!as->argc)
		return 0;

	/* dm_read_arg_group() takes 2^64 for 0 */
	if (kstrtouint(dm_shift_arg(as), 10, &left)) {
		*error = "Invalid number of optional arguments";
		return -EINVAL;
	}
	if (left != as->argc) {
		*error = "The number of optional arguments is not that of the arguments";
		return -EINVAL;
	}
	while (left) {
		r = parse_option(as, form, opt, &left, error);
		if (r)
			return r;
	}
	if (test_bit(OPTION_SYNC, &opt->seen) &&
	    test_bit(OPTION_ASYNC, &opt->seen)) {
		*error = "A primary is either sync or async";
		return -EINVAL;
	}
	if (test_bit(OPTION_MAX_BEHIND, &opt->seen) &&
	    !test_bit(OPTION_ASYNC, &opt->seen)) {
		*error = "max_behind is for async";
		return -EINVAL;
	}
	return 0;
}

static void emit_options(const struct target *t, char *result,
			 unsigned int maxlen)
{
	const struct options *opt = &t->opt;
	unsigned int i, sz = 0, args = 0;

	for (i = 0; i < ARRAY_SIZE(option_table); i++)
		if (test_bit(i, &opt->seen))
			args += 1 + option_table[i].args;
	if (args)
		DMEMIT(" %u", args);
	for (i = 0; i < ARRAY_SIZE(option_table); i++) {
		if (!test_bit(i, &opt->seen))
			continue;
		DMEMIT(" %s", option_table[i].name);
		if (i == OPTION_REGION_SIZE)
			DMEMIT(" %u", opt->region_size);
		else if (i == OPTION_HIGH_WATERMARK)
			DMEMIT(" %u", opt->high_watermark);
		else if (i == OPTION_GROUP)
			DMEMIT(" %s", opt->group);
		else if (i == OPTION_ON_REMOTE_ERROR)
			DMEMIT(" %s", opt->stall ? "stall" : "degrade");
		else if (i == OPTION_DIRTY_LOG)
			DMEMIT(" %s", t->dev[DEV_LOG]->name);
		else if (i == OPTION_MAX_BEHIND)
			DMEMIT(" %u", opt->max_behind);
	}
}

/*
 * ---- The three forms ----
 */

static int claim_device(struct dm_target *ti, struct target *t, unsigned int i,
		      const char *path)
{
	int r = dm_get_device(ti, path, dm_table_get_mode(ti->table),
			      &t->dev[i]);

	if (r) {
		t->dev[i] = NULL;
		DMERR("%s: cannot open the %s %s: error %d",
		      dm_table_device_name(ti->table), t->form->devs[i], path,
		      r);
		ti->error = "A device cannot be opened";
		return r;
	}
	/* a write through dm would go there all the same */
	if (bdev_read_only(t->dev[i]->bdev)) {
		DMERR("%s: the %s %s is read-only",
		      dm_table_device_name(ti->table), t->form->devs[i], path);
		ti->error = "A device is read-only";
		return -EROFS;
	}
	return 0;
}

static int open_devices(struct dm_target *ti, struct target *t,
			struct dm_arg_set *as)
{
	unsigned int i;
	int r;

	for (i = 0; i < t->form->nr_args; i++) {
		const char *path = dm_shift_arg(as);

		r = claim_device(ti, t, i, path);
		if (r)
			return r;
		/* the buffer is as long as it is */
		if (t->form->id == FORM_SECONDARY && i == DEV_BUFFER)
			continue;
		if (bdev_nr_sectors(t->dev[i]->bdev) < ti->len) {
			DMERR("%s: the %s %s has %llu sectors, the table line %llu",
			      dm_table_device_name(ti->table), t->form->devs[i],
			      path,
			      (unsigned long long)bdev_nr_sectors(t->dev[i]->bdev),
			      (unsigned long long)ti->len);
			ti->error = "A device is shorter than the table line";
			return -EINVAL;
		}
	}
	if (t->opt.dirty_log)
		return claim_device(ti, t, DEV_LOG, t->opt.dirty_log);
	return 0;
}

/*
 * The secondary's mapped device is held, not claimed, so that the standby can
 * mount it. What an inbound view sends bios to are the devices below it.
 */
static int open_secondary(struct dm_target *ti, struct target *t,
			  struct dm_arg_set *as)
{
	const char *path = dm_shift_arg(as);
	char name[16];
	unsigned int i;
	int r;

	r = compat_hold(path, &t->held);
	if (r) {
		DMERR("%s: cannot open the secondary %s: error %d",
		      dm_table_device_name(ti->table), path, r);
		ti->error = "The secondary cannot be opened";
		return r;
	}
	t->r = repl_find(&secondary_kind, compat_held_bdev(&t->held));
	if (!t->r) {
		ti->error = "The device is not a secondary's mapped device";
		return -EINVAL;
	}
	if (t->r->md == dm_table_get_md(ti->table)) {
		ti->error = "A device cannot be below itself";
		return -EINVAL;
	}
	if (t->r->len != ti->len) {
		ti->error = "The length is not that of the secondary";
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(t->dev) && t->r->dev_nr[i]; i++) {
		format_dev_t(name, t->r->dev_nr[i]);
		r = claim_device(ti, t, i, name);
		if (r)
			return r;
	}
	return 0;
}

static int create_primary(struct dm_target *ti, struct target *t)
{
	struct primary_options opt = {
		.local = t->dev[0]->bdev,
		.remote = t->dev[1]->bdev,
		.log = t->dev[DEV_LOG] ? t->dev[DEV_LOG]->bdev : NULL,
		.len = ti->len,
		.region_size = t->opt.region_size,
	};
	char why[192] = "";

	t->r = primary_new(dm_table_get_md(ti->table), &opt, why, sizeof(why));
	if (IS_ERR(t->r)) {
		DMERR("%s: %s", dm_table_device_name(ti->table), why);
		ti->error = "The primary cannot be made, the line before this one says why";
		return PTR_ERR(t->r);
	}
	t->attached = true;
	ti->per_io_data_size = sizeof(struct primary_io);
	compat_stable_writes_target(ti);
	return 0;
}

static void status_primary(struct target *t, char *result, unsigned int maxlen,
			   const char *fault)
{
	primary_status(to_primary(t->r), result, maxlen, fault);
}

/* What both views have in common. */
static void set_up_view(struct dm_target *ti, struct target *t)
{
	ti->per_io_data_size = sizeof(struct secondary_io);
	ti->discards_supported = bdev_max_discard_sectors(t->dev[DEV_DISK]->bdev);
	/* holes are noted in memory, whatever caches the devices below have */
	ti->flush_supported = true;
}

static int create_secondary(struct dm_target *ti, struct target *t)
{
	char why[192] = "";

	t->r = secondary_new(dm_table_get_md(ti->table), t->dev[0]->bdev,
			     t->dev[1]->bdev, ti->len, why, sizeof(why));
	if (IS_ERR(t->r)) {
		DMERR("%s: %s", dm_table_device_name(ti->table), why);
		ti->error = "The secondary cannot be made, the line before this one says why";
		return PTR_ERR(t->r);
	}
	t->attached = true;
	set_up_view(ti, t);
	return 0;
}

static void status_secondary(struct target *t, char *result,
			     unsigned int maxlen, const char *fault)
{
	secondary_status(to_secondary(t->r), result, maxlen, fault);
}

static int create_inbound(struct dm_target *ti, struct target *t)
{
	set_up_view(ti, t);
	return 0;
}

static void status_inbound(struct target *t, char *result, unsigned int maxlen,
			   const char *fault)
{
	struct secondary *s = to_secondary(t->r);
	unsigned int sz = 0;

	DMEMIT("inbound %s %llu %s %s", repl_stage_name(READ_ONCE(s->r.stage)),
	       READ_ONCE(s->r.epoch),
	       secondary_inbound_open(s) ? "open" : "closed", fault);
}

static const struct form forms[] = {
	{ "primary", FORM_PRIMARY, { "local leg", "remote leg", "dirty log" }, 2,
	  open_devices, create_primary, status_primary },
	{ "secondary", FORM_SECONDARY, { "disk", "buffer" }, 2,
	  open_devices, create_secondary, status_secondary },
	{ "inbound", FORM_INBOUND, { "disk", "buffer" }, 1,
	  open_secondary, create_inbound, status_inbound },
};

/*
 * ---- Constructor and destructor ----
 */

/* Serves a half-built target too. */
static void replication_dtr(struct dm_target *ti)
{
	struct target *t = ti->private;
	unsigned int i;

	if (!IS_ERR_OR_NULL(t->r)) {
		repl_unlisten(t->r, &t->listener);
		if (t->attached)
			repl_detach(t->r, ti);
		else
			repl_put(t->r);
	}
	for (i = 0; i < ARRAY_SIZE(t->dev); i++)
		if (t->dev[i])
			dm_put_device(ti, t->dev[i]);
	compat_release(&t->held);
	kfree(t);
}

static const struct form *find_form(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(forms); i++)
		if (!strcmp(name, forms[i].name))
			return &forms[i];
	return NULL;
}

static int replication_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct dm_arg_set as = { .argc = argc, .argv = argv };
	struct target *t;
	int r;

	if (!argc) {
		ti->error = "The form is missing: primary, secondary or inbound";
		return -EINVAL;
	}
	if (!(dm_table_get_mode(ti->table) & COMPAT_OPEN_WRITE)) {
		ti->error = "A read-only table cannot replicate";
		return -EROFS;
	}
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t) {
		ti->error = "Out of memory";
		return -ENOMEM;
	}
	ti->private = t;
	INIT_LIST_HEAD(&t->listener.list);
	t->listener.ti = ti;

	r = -EINVAL;
	t->form = find_form(dm_shift_arg(&as));
	if (!t->form) {
		ti->error = "The form must be primary, secondary or inbound";
		goto bad;
	}
	if (as.argc < t->form->nr_args) {
		ti->error = "A device is missing";
		goto bad;
	}
	/* options first: a wrong one should not cost an open of the devices */
	as.argc -= t->form->nr_args;
	as.argv += t->form->nr_args;
	r = parse_options(&as, t->form->id, &t->opt, &ti->error);
	if (r)
		goto bad;
	as.argc = t->form->nr_args;
	as.argv = argv + 1;
	r = t->form->open(ti, t, &as);
	if (r)
		goto bad;

	ti->num_flush_bios = 1;
	ti->num_discard_bios = 1;
	ti->num_write_zeroes_bios = 1;
	r = t->form->create(ti, t);
	if (r)
		goto bad;
	return 0;
bad:
	replication_dtr(ti);
	return r;
}

/*
 * ---- Bios ----
 */

static int replication_map(struct dm_target *ti, struct bio *bio)
{
	struct target *t = ti->private;
	void *io;

	bio->bi_iter.bi_sector = dm_target_offset(ti, bio->bi_iter.bi_sector);
	switch (t->form->id) {
	case FORM_PRIMARY:
		io = dm_per_bio_data(bio, sizeof(struct primary_io));
		return primary_map(to_primary(t->r), io, bio);
	case FORM_SECONDARY:
		io = dm_per_bio_data(bio, sizeof(struct secondary_io));
		return view_map(to_secondary(t->r), io, bio, VIEW_ACTIVE);
	case FORM_INBOUND:
		io = dm_per_bio_data(bio, sizeof(struct secondary_io));
		return view_map(to_secondary(t->r), io, bio, VIEW_INBOUND);
	}
	return DM_MAPIO_KILL;
}

static int replication_end_io(struct dm_target *ti, struct bio *bio,
			      blk_status_t *error)
{
	struct target *t = ti->private;

	if (t->form->id == FORM_PRIMARY)
		return primary_end_io(dm_per_bio_data(bio,
						      sizeof(struct primary_io)),
				      bio, error);
	return view_end_io(dm_per_bio_data(bio, sizeof(struct secondary_io)),
			   bio, error);
}

/*
 * ---- Suspend and resume ----
 * An inbound view has nothing of its own to quiesce, but messages that sleep.
 */

static void replication_presuspend(struct dm_target *ti)
{
	struct target *t = ti->private;

	WRITE_ONCE(t->suspending, true);
	if (t->attached)
		repl_presuspend(t->r);
	else
		wake_up_all(&t->r->wait);
}

static void replication_presuspend_undo(struct dm_target *ti)
{
	struct target *t = ti->private;

	WRITE_ONCE(t->suspending, false);
	if (t->attached)
		repl_presuspend_undo(t->r);
}

static void replication_postsuspend(struct dm_target *ti)
{
	struct target *t = ti->private;

	if (t->attached)
		repl_postsuspend(t->r);
}

static void configure_primary(struct target *t)
{
	struct primary_config config = {
		.async = test_bit(OPTION_ASYNC, &t->opt.seen),
		.nosync = test_bit(OPTION_NOSYNC, &t->opt.seen),
		.stall = t->opt.stall,
		.max_behind = t->opt.max_behind,
	};

	primary_configure(to_primary(t->r), &config);
}

static int replication_preresume(struct dm_target *ti)
{
	struct target *t = ti->private;
	int r;

	if (t->form->id == FORM_SECONDARY)
		secondary_set_watermark(to_secondary(t->r),
					t->opt.high_watermark);
	else if (t->form->id == FORM_PRIMARY)
		configure_primary(t);
	if (t->attached) {
		r = repl_resume(t->r, ti, t->opt.group);
		if (r) {
			DMERR("%s: cannot resume: error %d",
			      dm_table_device_name(ti->table), r);
			return r;
		}
	}
	WRITE_ONCE(t->suspending, false);
	repl_listen(t->r, &t->listener);
	return 0;
}

/*
 * ---- Messages ----
 */

static int parse_mode(const char *arg, enum replication_mode *mode,
		      struct replication_reason *why)
{
	*mode = strcmp(arg, "primary") ? REPLICATION_MODE_SECONDARY :
					 REPLICATION_MODE_PRIMARY;
	if (*mode == REPLICATION_MODE_SECONDARY && strcmp(arg, "secondary"))
		return repl_refuse(why, -EINVAL, "the mode must be primary or secondary");
	return 0;
}

static int parse_failover(unsigned int argc, char **argv, bool *failover,
			  struct replication_reason *why)
{
	*failover = argc == 2;
	if (*failover && strcmp(argv[1], "failover"))
		return repl_refuse(why, -EINVAL,
				   "the argument can only be failover");
	return 0;
}

/* What a message function is given, and the reply that it may leave. */
struct message {
	struct repl *r;
	const bool *suspending;
	unsigned int argc;
	char **argv;
	char *result;
	unsigned int maxlen;
	struct replication_reason why;
};

/* Return: 0, 1 with a reply, or a negative errno with the reason said. */
static int reply_epoch(struct message *m, u64 epoch)
{
	unsigned int maxlen = m->maxlen, sz = 0;
	char *result = m->result;

	DMEMIT("%llu", epoch);
	return 1;
}

static int message_start(struct message *m)
{
	enum replication_mode mode;
	int r = parse_mode(m->argv[1], &mode, &m->why);

	return r ? r : repl_start(m->r, mode, &m->why);
}

static int message_checkpoint(struct message *m)
{
	u64 epoch;
	int r = repl_checkpoint(m->r, &epoch, &m->why);

	return r ? r : reply_epoch(m, epoch);
}

static int message_stop(struct message *m)
{
	bool failover;
	int r = parse_failover(m->argc, m->argv, &failover, &m->why);

	return r ? r : repl_stop(m->r, failover, &m->why);
}

static int message_get_error(struct message *m)
{
	enum repl_stage stage = READ_ONCE(m->r->stage);
	struct repl_fault fault = repl_get_fault(m->r);
	unsigned int maxlen = m->maxlen, sz = 0;
	char *result = m->result;

	if (stage == STAGE_NONE || stage == STAGE_DONE)
		DMEMIT("not-running");
	else if (!fault.error)
		DMEMIT("ok");
	else
		DMEMIT("%s %s %s %llu %s", repl_errno_name(fault.error),
		       fault.where, fault.op, (unsigned long long)fault.sector,
		       fault.text);
	return 1;
}

static int call_group(struct message *m, enum group_call call,
		      enum replication_mode mode, bool failover)
{
	return repl_call_group(m->r, m->suspending, call, mode, failover,
			       &m->why);
}

static int message_start_all(struct message *m)
{
	enum replication_mode mode;
	int r = parse_mode(m->argv[1], &mode, &m->why);

	return r ? r : call_group(m, GROUP_START, mode, false);
}

static int message_checkpoint_all(struct message *m)
{
	int r = call_group(m, GROUP_CHECKPOINT, m->r->kind->mode, false);

	return r ? r : reply_epoch(m, READ_ONCE(m->r->epoch));
}

static int message_get_error_all(struct message *m)
{
	int error = repl_get_error_group(m->r, &m->why);
	unsigned int maxlen = m->maxlen, sz = 0;
	char *result = m->result;

	if (!error)
		DMEMIT("ok");
	else if (m->why.text[0])
		DMEMIT("%s", m->why.text);
	else
		DMEMIT("%s", repl_errno_name(error));
	return 1;
}

static int message_stop_all(struct message *m)
{
	bool failover;
	int r = parse_failover(m->argc, m->argv, &failover, &m->why);

	return r ? r : call_group(m, GROUP_STOP, m->r->kind->mode, failover);
}

static int parse_share(struct message *m, unsigned int *percent)
{
	if (kstrtouint(m->argv[1], 10, percent) || !*percent || *percent > 100)
		return repl_refuse(&m->why, -EINVAL,
				   "the share must be 1 to 100 percent");
	return 0;
}

static int message_merge_throttle(struct message *m)
{
	unsigned int percent;
	int r = parse_share(m, &percent);

	if (!r)
		secondary_set_merge_share(to_secondary(m->r), percent);
	return r;
}

static int message_resync_throttle(struct message *m)
{
	unsigned int percent;
	int r = parse_share(m, &percent);

	if (!r)
		primary_set_share(to_primary(m->r), percent);
	return r;
}

static int message_verify(struct message *m)
{
	if (m->argc == 1)
		return verify_start(to_primary(m->r), &m->why);
	if (strcmp(m->argv[1], "stop"))
		return repl_refuse(&m->why, -EINVAL, "the argument can only be stop");
	return verify_cancel(to_primary(m->r), &m->why);
}

static int message_changed_since(struct message *m)
{
	u64 epoch;

	if (kstrtou64(m->argv[1], 10, &epoch))
		return repl_refuse(&m->why, -EINVAL,
				   "the argument is the number of a checkpoint");
	return primary_changed(to_primary(m->r), epoch, m->result, m->maxlen,
			       &m->why);
}

static const struct message_entry {
	const char *name;
	unsigned int min_args, max_args;
	unsigned long forms;
	int (*handle)(struct message *m);
} message_table[] = {
	{ "start", 1, 1, ATTACHED, message_start },
	{ "checkpoint", 0, 0, ATTACHED, message_checkpoint },
	{ "stop", 0, 1, ATTACHED, message_stop },
	{ "get_error", 0, 0, ANY, message_get_error },
	{ "start_all", 1, 1, ANY, message_start_all },
	{ "checkpoint_all", 0, 0, ANY, message_checkpoint_all },
	{ "get_error_all", 0, 0, ANY, message_get_error_all },
	{ "stop_all", 0, 1, ANY, message_stop_all },
	{ "merge_throttle", 1, 1, BIT(FORM_SECONDARY), message_merge_throttle },
	{ "resync_throttle", 1, 1, BIT(FORM_PRIMARY), message_resync_throttle },
	{ "verify", 0, 1, BIT(FORM_PRIMARY), message_verify },
	{ "changed_since", 1, 1, BIT(FORM_PRIMARY), message_changed_since },
};

static int handle_message(struct target *t, struct message *m)
{
	const struct message_entry *e;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(message_table); i++) {
		e = &message_table[i];
		if (strcmp(m->argv[0], e->name))
			continue;
		if (m->argc - 1 < e->min_args || m->argc - 1 > e->max_args)
			return repl_refuse(&m->why, -EINVAL,
					   "wrong number of arguments");
		if (e->forms & BIT(t->form->id))
			return e->handle(m);
		if (!t->attached && e->forms & BIT(FORM_SECONDARY))
			return repl_refuse(&m->why, -EINVAL,
					   "an inbound view does not take this: address the secondary %s",
					   t->r->name);
		return repl_refuse(&m->why, -EINVAL, "not for this form: %s",
				   t->form->name);
	}
	return repl_refuse(&m->why, -EINVAL, "no such message");
}

static int replication_message(struct dm_target *ti, unsigned int argc,
			       char **argv, char *result, unsigned int maxlen)
{
	struct target *t = ti->private;
	struct message m = {
		.r = t->r, .suspending = &t->suspending,
		.argc = argc, .argv = argv,
		.result = result, .maxlen = maxlen,
	};
	int r = handle_message(t, &m);

	if (r < 0)
		DMWARN("%s%s: message %.32s failed: %s (error %d)",
		       t->attached ? "" : "inbound view of ", t->r->name,
		       argv[0], m.why.text, r);
	return r;
}

/*
 * ---- Status and limits ----
 */

/* A device as the table line has it. */
static const char *arg_name(const struct target *t, unsigned int i, char *name)
{
	if (t->form->id != FORM_INBOUND)
		return t->dev[i]->name;
	return format_dev_t(name, compat_held_bdev(&t->held)->bd_dev);
}

static void replication_status(struct dm_target *ti, status_type_t type,
			       unsigned int status_flags, char *result,
			       unsigned int maxlen)
{
	struct target *t = ti->private;
	struct repl_fault fault;
	unsigned int i, sz = 0;
	char name[16];

	switch (type) {
	case STATUSTYPE_INFO:
		fault = repl_get_fault(t->r);
		t->form->status(t, result, maxlen, fault.error ?
				repl_errno_name(fault.error) : "-");
		break;
	case STATUSTYPE_TABLE:
		DMEMIT("%s", t->form->name);
		for (i = 0; i < t->form->nr_args; i++)
			DMEMIT(" %s", arg_name(t, i, name));
		emit_options(t, result + sz, maxlen - sz);
		break;
	case STATUSTYPE_IMA:
		DMEMIT_TARGET_NAME_VERSION(ti->type);
		DMEMIT(",form=%s", t->form->name);
		for (i = 0; i < t->form->nr_args; i++)
			DMEMIT(",dev_%u=%s", i, arg_name(t, i, name));
		DMEMIT(";");
		break;
	}
}

/* Those that hold data: what a dirty log can do or not is nobody's business. */
static int replication_iterate_devices(struct dm_target *ti,
				       iterate_devices_callout_fn fn, void *data)
{
	struct target *t = ti->private;
	sector_t len = ti->len;
	int r;

	r = fn(ti, t->dev[0], 0, len, data);
	if (!r && t->form->id != FORM_PRIMARY)
		len = bdev_nr_sectors(t->dev[DEV_BUFFER]->bdev);
	return r ?: fn(ti, t->dev[1], 0, len, data);
}

static void replication_io_hints(struct dm_target *ti,
				 struct queue_limits *limits)
{
	struct target *t = ti->private;

	/* both legs must get the same bytes */
	if (t->form->id != FORM_PRIMARY)
		return;
	compat_stable_writes_limits(limits);
	/* a remote leg that may sleep is sent to by a worker then, see behind.c */
	if (test_bit(OPTION_ASYNC, &t->opt.seen) &&
	    bdev_nowait(t->dev[LEG_LOCAL]->bdev))
		compat_nowait_limits(limits);
}

static struct target_type replication_target = {
	.name = "replication",
	.version = { 1, 0, 0 },
	.features = DM_TARGET_NOWAIT | DM_TARGET_SINGLETON,
	.module = THIS_MODULE,
	.ctr = replication_ctr,
	.dtr = replication_dtr,
	.map = replication_map,
	.end_io = replication_end_io,
	.presuspend = replication_presuspend,
	.presuspend_undo = replication_presuspend_undo,
	.postsuspend = replication_postsuspend,
	.preresume = replication_preresume,
	.message = replication_message,
	.status = replication_status,
	.iterate_devices = replication_iterate_devices,
	.io_hints = replication_io_hints,
};

static int __init dm_replication_init(void)
{
	int r = core_init();

	if (r)
		return r;
	r = dm_register_target(&replication_target);
	if (r)
		core_exit();
	return r;
}

static void __exit dm_replication_exit(void)
{
	dm_unregister_target(&replication_target);
	core_exit();
	/* layouts are freed by RCU */
	rcu_barrier();
}

module_init(dm_replication_init);
module_exit(dm_replication_exit);

MODULE_DESCRIPTION(DM_NAME " checkpointed block replication target");
MODULE_AUTHOR("dm-replication developers");
MODULE_LICENSE("GPL");
