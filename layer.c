// SPDX-License-Identifier: GPL-2.0-only
/*
 * A layer's map and its summaries.
 *
 * The map is a maple tree over sectors. Its entries are value entries: the
 * kind, and for data the distance from the sector to its place. The distance
 * is the same all over a range, so a range that is split needs no fix-up, and
 * two that follow each other both on the device and in the buffer are one.
 *
 * A mapping is made before its data is written, so that two writes to one
 * sector find one place. Whether the place can be read yet is the buffer's to
 * tell (buffer_written()); until then a reader gets what was there before: the
 * layer's own blank, or what lies below. A summary's entry is reserved when the
 * mapping is made, so the order of the entries is the order of the mappings, and
 * it becomes void if the write fails.
 */
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "core.h"
#include "layer.h"

#define VALUE_KIND_BITS	3
#define VALUE_BIAS	(1LL << 58)

/*
 * What only the map knows: data, written where the layer had a blank. As long as
 * it cannot be read, and when its write fails, the blank is what was there.
 */
#define DATA_OVER_BLANK	FORMAT_VOID

/* No sleep, no warning: what fails here is tried again or fails cleanly. */
#define GFP_LAYER	(GFP_ATOMIC | __GFP_NOWARN)

static void *to_value(enum format_kind kind, sector_t sector, sector_t place)
{
	u64 distance = 0;

	if (kind == FORMAT_DATA || kind == DATA_OVER_BLANK)
		distance = VALUE_BIAS + place - sector;
	return xa_mk_value(distance << VALUE_KIND_BITS | kind);
}

static enum format_kind value_kind(void *value)
{
	return xa_to_value(value) & (BIT(VALUE_KIND_BITS) - 1);
}

static bool is_data(void *value)
{
	return value_kind(value) == FORMAT_DATA ||
	       value_kind(value) == DATA_OVER_BLANK;
}

static sector_t value_place(void *value, sector_t sector)
{
	return sector + (xa_to_value(value) >> VALUE_KIND_BITS) - VALUE_BIAS;
}

/* How many of the sectors the range that was walked to has. */
static unsigned int clip(const struct ma_state *mas, sector_t sector,
			 unsigned int sectors)
{
	/* the last gap ends at ULONG_MAX: do not count what it has */
	return min_t(u64, sectors - 1, mas->last - sector) + 1;
}

/*
 * ---- Summaries ----
 */

/**
 * struct summary - a summary that is not durable yet
 * @list: in the layer's unwritten, under its lock
 * @layer: constant
 * @block: FORMAT_BLOCK_SIZE bytes; an entry belongs to its write, then to @work
 * @place: constant
 * @used: entries in use, under the layer's lock
 * @writes: writes that fill entries, and one while the summary is open
 * @work: writes it
 * @failed: the last attempt did
 */
struct summary {
	struct list_head list;
	struct layer *layer;
	struct format_summary *block;
	sector_t place;
	unsigned int used;
	atomic_t writes;
	struct work_struct work;
	bool failed;
};

static void summary_free(struct summary *s)
{
	kfree(s->block);
	kfree(s);
}

static void summary_write(struct work_struct *work)
{
	struct summary *s = container_of(work, struct summary, work);
	struct layer *l = s->layer;
	wait_queue_head_t *wait = l->wait;
	int error;

	format_summary_seal(s->block, s->used);
	error = buffer_block_io(l->buffer, REQ_OP_WRITE | REQ_META, s->place,
				s->block);

	mtree_lock(&l->map);
	if (error)
		s->failed = true;
	else
		list_del(&s->list);
	mtree_unlock(&l->map);
	/* the layer may go from here on */
	wake_up_all(wait);
	if (!error)
		summary_free(s);
}

static void summary_put(struct summary *s)
{
	if (atomic_dec_and_test(&s->writes))
		queue_work(s->layer->buffer->wq, &s->work);
}

