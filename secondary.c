// SPDX-License-Identifier: GPL-2.0-only
/*
 * The secondary: its stages, and what happens between them.
 *
 * Start, checkpoint, stop and failover are one thing: hold the writes, let
 * those in flight end, make durable what is to be, publish the new layout, let
 * the writes go on. All memory is had before the writes are held, so the only
 * thing that can fail in between is I/O on the buffer; then the old layout
 * comes back as if nothing had been.
 *
 *	            inbound open  active open  committed	modes
 *	start       empty         empty        -		layered, layered
 *	checkpoint  empty         empty        += inbound	layered, layered
 *	failover    -             -            += active	refused, plain
 *	stop        -             -            += inbound	plain, plain
 */
#include <linux/blkdev.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "secondary.h"

/**
 * struct transition - what a transition needs, had before it begins
 * @held: the present layout, to be held
 * @back: the present layout, should it fail
 * @next: the layout it leads to
 * @open: new empty layers for @next, should it go on
 * @holes: for @next, should it not
 * @tried: a superblock that names an open layer may have been written
 */
struct transition {
	struct layout *held;
	struct layout *back;
	struct layout *next;
	struct layer *open[VIEWS];
	struct layer *holes;
	bool tried;
};

static void transition_free(struct transition *t)
{
	int i;

	kfree(t->held);
	kfree(t->back);
	kfree(t->next);
	for (i = 0; i < VIEWS; i++)
		layer_free(t->open[i]);
	layer_free(t->holes);
}

static int open_layers(struct secondary *s, struct layer *open[VIEWS], u64 epoch)
{
	static const char * const name[VIEWS] = {
		[VIEW_INBOUND] = "inbound",
		[VIEW_ACTIVE] = "active",
	};
	int i;

	for (i = 0; i < VIEWS; i++) {
		open[i] = layer_new(&s->buffer, name[i], epoch, BUFFER_RESERVE,
				    &s->r.wait);
		if (!open[i])
			return -ENOMEM;
	}
	return 0;
}

static int transition_alloc(struct secondary *s, struct transition *t,
			    bool goes_on, struct replication_reason *why)
{
	int error = 0;

	*t = (struct transition) {
		.held = layout_copy(s),
		.back = layout_copy(s),
		.next = layout_copy(s),
	};
	if (goes_on)
		error = open_layers(s, t->open, s->r.epoch + 2);
	else
		t->holes = layer_new(&s->buffer, "committed", 0, 0, &s->r.wait);
	if (!error && t->held && t->back && t->next && (goes_on || t->holes))
		return 0;
	transition_free(t);
	return repl_refuse(why, -ENOMEM, "out of memory");
}

/*
 * The commit failed: all is as it was, except when a crash may find it as if
 * it had not failed. What is in a checkpoint must not change then, until one
 * succeeds or this one has been taken back. A start has only what is on the
 * disk, and does not mind; nor does what a merge has left in doubt matter.
 */
static void transition_fail(struct secondary *s, struct transition *t)
{
	struct layout *back = t->back;
	bool doubt = s->buffer.doubt && s->r.stage == STAGE_RUNNING &&
		     (t->tried || back->mode[VIEW_ACTIVE] == VIEW_READ_ONLY);
	int i;

	layout_set_modes(back, s->r.stage, s->buffer.state.flags);
	for (i = 0; doubt && i < VIEWS; i++)
		back->mode[i] = VIEW_READ_ONLY;
	t->back = NULL;
	views_thaw(s, back);
	transition_free(t);
	if (doubt)
		REPL_ERR(&s->r, "the buffer may hold a commit that failed: no writes until one succeeds");
}

static_assert((int)STAGE_NONE == FORMAT_STAGE_NONE);
static_assert((int)STAGE_RUNNING == FORMAT_STAGE_RUNNING);
static_assert((int)STAGE_FAILOVER == FORMAT_STAGE_FAILOVER);
static_assert((int)STAGE_DONE == FORMAT_STAGE_DONE);

