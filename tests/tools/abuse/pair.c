// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a pair: random operations on all of its devices, random faults,
 * and a model of what must be readable.
 *
 * Devices, made by the scenario, all linear: one and two, which hold the data,
 * buffer and log; and link, the primary's way to the inbound view, which is
 * another table when it is cut. Above them "pri", "sec" and "in" are made here.
 *
 * The model has three contents: what the primary was told (now), what the
 * secondary has at its last checkpoint (kept), and what the standby wrote since
 * (own). Each step of the life is one function. Two threads write to the primary
 * meanwhile, and one to the active view; what they do depends on the seed alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abuse.h"

#define LENGTH		4096
/* never full: other tests do that */
#define BUFFER		65536
#define LOG		64
#define MOST		96
#define OPS		24
#define UNWRITTEN	UINT64_MAX

enum { FIRST, SECOND, STANDBY, WORKERS };

static struct worker {
	pthread_t thread;
	struct chance c;
	const char *name;
	uint64_t first, sectors;
	uint8_t *data;
	/* of a write that failed, which is there or not */
	uint64_t unsure_first, unsure_sectors, unsure_stamp;
	bool failed;
} workers[WORKERS];

static struct chance c;
static uint64_t now[LENGTH], kept[LENGTH], own[LENGTH];
static uint64_t step, stamps, steps_done[16];
static char params[4][TEXT];
static const char * const below_all[] = { "one", "two", "buffer", "log" };
static const char *local = "one", *disk = "two";
static bool may_fail;
/* the secondary's, of what is kept */
static uint64_t secondary_epoch;

/* Says what happens, in case it is the last thing that does. */
static void say(const char *what)
{
	printf("%4" PRIu64 " %s\n", step, what);
}

static void must(const char *what, const char *name, int error)
{
	if (error)
		die("step %" PRIu64 ": %s %s: %s", step, what, name, strerror(error));
}

/* --- Devices */

static void set_table(const char *name, const char *type, const char *text)
{
	uint64_t sectors = !strcmp(name, "buffer") ? BUFFER : !strcmp(name, "log") ? LOG : LENGTH;

	must("load", name, dm_load(name, sectors, type, text));
	/* what is in flight is answered before */
	must("suspend", name, dm_suspend(name, true));
	must("resume", name, dm_resume(name));
}

static void cut_off(const char *name)
{
	set_table(name, "error", "");
}

static void mend(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(below_all); i++)
		if (!strcmp(name, below_all[i]))
			set_table(name, "linear", params[i]);
	if (!strcmp(name, "link"))
		set_table(name, "linear", "/dev/mapper/in 0");
}

static void take_away(const char *name)
{
	int error;

	/* events are raised by workers, who may hold it for a moment */
	while ((error = dm_remove(name)) == EBUSY)
		sched_yield();
	must("remove", name, error);
}

static void primary_line(char *text)
{
	static const char * const modes[] = {
		"sync", "async", "async max_behind 128", "async max_behind 8192",
	};
	const char *mode = modes[below(&c, ARRAY_SIZE(modes))];

	snprintf(text, TEXT, "primary /dev/mapper/%s /dev/mapper/link %d region_size 128 dirty_log /dev/mapper/log %s",
		 local, strchr(mode, ' ') ? 7 : 5, mode);
}

static void make(const char *name, const char *line)
{
	must("create", name, dm_create(name));
	must("load", name, dm_load(name, LENGTH, "replication", line));
	must("resume", name, dm_resume(name));
}

static void make_primary(void)
{
	char line[TEXT];

	primary_line(line);
	make("pri", line);
}

static void make_secondary(void)
{
	char line[TEXT];

	snprintf(line, sizeof(line), "secondary /dev/mapper/%s /dev/mapper/buffer", disk);
	make("sec", line);
	make("in", "inbound /dev/mapper/sec");
}