/* Takes @sectors in a row from the segment in use, or the next one. */
static int take_space(struct layer *l, unsigned int *sectors, unsigned int least,
		      sector_t *place)
{
	if (l->end - l->next < least) {
		if (!buffer_take(l->buffer, &l->segments, l->leave, &l->next)) {
			l->end = l->next;
			return -ENOSPC;
		}
		l->end = l->next + l->buffer->format.segment_sectors;
	}
	*sectors = min_t(sector_t, *sectors, l->end - l->next);
	*place = l->next;
	l->next += *sectors;
	return 0;
}

static int open_summary(struct layer *l)
{
	unsigned int sectors = FORMAT_BLOCK_SECTORS;
	struct summary_id id;
	struct summary *s;
	int error;

	s = kzalloc(sizeof(*s), GFP_LAYER);
	if (!s)
		return -ENOMEM;
	s->block = kzalloc(FORMAT_BLOCK_SIZE, GFP_LAYER);
	if (!s->block) {
		kfree(s);
		return -ENOMEM;
	}
	error = take_space(l, &sectors, FORMAT_BLOCK_SECTORS, &s->place);
	if (error) {
		summary_free(s);
		return error;
	}

	s->layer = l;
	atomic_set(&s->writes, 1);
	INIT_WORK(&s->work, summary_write);
	id.place = s->place;
	id.sequence = atomic64_inc_return(&l->buffer->summary_sequence);
	id.epoch = l->epoch;
	format_summary_begin(s->block, &l->buffer->format, &id, &l->newest);
	l->newest = id;
	l->summary = s;
	return 0;
}

static void close_summary(struct layer *l)
{
	struct summary *s = l->summary;

	if (!s)
		return;
	l->summary = NULL;
	list_add_tail(&s->list, &l->unwritten);
	summary_put(s);
}

/* Makes sure that the next entry has room. The layer's lock is held. */
static int prepare_entry(struct layer *l)
{
	if (l->summary && l->summary->used == FORMAT_ENTRIES)
		close_summary(l);
	return l->summary ? 0 : open_summary(l);
}

static unsigned int add_entry(struct layer *l, enum format_kind kind,
			      sector_t sector, unsigned int sectors,
			      sector_t place)
{
	struct summary *s = l->summary;
	struct format_range range = {
		.sector = sector,
		.sectors = sectors,
		.place = place,
		.kind = kind,
	};

	format_entry_encode(&s->block->entry[s->used], &range);
	return s->used++;
}

/*
 * ---- Writing ----
 */

/*
 * A store that covers many entries lets the maple tree drop whole subtrees at
 * once, and freeing a subtree of three levels under RCU goes wrong in both
 * kernels: mt_free_walk() takes the metadata in a node's last slot for a child
 * when the node has 15. So a store swallows few entries at a time, and a tree
 * leaves RCU mode before it is destroyed, see layer_free().
 */
#define STORE_SWALLOWS	32

/* The last sector up to which a store from @first on swallows few entries. */
static sector_t store_end(struct layer *l, sector_t first, sector_t last)
{
	MA_STATE(mas, &l->map, first, first);
	int i;

	for (i = 0; i < STORE_SWALLOWS; i++)
		if (!mas_find(&mas, last))
			return last;
	return min_t(sector_t, mas.last, last);
}

/*
 * Sets a range to a value. The layer's lock is held. Return: how many sectors
 * of it have the value; they are fewer if memory is short.
 */
static sector_t map_range(struct layer *l, sector_t first, sector_t last,
			  void *value)
{
	MA_STATE(mas, &l->map, first, first);
	sector_t end, begin = first;

	do {
		/* what was stored before is one entry of the next store */
		end = last - begin < STORE_SWALLOWS ? last :
			store_end(l, begin, last);
		mas_set_range(&mas, first, end);
		if (mas_store_gfp(&mas, value, GFP_LAYER))
			break;
		begin = end + 1;
	} while (end < last);
	return begin - first;
}

