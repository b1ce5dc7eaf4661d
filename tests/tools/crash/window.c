// SPDX-License-Identifier: GPL-2.0
/*
 * What a primary was doing when power was lost, as far as its log shows it.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "crash.h"

/* where a sector has its marks, and of how many regions; see format_log.h */
#define MARKS_OFFSET	32
#define MARKS_BYTES	480
#define FIRST_MARKS	16

/* Power is lost after an event from @first on, and before @last. */
static struct {
	enum window window;
	size_t first, last;
} *found;
static unsigned int nr_found;

static void add(enum window window, size_t first, size_t last)
{
	found = realloc(found, (nr_found + 1) * sizeof(*found));
	if (!found)
		die("out of memory");
	found[nr_found].window = window;
	found[nr_found].first = first + 1;
	found[nr_found++].last = last;
}

/* When the first write to @region comes that was sent after @time, to either leg. */
static size_t first_write(size_t time, uint32_t region)
{
	unsigned int i;

	for (i = 0; i < nr_ios; i++)
		if (ios[i].submit > time && ios[i].device != LOG && ios[i].op != IO_FLUSH &&
		    ios[i].sector / opt.region == region)
			return ios[i].submit;
	return time;
}

/* Until when marks may be lost that were not written with FUA. */
static size_t lost_until(const struct io *io)
{
	unsigned int i;

	for (i = io - ios + 1; i < nr_ios; i++)
		if (is_summary(&ios[i]) && ios[i].sector == io->sector)
			return ios[i].complete;
	return io->durable;
}

/* What these marks change, and when what has waited for them was sent. */
static void find_marks(const struct io *io, uint8_t *before)
{
	bool sets = false, clears = false;
	size_t used = NEVER, time;
	uint32_t i, bit;

	for (i = 0; i < io->sectors * MARKS_BYTES; i++) {
		const uint8_t *data = io->data + i / MARKS_BYTES * SECTOR + MARKS_OFFSET;
		uint8_t now = data[i % MARKS_BYTES];
		uint8_t *was = before + (size_t)(io->sector - FIRST_MARKS) * MARKS_BYTES + i;

		clears |= *was & ~now;
		for (bit = 0; bit < 8; bit++) {
			if (!((now & ~*was) >> bit & 1))
				continue;
			sets = true;
			time = first_write(io->complete,
					   ((io->sector - FIRST_MARKS) * MARKS_BYTES + i) * 8 + bit);
			if (time < used)
				used = time;
		}
		*was = now;
	}
	if (sets) {
		add(MARKING, io->submit, io->complete);
		if (used != NEVER && used > io->complete)
			add(MARKED, io->complete, used);
	}
	if (clears)
		add(CLEARING, io->submit, lost_until(io));
}

/* Before the first image_build() after a log. */
void windows_find(void)
{
	static const uint8_t zeroes[SECTOR];
	uint32_t sectors = opt.sectors[LOG] - FIRST_MARKS, i;
	uint8_t *marks = allocate((size_t)sectors * MARKS_BYTES);
	bool fresh = !memcmp(image[LOG], zeroes, SECTOR);
	size_t begun = NEVER;
	writer_t op;

	nr_found = 0;
	for (i = 0; i < sectors; i++)
		memcpy(marks + i * MARKS_BYTES,
		       image[LOG] + (FIRST_MARKS + i) * SECTOR + MARKS_OFFSET, MARKS_BYTES);
	for (i = 0; i < nr_ios; i++) {
		const struct io *io = &ios[i];

		if (io->device != LOG)
			continue;
		if (begun == NEVER)
			begun = io->submit;
		if (is_super(io) && fresh && !io->sector) {
			/* from then on it is valid */
			add(FORMATTING, begun, io->complete);
			fresh = false;
		} else if (is_super(io) && !fresh) {
			add(NOTING, io->submit, io->complete);
		} else if (is_summary(io)) {
			unsigned int n = nr_found;

			find_marks(io, marks);
			if (fresh)
				nr_found = n;
		}
	}
	for (op = 1; op <= nr_ops; op++) {
		if (!ops[op].begin)
			continue;
		if (ops[op].kind == OP_RESYNC)
			add(RESYNC, ops[op].begin, ops[op].end);
		else if (ops[op].kind == OP_CHECKPOINT)
			add(CUT, ops[op].begin, ops[op].end);
	}
	free(marks);
}

/* Return: a time in one of the windows that is not a resync or a checkpoint. */
size_t windows_any(void)
{
	unsigned int i, n = 0;
	size_t last;

	for (i = 0; i < nr_found; i++)
		n += found[i].window < RESYNC;
	if (!n)
		return random_below(nr_events + 1);
	n = random_below(n);
	for (i = 0; found[i].window >= RESYNC || n--; i++)
		;
	last = found[i].last < nr_events ? found[i].last : nr_events;
	return found[i].first + random_below(last + 1 - found[i].first);
}

/* Return: how many there are. */
unsigned int windows_count(enum window window)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr_found; i++)
		n += found[i].window == window;
	return n;
}

/* Return: the windows that @time is in, a bit for each. */
unsigned int windows_at(size_t time)
{
	unsigned int i, mask = 0;

	for (i = 0; i < nr_found; i++)
		if (time >= found[i].first && time <= found[i].last)
			mask |= 1 << found[i].window;
	return mask;
}
