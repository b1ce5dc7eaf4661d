// SPDX-License-Identifier: GPL-2.0-only
/*
 * The replication behind a mapped device: its life, its requests, its first
 * error, its events.
 *
 * Start, checkpoint and stop are requests. A request runs in the replication's
 * ordered workqueue, so there is never more than one, and the message that
 * asked for it sleeps killably. A caller that is killed leaves the request to
 * end by itself: a checkpoint that is half way is better finished than undone.
 */
#include <linux/blkdev.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "core.h"
#include "cut.h"

static LIST_HEAD(repl_list);
static DEFINE_MUTEX(repl_list_lock);

const char *repl_stage_name(enum repl_stage stage)
{
	static const char * const names[] = {
		[STAGE_NONE] = "none",
		[STAGE_RUNNING] = "running",
		[STAGE_FAILOVER] = "failover",
		[STAGE_FAILOVER_FAILED] = "failover_failed",
		[STAGE_DONE] = "done",
	};

	return names[stage];
}

/**
 * repl_errno_name() - the name of an errno that a device or a part gives
 * @error: a negative errno
 *
 * errname() of the kernel is not exported to modules.
 */
const char *repl_errno_name(int error)
{
	switch (error) {
	case -EIO:
		return "EIO";
	case -ENOSPC:
		return "ENOSPC";
	case -ENOMEM:
		return "ENOMEM";
	case -EOPNOTSUPP:
		return "EOPNOTSUPP";
	case -ETIMEDOUT:
		return "ETIMEDOUT";
	case -ENOLINK:
		return "ENOLINK";
	case -EREMOTEIO:
		return "EREMOTEIO";
	case -EBADE:
		return "EBADE";
	case -ENODATA:
		return "ENODATA";
	case -EILSEQ:
		return "EILSEQ";
	case -EAGAIN:
		return "EAGAIN";
	case -EBUSY:
		return "EBUSY";
	case -ENODEV:
		return "ENODEV";
	case -EINVAL:
		return "EINVAL";
	default:
		/* every other status of the block layer is an I/O error */
		return "EIO";
	}
}

const char *repl_op_name(enum req_op op)
{
	switch (op) {
	case REQ_OP_READ:
		return "read";
	case REQ_OP_WRITE:
		return "write";
	case REQ_OP_FLUSH:
		return "flush";
	case REQ_OP_DISCARD:
		return "discard";
	case REQ_OP_WRITE_ZEROES:
		return "write-zeroes";
	default:
		return "io";
	}
}

/**
 * repl_refuse() - say why a call fails
 * @why: gets the text
 * @error: the errno to return
 * @fmt: as for printf, no newline
 *
 * Return: @error, so that callers end with it.
 */
int repl_refuse(struct replication_reason *why, int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return error;
}

/*
 * ---- Events and the first error ----
 */

static void do_event(struct work_struct *work)
{
	struct repl *r = container_of(work, struct repl, event);

	struct repl_listener *listener;

	mutex_lock(&r->owner_lock);
	list_for_each_entry(listener, &r->listeners, list)
		dm_table_event(listener->ti->table);
	mutex_unlock(&r->owner_lock);
}

/**
 * repl_listen() - let a live target have the dm events
 * @r: the replication
 * @listener: the caller's; listed already is fine
 */
void repl_listen(struct repl *r, struct repl_listener *listener)
{
	mutex_lock(&r->owner_lock);
	if (list_empty(&listener->list))
		list_add_tail(&listener->list, &r->listeners);
	mutex_unlock(&r->owner_lock);
}

void repl_unlisten(struct repl *r, struct repl_listener *listener)
{
	mutex_lock(&r->owner_lock);
	list_del_init(&listener->list);
	mutex_unlock(&r->owner_lock);
}

/**
 * repl_event() - something changed: wake who waits here or in dmsetup wait
 * @r: the replication
 *
 * Context: any.
 */
void repl_event(struct repl *r)
{
	wake_up_all(&r->wait);
	schedule_work(&r->event);
}

/**
 * repl_set_stage() - the one place where the stage changes
 * @r: the replication, locked
 * @stage: the new one
 */
