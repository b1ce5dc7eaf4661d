/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit tests: a table of functions, each of which runs in a process of its own,
 * so one that crashes or hangs is one that fails. Chance comes from a seed that
 * is printed and can be given again.
 */
#ifndef UNIT_H
#define UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct unit_test - a test
 * @name: says what holds; NULL ends a table
 * @run: returns when it holds; see EXPECT()
 */
struct unit_test {
	const char *name;
	void (*run)(void);
};

/* Each program has these, of the part that it tests. */
extern const char *unit_part;
extern const struct unit_test unit_tests[];

/* Ends the test as failed; any thread may. */
__attribute__((noreturn, format(printf, 3, 4)))
void unit_fail(const char *file, int line, const char *format, ...);

#define FAIL(...)	unit_fail(__FILE__, __LINE__, __VA_ARGS__)
/* EXPECT(condition, "what it means that it does not hold: %d", number) */
#define EXPECT(condition, ...)							\
	do {									\
		if (!(condition))						\
			FAIL(__VA_ARGS__);					\
	} while (0)

/* Less than @below, which is not 0. Each thread has a sequence of its own. */
uint64_t unit_random(uint64_t below);
bool unit_chance(unsigned int percent);
/* of many sizes: as many small ones as large ones */
uint64_t unit_random_size(uint64_t below);
void unit_random_bytes(void *bytes, size_t size);
/* how often a loop of a test runs: @plain, or fewer where a sanitizer makes it slow */
unsigned int unit_rounds(unsigned int plain);

/* Runs @number threads of @run, each with its number, and waits for them. */
void unit_threads(unsigned int number, void (*run)(unsigned int nr));
void unit_sleep_us(unsigned int us);

/* as calloc(), and never NULL */
void *unit_zeroes(size_t number, size_t size);

#endif
