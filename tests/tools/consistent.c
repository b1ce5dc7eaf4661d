// SPDX-License-Identifier: GPL-2.0
/*
 * consistent - is a checkpoint a consistent cut?
 *
 *	consistent [options] SECONDARY VIEW [SECONDARY VIEW ...]
 *	consistent [options] -r LEG PRIMARY [PRIMARY ...]
 *
 *	-s SEED		of where writes go
 *	-n N		checkpoints
 *	-t THREADS
 *	-p PRIMARY	of these a checkpoint is taken first
 *	-a		writes must be acknowledged while a checkpoint is taken
 *
 * Threads write 4 KiB blocks, one after the other, each to its own part of the
 * devices: of VIEW (the inbound view, or a primary above it) or PRIMARY. Which
 * device is next is random. A block says which write of which thread it is, and
 * which writes of the others had been acknowledged when it was submitted.
 * Meanwhile checkpoints are taken; with several devices it is checkpoint_all,
 * and one cut must go through all of them.
 *
 * A cut holds for each thread exactly what its first N writes leave on all
 * devices, for some N, where
 *  - N counts every write acknowledged before the checkpoint was asked for,
 *  - N counts every write that a write in the cut of another thread names.
 *
 * Of secondaries the cut is what their active views show, which nobody writes
 * to; it must stay as it is. Of primaries it is what a remote leg has when it
 * gets the flush. The remote legs are devices 0, 1 and so on of recorder, in the
 * order of the primaries; LEG is any of them. Nothing may be on its way to a leg
 * then, and nothing may be sent to it before the flushes of all legs are
 * answered.
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

#include "tests/modules/recorder/recorder.h"

#define RECORDER_LOG	"/sys/kernel/debug/recorder"
#define SECTOR		512
#define BLOCK		4096
#define WORDS		(BLOCK / sizeof(uint64_t))
#define MAGIC		UINT64_C(0x7475432d4c504552)
#define MAX_THREADS	8
#define MAX_DEVICES	4
#define MAX_ROUNDS	1000
/* of each thread, on each device */
#define BLOCKS		16
#define PART		(MAX_THREADS * BLOCKS)

struct block {
	uint64_t magic, thread, number, sum;
	uint64_t seen[MAX_THREADS];
	uint64_t fill[WORDS - 4 - MAX_THREADS];
};

static uint64_t acknowledged[MAX_THREADS];
static unsigned int threads = 3, devices;
static uint64_t seed = 1;
static bool ended;
static int view[MAX_DEVICES], active[MAX_DEVICES];

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

