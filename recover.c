// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recovery: from a superblock to the layer that it commits.
 *
 * The chain is walked from the newest summary to the oldest, entries from the
 * last to the first, and each fills what the newer ones have left open. So
 * nothing but the map itself and one block is in memory, and a second tree
 * that knows whose each place is: a sector that is claimed twice is damage.
 * Nothing is written, so a recovery that is cut off leaves no trace.
 *
 * The sequence falls from summary to summary and no two may overlap, so the
 * walk ends after at most as many blocks as the buffer has. A third tree has
 * what is no longer open, in as few ranges as there can be: what an entry goes
 * through there is one range afterwards. So the time that the walk takes does
 * not grow with the number of entries times that of mappings.
 */
#include <linux/bitmap.h>
#include <linux/maple_tree.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "core.h"
#include "samples.h"
#include "secondary.h"

/**
 * struct recovery - a recovery under way
 * @b: the buffer
 * @l: gets the mappings
 * @claims: by place: a value that tells what is there
 * @known: by sector: what @l says something of
 * @used: a bit for each segment
 * @block: the summary that is read
 * @run: entries that continue each other, not yet in @l
 * @run_last: the last sector of it; @run.sectors is not used
 * @open: there is a @run
 * @why: gets the reason of an error
 * @size: of it in bytes
 */
struct recovery {
	struct buffer *b;
	struct layer *l;
	struct maple_tree claims;
	struct maple_tree known;
	unsigned long *used;
	struct format_summary *block;
	struct format_range run;
	sector_t run_last;
	bool open;
	char *why;
	size_t size;
};

#define CLAIM_SUMMARY	xa_mk_value(0)
#define KNOWN		xa_mk_value(0)
#define CLAIM_BIAS	(1LL << 60)

/* The same claim all over a range whose sectors lie in a row in the buffer. */
static void *claim_data(sector_t sector, sector_t place)
{
	return xa_mk_value(CLAIM_BIAS + place - sector);
}

/*
 * Notes what lies in a place. A write that was sent twice at a time is listed
 * twice; other than that a place has one owner.
 */
static int claim(struct recovery *rec, sector_t first, sector_t sectors,
		 void *value)
{
	MA_STATE(mas, &rec->claims, first, first);
	sector_t at = first, last = first + sectors - 1, end;
	unsigned int pieces;
	int error = 0;
	void *owner;

	mtree_lock(&rec->claims);
	for (pieces = 1;; pieces++) {
		mas_set(&mas, at);
		owner = mas_walk(&mas);
		end = min_t(sector_t, mas.last, last);
		if (owner && (owner != value || value == CLAIM_SUMMARY)) {
			scnprintf(rec->why, rec->size,
				  "The buffer is damaged: sector %llu is claimed twice",
				  (unsigned long long)at);
			error = -EUCLEAN;
		} else if (!owner) {
			mas_set_range(&mas, at, end);
			error = mas_store_gfp(&mas, value, GFP_NOIO);
			if (error)
				scnprintf(rec->why, rec->size, "Out of memory");
		}
		if (error || end == last)
			break;
		at = end + 1;
	}
	/* one from now on, for who claims it again and again */
	if (!error && pieces > 1) {
		mas_set_range(&mas, first, last);
		error = mas_store_gfp(&mas, value, GFP_NOIO);
		if (error)
			scnprintf(rec->why, rec->size, "Out of memory");
	}
	mtree_unlock(&rec->claims);
	if (!error) {
		at = first - FORMAT_FIRST_SEGMENT;
		end = last - FORMAT_FIRST_SEGMENT;
		do_div(at, rec->b->format.segment_sectors);
		do_div(end, rec->b->format.segment_sectors);
		bitmap_set(rec->used, at, end - at + 1);
	}
	return error;
}

/* Is a sector known? The range of which that is true as well is in @mas. */
static bool is_known(struct recovery *rec, struct ma_state *mas, sector_t sector)
{
	bool known;

	mtree_lock(&rec->known);
	mas_set(mas, sector);
	known = mas_walk(mas);
	mtree_unlock(&rec->known);
	return known;
}

