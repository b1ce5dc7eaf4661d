// SPDX-License-Identifier: GPL-2.0
/*
 * abuse - is what is wrong refused, and what is right carried out, in any order?
 *
 *	abuse [-s SEED] [-n COUNT] grammar|race|pair
 *
 *	grammar		COUNT table lines and messages, right and wrong ones
 *	race		COUNT messages, reloads, suspends, removals at once
 *	pair		COUNT steps in the life of a primary and its secondary
 *
 * The devices that each wants are named at the head of its file.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abuse.h"

uint64_t seed = 1, count = 1000;

void die(const char *fmt, ...)
{
	va_list args;

	flockfile(stdout);
	printf("abuse: seed %" PRIu64 ": ", seed);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

void *memory(size_t bytes)
{
	void *p;

	if (posix_memalign(&p, 4096, bytes))
		die("out of memory");
	memset(p, 0, bytes);
	return p;
}

void chance_begin(struct chance *c, uint64_t number)
{
	unsigned int i;

	c->state = (seed * UINT64_C(0xd1342543de82ef95) + number + 1) *
		   UINT64_C(0x9e3779b97f4a7c15);
	if (!c->state)
		c->state = 1;
	for (i = 0; i < 8; i++)
		below(c, 1);
}

uint64_t below(struct chance *c, uint64_t n)
{
	c->state ^= c->state << 13;
	c->state ^= c->state >> 7;
	c->state ^= c->state << 17;
	return (c->state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % n;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} kinds[] = { { "grammar", grammar }, { "race", races }, { "pair", pair } };
	unsigned int i;
	int c;

	while ((c = getopt(argc, argv, "s:n:")) != -1) {
		if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 'n')
			count = strtoull(optarg, NULL, 0);
		else
			argc = 0;
	}
	for (i = 0; i < ARRAY_SIZE(kinds) && argc == optind + 1; i++) {
		if (strcmp(argv[optind], kinds[i].name))
			continue;
		setvbuf(stdout, NULL, _IOLBF, 0);
		kinds[i].run();
		return 0;
	}
	fprintf(stderr, "usage: abuse [-s SEED] [-n COUNT] grammar|race|pair\n");
	return 2;
}
