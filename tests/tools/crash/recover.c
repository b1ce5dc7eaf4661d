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

struct mapped secondary, inbound;

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

	event = dm_status(secondary.name, text, sizeof(text));
	if (sscanf(text, "secondary %23s %" SCNu64, found->stage, &found->epoch) != 2)
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
 */
void recover(struct found *found)
{
	char params[64], text[256];
	int error;

	snprintf(params, sizeof(params), "secondary %s %s", disk.number, buffer.number);
	error = dm_create(&secondary, "sec", opt.sectors[DISK], "replication", params);
	if (error)
		die("the secondary cannot be created: %s", strerror(error));
	snprintf(params, sizeof(params), "inbound %s", secondary.number);
	error = dm_create(&inbound, "in", opt.sectors[DISK], "replication", params);
	if (error)
		die("the inbound view cannot be created: %s", strerror(error));
	recover_status(found);
	dm_status(inbound.name, text, sizeof(text));
	found->closed = strstr(text, " closed");
	if (found->state != STAGE_NONE)
		read_view(&secondary, found->data[ACTIVE]);
	if (!found->closed)
		read_view(&inbound, found->data[INBOUND]);
}

void recover_remove(void)
{
	dm_remove(&inbound);
	dm_remove(&secondary);
}
