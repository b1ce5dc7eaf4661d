/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sending side: a local leg that serves the workload, a remote leg that
 * gets every write too.
 */
#ifndef REPL_PRIMARY_H
#define REPL_PRIMARY_H

#include <linux/bio.h>
#include <linux/dm-kcopyd.h>

#include "core.h"
#include "dirty.h"
#include "range.h"

enum primary_leg { LEG_LOCAL, LEG_REMOTE };

/**
 * enum remote_state - what the remote leg is good for
 * @REMOTE_ONLINE: it has all that was acknowledged
 * @REMOTE_RESYNC: it has all but the dirty regions, which are being copied
 * @REMOTE_DEGRADED: nothing is sent to it, what is written becomes dirty
 */
enum remote_state {
	REMOTE_ONLINE,
	REMOTE_RESYNC,
	REMOTE_DEGRADED,
};

/**
 * struct primary - a primary's replication
 * @r: what every replication has; r.devs[] by enum primary_leg
 * @map: what the remote leg lacks
 * @ranges: writes in flight and the region that is being copied
 * @remote: raised under r.lock only; a write that fails lowers it, without
 * @remote_failed: a failure that @fail_work has yet to account for
 * @io_wq: granted ranges and legs that are tried again
 * @fail_work: degrades the remote leg
 * @resync_work: copies dirty regions
 * @resync_stop: @resync_work is to end after the region it is at
 * @kcopyd: copies
 */
struct primary {
	struct repl r;
	struct dirty_map map;
	struct range_lock ranges;
	enum remote_state remote;
	unsigned long remote_failed;
	struct workqueue_struct *io_wq;
	struct work_struct fail_work;
	struct work_struct resync_work;
	bool resync_stop;
	struct dm_kcopyd_client *kcopyd;
};

/**
 * struct primary_io - what a bio in flight needs; dm core's per-bio data
 * @range: locked while the legs write
 * @remote: the remote leg's bio. Here and not from a pool: it costs no
 *	allocation, and no two bios are ever waited for from one pool.
 * @p: the primary
 * @bio: dm core's clone, which goes to the local leg
 * @iter: of @bio before it was sent
 * @retry: by leg: sends again what it refused to take without waiting. One
 *	each: a leg's work must not be touched once that leg was sent again.
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
	struct work_struct retry[2];
	bool both;
	atomic_t legs;
	blk_status_t status;
	enum primary_phase {
		PHASE_PASS,	/* nothing of ours to do when it ends */
		PHASE_READ,
		PHASE_FLUSH,	/* as PHASE_WRITE, without a range */
		PHASE_WRITE,
		PHASE_JOINED,	/* both legs have answered */
	} phase;
};

extern const struct repl_kind primary_kind;

/**
 * struct primary_options - what a new primary is made from
 * @local: leg
 * @remote: leg
 * @len: sectors
 * @region_size: sectors
 * @nosync: both legs hold the same data
 */
struct primary_options {
	struct block_device *local;
	struct block_device *remote;
	sector_t len;
	sector_t region_size;
	bool nosync;
};

struct repl *primary_new(struct mapped_device *md,
			 const struct primary_options *opt, const char **error);
int primary_map(struct primary *p, struct primary_io *io, struct bio *bio);
int primary_end_io(struct primary_io *io, struct bio *bio, blk_status_t *error);
void primary_status(struct primary *p, char *result, unsigned int maxlen,
		    const char *fault);

static inline struct primary *to_primary(struct repl *r)
{
	return container_of(r, struct primary, r);
}

/* resync.c; the arrow back is the one function that tells what it met */
int resync_init(struct primary *p);
void resync_exit(struct primary *p);
void resync_start(struct primary *p);
void resync_needed(struct primary *p);
void resync_quiesce(struct primary *p);
void primary_remote_failed(struct primary *p, int error, enum req_op op,
			   sector_t sector, const char *text);

#endif
