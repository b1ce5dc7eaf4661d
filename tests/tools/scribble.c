// SPDX-License-Identifier: GPL-2.0
/*
 * scribble - changes its buffers while they are being written
 *
 *	scribble [-m] [-s SEED] [-n WRITES] DEVICE
 *
 * Without -m: direct I/O, some writes in flight at a time. A thread changes all
 * buffers all the time.
 *
 * With -m: the device is mapped into memory, in part. Threads change the pages
 * all the time, while they are written back again and again. What they have
 * changed last is not written back: a page that has changed on its way to the
 * device would be written once more, and nobody could tell. Who wants to see
 * the device as it is then must keep it open.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECTOR		512
#define PAGE		4096
#define DEPTH		8
#define BUFFER		(16 * PAGE)
#define AREA		(64 * PAGE)	/* of the device, that is written */
#define THREADS		2

static uint64_t *area;			/* that is scribbled on */
static size_t words;
static bool ended;
static uint64_t random_state = 1;

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...)
{
	va_list args;

	printf("scribble: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

static uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 16) % n;
}

/* One word in each cache line is enough. */
static void *scribbler(void *arg)
{
	uint64_t n = (uintptr_t)arg + 1;
	size_t i;

	while (!__atomic_load_n(&ended, __ATOMIC_RELAXED))
		for (i = 0; i < words; i += 8, n += THREADS)
			__atomic_store_n(&area[i], n, __ATOMIC_RELAXED);
	return NULL;
}

static void submit(aio_context_t aio, struct iocb *cb, int fd, unsigned int slot)
{
	uint64_t sectors = 1 + random_below(BUFFER / SECTOR);

	*cb = (struct iocb) {
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_fildes = fd,
		.aio_buf = (uintptr_t)area + slot * BUFFER,
		.aio_nbytes = sectors * SECTOR,
		.aio_offset = random_below(AREA / SECTOR - sectors + 1) * SECTOR,
		.aio_data = slot,
	};
	if (syscall(SYS_io_submit, aio, 1L, &cb) != 1)
		die("io_submit: %s", strerror(errno));
}

static void write_direct(int fd, uint64_t writes)
{
	struct iocb cb[DEPTH];
	struct io_event done;
	aio_context_t aio = 0;
	unsigned int i;

	if (syscall(SYS_io_setup, DEPTH, &aio))
		die("io_setup: %s", strerror(errno));
	for (i = 0; i < DEPTH; i++)
		submit(aio, &cb[i], fd, i);
	for (i = DEPTH; i; ) {
		if (syscall(SYS_io_getevents, aio, 1L, 1L, &done, NULL) != 1)
			die("io_getevents: %s", strerror(errno));
		if (done.res < 0)
			die("write: %s", strerror(-done.res));
		if (writes) {
			writes--;
			submit(aio, &cb[done.data], fd, done.data);
		} else {
			i--;
		}
	}
}

static void write_back(int fd, uint64_t writes)
{
	while (writes--) {
		uint64_t first = random_below(AREA / PAGE);
		uint64_t pages = 1 + random_below(AREA / PAGE - first);

		unsigned int flags = SYNC_FILE_RANGE_WRITE;

		/* now and then it ends, so that pages can be changed again */
		if (!random_below(4))
			flags |= SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER;
		if (sync_file_range(fd, first * PAGE, pages * PAGE, flags))
			die("write back: %s", strerror(errno));
	}
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS];
	bool mapped = false;
	uint64_t writes = 1000;
	unsigned int t;
	int fd, c;

	while ((c = getopt(argc, argv, "ms:n:")) != -1) {
		if (c == 'm') {
			mapped = true;
		} else if (c == 's') {
			random_state = strtoull(optarg, NULL, 0) * 2 + 1;
		} else if (c == 'n') {
			writes = strtoull(optarg, NULL, 0);
		} else {
			optind = argc;
			break;
		}
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: scribble [-m] [-s SEED] [-n WRITES] DEVICE\n");
		return 2;
	}
	fd = open(argv[optind], O_RDWR | O_CLOEXEC | (mapped ? 0 : O_DIRECT));
	if (fd < 0)
		die("%s: %s", argv[optind], strerror(errno));
	words = (mapped ? AREA : DEPTH * BUFFER) / sizeof(*area);
	area = mmap(NULL, words * sizeof(*area), PROT_READ | PROT_WRITE,
		    mapped ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, mapped ? fd : -1, 0);
	if (area == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	for (t = 0; t < THREADS; t++) {
		errno = pthread_create(&thread[t], NULL, scribbler, (void *)(uintptr_t)t);
		if (errno)
			die("thread: %s", strerror(errno));
	}
	if (mapped)
		write_back(fd, writes);
	else
		write_direct(fd, writes);
	__atomic_store_n(&ended, true, __ATOMIC_RELAXED);
	for (t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	if (mapped && sync_file_range(fd, 0, AREA, SYNC_FILE_RANGE_WAIT_BEFORE))
		die("write back: %s", strerror(errno));
	close(fd);
	return 0;
}
