// SPDX-License-Identifier: GPL-2.0-only
/*
 * The primary: its stages, what it does when a leg fails, and its checkpoints.
 *
 * What the remote leg has answered may yet be lost with the remote host's
 * memory. The regions sent since the last two checkpoints are remembered, and
 * become dirty when the remote leg fails, see dirty.h.
 *
 * A checkpoint is a cut, see cut.h: what was submitted before it is drained,
 * then both legs are flushed; what is submitted after it does not get to the
 * remote leg until all devices of the group have their checkpoint.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "block.h"
#include "primary.h"

/* how often a remote leg that writes wait for is tried */
#define PROBE_DELAY	HZ

/*
 * ---- Failures ----
 */

static void note_failure(struct primary *p, enum primary_dev leg)
{
	if (test_and_set_bit(leg, &p->failed))
		return;
	/* a checkpoint need not wait for what may be parked */
	range_interrupt(&p->ranges);
	range_interrupt(&p->behind.ranges);
	queue_work(p->r.wq, &p->settle_work);
}

/**
 * primary_remote_failed() - the remote leg answered with an error
 * @p: the primary
 * @error: negative errno
 * @op: what it failed
 * @sector: where
 * @text: more words, a constant string
 *
 * From here on nothing is sent to it. The caller has marked the region.
 *
 * Context: any.
 */
void primary_remote_failed(struct primary *p, int error, enum req_op op,
			   sector_t sector, const char *text)
{
	/* or else writes would pass before settle_stall() */
	if (p->config.stall)
		range_pause(&p->ranges);
	WRITE_ONCE(p->remote, REMOTE_DEGRADED);
	repl_fault(&p->r, error, "remote", repl_op_name(op), sector, text);
	note_failure(p, LEG_REMOTE);
}

/**
 * primary_local_flush_failed() - the local leg may have lost what it answered
 * @p: the primary
 *
 * Context: any.
 */
void primary_local_flush_failed(struct primary *p)
{
	note_failure(p, LEG_LOCAL);
}

/* Writes wait for the remote leg, or they do not any more; p->r.lock is held. */
static void settle_stall(struct primary *p)
{
	bool stall = p->config.stall && p->r.stage == STAGE_RUNNING &&
		     !primary_sends(p) && !p->unreadable &&
		     !READ_ONCE(p->r.suspending);

	if (stall) {
		range_pause(&p->ranges);
		/* also when it failed again while it was taken up */
		queue_delayed_work(p->bg_wq, &p->probe_work, PROBE_DELAY);
		if (!p->stalled)
			REPL_WARN(&p->r, "writes wait until the remote leg is back, or for stop or a reload of the table");
	} else {
		/* also what primary_remote_failed() held in vain */
		if (p->stalled || p->config.stall)
			range_unhold(&p->ranges);
		legs_unpark(p);
	}
	p->stalled = stall;
}

/* As range_hold(), for the legs as a whole. */
static void hold_legs(struct primary *p)
{
	WRITE_ONCE(p->no_parking, true);
	smp_mb(); /* pairs with remote_given_up() */
	legs_unpark(p);
	range_hold(&p->ranges);
	behind_drain(p);
	WRITE_ONCE(p->no_parking, false);
}

static void unhold_legs(struct primary *p)
{
	if (!p->stalled)
		range_unhold(&p->ranges);
}

/* Accounts for failures; p->r.lock is held. */
static void settle(struct primary *p)
{
	lockdep_assert_held(&p->r.lock);
	if (test_and_clear_bit(LEG_LOCAL, &p->failed)) {
		/* the remote leg may be newer now, which is no better */
		dirty_add_recent(&p->map);
		if (dirty_count(&p->map))
			resync_needed(p);
	}
	if (test_and_clear_bit(LEG_REMOTE, &p->failed)) {
		/* a start may have come in between */
		WRITE_ONCE(p->remote, REMOTE_DEGRADED);
		dirty_add_recent(&p->map);
		REPL_WARN(&p->r, "the remote leg is degraded, %lu of %lu regions are dirty: stop and start, or reload the table, to resync",
			  dirty_count(&p->map), p->map.regions);
		repl_event(&p->r);
	}
	settle_stall(p);
}