/* Makes a stage and an epoch durable, and more that @state says. */
static int commit_stage(struct secondary *s, struct format_state *state,
			enum repl_stage stage, u64 epoch)
{
	lockdep_assert_held(&s->commit_lock);
	state->stage = stage;
	state->epoch = epoch;
	return buffer_commit(&s->buffer, state);
}

static void push_committed(struct layout *layout, struct layer *l)
{
	memmove(&layout->committed[1], &layout->committed[0],
		layout->nr * sizeof(layout->committed[0]));
	layout->committed[0] = l;
	layout->nr++;
	/* pairs with layer_lookup() */
	smp_store_release(&l->sealed, true);
	WRITE_ONCE(l->name, "committed");
}

/*
 * Makes room for one more committed layer, so that a lookup never has to go
 * through more than a few however slow the disk is: the newest one is folded
 * into the next. The merge works on the oldest ones, which stay as they are.
 */
static int make_room(struct secondary *s, struct replication_reason *why)
{
	struct layout *now = layout_now(s), *next;
	struct layer *from, *into;
	int error;

	if (now->nr < MAX_COMMITTED)
		return 0;
	if (s->merging > MAX_COMMITTED - 2)
		return repl_refuse(why, -EBUSY,
				   "no checkpoint: the merge of %u earlier ones has to end first",
				   s->merging);
	next = layout_copy(s);
	if (!next)
		return repl_refuse(why, -ENOMEM, "out of memory");
	from = now->committed[0];
	into = now->committed[1];
	error = layer_fold(into, from);
	if (error) {
		kfree(next);
		return repl_refuse(why, error, "out of memory");
	}
	into->epoch = from->epoch;
	into->newest = from->newest;
	memmove(&next->committed[0], &next->committed[1],
		(next->nr - 1) * sizeof(next->committed[0]));
	next->nr--;
	layout_publish(s, next);
	layer_retire(s, from, into);
	return 0;
}

/*
 * Gets ready to commit the open layer of a view. Followed by hold_writes(), and
 * that by commit_view() or transition_fail(); or by transition_free().
 */
static int begin_commit(struct secondary *s, struct transition *t, bool goes_on,
			struct replication_reason *why)
{
	int error;

	if (s->buffer.untrusted)
		return repl_refuse(why, -EIO,
				   "a flush or superblock of the buffer failed: what was written since the last checkpoint may be lost; remove the secondary and create it again to go back to that one");
	error = make_room(s, why);
	if (error)
		return error;
	return transition_alloc(s, t, goes_on, why);
}

static void hold_writes(struct secondary *s, struct transition *t)
{
	views_freeze(s, t->held);
	t->held = NULL;
}

/*
 * Commits the open layer of @view as the next epoch. A running secondary goes
 * on with new layers, one that stops with plain views. The other view's layer
 * is dropped.
 */
static int commit_view(struct secondary *s, struct transition *t,
		       enum view_id view, enum repl_stage stage,
		       struct replication_reason *why)
{
	struct layer *l = layout_now(s)->open[view];
	struct layer *dropped = layout_now(s)->open[!view];
	bool goes_on = stage == STAGE_RUNNING;
	struct format_state state;
	struct summary_id newest;
	/* a failover carries on from the last checkpoint, it is none */
	u64 epoch = s->r.epoch + (view == VIEW_INBOUND);
	bool empty;
	int i, error;

	error = layer_seal(l, &newest);
	empty = mtree_empty(&l->map);
	mutex_lock(&s->commit_lock);
	state = s->buffer.state;
	if (!empty)
		state.newest = newest;
	if (view == VIEW_ACTIVE)
		state.flags |= FORMAT_INBOUND_CLOSED;
	if (!error) {
		t->tried = true;
		error = commit_stage(s, &state, stage, epoch);
	}
	mutex_unlock(&s->commit_lock);
	if (error) {
		transition_fail(s, t);
		repl_fault(&s->r, error, "buffer", "write", 0,
			   "the commit failed, the last checkpoint stays");
		return repl_refuse(why, error,
				   "the buffer failed with error %d, the last checkpoint stays",
				   error);
	}

