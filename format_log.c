// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encoding and decoding of the dirty log's blocks. No I/O, no memory, no
 * context; compiled in user space as well, as format.c is.
 */
#include <linux/crc32c.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "format_log.h"

/**
 * format_log_geometry() - how a log for this primary is divided
 * @log: gets lengths and counts; its uuid is left alone
 * @leg_sectors: length of the primary
 * @region_sectors: length of a region; any value
 *
 * Return: false when there is no such log; @log is undefined then.
 */
bool format_log_geometry(struct format_log *log, __u64 leg_sectors,
			 __u32 region_sectors)
{
	u64 regions;

	if (region_sectors < FORMAT_MIN_REGION ||
	    region_sectors > FORMAT_MAX_REGION ||
	    region_sectors & (region_sectors - 1) ||
	    !leg_sectors || leg_sectors > FORMAT_MAX_COUNT)
		return false;
	regions = (leg_sectors + region_sectors - 1) / region_sectors;
	if (regions > FORMAT_MAX_REGIONS)
		return false;
	log->leg_sectors = leg_sectors;
	log->region_sectors = region_sectors;
	log->regions = regions;
	log->blocks = (regions + FORMAT_BLOCK_MARKS - 1) / FORMAT_BLOCK_MARKS;
	return true;
}

/**
 * format_log_super_encode() - make a superblock
 * @super: gets it
 * @log: the log
 * @sequence: of the superblock; not 0
 * @state: what it says
 */
void format_log_super_encode(struct format_log_super *super,
			     const struct format_log *log, __u64 sequence,
			     const struct format_log_state *state)
{
	unsigned int i;

	memset(super, 0, sizeof(*super));
	super->magic = cpu_to_le64(FORMAT_LOG_MAGIC);
	super->version = cpu_to_le32(FORMAT_LOG_VERSION);
	memcpy(super->uuid, log->uuid, sizeof(super->uuid));
	super->sequence = cpu_to_le64(sequence);
	super->leg_sectors = cpu_to_le64(log->leg_sectors);
	super->region_sectors = cpu_to_le32(log->region_sectors);
	super->epoch = cpu_to_le64(state->epoch);
	super->base = cpu_to_le64(state->base);
	memcpy(super->owner, state->owner,
	       strnlen(state->owner, sizeof(super->owner)));
	for (i = 0; i < FORMAT_SAMPLES; i++)
		super->sample[i] = cpu_to_le32(state->sample[i]);
	super->crc = cpu_to_le32(format_crc(super, sizeof(*super), &super->crc));
}

/**
 * format_log_super_decode() - read a superblock
 * @super: what was found; unchanged in the end
 * @copy: where: 0 or 1
 * @log: gets what it says of the log
 * @sequence: gets its sequence
 * @state: gets what it says of marks and legs
 * @why: gets what is wrong with it
 * @size: of @why in bytes
 *
 * Whether the lengths are those of the devices is for the caller to see.
 *
 * Return: false when it is none; the outputs are undefined then.
 */
bool format_log_super_decode(struct format_log_super *super, unsigned int copy,
			     struct format_log *log, __u64 *sequence,
			     struct format_log_state *state,
			     char *why, size_t size)
{
	unsigned int i;

	if (super->magic != cpu_to_le64(FORMAT_LOG_MAGIC)) {
		scnprintf(why, size, "no superblock");
		return false;
	}
	if (le32_to_cpu(super->crc) !=
	    format_crc(super, sizeof(*super), &super->crc)) {
		scnprintf(why, size, "wrong checksum");
		return false;
	}
	if (super->version != cpu_to_le32(FORMAT_LOG_VERSION)) {
		scnprintf(why, size, "version %u, this is version %u",
			  le32_to_cpu(super->version), FORMAT_LOG_VERSION);
		return false;
	}

	*sequence = le64_to_cpu(super->sequence);
	memcpy(log->uuid, super->uuid, sizeof(log->uuid));
	state->epoch = le64_to_cpu(super->epoch);
	state->base = le64_to_cpu(super->base);
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
	if (!format_log_geometry(log, le64_to_cpu(super->leg_sectors),
				 le32_to_cpu(super->region_sectors))) {
		scnprintf(why, size,
			  "impossible geometry: %llu sectors, regions of %u",
			  (unsigned long long)le64_to_cpu(super->leg_sectors),
			  le32_to_cpu(super->region_sectors));
		return false;
	}
	if (state->epoch > FORMAT_MAX_COUNT || state->base > state->epoch) {
		scnprintf(why, size, "impossible state: epoch %llu, base %llu",
			  (unsigned long long)state->epoch,
			  (unsigned long long)state->base);
		return false;
	}
	if (!format_all_zero(super->owner + strlen(state->owner),
			     sizeof(super->owner) - strlen(state->owner))) {
		scnprintf(why, size, "impossible UUID of its primary");
		return false;
	}
	if (super->flags ||
	    !format_all_zero(super->reserved, sizeof(super->reserved))) {
		scnprintf(why, size, "reserved fields are not zero");
		return false;
	}
	return true;
}

/**
 * format_marks_encode() - finish a sector of marks
 * @marks: its bits are set; gets the rest
 * @log: the log
 * @index: of the sector
 */
void format_marks_encode(struct format_marks *marks,
			 const struct format_log *log, __u32 index)
{
	marks->magic = cpu_to_le64(FORMAT_MARKS_MAGIC);
	marks->index = cpu_to_le32(index);
	memcpy(marks->uuid, log->uuid, sizeof(marks->uuid));
	marks->crc = cpu_to_le32(format_crc(marks, sizeof(*marks), &marks->crc));
}

/**
 * format_marks_check() - is this a sector of the log's marks?
 * @marks: what was found; unchanged in the end
 * @log: the log
 * @index: of the sector; below the log's blocks * FORMAT_BLOCK_SECTORS
 * @why: gets what is wrong with it
 * @size: of @why in bytes
 */
bool format_marks_check(struct format_marks *marks,
			const struct format_log *log, __u32 index,
			char *why, size_t size)
{
	u64 first = (u64)index * FORMAT_MARKS, i;

	if (marks->magic != cpu_to_le64(FORMAT_MARKS_MAGIC) ||
	    memcmp(marks->uuid, log->uuid, sizeof(marks->uuid)) ||
	    marks->index != cpu_to_le32(index)) {
		scnprintf(why, size, "no marks");
		return false;
	}
	if (le32_to_cpu(marks->crc) !=
	    format_crc(marks, sizeof(*marks), &marks->crc)) {
		scnprintf(why, size, "wrong checksum");
		return false;
	}
	for (i = first < log->regions ? log->regions - first : 0;
	     i < FORMAT_MARKS; i++) {
		if (format_mark_test(marks, i)) {
			scnprintf(why, size, "marks of regions that do not exist");
			return false;
		}
	}
	return true;
}