static void do_settle(struct work_struct *work)
{
	struct primary *p = container_of(work, struct primary, settle_work);

	mutex_lock(&p->r.lock);
	settle(p);
	mutex_unlock(&p->r.lock);
}

/*
 * From here on writes go to the remote leg; what it lacks is copied. Nothing is
 * in flight when that is decided, so no write that went to the local leg alone
 * can mark its region too late to be copied. Nobody has watched the remote leg
 * since it was given up: it may have lost what it was sent last.
 */
static void send_again(struct primary *p)
{
	p->unreadable = false;
	hold_legs(p);
	dirty_add_recent(&p->map);
	dirty_forget_recent(&p->map);
	WRITE_ONCE(p->remote, dirty_count(&p->map) ? REMOTE_RESYNC : REMOTE_ONLINE);
	unhold_legs(p);
	repl_event(&p->r);
	resync_start(p);
}

static void take_up_remote(struct primary *p)
{
	repl_clear_fault(&p->r);
	send_again(p);
}

/* Does the remote leg answer? */
static int try_remote(struct primary *p)
{
	void *block = kmalloc(FORMAT_BLOCK_SIZE, GFP_NOIO);
	int error;

	if (!block)
		return -ENOMEM;
	error = block_io(p->r.devs[LEG_REMOTE], REQ_OP_READ, 0, block);
	kfree(block);
	return error ?: blkdev_issue_flush(p->r.devs[LEG_REMOTE]);
}

static void do_probe(struct work_struct *work)
{
	struct primary *p = container_of(to_delayed_work(work), struct primary,
					 probe_work);
	int error = try_remote(p);

	mutex_lock(&p->r.lock);
	if (p->stalled && !p->r.suspended) {
		if (error) {
			queue_delayed_work(p->bg_wq, &p->probe_work,
					   PROBE_DELAY);
		} else {
			take_up_remote(p);
			settle(p);
		}
	}
	mutex_unlock(&p->r.lock);
}

/*
 * ---- Start ----
 */

static int primary_start(struct repl *r, struct replication_reason *why)
{
	struct primary *p = to_primary(r);
	int error;

	settle(p);
	error = blkdev_issue_flush(r->devs[LEG_REMOTE]);
	if (error)
		return repl_refuse(why, error, "the remote leg does not answer: error %d",
				   error);
	WRITE_ONCE(r->epoch, r->epoch + 1);
	take_up_remote(p);
	if (p->log)
		log_note(p->log, r->epoch);
	return 0;
}

/*
 * ---- Checkpoint ----
 */

static bool primary_ready(struct repl *r)
{
	return READ_ONCE(to_primary(r)->remote) != REMOTE_RESYNC;
}

static int refuse_in_resync(struct primary *p, struct replication_reason *why)
{
	return repl_refuse(why, -EAGAIN,
			   "no checkpoint: %lu regions are yet to be copied",
			   dirty_count(&p->map));
}

struct flush {
	struct bio bio;
	struct completion done;
};

static void flushed(struct bio *bio)
{
	complete(&container_of(bio, struct flush, bio)->done);
}

/*
 * Both at once. The local leg's is for the dirty log: what has no mark must not
 * get lost there either.
 */
static void flush_legs(struct primary *p, int *local, int *remote)
{
	struct flush flush;

	init_completion(&flush.done);
	bio_init(&flush.bio, p->r.devs[LEG_REMOTE], NULL, 0,
		 REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC);
	flush.bio.bi_end_io = flushed;
	submit_bio(&flush.bio);
	*local = blkdev_issue_flush(p->r.devs[LEG_LOCAL]);
	wait_for_completion_io(&flush.done);
	*remote = blk_status_to_errno(flush.bio.bi_status);
	bio_uninit(&flush.bio);
}

/*
 * The remote leg has got all up to the cut: let it make that durable. What failed
 * is yet to be accounted for.
 */
