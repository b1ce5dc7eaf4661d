/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UNIT_LINUX_LLIST_H
#define UNIT_LINUX_LLIST_H

#include <linux/kernel.h>

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

static inline void init_llist_head(struct llist_head *list)
{
	list->first = NULL;
}

/* Return: true when the list was empty. */
static inline bool llist_add(struct llist_node *node, struct llist_head *list)
{
	struct llist_node *first = READ_ONCE(list->first);

	do {
		node->next = first;
	} while (!__atomic_compare_exchange_n(&list->first, &first, node, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return !first;
}

static inline struct llist_node *llist_del_all(struct llist_head *list)
{
	return __atomic_exchange_n(&list->first, NULL, __ATOMIC_SEQ_CST);
}

static inline struct llist_node *llist_reverse_order(struct llist_node *node)
{
	struct llist_node *reversed = NULL, *next;

	for (; node; node = next) {
		next = node->next;
		node->next = reversed;
		reversed = node;
	}
	return reversed;
}

/* NULL is not turned into an entry: the sanitizer takes offense. */
#define llist_entry_or_null(node, type, member) ({				\
	struct llist_node *entry_node = (node);					\
	entry_node ? container_of(entry_node, type, member) : NULL; })
#define llist_for_each_entry_safe(entry, after, node, member)			\
	for (entry = llist_entry_or_null(node, __typeof__(*entry), member);	\
	     entry && (after = llist_entry_or_null(entry->member.next,		\
						   __typeof__(*entry), member), 1); \
	     entry = after)

#endif
