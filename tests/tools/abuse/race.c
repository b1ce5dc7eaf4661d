// SPDX-License-Identifier: GPL-2.0
/*
 * Messages, reloads, suspends and removals of the same devices at the same
 * time, until there were so many of each.
 *
 * Devices, made by the scenario: local, remote (on ram1), log, disk and buffer.
 * Above them "pri", "sec" and "in" come and go, and are there in the end; remote
 * fails now and then. What was written to "pri" is read back from it whatever
 * happens. All errors are fine for who comes too late; but each call has to end,
 * each status has to be one, and in the end all has to work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abuse.h"

#define LENGTH		4096
#define AREA		512
#define MAX_IO		64

enum { PRI, SEC, IN, NAMES };

static const char * const names[NAMES] = { "pri", "sec", "in" };

static bool over;
static unsigned int threads_left;

struct worker {
	pthread_t thread;
	void (*step)(struct worker *w);
	const char *what;
	/* of those that are there for the others only */
	bool helper;
	unsigned int number;
	struct chance c;
	uint64_t done, worked;
	/* of the I/O: what each sector of its area must be, 0 if unknown */
	uint64_t *expected, stamp;
	uint8_t *data;
};

static void any_table(struct worker *w, unsigned int i, char *text)
{
	static const char * const primary[] = {
		"2 region_size 128", "3 region_size 128 sync", "3 region_size 128 async",
		"5 region_size 128 async max_behind 64", "4 region_size 128 group other",
		"5 region_size 128 async on_remote_error degrade",
		"4 region_size 128 on_remote_error stall",
		"5 region_size 128 async on_remote_error stall",
	};
	static const char * const secondary[] = {
		"0", "2 high_watermark 50", "2 group other", "4 group other high_watermark 10",
	};

	if (i == PRI) {
		const char *args = primary[below(&w->c, ARRAY_SIZE(primary))];

		snprintf(text, TEXT, "primary /dev/mapper/local /dev/mapper/remote %d%s dirty_log /dev/mapper/log",
			 atoi(args) + 2, strchr(args, ' '));
	} else if (i == SEC) {
		snprintf(text, TEXT, "secondary /dev/mapper/disk /dev/mapper/buffer %s",
			 secondary[below(&w->c, ARRAY_SIZE(secondary))]);
	} else {
		snprintf(text, TEXT, "inbound /dev/mapper/sec");
	}
}

static void step_message(struct worker *w)
{
	static const char * const messages[] = {
		"start primary", "start secondary", "checkpoint", "checkpoint", "stop",
		"stop failover", "get_error", "checkpoint_all", "get_error_all", "stop_all",
		"stop_all failover", "start_all primary", "start_all secondary", "verify",
		"verify stop", "merge_throttle 30", "resync_throttle 60", "changed_since 1",
	};
	unsigned int i = below(&w->c, NAMES);
	char text[TEXT], word[32];

	/* what is never started has nothing to race with */
	if (below(&w->c, 3))
		w->worked += !dm_message(names[i], messages[below(&w->c, ARRAY_SIZE(messages))],
					 text);
	else
		dm_message(names[i], i == PRI ? "start primary" : "start secondary", NULL);
	if (!dm_status(names[i], text, NULL) && *text) {
		if (sscanf(text, "%31s", word) != 1 ||
		    strcmp(word, i == PRI ? "primary" : i == SEC ? "secondary" : "inbound"))
			die("status of %s: '%s'", names[i], text);
	}
}

static void step_suspend(struct worker *w)
{
	unsigned int i = below(&w->c, NAMES);

	if (dm_suspend(names[i], below(&w->c, 2)))
		return;
	if (below(&w->c, 2))
		sched_yield();
	w->worked += !dm_resume(names[i]);
}

static void step_reload(struct worker *w)
{
	unsigned int i = below(&w->c, NAMES);
	char text[TEXT];

	any_table(w, i, text);
	if (dm_load(names[i], LENGTH, "replication", text))
		return;
	if (!below(&w->c, 8)) {
		dm_clear(names[i]);
		return;
	}
	dm_suspend(names[i], below(&w->c, 2));
	w->worked += !dm_resume(names[i]);
}

