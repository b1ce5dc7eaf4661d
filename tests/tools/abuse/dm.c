// SPDX-License-Identifier: GPL-2.0
/*
 * Device mapper's ioctls, without a process for each, from any thread; and what
 * the kernel had to say.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "abuse.h"

union request {
	struct dm_ioctl io;
	char bytes[sizeof(struct dm_ioctl) + sizeof(struct dm_target_spec) + TEXT];
};

static int control = -1, kmsg = -1;

static void open_control(void)
{
	control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		die("/dev/mapper/control: %s", strerror(errno));
}

static int dm_ioctl(unsigned long cmd, union request *q, const char *name, unsigned int flags)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, open_control);
	q->io.version[0] = DM_VERSION_MAJOR;
	q->io.data_size = sizeof(*q);
	q->io.data_start = sizeof(q->io);
	q->io.flags = flags;
	snprintf(q->io.name, sizeof(q->io.name), "%s", name);
	return ioctl(control, cmd, q) ? errno : 0;
}

static void *payload(union request *q)
{
	return q->bytes + sizeof(q->io);
}

static void path_of(const char *name, char *path, size_t size)
{
	snprintf(path, size, "/dev/mapper/%s", name);
}

/* There is no udev: tables and dmsetup look for it where it would be. */
int dm_create(const char *name)
{
	union request q = { };
	char path[64];
	int error = dm_ioctl(DM_DEV_CREATE, &q, name, 0);

	path_of(name, path, sizeof(path));
	if (!error && mknod(path, S_IFBLK | 0600, q.io.dev))
		die("%s: %s", path, strerror(errno));
	return error;
}

int dm_remove(const char *name)
{
	union request q = { };
	char path[64];
	int error = dm_ioctl(DM_DEV_REMOVE, &q, name, 0);

	path_of(name, path, sizeof(path));
	if (!error)
		unlink(path);
	return error;
}

int dm_load(const char *name, uint64_t sectors, const char *type, const char *params)
{
	union request q = { };
	struct dm_target_spec *spec = payload(&q);

	q.io.target_count = 1;
	spec->length = sectors;
	snprintf(spec->target_type, sizeof(spec->target_type), "%s", type);
	snprintf((char *)(spec + 1), TEXT, "%s", params);
	return dm_ioctl(DM_TABLE_LOAD, &q, name, 0);
}

int dm_clear(const char *name)
{
	union request q = { };

	return dm_ioctl(DM_TABLE_CLEAR, &q, name, 0);
}

int dm_suspend(const char *name, bool noflush)
{
	union request q = { };

	return dm_ioctl(DM_DEV_SUSPEND, &q, name,
			DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG | (noflush ? DM_NOFLUSH_FLAG : 0));
}

int dm_resume(const char *name)
{
	union request q = { };

	/* without the flag it is this */
	return dm_ioctl(DM_DEV_SUSPEND, &q, name, 0);
}

/* @reply may be NULL */
int dm_message(const char *name, const char *text, char *reply)
{
	union request q = { };
	struct dm_target_msg *message = payload(&q);
	int error;

	snprintf(message->message, TEXT, "%s", text);
	error = dm_ioctl(DM_TARGET_MSG, &q, name, 0);
	if (reply)
		snprintf(reply, TEXT, "%s", !error && q.io.flags & DM_DATA_OUT_FLAG ?
			 (char *)payload(&q) : "");
	return error;
}

static int ask_table(const char *name, unsigned int flags, char *text, uint32_t *events)
{
	union request q = { };
	struct dm_target_spec *spec = payload(&q);
	int error = dm_ioctl(DM_TABLE_STATUS, &q, name, flags);

	*text = '\0';
	if (error)
		return error;
	if (q.io.target_count)
		snprintf(text, TEXT, "%s", (char *)(spec + 1));
	if (events)
		*events = q.io.event_nr;
	return 0;
}

int dm_status(const char *name, char *text, uint32_t *events)
{
	return ask_table(name, DM_NOFLUSH_FLAG, text, events);
}

int dm_table(const char *name, bool inactive, char *text)
{
	return ask_table(name, DM_STATUS_TABLE_FLAG | DM_NOFLUSH_FLAG |
			 (inactive ? DM_QUERY_INACTIVE_TABLE_FLAG : 0), text, NULL);
}

int dm_wait(const char *name, uint32_t event)
{
	union request q = { };

	q.io.event_nr = event;
	return dm_ioctl(DM_DEV_WAIT, &q, name, 0);
}

int dm_info(const char *name, unsigned int *opens, bool *inactive, uint64_t *number)
{
	union request q = { };
	int error = dm_ioctl(DM_DEV_STATUS, &q, name, 0);

	*opens = q.io.open_count;
	*inactive = q.io.flags & DM_INACTIVE_PRESENT_FLAG;
	*number = q.io.dev;
	return error;
}

/* Return: a descriptor, or a negative errno. */
int dm_open(const char *name, int flags)
{
	unsigned int opens;
	bool inactive;
	uint64_t number;
	char path[32];
	int error = dm_info(name, &opens, &inactive, &number);
	int fd;

	if (error)
		return -error;
	snprintf(path, sizeof(path), "/dev/dm-%u", minor(number));
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* What is said from here on is looked at by log_has(). */
void log_begin(void)
{
	if (kmsg < 0)
		kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0)
		die("/dev/kmsg: %s", strerror(errno));
	lseek(kmsg, 0, SEEK_END);
}

/* Is there a line with @a, and @b behind it, and something behind that? */
bool log_has(const char *a, const char *b)
{
	char record[TEXT], *at;
	bool found = false;
	ssize_t n;

	for (;;) {
		n = read(kmsg, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return found;
		record[n] = '\0';
		at = strstr(record, a);
		at = at ? strstr(at + strlen(a), b) : NULL;
		if (at && strlen(at) > strlen(b) + 1)
			found = true;
	}
}

static void write_expedited(const char *yes)
{
	int fd = open("/sys/kernel/rcu_expedited", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, yes, 1) != 1)
		printf("rcu_expedited: %s\n", strerror(errno));
	close(fd);
}

static void calm_down(void)
{
	write_expedited("0");
}

/* Tables come and go quickly where nobody waits for the end of a grace period. */
void expedite(void)
{
	write_expedited("1");
	atexit(calm_down);
}
