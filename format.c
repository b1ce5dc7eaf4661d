// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encoding and decoding of the disk buffer's blocks. No I/O, no memory, no
 * context: this file is compiled in user space as well, where the headers it
 * includes come from tools/include/.
 *
 * A block that is decoded is hostile until its checksum, its identity and
 * every number in it have been held against what is known.
 */
#include <linux/crc32c.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "format.h"

/**
 * format_crc() - the checksum of a block
 * @block: it
 * @size: its bytes
 * @field: where the checksum goes: counts as zero, and is left alone
 */
__u32 format_crc(void *block, size_t size, __le32 *field)
{
	__le32 found = *field;
	u32 crc;

	*field = 0;
	crc = crc32c(~0, block, size);
	*field = found;
	return crc;
}

static u32 block_crc(void *block, __le32 *field)
{
	return format_crc(block, FORMAT_BLOCK_SIZE, field);
}

bool format_all_zero(const void *bytes, size_t size)
{
	return !memchr_inv(bytes, 0, size);
}

/*
 * ---- Geometry ----
 */

static u32 segments_of(u64 buffer_sectors, u32 segment_sectors)
{
	return (buffer_sectors - FORMAT_FIRST_SEGMENT) / segment_sectors;
}

/**
 * format_geometry() - how a buffer of this length is divided
 * @b: gets lengths and segments; its uuid is left alone
 * @buffer_sectors: FORMAT_MIN_SECTORS to FORMAT_MAX_SECTORS
 * @disk_sectors: length of the secondary
 */
void format_geometry(struct format_buffer *b, __u64 buffer_sectors,
		     __u64 disk_sectors)
{
	u64 most = (buffer_sectors - FORMAT_FIRST_SEGMENT) / 64;
	u32 segment = FORMAT_MIN_SEGMENT;

	while (segment < FORMAT_MAX_SEGMENT && segment * 2 <= most)
		segment *= 2;
	b->disk_sectors = disk_sectors;
	b->buffer_sectors = buffer_sectors;
	b->segment_sectors = segment;
	b->nr_segments = segments_of(buffer_sectors, segment);
}

/**
 * format_place_valid() - does a range lie within one segment?
 * @b: the buffer
 * @place: its first sector; any value
 * @sectors: its length; any value
 */
bool format_place_valid(const struct format_buffer *b, __u64 place,
			__u64 sectors)
{
	u64 end = FORMAT_FIRST_SEGMENT + (u64)b->nr_segments * b->segment_sectors;

	return place >= FORMAT_FIRST_SEGMENT && place < end && sectors &&
	       sectors <= b->segment_sectors -
			  ((place - FORMAT_FIRST_SEGMENT) &
			   (b->segment_sectors - 1));
}

/**
 * format_sample_sector() - where a disk is sampled
 * @disk_sectors: its length
 * @i: below FORMAT_SAMPLES
 *
 * Return: first sector of a block of FORMAT_BLOCK_SIZE bytes of the disk.
 * On a small disk several samples are of one block.
 */
__u64 format_sample_sector(__u64 disk_sectors, unsigned int i)
{
	u64 blocks = disk_sectors / FORMAT_BLOCK_SECTORS;

	return (blocks / FORMAT_SAMPLES * i +
		blocks % FORMAT_SAMPLES * i / FORMAT_SAMPLES) *
	       FORMAT_BLOCK_SECTORS;
}

/* Nothing but one byte repeated. */
static bool is_blank(const void *block)
{
	return !memchr_inv(block, *(const u8 *)block, FORMAT_BLOCK_SIZE);
}

/**
 * format_sample_crc() - the value of a sample
 * @block: FORMAT_BLOCK_SIZE bytes
 *
 * Return: CRC32C of the block, 1 where that is 0, or 0 for "not known" when the
 * block is blank: disks do not agree with themselves on what was discarded.
 */
__u32 format_sample_crc(const void *block)
{
	u32 crc = crc32c(~0, block, FORMAT_BLOCK_SIZE);

	if (is_blank(block))
		return 0;
	return crc ? crc : 1;
}

/**
 * format_sample_compare() - is a block of the disk as it was?
 * @sample: its value, not 0
 * @block: FORMAT_BLOCK_SIZE bytes
 */
enum format_sample format_sample_compare(__u32 sample, const void *block)
{
	if (format_sample_crc(block) == sample)
		return FORMAT_SAMPLE_EQUAL;
	return is_blank(block) ? FORMAT_SAMPLE_BLANK : FORMAT_SAMPLE_OTHER;
}