static int flush_cut(struct primary *p, struct replication_reason *why)
{
	u64 before = p->r.epoch;
	int local, remote;

	flush_legs(p, &local, &remote);
	if (remote)
		primary_remote_failed(p, remote, REQ_OP_FLUSH, 0,
				      "the checkpoint failed");
	if (local) {
		repl_fault(&p->r, local, "local", "flush", 0,
			   "the checkpoint failed");
		primary_local_flush_failed(p);
	}
	/* the workload may have met an error too */
	if (READ_ONCE(p->failed))
		return repl_refuse(why, remote ?: local ?: -EIO,
				   "no checkpoint: the %s leg failed",
				   test_bit(LEG_REMOTE, &p->failed) ?
				   "remote" : "local");
	if (p->log)
		log_clear(p->log, before);
	dirty_confirm(&p->map);
	p->cut = false;
	WRITE_ONCE(p->r.epoch, before + 1);
	if (p->log)
		log_note(p->log, before + 1);
	return 0;
}

static int primary_prepare(struct repl *r, struct replication_reason *why)
{
	struct primary *p = to_primary(r);

	settle(p);
	if (p->remote == REMOTE_RESYNC)
		return refuse_in_resync(p, why);
	if (p->remote == REMOTE_DEGRADED)
		return repl_refuse(why, -EIO,
				   "no checkpoint: the remote leg is degraded");
	return 0;
}

/* The gate first: what is behind the cut finds it closed. */
static void primary_mark(struct repl *r)
{
	struct primary *p = to_primary(r);

	cut_gate_close(&p->gate);
	dirty_cut(&p->map);
	p->cut = true;
}

static int primary_send(struct repl *r, struct replication_reason *why)
{
	struct primary *p = to_primary(r);
	int error;

	if (p->config.async)
		behind_drain_cut(p, p->gate.cut);
	else
		range_drain(&p->ranges, p->gate.cut, &p->failed);
	settle(p);
	/* the remote leg may lack something that was acknowledged */
	if (p->remote == REMOTE_RESYNC)
		return refuse_in_resync(p, why);
	if (p->remote == REMOTE_DEGRADED)
		return repl_refuse(why, -EIO,
				   "no checkpoint: the remote leg failed");
	error = flush_cut(p, why);
	if (error)
		settle(p);
	return error;
}

static void primary_finish(struct repl *r)
{
	struct primary *p = to_primary(r);

	if (p->cut)
		dirty_uncut(&p->map);
	p->cut = false;
	cut_gate_open(&p->gate);
}

/*
 * ---- Stop ----
 */

static int primary_stop(struct repl *r, bool failover,
			struct replication_reason *why)
{
	struct primary *p = to_primary(r);
	bool checkpoint;
	int error;

	settle(p);
	if (!failover && p->remote == REMOTE_RESYNC)
		return refuse_in_resync(p, why);
	checkpoint = !failover && p->remote == REMOTE_ONLINE;
	if (!failover && !checkpoint)
		REPL_WARN(r, "stopped without a checkpoint: the remote leg is degraded");

	/* the cut is the last thing that the remote leg gets */
	hold_legs(p);
	if (checkpoint && READ_ONCE(p->remote) == REMOTE_RESYNC) {
		unhold_legs(p);
		return refuse_in_resync(p, why);
	}
	WRITE_ONCE(p->remote, REMOTE_DEGRADED);
	dirty_cut(&p->map);
	p->cut = true;
	unhold_legs(p);
	error = checkpoint ? flush_cut(p, why) : 0;
	if (p->cut)
		dirty_uncut(&p->map);
	p->cut = false;
	if (error) {
		/* it was only for the stop that nothing was sent to it */
		if (!test_bit(LEG_REMOTE, &p->failed))
			send_again(p);
		settle(p);
		return error;
	}
	/* nobody knows what a remote leg has after a failover */
	if (failover)
		dirty_add_recent(&p->map);
	repl_set_stage(r, STAGE_DONE);
	settle(p);
	return 0;
}

/* A primary's stop leaves nothing to the background. */
static bool primary_stopped(struct repl *r, int *error)
{
	*error = 0;
	return true;
}

/*
 * ---- Life ----
 */

