/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The receiving side: a disk and a buffer below, the active and the inbound
 * view above.
 */
#ifndef REPL_SECONDARY_H
#define REPL_SECONDARY_H

#include <linux/bio.h>
#include <linux/dm-kcopyd.h>

#include "buffer.h"
#include "core.h"
#include "layer.h"
#include "range.h"

enum secondary_dev { DEV_DISK, DEV_BUFFER };

enum view_id { VIEW_INBOUND, VIEW_ACTIVE, VIEWS };

/**
 * enum view_mode - what a view does with a bio
 * @VIEW_REFUSED: nothing works
 * @VIEW_HELD: reads as before, writes and flushes wait
 * @VIEW_READ_ONLY: reads as before, writes and flushes fail: a crash may find
 *	the checkpoint that failed, so what is in it must not change
 * @VIEW_LAYERED: writes go to the view's open layer
 * @VIEW_PLAIN: an ordinary disk: writes go to the disk, and take what they
 *	cover out of the committed layers
 */
enum view_mode {
	VIEW_REFUSED,
	VIEW_HELD,
	VIEW_READ_ONLY,
	VIEW_LAYERED,
	VIEW_PLAIN,
};

/* 1 MiB: what the merge locks against writes of a plain view at a time */
#define MERGE_REGION_SHIFT 11

#define MERGE_IDLE	((sector_t)-1)

/* committed layers at a time; a checkpoint folds two before there are more */
#define MAX_COMMITTED	8

/**
 * struct layout - what both views are made of at one instant
 * @rcu: frees it
 * @mode: of each view
 * @open: of each view, on top of @committed; NULL where there is none
 * @nr: committed layers
 * @committed: newest first; below the last one is the disk
 * @holes: lists what writes of VIEW_PLAIN take out of the committed layers;
 *	NULL when there are none, or no such view
 *
 * Constant once published.
 */
struct layout {
	struct rcu_head rcu;
	enum view_mode mode[VIEWS];
	struct layer *open[VIEWS];
	unsigned int nr;
	struct layer *committed[MAX_COMMITTED];
	struct layer *holes;
};

struct transition;

/**
 * struct retired - a layer that no new I/O can find
 * @list: in the secondary's retired
 * @layer: owned
 * @into: the layer that gets its segments, or NULL: they become free
 */
struct retired {
	struct list_head list;
	struct layer *layer;
	struct layer *into;
};

/**
 * enum lost_tell - who is yet to be told of what a failed flush may have lost
 * @LOST_TELL_VIEWS: the next flush of a view, which fails
 * @LOST_TELL_START: the next start, which takes what is on the disk; or the views
 */
enum lost_tell { LOST_TELL_VIEWS, LOST_TELL_START };

/**
 * struct secondary - a secondary's replication
 * @r: what every replication has; r.devs[] by enum secondary_dev
 * @buffer: what is on the buffer device; opened by the first resume
 * @opened: @buffer is open; r.lock
 * @checkpoint: one that is being taken; r.lock
 * @commit_lock: held from a look at the buffer's state to the commit of the
 *	next one; within r.lock
 * @flush_lock: a flush of the disk that may be for what views have written, and
 *	who is to be told of what it lost; within commit_lock
 * @layout: RCU; replaced under r.lock
 * @plain_writers: writes of VIEW_PLAIN in flight
 * @disk_readers: reads of the disk in flight
 * @ranges: locks for writes of VIEW_PLAIN and for the merge
 * @abandoned: disk and buffer go
 * @high_watermark: percent; r.lock, read anywhere
 * @above: bit 0: the buffer is fuller than that
 * @flushes: of VIEW_PLAIN, waiting for @flush_work
 * @flush_work: makes holes durable
 * @holes_lost: a hole could not be listed: only the end of the merge makes
 *	writes of VIEW_PLAIN durable
 * @disk_lost: a flush for VIEW_PLAIN failed since the pass of the merge began:
 *	the disk may have lost its copies; under commit_lock
 * @lost: bits of enum lost_tell: a flush of the disk failed that was nobody's
 *	who has written through a view: what was may be lost
 * @io_wq: granted bios, summaries, punches
 * @flush_wq: @flush_work, which waits for summaries
 * @bg_wq: merge and retirement
 * @retired_lock: protects @retired
 * @retired: in the order of their retirement
 * @retire_work: frees them
 * @merging: the oldest so many committed layers are being merged; r.lock
 * @merge_stop: @merge_work is to end soon
 * @merge_work: merges
 * @merge_cursor: sector up to which the pass has come, or MERGE_IDLE
 * @merge_share: percentage of the time that a merge may keep disk and buffer
 *	busy while the views are used
 * @last_io: jiffies when a view was used, roughly
 * @pace: the share at present
 * @kcopyd: copies for the merge
 */
