/* SPDX-License-Identifier: GPL-2.0 */
/*
 * abuse: what the parts share.
 *
 *	main.c		arguments, chance, words
 *	dm.c		device mapper's ioctls, the kernel's log
 *	grammar.c	table lines and messages that are right or wrong
 *	race.c		messages, tables, suspend and removal at the same time
 *	pair.c		a pair, its faults, and a model of what it holds
 *
 * Sizes are in sectors of 512 bytes.
 */
#ifndef ABUSE_H
#define ABUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define SECTOR		512
/* longer than any line or answer here */
#define TEXT		8192

extern uint64_t seed, count;

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *memory(size_t bytes);

/* Each thread has a chance of its own, made from the seed. */
struct chance {
	uint64_t state;
};

void chance_begin(struct chance *c, uint64_t number);
uint64_t below(struct chance *c, uint64_t n);

/* All return 0 or an errno; none of them sleeps but as the kernel does. */
int dm_create(const char *name);
int dm_remove(const char *name);
int dm_load(const char *name, uint64_t sectors, const char *type, const char *params);
int dm_clear(const char *name);
int dm_suspend(const char *name, bool noflush);
int dm_resume(const char *name);
int dm_message(const char *name, const char *text, char *reply);
int dm_status(const char *name, char *text, uint32_t *events);
int dm_table(const char *name, bool inactive, char *text);
int dm_wait(const char *name, uint32_t event);
int dm_info(const char *name, unsigned int *opens, bool *inactive, uint64_t *number);
int dm_open(const char *name, int flags);

void log_begin(void);
bool log_has(const char *a, const char *b);
void expedite(void);

void grammar(void);
void races(void);
void pair(void);

#endif