/* The same, all or -ENOMEM. */
static int map_all(struct layer *l, sector_t first, sector_t last, void *value)
{
	return map_range(l, first, last, value) > last - first ? 0 : -ENOMEM;
}

/* How many of @sectors, from @place on, lie in the same segment. */
static unsigned int in_segment(const struct layer *l, sector_t place,
			       unsigned int sectors)
{
	u32 segment = l->buffer->format.segment_sectors;

	return min_t(u32, sectors,
		     segment - ((place - FORMAT_FIRST_SEGMENT) & (segment - 1)));
}

/*
 * Maps to new space. The layer's lock is held, an entry is prepared, @mas has
 * walked to the slot in which the write lies, and which is blank or empty.
 */
static int map_fresh(struct layer *l, struct ma_state *mas, sector_t sector,
		     bool blank, struct layer_write *w)
{
	sector_t last;
	void *value;
	int error;

	error = take_space(l, &w->sectors, 1, &w->place);
	if (error)
		return error;
	value = to_value(blank ? DATA_OVER_BLANK : FORMAT_DATA, sector, w->place);
	last = sector + w->sectors - 1;
	if (l->run_last && sector == l->run_last + 1 &&
	    (unsigned long)value == l->run_value) {
		mas_set_range(mas, l->run_first, last);
	} else {
		/* a part of the slot: there is no need to walk again */
		mas->index = sector;
		mas->last = last;
		l->run_first = sector;
	}
	error = mas_store_gfp(mas, value, GFP_LAYER);
	if (error) {
		l->next -= w->sectors;
		l->run_last = 0;
		return error;
	}
	l->run_last = last;
	l->run_value = (unsigned long)value;
	WRITE_ONCE(l->sectors, l->sectors + w->sectors);
	atomic_long_add(w->sectors, &l->unwritten_sectors);
	return 0;
}

/**
 * layer_write() - find the place for a write, or make one
 * @l: the layer, not sealed; the caller is one of its writers
 * @sector: first one of the write
 * @sectors: of the write
 * @w: gets the place, and how many sectors go there: it may be fewer
 *
 * Followed by layer_write_end() when the write has ended.
 *
 * Context: process, does not sleep.
 * Return: 0, -ENOSPC when the buffer is full, -ENOMEM; nothing is changed then.
 */
int layer_write(struct layer *l, sector_t sector, unsigned int sectors,
		struct layer_write *w)
{
	MA_STATE(mas, &l->map, sector, sector);
	bool written = false;
	int error = 0;
	void *value;

	w->summary = NULL;
	mtree_lock(&l->map);
	value = mas_walk(&mas);
	w->sectors = clip(&mas, sector, sectors);
	if (value && is_data(value)) {
		w->place = value_place(value, sector);
		written = buffer_written(l->buffer, w->place, &w->sectors);
		if (written)
			goto out;
		value = NULL;
		/* a mapping may go on in the next segment, an entry must not */
		w->sectors = in_segment(l, w->place, w->sectors);
		error = prepare_entry(l);
	} else {
		error = prepare_entry(l);
		if (!error)
			error = map_fresh(l, &mas, sector, value, w);
	}
	if (!error) {
		w->summary = l->summary;
		w->slot = add_entry(l, FORMAT_DATA, sector, w->sectors, w->place);
		atomic_inc(&w->summary->writes);
	}
out:
	mtree_unlock(&l->map);
	return error;
}

/**
 * layer_write_end() - a write has ended
 * @l: the layer
 * @w: from layer_write()
 * @ok: it succeeded
 *
 * Context: any. The caller is still one of the layer's writers.
 */
void layer_write_end(struct layer *l, struct layer_write *w, bool ok)
{
	struct summary *s = w->summary;

	if (!s)
		return;
	if (ok)
		atomic_long_sub(buffer_set_written(l->buffer, w->place,
						   w->sectors),
				&l->unwritten_sectors);
	else
		s->block->entry[w->slot].kind = FORMAT_VOID;
	summary_put(s);
}

