// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry of replication states: who belongs to which group.
 *
 * A call on a group pins one state after the other and runs its op with no
 * lock held, so that a state that sleeps in its op delays nobody but those
 * who remove that very state.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "cut.h"
#include "dm-replication.h"

/**
 * struct member - a registered state and what the registry knows of it
 * @rs: what the registrant sees
 * @group: constant
 * @calls: ops under way; under registry_lock
 * @removed: no new calls; under registry_lock
 */
struct member {
	struct replication_state rs;
	char group[REPLICATION_GROUP_LEN];
	unsigned int calls;
	bool removed;
};

static LIST_HEAD(registry);
static DEFINE_MUTEX(registry_lock);
static DECLARE_WAIT_QUEUE_HEAD(registry_idle);

/**
 * replication_new() - register a replication state
 * @group: its group's name, shorter than REPLICATION_GROUP_LEN
 * @opaque: kept in the state for the ops
 * @ops: what it can do; must outlive the state
 *
 * Context: process, may sleep.
 * Return: the state, to be given back with replication_remove(), or an
 * ERR_PTR: -EINVAL for a bad name or missing op, -ENOMEM.
 */
struct replication_state *replication_new(const char *group, void *opaque,
					  const struct replication_ops *ops)
{
	struct member *m;

	if (!group || !*group || strlen(group) >= REPLICATION_GROUP_LEN)
		return ERR_PTR(-EINVAL);
	if (!ops || !ops->start || !ops->get_error || !ops->stop ||
	    (!ops->checkpoint && !ops->cut))
		return ERR_PTR(-EINVAL);

	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return ERR_PTR(-ENOMEM);
	m->rs.opaque = opaque;
	m->rs.ops = ops;
	strscpy(m->group, group, sizeof(m->group));

	mutex_lock(&registry_lock);
	list_add_tail(&m->rs.node, &registry);
	mutex_unlock(&registry_lock);
	return &m->rs;
}
EXPORT_SYMBOL_GPL(replication_new);

/**
 * replication_remove() - take a state out of the registry and free it
 * @rs: from replication_new(), or NULL
 *
 * Waits for the ops of @rs that are under way, so it must not be called from
 * one of them.
 *
 * Context: process, sleeps.
 */
void replication_remove(struct replication_state *rs)
{
	struct member *m;

	if (!rs)
		return;
	m = container_of(rs, struct member, rs);

	mutex_lock(&registry_lock);
	m->removed = true;
	while (m->calls) {
		mutex_unlock(&registry_lock);
		wait_event(registry_idle, !READ_ONCE(m->calls));
		mutex_lock(&registry_lock);
	}
	list_del(&rs->node);
	mutex_unlock(&registry_lock);
	kfree(m);
}
EXPORT_SYMBOL_GPL(replication_remove);

/* The next live member of @group after @pos, pinned; lets go of @pos. */
static struct member *next_member(const char *group, struct member *pos)
{
	struct member *m, *found = NULL;

	mutex_lock(&registry_lock);
	m = pos ? pos : list_entry(&registry, struct member, rs.node);
	list_for_each_entry_continue(m, &registry, rs.node) {
		if (!m->removed && !strcmp(m->group, group)) {
			found = m;
			found->calls++;
			break;
		}
	}
	if (pos && !--pos->calls && pos->removed)
		wake_up_all(&registry_idle);
	mutex_unlock(&registry_lock);
	return found;
}

static void pin_member(struct member *m)
{
	mutex_lock(&registry_lock);
	m->calls++;
	mutex_unlock(&registry_lock);
}

static void put_member(struct member *m)
{
	mutex_lock(&registry_lock);
	if (!--m->calls && m->removed)
		wake_up_all(&registry_idle);
	mutex_unlock(&registry_lock);
}

/*
 * Runs @call on every member in the order of registration. As in QEMU the
 * first error ends it: those before keep what they did, those after are not
 * asked.
 */
#define for_all_members(group, why, rs, call) ({			\
	struct member *m_ = NULL;					\
	int r_ = 0;							\
									\
	(why)->text[0] = '\0';						\
	while ((m_ = next_member(group, m_))) {				\
		struct replication_state *rs = &m_->rs;			\
									\
		r_ = (call);						\
		if (r_) {						\
			put_member(m_);					\
			break;						\
		}							\
	}								\
	r_;								\
})

/**
 * replication_start_all() - start all states of a group
 * @group: its name
 * @mode: states of the other mode do nothing
 * @why: the reason of an error
 *
 * Goes through the group in the order of registration and ends at the first
 * error; what was started before it stays started.
 *
 * Context: process, sleeps.
 * Return: 0, also for a group without members, or what the failing op returned.
 */
int replication_start_all(const char *group, enum replication_mode mode,
			  struct replication_reason *why)
{
	return for_all_members(group, why, rs, rs->ops->start(rs, mode, why));
}
EXPORT_SYMBOL_GPL(replication_start_all);