	if (!empty)
		push_committed(t->next, l);
	layout_set_modes(t->next, stage, state.flags);
	for (i = 0; i < VIEWS; i++) {
		/* their summaries point to the last of the committed ones */
		if (goes_on)
			t->open[i]->newest = state.newest;
		t->next->open[i] = t->open[i];
		t->open[i] = NULL;
	}
	if (!goes_on && t->next->nr) {
		t->holes->epoch = state.newest.epoch;
		t->holes->newest = state.newest;
		t->next->holes = t->holes;
		t->holes = NULL;
		WRITE_ONCE(s->holes_lost, false);
	}
	WRITE_ONCE(s->r.epoch, epoch);
	views_thaw(s, t->next);
	t->next = NULL;
	layer_retire(s, dropped, NULL);
	if (empty)
		layer_retire(s, l, NULL);
	transition_free(t);
	repl_set_stage(&s->r, stage);
	merge_start(s);
	return 0;
}

/*
 * ---- Requests ----
 */

/*
 * What is on the disk is the first checkpoint. Writes of the inbound view that
 * are on their way to the disk belong to it, so they are waited for and
 * flushed before the stage is.
 */
static int secondary_start(struct repl *r, struct replication_reason *why)
{
	struct secondary *s = to_secondary(r);
	u64 epoch = r->epoch + 1;
	struct format_state state;
	struct transition t;
	int i, error;

	error = transition_alloc(s, &t, true, why);
	if (error)
		return error;
	views_freeze(s, t.held);
	t.held = NULL;
	error = blkdev_issue_flush(r->devs[DEV_DISK]);
	if (error)
		set_bit(LOST_TELL_VIEWS, &s->lost);
	else if (test_and_clear_bit(LOST_TELL_START, &s->lost))
		error = -EIO;
	mutex_lock(&s->commit_lock);
	if (!error) {
		state = s->buffer.state;
		state.flags = 0;
		state.merged_epoch = epoch;
		/* no samples yet: if this fails the disk will be written to */
		memset(state.sample, 0, sizeof(state.sample));
		error = commit_stage(s, &state, STAGE_RUNNING, epoch);
	}
	if (!error) {
		clear_bit(LOST_TELL_VIEWS, &s->lost);
		WRITE_ONCE(s->holes_lost, false);
		samples_take(&s->buffer, r->devs[DEV_DISK], NULL, 0, &state);
		if (buffer_commit(&s->buffer, &state))
			REPL_WARN(r, "the buffer failed: it will not know its disk again");
		/* there is nothing of the epoch that could be lost */
		s->buffer.untrusted = false;
	}
	mutex_unlock(&s->commit_lock);
	if (error) {
		transition_fail(s, &t);
		return repl_refuse(why, error,
				   "disk or buffer failed with error %d", error);
	}
	layout_set_modes(t.next, STAGE_RUNNING, 0);
	for (i = 0; i < VIEWS; i++) {
		t.next->open[i] = t.open[i];
		t.open[i] = NULL;
	}
	WRITE_ONCE(r->epoch, epoch);
	repl_clear_fault(r);
	views_thaw(s, t.next);
	t.next = NULL;
	transition_free(&t);
	return 0;
}

/*
 * All writes of the group's secondaries are held before the first one commits:
 * what waits was not acknowledged, so nobody wrote anything because of it.
 */
static int secondary_prepare(struct repl *r, struct replication_reason *why)
{
	struct secondary *s = to_secondary(r);

	struct transition *t = kmalloc(sizeof(*t), GFP_KERNEL);
	int error;

	if (!t)
		return repl_refuse(why, -ENOMEM, "out of memory");
	error = begin_commit(s, t, true, why);
	if (error)
		kfree(t);
	else
		s->checkpoint = t;
	return error;
}

