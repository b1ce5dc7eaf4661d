/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The replication behind a mapped device: what primary and secondary share.
 *
 * A struct repl belongs to a mapped device, not to one of its tables. Tables
 * come and go with every reload; each attaches to the replication that is
 * there, so a reload never has two live instances on one leg or buffer, and
 * never loses what is dirty or what an open epoch holds.
 */
#ifndef REPL_CORE_H
#define REPL_CORE_H

#include <linux/completion.h>
#include <linux/device-mapper.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "dm-replication.h"

#define DM_MSG_PREFIX "replication"

#define REPL_ERR(r, fmt, ...) \
	DMERR("%s: " fmt, (r)->name, ##__VA_ARGS__)
#define REPL_WARN(r, fmt, ...) \
	DMWARN("%s: " fmt, (r)->name, ##__VA_ARGS__)
#define REPL_WARN_LIMIT(r, fmt, ...) \
	DMWARN_LIMIT("%s: " fmt, (r)->name, ##__VA_ARGS__)
#define REPL_INFO(r, fmt, ...) \
	DMINFO("%s: " fmt, (r)->name, ##__VA_ARGS__)
#define REPL_INFO_LIMIT(r, fmt, ...) \
	DMINFO_LIMIT("%s: " fmt, (r)->name, ##__VA_ARGS__)

/**
 * enum repl_stage - where a replication stands; the order is that of its life
 * @STAGE_NONE: never started
 * @STAGE_RUNNING: replicating
 * @STAGE_FAILOVER: no longer replicating, the buffer is merged into the disk
 * @STAGE_FAILOVER_FAILED: as before, and the merge met an error
 * @STAGE_DONE: stopped
 */
enum repl_stage {
	STAGE_NONE,
	STAGE_RUNNING,
	STAGE_FAILOVER,
	STAGE_FAILOVER_FAILED,
	STAGE_DONE,
};

struct repl;

/* the most that any replication has */
#define REPL_DEVS	3

/**
 * struct repl_listener - a live target that gets the replication's dm events
 * @list: in the replication's listeners, under its owner_lock
 * @ti: the target
 */
struct repl_listener {
	struct list_head list;
	struct dm_target *ti;
};

/**
 * struct repl_kind - what a mode does with a replication
 * @name: the table's word for it
 * @mode: for start
 * @metadata: which device holds state: no two replications may have it at a
 *	time, not even of one mapped device
 * @cut_devs: a bit for each device that a checkpoint waits for, between its
 *	cut and its end
 * @start: start; called in stage none or done only
 * @prepare: a checkpoint is about to be taken; in stage running only
 * @mark: here is the cut; writes that show cut_next() are behind it
 * @send: what is before the cut goes to the remote leg
 * @pause: nothing is taken any more
 * @commit: make durable what has been taken
 * @finish: the checkpoint is over; follows every @prepare that succeeded
 * @stop: stop
 * @ready: checkpoint and stop sleep on @r->wait until this is true. Any context.
 * @stopped: stop ends its sleep on @r->wait when this is true; then *@error
 *	tells how it went. Any context that may sleep, without the lock.
 * @resume: I/O may go to the devices below; background work may start.
 *	@reloaded: with another table than before.
 * @suspending: r.suspending has changed: bios may wait for more than I/O only
 *	while it is not set. Must not take the lock; or NULL.
 * @quiesce: end all I/O of background work. Called twice in a row at times.
 * @abandon: the devices below go: end all I/O on them, whoever it is from.
 *	After @quiesce.
 * @destroy: free it; nothing else refers to it any more
 *
 * @mark to @commit, each where it applies, are the steps of &enum
 * replication_cut; the last one there is raises the epoch.
 *
 * Those up to @stop run under the replication's lock in a worker, its own or
 * that of a call on its group, and may sleep; they return 0, or an errno with
 * the reason said. @resume is called under the lock as well, the others are not.
 */
struct repl_kind {
	const char *name;
	enum replication_mode mode;
	unsigned int metadata;
	unsigned long cut_devs;
	int (*start)(struct repl *r, struct replication_reason *why);
	int (*prepare)(struct repl *r, struct replication_reason *why);
	void (*mark)(struct repl *r);
	int (*send)(struct repl *r, struct replication_reason *why);
	void (*pause)(struct repl *r);
	int (*commit)(struct repl *r, struct replication_reason *why);
	void (*finish)(struct repl *r);
	int (*stop)(struct repl *r, bool failover,
		    struct replication_reason *why);
	bool (*ready)(struct repl *r);
	bool (*stopped)(struct repl *r, int *error);
	int (*resume)(struct repl *r, bool reloaded);
	void (*suspending)(struct repl *r);
	void (*quiesce)(struct repl *r);
	void (*abandon)(struct repl *r);
	void (*destroy)(struct repl *r);
};

/**
 * struct repl_fault - the first error since start
 * @error: 0 or a negative errno
 * @where: leg or layer
 * @op: operation
 * @sector: of the mapped device
 * @text: more words
 */
struct repl_fault {
	int error;
	const char *where;
	const char *op;
	sector_t sector;
	const char *text;
};

/**
 * struct repl - a mapped device's replication
 * @kind: constant
 * @md: the mapped device; constant
 * @name: the mapped device's name when it was made, for messages; constant
 * @uuid: its dm UUID then, or an empty string; constant
 * @len: sectors; constant
 * @devs: the legs and the dirty log, or disk and buffer; NULL where there is
 *	none; valid while a table is attached
 * @dev_nr: their numbers; constant
 * @list: in the list of all; under repl_list_lock
 * @tables: tables attached; under repl_list_lock
 * @ref: memory: the tables, the inbound views, requests under way
 * @owner: the table's target that was resumed last and successfully, or NULL;
 *	under @owner_lock
 * @listeners: targets that get dm events; under @owner_lock
 * @owner_lock: protects @owner and @listeners; never held while waiting for I/O
 * @lock: held over every change of stage or epoch
 * @stage: written under @lock, read anywhere
 * @epoch: the last checkpoint's number; written under @lock, read anywhere
 * @suspending: a message must give up waiting; set before suspend, and always
 *	while @suspended is
 * @suspended: no I/O of our own may be started; under @lock
 * @fault: under @fault_lock, which is taken in any context
 * @rs: our entry in the registry, or NULL before the first resume; changed
 *	by resume only
 * @group: the group of @rs; under @owner_lock
 * @wq: ordered: one request after the other
 * @wait: woken at every change that somebody may wait for
 * @event: raises a dm event from process context
 */
struct repl {
	const struct repl_kind *kind;
	struct mapped_device *md;
	char name[DM_NAME_LEN];
	char uuid[DM_UUID_LEN];
	sector_t len;
	struct block_device *devs[REPL_DEVS];
	dev_t dev_nr[REPL_DEVS];

	struct list_head list;
	unsigned int tables;
	struct kref ref;
	struct dm_target *owner;
	struct list_head listeners;
	struct mutex owner_lock;

	struct mutex lock;
	enum repl_stage stage;
	u64 epoch;
	bool suspending;
	bool suspended;

	spinlock_t fault_lock;
	struct repl_fault fault;

	struct replication_state *rs;
	char group[REPLICATION_GROUP_LEN];

	struct workqueue_struct *wq;
	wait_queue_head_t wait;
	struct work_struct event;
};

const char *repl_stage_name(enum repl_stage stage);
const char *repl_errno_name(int error);
const char *repl_op_name(enum req_op op);

__printf(3, 4)
int repl_refuse(struct replication_reason *why, int error, const char *fmt, ...);

int repl_init(struct repl *r, const struct repl_kind *kind,
	      struct mapped_device *md, sector_t len,
	      struct block_device *devs[REPL_DEVS]);
struct repl *repl_attach(const struct repl_kind *kind, struct mapped_device *md,
			 sector_t len, struct block_device *devs[REPL_DEVS],
			 const char **error);
void repl_publish(struct repl *r);
struct repl *repl_find(const struct repl_kind *kind, struct block_device *view);
void repl_detach(struct repl *r, struct dm_target *ti);
void repl_get(struct repl *r);
void repl_put(struct repl *r);
void repl_list_acquire(void);
void repl_list_release(void);

int repl_resume(struct repl *r, struct dm_target *ti, const char *group);
void repl_presuspend(struct repl *r);
void repl_presuspend_undo(struct repl *r);
void repl_postsuspend(struct repl *r);

void repl_listen(struct repl *r, struct repl_listener *listener);
void repl_unlisten(struct repl *r, struct repl_listener *listener);
void repl_event(struct repl *r);
void repl_set_stage(struct repl *r, enum repl_stage stage);
void repl_fault(struct repl *r, int error, const char *where, const char *op,
		sector_t sector, const char *text);
void repl_clear_fault(struct repl *r);
struct repl_fault repl_get_fault(struct repl *r);

int repl_start(struct repl *r, enum replication_mode mode,
	       struct replication_reason *why);
int repl_checkpoint(struct repl *r, u64 *epoch, struct replication_reason *why);
int repl_stop(struct repl *r, bool failover, struct replication_reason *why);

/**
 * enum group_call - what a group can be asked for
 * @GROUP_START: replication_start_all()
 * @GROUP_CHECKPOINT: replication_do_checkpoint_all()
 * @GROUP_STOP: replication_stop_all()
 */
enum group_call {
	GROUP_START,
	GROUP_CHECKPOINT,
	GROUP_STOP,
};

int repl_call_group(struct repl *r, const bool *suspending,
		    enum group_call call, enum replication_mode mode,
		    bool failover, struct replication_reason *why);
int repl_get_error_group(struct repl *r, struct replication_reason *why);
int __init core_init(void);
void core_exit(void);

/**
 * repl_would_wait() - has a device below answered only that it would have to wait?
 * @bio: the device's
 * @status: its answer
 *
 * One whose table was replaced may not know of such bios any more: the block
 * layer says "not supported" then.
 */
static inline bool repl_would_wait(const struct bio *bio, blk_status_t status)
{
	return (status == BLK_STS_AGAIN || status == BLK_STS_NOTSUPP) &&
	       bio->bi_opf & REQ_NOWAIT;
}

#endif