/**
 * struct cut - a state's part in a checkpoint
 * @list: those of the group, in the order of registration
 * @m: the state, pinned; held when it has a cut op
 */
struct cut {
	struct list_head list;
	struct member *m;
};

/* Puts together those that have a part in a checkpoint; they are held. */
static int hold_group(const char *group, struct list_head *held,
		      struct replication_reason *why)
{
	struct member *m = NULL;
	struct cut *cut;
	int r;

	while ((m = next_member(group, m))) {
		cut = kmalloc(sizeof(*cut), GFP_KERNEL);
		r = cut ? 0 : -ENOMEM;
		if (!cut)
			strscpy(why->text, "out of memory", sizeof(why->text));
		else if (m->rs.ops->cut)
			r = m->rs.ops->cut(&m->rs, REPLICATION_CUT_HOLD, why);
		if (r) {
			kfree(cut);
			if (r == REPLICATION_CUT_LEAVE)
				continue;
			put_member(m);
			return r;
		}
		cut->m = m;
		list_add_tail(&cut->list, held);
		pin_member(m);
	}
	return 0;
}

/* A step of all; who has no steps takes its checkpoint with the last one. */
static int step_group(struct list_head *held, enum replication_cut step,
		      struct replication_reason *why)
{
	struct replication_state *rs;
	struct cut *cut;
	int r = 0;

	list_for_each_entry(cut, held, list) {
		rs = &cut->m->rs;
		if (rs->ops->cut)
			r = rs->ops->cut(rs, step, why);
		else if (step == REPLICATION_CUT_COMMIT)
			r = rs->ops->checkpoint(rs, why);
		if (r)
			break;
	}
	return r;
}

/*
 * Primaries do all they do in the second step. Only then do secondaries pause:
 * the other host's primaries may be waiting for them, as ours do for theirs.
 */
static int commit_group(struct list_head *held, struct replication_reason *why)
{
	enum replication_cut step;
	int r = 0;

	cut_begin();
	step_group(held, REPLICATION_CUT_MARK, why);
	cut_take();
	for (step = REPLICATION_CUT_SEND; !r && step <= REPLICATION_CUT_COMMIT;
	     step++)
		r = step_group(held, step, why);
	return r;
}

static void release_group(struct list_head *held)
{
	struct replication_reason why;
	struct cut *cut, *next;

	list_for_each_entry_safe(cut, next, held, list) {
		if (cut->m->rs.ops->cut)
			cut->m->rs.ops->cut(&cut->m->rs, REPLICATION_CUT_END,
					    &why);
		put_member(cut->m);
		kfree(cut);
	}
}

/**
 * replication_do_checkpoint_all() - checkpoint all states of a group
 * @group: its name
 * @why: the reason of an error
 *
 * States with a cut op are divided at one instant, see &enum replication_cut:
 * an error before that changes nothing. From there on errors and context are
 * those of replication_start_all(): the first one ends it, those before have
 * taken their checkpoint. States without a cut op are asked for theirs in turn.
 *
 * Return: 0 or what the failing op returned.
 */
int replication_do_checkpoint_all(const char *group,
				  struct replication_reason *why)
{
	unsigned int noio;
	bool again;
	int r;

	do {
		LIST_HEAD(held);

		r = for_all_members(group, why, rs, !rs->ops->cut ? 0 :
				    rs->ops->cut(rs, REPLICATION_CUT_WAIT, why));
		if (r)
			return r;
		lock_map_acquire(&cut_nest.dep_map);
		/* memory that is written to a device of the group is not free */
		noio = memalloc_noio_save();
		r = hold_group(group, &held, why);
		again = r == -EAGAIN;
		if (!r)
			r = commit_group(&held, why);
		release_group(&held);
		memalloc_noio_restore(noio);
		lock_map_release(&cut_nest.dep_map);
	} while (again);
	return r;
}
EXPORT_SYMBOL_GPL(replication_do_checkpoint_all);

/**
 * replication_get_error_all() - the first error in a group
 * @group: its name
 * @why: the error in words
 *
 * Order and context are those of replication_start_all().
 *
 * Return: 0 when no state has one, or the errno of the first that does.
 */
int replication_get_error_all(const char *group,
			      struct replication_reason *why)
{
	return for_all_members(group, why, rs, rs->ops->get_error(rs, why));
}
EXPORT_SYMBOL_GPL(replication_get_error_all);

/**
 * replication_stop_all() - stop all states of a group
 * @group: its name
 * @failover: carry on from the last checkpoint alone
 * @why: the reason of an error
 *
 * Order, errors and context are those of replication_start_all().
 *
 * Return: 0 or what the failing op returned.
 */
int replication_stop_all(const char *group, bool failover,
			 struct replication_reason *why)
{
	return for_all_members(group, why, rs, rs->ops->stop(rs, failover, why));
}
EXPORT_SYMBOL_GPL(replication_stop_all);
