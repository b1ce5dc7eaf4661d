// SPDX-License-Identifier: GPL-2.0
/*
 * stamp - writes that can be told from each other after a power cut
 *
 *	stamp checkpoints SEED BOOT EPOCH SECONDARY INBOUND
 *	stamp failover SEED BOOT SECONDARY
 *	stamp flushes SEED BOOT SECONDARY
 *	stamp check SEED DEVICE [WHAT...]
 *
 * The first three go on until they are killed, and say what they are about to
 * do and what is done, in lines that begin with @@. Each has left the machine
 * before anything else is done.
 *
 * `checkpoints` writes epochs EPOCH + 1 and on to INBOUND, with writes to the
 * active view of SECONDARY between, and takes a checkpoint of each. `failover`
 * writes to the active view and fails over; then it does what `flushes` does:
 * a write and a flush by turns.
 *
 * What is written follows from SEED, BOOT, and the epoch or the number of the
 * write. `check` works out what DEVICE must hold, sector by sector, when WHAT
 * got there:
 *	e:BOOT:FIRST:LAST	epochs that BOOT wrote
 *	a:BOOT			the active writes of a failover
 *	f:BOOT:COUNT		flushed writes, and maybe some of the next one
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define SECTOR		512
#define WORDS		(SECTOR / sizeof(uint64_t))
#define MAGIC		UINT64_C(0x706d6174532d5052)
#define MAX_SECTORS	64
#define CANDIDATES	4
/* What a buffer that is full may take to become less so. */
#define PATIENCE_MS	60000

enum writer { NOBODY, EPOCH, STANDBY, ACTIVE, FLUSHED };

static const char * const writer_name[] = {
	"zeroes", "epoch", "dropped active write", "active write", "flushed write"
};

/* Who wrote a sector, in which boot, as which of its epochs or writes */
struct stamp {
	uint64_t writer, boot, number, index;
};

struct sector {
	uint64_t magic, seed, sector;
	struct stamp by;
	uint64_t fill[WORDS - 7];
};

struct write {
	uint64_t sector, sectors;
	bool zero;
};

/* What a sector may hold; the first one is what it must if it is the only one */
struct state {
	struct stamp stamp[CANDIDATES];
	unsigned int count;
};