static void reload(const char *name, bool noflush)
{
	char line[TEXT];

	if (!strcmp(name, "pri"))
		primary_line(line);
	else
		must("table of", name, dm_table(name, false, line));
	must("load", name, dm_load(name, LENGTH, "replication", line));
	must("suspend", name, dm_suspend(name, noflush));
	must("resume", name, dm_resume(name));
}

static void tell(const char *name, const char *message)
{
	must(message, name, dm_message(name, message, NULL));
}

/* Until the status has both. */
static void wait_for(const char *name, const char *a, const char *b)
{
	char text[TEXT];
	uint32_t events;

	for (;;) {
		must("status of", name, dm_status(name, text, &events));
		if (strstr(text, a) && strstr(text, b))
			return;
		must("wait for", name, dm_wait(name, events));
	}
}

static uint64_t epoch_of(const char *name)
{
	char text[TEXT];
	uint64_t epoch;

	must("status of", name, dm_status(name, text, NULL));
	if (sscanf(text, "%*s running %" SCNu64, &epoch) != 1)
		die("step %" PRIu64 ": status of %s: '%s'", step, name, text);
	return epoch;
}

/* --- What sectors hold */

static void make_sector(uint64_t *word, uint64_t sector, uint64_t stamp)
{
	unsigned int i;

	for (i = 0; i < SECTOR / sizeof(*word); i++)
		word[i] = stamp ? stamp << 16 | sector : 0;
}

static bool is(const uint8_t *data, uint64_t sector, uint64_t stamp)
{
	uint64_t word[SECTOR / sizeof(uint64_t)];

	make_sector(word, sector, stamp);
	return !memcmp(word, data, SECTOR);
}

static uint64_t *model_of(const struct worker *w)
{
	return w == &workers[STANDBY] ? own : now;
}

static uint64_t expected(const struct worker *w, uint64_t sector)
{
	uint64_t stamp = model_of(w)[sector];

	return stamp == UNWRITTEN ? kept[sector] : stamp;
}

static void check_all(const char *name, const uint64_t *base, const uint64_t *over)
{
	static uint8_t *data;
	uint64_t i, stamp;
	int fd = dm_open(name, O_RDONLY | O_DIRECT);

	if (!data)
		data = memory(LENGTH * SECTOR);
	if (fd < 0)
		must("open", name, -fd);
	if (pread(fd, data, LENGTH * SECTOR, 0) != LENGTH * SECTOR)
		must("read", name, errno);
	close(fd);
	for (i = 0; i < LENGTH; i++) {
		stamp = over && over[i] != UNWRITTEN ? over[i] : base[i];
		if (!is(data + i * SECTOR, i, stamp))
			die("step %" PRIu64 ": %s, sector %" PRIu64 ": expected write %" PRIu64
			    ", found %" PRIu64, step, name, i, stamp,
			    *(uint64_t *)(data + i * SECTOR) >> 16);
	}
}

static void forget_own(void)
{
	memset(own, 0xff, sizeof(own));
}

static void checkpoint_is_now(void)
{
	secondary_epoch = epoch_of("sec");
	memcpy(kept, now, sizeof(kept));
	forget_own();
}

/* --- The workload */