static void make(struct worker *w, unsigned int i)
{
	char text[TEXT];
	int error = dm_create(names[i]);

	if (error)
		die("cannot create %s: %s", names[i], strerror(error));
	any_table(w, i, text);
	/* it may be suspended already */
	if (!dm_load(names[i], LENGTH, "replication", text))
		dm_resume(names[i]);
}

/* Who has it open lets go of it soon. */
static void take_away(unsigned int i)
{
	int error;

	while ((error = dm_remove(names[i])) == EBUSY)
		sched_yield();
	if (error)
		die("cannot remove %s: %s", names[i], strerror(error));
}

static void step_remove(struct worker *w)
{
	unsigned int what = below(&w->c, 3);

	if (what == PRI) {
		take_away(PRI);
		make(w, PRI);
	} else {
		take_away(IN);
		if (what == SEC) {
			take_away(SEC);
			make(w, SEC);
		}
		make(w, IN);
	}
	w->worked++;
}

/* The remote leg fails, and is mended at once: who finds out depends. */
static void step_leg(struct worker *w)
{
	static const char * const tables[][2] = { { "error", "" }, { "linear", "/dev/ram1 0" } };
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		error = dm_load("remote", LENGTH, tables[i][0], tables[i][1]);
		if (!error)
			error = dm_suspend("remote", true);
		if (!error)
			error = dm_resume("remote");
		if (error)
			die("remote takes no %s table: %s", tables[i][0], strerror(error));
	}
	w->worked++;
}

static void make_sector(uint64_t *word, uint64_t sector, uint64_t stamp)
{
	unsigned int i;

	for (i = 0; i < SECTOR / sizeof(*word); i++)
		word[i] = stamp << 16 | sector;
}

static void check_area(struct worker *w, int fd, uint64_t first, uint64_t n)
{
	uint64_t word[SECTOR / sizeof(uint64_t)], base = w->number * AREA, i;

	if (pread(fd, w->data, n * SECTOR, (base + first) * SECTOR) != (ssize_t)(n * SECTOR))
		return;
	w->worked++;
	for (i = 0; i < n; i++) {
		uint64_t *found = (uint64_t *)(w->data + i * SECTOR);

		if (!w->expected[first + i])
			continue;
		make_sector(word, base + first + i, w->expected[first + i]);
		if (memcmp(word, found, SECTOR))
			die("pri, sector %" PRIu64 ": write %" PRIu64 " of %" PRIu64 " is lost, it has %"
			    PRIu64, base + first + i, w->expected[first + i], w->stamp, *found >> 16);
	}
}

static void step_io(struct worker *w)
{
	uint64_t first, n, i, stamp;
	int fd = dm_open("pri", O_RDWR | O_DIRECT);
	unsigned int k;

	for (k = 0; k < 8 && fd >= 0; k++) {
		n = 1 + below(&w->c, MAX_IO);
		first = below(&w->c, AREA - n + 1);
		if (!below(&w->c, 3)) {
			check_area(w, fd, first, n);
			continue;
		}
		stamp = ++w->stamp;
		for (i = 0; i < n; i++)
			make_sector((uint64_t *)(w->data + i * SECTOR), w->number * AREA + first + i,
				    stamp);
		/* there may be no table, for a while */
		if (pwrite(fd, w->data, n * SECTOR, (w->number * AREA + first) * SECTOR) !=
		    (ssize_t)(n * SECTOR))
			stamp = 0;
		for (i = 0; i < n; i++)
			w->expected[first + i] = stamp;
	}
	if (fd >= 0)
		close(fd);
}

