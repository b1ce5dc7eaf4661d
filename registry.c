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
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

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
	if (!ops || !ops->start || !ops->checkpoint || !ops->get_error ||
	    !ops->stop)
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
 * replication_do_checkpoint_all() - checkpoint all states of a group
 * @group: its name
 * @why: the reason of an error
 *
 * Order, errors and context are those of replication_start_all().
 *
 * Return: 0 or what the failing op returned.
 */
int replication_do_checkpoint_all(const char *group,
				  struct replication_reason *why)
{
	return for_all_members(group, why, rs, rs->ops->checkpoint(rs, why));
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