static uint64_t seed, rng, device_sectors;
static struct sector *data;

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...)
{
	va_list args;

	printf("stamp: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	exit(1);
}

/* A line that has left the machine when this returns */
static __attribute__((format(printf, 1, 2))) void tell(const char *fmt, ...)
{
	va_list args;

	printf("@@ ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
}

static uint64_t below(uint64_t limit)
{
	uint64_t x;

	rng += UINT64_C(0x9e3779b97f4a7c15);
	x = rng;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % limit;
}

/* From here on the choices are those of this writer. */
static void begin(enum writer writer, uint64_t boot, uint64_t number)
{
	rng = seed;
	rng ^= (below(UINT64_MAX) + writer) * UINT64_C(0xd1342543de82ef95);
	rng ^= (below(UINT64_MAX) + boot) * UINT64_C(0xd1342543de82ef95);
	rng ^= (below(UINT64_MAX) + number) * UINT64_C(0xd1342543de82ef95);
}

static struct write next_write(void)
{
	struct write w;

	w.sectors = below(3) ? 1 + below(8) : 1 + below(MAX_SECTORS);
	/* many of them near each other: they overlap */
	w.sector = below(below(2) ? device_sectors : device_sectors / 8) / 2 * 2 + below(2);
	if (w.sector > device_sectors - w.sectors)
		w.sector = device_sectors - w.sectors;
	w.zero = below(12) == 0;
	return w;
}

/* A failover is to leave enough for its merge to take a while. */
static unsigned int number_of_writes(enum writer writer)
{
	return writer == ACTIVE ? 150 + below(100) : 4 + below(30);
}

static void fill(struct sector *s, uint64_t sector, const struct stamp *stamp)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	if (stamp->writer == NOBODY)
		return;
	s->magic = MAGIC;
	s->seed = seed;
	s->sector = sector;
	s->by = *stamp;
	for (i = 0; i < WORDS - 7; i++)
		s->fill[i] = MAGIC * (i + 1) ^ sector ^ stamp->number << 32;
}

static int open_device(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/dev/mapper/%s", name);
	fd = open(strchr(name, '/') ? name : path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", name, strerror(errno));
	device_sectors = lseek(fd, 0, SEEK_END) / SECTOR;
	return fd;
}

/* Whatever is refused for lack of room is tried again: it is the same data. */
static void do_write(int fd, const struct write *w, const struct stamp *stamp)
{
	uint64_t range[2] = { w->sector * SECTOR, w->sectors * SECTOR }, i;
	unsigned int waited = 0;

	for (i = 0; i < w->sectors; i++)
		fill(&data[i], w->sector + i, stamp);
	while (w->zero ? ioctl(fd, BLKZEROOUT, range) :
	       pwrite(fd, data, range[1], range[0]) != (ssize_t)range[1]) {
		if (errno != ENOSPC || waited > PATIENCE_MS)
			die("write of %" PRIu64 "+%" PRIu64 ": %s", w->sector, w->sectors,
			    strerror(errno));
		usleep(10000);
		waited += 10;
	}
}

/* dmsetup takes too long. Return: the reply as a number. */
static uint64_t message(const char *name, const char *text)
{
	static union {
		struct dm_ioctl head;
		char room[4096];
	} dm;
	static int fd = -1;
	struct dm_target_msg *m = (void *)(dm.room + sizeof(dm.head));

	if (fd < 0)
		fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	memset(&dm, 0, sizeof(dm));
	dm.head.version[0] = DM_VERSION_MAJOR;
	dm.head.data_size = sizeof(dm);
	dm.head.data_start = sizeof(dm.head);
	snprintf(dm.head.name, sizeof(dm.head.name), "%s", name);
	strcpy(m->message, text);
	if (ioctl(fd, DM_TARGET_MSG, &dm))
		die("%s: %s", text, strerror(errno));
	return strtoull(dm.room + dm.head.data_start, NULL, 10);
}

static void checkpoints(uint64_t boot, uint64_t epoch, const char *name, const char *view)
{
	int in = open_device(view), active = open_device(name);
	struct stamp me, dropped = { STANDBY, boot, 0, 0 };
	unsigned int i, n;
	struct write w;
	uint64_t reply;

	for (;;) {
		epoch++;
		begin(EPOCH, boot, epoch);
		n = number_of_writes(EPOCH);
		for (i = 0; i < n; i++) {
			uint64_t choices;

			w = next_write();
			me = (struct stamp) { EPOCH, boot, epoch, i };
			do_write(in, &w, &me);
			if (i % 8 == 7)
				tell("wrote %" PRIu64 " %u", epoch, i + 1);
			if (i % 4)
				continue;
			/* what is to be dropped makes no difference to what follows */
			choices = rng;
			w = next_write();
			dropped.number++;
			do_write(active, &w, &dropped);
			rng = choices;
		}
		tell("asked %" PRIu64, epoch);
		reply = message(name, "checkpoint");
		if (reply != epoch)
			die("checkpoint replies %" PRIu64 ", not %" PRIu64, reply, epoch);
		tell("acked %" PRIu64, epoch);
	}
}

static void flushes(uint64_t boot, const char *name)
{
	int fd = open_device(name);
	struct write w;
	struct stamp me;
	uint64_t i;

	for (i = 1;; i++) {
		begin(FLUSHED, boot, i);
		w = next_write();
		me = (struct stamp) { FLUSHED, boot, i, 0 };
		do_write(fd, &w, &me);
		if (fdatasync(fd))
			die("flush: %s", strerror(errno));
		tell("flushed %" PRIu64, i);
	}
}

static void failover(uint64_t boot, const char *name)
{
	int fd = open_device(name);
	unsigned int i, n;
	struct stamp me;
	struct write w;

	begin(ACTIVE, boot, 0);
	n = number_of_writes(ACTIVE);
	for (i = 0; i < n; i++) {
		w = next_write();
		me = (struct stamp) { ACTIVE, boot, 0, i };
		do_write(fd, &w, &me);
	}
	tell("asked failover");
	message(name, "stop failover");
	tell("failed-over");
	close(fd);
	flushes(boot, name);
}

static void apply(struct state *state, const struct write *w, struct stamp by, bool doubt)
{
	uint64_t i;

	if (w->zero)
		by = (struct stamp) { };
	for (i = w->sector; i < w->sector + w->sectors; i++) {
		if (!doubt)
			state[i].count = 0;
		if (state[i].count == CANDIDATES)
			die("more than %u writes in doubt", CANDIDATES);
		state[i].stamp[state[i].count++] = by;
	}
}

static void apply_all(struct state *state, enum writer writer, uint64_t boot, uint64_t number)
{
	unsigned int i, n;
	struct write w;

	begin(writer, boot, number);
	n = number_of_writes(writer);
	for (i = 0; i < n; i++) {
		w = next_write();
		apply(state, &w, (struct stamp) { writer, boot, number, i }, false);
	}
}

static void apply_flushes(struct state *state, uint64_t boot, uint64_t count)
{
	struct write w;
	uint64_t i;

	for (i = 1; i <= count + 1; i++) {
		begin(FLUSHED, boot, i);
		w = next_write();
		apply(state, &w, (struct stamp) { FLUSHED, boot, i, 0 }, i > count);
	}
}

static void print_stamp(const char *what, const struct stamp *s)
{
	printf("%s %s", what, writer_name[s->writer]);
	if (s->writer != NOBODY)
		printf(" %" PRIu64 ".%" PRIu64 " of boot %" PRIu64, s->number, s->index, s->boot);
}

/* Prints what is wrong with a sector. */
static void explain(const struct sector *s, uint64_t sector, const struct state *state)
{
	unsigned int i;

	printf("sector %" PRIu64 ":", sector);
	for (i = 0; i < state->count; i++)
		print_stamp(i ? " or" : " expected", &state->stamp[i]);
	if (s->magic == MAGIC && s->seed == seed && s->by.writer <= FLUSHED &&
	    s->sector == sector)
		print_stamp(", found", &s->by);
	else if (s->magic == MAGIC && s->seed == seed)
		printf(", found sector %" PRIu64, s->sector);
	else
		printf(", found something else (%016" PRIx64 ")", s->magic);
	printf("\n");
}

static void check(int fd, char **what)
{
	struct state *state = calloc(device_sectors, sizeof(*state));
	uint64_t boot, first, last, i, wrong = 0;
	struct sector expected, *s;
	unsigned int j;

	if (!state)
		die("out of memory");
	for (i = 0; i < device_sectors; i++)
		state[i].count = 1;
	for (; *what; what++) {
		if (sscanf(*what, "e:%" SCNu64 ":%" SCNu64 ":%" SCNu64, &boot, &first,
			   &last) == 3) {
			for (i = first; i <= last; i++)
				apply_all(state, EPOCH, boot, i);
		} else if (sscanf(*what, "a:%" SCNu64, &boot) == 1) {
			apply_all(state, ACTIVE, boot, 0);
		} else if (sscanf(*what, "f:%" SCNu64 ":%" SCNu64, &boot, &last) == 2) {
			apply_flushes(state, boot, last);
		} else {
			die("'%s'?", *what);
		}
	}
	for (i = 0; i < device_sectors; i++) {
		s = &data[i % MAX_SECTORS];
		if (i % MAX_SECTORS == 0 &&
		    pread(fd, data, MAX_SECTORS * SECTOR, i * SECTOR) != MAX_SECTORS * SECTOR)
			die("cannot read at sector %" PRIu64 ": %s", i, strerror(errno));
		for (j = 0; j < state[i].count; j++) {
			fill(&expected, i, &state[i].stamp[j]);
			if (!memcmp(s, &expected, SECTOR))
				break;
		}
		if (j == state[i].count && wrong++ < 16)
			explain(s, i, &state[i]);
	}
	if (wrong)
		die("%" PRIu64 " sectors are not what they must be", wrong);
}

int main(int argc, char **argv)
{
	const char *command = argc > 3 ? argv[1] : "";

	if (argc > 3)
		seed = strtoull(argv[2], NULL, 0);
	if (posix_memalign((void **)&data, 4096, MAX_SECTORS * SECTOR))
		die("out of memory");
	if (!strcmp(command, "checkpoints") && argc == 7)
		checkpoints(strtoull(argv[3], NULL, 0), strtoull(argv[4], NULL, 0), argv[5],
			    argv[6]);
	else if (!strcmp(command, "failover") && argc == 5)
		failover(strtoull(argv[3], NULL, 0), argv[4]);
	else if (!strcmp(command, "flushes") && argc == 5)
		flushes(strtoull(argv[3], NULL, 0), argv[4]);
	else if (!strcmp(command, "check"))
		check(open_device(argv[3]), argv + 4);
	else
		die("see the head of its source");
	return 0;
}
