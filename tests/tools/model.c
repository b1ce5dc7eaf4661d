// SPDX-License-Identifier: GPL-2.0
/*
 * model - random operations on both views of a secondary, compared with a model
 *
 *	model [options] ACTIVE INBOUND		names of mapped devices
 *
 * Before start the inbound view is filled (it goes straight to the disk), then
 * replication is started, and reads, writes, zeroes, discards and flushes go
 * to both views with checkpoints in between. With -f there is a failover in
 * the end, and writes and reads of the active view go on through the merge.
 *
 * Each sector says who wrote it, in which epoch, as which operation and where.
 * The model keeps that for Disk + Committed, Inbound and Active, and every
 * sector read is compared with it. The first difference ends the program.
 *
 * With several threads each has a part of the device to itself; they meet at
 * the checkpoints.
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECTOR		512
#define WORDS		(SECTOR / sizeof(uint64_t))
#define MAGIC		UINT64_C(0x6c65646f4d504552)
#define MAX_SECTORS	512
#define MAX_THREADS	8
#define HOT_SPOTS	4
#define HOT_SECTORS	1024
/* What a full buffer may take to become empty. */
#define PATIENCE_MS	60000

enum writer { FIRST, INBOUND, ACTIVE };

static const char * const writer_name[] = { "first", "inbound", "active" };

/*
 * Who wrote a sector: 0 is zeroes, UNKNOWN is what a discard leaves, all else
 * is writer (2 bits), epoch (22) and operation (40).
 */
typedef uint64_t stamp_t;

#define UNKNOWN		UINT64_MAX

struct layer {
	stamp_t *stamp;
	bool *mapped;
};

struct worker {
	pthread_t thread;
	unsigned int number;
	uint64_t first, sectors;	/* its part of the device */
	uint64_t random;
	uint64_t hot[HOT_SPOTS];
	uint8_t *data, *expected;
	uint64_t ops, reads, writes, zeroes, discards, flushes, full;
};

static struct {
	const char *name[3];		/* of the mapped devices, by writer */
	int fd[3];
	uint64_t sectors, seed, ops, limit_sectors;
	unsigned int threads, checkpoint_every;
	bool failover, discard, retry, memory, verbose;
	const char *disk;
} opt = { .ops = 1000, .threads = 1, .checkpoint_every = 50 };

