// SPDX-License-Identifier: GPL-2.0
/*
 * faultnth - one operation of device mapper, with each of its allocations failing
 *
 *	faultnth [-u COMMAND] load NAME TABLE
 *	faultnth [-u COMMAND] resume NAME
 *	faultnth [-u COMMAND] message NAME WORD...
 *
 * Does it again and again: the first time the first allocation fails that the
 * kernel makes on our behalf, the second time the second one, until there are no
 * more, and it succeeds as it does in peace. An attempt that fails must do so
 * with ENOMEM, and leave all as it was: no table that was not there, no device
 * that goes on, the same status. One that succeeds without its allocation is
 * fine too; COMMAND undoes it (a load is undone without). With SAMPLE=N in the
 * environment the first ones fail, and of the others one in N.
 *
 * Prints how many attempts failed, how many did without, and the last reply.
 * Which allocations can fail is for the caller to set up, in debugfs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/tools/sample.h"

/* that many fail in any case */
#define FIRST		4
/* more than that is an endless loop */
#define MOST	20000

union request {
	struct dm_ioctl io;
	char bytes[16384];
};

struct operation {
	unsigned long cmd;
	const char *name;
	union request arguments;
};

static int control, nth;

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "faultnth: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

static void *payload(union request *q)
{
	return q->bytes + sizeof(q->io);
}

static void prepare(union request *q, const char *name)
{
	memset(q, 0, sizeof(*q));
	q->io.version[0] = DM_VERSION_MAJOR;
	q->io.data_size = sizeof(*q);
	q->io.data_start = sizeof(q->io);
	snprintf(q->io.name, sizeof(q->io.name), "%s", name);
}

/* What user space sees of a device; the text is "" without a live table. */
static unsigned int look(const char *name, char *text, size_t size)
{
	union request q;
	struct dm_target_spec *spec = payload(&q);

	prepare(&q, name);
	q.io.flags = DM_NOFLUSH_FLAG;
	if (ioctl(control, DM_TABLE_STATUS, &q))
		die("%s: status: %s", name, strerror(errno));
	snprintf(text, size, "%s", q.io.target_count ? (char *)(spec + 1) : "");
	return q.io.flags & (DM_SUSPEND_FLAG | DM_INACTIVE_PRESENT_FLAG);
}

static void drop_table(const char *name)
{
	union request q;

	prepare(&q, name);
	if (ioctl(control, DM_TABLE_CLEAR, &q))
		die("%s: clear: %s", name, strerror(errno));
}

static void parse_table(union request *q, const char *table)
{
	struct dm_target_spec *spec = payload(q);
	unsigned long long start, length;
	char *text = (char *)(spec + 1);
	int rest;

	if (sscanf(table, "%llu %llu %15s %n", &start, &length,
		   spec->target_type, &rest) != 3)
		die("no table: '%s'", table);
	spec->sector_start = start;
	spec->length = length;
	spec->next = sizeof(*spec) + strlen(table + rest) + 1;
	strcpy(text, table + rest);
	q->io.target_count = 1;
}

static void parse(struct operation *o, char **argv)
{
	struct dm_target_msg *msg = payload(&o->arguments);

	o->name = argv[1];
	prepare(&o->arguments, o->name);
	if (!strcmp(argv[0], "load") && argv[2]) {
		o->cmd = DM_TABLE_LOAD;
		parse_table(&o->arguments, argv[2]);
	} else if (!strcmp(argv[0], "resume")) {
		o->cmd = DM_DEV_SUSPEND;
	} else if (!strcmp(argv[0], "message") && argv[2]) {
		o->cmd = DM_TARGET_MSG;
		for (argv += 2; *argv; argv++) {
			strcat(msg->message, *argv);
			if (argv[1])
				strcat(msg->message, " ");
		}
	} else {
		die("load, resume or message?");
	}
}

/* Return: what the ioctl did; *met: there was an n-th allocation. */
static int attempt(const struct operation *o, unsigned int n, union request *q,
		   int *met)
{
	char text[16];
	ssize_t len;
	int error;

	memcpy(q, &o->arguments, sizeof(*q));
	len = snprintf(text, sizeof(text), "%u", n);
	if (pwrite(nth, text, len, 0) != len)
		die("fail-nth: %s", strerror(errno));
	error = ioctl(control, o->cmd, q) ? errno : 0;
	len = pread(nth, text, sizeof(text) - 1, 0);
	if (len <= 0 || pwrite(nth, "0", 1, 0) != 1)
		die("fail-nth: %s", strerror(errno));
	text[len] = '\0';
	*met = !atoi(text);
	return error;
}

/* It failed: is all as it was? */
static void check(const struct operation *o, unsigned int n, unsigned int flags,
		  const char *before)
{
	char after[1024];
	unsigned int now = look(o->name, after, sizeof(after));

	switch (o->cmd) {
	case DM_TABLE_LOAD:
		if (now != flags)
			die("allocation %u: a load that failed left a table", n);
		break;
	case DM_DEV_SUSPEND:
		if (!(now & DM_SUSPEND_FLAG))
			die("allocation %u: a resume that failed resumed", n);
		return;
	}
	if (strcmp(before, after))
		die("allocation %u: the status was '%s', and is '%s'", n, before,
		    after);
}

static void undo(const struct operation *o, const char *command)
{
	if (o->cmd == DM_TABLE_LOAD)
		drop_table(o->name);
	if (command && system(command))
		die("'%s' failed", command);
}

int main(int argc, char **argv)
{
	unsigned int n, flags, failed = 0, without = 0;
	const char *command = NULL;
	struct operation o;
	char before[1024];
	union request q;
	int error, met;

	if (argc > 3 && !strcmp(argv[1], "-u")) {
		command = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 3)
		die("see the head of the source");
	control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (control < 0 || nth < 0)
		die("device mapper or fail-nth: %s", strerror(errno));
	parse(&o, argv + 1);

	for (n = 1; n < MOST; n++) {
		if (n > FIRST && !sampled(n))
			continue;
		flags = look(o.name, before, sizeof(before));
		error = attempt(&o, n, &q, &met);
		if (!met)
			break;
		if (!error) {
			without++;
			undo(&o, command);
			continue;
		}
		if (error != ENOMEM)
			die("allocation %u: %s", n, strerror(error));
		failed++;
		check(&o, n, flags, before);
	}
	if (error || n == MOST)
		die("after %u allocations: %s", n - 1, strerror(error));
	printf("%u failed, %u did without%s%s\n", failed, without,
	       q.io.flags & DM_DATA_OUT_FLAG ? ": " : "",
	       q.io.flags & DM_DATA_OUT_FLAG ? (char *)payload(&q) : "");
	return 0;
}