static unsigned int device_of(uint64_t number)
{
	uint64_t x = (number + seed) * UINT64_C(0x9e3779b97f4a7c15);

	return (x >> 33) % devices;
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
		if (pwrite(view[device_of(number)], b, BLOCK, (me * BLOCKS + place(number)) * BLOCK) != BLOCK)
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
static void expected_numbers(uint64_t (*expected)[BLOCKS], uint64_t last)
{
	unsigned int missing = devices * BLOCKS;
	uint64_t number;

	memset(expected, 0, devices * sizeof(*expected));
	for (number = last; number && missing; number--) {
		uint64_t *e = &expected[device_of(number)][place(number)];

		if (!*e) {
			*e = number;
			missing--;
		}
	}
}

/* @data has a part for each device, and that one for each thread. */
static uint64_t check_thread(struct block *const *data, unsigned int t, uint64_t round)
{
	uint64_t expected[MAX_DEVICES][BLOCKS], last = 0;
	unsigned int d, i;

	for (d = 0; d < devices; d++) {
		const struct block *b = data[d] + t * BLOCKS;

		for (i = 0; i < BLOCKS; i++) {
			if (!b[i].magic && !b[i].number)
				continue;
			if (b[i].magic != MAGIC || b[i].thread != t || b[i].sum != sum_of(&b[i]))
				die("checkpoint %" PRIu64 ": block %u of thread %u on device %u is torn or foreign",
				    round, i, t, d);
			if (b[i].number > last)
				last = b[i].number;
		}
	}
	expected_numbers(expected, last);
	for (d = 0; d < devices; d++)
		for (i = 0; i < BLOCKS; i++)
			if (data[d][t * BLOCKS + i].number != expected[d][i])
				die("checkpoint %" PRIu64 ": it has write %" PRIu64
				    " of thread %u, but block %u on device %u holds write %" PRIu64
				    ", not %" PRIu64, round, last, t, i, d,
				    data[d][t * BLOCKS + i].number, expected[d][i]);
	return last;
}

static void check_names(const struct block *b, const uint64_t *last, uint64_t round)
{
	unsigned int u;

	for (u = 0; u < threads; u++)
		if (b->seen[u] > last[u])
			die("checkpoint %" PRIu64 ": it has write %" PRIu64 " of thread %" PRIu64
			    ", but not write %" PRIu64 " of thread %u, acknowledged before that one was submitted",
			    round, b->number, b->thread, b->seen[u], u);
}

static void check(struct block *const *data, const uint64_t *before, uint64_t round)
{
	uint64_t last[MAX_THREADS];
	unsigned int d, t, i;

	for (t = 0; t < threads; t++) {
		last[t] = check_thread(data, t, round);
		if (last[t] < before[t])
			die("checkpoint %" PRIu64 ": write %" PRIu64 " of thread %u was acknowledged before it, and is not in it (%"
			    PRIu64 " is the last)", round, before[t], t, last[t]);
	}
	for (d = 0; d < devices; d++)
		for (i = 0; i < threads * BLOCKS; i++)
			check_names(&data[d][i], last, round);
}

static void acknowledged_now(uint64_t *count)
{
	unsigned int t;

	for (t = 0; t < threads; t++)
		count[t] = __atomic_load_n(&acknowledged[t], __ATOMIC_SEQ_CST);
}

static uint64_t all_acknowledged(void)
{
	uint64_t count[MAX_THREADS], sum = 0;
	unsigned int t;

	acknowledged_now(count);
	for (t = 0; t < threads; t++)
		sum += count[t];
	return sum;
}

/*
 * ---- Secondaries ----
 */

static void read_active(struct block **data)
{
	size_t size = (size_t)threads * BLOCKS * BLOCK;
	unsigned int d;

	for (d = 0; d < devices; d++)
		if (pread(active[d], data[d], size, 0) != (ssize_t)size)
			die("read of an active view: %s", strerror(errno));
}

/* What comes after the checkpoint must not be seen, nor come late. */
static void check_stays(struct block **data, struct block **again, uint64_t round)
{
	unsigned int d;

	usleep(20000);
	read_active(again);
	for (d = 0; d < devices; d++)
		if (memcmp(data[d], again[d], (size_t)threads * BLOCKS * BLOCK))
			die("checkpoint %" PRIu64 ": active view %u changed after it", round, d);
}

static void watch_secondaries(const char *primary, const char *secondary, uint64_t rounds)
{
	const char *text = devices > 1 ? "checkpoint_all" : "checkpoint";
	struct block *data[MAX_DEVICES], *again[MAX_DEVICES];
	uint64_t before[MAX_THREADS], round;
	unsigned int d;

	for (d = 0; d < devices; d++) {
		data[d] = block_memory(PART);
		again[d] = block_memory(PART);
	}
	for (round = 1; round <= rounds; round++) {
		acknowledged_now(before);
		if (primary)
			message(primary, text);
		message(secondary, text);
		read_active(data);
		check(data, before, round);
		check_stays(data, again, round);
	}
}

/*
 * ---- The remote legs of primaries ----
 */

/**
 * struct leg - as it is at some time of the log
 * @content: what it has answered
 * @writes: in flight
 * @flushes: sent since the checkpoint was asked for
 * @flushed: answered of these
 * @cut: its content when it was sent the first one
 */
static struct leg {
	struct block *content;
	unsigned int writes, flushes, flushed;
	struct block *cut;
} leg[MAX_DEVICES];

static uint64_t before[MAX_ROUNDS][MAX_THREADS];

static void mark(const char *name, uint64_t number)
{
	char text[64];

	snprintf(text, sizeof(text), "mark %" PRIu64, number);
	message(name, text);
}

/* Takes checkpoints; what they were is found out when all is over. */
static uint64_t take_checkpoints(const char *name, const char *primary, uint64_t rounds)
{
	uint64_t round, during = 0, count;

	for (round = 0; round < rounds; round++) {
		usleep((round * seed * 2654435761U >> 5) % 50000);
		mark(name, round * 2);
		acknowledged_now(before[round]);
		count = all_acknowledged();
		message(primary, devices > 1 ? "checkpoint_all" : "checkpoint");
		during += all_acknowledged() - count;
		mark(name, round * 2 + 1);
	}
	return during;
}

static uint8_t *read_log(size_t *size)
{
	size_t space = 160 << 20;
	uint8_t *log = malloc(space);
	int fd = open(RECORDER_LOG, O_RDONLY);
	ssize_t n;

	if (fd < 0 || !log)
		die("%s: %s", RECORDER_LOG, strerror(errno));
	for (*size = 0; (n = read(fd, log + *size, space - *size)) > 0; *size += n)
		;
	if (n < 0 || *size == space)
		die("%s: cannot be read", RECORDER_LOG);
	close(fd);
	return log;
}

static bool all_flushed(void)
{
	unsigned int d;

	for (d = 0; d < devices; d++)
		if (!leg[d].flushed)
			return false;
	return true;
}

static void sent(const struct recorder_event *e, bool asked, uint64_t round)
{
	struct leg *l = &leg[e->device];

	if (e->op != RECORDER_FLUSH) {
		if (asked && l->flushes && !all_flushed())
			die("checkpoint %" PRIu64 ": a write was sent to leg %u behind the cut, and not all legs were flushed",
			    round, e->device);
		l->writes++;
		return;
	}
	if (!asked)
		die("leg %u got a flush that nobody had asked for", e->device);
	if (l->flushes++)
		return;
	if (l->writes)
		die("checkpoint %" PRIu64 ": leg %u got the flush with %u writes in flight", round,
		    e->device, l->writes);
	memcpy(l->cut, l->content, PART * BLOCK);
}

static void answered(const struct recorder_event *e, uint64_t round)
{
	struct leg *l = &leg[e->device];

	if (e->op == RECORDER_FLUSH) {
		l->flushed++;
		return;
	}
	if (e->sector + e->sectors > PART * BLOCK / SECTOR)
		die("checkpoint %" PRIu64 ": a write nobody has made", round);
	l->writes--;
	memcpy((uint8_t *)l->content + e->sector * SECTOR, e + 1, e->bytes);
}

static void check_legs(uint64_t round)
{
	struct block *data[MAX_DEVICES];
	unsigned int d;

	for (d = 0; d < devices; d++) {
		if (!leg[d].flushed)
			die("checkpoint %" PRIu64 ": leg %u was not flushed", round, d);
		data[d] = leg[d].cut;
		leg[d].flushes = 0;
		leg[d].flushed = 0;
	}
	check(data, before[round], round);
}

static void replay(uint64_t rounds)
{
	const struct recorder_event *e, **by_id;
	uint64_t first = 0, last = 0, round = 0;
	size_t size, at;
	uint8_t *log = read_log(&size);
	bool asked = false;
	unsigned int d;

	by_id = calloc(size / sizeof(*e) + 1, sizeof(*by_id));
	if (!by_id)
		die("out of memory");
	for (d = 0; d < devices; d++) {
		leg[d].content = block_memory(PART);
		leg[d].cut = block_memory(PART);
	}
	for (at = 0; at < size; at += sizeof(*e) + e->bytes) {
		e = (const struct recorder_event *)(log + at);
		switch (e->type) {
		case RECORDER_SUBMIT:
			if (!first)
				first = e->id;
			last = e->id;
			by_id[last - first] = e;
			sent(e, asked, round);
			break;
		case RECORDER_COMPLETE:
			answered(by_id[e->id - first], round);
			break;
		case RECORDER_MARK:
			round = e->id / 2;
			asked = e->id % 2 == 0;
			if (!asked)
				check_legs(round);
			break;
		default:
			die("recorder's log is full");
		}
	}
	if (round != rounds - 1 || asked)
		die("the log ends at checkpoint %" PRIu64, round);
	free(by_id);
	free(log);
}

static uint64_t watch_primaries(const char *name, const char *primary, uint64_t rounds)
{
	uint64_t during = take_checkpoints(name, primary, rounds);

	message(name, "pass");
	return during;
}

static int usage(void)
{
	fprintf(stderr, "usage: consistent [-s SEED] [-n CHECKPOINTS] [-t THREADS] [-p PRIMARY] SECONDARY VIEW ...\n"
		"       consistent [-s SEED] [-n CHECKPOINTS] [-t THREADS] [-a] -r LEG PRIMARY ...\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *primary = NULL, *recorded = NULL, *first;
	uint64_t rounds = 20, during = 0, total = 0;
	bool must_go_on = false;
	pthread_t thread[MAX_THREADS];
	char text[64];
	unsigned int t;
	int c;

	while ((c = getopt(argc, argv, "s:n:t:p:r:a")) != -1) {
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
		case 'r':
			recorded = optarg;
			break;
		case 'a':
			must_go_on = true;
			break;
		default:
			return usage();
		}
	}
	first = argv[optind];
	for (; optind < argc && devices < MAX_DEVICES; devices++) {
		if (!recorded)
			active[devices] = open_device(argv[optind++], O_RDONLY);
		if (optind == argc)
			return usage();
		view[devices] = open_device(argv[optind++], O_RDWR);
	}
	if (optind < argc || !devices || !threads || threads > MAX_THREADS || !rounds ||
	    rounds > MAX_ROUNDS)
		return usage();
	if (recorded) {
		snprintf(text, sizeof(text), "record %" PRIu64, seed);
		message(recorded, text);
	}

	for (t = 0; t < threads; t++) {
		errno = pthread_create(&thread[t], NULL, writer, (void *)(uintptr_t)t);
		if (errno)
			die("thread: %s", strerror(errno));
	}
	if (recorded)
		during = watch_primaries(recorded, first, rounds);
	else
		watch_secondaries(primary, first, rounds);
	__atomic_store_n(&ended, true, __ATOMIC_SEQ_CST);
	for (t = 0; t < threads; t++) {
		pthread_join(thread[t], NULL);
		total += acknowledged[t];
	}
	if (recorded)
		replay(rounds);
	printf("consistent: seed %" PRIu64 ", %u devices, %u threads, %" PRIu64 " writes, %" PRIu64 " during %" PRIu64
	       " checkpoints\n", seed, devices, threads, total, during, rounds);
	if (must_go_on && !during)
		die("no write was acknowledged while a checkpoint was taken");
	return 0;
}