/**
 * layer_blank() - note a range that has no data
 * @l: the layer, not sealed; the caller is one of its writers
 * @sector: first one
 * @sectors: how many
 * @kind: FORMAT_ZERO or FORMAT_DISCARD
 *
 * Context: process, does not sleep.
 * Return: 0, -ENOSPC and nothing is changed, or -ENOMEM and part of the range
 * may be blank, as after any write that fails.
 */
int layer_blank(struct layer *l, sector_t sector, unsigned int sectors,
		enum format_kind kind)
{
	sector_t done;
	int error;

	mtree_lock(&l->map);
	error = prepare_entry(l);
	if (!error) {
		done = map_range(l, sector, sector + sectors - 1,
				 to_value(kind, sector, 0));
		if (done)
			add_entry(l, kind, sector, done, 0);
		if (done < sectors)
			error = -ENOMEM;
	}
	/* even a part of it may have cut the newest mapping */
	l->run_last = 0;
	mtree_unlock(&l->map);
	return error;
}

/**
 * layer_note_hole() - list a range that is on the disk now
 * @l: a layer that has no mappings
 * @sector: first one
 * @sectors: how many
 *
 * Context: process, does not sleep.
 * Return: 0, or -ENOSPC, -ENOMEM and nothing is changed.
 */
int layer_note_hole(struct layer *l, sector_t sector, unsigned int sectors)
{
	struct format_range last = { };
	struct format_entry *e;
	int error = 0;

	mtree_lock(&l->map);
	if (l->summary && l->summary->used) {
		e = &l->summary->block->entry[l->summary->used - 1];
		format_entry_decode(e, &last);
	}
	if (last.sectors && last.sector + last.sectors == sector &&
	    last.sectors <= U32_MAX - sectors) {
		last.sectors += sectors;
		format_entry_encode(e, &last);
	} else {
		error = prepare_entry(l);
		if (!error)
			add_entry(l, FORMAT_HOLE, sector, sectors, 0);
	}
	mtree_unlock(&l->map);
	return error;
}

/*
 * ---- Reading ----
 */

/**
 * layer_lookup() - what does the layer say of these sectors?
 * @l: the layer
 * @sector: first one
 * @sectors: how many; made smaller to those for which the answer holds
 * @place: of data
 *
 * Context: under rcu_read_lock() or as one of the layer's readers; no lock.
 * Return: an enum format_kind, or -ENOENT when it says nothing.
 */
int layer_lookup(struct layer *l, sector_t sector, unsigned int *sectors,
		 sector_t *place)
{
	MA_STATE(mas, &l->map, sector, sector);
	/* before the map: one that was not sealed yet may lead to what is void */
	bool sealed = smp_load_acquire(&l->sealed);
	void *value;

	rcu_read_lock();
	value = mas_walk(&mas);
	rcu_read_unlock();

	*sectors = clip(&mas, sector, *sectors);
	if (!value)
		return -ENOENT;
	if (!is_data(value))
		return value_kind(value);
	*place = value_place(value, sector);
	if (!sealed &&
	    !buffer_written(l->buffer, *place, sectors))
		return value_kind(value) == DATA_OVER_BLANK ?
			FORMAT_ZERO : -ENOENT;
	return FORMAT_DATA;
}

/**
 * layer_find() - the next sector that the layer says something of
 * @l: the layer
 * @sector: where to begin; gets the sector found
 * @end: look no further than before this one
 *
 * Context: any, no lock.
 * Return: true when there is one.
 */
bool layer_find(struct layer *l, sector_t *sector, sector_t end)
{
	MA_STATE(mas, &l->map, *sector, *sector);
	void *value;

	rcu_read_lock();
	value = mas_find(&mas, end - 1);
	rcu_read_unlock();
	if (!value)
		return false;
	*sector = max_t(sector_t, *sector, mas.index);
	return true;
}

