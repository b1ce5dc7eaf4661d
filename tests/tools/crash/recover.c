// SPDX-License-Identifier: GPL-2.0
/*
 * Recovers what is on the devices with the module, and reads it through both
 * views.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"

struct mapped subject, inbound;

static struct mapped spare[3];

/*
 * The slabs of dm's bios are made for the first device of a kind and destroyed
 * with the last one, which takes longer than all else in a recovery: there is
 * always one more secondary, or primary.
 */
void recover_init(void)
{
	char params[64];

	if (dm_create(&spare[0], "spare-disk", opt.sectors[DISK], "recorder", "8") ||
	    dm_create(&spare[1], "spare-buffer", opt.sectors[nr_devices > REMOTE ? DISK : BUFFER], "recorder", "9"))
		die("no recorder");
	snprintf(params, sizeof(params), "%s %s %s", nr_devices > REMOTE ? "primary" : "secondary",
		 spare[0].number, spare[1].number);
	if (dm_create(&spare[2], "spare", opt.sectors[DISK], "replication", params))
		die("no %s", params);
}

void recover_exit(void)
{
	dm_remove(&spare[2]);
	dm_remove(&spare[1]);
	dm_remove(&spare[0]);
}

void found_init(struct found *found)
{
	size_t size = (size_t)opt.sectors[DISK] * SECTOR;

	found->data[INBOUND] = allocate(size);
	found->data[ACTIVE] = allocate(size);
	found->content = allocate(opt.sectors[DISK] * sizeof(*found->content));
	memset(found->content, 0, opt.sectors[DISK] * sizeof(*found->content));
}

/* Return: events of the secondary so far, for dm_wait(). */
uint32_t recover_status(struct found *found)
{
	char text[256];
	uint32_t event;

	event = dm_status(subject.name, text, sizeof(text));
	if (sscanf(text, "secondary %23s %" SCNu64 " %*s %*u %*u %" SCNu64, found->stage,
		   &found->epoch, &found->committed) != 3)
		die("cannot read status '%s'", text);
	found->state = !strcmp(found->stage, "none") ? STAGE_NONE :
		       !strcmp(found->stage, "running") ? STAGE_RUNNING : STAGE_PLAIN;
	return event;
}

static void read_view(const struct mapped *m, uint8_t *data)
{
	size_t size = (size_t)opt.sectors[DISK] * SECTOR;
	ssize_t n = pread(m->fd, data, size, 0);

	if (n != (ssize_t)size)
		die("reading %s: %s", m->name, n < 0 ? strerror(errno) : "short");
}

/**
 * recover() - create the secondary and its inbound view
 * @found: gets what they are and hold
 * @both: the inbound view too; it takes as long again
 *
 * Before a start there is only the inbound view to read from.
 *
 * Return: 0, or the errno with which the secondary was refused.
 */
int recover(struct found *found, bool both)
{
	char params[64], text[256];
	int error;

	snprintf(params, sizeof(params), "secondary %s %s", devices[DISK].number,
		 devices[BUFFER].number);
	error = dm_create(&subject, "sec", opt.sectors[DISK], "replication", params);
	if (error)
		return error;
	recover_status(found);
	found->both = both || found->state == STAGE_NONE;
	if (found->state != STAGE_NONE)
		read_view(&subject, found->data[ACTIVE]);
	if (!found->both)
		return 0;
	snprintf(params, sizeof(params), "inbound %s", subject.number);
	error = dm_create(&inbound, "in", opt.sectors[DISK], "replication", params);
	if (error)
		die("the inbound view cannot be created: %s", strerror(error));
	dm_status(inbound.name, text, sizeof(text));
	found->closed = strstr(text, " closed");
	if (!found->closed)
		read_view(&inbound, found->data[INBOUND]);
	return 0;
}

void recover_remove(const struct found *found)
{
	if (found->both)
		dm_remove(&inbound);
	dm_remove(&subject);
}
