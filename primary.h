/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sending side: a local leg that serves the workload, a remote leg that
 * gets every write too.
 */
#ifndef REPL_PRIMARY_H
#define REPL_PRIMARY_H

#include <linux/bio.h>
#include <linux/dm-io.h>
#include <linux/dm-kcopyd.h>
#include <linux/llist.h>

#include "core.h"
#include "cut.h"
#include "dirty.h"
#include "log.h"
#include "range.h"

enum primary_dev { LEG_LOCAL, LEG_REMOTE, DEV_LOG };

/**
 * enum remote_state - what the remote leg is good for
 * @REMOTE_ONLINE: it has all that was acknowledged, or is about to get it
 * @REMOTE_RESYNC: the same but for the dirty regions, which are being copied
 * @REMOTE_DEGRADED: nothing is sent to it, what is written becomes dirty
 */
enum remote_state {
	REMOTE_ONLINE,
	REMOTE_RESYNC,
	REMOTE_DEGRADED,
};

/**
 * struct primary_config - what a table may change
 * @async: a write is acknowledged when the local leg has it
 * @nosync: both legs hold the same data; counts for the first one of a primary
 * @stall: while the remote leg is degraded writes wait
 * @max_behind: sectors that the remote leg may have yet to acknowledge
 */
struct primary_config {
	bool async;
	bool nosync;
	bool stall;
	unsigned int max_behind;
};

/**
 * struct behind - the copies that are on their way to the remote leg
 * @bios: a struct behind_write each, see behind.c
 * @ranges: copies that overlap wait for each other
 * @lock: protects what follows; any context
 * @sectors: not acknowledged by the remote leg, in whole pages; read anywhere
 * @waiting: writes for which there was no room
 * @pages: of copies that have been answered, for others
 * @idle: woken when there are none
 * @room_work: lets those go on for which there is room by now
 * @wq: @send_work, which may sleep for as long as the remote leg does
 * @sending: copies that must be sent by somebody who may sleep
 * @send_work: sends them
 */
struct behind {
	struct bio_set bios;
	struct range_lock ranges;
	spinlock_t lock;
	sector_t sectors;
	struct list_head waiting;
	struct list_head pages;
	wait_queue_head_t idle;
	struct work_struct room_work;
	struct workqueue_struct *wq;
	struct llist_head sending;
	struct delayed_work send_work;
};

/**
 * struct resync - the copying of dirty regions
 * @work: does it
 * @stop: @work is to end after the region it is at
 * @began: ktime in ns when it began to copy
 * @sectors: copied since
 * @data: CHUNK_BYTES to look at; @work
 * @kcopyd: copies
 */
struct resync {
	struct work_struct work;
	bool stop;
	u64 began;
	sector_t sectors;
	void *data;
	struct dm_kcopyd_client *kcopyd;
};

/**
 * struct verify - the comparison of the legs
 * @work: does it
 * @data: CHUNK_BYTES of each leg; @work
 * @stop: @work is to end after the region it is at
 * @running: it has yet to end; written under r.lock, read anywhere
 * @given_up: it is not to go on, not even after a suspend; r.lock
 * @done: regions it has been through, of the last one if none is running
 * @differing: of those that were clean how many differed
 */
struct verify {
	struct work_struct work;
	void *data;
	bool stop;
	bool running;
	bool given_up;
	unsigned long done;
	unsigned long differing;
};