void repl_set_stage(struct repl *r, enum repl_stage stage)
{
	lockdep_assert_held(&r->lock);
	if (r->stage == stage)
		return;
	REPL_INFO(r, "%s: %s -> %s at epoch %llu", r->kind->name,
		  repl_stage_name(r->stage), repl_stage_name(stage), r->epoch);
	WRITE_ONCE(r->stage, stage);
	repl_event(r);
}

/**
 * repl_fault() - record an error; the first one since start is kept
 * @r: the replication
 * @error: negative errno
 * @where: leg or layer, a constant string
 * @op: operation, a constant string
 * @sector: of the mapped device
 * @text: more words, a constant string
 *
 * Context: any.
 */
void repl_fault(struct repl *r, int error, const char *where, const char *op,
		sector_t sector, const char *text)
{
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&r->fault_lock, flags);
	first = !r->fault.error;
	if (first)
		r->fault = (struct repl_fault) {
			.error = error, .where = where, .op = op,
			.sector = sector, .text = text,
		};
	spin_unlock_irqrestore(&r->fault_lock, flags);

	if (!first) {
		REPL_WARN_LIMIT(r, "%s %s %s at sector %llu: %s",
				repl_errno_name(error), where, op,
				(unsigned long long)sector, text);
		return;
	}
	/* the limit is one for all devices, and once a start is no flood */
	REPL_WARN(r, "%s %s %s at sector %llu: %s", repl_errno_name(error),
		  where, op, (unsigned long long)sector, text);
	repl_event(r);
}

void repl_clear_fault(struct repl *r)
{
	spin_lock_irq(&r->fault_lock);
	r->fault.error = 0;
	spin_unlock_irq(&r->fault_lock);
}

struct repl_fault repl_get_fault(struct repl *r)
{
	struct repl_fault fault;

	spin_lock_irq(&r->fault_lock);
	fault = r->fault;
	spin_unlock_irq(&r->fault_lock);
	return fault;
}

/*
 * ---- Requests ----
 */

enum request_kind { REQUEST_START, REQUEST_CHECKPOINT, REQUEST_STOP };

/**
 * struct request - a start, checkpoint or stop under way
 * @work: in the replication's workqueue
 * @r: the replication, pinned
 * @kind: which
 * @failover: for stop
 * @epoch: the replication's when it was @done
 * @error: the result, once @done
 * @why: its reason
 * @done: completed by the worker
 * @ref: the caller's and the worker's
 */
struct request {
	struct work_struct work;
	struct repl *r;
	enum request_kind kind;
	bool failover;
	u64 epoch;
	int error;
	struct replication_reason why;
	struct completion done;
	struct kref ref;
};

static void request_free(struct kref *ref)
{
	struct request *q = container_of(ref, struct request, ref);

	repl_put(q->r);
	kfree(q);
}

static int do_start(struct repl *r, struct request *q)
{
	int error;

	switch (r->stage) {
	case STAGE_NONE:
	case STAGE_DONE:
		break;
	default:
		return repl_refuse(&q->why, -EBUSY,
				   "cannot start: the stage is %s",
				   repl_stage_name(r->stage));
	}
	error = r->kind->start(r, &q->why);
	if (!error)
		repl_set_stage(r, STAGE_RUNNING);
	return error;
}

static int prepare_checkpoint(struct repl *r, struct replication_reason *why)
{
	if (r->stage != STAGE_RUNNING)
		return repl_refuse(why, -EINVAL,
				   "no checkpoint: the stage is %s, not running",
				   repl_stage_name(r->stage));
	return r->kind->prepare(r, why);
}

/* A step of a checkpoint, where the kind has it. */
static int take_step(struct repl *r, enum replication_cut step,
		     struct replication_reason *why)
{
	const struct repl_kind *kind = r->kind;

	switch (step) {
	case REPLICATION_CUT_MARK:
		if (kind->mark)
			kind->mark(r);
		break;
	case REPLICATION_CUT_SEND:
		return kind->send ? kind->send(r, why) : 0;
	case REPLICATION_CUT_PAUSE:
		if (kind->pause)
			kind->pause(r);
		break;
	case REPLICATION_CUT_COMMIT:
		return kind->commit ? kind->commit(r, why) : 0;
	default:
		break;
	}
	return 0;
}

