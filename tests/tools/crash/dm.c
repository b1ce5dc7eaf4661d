// SPDX-License-Identifier: GPL-2.0
/*
 * Device mapper's ioctls, without a process for each: there are thousands.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "crash.h"

#define REMOVE_TRIES	2000

union request {
	struct dm_ioctl io;
	char bytes[16384];
};

static int control = -1;

/* The errno of a failure is left to the caller. */
static int dm_ioctl(unsigned long cmd, union request *q, const char *name)
{
	if (control < 0) {
		control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
		if (control < 0)
			die("/dev/mapper/control: %s", strerror(errno));
	}
	q->io.version[0] = DM_VERSION_MAJOR;
	q->io.data_size = sizeof(*q);
	q->io.data_start = sizeof(q->io);
	snprintf(q->io.name, sizeof(q->io.name), "%s", name);
	return ioctl(control, cmd, q) ? errno : 0;
}

static void *payload(union request *q)
{
	return q->bytes + sizeof(q->io);
}

static void remove_name(const char *name)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	unsigned int tries = 0;
	int error;

	do {
		union request q = { };

		error = dm_ioctl(DM_DEV_REMOVE, &q, name);
		/* whoever had it open may be about to let go */
		if (error == EBUSY)
			nanosleep(&pause, NULL);
	} while (error == EBUSY && tries++ < REMOVE_TRIES);
	if (error)
		die("cannot remove %s: %s", name, strerror(error));
}

/* Return: 0 or the errno with which it was refused; then there is no device. */
int dm_create(struct mapped *m, const char *name, uint64_t sectors, const char *type,
	      const char *params)
{
	union request q = { };
	struct dm_target_spec *spec = payload(&q);
	char path[32];
	int error;

	error = dm_ioctl(DM_DEV_CREATE, &q, name);
	if (error)
		die("cannot create %s: %s", name, strerror(error));
	snprintf(m->name, sizeof(m->name), "%s", name);
	snprintf(m->number, sizeof(m->number), "%u:%u", major(q.io.dev), minor(q.io.dev));
	snprintf(path, sizeof(path), "/dev/dm-%u", minor(q.io.dev));

	memset(&q, 0, sizeof(q));
	q.io.target_count = 1;
	spec->length = sectors;
	snprintf(spec->target_type, sizeof(spec->target_type), "%s", type);
	snprintf((char *)(spec + 1), 512, "%s", params);
	error = dm_ioctl(DM_TABLE_LOAD, &q, name);
	if (!error) {
		memset(&q, 0, sizeof(q));
		error = dm_ioctl(DM_DEV_SUSPEND, &q, name);	/* resumes */
	}
	if (error) {
		remove_name(name);
		return error;
	}
	m->fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (m->fd < 0)
		die("%s, %s: %s", name, path, strerror(errno));
	return 0;
}

void dm_remove(struct mapped *m)
{
	close(m->fd);
	m->fd = -1;
	remove_name(m->name);
}

int dm_message(const char *name, const char *text)
{
	union request q = { };
	struct dm_target_msg *message = payload(&q);

	snprintf(message->message, 512, "%s", text);
	return dm_ioctl(DM_TARGET_MSG, &q, name);
}

/* With an answer. */
int dm_ask(const char *name, const char *text, char *reply, size_t size)
{
	union request q = { };
	struct dm_target_msg *message = payload(&q);
	int error;

	snprintf(message->message, 512, "%s", text);
	error = dm_ioctl(DM_TARGET_MSG, &q, name);
	if (!error && q.io.flags & DM_BUFFER_FULL_FLAG)
		error = ENOSPC;
	*reply = '\0';
	if (!error && q.io.flags & DM_DATA_OUT_FLAG)
		snprintf(reply, size, "%s", (char *)payload(&q));
	return error;
}

/* The target's words. Return: the number of events so far. */
uint32_t dm_status(const char *name, char *text, size_t size)
{
	union request q = { };
	struct dm_target_spec *spec = payload(&q);
	int error;

	q.io.flags = DM_NOFLUSH_FLAG;
	error = dm_ioctl(DM_TABLE_STATUS, &q, name);
	if (error)
		die("status of %s: %s", name, strerror(error));
	snprintf(text, size, "%s", (char *)(spec + 1));
	return q.io.event_nr;
}

void dm_wait(const char *name, uint32_t event)
{
	union request q = { };
	int error;

	q.io.event_nr = event;
	error = dm_ioctl(DM_DEV_WAIT, &q, name);
	if (error)
		die("waiting for %s: %s", name, strerror(error));
}