static void secondary_pause(struct repl *r)
{
	struct secondary *s = to_secondary(r);

	hold_writes(s, s->checkpoint);
}

static int secondary_commit(struct repl *r, struct replication_reason *why)
{
	struct secondary *s = to_secondary(r);
	struct transition *t = s->checkpoint;
	int error;

	s->checkpoint = NULL;
	error = commit_view(s, t, VIEW_INBOUND, STAGE_RUNNING, why);
	kfree(t);
	return error;
}

static void secondary_finish(struct repl *r)
{
	struct secondary *s = to_secondary(r);

	/* another one of the group failed before it was our turn */
	if (s->checkpoint && s->checkpoint->held)
		transition_free(s->checkpoint);
	else if (s->checkpoint)
		transition_fail(s, s->checkpoint);
	kfree(s->checkpoint);
	s->checkpoint = NULL;
}

static int secondary_stop(struct repl *r, bool failover,
			  struct replication_reason *why)
{
	struct secondary *s = to_secondary(r);
	struct transition t;
	int error;

	switch (r->stage) {
	case STAGE_RUNNING:
		error = begin_commit(s, &t, false, why);
		if (error)
			return error;
		hold_writes(s, &t);
		return commit_view(s, &t, failover ? VIEW_ACTIVE : VIEW_INBOUND,
				   STAGE_FAILOVER, why);
	case STAGE_FAILOVER_FAILED:
		repl_set_stage(r, STAGE_FAILOVER);
		merge_start(s);
		return 0;
	default:
		if (failover)
			return repl_refuse(why, -EBUSY,
					   "already stopped, the merge is under way");
		return 0;
	}
}

static bool secondary_ready(struct repl *r)
{
	return true;
}

static bool secondary_stopped(struct repl *r, int *error)
{
	enum repl_stage stage = READ_ONCE(r->stage);

	*error = stage == STAGE_FAILOVER_FAILED ? -EIO : 0;
	return stage != STAGE_FAILOVER;
}

/**
 * secondary_merged() - nothing was left when the merge looked last
 * @s: the secondary, locked
 */
void secondary_merged(struct secondary *s)
{
	struct format_state state;
	int error;

	if (s->r.stage != STAGE_FAILOVER || layout_now(s)->nr)
		return;
	mutex_lock(&s->commit_lock);
	state = s->buffer.state;
	error = commit_stage(s, &state, STAGE_DONE, s->r.epoch);
	mutex_unlock(&s->commit_lock);
	if (error) {
		repl_fault(&s->r, error, "buffer", "write", 0,
			   "all is merged, but that could not be noted");
		repl_set_stage(&s->r, STAGE_FAILOVER_FAILED);
		return;
	}
	repl_set_stage(&s->r, STAGE_DONE);
}

/*
 * ---- Life ----
 */

static void check_watermark(struct buffer *b)
{
	struct secondary *s = container_of(b, struct secondary, buffer);
	bool above = buffer_used(b) * 100 >=
		     buffer_total(b) * READ_ONCE(s->high_watermark);

	if (above == test_bit(0, &s->above))
		return;
	if (above ? !test_and_set_bit(0, &s->above) :
		    test_and_clear_bit(0, &s->above))
		repl_event(&s->r);
}

/**
 * secondary_set_watermark() - when to ask for a checkpoint
 * @s: the secondary
 * @percent: of the buffer in use
 */
void secondary_set_watermark(struct secondary *s, unsigned int percent)
{
	WRITE_ONCE(s->high_watermark, percent);
	if (READ_ONCE(s->opened))
		check_watermark(&s->buffer);
}

/**
 * secondary_set_merge_share() - how much a merge may take from the views
 * @s: the secondary
 * @percent: of the time that it may keep disk and buffer busy while a view is
 *	used and the buffer is not above its watermark; 1 to 100
 */
void secondary_set_merge_share(struct secondary *s, unsigned int percent)
{
	WRITE_ONCE(s->merge_share, percent);
}