static void one_op(struct worker *w, int fd)
{
	uint64_t *model = model_of(w);
	uint64_t n = 1 + below(&w->c, MOST), first = w->first + below(&w->c, w->sectors - n + 1);
	unsigned int what = below(&w->c, 16);
	uint64_t range[2] = { first * SECTOR, n * SECTOR }, stamp, i;
	struct iovec vector = { w->data, n * SECTOR };
	bool good;

	if (what < 5) {
		if (pread(fd, w->data, n * SECTOR, first * SECTOR) != (ssize_t)(n * SECTOR)) {
			w->failed = true;
			return;
		}
		for (i = 0; i < n; i++)
			if (!is(w->data + i * SECTOR, first + i, expected(w, first + i)))
				die("step %" PRIu64 ": %s, sector %" PRIu64 ": read %" PRIu64
				    ", expected %" PRIu64, step, w->name, first + i,
				    *(uint64_t *)(w->data + i * SECTOR) >> 16,
				    expected(w, first + i));
		return;
	}
	if (what == 5) {
		w->failed = fdatasync(fd);
		return;
	}
	stamp = what == 6 ? 0 : __atomic_add_fetch(&stamps, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < n; i++)
		make_sector((uint64_t *)(w->data + i * SECTOR), first + i, stamp);
	/* two in nine with FUA */
	good = stamp ? pwritev2(fd, &vector, 1, range[0], what < 9 ? RWF_DSYNC : 0) ==
		       (ssize_t)range[1] :
		!ioctl(fd, BLKZEROOUT, range);
	for (i = 0; i < n && good; i++)
		model[first + i] = stamp;
	if (good)
		return;
	w->failed = true;
	w->unsure_first = first;
	w->unsure_sectors = n;
	w->unsure_stamp = stamp;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned int i;
	int fd = dm_open(w->name, O_RDWR | O_DIRECT);

	w->failed = false;
	w->unsure_sectors = 0;
	if (fd < 0)
		must("open", w->name, -fd);
	for (i = 0; i < OPS && !w->failed; i++)
		one_op(w, fd);
	if (w->failed && !may_fail)
		die("step %" PRIu64 ": I/O of %s failed: %s", step, w->name, strerror(errno));
	close(fd);
	return NULL;
}

static void work_begins(bool standby)
{
	unsigned int i;

	for (i = 0; i < WORKERS; i++)
		if (i != STANDBY || standby)
			must("thread", "", pthread_create(&workers[i].thread, NULL, work,
							  &workers[i]));
}

static void work_ends(bool standby)
{
	unsigned int i;

	for (i = 0; i < WORKERS; i++)
		if (i != STANDBY || standby)
			pthread_join(workers[i].thread, NULL);
}

/* What failed is there or not, sector by sector. */
static void learn(void)
{
	unsigned int i;
	uint64_t k;
	int fd = dm_open("pri", O_RDONLY | O_DIRECT);

	if (fd < 0)
		must("open", "pri", -fd);
	for (i = FIRST; i <= SECOND; i++) {
		struct worker *w = &workers[i];

		for (k = w->unsure_first; k < w->unsure_first + w->unsure_sectors; k++) {
			if (pread(fd, w->data, SECTOR, k * SECTOR) != SECTOR)
				must("read", "pri", errno);
			if (is(w->data, k, w->unsure_stamp))
				now[k] = w->unsure_stamp;
		}
		w->unsure_sectors = 0;
	}
	close(fd);
}

/* --- Steps */

static void checkpoint(void)
{
	wait_for("pri", " running ", " online ");
	tell("pri", "checkpoint");
	check_all("link", now, NULL);
	tell("sec", "checkpoint");
	checkpoint_is_now();
}

static void blank(const char *name)
{
	uint8_t *zero = memory(4096);
	int fd = dm_open(name, O_WRONLY | O_DIRECT);

	if (fd < 0 || pwrite(fd, zero, 4096, 0) != 4096)
		must("write to", name, errno);
	close(fd);
	free(zero);
}

/* A new pair: the local leg holds the data. */
static void begin(void)
{
	blank("buffer");
	blank("log");
	make_secondary();
	mend("link");
	make_primary();
	tell("pri", "start primary");
	tell("pri", "checkpoint");
	tell("sec", "start secondary");
	checkpoint_is_now();
	check_all("link", now, NULL);
}

static void end(void)
{
	take_away("pri");
	cut_off("link");
	take_away("in");
	take_away("sec");
}

/* The primary is told that the secondary has gone back; or finds out. */
static void take_up(void)
{
	if (below(&c, 2)) {
		tell("pri", "stop failover");
		mend("link");
		tell("pri", "start primary");
	} else {
		/* an async primary finds out later than its writers are answered */
		work_begins(false);
		work_ends(false);
		wait_for("pri", " degraded ", "");
		mend("link");
		reload("pri", below(&c, 2));
	}
	checkpoint();
}

