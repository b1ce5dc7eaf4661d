// SPDX-License-Identifier: GPL-2.0
/*
 * consistent - is a checkpoint a consistent cut?
 *
 *	consistent [-s SEED] [-n CHECKPOINTS] [-t THREADS] [-p PRIMARY] SECONDARY VIEW
 *
 * Threads write 4 KiB blocks to VIEW (the inbound view, or a primary above it),
 * each to its own part, one after the other. A block says which write of which
 * thread it is, and which writes of the others had been acknowledged when it
 * was submitted. Meanwhile checkpoints are taken, with -p on the primary first.
 * After each the active view, which nobody writes to, must stay as it is, and
 * hold for each thread exactly what its first N writes leave, for some N, where
 *  - N counts every write acknowledged before the checkpoint was asked for,
 *  - N counts every write that a write in the cut of another thread names.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BLOCK		4096
#define WORDS		(BLOCK / sizeof(uint64_t))
#define MAGIC		UINT64_C(0x7475432d4c504552)
#define MAX_THREADS	4
/* of each thread */
#define BLOCKS		16

struct block {
	uint64_t magic, thread, number, sum;
	uint64_t seen[MAX_THREADS];
	uint64_t fill[WORDS - 4 - MAX_THREADS];
};

static uint64_t acknowledged[MAX_THREADS];
static unsigned int threads = 3;
static uint64_t seed = 1;
static bool ended;
static int view;

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...)
{
	va_list args;

	flockfile(stdout);
	printf("consistent: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

static void *block_memory(size_t count)
{
	void *p;

	if (posix_memalign(&p, BLOCK, count * BLOCK))
		die("out of memory");
	memset(p, 0, count * BLOCK);
	return p;
}

static int open_device(const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/dev/mapper/%s", name);
	fd = open(path, flags | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

static uint64_t sum_of(const struct block *b)
{
	const uint64_t *word = (const uint64_t *)b;
	uint64_t sum = MAGIC;
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		if (i != 3)
			sum = (sum ^ word[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return sum;
}

/* Where the writes of a thread go: each block in turn, and random ones between. */
static uint64_t place(uint64_t number)
{
	uint64_t x = (number / 2 + seed) * UINT64_C(0xd1342543de82ef95);

	return number & 1 ? (number / 2) % BLOCKS : (x >> 32) % BLOCKS;
}

static void *writer(void *arg)
{
	uint64_t me = (uintptr_t)arg, number;
	struct block *b = block_memory(1);
	unsigned int i;

	for (number = 1; !__atomic_load_n(&ended, __ATOMIC_SEQ_CST); number++) {
		memset(b, 0, sizeof(*b));
		b->magic = MAGIC;
		b->thread = me;
		b->number = number;
		for (i = 0; i < threads; i++)
			b->seen[i] = __atomic_load_n(&acknowledged[i], __ATOMIC_SEQ_CST);
		memset(b->fill, number, sizeof(b->fill));
		b->sum = sum_of(b);
		if (pwrite(view, b, BLOCK, (me * BLOCKS + place(number)) * BLOCK) != BLOCK)
			die("write %" PRIu64 " of thread %" PRIu64 ": %s", number, me,
			    strerror(errno));
		__atomic_store_n(&acknowledged[me], number, __ATOMIC_SEQ_CST);
	}
	free(b);
	return NULL;
}

static void message(const char *name, const char *text)
{
	char command[256];

	snprintf(command, sizeof(command), "dmsetup message %s 0 %s >/dev/null", name, text);
	if (system(command))
		die("failed: %s", command);
}

/* What must be in each block after the first @last writes of a thread. */
static void expected_numbers(uint64_t *expected, uint64_t last)
{
	unsigned int missing = BLOCKS;
	uint64_t number;

	memset(expected, 0, BLOCKS * sizeof(*expected));
	for (number = last; number && missing; number--) {
		uint64_t p = place(number);

		if (!expected[p]) {
			expected[p] = number;
			missing--;
		}
	}
}

static uint64_t check_thread(const struct block *b, unsigned int t, uint64_t round)
{
	uint64_t expected[BLOCKS], last = 0;
	unsigned int i;

	for (i = 0; i < BLOCKS; i++) {
		if (!b[i].magic && !b[i].number)
			continue;
		if (b[i].magic != MAGIC || b[i].thread != t || b[i].sum != sum_of(&b[i]))
			die("checkpoint %" PRIu64 ": block %u of thread %u is torn or foreign",
			    round, i, t);
		if (b[i].number > last)
			last = b[i].number;
	}
	expected_numbers(expected, last);
	for (i = 0; i < BLOCKS; i++)
		if (b[i].number != expected[i])
			die("checkpoint %" PRIu64 ": it has write %" PRIu64 " of thread %u, but block %u holds write %"
			    PRIu64 ", not %" PRIu64, round, last, t, i, b[i].number, expected[i]);
	return last;
}

static void check(int active, struct block *data, const uint64_t *before, uint64_t round)
{
	uint64_t last[MAX_THREADS];
	unsigned int t, u, i;

	for (t = 0; t < threads; t++) {
		if (pread(active, data + t * BLOCKS, BLOCKS * BLOCK,
			  (off_t)t * BLOCKS * BLOCK) != BLOCKS * BLOCK)
			die("read of the active view: %s", strerror(errno));
		last[t] = check_thread(data + t * BLOCKS, t, round);
		if (last[t] < before[t])
			die("checkpoint %" PRIu64 ": write %" PRIu64 " of thread %u was acknowledged before it, and is not in it (%"
			    PRIu64 " is the last)", round, before[t], t, last[t]);
	}
	for (t = 0; t < threads; t++)
		for (i = 0; i < BLOCKS; i++)
			for (u = 0; u < threads; u++)
				if (data[t * BLOCKS + i].seen[u] > last[u])
					die("checkpoint %" PRIu64 ": it has write %" PRIu64
					    " of thread %u, but not write %" PRIu64 " of thread %u, acknowledged before that one was submitted",
					    round, data[t * BLOCKS + i].number, t,
					    data[t * BLOCKS + i].seen[u], u);
}

/* What comes after the checkpoint must not be seen, nor come late. */
static void check_stays(int active, const struct block *data, struct block *again, uint64_t round)
{
	size_t size = (size_t)threads * BLOCKS * BLOCK;

	usleep(20000);
	if (pread(active, again, size, 0) != (ssize_t)size)
		die("read of the active view: %s", strerror(errno));
	if (memcmp(data, again, size))
		die("checkpoint %" PRIu64 ": the active view changed after it", round);
}

static int usage(void)
{
	fprintf(stderr, "usage: consistent [-s SEED] [-n CHECKPOINTS] [-t THREADS] [-p PRIMARY] SECONDARY VIEW\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *primary = NULL, *secondary;
	pthread_t thread[MAX_THREADS];
	uint64_t before[MAX_THREADS];
	uint64_t rounds = 20, round, total = 0;
	struct block *data, *again;
	unsigned int t;
	int active, c;

	while ((c = getopt(argc, argv, "s:n:t:p:")) != -1) {
		switch (c) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			rounds = strtoull(optarg, NULL, 0);
			break;
		case 't':
			threads = strtoull(optarg, NULL, 0);
			break;
		case 'p':
			primary = optarg;
			break;
		default:
			return usage();
		}
	}
	if (argc - optind != 2 || !threads || threads > MAX_THREADS)
		return usage();
	secondary = argv[optind];
	active = open_device(secondary, O_RDONLY);
	view = open_device(argv[optind + 1], O_RDWR);
	data = block_memory(MAX_THREADS * BLOCKS);
	again = block_memory(MAX_THREADS * BLOCKS);

	for (t = 0; t < threads; t++) {
		errno = pthread_create(&thread[t], NULL, writer, (void *)(uintptr_t)t);
		if (errno)
			die("thread: %s", strerror(errno));
	}
	for (round = 1; round <= rounds; round++) {
		for (t = 0; t < threads; t++)
			before[t] = __atomic_load_n(&acknowledged[t], __ATOMIC_SEQ_CST);
		if (primary)
			message(primary, "checkpoint");
		message(secondary, "checkpoint");
		check(active, data, before, round);
		check_stays(active, data, again, round);
	}
	__atomic_store_n(&ended, true, __ATOMIC_SEQ_CST);
	for (t = 0; t < threads; t++) {
		pthread_join(thread[t], NULL);
		total += acknowledged[t];
	}
	printf("consistent: seed %" PRIu64 ", %u threads, %" PRIu64 " writes, %" PRIu64 " checkpoints\n",
	       seed, threads, total, rounds);
	return 0;
}
