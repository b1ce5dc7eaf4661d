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
 * @open: new empty layers for @next
 */
struct transition {
	struct layout *held;
	struct layout *back;
	struct layout *next;
	struct layer *open[VIEWS];
};

static void transition_free(struct transition *t)
{
	int i;

	kfree(t->held);
	kfree(t->back);
	kfree(t->next);
	for (i = 0; i < VIEWS; i++)
		layer_free(t->open[i]);
}

static int transition_alloc(struct secondary *s, struct transition *t,
			    bool layers, struct replication_reason *why)
{
	static const char * const name[VIEWS] = {
		[VIEW_INBOUND] = "inbound",
		[VIEW_ACTIVE] = "active",
	};
	int i;

	*t = (struct transition) {
		.held = layout_copy(s),
		.back = layout_copy(s),
		.next = layout_copy(s),
	};
	for (i = 0; layers && i < VIEWS; i++) {
		t->open[i] = layer_new(&s->buffer, name[i], s->r.epoch + 2,
				       &s->r.wait);
		if (!t->open[i])
			goto fail;
	}
	if (t->held && t->back && t->next)
		return 0;
fail:
	transition_free(t);
	return repl_refuse(why, -ENOMEM, "out of memory");
}

static struct buffer_state new_state(struct secondary *s, enum repl_stage stage,
				     u64 epoch)
{
	struct buffer_state state = s->buffer.state;

	state.stage = stage;
	state.epoch = epoch;
	return state;
}