static void step_work(void)
{
	work_begins(true);
	work_ends(true);
}

static void step_suspend(void)
{
	static const char * const names[] = { "pri", "sec", "in" };
	unsigned int i, n = 1 + below(&c, 3);

	work_begins(true);
	for (i = 0; i < n; i++) {
		const char *name = names[below(&c, ARRAY_SIZE(names))];

		if (below(&c, 2)) {
			reload(name, below(&c, 2));
		} else {
			must("suspend", name, dm_suspend(name, below(&c, 2)));
			must("resume", name, dm_resume(name));
		}
	}
	work_ends(true);
}

static void step_verify(void)
{
	char text[TEXT];

	work_begins(true);
	wait_for("pri", " running ", " online ");
	tell("pri", "verify");
	tell("pri", below(&c, 2) ? "resync_throttle 50" : "resync_throttle 100");
	tell("sec", below(&c, 2) ? "merge_throttle 10" : "merge_throttle 100");
	work_ends(true);
	wait_for("pri", " running ", " ended:");
	must("status of", "pri", dm_status("pri", text, NULL));
	if (!strstr(text, " ended:32/32:0"))
		die("step %" PRIu64 ": verify found: %s", step, text);
}

static void step_checkpoint_under_load(void)
{
	work_begins(true);
	wait_for("pri", " running ", " online ");
	tell("pri", "checkpoint");
	work_ends(true);
	/* those behind the cut have to be there as well: the model has no half of it */
	must("suspend", "pri", dm_suspend("pri", false));
	check_all("link", now, NULL);
	tell("sec", "checkpoint");
	must("resume", "pri", dm_resume("pri"));
	checkpoint_is_now();
}

static void step_link_fails(void)
{
	work_begins(true);
	cut_off("link");
	work_ends(true);
	take_up();
}

/* The secondary's host is gone, in the middle of a checkpoint or of the work. */
static void *send_checkpoint(void *arg)
{
	*(int *)arg = dm_message("sec", "checkpoint", NULL);
	return NULL;
}

/* It is at its last checkpoint, @least, or at one that was asked for since. */
static void secondary_comes_back(uint64_t least, uint64_t most)
{
	uint64_t found;

	may_fail = false;
	take_away("in");
	take_away("sec");
	mend("buffer");
	mend(disk);
	make_secondary();
	found = epoch_of("sec");
	if (found < least || found > most)
		die("step %" PRIu64 ": recovered at epoch %" PRIu64 ", not from %" PRIu64 " to %"
		    PRIu64, step, found, least, most);
	if (found > secondary_epoch)
		memcpy(kept, now, sizeof(kept));
	forget_own();
	check_all("sec", kept, NULL);
	take_up();
}

static void step_secondary_crashes(void)
{
	uint64_t epoch = secondary_epoch;

	may_fail = true;
	work_begins(true);
	cut_off("link");
	if (below(&c, 2)) {
		cut_off(disk);
		cut_off("buffer");
	} else {
		cut_off("buffer");
		cut_off(disk);
	}
	work_ends(true);
	if (workers[FIRST].failed || workers[SECOND].failed)
		die("step %" PRIu64 ": the workload saw an error of the remote leg", step);
	secondary_comes_back(epoch, epoch);
}

static void step_secondary_crashes_in_a_checkpoint(void)
{
	uint64_t epoch = secondary_epoch;
	unsigned int i = below(&c, 64);
	pthread_t thread;
	int answer;

	wait_for("pri", " running ", " online ");
	tell("pri", "checkpoint");
	must("thread", "", pthread_create(&thread, NULL, send_checkpoint, &answer));
	while (i--)
		sched_yield();
	cut_off("buffer");
	cut_off(disk);
	pthread_join(thread, NULL);
	cut_off("link");
	secondary_comes_back(answer ? epoch : epoch + 1, epoch + 1);
}

