// SPDX-License-Identifier: GPL-2.0
/*
 * hog - memory that has to be swapped out, and what comes back from there
 *
 *	hog [-s SEED] [-r ROUNDS] -l MIB -m MIB
 *
 * First it takes and locks memory until no more than -l is available, then it
 * takes -m more and writes to all of it: what does not fit has to go to swap.
 * Each round reads pages in a random order and writes them again. Every page
 * says where it is and when it was written; the first one that does not ends
 * the program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096
#define WORDS		(PAGE / sizeof(uint64_t))
#define MIB		(1024 * 1024)
#define STEP		(8 * MIB)

static uint64_t seed = 1, chance;

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...)
{
	va_list args;

	printf("hog: seed %" PRIu64 ": ", seed);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

static uint64_t below(uint64_t n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (chance >> 11) % n;
}

static uint64_t meminfo(const char *what)
{
	char line[128];
	uint64_t kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	if (!f)
		die("/proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, what, strlen(what)))
			sscanf(line + strlen(what), ": %" SCNu64, &kib);
	fclose(f);
	return kib / 1024;
}

static uint8_t *take(uint64_t bytes)
{
	uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("no memory: %s", strerror(errno));
	return p;
}

static void lock_all_but(uint64_t mib)
{
	while (meminfo("MemAvailable") > mib + STEP / MIB) {
		uint8_t *p = take(STEP);

		if (mlock(p, STEP))
			die("mlock: %s", strerror(errno));
	}
}

static void page_write(uint8_t *memory, uint64_t page, uint64_t stamp)
{
	uint64_t *word = (uint64_t *)(memory + page * PAGE);
	unsigned int i;

	/* not to be shared, and not to be compressed to nothing */
	for (i = 0; i < WORDS; i++)
		word[i] = (stamp << 32 | page) * UINT64_C(0x9e3779b97f4a7c15) + i;
}

static void page_check(const uint8_t *memory, uint64_t page, uint64_t stamp)
{
	const uint64_t *word = (const uint64_t *)(memory + page * PAGE);
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		if (word[i] != (stamp << 32 | page) * UINT64_C(0x9e3779b97f4a7c15) + i)
			die("page %" PRIu64 " does not hold what was written as number %" PRIu64
			    ", word %u is %016" PRIx64, page, stamp, i, word[i]);
}

int main(int argc, char **argv)
{
	uint64_t rounds = 2, left = 0, mib = 0, pages, stamp = 0, i, page, swapped;
	uint32_t *stamps;
	uint8_t *memory;
	int c;

	while ((c = getopt(argc, argv, "s:r:l:m:")) != -1) {
		uint64_t n = strtoull(optarg ? optarg : "", NULL, 0);

		if (c == 's')
			seed = n;
		else if (c == 'r')
			rounds = n;
		else if (c == 'l')
			left = n;
		else if (c == 'm')
			mib = n;
	}
	if (!left || !mib) {
		fprintf(stderr, "usage: hog [-s SEED] [-r ROUNDS] -l MIB -m MIB\n");
		return 2;
	}
	chance = (seed + 1) * UINT64_C(0xd1342543de82ef95);
	pages = mib * (MIB / PAGE);
	stamps = calloc(pages, sizeof(*stamps));
	if (!stamps)
		die("no memory");
	lock_all_but(left);
	memory = take(mib * MIB);
	for (page = 0; page < pages; page++) {
		stamps[page] = ++stamp;
		page_write(memory, page, stamp);
	}
	swapped = meminfo("SwapTotal") - meminfo("SwapFree");
	printf("hog: %" PRIu64 " MiB are swapped out\n", swapped);
	fflush(stdout);
	if (!swapped)
		die("there was room enough");
	for (i = 0; i < rounds * pages; i++) {
		page = below(pages);
		page_check(memory, page, stamps[page]);
		if (below(2)) {
			stamps[page] = ++stamp;
			page_write(memory, page, stamp);
		}
	}
	for (page = 0; page < pages; page++)
		page_check(memory, page, stamps[page]);
	printf("hog: seed %" PRIu64 ", %" PRIu64 " pages were written\n", seed, stamp);
	return 0;
}