static int open_log(struct primary *p)
{
	char why[192] = "";
	u64 epoch;
	int r;

	r = log_open(p->log, !p->config.nosync, &epoch, why, sizeof(why));
	if (r < 0) {
		REPL_ERR(&p->r, "%s", why);
		return r;
	}
	if (r && p->config.nosync)
		REPL_INFO(&p->r, "nosync is for a new dirty log: this one knows what is dirty");
	if (r) {
		WRITE_ONCE(p->r.epoch, epoch);
		REPL_INFO(&p->r, "the dirty log knows checkpoint %llu, %lu of %lu regions are dirty",
			  epoch, dirty_count(&p->map), p->map.regions);
	}
	return 0;
}

/* The first table that is resumed says what is known of the legs. */
static int open_map(struct primary *p)
{
	int error;

	if (p->log || p->config.nosync)
		dirty_none(&p->map);
	error = p->log ? open_log(p) : 0;
	if (error)
		dirty_all(&p->map);
	p->opened = !error;
	return error;
}

static int primary_resume(struct repl *r, bool reloaded)
{
	struct primary *p = to_primary(r);
	int error;

	if (!p->opened) {
		error = open_map(p);
		if (error)
			return error;
	}
	if (r->stage == STAGE_RUNNING && reloaded &&
	    p->remote == REMOTE_DEGRADED) {
		/* what failed before has been accounted for now */
		clear_bit(LEG_REMOTE, &p->failed);
		take_up_remote(p);
	} else if (r->stage == STAGE_RUNNING) {
		resync_start(p);
	}
	settle(p);
	verify_resume(p);
	return 0;
}

static void primary_quiesce(struct repl *r)
{
	struct primary *p = to_primary(r);

	cancel_delayed_work_sync(&p->probe_work);
	verify_quiesce(p);
	resync_quiesce(p);
	behind_drain(p);
	flush_work(&p->settle_work);
	if (p->log && p->opened)
		log_quiesce(p->log);
}

/* While the device is being suspended nothing waits for the remote leg. */
static void primary_suspending(struct repl *r)
{
	queue_work(r->wq, &to_primary(r)->settle_work);
}

/* All I/O on the legs is the table's, which has gone, or has been quiesced. */
static void primary_abandon(struct repl *r)
{
	flush_work(&to_primary(r)->settle_work);
	drain_workqueue(to_primary(r)->io_wq);
	/* what it was to send may have been sent by somebody in a hurry */
	cancel_delayed_work_sync(&to_primary(r)->behind.send_work);
}

static void primary_destroy(struct repl *r)
{
	struct primary *p = to_primary(r);

	if (r->wq)
		destroy_workqueue(r->wq);
	if (p->bg_wq)
		destroy_workqueue(p->bg_wq);
	repair_exit(p);
	if (p->io_wq)
		destroy_workqueue(p->io_wq);
	/* events of what was settled last */
	cancel_work_sync(&r->event);
	resync_exit(p);
	verify_exit(p);
	log_free(p->log);
	behind_exit(p);
	if (!IS_ERR_OR_NULL(p->io))
		dm_io_client_destroy(p->io);
	dirty_exit(&p->map);
	kvfree(p);
}

const struct repl_kind primary_kind = {
	.name = "primary",
	.mode = REPLICATION_MODE_PRIMARY,
	.metadata = DEV_LOG,
	.cut_devs = BIT(LEG_LOCAL) | BIT(LEG_REMOTE) | BIT(DEV_LOG),
	.start = primary_start,
	.prepare = primary_prepare,
	.mark = primary_mark,
	.send = primary_send,
	.finish = primary_finish,
	.stop = primary_stop,
	.ready = primary_ready,
	.stopped = primary_stopped,
	.resume = primary_resume,
	.suspending = primary_suspending,
	.quiesce = primary_quiesce,
	.abandon = primary_abandon,
	.destroy = primary_destroy,
};