/*
 * ---- Superblocks ----
 */

/**
 * format_super_encode() - make a superblock
 * @super: gets it
 * @b: the buffer
 * @sequence: of the superblock; not 0
 * @state: what it says
 */
void format_super_encode(struct format_super *super,
			 const struct format_buffer *b, __u64 sequence,
			 const struct format_state *state)
{
	unsigned int i;

	memset(super, 0, sizeof(*super));
	super->magic = cpu_to_le64(FORMAT_SUPER_MAGIC);
	super->version = cpu_to_le32(FORMAT_VERSION);
	memcpy(super->uuid, b->uuid, sizeof(super->uuid));
	super->sequence = cpu_to_le64(sequence);
	super->disk_sectors = cpu_to_le64(b->disk_sectors);
	super->buffer_sectors = cpu_to_le64(b->buffer_sectors);
	super->segment_sectors = cpu_to_le32(b->segment_sectors);
	super->stage = cpu_to_le32(state->stage);
	super->epoch = cpu_to_le64(state->epoch);
	super->merged_epoch = cpu_to_le64(state->merged_epoch);
	super->newest_summary = cpu_to_le64(state->newest.place);
	super->newest_sequence = cpu_to_le64(state->newest.sequence);
	super->newest_epoch = cpu_to_le64(state->newest.epoch);
	super->flags = cpu_to_le32(state->flags);
	memcpy(super->owner, state->owner,
	       strnlen(state->owner, sizeof(super->owner)));
	for (i = 0; i < FORMAT_SAMPLES; i++)
		super->sample[i] = cpu_to_le32(state->sample[i]);
	super->crc = cpu_to_le32(block_crc(super, &super->crc));
}

static bool state_valid(const struct format_buffer *b,
			const struct format_state *state)
{
	const struct summary_id *newest = &state->newest;
	/* the active layer of a failover has one more than the checkpoint */
	u64 last = state->epoch + 1;

	switch (state->stage) {
	case FORMAT_STAGE_NONE:
		/* nothing was ever committed */
		if (state->epoch || state->merged_epoch || newest->place)
			return false;
		break;
	case FORMAT_STAGE_DONE:
		if (format_chain_goes_on(newest, state->merged_epoch))
			return false;
		break;
	case FORMAT_STAGE_RUNNING:
		last = state->epoch;
		break;
	case FORMAT_STAGE_FAILOVER:
		break;
	default:
		return false;
	}
	if (state->epoch > FORMAT_MAX_COUNT ||
	    newest->sequence > FORMAT_MAX_COUNT || state->merged_epoch > last || newest->epoch > last)
		return false;
	if (!newest->place)
		return !newest->epoch && !newest->sequence;
	return format_place_valid(b, newest->place, FORMAT_BLOCK_SECTORS);
}

/**
 * format_super_decode() - read a superblock
 * @super: what was found; unchanged in the end
 * @copy: where: 0 or 1
 * @b: gets what it says of the buffer
 * @sequence: gets its sequence
 * @state: gets what it says of the layers
 * @why: gets what is wrong with it
 * @size: of @why in bytes
 *
 * Whether the lengths are those of the devices is for the caller to see.
 *
 * Return: false when it is none; the outputs are undefined then.
 */
bool format_super_decode(struct format_super *super, unsigned int copy,
			 struct format_buffer *b, __u64 *sequence,
			 struct format_state *state, char *why, size_t size)
{
	unsigned int i;

	if (super->magic != cpu_to_le64(FORMAT_SUPER_MAGIC)) {
		scnprintf(why, size, "no superblock");
		return false;
	}
	if (le32_to_cpu(super->crc) != block_crc(super, &super->crc)) {
		scnprintf(why, size, "wrong checksum");
		return false;
	}
	if (super->version != cpu_to_le32(FORMAT_VERSION)) {
		scnprintf(why, size, "version %u, this is version %u",
			  le32_to_cpu(super->version), FORMAT_VERSION);
		return false;
	}