static void step_views(struct worker *w)
{
	int fd = dm_open(names[below(&w->c, 2) ? SEC : IN], O_RDWR | O_DIRECT);
	uint64_t first, n;
	unsigned int k;

	for (k = 0; k < 8 && fd >= 0; k++) {
		n = 1 + below(&w->c, MAX_IO);
		first = below(&w->c, LENGTH - n + 1);
		if (below(&w->c, 2))
			w->worked += pwrite(fd, w->data, n * SECTOR, first * SECTOR) > 0;
		else
			w->worked += pread(fd, w->data, n * SECTOR, first * SECTOR) > 0;
	}
	if (fd >= 0)
		close(fd);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (w->helper ? !__atomic_load_n(&over, __ATOMIC_SEQ_CST) : w->done < count) {
		w->step(w);
		w->done++;
	}
	if (!w->helper && !__atomic_sub_fetch(&threads_left, 1, __ATOMIC_SEQ_CST))
		__atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void in_the_end(struct worker *w, unsigned int i, const char *start)
{
	char text[TEXT];
	int error;

	any_table(w, i, text);
	error = dm_load(names[i], LENGTH, "replication", text);
	if (error)
		die("in the end %s takes no table: %s", names[i], strerror(error));
	error = dm_resume(names[i]);
	if (error)
		die("in the end %s cannot be resumed: %s", names[i], strerror(error));
	if (!start)
		return;
	/* there may be a merge to be waited for */
	dm_message(names[i], "stop", NULL);
	error = dm_message(names[i], start, NULL);
	if (!error)
		error = dm_message(names[i], "checkpoint", text);
	if (error)
		die("in the end %s takes no checkpoint: %s", names[i], strerror(error));
}

/* What did something, of all who do the same: with few steps not each of them does. */
static uint64_t worked_as(void (*step)(struct worker *w), const struct worker *workers,
			  unsigned int n)
{
	uint64_t worked = 0;

	while (n--)
		worked += workers[n].step == step ? workers[n].worked : 0;
	return worked;
}

void races(void)
{
	static struct worker workers[] = {
		{ .step = step_message, .what = "messages" },
		{ .step = step_message, .what = "messages" },
		{ .step = step_message, .what = "messages" },
		{ .step = step_suspend, .what = "suspends" },
		{ .step = step_suspend, .what = "suspends" },
		{ .step = step_reload, .what = "reloads" },
		{ .step = step_remove, .what = "removals" },
		{ .step = step_leg, .what = "failures of the remote leg" },
		{ .step = step_io, .what = "I/O of the primary", .helper = true },
		{ .step = step_io, .what = "I/O of the primary", .helper = true },
		{ .step = step_views, .what = "I/O of the views", .helper = true },
	};
	unsigned int i, areas = 0;
	int fd;

	expedite();
	for (i = 0; i < ARRAY_SIZE(workers); i++) {
		struct worker *w = &workers[i];

		chance_begin(&w->c, i);
		w->expected = memory(AREA * sizeof(*w->expected));
		w->data = memory(MAX_IO * SECTOR);
		threads_left += !w->helper;
		if (w->step == step_io)
			w->number = areas++;
	}
	for (i = 0; i < NAMES; i++)
		make(&workers[0], i);
	for (i = 0; i < ARRAY_SIZE(workers); i++) {
		errno = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		if (errno)
			die("thread: %s", strerror(errno));
	}
	for (i = 0; i < ARRAY_SIZE(workers); i++)
		if (!workers[i].helper)
			pthread_join(workers[i].thread, NULL);
	/* a table that cannot be resumed with would keep them waiting */
	for (i = 0; i < NAMES; i++)
		dm_resume(names[i]);
	for (i = 0; i < ARRAY_SIZE(workers); i++)
		if (workers[i].helper)
			pthread_join(workers[i].thread, NULL);
	in_the_end(&workers[0], SEC, "start secondary");
	in_the_end(&workers[0], IN, NULL);
	in_the_end(&workers[0], PRI, "start primary");
	fd = dm_open("pri", O_RDWR | O_DIRECT);
	if (fd < 0)
		die("cannot open pri: %s", strerror(-fd));
	for (i = 0; i < ARRAY_SIZE(workers); i++) {
		struct worker *w = &workers[i];
		uint64_t at;

		for (at = 0; at < AREA && w->step == step_io; at += MAX_IO)
			check_area(w, fd, at, MAX_IO);
		printf("abuse: seed %" PRIu64 ": %s: %" PRIu64 ", %" PRIu64 " did something\n", seed,
		       w->what, w->done, w->worked);
		if (!worked_as(w->step, workers, ARRAY_SIZE(workers)))
			die("that was no test");
	}
	close(fd);
}