static int create_parts(struct primary *p, const struct primary_options *opt)
{
	struct mapped_device *md = p->r.md;
	int error;

	error = dirty_init(&p->map, opt->len, opt->region_size);
	if (error)
		return error;
	p->io_wq = alloc_workqueue("dm-repl-io/%s", WQ_MEM_RECLAIM | WQ_UNBOUND,
				   0, dm_device_name(md));
	p->bg_wq = alloc_workqueue("dm-repl-bg/%s", WQ_MEM_RECLAIM | WQ_UNBOUND,
				   0, dm_device_name(md));
	if (!p->io_wq || !p->bg_wq)
		return -ENOMEM;
	range_lock_init(&p->ranges, p->map.shift, p->io_wq);
	p->io = dm_io_client_create();
	if (IS_ERR(p->io))
		return PTR_ERR(p->io);
	if (opt->log) {
		p->log = log_new(&p->r, opt->log, opt->local, &p->map);
		if (!p->log)
			return -ENOMEM;
	}
	return behind_init(p) ?: repair_init(p) ?: resync_init(p) ?:
	       verify_init(p);
}

static struct primary *create(struct mapped_device *md,
			      const struct primary_options *opt,
			      struct block_device *devs[REPL_DEVS], int *error)
{
	struct primary *p = kvzalloc(sizeof(*p), GFP_KERNEL);

	*error = -ENOMEM;
	if (!p)
		return NULL;
	p->remote = REMOTE_DEGRADED;
	p->share = 100;
	init_llist_head(&p->parked);
	cut_gate_init(&p->gate);
	INIT_WORK(&p->settle_work, do_settle);
	INIT_DELAYED_WORK(&p->probe_work, do_probe);
	*error = repl_init(&p->r, &primary_kind, md, opt->len, devs);
	if (!*error)
		*error = create_parts(p, opt);
	if (!*error)
		return p;
	primary_destroy(&p->r);
	return NULL;
}

/**
 * primary_new() - the replication for a table of the primary form
 * @md: the mapped device
 * @opt: what the table says
 * @why: gets the reason of an error
 * @size: of @why in bytes
 *
 * Return: a new replication, or the mapped device's present one when the table
 * names the same devices; given back with repl_detach(). Or an ERR_PTR.
 */
struct repl *primary_new(struct mapped_device *md,
			 const struct primary_options *opt,
			 char *why, size_t size)
{
	struct block_device *devs[REPL_DEVS] = {
		[LEG_LOCAL] = opt->local,
		[LEG_REMOTE] = opt->remote,
		[DEV_LOG] = opt->log,
	};
	const char *text = NULL;
	char uuid[DM_UUID_LEN];
	struct primary *p;
	struct repl *r;
	int error = 0;

	/* I/O, so not under the list's lock; a live one is not looked at again */
	if (dm_copy_name_and_uuid(md, NULL, uuid))
		*uuid = '\0';
	if (opt->log)
		error = log_check(opt->log, opt->len, opt->region_size, uuid,
				  why, size);
	repl_list_acquire();
	r = repl_attach(&primary_kind, md, opt->len, devs, &text);
	if (!IS_ERR_OR_NULL(r) &&
	    1ULL << to_primary(r)->map.shift != opt->region_size) {
		/* dropping the attachment cannot be the last */
		r->tables--;
		repl_put(r);
		text = "region_size cannot change while the device exists";
		r = ERR_PTR(-EINVAL);
	}
	if (!r && error) {
		r = ERR_PTR(error);
	} else if (!r) {
		p = create(md, opt, devs, &error);
		if (p)
			repl_publish(&p->r);
		else
			text = error == -E2BIG ?
				"Too many regions: raise region_size" :
				"Out of memory";
		r = p ? &p->r : ERR_PTR(error);
	}
	repl_list_release();
	if (text)
		strscpy(why, text, size);
	return r;
}

/**
 * primary_configure() - let the options of a table come into effect
 * @p: the primary; no I/O is in flight
 * @config: they
 */
void primary_configure(struct primary *p, const struct primary_config *config)
{
	p->config = *config;
}

/**
 * primary_set_share() - how much background work may take from the workload
 * @p: the primary
 * @percent: of the time that resync and verify may keep the legs busy; 1 to 100
 */
void primary_set_share(struct primary *p, unsigned int percent)
{
	WRITE_ONCE(p->share, percent);
}