static stamp_t *base;			/* Disk + Committed */
static struct layer layers[3];		/* of INBOUND and ACTIVE */
static uint64_t epoch, next_op = 1, checkpoints;
static bool failed_over;
static pthread_barrier_t barrier;
/* Somebody's write did not fit: the next thing all do is a checkpoint. */
static bool is_full;

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...)
{
	va_list args;

	flockfile(stdout);
	printf("model: seed %" PRIu64 ": ", opt.seed);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/* --- Random numbers (xorshift), the same with the same seed */

static uint64_t random_next(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t random_below(struct worker *w, uint64_t n)
{
	return (random_next(w) >> 16) % n;
}

/* --- dmsetup */

/* Runs it and returns its exit code; what it prints is in reply. */
static int run(char *reply, size_t size, const char *const argv[])
{
	int pipefd[2], status;
	size_t got = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		dup2(pipefd[1], 1);
		dup2(pipefd[1], 2);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(pipefd[1]);
	while (got < size - 1 && (n = read(pipefd[0], reply + got, size - 1 - got)) > 0)
		got += n;
	reply[got] = '\0';
	close(pipefd[0]);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void pause_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static void message(char *reply, size_t size, const char *text, const char *arg)
{
	const char *const argv[] = { "dmsetup", "message", opt.name[ACTIVE], "0", text, arg, NULL };

	while (run(reply, size, argv)) {
		/* somebody suspends the device now and then */
		if (!(opt.retry && strstr(reply, strerror(EAGAIN))) &&
		    !(opt.memory && strstr(reply, strerror(ENOMEM))))
			die("message %s failed: %s", text, reply);
		pause_ms(10);
	}
}

struct secondary_status {
	char stage[32];
	uint64_t epoch, used, total;
};

static struct secondary_status get_status(void)
{
	const char *const argv[] = { "dmsetup", "status", "--noflush", opt.name[ACTIVE], NULL };
	struct secondary_status s;
	char reply[512];

	if (run(reply, sizeof(reply), argv))
		die("status failed: %s", reply);
	if (sscanf(reply, "%*u %*u replication secondary %31s %" SCNu64 " %" SCNu64 "/%" SCNu64,
		   s.stage, &s.epoch, &s.used, &s.total) != 4)
		die("cannot read status: %s", reply);
	return s;
}

static void expect_stage(const char *stage)
{
	struct secondary_status s = get_status();

	if (strcmp(s.stage, stage))
		die("the stage is %s, not %s", s.stage, stage);
}

/* --- Content */

static stamp_t make_stamp(enum writer writer, uint64_t op)
{
	return (uint64_t)writer << 62 | (epoch & 0x3fffff) << 40 | (op & ((UINT64_C(1) << 40) - 1));
}

static void make_sector(uint64_t *word, uint64_t where, stamp_t stamp)
{
	uint64_t x = where * UINT64_C(0x9e3779b97f4a7c15) ^ stamp * UINT64_C(0xd1342543de82ef95);
	unsigned int i;

	if (!stamp) {
		memset(word, 0, SECTOR);
		return;
	}
	word[0] = MAGIC;
	word[1] = stamp;
	word[2] = where;
	for (i = 3; i < WORDS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		word[i] = x;
	}
}

static void describe_stamp(char *text, size_t size, stamp_t stamp, uint64_t where)
{
	if (stamp == UNKNOWN)
		snprintf(text, size, "anything");
	else if (!stamp)
		snprintf(text, size, "zeroes");
	else
		snprintf(text, size, "%s epoch %" PRIu64 " operation %" PRIu64 " sector %" PRIu64,
			 stamp >> 62 < 3 ? writer_name[stamp >> 62] : "nobody",
			 stamp >> 40 & 0x3fffff, stamp & ((UINT64_C(1) << 40) - 1), where);
}

static void describe_sector(char *text, size_t size, const uint64_t *word)
{
	uint64_t whole[WORDS];
	char stamp[128];

	memset(whole, 0, sizeof(whole));
	if (!memcmp(word, whole, SECTOR)) {
		snprintf(text, size, "zeroes");
		return;
	}
	if (word[0] != MAGIC) {
		snprintf(text, size, "no stamp (%016" PRIx64 "...)", word[0]);
		return;
	}
	make_sector(whole, word[2], word[1]);
	describe_stamp(stamp, sizeof(stamp), word[1], word[2]);
	snprintf(text, size, "%s%s", memcmp(word, whole, SECTOR) ? "torn, begins with " : "", stamp);
}

static stamp_t expected_stamp(enum writer view, uint64_t where)
{
	return layers[view].mapped[where] ? layers[view].stamp[where] : base[where];
}

static bool sector_is(const uint8_t *data, uint64_t where, stamp_t stamp)
{
	uint64_t word[WORDS];

	if (stamp == UNKNOWN)
		return true;
	make_sector(word, where, stamp);
	return !memcmp(word, data, SECTOR);
}

static __attribute__((noreturn)) void differs(struct worker *w, const char *what, uint64_t first,
					      uint64_t count, uint64_t where, const uint8_t *data,
					      stamp_t stamp)
{
	char expected[128], found[192];

	describe_stamp(expected, sizeof(expected), stamp, where);
	describe_sector(found, sizeof(found), (const uint64_t *)data);
	die("thread %u operation %" PRIu64 ", epoch %" PRIu64 "%s: %s at %" PRIu64 "+%" PRIu64
	    ":\n  sector %" PRIu64 "\n  expected %s\n  found    %s",
	    w->number, w->ops, epoch, failed_over ? " (failed over)" : "", what, first, count, where,
	    expected, found);
}

/* --- Operations */

static void read_all(int fd, const char *name, uint8_t *data, uint64_t first, uint64_t count)
{
	ssize_t n = pread(fd, data, count * SECTOR, first * SECTOR);

	if (n < 0)
		die("read of %s at %" PRIu64 "+%" PRIu64 ": %s", name, first, count,
		    strerror(errno));
	if ((uint64_t)n != count * SECTOR)
		die("short read of %s at %" PRIu64 "+%" PRIu64 ": %zd bytes", name, first, count,
		    n);
}

static void do_read(struct worker *w, enum writer view, uint64_t first, uint64_t count)
{
	uint64_t i;

	read_all(opt.fd[view], opt.name[view], w->data, first, count);
	for (i = 0; i < count; i++) {
		stamp_t stamp = expected_stamp(view, first + i);

		if (!sector_is(w->data + i * SECTOR, first + i, stamp))
			differs(w, view == ACTIVE ? "read of the active view" :
				"read of the inbound view", first, count, first + i,
				w->data + i * SECTOR, stamp);
	}
	w->reads++;
}

static void set_stamps(enum writer view, uint64_t first, uint64_t count, stamp_t stamp)
{
	uint64_t i;

	for (i = first; i < first + count; i++) {
		if (failed_over) {
			base[i] = stamp;
		} else {
			layers[view].stamp[i] = stamp;
			layers[view].mapped[i] = true;
		}
	}
}

/* Is the last error one that is told apart from a bug? Who is full asks for a checkpoint. */
static bool may_fail(void)
{
	if (failed_over)
		/* there is the disk itself to write to */
		return false;
	if (errno == ENOSPC)
		__atomic_store_n(&is_full, true, __ATOMIC_SEQ_CST);
	return errno == ENOSPC || (opt.memory && errno == ENOMEM);
}

/*
 * A write that did not fit: each of its sectors is either as it was or new.
 * The model learns which.
 */
static void learn(struct worker *w, enum writer view, uint64_t first, uint64_t count, stamp_t stamp)
{
	uint64_t i;

	read_all(opt.fd[view], opt.name[view], w->data, first, count);
	for (i = 0; i < count; i++) {
		const uint8_t *data = w->data + i * SECTOR;
		stamp_t old = expected_stamp(view, first + i);

		if (old != UNKNOWN && sector_is(data, first + i, old))
			continue;
		if (sector_is(data, first + i, stamp))
			set_stamps(view, first + i, 1, stamp);
		else if (old != UNKNOWN)
			differs(w, "what a write that did not fit left", first, count, first + i,
				data, old);
	}
	w->full++;
}

static void do_write(struct worker *w, enum writer view, uint64_t first, uint64_t count)
{
	stamp_t stamp = make_stamp(view, __atomic_fetch_add(&next_op, 1, __ATOMIC_SEQ_CST));
	uint64_t i;
	ssize_t n;

	for (i = 0; i < count; i++)
		make_sector((uint64_t *)(w->data + i * SECTOR), first + i, stamp);
	n = pwrite(opt.fd[view], w->data, count * SECTOR, first * SECTOR);
	if (n < 0 && may_fail())
		return learn(w, view, first, count, stamp);
	if (n < 0)
		die("write to %s at %" PRIu64 "+%" PRIu64 ": %s", opt.name[view], first, count,
		    strerror(errno));
	if ((uint64_t)n != count * SECTOR) {
		/* the part that did not fit: the next write says so */
		if (n % SECTOR)
			die("torn write to %s: %zd bytes", opt.name[view], n);
		if (!opt.memory)
			__atomic_store_n(&is_full, true, __ATOMIC_SEQ_CST);
		return learn(w, view, first, count, stamp);
	}
	set_stamps(view, first, count, stamp);
	w->writes++;
}

static void do_range(struct worker *w, enum writer view, uint64_t first, uint64_t count,
		     unsigned long request)
{
	uint64_t range[2] = { first * SECTOR, count * SECTOR };
	bool zero = request == BLKZEROOUT;

	if (ioctl(opt.fd[view], request, range)) {
		if (!zero && errno == EOPNOTSUPP)
			return;
		if (!may_fail())
			die("%s of %s at %" PRIu64 "+%" PRIu64 ": %s", zero ? "zeroes" : "discard",
			    opt.name[view], first, count, strerror(errno));
		if (zero)
			return learn(w, view, first, count, 0);
	}
	set_stamps(view, first, count, zero ? 0 : UNKNOWN);
	if (zero)
		w->zeroes++;
	else
		w->discards++;
}

/* Short ones are as frequent as long ones; starts are clustered. */
static void random_range(struct worker *w, uint64_t *first, uint64_t *count)
{
	unsigned int bits = random_below(w, 10);
	uint64_t reach = w->sectors < HOT_SECTORS ? w->sectors : HOT_SECTORS;
	uint64_t start;

	*count = (UINT64_C(1) << bits) + random_below(w, UINT64_C(1) << bits);
	if (*count > opt.limit_sectors)
		*count = opt.limit_sectors;
	if (random_below(w, 4))
		start = w->hot[random_below(w, HOT_SPOTS)] + random_below(w, reach);
	else
		start = random_below(w, w->sectors);
	/* half of them as a file system would do it */
	if (random_below(w, 2)) {
		start &= ~UINT64_C(7);
		*count = (*count + 7) & ~UINT64_C(7);
	}
	if (*count > w->sectors)
		*count = w->sectors;
	if (start > w->sectors - *count)
		start = w->sectors - *count;
	*first = w->first + start;
}

static void one_op(struct worker *w)
{
	enum writer view = failed_over || random_below(w, 2) ? ACTIVE : INBOUND;
	unsigned int what = random_below(w, 100);
	uint64_t first, count;

	w->ops++;
	random_range(w, &first, &count);
	if (opt.verbose)
		printf("%u/%" PRIu64 ": %u on %s at %" PRIu64 "+%" PRIu64 "\n", w->number, w->ops,
		       what, writer_name[view], first, count);
	if (what < 45) {
		do_read(w, view, first, count);
	} else if (what < 90) {
		do_write(w, view, first, count);
	} else if (what < 94) {
		do_range(w, view, first, count, BLKZEROOUT);
	} else if (what < 97 || !opt.discard) {
		if (fdatasync(opt.fd[view]))
			die("flush of %s: %s", opt.name[view], strerror(errno));
		w->flushes++;
	} else {
		/* the last sixteenth is where discards may be: little stays unknown */
		uint64_t part = w->sectors / 16;

		if (count > part)
			count = part;
		do_range(w, view, w->first + w->sectors - part + random_below(w, part - count + 1),
			 count, BLKDISCARD);
	}
}

/* --- Transitions; one thread, all others wait */

static void take_over(enum writer view)
{
	uint64_t i;

	for (i = 0; i < opt.sectors; i++) {
		if (layers[view].mapped[i])
			base[i] = layers[view].stamp[i];
		layers[INBOUND].mapped[i] = false;
		layers[ACTIVE].mapped[i] = false;
	}
}

static void checkpoint(void)
{
	char reply[256];
	uint64_t said;

	message(reply, sizeof(reply), "checkpoint", NULL);
	if (sscanf(reply, "%" SCNu64, &said) != 1 || said != epoch + 1)
		die("checkpoint replied '%s' after epoch %" PRIu64, reply, epoch);
	epoch = said;
	checkpoints++;
	take_over(INBOUND);
	if (is_full) {
		struct secondary_status s;
		unsigned int waited = 0;

		/* the merge gets out of it */
		while (s = get_status(), s.used * 2 > s.total) {
			if (waited > PATIENCE_MS)
				die("the buffer stays full: %" PRIu64 "/%" PRIu64, s.used, s.total);
			pause_ms(20);
			waited += 20;
		}
		is_full = false;
	}
}

static void fail_over(void)
{
	char reply[256];
	uint8_t *data;

	message(reply, sizeof(reply), "stop", "failover");
	take_over(ACTIVE);
	failed_over = true;
	is_full = false;
	if (posix_memalign((void **)&data, 4096, 4096))
		die("out of memory");
	memset(data, 0xee, 4096);
	if (pwrite(opt.fd[INBOUND], data, 4096, 0) >= 0)
		die("a write to the inbound view went through after the failover");
	if (pread(opt.fd[INBOUND], data, 4096, 0) >= 0)
		die("a read of the inbound view went through after the failover");
	free(data);
}

/* --- Runs */

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t i;

	for (i = 1; i <= opt.ops; i++) {
		one_op(w);
		if (opt.threads == 1) {
			if (is_full || !random_below(w, opt.checkpoint_every))
				checkpoint();
		} else if (i % opt.checkpoint_every == 0) {
			pthread_barrier_wait(&barrier);
			if (!w->number)
				checkpoint();
			pthread_barrier_wait(&barrier);
		}
	}
	return NULL;
}

static void *work_after_failover(void *arg)
{
	struct worker *w = arg;
	bool done;
	uint64_t i;

	do {
		/* looked at before the last round, so that one round is after it */
		done = !strcmp(get_status().stage, "done");
		for (i = 0; i < 20; i++)
			one_op(w);
	} while (!done);
	return NULL;
}

static void run_workers(struct worker *workers, void *(*what)(void *))
{
	unsigned int i;

	for (i = 0; i < opt.threads; i++) {
		errno = pthread_create(&workers[i].thread, NULL, what, &workers[i]);
		if (errno)
			die("thread: %s", strerror(errno));
	}
	for (i = 0; i < opt.threads; i++)
		pthread_join(workers[i].thread, NULL);
}

static void for_all(struct worker *w, void (*what)(struct worker *w, enum writer view,
						   uint64_t first, uint64_t count),
		    enum writer view)
{
	uint64_t first, count;

	for (first = 0; first < opt.sectors; first += count) {
		count = opt.sectors - first < MAX_SECTORS ? opt.sectors - first : MAX_SECTORS;
		what(w, view, first, count);
	}
}

/* The first full copy, through the inbound view, before start. */
static void fill(struct worker *w, enum writer view, uint64_t first, uint64_t count)
{
	uint64_t i;

	for (i = 0; i < count; i++) {
		base[first + i] = make_stamp(FIRST, 1);
		make_sector((uint64_t *)(w->data + i * SECTOR), first + i, base[first + i]);
	}
	if (pwrite(opt.fd[view], w->data, count * SECTOR, first * SECTOR) !=
	    (ssize_t)(count * SECTOR))
		die("fill of %s at %" PRIu64 ": %s", opt.name[view], first, strerror(errno));
}

static void compare_disk(struct worker *w)
{
	uint64_t first, count, i;
	int fd = open(opt.disk, O_RDONLY | O_DIRECT);

	if (fd < 0)
		die("%s: %s", opt.disk, strerror(errno));
	for (first = 0; first < opt.sectors; first += count) {
		count = opt.sectors - first < MAX_SECTORS ? opt.sectors - first : MAX_SECTORS;
		read_all(fd, opt.disk, w->data, first, count);
		for (i = 0; i < count; i++)
			if (!sector_is(w->data + i * SECTOR, first + i, base[first + i]))
				differs(w, "the disk", first, count, first + i,
					w->data + i * SECTOR, base[first + i]);
	}
	close(fd);
}

static void summary(const struct worker *workers)
{
	struct worker sum = { 0 };
	unsigned int i;

	for (i = 0; i < opt.threads; i++) {
		sum.ops += workers[i].ops;
		sum.reads += workers[i].reads;
		sum.writes += workers[i].writes;
		sum.zeroes += workers[i].zeroes;
		sum.discards += workers[i].discards;
		sum.flushes += workers[i].flushes;
		sum.full += workers[i].full;
	}
	printf("model: seed %" PRIu64 ", %u threads, %" PRIu64 " operations: %" PRIu64 " reads, %"
	       PRIu64 " writes, %" PRIu64 " zeroes, %" PRIu64 " discards, %" PRIu64 " flushes, %"
	       PRIu64 " times full, %" PRIu64 " checkpoints, %s\n", opt.seed, opt.threads, sum.ops,
	       sum.reads, sum.writes, sum.zeroes, sum.discards, sum.flushes, sum.full,
	       checkpoints, failed_over ? "failover" : "no failover");
	fflush(stdout);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || end == text || *end) {
		fprintf(stderr, "model: not a number: '%s'\n", text);
		exit(2);
	}
	return n;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: model [options] ACTIVE INBOUND\n"
		"  -s SEED  -n OPERATIONS (of each thread)  -t THREADS\n"
		"  -c N       a checkpoint every N operations, on average\n"
		"  -l SECTORS no operation is longer\n"
		"  -f         fail over in the end, go on until the merge is done\n"
		"  -d DISK    compare the disk in the end (with -f)\n"
		"  -D         discards too\n"
		"  -r         ask again when the device is suspended\n"
		"  -m         memory may be short: ENOMEM is no failure\n"
		"  -v         print each operation\n");
	return 2;
}