/* The steps that a group takes together. */
static int do_checkpoint(struct repl *r, struct request *q)
{
	enum replication_cut step;
	int error = prepare_checkpoint(r, &q->why);

	if (error)
		return error;
	cut_begin();
	take_step(r, REPLICATION_CUT_MARK, &q->why);
	cut_take();
	for (step = REPLICATION_CUT_SEND;
	     !error && step <= REPLICATION_CUT_COMMIT; step++)
		error = take_step(r, step, &q->why);
	r->kind->finish(r);
	return error;
}

static int do_stop(struct repl *r, struct request *q)
{
	if (r->stage == STAGE_NONE || r->stage == STAGE_DONE)
		return repl_refuse(&q->why, -EINVAL,
				   "cannot stop: the stage is %s",
				   repl_stage_name(r->stage));
	return r->kind->stop(r, q->failover, &q->why);
}

static void do_request(struct work_struct *work)
{
	struct request *q = container_of(work, struct request, work);
	struct repl *r = q->r;
	/* memory that is written to this very device is not free */
	unsigned int noio = memalloc_noio_save();

	mutex_lock(&r->lock);
	if (r->suspended)
		q->error = repl_refuse(&q->why, -EAGAIN,
				       "the device is suspended: resume it first");
	else if (q->kind == REQUEST_START)
		q->error = do_start(r, q);
	else if (q->kind == REQUEST_CHECKPOINT)
		q->error = do_checkpoint(r, q);
	else
		q->error = do_stop(r, q);
	q->epoch = r->epoch;
	mutex_unlock(&r->lock);
	memalloc_noio_restore(noio);

	complete(&q->done);
	kref_put(&q->ref, request_free);
}

static int run_request(struct repl *r, enum request_kind kind, bool failover,
		       u64 *epoch, struct replication_reason *why)
{
	struct request *q = kzalloc(sizeof(*q), GFP_KERNEL);
	int error;

	if (!q)
		return repl_refuse(why, -ENOMEM, "out of memory");
	INIT_WORK(&q->work, do_request);
	repl_get(r);
	q->r = r;
	q->kind = kind;
	q->failover = failover;
	init_completion(&q->done);
	kref_init(&q->ref);
	kref_get(&q->ref);
	queue_work(r->wq, &q->work);

	/*
	 * Suspend waits for this: a message sleeps inside its table's SRCU
	 * section. What has begun takes as long as the devices below take to
	 * answer, and for those suspend waits anyway.
	 */
	if (!wait_for_completion_killable(&q->done)) {
		error = q->error;
		*why = q->why;
		if (epoch)
			*epoch = q->epoch;
	} else if (cancel_work(&q->work)) {
		kref_put(&q->ref, request_free);
		error = repl_refuse(why, -EINTR, "killed before it began");
	} else {
		error = repl_refuse(why, -EINTR, "killed; what was begun goes on");
	}
	kref_put(&q->ref, request_free);
	return error;
}

int repl_start(struct repl *r, enum replication_mode mode,
	       struct replication_reason *why)
{
	if (mode != r->kind->mode)
		return repl_refuse(why, -EINVAL, "cannot start: this is a %s",
				   r->kind->name);
	return run_request(r, REQUEST_START, false, NULL, why);
}

/* Runs a request that needs all of the data to be on both sides. */
static int run_when_ready(struct repl *r, enum request_kind kind, u64 *epoch,
			  struct replication_reason *why)
{
	int error;

	do {
		error = wait_event_killable(r->wait, r->kind->ready(r) ||
					    READ_ONCE(r->suspending));
		if (error)
			return repl_refuse(why, -EINTR, "killed");
		error = run_request(r, kind, false, epoch, why);
	} while (error == -EAGAIN && !READ_ONCE(r->suspending));
	return error;
}

/**
 * repl_checkpoint() - take a checkpoint
 * @r: the replication
 * @epoch: gets the checkpoint's number, or NULL
 * @why: the reason of an error
 *
 * Context: process, sleeps; ends early when the device is to be suspended or
 * the caller is killed.
 * Return: 0 or a negative errno.
 */
int repl_checkpoint(struct repl *r, u64 *epoch, struct replication_reason *why)
{
	return run_when_ready(r, REQUEST_CHECKPOINT, epoch, why);
}