/*
 * ---- What a layer goes through ----
 */

/* Takes mappings out that lead to a place never written. */
static int drop_voids(struct layer *l)
{
	sector_t sector = 0, place, done;
	unsigned int n;
	int error = 0;

	while (!error && layer_find(l, &sector, ULONG_MAX)) {
		MA_STATE(mas, &l->map, sector, sector);
		void *value, *before;
		sector_t end;

		rcu_read_lock();
		value = mas_walk(&mas);
		rcu_read_unlock();
		end = mas.last + 1;
		if (!is_data(value)) {
			sector = end;
			continue;
		}
		before = value_kind(value) == DATA_OVER_BLANK ?
			to_value(FORMAT_ZERO, sector, 0) : NULL;
		while (sector < end && !error) {
			n = min_t(sector_t, end - sector, INT_MAX);
			place = value_place(value, sector);
			if (!buffer_written(l->buffer, place, &n)) {
				mtree_lock(&l->map);
				done = map_range(l, sector, sector + n - 1,
						 before);
				WRITE_ONCE(l->sectors, l->sectors - done);
				if (done < n)
					error = -ENOMEM;
				mtree_unlock(&l->map);
			}
			sector += n;
		}
	}
	return error;
}

/* Are all summaries written? Those that failed are tried once more. */
static bool summaries_written(struct layer *l, bool *again, int *error)
{
	struct summary *s;
	bool waiting = false;

	mtree_lock(&l->map);
	list_for_each_entry(s, &l->unwritten, list) {
		if (!s->failed) {
			waiting = true;
		} else if (*again) {
			s->failed = false;
			queue_work(l->buffer->wq, &s->work);
			waiting = true;
		} else {
			*error = -EIO;
		}
	}
	*again = false;
	mtree_unlock(&l->map);
	return !waiting;
}

/**
 * layer_seal() - bring the layer to a state in which it can be committed
 * @l: the layer; it has no writer, or no mappings
 * @newest: gets its newest summary
 *
 * All its summaries have been written, but not flushed, and every mapping can
 * be read. A layer that could not be sealed, or whose commit failed, can go on
 * as it was.
 *
 * Context: process, sleeps.
 * Return: 0, -EIO, -ENOMEM.
 */
int layer_seal(struct layer *l, struct summary_id *newest)
{
	bool again = true;
	int error = 0;

	mtree_lock(&l->map);
	close_summary(l);
	*newest = l->newest;
	mtree_unlock(&l->map);
	wait_event(*l->wait, summaries_written(l, &again, &error));
	if (!error && atomic_long_read(&l->unwritten_sectors)) {
		error = drop_voids(l);
		/* a write must not map again what was dropped of its run */
		l->run_last = 0;
		if (!error)
			atomic_long_set(&l->unwritten_sectors, 0);
	}
	return error;
}

/**
 * layer_fold() - add a newer layer's mappings to an older one
 * @into: the older one, sealed, the next below @from
 * @from: the newer one, sealed
 *
 * Readers that look at both see no difference at any time. @from keeps its
 * segments until nobody reads from it; the owner joins them to @into then.
 *
 * Context: process.
 * Return: 0 or -ENOMEM; then @into has some of the mappings, which is harmless
 * as long as @from stays above it.
 */
int layer_fold(struct layer *into, struct layer *from)
{
	MA_STATE(mas, &from->map, 0, 0);
	void *value;
	int error = 0;

	for (;;) {
		rcu_read_lock();
		value = mas_find(&mas, ULONG_MAX);
		rcu_read_unlock();
		if (!value)
			break;
		mtree_lock(&into->map);
		error = map_all(into, mas.index, mas.last, value);
		mtree_unlock(&into->map);
		if (error)
			break;
		mas_pause(&mas);
		cond_resched();
	}
	return error;
}