/*
 * Makes the layers that a buffer has committed the present ones. What was open
 * when it went down is gone; it is not in the chain.
 */
static int recover(struct secondary *s, struct layout *next, char *why,
		   size_t size)
{
	const struct format_state *state = &s->buffer.state;
	enum repl_stage stage = state->stage;
	struct layer *l = NULL;
	unsigned int i;
	int error = 0;

	if (format_chain_goes_on(&state->newest, state->merged_epoch)) {
		l = layer_new(&s->buffer, "committed", state->newest.epoch,
			      BUFFER_RESERVE, &s->r.wait);
		if (!l)
			goto no_memory;
		next->committed[next->nr++] = l;
		l->newest = state->newest;
		error = recover_layer(&s->buffer, l, why, size);
	}
	if (!error && stage == STAGE_RUNNING) {
		if (open_layers(s, next->open, state->epoch + 1))
			goto no_memory;
		for (i = 0; i < VIEWS; i++)
			next->open[i]->newest = state->newest;
		error = samples_check(&s->buffer, s->r.devs[DEV_DISK], l, why,
				      size);
	} else if (!error && l) {
		next->holes = layer_new(&s->buffer, "committed", l->epoch, 0,
					&s->r.wait);
		if (!next->holes)
			goto no_memory;
		next->holes->newest = state->newest;
	}
	layout_set_modes(next, stage, state->flags);
	return error;

no_memory:
	scnprintf(why, size, "Out of memory");
	return -ENOMEM;
}

static void layout_free(struct layout *layout)
{
	unsigned int i;

	for (i = 0; i < VIEWS; i++)
		layer_free(layout->open[i]);
	for (i = 0; i < layout->nr; i++)
		layer_free(layout->committed[i]);
	layer_free(layout->holes);
	kfree(layout);
}

/* Opens the buffer: the first time that its I/O is nobody else's. */
static int open_buffer(struct secondary *s)
{
	struct layout *next = layout_copy(s);
	struct repl *r = &s->r;
	char why[256];
	int error;

	if (!next)
		return -ENOMEM;
	error = buffer_open(&s->buffer, r->devs[DEV_BUFFER], r->len, r->uuid,
			    check_watermark, why, sizeof(why));
	s->buffer.wq = s->io_wq;
	if (!error)
		error = recover(s, next, why, sizeof(why));
	if (error) {
		REPL_ERR(r, "%s", why);
		layout_free(next);
		buffer_close(&s->buffer);
		return error;
	}
	WRITE_ONCE(s->opened, true);
	WRITE_ONCE(r->epoch, s->buffer.state.epoch);
	layout_publish(s, next);
	if (s->buffer.state.stage == FORMAT_STAGE_NONE)
		return 0;
	REPL_INFO(r, "recovered at epoch %llu, %s, %llu sectors to be merged",
		  r->epoch, repl_stage_name(s->buffer.state.stage),
		  (unsigned long long)(next->nr ? next->committed[0]->sectors : 0));
	repl_set_stage(r, s->buffer.state.stage);
	return 0;
}

static int secondary_resume(struct repl *r, bool reloaded)
{
	struct secondary *s = to_secondary(r);
	int error;

	if (!s->opened) {
		error = open_buffer(s);
		if (error)
			return error;
	}
	if (r->stage == STAGE_FAILOVER_FAILED)
		repl_set_stage(r, STAGE_FAILOVER);
	if (r->stage == STAGE_FAILOVER || layout_now(s)->nr)
		merge_start(s);
	return 0;
}

/* What was written through a plain view outlives the table, flushed or not. */
static void keep_holes(struct secondary *s)
{
	const char *where;
	bool holes;
	int error;

	rcu_read_lock();
	holes = rcu_dereference(s->layout)->holes;
	rcu_read_unlock();
	error = holes ? holes_commit(s, &where) : 0;
	if (error)
		REPL_WARN(&s->r, "%s failed with error %d: unless the merge goes on, older data comes back in what was written lately",
			  where, error);
}