/* All of a range is known now, and is one range with what it touches. */
static int make_known(struct recovery *rec, sector_t first, sector_t last)
{
	MA_STATE(mas, &rec->known, 0, 0);
	int error;

	if (first && is_known(rec, &mas, first - 1))
		first = mas.index;
	if (is_known(rec, &mas, last + 1))
		last = mas.last;
	mtree_lock(&rec->known);
	mas_set_range(&mas, first, last);
	error = mas_store_gfp(&mas, KNOWN, GFP_NOIO);
	mtree_unlock(&rec->known);
	return error;
}

/* Maps what newer entries have left open of a run. */
static int map_run(struct recovery *rec)
{
	MA_STATE(mas, &rec->known, 0, 0);
	const struct format_range *run = &rec->run;
	sector_t at, end;
	int error = 0;

	for (at = run->sector; !error && at <= rec->run_last; at = end + 1) {
		bool known = is_known(rec, &mas, at);

		end = min_t(sector_t, mas.last, rec->run_last);
		if (!known)
			error = layer_restore(rec->l, at, end, run->kind,
					      run->place + at - run->sector);
	}
	return error ?: make_known(rec, run->sector, rec->run_last);
}

/* Moves the run to the map. */
static int close_run(struct recovery *rec)
{
	struct format_range *run = &rec->run;
	sector_t sectors = rec->run_last - run->sector + 1;
	int error = 0;

	if (!rec->open)
		return 0;
	rec->open = false;
	if (run->kind == FORMAT_DATA)
		error = claim(rec, run->place, sectors,
			      claim_data(run->sector, run->place));
	if (error)
		return error;
	error = map_run(rec);
	if (error)
		scnprintf(rec->why, rec->size, "Out of memory");
	return error;
}

/* Adds an entry that is older than the run. */
static int take_entry(struct recovery *rec, const struct format_range *range)
{
	struct format_range *run = &rec->run;
	int error;

	if (rec->open && range->kind == run->kind &&
	    range->sector + range->sectors == run->sector &&
	    (run->kind != FORMAT_DATA ||
	     range->place + range->sectors == run->place)) {
		run->sector = range->sector;
		run->place = range->place;
		return 0;
	}
	error = close_run(rec);
	if (error)
		return error;
	*run = *range;
	rec->run_last = range->sector + range->sectors - 1;
	rec->open = true;
	return 0;
}

/* Takes in the summary that @id points to; then it points to the one before. */
static int take_summary(struct recovery *rec, struct summary_id *id)
{
	struct format_summary *block = rec->block;
	struct format_range range;
	char wrong[128];
	u32 i;
	int error;

	error = buffer_block_io(rec->b, REQ_OP_READ | REQ_META, id->place, block);
	if (error) {
		scnprintf(rec->why, rec->size,
			  "Cannot read the buffer at sector %llu: error %d",
			  (unsigned long long)id->place, error);
		return error;
	}
	if (!format_summary_check(block, &rec->b->format, id, wrong,
				  sizeof(wrong))) {
		scnprintf(rec->why, rec->size,
			  "The buffer is damaged: summary at sector %llu: %s",
			  (unsigned long long)id->place, wrong);
		return -EUCLEAN;
	}
	error = claim(rec, id->place, FORMAT_BLOCK_SECTORS, CLAIM_SUMMARY);
	for (i = le32_to_cpu(block->entries); i-- && !error; ) {
		format_entry_decode(&block->entry[i], &range);
		if (range.kind != FORMAT_VOID)
			error = take_entry(rec, &range);
	}
	format_summary_previous(block, id);
	return error;
}

static int walk_chain(struct recovery *rec)
{
	struct format_state *state = &rec->b->state;
	struct summary_id id = state->newest;
	int error = 0;

	while (!error && format_chain_goes_on(&id, state->merged_epoch)) {
		error = take_summary(rec, &id);
		if (!error && fatal_signal_pending(current)) {
			scnprintf(rec->why, rec->size, "Recovery was killed");
			error = -EINTR;
		}
		cond_resched();
	}
	if (!error)
		error = close_run(rec);
	if (!error) {
		error = layer_restored(rec->l);
		if (error)
			scnprintf(rec->why, rec->size, "Out of memory");
	}
	return error;
}

/**
 * recover_layer() - find what a buffer has committed
 * @b: the buffer, just opened
 * @l: a new layer; gets the mappings and the segments
 * @why: gets the reason of an error
 * @size: of @why in bytes
 *
 * Writes nothing. After an error the buffer is to be closed.
 *
 * Context: process, sleeps; can be killed.
 * Return: 0, -EUCLEAN when the buffer is damaged, or another negative errno.
 */
