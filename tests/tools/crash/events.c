// SPDX-License-Identifier: GPL-2.0
/*
 * The devices below, and the log of what they were asked for: recorder's, or
 * that of dm-log-writes under one device split in disk and buffer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"
#include "tests/modules/recorder/recorder.h"

#define RECORDER_LOG	"/sys/kernel/debug/recorder"
#define LOGGED		"/dev/ram0"
#define LOG		"/dev/ram1"

/* of dm-log-writes */
#define LOG_MAGIC	UINT64_C(0x6a736677736872)
#define LOG_FLUSH	1
#define LOG_FUA		2
#define LOG_DISCARD	4
#define LOG_MARK	8

struct log_super {
	__le64 magic, version, nr_entries;
	__le32 sectorsize;
};

struct log_entry {
	__le64 sector, nr_sectors, flags, data_len;
};

unsigned int nr_devices = 2;
struct mapped devices[DEVICES];
static struct mapped logged;

struct io *ios;
unsigned int nr_ios;
size_t nr_events;

static uint8_t *raw;
static unsigned int room;

static void message(const struct mapped *m, const char *text, uint64_t n)
{
	char whole[64];
	int error;

	snprintf(whole, sizeof(whole), "%s %llu", text, (unsigned long long)n);
	error = dm_message(m->name, whole);
	if (error)
		die("%s: '%s': %s", m->name, whole, strerror(error));
}

static void create(struct mapped *m, const char *name, uint64_t sectors, const char *type,
		   const char *params)
{
	int error = dm_create(m, name, sectors, type, params);

	if (error)
		die("cannot create %s, %s %s: %s", name, type, params, strerror(error));
}

/* The devices to write on; for recoveries there are those of recorder only. */
static void create_logged(void)
{
	char params[64];

	create(&logged, "logged", opt.sectors[DISK] + opt.sectors[BUFFER], "log-writes",
	       LOGGED " " LOG);
	snprintf(params, sizeof(params), "%s 0", logged.number);
	create(&devices[DISK], "disk", opt.sectors[DISK], "linear", params);
	snprintf(params, sizeof(params), "%s %u", logged.number, opt.sectors[DISK]);
	create(&devices[BUFFER], "buffer", opt.sectors[BUFFER], "linear", params);
}

void devices_create(void)
{
	static const char * const name[][DEVICES] = {
		{ "disk", "buffer" }, { "local", "log", "remote" },
	};
	char number[8];
	unsigned int i;

	if (opt.log_writes) {
		create_logged();
		return;
	}
	for (i = 0; i < nr_devices; i++) {
		snprintf(number, sizeof(number), "%u", i);
		create(&devices[i], name[nr_devices > REMOTE][i], opt.sectors[i], "recorder", number);
	}
}

void devices_remove(void)
{
	unsigned int i;

	for (i = nr_devices; i--; )
		dm_remove(&devices[i]);
	if (opt.log_writes)
		dm_remove(&logged);
}

void events_begin(void)
{
	if (opt.log_writes)
		events_mark(0);
	else
		message(&devices[DISK], "record", random_below(1 << 30));
}

void events_mark(uint64_t mark)
{
	message(opt.log_writes ? &logged : &devices[DISK], "mark", mark);
}

/* From now on writes and flushes of this device fail; or they don't any more. */
void events_fail(enum device device, bool fail)
{
	message(&devices[device], "fail", fail);
}

/* Marks are in pairs: before an op, and when it was acknowledged. */
static void found_mark(uint64_t mark)
{
	writer_t op = mark / 2;

	if (op > nr_ops)
		die("the log has a mark %llu", (unsigned long long)mark);
	if (mark % 2)
		ops[op].end = nr_events;
	else
		ops[op].begin = nr_events;
}

static struct io *add_io(void)
{
	if (nr_ios == room) {
		room = room ? room * 2 : 1024;
		ios = realloc(ios, room * sizeof(*ios));
		if (!ios)
			die("out of memory");
	}
	ios[nr_ios] = (struct io) { .complete = NEVER, .durable = NEVER };
	return &ios[nr_ios++];
}

/*
 * ---- recorder ----
 */

static size_t read_file(const char *path)
{
	size_t size = 0, space = 1 << 20;
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	free(raw);
	raw = NULL;
	do {
		space *= 2;
		raw = realloc(raw, space);
		if (!raw)
			die("out of memory");
		while ((n = read(fd, raw + size, space - size)) > 0)
			size += n;
		if (n < 0)
			die("%s: %s", path, strerror(errno));
	} while (size == space);
	close(fd);
	return size;
}