	*sequence = le64_to_cpu(super->sequence);
	memcpy(b->uuid, super->uuid, sizeof(b->uuid));
	b->disk_sectors = le64_to_cpu(super->disk_sectors);
	b->buffer_sectors = le64_to_cpu(super->buffer_sectors);
	b->segment_sectors = le32_to_cpu(super->segment_sectors);
	state->stage = le32_to_cpu(super->stage);
	state->flags = le32_to_cpu(super->flags);
	state->epoch = le64_to_cpu(super->epoch);
	state->merged_epoch = le64_to_cpu(super->merged_epoch);
	state->newest.place = le64_to_cpu(super->newest_summary);
	state->newest.sequence = le64_to_cpu(super->newest_sequence);
	state->newest.epoch = le64_to_cpu(super->newest_epoch);
	memcpy(state->owner, super->owner, sizeof(super->owner));
	state->owner[sizeof(super->owner)] = '\0';
	for (i = 0; i < FORMAT_SAMPLES; i++)
		state->sample[i] = le32_to_cpu(super->sample[i]);

	if (!*sequence || *sequence > FORMAT_MAX_COUNT ||
	    *sequence % FORMAT_SUPER_COPIES != copy) {
		scnprintf(why, size, "sequence %llu does not belong in copy %u",
			  (unsigned long long)*sequence, copy);
		return false;
	}
	if (b->buffer_sectors < FORMAT_MIN_SECTORS ||
	    b->buffer_sectors > FORMAT_MAX_SECTORS ||
	    b->segment_sectors < FORMAT_MIN_SEGMENT ||
	    b->segment_sectors > FORMAT_MAX_SEGMENT ||
	    b->segment_sectors & (b->segment_sectors - 1) ||
	    segments_of(b->buffer_sectors, b->segment_sectors) <
	    FORMAT_MIN_SEGMENTS) {
		scnprintf(why, size,
			  "impossible geometry: %llu sectors, segments of %u",
			  (unsigned long long)b->buffer_sectors,
			  b->segment_sectors);
		return false;
	}
	b->nr_segments = segments_of(b->buffer_sectors, b->segment_sectors);
	if (!state_valid(b, state)) {
		scnprintf(why, size,
			  "impossible state: stage %u, epoch %llu, merged %llu, newest summary %llu of epoch %llu",
			  state->stage, (unsigned long long)state->epoch,
			  (unsigned long long)state->merged_epoch,
			  (unsigned long long)state->newest.place,
			  (unsigned long long)state->newest.epoch);
		return false;
	}
	if (!format_all_zero(super->owner + strlen(state->owner),
		      sizeof(super->owner) - strlen(state->owner))) {
		scnprintf(why, size, "impossible UUID of its secondary");
		return false;
	}
	if (state->flags & ~FORMAT_FLAGS || super->reserved1 ||
	    !format_all_zero(super->reserved2, sizeof(super->reserved2))) {
		scnprintf(why, size, "reserved fields are not zero");
		return false;
	}
	return true;
}

/*
 * ---- Summaries ----
 */

/**
 * format_summary_begin() - make the head of a summary
 * @summary: zeroes; gets it
 * @b: the buffer
 * @id: of the summary
 * @previous: the one before it
 */
void format_summary_begin(struct format_summary *summary,
			  const struct format_buffer *b,
			  const struct summary_id *id,
			  const struct summary_id *previous)
{
	summary->magic = cpu_to_le64(FORMAT_SUMMARY_MAGIC);
	memcpy(summary->uuid, b->uuid, sizeof(summary->uuid));
	summary->sequence = cpu_to_le64(id->sequence);
	summary->epoch = cpu_to_le64(id->epoch);
	summary->previous = cpu_to_le64(previous->place);
	summary->previous_sequence = cpu_to_le64(previous->sequence);
	summary->previous_epoch = cpu_to_le64(previous->epoch);
}

/**
 * format_entry_encode() - make an entry
 * @entry: zeroes; gets it
 * @range: what it says
 */
void format_entry_encode(struct format_entry *entry,
			 const struct format_range *range)
{
	entry->sector = cpu_to_le64(range->sector);
	entry->place = cpu_to_le64(range->place);
	entry->sectors = cpu_to_le32(range->sectors);
	entry->kind = range->kind;
}

/**
 * format_summary_seal() - make a summary ready to be written
 * @summary: with head and entries
 * @entries: how many
 */
void format_summary_seal(struct format_summary *summary, unsigned int entries)
{
	summary->entries = cpu_to_le32(entries);
	summary->crc = cpu_to_le32(block_crc(summary, &summary->crc));
}

/**
 * format_summary_previous() - the summary before this one
 * @summary: format_summary_check() has found nothing wrong with it
 * @previous: gets the pointer
 */