/*
 * ---- What it says of itself ----
 */

/**
 * primary_status() - the positional status line
 * @p: the primary
 * @result: gets the text
 * @maxlen: its size in bytes
 * @fault: the first error's name, or "-"
 */
void primary_status(struct primary *p, char *result, unsigned int maxlen,
		    const char *fault)
{
	static const char * const remote[] = {
		[REMOTE_ONLINE] = "online",
		[REMOTE_RESYNC] = "resync",
		[REMOTE_DEGRADED] = "degraded",
	};
	enum remote_state state = READ_ONCE(p->remote);
	const struct verify *v = &p->verify;
	unsigned int sz = 0;

	DMEMIT("primary %s %llu %lu/%lu %s %llu %s",
	       repl_stage_name(READ_ONCE(p->r.stage)), READ_ONCE(p->r.epoch),
	       p->map.regions - dirty_count(&p->map), p->map.regions,
	       remote[state],
	       (unsigned long long)READ_ONCE(p->behind.sectors), fault);
	if (state == REMOTE_RESYNC)
		DMEMIT(" %llu", (unsigned long long)resync_rate(p));
	else
		DMEMIT(" -");
	if (READ_ONCE(v->running) || READ_ONCE(v->done))
		DMEMIT(" %s:%lu/%lu:%lu", READ_ONCE(v->running) ? "verify" : "ended",
		       READ_ONCE(v->done), p->map.regions,
		       READ_ONCE(v->differing));
	else
		DMEMIT(" -");
}

/* Return: 0 and @bits, or -ENODATA: nobody remembers what was written since. */
static int changed_bits(struct primary *p, u64 epoch, unsigned long *bits,
			struct replication_reason *why)
{
	unsigned long region;

	if (epoch > p->r.epoch)
		return repl_refuse(why, -EINVAL,
				   "checkpoint %llu has yet to be taken, the last one is %llu",
				   epoch, p->r.epoch);
	/* after a crash the map knows no more than the log */
	if (p->log ? epoch < log_base(p->log) :
		     p->r.epoch - epoch > DIRTY_EPOCHS - 2)
		return repl_refuse(why, -ENODATA,
				   "nobody remembers what was written since checkpoint %llu: anything may differ",
				   epoch);
	dirty_since(&p->map, p->r.epoch - epoch, bits);
	if (p->r.epoch - epoch <= DIRTY_EPOCHS - 2)
		return 0;
	for_each_set_bit(region, p->log->durable, p->map.regions)
		set_bit(region, bits);
	return 0;
}

/**
 * primary_changed() - what may differ from a checkpoint?
 * @p: the primary
 * @epoch: the checkpoint
 * @result: gets "<regions> <sector>+<sectors> ..."
 * @maxlen: its size in bytes; what does not fit is cut off, and asked for anew
 * @why: gets the reason of an error
 *
 * Context: process, sleeps.
 * Return: 1, or a negative errno.
 */
int primary_changed(struct primary *p, u64 epoch, char *result,
		    unsigned int maxlen, struct replication_reason *why)
{
	unsigned long regions = p->map.regions, *bits, first, last;
	unsigned int shift = p->map.shift, sz = 0;
	sector_t end;
	int r;

	bits = kvcalloc(BITS_TO_LONGS(regions), sizeof(long), GFP_KERNEL);
	if (!bits)
		return repl_refuse(why, -ENOMEM, "out of memory");
	if (mutex_lock_killable(&p->r.lock)) {
		r = repl_refuse(why, -EINTR, "killed");
		goto out;
	}
	r = changed_bits(p, epoch, bits, why);
	mutex_unlock(&p->r.lock);
	if (!r) {
		DMEMIT("%u", bitmap_weight(bits, regions));
		for_each_set_bitrange(first, last, bits, regions) {
			end = min_t(sector_t, (sector_t)last << shift, p->r.len);
			DMEMIT(" %llu+%llu",
			       (unsigned long long)first << shift,
			       (unsigned long long)(end - ((sector_t)first << shift)));
		}
		r = 1;
	}
out:
	kvfree(bits);
	return r;
}