struct secondary {
	struct repl r;
	struct buffer buffer;
	bool opened;
	struct transition *checkpoint;
	struct mutex commit_lock;
	struct mutex flush_lock;
	struct layout __rcu *layout;
	atomic_t plain_writers;
	atomic_t disk_readers;
	struct range_lock ranges;
	unsigned int high_watermark;
	unsigned long above;
	struct llist_head flushes;
	struct work_struct flush_work;
	bool holes_lost;
	bool disk_lost;
	unsigned long lost;
	bool abandoned;
	struct workqueue_struct *io_wq;
	struct workqueue_struct *flush_wq;
	struct workqueue_struct *bg_wq;
	spinlock_t retired_lock;
	struct list_head retired;
	struct work_struct retire_work;
	unsigned int merging;
	bool merge_stop;
	struct delayed_work merge_work;
	sector_t merge_cursor;
	unsigned int merge_share;
	unsigned long last_io;
	struct dm_kcopyd_throttle pace;
	struct dm_kcopyd_client *kcopyd;
};

/**
 * struct secondary_io - what a bio in flight needs; dm core's per-bio data
 * @range: of VIEW_PLAIN writes while there are committed layers
 * @s: the secondary
 * @bio: dm core's clone
 * @layer: it reads from or writes to
 * @write: to @layer
 * @work: punches
 * @flush: in the secondary's flushes
 * @sector: its first one, for messages
 * @view: it came in by
 * @fua: a plain write had REQ_FUA
 * @phase: where the bio is
 */
struct secondary_io {
	struct io_range range;
	struct secondary *s;
	struct bio *bio;
	struct layer *layer;
	struct layer_write write;
	struct work_struct work;
	struct llist_node flush;
	sector_t sector;
	enum view_id view;
	bool fua;
	enum secondary_phase {
		IO_PASS,	/* nothing of ours to do when it ends */
		IO_READ_LAYER,
		IO_READ_DISK,
		IO_WRITE_LAYER,
		IO_WRITE_PLAIN,	/* to the disk, nothing committed above it */
		IO_WRITE_PUNCH,	/* to the disk, then out of the layers */
		IO_FLUSH,
	} phase;
};

extern const struct repl_kind secondary_kind;

static inline struct secondary *to_secondary(struct repl *r)
{
	return container_of(r, struct secondary, r);
}

/* secondary.c: stages */
struct repl *secondary_new(struct mapped_device *md, struct block_device *disk,
			   struct block_device *buffer, sector_t len,
			   char *why, size_t size);
void secondary_set_watermark(struct secondary *s, unsigned int percent);
void secondary_set_merge_share(struct secondary *s, unsigned int percent);
void secondary_status(struct secondary *s, char *result, unsigned int maxlen,
		      const char *fault);
bool secondary_inbound_open(struct secondary *s);

/* view.c: the path of a bio, and what changes it */
void views_init(struct secondary *s);
int view_map(struct secondary *s, struct secondary_io *io, struct bio *bio,
	     enum view_id view);
int view_end_io(struct secondary_io *io, struct bio *bio, blk_status_t *error);
struct layout *layout_now(struct secondary *s);
struct layout *layout_copy(struct secondary *s);
void layout_set_modes(struct layout *layout, enum repl_stage stage, u32 flags);
void layout_publish(struct secondary *s, struct layout *layout);
void views_freeze(struct secondary *s, struct layout *held);
void views_thaw(struct secondary *s, struct layout *layout);
void layer_retire(struct secondary *s, struct layer *l, struct layer *into);
void views_quiesce(struct secondary *s);
void views_retry_flushes(struct secondary *s);
bool views_plain(struct secondary *s);
void views_lost(struct secondary *s);
int holes_commit(struct secondary *s, const char **where);

/* recover.c */
int recover_layer(struct buffer *b, struct layer *l, char *why, size_t size);
void samples_take(struct buffer *b, struct block_device *disk,
		  struct layer **layer, unsigned int nr,
		  struct format_state *state);
int samples_check(struct buffer *b, struct block_device *disk, struct layer *l,
		  char *why, size_t size);

/* merge.c */
int merge_init(struct secondary *s);
void merge_exit(struct secondary *s);
void merge_start(struct secondary *s);
void merge_quiesce(struct secondary *s);
/* the arrow back: a pass that ended is for the stages to know */
void secondary_merged(struct secondary *s);

#endif