static void open_view(enum writer view, const char *name)
{
	char path[256];

	opt.name[view] = name;
	snprintf(path, sizeof(path), "/dev/mapper/%s", name);
	opt.fd[view] = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (opt.fd[view] < 0)
		die("%s: %s", path, strerror(errno));
}

static void set_up(struct worker *workers)
{
	uint64_t bytes, part;
	unsigned int i, j;

	if (ioctl(opt.fd[ACTIVE], BLKGETSIZE64, &bytes))
		die("size: %s", strerror(errno));
	opt.sectors = bytes / SECTOR;
	base = calloc(opt.sectors, sizeof(*base));
	for (i = INBOUND; i <= ACTIVE; i++) {
		layers[i].stamp = calloc(opt.sectors, sizeof(stamp_t));
		layers[i].mapped = calloc(opt.sectors, sizeof(bool));
		if (!layers[i].stamp || !layers[i].mapped)
			die("out of memory");
	}
	part = opt.sectors / opt.threads;
	for (i = 0; i < opt.threads; i++) {
		struct worker *w = &workers[i];

		w->number = i;
		w->first = i * part;
		w->sectors = i == opt.threads - 1 ? opt.sectors - w->first : part;
		w->random = (opt.seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + i * 77 + 1;
		if (posix_memalign((void **)&w->data, 4096, (MAX_SECTORS + 8) * SECTOR))
			die("out of memory");
		for (j = 0; j < 8; j++)
			random_next(w);
		for (j = 0; j < HOT_SPOTS; j++)
			w->hot[j] = random_below(w, w->sectors);
	}
	pthread_barrier_init(&barrier, NULL, opt.threads);
}

int main(int argc, char **argv)
{
	static struct worker workers[MAX_THREADS];
	char reply[256];
	int c;

	opt.limit_sectors = MAX_SECTORS;
	while ((c = getopt(argc, argv, "s:n:t:c:l:d:fDmrv")) != -1) {
		switch (c) {
		case 's':
			opt.seed = number(optarg);
			break;
		case 'n':
			opt.ops = number(optarg);
			break;
		case 't':
			opt.threads = number(optarg);
			break;
		case 'c':
			opt.checkpoint_every = number(optarg);
			break;
		case 'l':
			opt.limit_sectors = number(optarg);
			break;
		case 'd':
			opt.disk = optarg;
			break;
		case 'f':
			opt.failover = true;
			break;
		case 'D':
			opt.discard = true;
			break;
		case 'r':
			opt.retry = true;
			break;
		case 'm':
			opt.memory = true;
			break;
		case 'v':
			opt.verbose = true;
			break;
		default:
			return usage();
		}
	}
	if (argc - optind != 2 || !opt.threads || opt.threads > MAX_THREADS ||
	    !opt.checkpoint_every || !opt.limit_sectors || opt.limit_sectors > MAX_SECTORS)
		return usage();

	open_view(ACTIVE, argv[optind]);
	open_view(INBOUND, argv[optind + 1]);
	set_up(workers);

	for_all(workers, fill, INBOUND);
	if (fdatasync(opt.fd[INBOUND]))
		die("flush before start: %s", strerror(errno));
	message(reply, sizeof(reply), "start", "secondary");
	epoch = get_status().epoch;

	run_workers(workers, work);
	for_all(workers, do_read, INBOUND);
	for_all(workers, do_read, ACTIVE);
	if (opt.failover) {
		fail_over();
		run_workers(workers, work_after_failover);
		expect_stage("done");
		for_all(workers, do_read, ACTIVE);
		if (opt.disk)
			compare_disk(workers);
	} else {
		checkpoint();
		for_all(workers, do_read, INBOUND);
		for_all(workers, do_read, ACTIVE);
	}
	summary(workers);
	return 0;
}
