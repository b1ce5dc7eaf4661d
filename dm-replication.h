/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-replication: checkpointed block replication, the in-kernel interface.
 *
 * The shape of the interface is that of QEMU's block replication
 * (include/block/replication.h): whoever holds replicated state registers it,
 * and one caller starts, checkpoints and stops all that belong together.
 * What differs: states live in named groups, so that several virtual machines
 * or databases on a host do not share their checkpoints, and Error **errp is
 * an errno plus a reason in words.
 *
 * Every mapped device of the "replication" target registers itself; another
 * module may register states of its own, say the memory image that belongs to
 * the disks.
 */
#ifndef DM_REPLICATION_H
#define DM_REPLICATION_H

#include <linux/list.h>
#include <linux/types.h>

/** REPLICATION_GROUP_LEN: bytes of a group's name, the final NUL included */
#define REPLICATION_GROUP_LEN	32

/**
 * enum replication_mode - which side of a pair a state is
 * @REPLICATION_MODE_PRIMARY: it sends what its workload writes
 * @REPLICATION_MODE_SECONDARY: it receives, and can take over
 */
enum replication_mode {
	REPLICATION_MODE_PRIMARY,
	REPLICATION_MODE_SECONDARY,
};

/**
 * struct replication_reason - why a call failed, in words
 * @text: one line without a newline, empty when nothing was said
 *
 * Belongs to the caller; a call that fails fills it in.
 */
struct replication_reason {
	char text[128];
};

struct replication_state;

/**
 * enum replication_cut - the steps of a checkpoint of a group
 * @REPLICATION_CUT_WAIT: sleep until a checkpoint is possible
 * @REPLICATION_CUT_HOLD: let nothing else change the state until
 *	REPLICATION_CUT_END. -EAGAIN: not possible any more, wait again.
 * @REPLICATION_CUT_MARK: the instant is about to come; must not wait for I/O
 * @REPLICATION_CUT_SEND: give to others what was acknowledged before it. May
 *	wait for another host, which may be taking a checkpoint too.
 * @REPLICATION_CUT_PAUSE: take nothing from others from here on; must not wait
 *	for another host
 * @REPLICATION_CUT_COMMIT: make durable what has been taken; the same
 * @REPLICATION_CUT_END: the checkpoint has been taken, or given up
 */
enum replication_cut {
	REPLICATION_CUT_WAIT,
	REPLICATION_CUT_HOLD,
	REPLICATION_CUT_MARK,
	REPLICATION_CUT_SEND,
	REPLICATION_CUT_PAUSE,
	REPLICATION_CUT_COMMIT,
	REPLICATION_CUT_END,
};

/**
 * struct replication_ops - what a replication state can do
 * @start: start replication in @mode. A state of the other mode, or one that
 *	has failed over or is done, returns 0 and does nothing.
 * @checkpoint: return when all that was acknowledged before the call is durable.
 *	It is called while writes to the devices of the group may be held, and
 *	must not depend on any.
 * @get_error: 0, or the errno of the first error since @start. Nothing that it
 *	sleeps for depends on I/O: get_error_all cannot be killed meanwhile.
 * @stop: stop; with @failover carry on from the last checkpoint alone
 * @cut: instead of @checkpoint: one step of a checkpoint that divides the writes
 *	of all of a group at one instant. One caller takes all steps, in order;
 *	each is done by all states before the next one begins. An error of one
 *	leads to REPLICATION_CUT_END for all that are held. After an error of
 *	REPLICATION_CUT_HOLD, or REPLICATION_CUT_LEAVE, the state is not.
 *
 * All return 0 or a negative errno and then say why; @cut may also return
 * REPLICATION_CUT_LEAVE. All are called from
 * process context with no lock of the registry held, and may sleep. They are
 * not called again once replication_remove() has returned. Calls for one state
 * may come from several callers at once. All are needed, of @checkpoint and @cut
 * one.
 */
struct replication_ops {
	int (*start)(struct replication_state *rs, enum replication_mode mode,
		     struct replication_reason *why);
	int (*checkpoint)(struct replication_state *rs,
			  struct replication_reason *why);
	int (*get_error)(struct replication_state *rs,
			 struct replication_reason *why);
	int (*stop)(struct replication_state *rs, bool failover,
		    struct replication_reason *why);
	int (*cut)(struct replication_state *rs, enum replication_cut step,
		   struct replication_reason *why);
};

/* @cut: this state has no part in the checkpoint */
#define REPLICATION_CUT_LEAVE	1

/**
 * struct replication_state - one registered state
 * @opaque: for the ops; the registrant's
 * @ops: the operations; constant
 * @node: in the registry, in the order of registration; the registry's
 */
struct replication_state {
	void *opaque;
	const struct replication_ops *ops;
	struct list_head node;
};

struct replication_state *replication_new(const char *group, void *opaque,
					  const struct replication_ops *ops);
void replication_remove(struct replication_state *rs);

int replication_start_all(const char *group, enum replication_mode mode,
			  struct replication_reason *why);
int replication_do_checkpoint_all(const char *group,
				  struct replication_reason *why);
int replication_get_error_all(const char *group,
			      struct replication_reason *why);
int replication_stop_all(const char *group, bool failover,
			 struct replication_reason *why);

#endif