/**
 * repl_stop() - stop, and wait for what stopping takes in the background
 * @r: the replication
 * @failover: as the message has it
 * @why: the reason of an error
 *
 * Context: process, sleeps; ends early when the device is to be suspended or
 * the caller is killed.
 * Return: 0 or a negative errno.
 */
int repl_stop(struct repl *r, bool failover, struct replication_reason *why)
{
	int error, stopped;
	bool ended;

	if (failover)
		return run_request(r, REQUEST_STOP, true, NULL, why);
	error = run_when_ready(r, REQUEST_STOP, NULL, why);
	if (error)
		return error;
	error = wait_event_killable(r->wait, READ_ONCE(r->suspending) ||
				    r->kind->stopped(r, &stopped));
	if (error)
		return repl_refuse(why, -EINTR, "killed; the merge goes on");
	ended = r->kind->stopped(r, &stopped);
	if (stopped)
		return repl_refuse(why, stopped,
				   "the buffer could not be merged, see get_error");
	if (!ended)
		return repl_refuse(why, -EAGAIN,
				   "the device is being suspended; the merge goes on after resume");
	return 0;
}

/*
 * ---- The registry's side ----
 * A group's calls leave alone who is not concerned.
 */

static void copy_group(struct repl *r, char *group)
{
	mutex_lock(&r->owner_lock);
	strscpy(group, r->group, REPLICATION_GROUP_LEN);
	mutex_unlock(&r->owner_lock);
}

static int rs_start(struct replication_state *rs, enum replication_mode mode,
		    struct replication_reason *why)
{
	struct repl *r = rs->opaque;
	enum repl_stage stage = READ_ONCE(r->stage);

	if (mode != r->kind->mode || stage > STAGE_RUNNING)
		return 0;
	return repl_start(r, mode, why);
}

static int refuse_suspended(struct replication_reason *why)
{
	return repl_refuse(why, -EAGAIN,
			   "the device is suspended: resume it first");
}

/* Does @r need @below for its part in a checkpoint? */
static bool lies_on(const struct repl *r, const struct repl *below)
{
	int i;

	for (i = 0; i < REPL_DEVS; i++)
		if (r->devs[i] && r->kind->cut_devs & BIT(i) &&
		    r->devs[i]->bd_disk == dm_disk(below->md))
			return true;
	return false;
}

static int refuse_upper(const struct repl *upper, const struct repl *lower,
			struct replication_reason *why)
{
	return repl_refuse(why, -EINVAL,
			   "%s lies on %s, which is of the same group: they need groups of their own",
			   upper->name, lower->name);
}

/*
 * Who holds writes from its cut until all of the group are done must not be
 * below one of them. What other devices lie between the two cannot be seen.
 */
static int refuse_stacked(struct repl *r, struct replication_reason *why)
{
	char group[REPLICATION_GROUP_LEN], its_group[REPLICATION_GROUP_LEN];
	struct repl *other;

	lockdep_assert_held(&repl_list_lock);
	if (READ_ONCE(r->stage) > STAGE_RUNNING)
		return 0;
	copy_group(r, group);
	list_for_each_entry(other, &repl_list, list) {
		copy_group(other, its_group);
		if (READ_ONCE(other->stage) > STAGE_RUNNING ||
		    strcmp(group, its_group))
			continue;
		if (lies_on(r, other))
			return refuse_upper(r, other, why);
		if (lies_on(other, r))
			return refuse_upper(other, r, why);
	}
	return 0;
}

static int cut_wait(struct repl *r, struct replication_reason *why)
{
	int error;

	mutex_lock(&repl_list_lock);
	error = refuse_stacked(r, why);
	mutex_unlock(&repl_list_lock);
	if (error)
		return error;
	if (wait_event_killable(r->wait, r->kind->ready(r) ||
				READ_ONCE(r->suspending) ||
				READ_ONCE(r->stage) > STAGE_RUNNING))
		return repl_refuse(why, -EINTR, "killed");
	if (READ_ONCE(r->stage) > STAGE_RUNNING)
		return 0;
	return READ_ONCE(r->suspending) ? refuse_suspended(why) : 0;
}