/**
 * struct primary - a primary's replication
 * @r: what every replication has; r.devs[] by enum primary_dev
 * @config: of the live table; changed while there is no I/O
 * @map: what the remote leg lacks
 * @log: makes it outlive a crash, or NULL
 * @opened: @map and @log hold what is known of the legs; r.lock
 * @ranges: writes in flight and the region that is being worked on
 * @gate: between a cut and the end of its checkpoint: remote writes behind it
 * @cut: a cut has been made, its checkpoint has yet to be taken; r.lock
 * @behind: of async mode
 * @remote: raised under r.lock only; a write that fails lowers it, without
 * @failed: LEG_LOCAL: a flush failed; LEG_REMOTE: anything did; @settle_work has
 *	yet to account for it
 * @unreadable: it was given up for the local leg's fault; r.lock
 * @stalled: writes wait for the remote leg; r.lock
 * @parked: struct primary_io: the remote leg failed them, they are not
 *	acknowledged as long as @stalled
 * @no_parking: ranges are waited for: nothing may be parked; r.lock
 * @repair: struct primary_io: the local leg could not read them
 * @share: percentage of the time that background work may keep the legs busy
 * @io_wq: granted ranges and legs that are tried again
 * @repair_wq: @repair_work
 * @bg_wq: resync, verify and the probe
 * @settle_work: accounts for failures
 * @probe_work: is the remote leg back?
 * @repair_work: reads from the remote leg instead
 * @repair_data: CHUNK_BYTES for that
 * @resync: copies dirty regions
 * @verify: compares the legs
 * @io: reads and writes for verify, resync and repair
 */
struct primary {
	struct repl r;
	struct primary_config config;
	struct dirty_map map;
	struct dirty_log *log;
	bool opened;
	struct range_lock ranges;
	struct cut_gate gate;
	bool cut;
	struct behind behind;
	enum remote_state remote;
	unsigned long failed;
	bool unreadable;
	bool stalled;
	struct llist_head parked;
	bool no_parking;
	struct llist_head repair;
	unsigned int share;
	struct workqueue_struct *io_wq;
	struct workqueue_struct *repair_wq;
	struct workqueue_struct *bg_wq;
	struct work_struct settle_work;
	struct delayed_work probe_work;
	struct work_struct repair_work;
	void *repair_data;
	struct resync resync;
	struct verify verify;
	struct dm_io_client *io;
};

/**
 * primary_cannot() - is this an operation that the remote leg does not know?
 * @op: what it was asked for
 * @status: its answer
 *
 * It offered it, but then it need not have been lost: the region is dirty, and
 * is copied.
 */
static inline bool primary_cannot(enum req_op op, blk_status_t status)
{
	return (op == REQ_OP_DISCARD || op == REQ_OP_WRITE_ZEROES) &&
	       (status == BLK_STS_NOTSUPP || status == BLK_STS_TARGET);
}

/**
 * primary_unsend() - make a bio ready to be sent again, and to wait this time
 * @bio: a leg refused to take it without waiting
 * @leg: the leg
 * @iter: of @bio before it was sent
 */
static inline void primary_unsend(struct bio *bio, struct block_device *leg,
				  const struct bvec_iter *iter)
{
	bio->bi_iter = *iter;
	bio->bi_status = BLK_STS_OK;
	/* a device below that had split it has counted down to nothing */
	atomic_set(&bio->__bi_remaining, 1);
	bio->bi_opf &= ~REQ_NOWAIT;
	bio_set_dev(bio, leg);
}

struct behind_write;

/**
 * struct primary_io - what a bio in flight needs; dm core's per-bio data
 * @range: locked while the legs write; of async mode: while the local leg does
 * @remote: the remote leg's bio in sync mode. Here and not from a pool: it costs
 *	no allocation, and no two bios are ever waited for from one pool.
 * @p: the primary
 * @bio: dm core's clone
 * @iter: of @bio before it was sent
 * @retry: by leg: sends again what it refused to take without waiting. One
 *	each: a leg's work must not be touched once that leg was sent again.
 * @mark: of the dirty log
 * @gate: at the gate
 * @room: in behind.waiting
 * @parked: in the primary's parked or repair
 * @copy: of async mode: the payload, and the remote leg's bio; or NULL
 * @both: sent to both legs
 * @legs: how many have yet to answer
 * @status: the local leg's result
 * @phase: where the bio is
 */
struct primary_io {
	struct io_range range;
	struct bio remote;
	struct primary *p;
	struct bio *bio;
	struct bvec_iter iter;
	union {
		struct work_struct retry[2];
		struct mark_wait mark;
		struct list_head room;
	};
	struct cut_wait gate;
	struct llist_node parked;
	struct behind_write *copy;
	bool both;
	atomic_t legs;
	blk_status_t status;
	enum primary_phase {
		PHASE_PASS,	/* nothing of ours to do when it ends */
		PHASE_READ,
		PHASE_FLUSH,	/* as PHASE_WRITE, without a range */
		PHASE_WRITE,
		PHASE_JOINED,	/* all legs that matter have answered */
	} phase;
};