int recover_layer(struct buffer *b, struct layer *l, char *why, size_t size)
{
	struct recovery rec = {
		.b = b,
		.l = l,
		.used = bitmap_zalloc(b->format.nr_segments, GFP_NOIO),
		.block = kmalloc(FORMAT_BLOCK_SIZE, GFP_NOIO),
		.why = why,
		.size = size,
	};
	int error;

	mt_init(&rec.claims);
	mt_init(&rec.known);
	if (rec.used && rec.block) {
		error = walk_chain(&rec);
		if (!error)
			buffer_adopt(b, rec.used, &l->segments);
	} else {
		scnprintf(why, size, "Out of memory");
		error = -ENOMEM;
	}
	mtree_destroy(&rec.claims);
	mtree_destroy(&rec.known);
	bitmap_free(rec.used);
	kfree(rec.block);
	return error;
}

/*
 * ---- Samples of the disk ----
 *
 * While a secondary runs nobody but the merge writes to its disk, so a few
 * checksums tell whether this is the disk, and whether somebody else wrote to
 * it. What is mapped may be about to be merged and tells nothing; neither does
 * what was discarded.
 */

/* Does the layer have any of a sample's sectors? Was one discarded? */
static bool sample_mapped(struct layer *l, sector_t sector, bool *discarded)
{
	sector_t end = sector + FORMAT_BLOCK_SECTORS, place;
	bool mapped = false;
	unsigned int n;
	int kind;

	for (; sector < end; sector += n) {
		n = end - sector;
		kind = layer_lookup(l, sector, &n, &place);
		mapped |= kind != -ENOENT;
		*discarded |= kind == FORMAT_DISCARD;
	}
	return mapped;
}

/**
 * samples_take() - note what is on the disk
 * @b: the buffer
 * @disk: its disk
 * @layer: only samples that one of these maps are taken
 * @nr: layers; 0: all are taken
 * @state: gets them; one that cannot be read is not known
 *
 * Context: process, sleeps. Nobody writes to the disk.
 */
void samples_take(struct buffer *b, struct block_device *disk,
		  struct layer **layer, unsigned int nr,
		  struct format_state *state)
{
	void *block = kmalloc(FORMAT_BLOCK_SIZE, GFP_NOIO);
	unsigned int i, j;

	for (i = 0; i < FORMAT_SAMPLES; i++) {
		sector_t sector = format_sample_sector(b->format.disk_sectors, i);
		bool wanted = !nr, discarded = false;

		for (j = 0; j < nr; j++)
			wanted |= sample_mapped(layer[j], sector, &discarded);
		if (discarded)
			state->sample[i] = 0;
		else if (wanted)
			state->sample[i] = sample_take(disk,
						       b->format.disk_sectors,
						       i, block);
	}
	kfree(block);
}

/* What is committed may not be on the disk yet. */
static bool not_on_disk(void *context, sector_t sector)
{
	struct layer *l = context;
	bool discarded = false;

	return l && sample_mapped(l, sector, &discarded);
}

/**
 * samples_check() - is this the disk, as the buffer knows it?
 * @b: the buffer
 * @disk: the disk
 * @l: what is committed, or NULL
 * @why: gets the reason of an error
 * @size: of @why in bytes
 *
 * Context: process, sleeps.
 * Return: 0, -EUCLEAN, -ENOMEM, or the error of reading.
 */
int samples_check(struct buffer *b, struct block_device *disk, struct layer *l,
		  char *why, size_t size)
{
	sector_t where;
	int error = samples_compare(disk, b->format.disk_sectors,
				    b->state.sample, not_on_disk, l, &where);

	switch (error) {
	case 0:
		break;
	case -ENOMEM:
		scnprintf(why, size, "Out of memory");
		break;
	case -EUCLEAN:
		scnprintf(why, size,
			  "The disk is not the buffer's, or was written to by others: sector %llu differs",
			  (unsigned long long)where);
		break;
	default:
		scnprintf(why, size,
			  "Cannot read the disk at sector %llu: error %d",
			  (unsigned long long)where, error);
	}
	return error;
}
