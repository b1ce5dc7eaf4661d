/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UNIT_LINUX_LIST_H
#define UNIT_LINUX_LIST_H

#include <linux/kernel.h>

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_empty(const struct list_head *list)
{
	return list->next == list;
}

static inline void list_link(struct list_head *prev, struct list_head *next)
{
	prev->next = next;
	next->prev = prev;
}

static inline void list_add(struct list_head *entry, struct list_head *list)
{
	list_link(entry, list->next);
	list_link(list, entry);
}

static inline void list_add_tail(struct list_head *entry, struct list_head *list)
{
	list_link(list->prev, entry);
	list_link(entry, list);
}

/* What is taken out is poisoned: whatever still follows it crashes. */
static inline void list_del(struct list_head *entry)
{
	list_link(entry->prev, entry->next);
	entry->next = NULL;
	entry->prev = NULL;
}

static inline void list_del_init(struct list_head *entry)
{
	list_link(entry->prev, entry->next);
	INIT_LIST_HEAD(entry);
}

static inline void list_move_tail(struct list_head *entry, struct list_head *list)
{
	list_del(entry);
	list_add_tail(entry, list);
}

static inline void list_splice_init(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	list_link(from->prev, to->next);
	list_link(to, from->next);
	INIT_LIST_HEAD(from);
}

#define list_entry(pointer, type, member)	container_of(pointer, type, member)
#define list_first_entry(list, type, member)	list_entry((list)->next, type, member)
#define list_next_entry(entry, member) \
	list_entry((entry)->member.next, __typeof__(*(entry)), member)
#define list_for_each_entry(entry, list, member)				\
	for (entry = list_first_entry(list, __typeof__(*entry), member);	\
	     &entry->member != (list);						\
	     entry = list_next_entry(entry, member))
#define list_for_each_entry_safe(entry, after, list, member)			\
	for (entry = list_first_entry(list, __typeof__(*entry), member),	\
	     after = list_next_entry(entry, member);				\
	     &entry->member != (list);						\
	     entry = after, after = list_next_entry(after, member))

#endif