static void push_committed(struct layout *layout, struct layer *l)
{
	memmove(&layout->committed[1], &layout->committed[0],
		layout->nr * sizeof(layout->committed[0]));
	layout->committed[0] = l;
	layout->nr++;
	l->sealed = true;
	l->name = "committed";
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
 * Commits the open layer of @view as the next epoch. A running secondary goes
 * on with new layers, one that stops with plain views. The other view's layer
 * is dropped.
 */
static int commit_view(struct secondary *s, enum view_id view,
		       enum repl_stage stage, struct replication_reason *why)
{
	bool goes_on = stage == STAGE_RUNNING;
	struct layer *dropped, *l;
	struct buffer_state state;
	struct transition t;
	/* a failover carries on from the last checkpoint, it is none */
	u64 epoch = s->r.epoch + (view == VIEW_INBOUND);
	bool empty;
	int i, error;

	error = make_room(s, why);
	if (error)
		return error;
	l = layout_now(s)->open[view];
	dropped = layout_now(s)->open[!view];
	error = transition_alloc(s, &t, goes_on, why);
	if (error)
		return error;

	views_freeze(s, t.held);
	t.held = NULL;
	error = layer_seal(l);
	empty = mtree_empty(&l->map);
	if (!error) {
		state = new_state(s, stage, epoch);
		if (!empty)
			state.newest = l->newest;
		/* the summaries of what comes next point to the last of these */
		for (i = 0; goes_on && i < VIEWS; i++)
			t.open[i]->newest = state.newest;
		error = buffer_commit(&s->buffer, &state);
	}
	if (error) {
		views_thaw(s, t.back);
		t.back = NULL;
		transition_free(&t);
		repl_fault(&s->r, error, "buffer", "write", 0,
			   "the commit failed, the last checkpoint stays");
		return repl_refuse(why, error,
				   "the buffer failed with error %d, the last checkpoint stays",
				   error);
	}

	if (!empty)
		push_committed(t.next, l);
	for (i = 0; i < VIEWS; i++) {
		t.next->open[i] = t.open[i];
		t.next->mode[i] = goes_on ? VIEW_LAYERED : VIEW_PLAIN;
		t.open[i] = NULL;
	}
	if (view == VIEW_ACTIVE)
		t.next->mode[VIEW_INBOUND] = VIEW_REFUSED;
	WRITE_ONCE(s->r.epoch, epoch);
	views_thaw(s, t.next);
	t.next = NULL;
	layer_retire(s, dropped, NULL);
	if (empty)
		layer_retire(s, l, NULL);
	transition_free(&t);
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
	struct buffer_state state;
	struct transition t;
	int i, error;

	error = transition_alloc(s, &t, true, why);
	if (error)
		return error;
	for (i = 0; i < VIEWS; i++)
		t.open[i]->epoch = epoch + 1;

	views_freeze(s, t.held);
	t.held = NULL;
	error = blkdev_issue_flush(r->devs[DEV_DISK]);
	if (!error) {
		state = new_state(s, STAGE_RUNNING, epoch);
		state.merged_epoch = epoch;
		error = buffer_commit(&s->buffer, &state);
	}
	if (error) {
		views_thaw(s, t.back);
		t.back = NULL;
		transition_free(&t);
		return repl_refuse(why, error,
				   "disk or buffer failed with error %d", error);
	}
	for (i = 0; i < VIEWS; i++) {
		t.next->open[i] = t.open[i];
		t.next->mode[i] = VIEW_LAYERED;
		t.open[i] = NULL;
	}
	WRITE_ONCE(r->epoch, epoch);
	repl_clear_fault(r);
	views_thaw(s, t.next);
	t.next = NULL;
	transition_free(&t);
	return 0;
}

static int secondary_checkpoint(struct repl *r, struct replication_reason *why)
{
	return commit_view(to_secondary(r), VIEW_INBOUND, STAGE_RUNNING, why);
}

static int secondary_stop(struct repl *r, bool failover,
			  struct replication_reason *why)
{
	struct secondary *s = to_secondary(r);

	switch (r->stage) {
	case STAGE_RUNNING:
		return commit_view(s, failover ? VIEW_ACTIVE : VIEW_INBOUND,
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
	struct buffer_state state;
	int error;

	if (s->r.stage != STAGE_FAILOVER || layout_now(s)->nr)
		return;
	state = new_state(s, STAGE_DONE, s->r.epoch);
	error = buffer_commit(&s->buffer, &state);
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
	bool above = b->nr_segments && buffer_used(b) * 100 >=
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
	check_watermark(&s->buffer);
}

static int secondary_resume(struct repl *r, bool reloaded)
{
	struct secondary *s = to_secondary(r);
	char why[192];
	int error;

	if (!s->opened) {
		error = buffer_open(&s->buffer, r->devs[DEV_BUFFER], r->len,
				    check_watermark, why, sizeof(why));
		if (error) {
			buffer_close(&s->buffer);
			s->buffer = (struct buffer) { };
			REPL_ERR(r, "%s", why);
			return error;
		}
		s->buffer.wq = s->io_wq;
		s->opened = true;
	}
	if (r->stage == STAGE_FAILOVER || layout_now(s)->nr)
		merge_start(s);
	return 0;
}

static void secondary_quiesce(struct repl *r)
{
	struct secondary *s = to_secondary(r);

	merge_quiesce(s);
	views_quiesce(s);
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
	synchronize_rcu();
	wait_event(r->wait, views_idle(s));
	mutex_unlock(&r->lock);
	drain_workqueue(s->io_wq);
	drain_workqueue(s->bg_wq);
}

static void secondary_destroy(struct repl *r)
{
	struct secondary *s = to_secondary(r);
	struct layout *last = rcu_dereference_protected(s->layout, true);
	unsigned int i;

	if (last) {
		for (i = 0; i < VIEWS; i++)
			layer_free(last->open[i]);
		for (i = 0; i < last->nr; i++)
			layer_free(last->committed[i]);
		kfree(last);
	}
	if (r->wq)
		destroy_workqueue(r->wq);
	if (s->bg_wq)
		destroy_workqueue(s->bg_wq);
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
	.start = secondary_start,
	.checkpoint = secondary_checkpoint,
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
	const char *error = "Out of memory";
	struct layout *layout;
	struct secondary *s;
	struct repl *r;
	int err;

	/* I/O, so not under the list's lock; a live buffer is no new one */
	err = buffer_check(buffer, len, why, size);
	repl_list_acquire();
	r = repl_attach(&secondary_kind, md, len, disk, buffer, &error);
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
	views_init(s);
	err = repl_init(r, &secondary_kind, md, len, disk, buffer);
	layout = kzalloc(sizeof(*layout), GFP_KERNEL);
	s->io_wq = alloc_workqueue("dm-repl-io/%s", WQ_MEM_RECLAIM | WQ_UNBOUND,
				   0, dm_device_name(md));
	s->bg_wq = alloc_workqueue("dm-repl-bg/%s", WQ_MEM_RECLAIM | WQ_UNBOUND,
				   0, dm_device_name(md));
	if (!layout || !s->io_wq || !s->bg_wq)
		err = -ENOMEM;
	if (layout) {
		layout->mode[VIEW_INBOUND] = VIEW_PLAIN;
		layout->mode[VIEW_ACTIVE] = VIEW_REFUSED;
		RCU_INIT_POINTER(s->layout, layout);
	}
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
}