static void secondary_quiesce(struct repl *r)
{
	struct secondary *s = to_secondary(r);

	/* what could not be noted becomes durable only with the merge's end */
	if (READ_ONCE(s->holes_lost))
		flush_delayed_work(&s->merge_work);
	merge_quiesce(s);
	views_quiesce(s);
	keep_holes(s);
}

static bool views_idle(struct secondary *s)
{
	struct layout *now = layout_now(s);
	unsigned int i;

	for (i = 0; i < VIEWS; i++)
		if (now->open[i] && (atomic_read(&now->open[i]->writers) ||
				     atomic_read(&now->open[i]->readers)))
			return false;
	for (i = 0; i < now->nr; i++)
		if (atomic_read(&now->committed[i]->readers))
			return false;
	return !atomic_read(&s->plain_writers) && !atomic_read(&s->disk_readers);
}

/*
 * The last table has gone, and disk and buffer go with it. The active view's
 * I/O has ended, but an inbound view may still be there.
 */
static void secondary_abandon(struct repl *r)
{
	struct secondary *s = to_secondary(r);
	struct layout *refused;
	int i;

	mutex_lock(&r->lock);
	refused = kmemdup(layout_now(s), sizeof(*refused),
			  GFP_KERNEL | __GFP_NOFAIL);
	for (i = 0; i < VIEWS; i++)
		refused->mode[i] = VIEW_REFUSED;
	layout_publish(s, refused);
	WRITE_ONCE(s->abandoned, true);
	views_retry_flushes(s);
	synchronize_rcu();
	wait_event(r->wait, views_idle(s));
	mutex_unlock(&r->lock);
	keep_holes(s);
	drain_workqueue(s->io_wq);
	drain_workqueue(s->bg_wq);
}

static void secondary_destroy(struct repl *r)
{
	struct secondary *s = to_secondary(r);
	struct layout *last = rcu_dereference_protected(s->layout, true);

	if (last)
		layout_free(last);
	if (r->wq)
		destroy_workqueue(r->wq);
	if (s->bg_wq)
		destroy_workqueue(s->bg_wq);
	if (s->flush_wq)
		destroy_workqueue(s->flush_wq);
	if (s->io_wq)
		destroy_workqueue(s->io_wq);
	/* buffer events of the layers */
	cancel_work_sync(&r->event);
	merge_exit(s);
	buffer_close(&s->buffer);
	kvfree(s);
}

const struct repl_kind secondary_kind = {
	.name = "secondary",
	.mode = REPLICATION_MODE_SECONDARY,
	.metadata = DEV_BUFFER,
	.cut_devs = BIT(DEV_BUFFER),
	.start = secondary_start,
	.prepare = secondary_prepare,
	.pause = secondary_pause,
	.commit = secondary_commit,
	.finish = secondary_finish,
	.stop = secondary_stop,
	.ready = secondary_ready,
	.stopped = secondary_stopped,
	.resume = secondary_resume,
	.quiesce = secondary_quiesce,
	.abandon = secondary_abandon,
	.destroy = secondary_destroy,
};

/**
 * secondary_new() - the replication for a table of the secondary form
 * @md: the mapped device
 * @disk: the secondary disk
 * @buffer: the disk buffer
 * @len: sectors
 * @why: gets the reason of an error
 * @size: of @why in bytes
 *
 * Return: a new replication, or the mapped device's present one when the table
 * names the same devices; given back with repl_detach(). Or an ERR_PTR.
 */