/*
 * The wait may have been long. But who has the list's lock may wait for memory,
 * which nobody of the group must wait for now: then all begins anew.
 */
static int refuse_stacked_by_now(struct repl *r, struct replication_reason *why)
{
	int error;

	if (!mutex_trylock(&repl_list_lock))
		return -EAGAIN;
	error = refuse_stacked(r, why);
	mutex_unlock(&repl_list_lock);
	return error;
}

/* With the lock, unless it fails. */
static int cut_hold(struct repl *r, struct replication_reason *why)
{
	int error;

	mutex_lock_nest_lock(&r->lock, &cut_nest);
	if (r->stage > STAGE_RUNNING)
		error = REPLICATION_CUT_LEAVE;
	else if (r->suspended)
		error = refuse_suspended(why);
	else
		error = refuse_stacked_by_now(r, why) ?:
			prepare_checkpoint(r, why);
	if (error)
		mutex_unlock(&r->lock);
	return error;
}

/* do_checkpoint(), step by step, for all of a group at once */
static int rs_cut(struct replication_state *rs, enum replication_cut step,
		  struct replication_reason *why)
{
	struct repl *r = rs->opaque;

	switch (step) {
	case REPLICATION_CUT_WAIT:
		return cut_wait(r, why);
	case REPLICATION_CUT_HOLD:
		return cut_hold(r, why);
	case REPLICATION_CUT_END:
		r->kind->finish(r);
		mutex_unlock(&r->lock);
		return 0;
	default:
		return take_step(r, step, why);
	}
}

static int rs_get_error(struct replication_state *rs,
			struct replication_reason *why)
{
	struct repl *r = rs->opaque;
	struct repl_fault fault = repl_get_fault(r);

	if (READ_ONCE(r->stage) != STAGE_RUNNING || !fault.error)
		return 0;
	return repl_refuse(why, fault.error, "%s %s %s %llu %s",
			   repl_errno_name(fault.error), fault.where, fault.op,
			   (unsigned long long)fault.sector, fault.text);
}

static int rs_stop(struct replication_state *rs, bool failover,
		   struct replication_reason *why)
{
	struct repl *r = rs->opaque;
	int error;

	if (READ_ONCE(r->stage) > STAGE_RUNNING)
		return 0;
	error = repl_stop(r, failover, why);
	/* or it has left the group's work while it was waited for */
	if ((error == -EINVAL || error == -EBUSY) &&
	    READ_ONCE(r->stage) > STAGE_RUNNING)
		return 0;
	return error;
}

static const struct replication_ops rs_ops = {
	.start = rs_start,
	.get_error = rs_get_error,
	.stop = rs_stop,
	.cut = rs_cut,
};

/*
 * ---- Calls on a group ----
 *
 * They run in a worker of their own: the message that asks is one device's,
 * and what it asks for may take as long as any device of the group does.
 */

static struct workqueue_struct *group_wq;

/**
 * struct group_request - a call on a group under way
 * @work: in group_wq
 * @r: the replication whose message asked, pinned
 * @group: its group
 * @call: what
 * @mode: for start
 * @failover: for stop
 * @error: the result, once @done
 * @why: its reason
 * @done: completed by the worker
 * @ref: the caller's and the worker's
 */
struct group_request {
	struct work_struct work;
	struct repl *r;
	char group[REPLICATION_GROUP_LEN];
	enum group_call call;
	enum replication_mode mode;
	bool failover;
	int error;
	struct replication_reason why;
	struct completion done;
	struct kref ref;
};

static void group_request_free(struct kref *ref)
{
	struct group_request *g = container_of(ref, struct group_request, ref);

	repl_put(g->r);
	kfree(g);
}

static void do_group_request(struct work_struct *work)
{
	struct group_request *g = container_of(work, struct group_request, work);

	switch (g->call) {
	case GROUP_START:
		g->error = replication_start_all(g->group, g->mode, &g->why);
		break;
	case GROUP_CHECKPOINT:
		g->error = replication_do_checkpoint_all(g->group, &g->why);
		break;
	case GROUP_STOP:
		g->error = replication_stop_all(g->group, g->failover, &g->why);
		break;
	}
	complete(&g->done);
	wake_up_all(&g->r->wait);
	kref_put(&g->ref, group_request_free);
}