static void step_primary_crashes(void)
{
	may_fail = true;
	work_begins(true);
	cut_off(local);
	cut_off("log");
	work_ends(true);
	if (workers[STANDBY].failed)
		die("step %" PRIu64 ": the standby saw an error of the primary", step);
	may_fail = false;
	take_away("pri");
	mend(local);
	mend("log");
	make_primary();
	learn();
	check_all("pri", now, NULL);
	tell("pri", "start primary");
	checkpoint();
}

static void step_removed(void)
{
	if (below(&c, 2)) {
		take_away("pri");
		make_primary();
		check_all("pri", now, NULL);
		tell("pri", "start primary");
	} else {
		uint64_t epoch = secondary_epoch;

		cut_off("link");
		secondary_comes_back(epoch, epoch);
	}
	checkpoint();
}

static void step_stopped(void)
{
	checkpoint();
	tell("pri", "stop");
	tell("sec", "stop");
	check_all(disk, now, NULL);
	check_all("sec", now, NULL);
	/* marked, not sent */
	work_begins(false);
	work_ends(false);
	tell("pri", "start primary");
	tell("pri", "checkpoint");
	tell("sec", "start secondary");
	checkpoint_is_now();
}

/* The standby carries on; then the two have changed places. */
static void step_failover(void)
{
	const char *other = local;
	uint64_t i;

	work_begins(true);
	cut_off("link");
	/* the primary's host does not know that it is over */
	tell("sec", "stop failover");
	work_ends(true);
	check_all("sec", kept, own);
	wait_for("sec", " done ", "");
	for (i = 0; i < LENGTH; i++)
		now[i] = own[i] == UNWRITTEN ? kept[i] : own[i];
	check_all(disk, now, NULL);
	end();
	local = disk;
	disk = other;
	begin();
}

static const struct {
	const char *what;
	unsigned int share;
	void (*step)(void);
} steps[] = {
	{ "work", 4, step_work },
	{ "suspends and reloads", 4, step_suspend },
	{ "verify", 2, step_verify },
	{ "a checkpoint under load", 4, step_checkpoint_under_load },
	{ "the link fails", 3, step_link_fails },
	{ "the secondary crashes", 3, step_secondary_crashes },
	{ "the secondary crashes in a checkpoint", 3, step_secondary_crashes_in_a_checkpoint },
	{ "the primary crashes", 3, step_primary_crashes },
	{ "removed and made again", 2, step_removed },
	{ "stopped and started", 1, step_stopped },
	{ "failover, and the other way round", 2, step_failover },
};

static unsigned int any_step(void)
{
	unsigned int i, all = 0, at;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		all += steps[i].share;
	at = below(&c, all);
	for (i = 0; at >= steps[i].share; i++)
		at -= steps[i].share;
	return i;
}

void pair(void)
{
	unsigned int i;

	expedite();
	for (i = 0; i < ARRAY_SIZE(below_all); i++)
		must("table of", below_all[i], dm_table(below_all[i], false, params[i]));
	for (i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];

		chance_begin(&w->c, i + 1);
		w->name = i == STANDBY ? "sec" : "pri";
		w->first = i == SECOND ? LENGTH / 2 : 0;
		w->sectors = i == STANDBY ? LENGTH : LENGTH / 2;
		w->data = memory(MOST * SECTOR);
	}
	chance_begin(&c, 0);
	begin();
	for (step = 1; step <= count; step++) {
		i = any_step();
		say(steps[i].what);
		steps_done[i]++;
		steps[i].step();
		check_all("sec", kept, own);
		check_all("pri", now, NULL);
		if (below(&c, 2)) {
			say("checkpoint");
			checkpoint();
		}
	}
	checkpoint();
	end();
	printf("abuse: seed %" PRIu64 ": %" PRIu64 " steps, %" PRIu64 " writes\n", seed, count,
	       stamps);
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		printf("%6" PRIu64 " %s\n", steps_done[i], steps[i].what);
}