struct repl *secondary_new(struct mapped_device *md, struct block_device *disk,
			   struct block_device *buffer, sector_t len,
			   char *why, size_t size)
{
	struct block_device *devs[REPL_DEVS] = {
		[DEV_DISK] = disk,
		[DEV_BUFFER] = buffer,
	};
	const char *error = "Out of memory";
	char uuid[DM_UUID_LEN];
	struct layout *layout;
	struct secondary *s;
	struct repl *r;
	int err;

	/* I/O, so not under the list's lock; a live one is not looked at again */
	if (dm_copy_name_and_uuid(md, NULL, uuid))
		*uuid = '\0';
	err = buffer_check(buffer, len, uuid, why, size);
	repl_list_acquire();
	r = repl_attach(&secondary_kind, md, len, devs, &error);
	if (r)
		goto out;
	if (err) {
		repl_list_release();
		return ERR_PTR(err);
	}

	s = kvzalloc(sizeof(*s), GFP_KERNEL);
	if (!s) {
		r = ERR_PTR(-ENOMEM);
		goto out;
	}
	r = &s->r;
	s->high_watermark = 100;
	mutex_init(&s->commit_lock);
	mutex_init(&s->flush_lock);
	views_init(s);
	err = repl_init(r, &secondary_kind, md, len, devs);
	layout = kzalloc(sizeof(*layout), GFP_KERNEL);
	s->io_wq = alloc_workqueue("dm-repl-io/%s", WQ_MEM_RECLAIM | WQ_UNBOUND,
				   0, dm_device_name(md));
	s->bg_wq = alloc_workqueue("dm-repl-bg/%s", WQ_MEM_RECLAIM | WQ_UNBOUND,
				   0, dm_device_name(md));
	s->flush_wq = alloc_workqueue("dm-repl-flush/%s",
				      WQ_MEM_RECLAIM | WQ_UNBOUND, 1,
				      dm_device_name(md));
	if (!layout || !s->io_wq || !s->bg_wq || !s->flush_wq)
		err = -ENOMEM;
	/* neither view is there before the buffer has been looked at */
	RCU_INIT_POINTER(s->layout, layout);
	range_lock_init(&s->ranges, MERGE_REGION_SHIFT, s->io_wq);
	if (!err)
		err = merge_init(s);
	if (err) {
		secondary_destroy(r);
		r = ERR_PTR(err);
		goto out;
	}
	repl_publish(r);
out:
	repl_list_release();
	if (IS_ERR(r))
		strscpy(why, error, size);
	return r;
}

/**
 * secondary_inbound_open() - does the inbound view take writes?
 * @s: the secondary
 */
bool secondary_inbound_open(struct secondary *s)
{
	bool open;

	rcu_read_lock();
	open = rcu_dereference(s->layout)->mode[VIEW_INBOUND] != VIEW_REFUSED;
	rcu_read_unlock();
	return open;
}

/**
 * secondary_status() - the positional status line
 * @s: the secondary
 * @result: gets the text
 * @maxlen: its size in bytes
 * @fault: the first error's name, or "-"
 */
void secondary_status(struct secondary *s, char *result, unsigned int maxlen,
		      const char *fault)
{
	sector_t cursor = READ_ONCE(s->merge_cursor);
	sector_t open[VIEWS] = { }, committed = 0;
	struct layout *now;
	unsigned int i, sz = 0;

	rcu_read_lock();
	now = rcu_dereference(s->layout);
	for (i = 0; i < VIEWS; i++)
		if (now->open[i])
			open[i] = READ_ONCE(now->open[i]->sectors);
	for (i = 0; i < now->nr; i++)
		committed += READ_ONCE(now->committed[i]->sectors);
	rcu_read_unlock();

	DMEMIT("secondary %s %llu %llu/%llu %llu %llu %llu %s",
	       repl_stage_name(READ_ONCE(s->r.stage)), READ_ONCE(s->r.epoch),
	       (unsigned long long)buffer_used(&s->buffer),
	       (unsigned long long)buffer_total(&s->buffer),
	       (unsigned long long)open[VIEW_INBOUND],
	       (unsigned long long)open[VIEW_ACTIVE],
	       (unsigned long long)committed, fault);
	if (cursor == MERGE_IDLE)
		DMEMIT(" -");
	else
		DMEMIT(" %llu/%llu", (unsigned long long)cursor,
		       (unsigned long long)s->r.len);
}