/*
 * Sleeps until the group has answered, the device is to be suspended, or the
 * caller is killed. Suspend must not wait for the devices of others, and hold
 * this one's I/O while it does.
 */
static int wait_group(struct repl *r, const bool *suspending,
		      struct completion *done, struct replication_reason *why)
{
	if (wait_event_killable(r->wait, completion_done(done) ||
				READ_ONCE(r->suspending) ||
				READ_ONCE(*suspending)))
		return repl_refuse(why, -EINTR,
				   "killed; what was begun goes on");
	if (!completion_done(done))
		return repl_refuse(why, -EAGAIN,
				   "the device is being suspended; the others of its group go on");
	return 0;
}

/**
 * repl_get_error_group() - the first error in a replication's group
 * @r: the replication
 * @why: the error in words
 *
 * No device is asked for I/O, so this works while @r's is suspended too.
 *
 * Return: what replication_get_error_all() returned.
 */
int repl_get_error_group(struct repl *r, struct replication_reason *why)
{
	char group[REPLICATION_GROUP_LEN];

	copy_group(r, group);
	return replication_get_error_all(group, why);
}

/**
 * repl_call_group() - ask all of a replication's group
 * @r: the replication
 * @suspending: set when the device that was asked is to be suspended, be it
 *	@r's or an inbound view of it; @r->wait is woken then
 * @call: for what
 * @mode: for start
 * @failover: for stop
 * @why: the reason of an error
 *
 * Context: process, sleeps; ends early when @r's device or the one that was
 * asked is to be suspended, or the caller is killed.
 * Return: what the registry's function returned, or a negative errno.
 */
int repl_call_group(struct repl *r, const bool *suspending,
		    enum group_call call, enum replication_mode mode,
		    bool failover, struct replication_reason *why)
{
	struct group_request *g;
	int error;

	/* nothing is begun that nobody would wait for */
	if (READ_ONCE(r->suspending) || READ_ONCE(*suspending))
		return repl_refuse(why, -EAGAIN,
				   "the device is suspended: resume it first");
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		return repl_refuse(why, -ENOMEM, "out of memory");
	INIT_WORK(&g->work, do_group_request);
	repl_get(r);
	g->r = r;
	copy_group(r, g->group);
	g->call = call;
	g->mode = mode;
	g->failover = failover;
	init_completion(&g->done);
	kref_init(&g->ref);
	kref_get(&g->ref);
	queue_work(group_wq, &g->work);

	error = wait_group(r, suspending, &g->done, why);
	if (!error) {
		error = g->error;
		*why = g->why;
	}
	kref_put(&g->ref, group_request_free);
	return error;
}

int __init core_init(void)
{
	cut_init();
	group_wq = alloc_workqueue("dm-repl-group", WQ_UNBOUND, 0);
	return group_wq ? 0 : -ENOMEM;
}

/* All devices have gone; calls that nobody waits for any more may have not. */
void core_exit(void)
{
	destroy_workqueue(group_wq);
}

/*
 * ---- Life ----
 */

/**
 * repl_init() - set up the shared part of a new replication
 * @r: zeroed memory within the kind's own
 * @kind: what it is
 * @md: the mapped device
 * @len: sectors
 * @devs: the devices below; the first two are there
 *
 * Followed by repl_publish(), or by the kind's destroy when that fails.
 *
 * Return: 0 or -ENOMEM.
 */
int repl_init(struct repl *r, const struct repl_kind *kind,
	      struct mapped_device *md, sector_t len,
	      struct block_device *devs[REPL_DEVS])
{
	int i;

	r->kind = kind;
	r->md = md;
	if (dm_copy_name_and_uuid(md, r->name, r->uuid))
		strscpy(r->name, dm_device_name(md), sizeof(r->name));
	r->len = len;
	for (i = 0; i < REPL_DEVS; i++) {
		r->devs[i] = devs[i];
		r->dev_nr[i] = devs[i] ? devs[i]->bd_dev : 0;
	}
	INIT_LIST_HEAD(&r->list);
	r->tables = 1;
	kref_init(&r->ref);
	INIT_LIST_HEAD(&r->listeners);
	mutex_init(&r->owner_lock);
	mutex_init(&r->lock);
	r->suspending = true;
	r->suspended = true;
	spin_lock_init(&r->fault_lock);
	init_waitqueue_head(&r->wait);
	INIT_WORK(&r->event, do_event);
	r->wq = alloc_ordered_workqueue("dm-repl/%s", WQ_MEM_RECLAIM,
					dm_device_name(md));
	return r->wq ? 0 : -ENOMEM;
}