/**
 * layer_punch() - what the layer says of a range is out of date
 * @l: the layer, sealed
 * @first: sector
 * @last: sector, inclusive
 *
 * Context: process, sleeps when memory is short.
 * Return: 0 or -ENOMEM.
 */
int layer_punch(struct layer *l, sector_t first, sector_t last)
{
	sector_t found = first;
	int error;

	if (!layer_find(l, &found, last + 1))
		return 0;
	mtree_lock(&l->map);
	error = map_all(l, first, last, NULL);
	mtree_unlock(&l->map);
	return error;
}

/*
 * ---- Recovery ----
 */

/**
 * layer_restore() - add a mapping where there is none
 * @l: a layer that nobody uses yet
 * @first: sector
 * @last: sector, inclusive
 * @kind: not FORMAT_VOID
 * @place: of data
 *
 * Context: process, sleeps.
 * Return: 0 or -ENOMEM.
 */
int layer_restore(struct layer *l, sector_t first, sector_t last,
		  enum format_kind kind, sector_t place)
{
	MA_STATE(mas, &l->map, first, last);
	int error;

	mtree_lock(&l->map);
	error = mas_store_gfp(&mas, to_value(kind, first, place), GFP_NOIO);
	if (kind == FORMAT_DATA)
		l->sectors += last - first + 1;
	mtree_unlock(&l->map);
	return error;
}

/**
 * layer_restored() - all mappings have been added
 * @l: the layer; sealed now
 *
 * Context: process, sleeps.
 * Return: 0 or -ENOMEM.
 */
int layer_restored(struct layer *l)
{
	MA_STATE(mas, &l->map, 0, 0);
	int error = 0;
	void *value;

	/* the holes have hidden what is older; now nothing does that any more */
	mtree_lock(&l->map);
	while (!error && (value = mas_find(&mas, ULONG_MAX))) {
		if (value_kind(value) != FORMAT_HOLE)
			continue;
		error = mas_store_gfp(&mas, NULL, GFP_NOIO);
		mas_set(&mas, mas.last + 1);
	}
	mtree_unlock(&l->map);
	l->sealed = true;
	return error;
}

/**
 * layer_new() - make an empty layer
 * @b: its buffer
 * @name: for messages; a constant string
 * @epoch: that it will become part of
 * @leave: free segments that it does not take
 * @wait: is woken when something ends that a layer is waited for
 *
 * Return: the layer, or NULL when there is no memory.
 */
struct layer *layer_new(struct buffer *b, const char *name, u64 epoch,
			unsigned int leave, wait_queue_head_t *wait)
{
	struct layer *l = kzalloc(sizeof(*l), GFP_NOIO);

	if (!l)
		return NULL;
	l->buffer = b;
	l->name = name;
	l->epoch = epoch;
	l->leave = leave;
	l->wait = wait;
	mt_init_flags(&l->map, MT_FLAGS_USE_RCU);
	segments_init(&l->segments);
	INIT_LIST_HEAD(&l->unwritten);
	return l;
}

static bool summaries_idle(struct layer *l)
{
	struct summary *s;
	bool idle = true;

	mtree_lock(&l->map);
	list_for_each_entry(s, &l->unwritten, list)
		if (!s->failed)
			idle = false;
	mtree_unlock(&l->map);
	return idle;
}

/**
 * layer_free() - give back all that a layer has, its segments too
 * @l: the layer, or NULL; nobody looks at it, no I/O is in flight in it
 *
 * Context: process, sleeps for as long as a summary is being written.
 */
void layer_free(struct layer *l)
{
	struct summary *s, *next;

	if (!l)
		return;
	wait_event(*l->wait, summaries_idle(l));
	list_for_each_entry_safe(s, next, &l->unwritten, list) {
		flush_work(&s->work);
		summary_free(s);
	}
	if (l->summary)
		summary_free(l->summary);
	buffer_give(l->buffer, &l->segments);
	mt_clear_in_rcu(&l->map);
	mtree_destroy(&l->map);
	kfree(l);
}
