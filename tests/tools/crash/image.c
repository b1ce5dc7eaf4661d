// SPDX-License-Identifier: GPL-2.0
/*
 * What a loss of power leaves: of each device what could no longer be lost,
 * and of what could, any part.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"

uint8_t *image[DEVICES];
struct choice *choices;
uint8_t *remote_older[2];
int remote_base = -1;

static uint8_t *first[DEVICES];		/* before the first event */
static struct io **order;		/* in which they get to the media */
static unsigned int nr_order;

static int fd_of(unsigned int device)
{
	return devices[device].fd;
}

static size_t size_of(unsigned int device)
{
	return (size_t)opt.sectors[device] * SECTOR;
}

/* What is on the devices now is there when the log begins; it is the image too. */
void image_remember(void)
{
	unsigned int i;

	for (i = 0; i < nr_devices; i++) {
		if (!first[i]) {
			first[i] = allocate(size_of(i));
			image[i] = allocate(size_of(i));
		}
		if (pread(fd_of(i), first[i], size_of(i), 0) != (ssize_t)size_of(i))
			die("reading device %u: %s", i, strerror(errno));
		memcpy(image[i], first[i], size_of(i));
	}
}

/* What was in flight at the same time gets there in the order it was answered. */
static int by_completion(const void *a, const void *b)
{
	const struct io *x = *(struct io *const *)a, *y = *(struct io *const *)b;

	if (x->complete != y->complete)
		return x->complete < y->complete ? -1 : 1;
	return x->submit < y->submit ? -1 : x->submit > y->submit;
}

/* For a new log: all that may be lost is. */
void choices_reset(void)
{
	unsigned int i;

	free(order);
	free(choices);
	order = allocate((nr_ios + 1) * sizeof(*order));
	choices = allocate((nr_ios + 1) * sizeof(*choices));
	memset(choices, 0, (nr_ios + 1) * sizeof(*choices));
	for (i = 0; i < nr_ios; i++)
		order[i] = &ios[i];
	nr_order = nr_ios;
	qsort(order, nr_order, sizeof(*order), by_completion);
}

static bool kept(const struct choice *c, uint32_t sector, uint32_t sectors)
{
	switch (c->part) {
	case PART_NONE:
		return false;
	case PART_ALL:
		return true;
	case PART_FIRST:
		return sector < c->sectors;
	case PART_LAST:
		return sector >= sectors - c->sectors;
	default:
		return c->sectors >> sector % 32 & 1;
	}
}

static void apply(const struct io *io, const struct choice *c)
{
	uint8_t *to = image[io->device] + (size_t)io->sector * SECTOR;
	uint32_t i;

	if (c->part == PART_BYTES) {
		memcpy(to, io->data, c->sectors);
		return;
	}
	for (i = 0; c->part != PART_NONE && i < io->sectors; i++) {
		if (!kept(c, i, io->sectors))
			continue;
		if (io->op == IO_WRITE)
			memcpy(to + i * SECTOR, io->data + i * SECTOR, SECTOR);
		else
			memset(to + i * SECTOR, 0, SECTOR);
	}
}

/* What is kept of a write, when power is lost at this time. */
static const struct choice *choice_of(const struct io *io, size_t time)
{
	static const struct choice all = { PART_ALL, 0 }, none = { PART_NONE, 0 };

	if (io->op == IO_FLUSH || io->failed || io->submit >= time)
		return &none;
	/* it has a time of its own */
	if (io->device == REMOTE)
		return &choices[io - ios];
	return io->durable < time ? &all : &choices[io - ios];
}

/**
 * image_key() - a number for an image
 * @time: see image_build()
 *
 * Return: not the same for images that differ.
 */
uint64_t image_key(size_t time)
{
	uint64_t key = 2 + remote_base;
	unsigned int i;

	for (i = 0; i < nr_order; i++) {
		const struct choice *c = choice_of(order[i], time);

		if (c->part == PART_NONE)
			continue;
		key ^= (order[i] - ios) ^ (uint64_t)c->part << 32 ^ (uint64_t)c->sectors << 35;
		key *= UINT64_C(0x9e3779b97f4a7c15);
		key ^= key >> 29;
	}
	return key;
}

/**
 * image_build() - make the image that a loss of power leaves
 * @time: events that had happened
 *
 * What becomes of writes that may be lost is in choices[].
 */
void image_build(size_t time)
{
	unsigned int i;

	for (i = 0; i < nr_devices; i++)
		memcpy(image[i], i == REMOTE && remote_base >= 0 ? remote_older[remote_base] :
		       first[i], size_of(i));
	for (i = 0; i < nr_order; i++)
		apply(order[i], choice_of(order[i], time));
}

/**
 * image_older() - what the remote leg may fall back to beyond the log's begin
 * @before: its content at the last checkpoint but one
 * @last: its content at the last checkpoint; either may be image[REMOTE]
 */
void image_older(const uint8_t *before, const uint8_t *last)
{
	uint8_t *copy = allocate(size_of(REMOTE));
	unsigned int i;

	memcpy(copy, before, size_of(REMOTE));
	for (i = 0; i < 2; i++)
		if (!remote_older[i])
			remote_older[i] = allocate(size_of(REMOTE));
	memcpy(remote_older[1], last, size_of(REMOTE));
	memcpy(remote_older[0], copy, size_of(REMOTE));
	free(copy);
}

/* Onto the devices, of which nobody is above now. */
void image_load(void)
{
	unsigned int i;

	for (i = 0; i < nr_devices; i++)
		if (pwrite(fd_of(i), image[i], size_of(i), 0) != (ssize_t)size_of(i))
			die("writing device %u: %s", i, strerror(errno));
}