static void read_recorder(void)
{
	size_t at = 0, size;
	uint64_t first = 0;

	message(&devices[DISK], "pass", 0);
	size = read_file(RECORDER_LOG);
	for (; at < size; nr_events++) {
		const struct recorder_event *e = (void *)(raw + at);
		struct io *io;

		at += sizeof(*e) + e->bytes;
		switch (e->type) {
		case RECORDER_SUBMIT:
			io = add_io();
			io->device = e->device;
			io->op = e->op == RECORDER_WRITE ? IO_WRITE :
				 e->op == RECORDER_ZERO ? IO_ZERO : IO_FLUSH;
			io->fua = e->flags & RECORDER_FUA;
			io->sector = e->sector;
			io->sectors = e->sectors;
			io->data = (void *)(e + 1);
			io->submit = nr_events;
			if (nr_ios == 1)
				first = e->id;
			if (e->id != first + nr_ios - 1)
				die("recorder's log is out of order");
			break;
		case RECORDER_COMPLETE:
			if (e->id < first || e->id - first >= nr_ios)
				die("recorder's log has an end without a beginning");
			ios[e->id - first].complete = nr_events;
			ios[e->id - first].failed = e->flags & RECORDER_ERROR;
			break;
		case RECORDER_MARK:
			found_mark(e->id);
			break;
		default:
			die("recorder's log is full: more log_mib is needed");
		}
	}
}

/* When each write could no longer be lost. */
static void find_durable(void)
{
	unsigned int i, j;

	for (i = 0; i < nr_ios; i++) {
		struct io *io = &ios[i];

		if (io->op == IO_FLUSH || io->failed || io->complete == NEVER)
			continue;
		if (io->fua)
			io->durable = io->complete;
		for (j = i + 1; j < nr_ios; j++)
			if (ios[j].op == IO_FLUSH && !ios[j].failed && ios[j].device == io->device &&
			    ios[j].submit > io->complete && ios[j].complete < io->durable)
				io->durable = ios[j].complete;
	}
}

/*
 * ---- dm-log-writes ----
 *
 * What is in the log was flushed, or had FUA: each entry is one event, at
 * which a write is sent, answered and durable. The log is complete once its
 * device has gone.
 */

static void read_log(uint64_t sector, uint64_t sectors, int fd, uint8_t *to)
{
	if (pread(fd, to, sectors * SECTOR, sector * SECTOR) != (ssize_t)(sectors * SECTOR))
		die("%s at %llu: %s", LOG, (unsigned long long)sector, strerror(errno));
}

static void read_log_writes(void)
{
	const struct log_super *super;
	const struct log_entry *e;
	uint64_t at = 1, left;
	uint8_t *to;
	int fd;

	fd = open(LOG, O_RDONLY | O_DIRECT);
	if (fd < 0)
		die("%s: %s", LOG, strerror(errno));
	free(raw);
	raw = to = allocate(64 << 20);
	read_log(0, 1, fd, to);
	super = (void *)to;
	if (super->magic != LOG_MAGIC || super->sectorsize != SECTOR)
		die("%s holds no log", LOG);
	left = super->nr_entries;
	for (; left--; nr_events++) {
		struct io *io;

		if (to - raw > 63 << 20)
			die("%s is too long", LOG);
		read_log(at++, 1, fd, to);
		e = (void *)to;
		to += SECTOR;
		if (e->flags & LOG_MARK) {
			uint64_t mark = strtoull((char *)(e + 1), NULL, 0);

			/* the last one is its own; before 0 the devices were filled */
			if (left && mark)
				found_mark(mark);
			else if (left)
				nr_ios = 0;
			continue;
		}
		if (!e->nr_sectors)
			continue;
		io = add_io();
		io->op = e->flags & LOG_DISCARD ? IO_ZERO : IO_WRITE;
		io->fua = e->flags & LOG_FUA;
		io->device = e->sector < opt.sectors[DISK] ? DISK : BUFFER;
		io->sector = e->sector - (io->device == DISK ? 0 : opt.sectors[DISK]);
		io->sectors = e->nr_sectors;
		io->data = to;
		io->submit = io->complete = io->durable = nr_events;
		if (io->op != IO_WRITE)
			continue;
		read_log(at, io->sectors, fd, to);
		at += io->sectors;
		to += io->sectors * SECTOR;
	}
	close(fd);
}

/* Ends the log and reads it. */
void events_end(void)
{
	nr_events = 0;
	nr_ios = 0;
	if (!opt.log_writes) {
		read_recorder();
		find_durable();
		return;
	}
	/* from here on it is recoveries */
	devices_remove();
	read_log_writes();
	opt.log_writes = false;
	devices_create();
	message(&devices[DISK], "pass", 0);
}
