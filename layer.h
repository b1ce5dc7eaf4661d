/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A layer: what was written over what lies below it, as a map from ranges of
 * the secondary to places in the buffer.
 *
 * Reading takes no lock: lookups run under RCU. A write takes the layer's
 * lock once, to find or make its mapping. Every write that makes a mapping is
 * listed in a summary beside the data, so making a layer durable takes no more
 * than writing its last summary.
 */
#ifndef REPL_LAYER_H
#define REPL_LAYER_H

#include <linux/maple_tree.h>
#include <linux/wait.h>

#include "buffer.h"

struct summary;

/**
 * struct layer - a layer
 * @buffer: where its data is; constant
 * @name: inbound or active, committed once it is; for messages
 * @epoch: that it becomes part of; raised, with @newest, when a newer layer
 *	is folded in
 * @map: value entries, see layer.c. Its lock protects all below it.
 * @segments: that hold its data and summaries
 * @next: first sector of the newest segment that is not in use
 * @end: of that segment
 * @summary: the one being filled, or NULL
 * @unwritten: summaries that are full, or failed to be written
 * @leave: free segments that it does not take; constant
 * @newest: the newest summary begun, in this layer or below it
 * @run_first: first sector of the newest mapping, which a write that follows
 *	it seamlessly extends
 * @run_last: its last sector; 0 when there is none to extend
 * @run_value: its value
 * @sectors: data sectors that were mapped, those hidden or punched later too
 * @unwritten_sectors: mapped, and not written yet or never; what is blanked
 *	before it is written stays counted
 * @sealed: every mapping can be read, the map does not grow
 * @writers: writes in flight; the fast path counts without the lock
 * @readers: reads in flight
 * @wait: woken when writers or readers reach 0, and when a summary is written;
 *	constant
 */
struct layer {
	struct buffer *buffer;
	const char *name;
	u64 epoch;
	struct maple_tree map;
	struct segments segments;
	sector_t next;
	sector_t end;
	struct summary *summary;
	struct list_head unwritten;
	unsigned int leave;
	struct summary_id newest;
	sector_t run_first;
	sector_t run_last;
	unsigned long run_value;
	sector_t sectors;
	atomic_long_t unwritten_sectors;
	bool sealed;
	atomic_t writers;
	atomic_t readers;
	wait_queue_head_t *wait;
};

/**
 * struct layer_write - a write to a layer under way
 * @place: where its data goes
 * @sectors: how much of it
 * @summary: that lists it, or NULL when it overwrites in place
 * @slot: in the summary
 */
struct layer_write {
	sector_t place;
	unsigned int sectors;
	struct summary *summary;
	unsigned int slot;
};

struct layer *layer_new(struct buffer *b, const char *name, u64 epoch,
			unsigned int leave, wait_queue_head_t *wait);
void layer_free(struct layer *l);

int layer_write(struct layer *l, sector_t sector, unsigned int sectors,
		struct layer_write *w);
void layer_write_end(struct layer *l, struct layer_write *w, bool ok);
int layer_blank(struct layer *l, sector_t sector, unsigned int sectors,
		enum format_kind kind);
int layer_note_hole(struct layer *l, sector_t sector, unsigned int sectors);

int layer_lookup(struct layer *l, sector_t sector, unsigned int *sectors,
		 sector_t *place);
bool layer_find(struct layer *l, sector_t *sector, sector_t end);

int layer_seal(struct layer *l, struct summary_id *newest);
int layer_fold(struct layer *into, struct layer *from);
int layer_punch(struct layer *l, sector_t first, sector_t last);
int layer_restore(struct layer *l, sector_t first, sector_t last,
		  enum format_kind kind, sector_t place);
int layer_restored(struct layer *l);

/*
 * The counts go down on every I/O and are waited for rarely. Asking with
 * waitqueue_active() is safe: atomic_dec_and_test() is a full barrier.
 */
static inline void layer_put_count(struct layer *l, atomic_t *count)
{
	wait_queue_head_t *wait = l->wait;

	/* a retired layer may go with its last count; waitqueue_active(): above */
	if (atomic_dec_and_test(count) && waitqueue_active(wait))
		wake_up_all(wait);
}

static inline void layer_put_writer(struct layer *l)
{
	layer_put_count(l, &l->writers);
}

static inline void layer_put_reader(struct layer *l)
{
	layer_put_count(l, &l->readers);
}

#endif