/* The list's lock is also what makes "look, then create" of a table one step. */
void repl_list_acquire(void)
{
	mutex_lock(&repl_list_lock);
}

void repl_list_release(void)
{
	mutex_unlock(&repl_list_lock);
}

void repl_publish(struct repl *r)
{
	lockdep_assert_held(&repl_list_lock);
	list_add_tail(&r->list, &repl_list);
}

static bool same_storage(struct block_device *a, struct block_device *b)
{
	sector_t a0, b0;

	if (!a || !b || a->bd_disk != b->bd_disk)
		return false;
	a0 = get_start_sect(a);
	b0 = get_start_sect(b);
	return a0 < b0 + bdev_nr_sectors(b) && b0 < a0 + bdev_nr_sectors(a);
}

/* Could these be the devices of one replication at all? */
static int check_devices(struct mapped_device *md,
			 struct block_device *devs[REPL_DEVS],
			 const char **error)
{
	int i, j;

	for (i = 0; i < REPL_DEVS; i++) {
		if (devs[i] && devs[i]->bd_disk == dm_disk(md)) {
			*error = "A device cannot be below itself";
			return -EINVAL;
		}
		for (j = 0; j < i; j++) {
			if (same_storage(devs[i], devs[j])) {
				*error = "Two of the devices overlap";
				return -EINVAL;
			}
		}
	}
	return 0;
}

/* May @r, of another mapped device, have its devices beside @devs? */
static bool share(const struct repl *r, struct block_device *devs[REPL_DEVS])
{
	int i, j;

	for (i = 0; i < REPL_DEVS; i++)
		for (j = 0; j < REPL_DEVS; j++)
			if (same_storage(devs[i], r->devs[j]))
				return true;
	return false;
}

/* Is @r, of the same mapped device, what a table with @devs continues? */
static int continues(const struct repl *r, const struct repl_kind *kind,
		     sector_t len, struct block_device *devs[REPL_DEVS],
		     const char **error)
{
	if (r->kind != kind)
		return 0;
	if (r->len == len && r->devs[0] == devs[0] && r->devs[1] == devs[1]) {
		if (r->devs[2] == devs[2])
			return 1;
		*error = "dirty_log cannot change while the device exists";
		return -EINVAL;
	}
	if (same_storage(devs[kind->metadata], r->devs[kind->metadata])) {
		*error = "The present table has that device, with other devices or another length";
		return -EBUSY;
	}
	return 0;
}

/**
 * repl_attach() - the replication a new table continues
 * @kind: of the table
 * @md: the table's mapped device
 * @len: sectors
 * @devs: the devices of the table
 * @error: why there is an error
 *
 * Return: the replication with the same devices and length, one more table
 * attached; NULL when a new one may be made; ERR_PTR(-EBUSY or -EINVAL) when
 * another one holds a device, or the devices cannot go together.
 */
struct repl *repl_attach(const struct repl_kind *kind, struct mapped_device *md,
			 sector_t len, struct block_device *devs[REPL_DEVS],
			 const char **error)
{
	struct repl *r, *found = NULL;
	int same;

	lockdep_assert_held(&repl_list_lock);

	same = check_devices(md, devs, error);
	if (same)
		return ERR_PTR(same);
	list_for_each_entry(r, &repl_list, list) {
		/* one without a table is about to let go of its devices */
		if (r->md == md && r->tables) {
			same = continues(r, kind, len, devs, error);
			if (same < 0)
				return ERR_PTR(same);
			if (same)
				found = r;
		} else if (share(r, devs)) {
			*error = "A device is in use by another replication";
			return ERR_PTR(-EBUSY);
		}
	}
	if (found) {
		found->tables++;
		repl_get(found);
	}
	return found;
}

/**
 * repl_find() - the replication behind a mapped device
 * @kind: what is looked for
 * @view: the mapped device's block device
 *
 * Return: the replication, pinned, or NULL. Of several, the one in use.
 */