extern const struct repl_kind primary_kind;

/**
 * struct primary_options - what a new primary is made from
 * @local: leg
 * @remote: leg
 * @log: dirty log, or NULL
 * @len: sectors
 * @region_size: sectors
 */
struct primary_options {
	struct block_device *local;
	struct block_device *remote;
	struct block_device *log;
	sector_t len;
	unsigned int region_size;
};

static inline struct primary *to_primary(struct repl *r)
{
	return container_of(r, struct primary, r);
}

static inline bool primary_sends(const struct primary *p)
{
	return READ_ONCE(p->remote) != REMOTE_DEGRADED;
}

/* primary.c: stages, and what befalls the legs */
struct repl *primary_new(struct mapped_device *md,
			 const struct primary_options *opt,
			 char *why, size_t size);
void primary_configure(struct primary *p, const struct primary_config *config);
void primary_set_share(struct primary *p, unsigned int percent);
void primary_status(struct primary *p, char *result, unsigned int maxlen,
		    const char *fault);
int primary_changed(struct primary *p, u64 epoch, char *result,
		    unsigned int maxlen, struct replication_reason *why);
/* the arrows back: what the parts met */
void primary_remote_failed(struct primary *p, int error, enum req_op op,
			   sector_t sector, const char *text);
void primary_local_flush_failed(struct primary *p);

/* legs.c: the path of a bio */
int primary_map(struct primary *p, struct primary_io *io, struct bio *bio);
int primary_end_io(struct primary_io *io, struct bio *bio, blk_status_t *error);
void legs_unpark(struct primary *p);
void legs_send_behind(struct primary_io *io);

/* behind.c: copies for the remote leg */
int behind_init(struct primary *p);
void behind_exit(struct primary *p);
unsigned int behind_most(const struct primary *p);
int behind_prepare(struct primary *p, struct primary_io *io, bool waited,
		   bool nowait);
void behind_send(struct behind_write *copy);
void behind_drop(struct behind_write *copy);
void behind_put(struct behind_write *copy);
void behind_drain(struct primary *p);
void behind_drain_cut(struct primary *p, u64 cut);

/* repair.c: reads that the local leg failed */
void repair_read(struct primary_io *io);
int repair_init(struct primary *p);
void repair_exit(struct primary *p);

/* resync.c: copies dirty regions */
int resync_init(struct primary *p);
void resync_exit(struct primary *p);
void resync_start(struct primary *p);
void resync_needed(struct primary *p);
void resync_quiesce(struct primary *p);
sector_t resync_rate(struct primary *p);

/* verify.c: compares the legs */
int verify_init(struct primary *p);
void verify_exit(struct primary *p);
int verify_start(struct primary *p, struct replication_reason *why);
void verify_resume(struct primary *p);
void verify_quiesce(struct primary *p);
int verify_cancel(struct primary *p, struct replication_reason *why);

/* region.c: what background work does with regions */

/**
 * struct region_hold - a range that nobody else works on, on either leg
 * @local: against writes
 * @remote: against copies that are behind
 */
struct region_hold {
	struct range_sleeper local;
	struct range_sleeper remote;
};

/* sectors that leg_io() is asked for at a time at most */
#define CHUNK_SECTORS	128
#define CHUNK_BYTES	(CHUNK_SECTORS * 512)

void region_release(struct primary *p, struct region_hold *hold);
bool region_acquire_sent(struct primary *p, struct region_hold *hold,
			 sector_t first, sector_t last);
void region_acquire_nr(struct primary *p, struct region_hold *hold,
		       unsigned long region);
int leg_io(struct primary *p, enum primary_dev leg, enum req_op op,
	   sector_t sector, sector_t sectors, void *data);
void background_pace(struct primary *p, u64 began, const bool *stop);

#endif