void format_summary_previous(const struct format_summary *summary,
			     struct summary_id *previous)
{
	previous->place = le64_to_cpu(summary->previous);
	previous->sequence = le64_to_cpu(summary->previous_sequence);
	previous->epoch = le64_to_cpu(summary->previous_epoch);
}

/**
 * format_entry_decode() - read an entry
 * @entry: of a summary that was checked
 * @range: gets it; its kind may be FORMAT_VOID
 */
void format_entry_decode(const struct format_entry *entry,
			 struct format_range *range)
{
	range->sector = le64_to_cpu(entry->sector);
	range->place = le64_to_cpu(entry->place);
	range->sectors = le32_to_cpu(entry->sectors);
	range->kind = entry->kind;
}

static bool entry_valid(const struct format_entry *entry,
			const struct format_buffer *b)
{
	struct format_range range;

	format_entry_decode(entry, &range);
	if (entry->kind > FORMAT_VOID || entry->crc ||
	    !format_all_zero(entry->reserved, sizeof(entry->reserved)))
		return false;
	if (!range.sectors || range.sector >= b->disk_sectors ||
	    range.sectors > b->disk_sectors - range.sector)
		return false;
	/* the place of a write that failed is as it was meant to be */
	if (range.kind == FORMAT_DATA || range.kind == FORMAT_VOID)
		return format_place_valid(b, range.place, range.sectors);
	return !range.place;
}

/**
 * format_summary_check() - is this the summary that a pointer leads to?
 * @summary: what was found there; unchanged in the end
 * @b: the buffer
 * @id: the pointer
 * @why: gets what is wrong with it
 * @size: of @why in bytes
 *
 * From a summary to the one before it the sequence falls, so a chain ends.
 */
bool format_summary_check(struct format_summary *summary,
			  const struct format_buffer *b,
			  const struct summary_id *id, char *why, size_t size)
{
	u32 i, entries = le32_to_cpu(summary->entries);
	struct summary_id previous;

	if (summary->magic != cpu_to_le64(FORMAT_SUMMARY_MAGIC)) {
		scnprintf(why, size, "no summary");
		return false;
	}
	if (le32_to_cpu(summary->crc) != block_crc(summary, &summary->crc)) {
		scnprintf(why, size, "wrong checksum");
		return false;
	}
	if (memcmp(summary->uuid, b->uuid, sizeof(b->uuid))) {
		scnprintf(why, size, "of another buffer");
		return false;
	}
	if (le64_to_cpu(summary->sequence) != id->sequence ||
	    le64_to_cpu(summary->epoch) != id->epoch) {
		scnprintf(why, size,
			  "sequence %llu of epoch %llu, expected %llu of epoch %llu",
			  (unsigned long long)le64_to_cpu(summary->sequence),
			  (unsigned long long)le64_to_cpu(summary->epoch),
			  (unsigned long long)id->sequence,
			  (unsigned long long)id->epoch);
		return false;
	}
	format_summary_previous(summary, &previous);
	if (previous.place ?
	    !format_place_valid(b, previous.place, FORMAT_BLOCK_SECTORS) ||
	    previous.sequence >= id->sequence || previous.epoch > id->epoch :
	    previous.sequence || previous.epoch) {
		scnprintf(why, size,
			  "impossible previous summary %llu, sequence %llu of epoch %llu",
			  (unsigned long long)previous.place,
			  (unsigned long long)previous.sequence,
			  (unsigned long long)previous.epoch);
		return false;
	}
	if (entries > FORMAT_ENTRIES) {
		scnprintf(why, size, "%u entries, there is room for %u", entries,
			  (unsigned int)FORMAT_ENTRIES);
		return false;
	}
	if (!format_all_zero(summary->reserved, sizeof(summary->reserved)) ||
	    !format_all_zero(&summary->entry[entries],
		      (FORMAT_ENTRIES - entries) * sizeof(summary->entry[0]))) {
		scnprintf(why, size, "reserved fields are not zero");
		return false;
	}
	for (i = 0; i < entries; i++) {
		if (entry_valid(&summary->entry[i], b))
			continue;
		scnprintf(why, size,
			  "impossible entry %u: kind %u, sector %llu, %u sectors, place %llu",
			  i, summary->entry[i].kind,
			  (unsigned long long)le64_to_cpu(summary->entry[i].sector),
			  le32_to_cpu(summary->entry[i].sectors),
			  (unsigned long long)le64_to_cpu(summary->entry[i].place));
		return false;
	}
	return true;
}