struct repl *repl_find(const struct repl_kind *kind, struct block_device *view)
{
	struct repl *r, *found = NULL;

	mutex_lock(&repl_list_lock);
	list_for_each_entry(r, &repl_list, list) {
		if (r->kind == kind && dm_disk(r->md) == view->bd_disk &&
		    READ_ONCE(r->owner))
			found = r;
	}
	if (found)
		repl_get(found);
	mutex_unlock(&repl_list_lock);
	return found;
}

void repl_get(struct repl *r)
{
	kref_get(&r->ref);
}

static void repl_release(struct kref *ref)
{
	struct repl *r = container_of(ref, struct repl, ref);

	r->kind->destroy(r);
}

void repl_put(struct repl *r)
{
	kref_put(&r->ref, repl_release);
}

/**
 * repl_detach() - a table goes
 * @r: the replication
 * @ti: the table's target
 *
 * With the last table the devices below go too: when this returns nothing
 * touches them any more.
 */
void repl_detach(struct repl *r, struct dm_target *ti)
{
	bool last;

	mutex_lock(&r->owner_lock);
	if (r->owner == ti)
		WRITE_ONCE(r->owner, NULL);
	mutex_unlock(&r->owner_lock);

	mutex_lock(&repl_list_lock);
	last = !--r->tables;
	mutex_unlock(&repl_list_lock);

	if (last) {
		/* ends the waits of a group's calls, so that they let go of us */
		repl_presuspend(r);
		replication_remove(r->rs);
		r->rs = NULL;
		repl_postsuspend(r);
		/* whoever has ended the last bio may be about to queue work */
		synchronize_rcu();
		drain_workqueue(r->wq);
		r->kind->abandon(r);
		cancel_work_sync(&r->event);
		/* not before: until now its devices were nobody else's */
		mutex_lock(&repl_list_lock);
		list_del_init(&r->list);
		mutex_unlock(&repl_list_lock);
	}
	repl_put(r);
}

/* Makes @r a member of a group, unless it is. */
static int join(struct repl *r, const char *group)
{
	struct replication_state *rs;

	if (r->rs && !strcmp(r->group, group))
		return 0;
	rs = replication_new(group, r, &rs_ops);
	if (IS_ERR(rs))
		return PTR_ERR(rs);
	replication_remove(r->rs);
	r->rs = rs;
	mutex_lock(&r->owner_lock);
	strscpy(r->group, group, sizeof(r->group));
	mutex_unlock(&r->owner_lock);
	return 0;
}

/**
 * repl_resume() - a table is (again) the live one
 * @r: its replication
 * @ti: the table's target
 * @group: what the table says
 *
 * Context: the target's preresume.
 * Return: 0 or a negative errno; then the device stays suspended.
 */
int repl_resume(struct repl *r, struct dm_target *ti, const char *group)
{
	/* what is written to this device waits until it is resumed */
	unsigned int noio = memalloc_noio_save();
	int error = join(r, group);

	if (!error) {
		WRITE_ONCE(r->suspending, false);
		mutex_lock(&r->lock);
		r->suspended = false;
		error = r->kind->resume(r, READ_ONCE(r->owner) != ti);
		if (error) {
			r->suspended = true;
			repl_presuspend(r);
		}
		mutex_unlock(&r->lock);
	}
	memalloc_noio_restore(noio);
	if (error)
		return error;
	mutex_lock(&r->owner_lock);
	WRITE_ONCE(r->owner, ti);
	mutex_unlock(&r->owner_lock);
	return 0;
}

void repl_presuspend(struct repl *r)
{
	WRITE_ONCE(r->suspending, true);
	wake_up_all(&r->wait);
	if (r->kind->suspending)
		r->kind->suspending(r);
}

void repl_presuspend_undo(struct repl *r)
{
	WRITE_ONCE(r->suspending, false);
	if (r->kind->suspending)
		r->kind->suspending(r);
}

/* All I/O of ours has ended when this returns. */
void repl_postsuspend(struct repl *r)
{
	mutex_lock(&r->lock);
	r->suspended = true;
	mutex_unlock(&r->lock);
	r->kind->quiesce(r);
}
