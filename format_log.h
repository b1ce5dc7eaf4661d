/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dirty log's format. All fields are little endian, all places are in
 * sectors of 512 bytes from the start of the log.
 *
 *	sector 0	superblock, copy 0
 *	sector 8	superblock, copy 1
 *	sector 16	marks: one bit for each region of the primary
 *
 * Marks are written in blocks of FORMAT_BLOCK_SIZE bytes and believed in
 * sectors: each has a checksum of its own. A block that is torn by a crash
 * leaves each of its sectors as it was or as it was to be, and either is right,
 * because a write waits for the marks that it needs, and a mark too many costs
 * no more than the copy of a region.
 *
 * This header and format_log.c are all that knows the encoding, as format.h and
 * format.c are for the disk buffer.
 */
#ifndef REPL_FORMAT_LOG_H
#define REPL_FORMAT_LOG_H

#include "format.h"

#define FORMAT_LOG_MAGIC	0x31474f4c4c504552ULL	/* "REPLLOG1" */
#define FORMAT_MARKS_MAGIC	0x314b524d4c504552ULL	/* "REPLMRK1" */
#define FORMAT_LOG_VERSION	1

#define FORMAT_FIRST_MARKS	16
#define FORMAT_SECTOR_SIZE	512
#define FORMAT_MARKS_SIZE	480
/* regions that one sector has marks for */
#define FORMAT_MARKS		(FORMAT_MARKS_SIZE * 8)
/* regions that one block has marks for */
#define FORMAT_BLOCK_MARKS	(FORMAT_BLOCK_SECTORS * FORMAT_MARKS)

#define FORMAT_MIN_REGION	8	/* sectors */
#define FORMAT_MAX_REGION	(1U << 21)
#define FORMAT_MAX_REGIONS	0x7fffffff

/**
 * struct format_log_super - a superblock of a dirty log
 * @magic: FORMAT_LOG_MAGIC
 * @crc: CRC32C of the block with this field zero, start value ~0
 * @version: FORMAT_LOG_VERSION
 * @uuid: of this log, made when it was formatted
 * @sequence: one more with each superblock written; its lowest bit is the copy
 * @leg_sectors: length of the primary
 * @region_sectors: length of a region, a power of two
 * @flags: zero
 * @epoch: a checkpoint that was taken; later ones may not have been noted
 * @base: the marks hold every region written since this checkpoint, and every
 *	region that the remote leg did not have by then; not above @epoch
 * @owner: the primary's dm UUID, padded with zeroes; empty if it has none
 * @sample: of some blocks of the local leg, see format_sample_sector() and
 *	format_sample_crc(). Says something only while the block's region has no
 *	mark.
 * @reserved: zero
 *
 * All that is not zero lies in the first 512 bytes.
 */
struct format_log_super {
	__le64 magic;
	__le32 crc;
	__le32 version;
	__u8 uuid[FORMAT_UUID_SIZE];
	__le64 sequence;
	__le64 leg_sectors;
	__le32 region_sectors;
	__le32 flags;
	__le64 epoch;
	__le64 base;
	__u8 owner[FORMAT_OWNER_SIZE];
	__le32 sample[FORMAT_SAMPLES];
	__u8 reserved[FORMAT_BLOCK_SIZE - 456];
} __packed;

/**
 * struct format_marks - a sector of marks
 * @magic: FORMAT_MARKS_MAGIC
 * @crc: CRC32C of the sector with this field zero, start value ~0
 * @index: of this sector among those with marks, from 0
 * @uuid: the log's
 * @bits: bit r % 8 of byte r / 8 is the mark of region
 *	@index * FORMAT_MARKS + r; zero where there is no region
 */
struct format_marks {
	__le64 magic;
	__le32 crc;
	__le32 index;
	__u8 uuid[FORMAT_UUID_SIZE];
	__u8 bits[FORMAT_MARKS_SIZE];
} __packed;

/**
 * struct format_log - what a superblock says of the log for good
 * @uuid: made when it was formatted
 * @leg_sectors: length of the primary
 * @region_sectors: length of a region
 * @regions: how many there are
 * @blocks: of FORMAT_BLOCK_SIZE bytes that their marks take
 */
struct format_log {
	__u8 uuid[FORMAT_UUID_SIZE];
	__u64 leg_sectors;
	__u32 region_sectors;
	__u32 regions;
	__u32 blocks;
};

/**
 * struct format_log_state - what a superblock says of marks and legs
 * @epoch: a checkpoint that was taken
 * @base: the marks are complete since this one
 * @owner: dm UUID, a string
 * @sample: of blocks of the local leg
 */
struct format_log_state {
	__u64 epoch;
	__u64 base;
	char owner[FORMAT_OWNER_SIZE + 1];
	__u32 sample[FORMAT_SAMPLES];
};

bool format_log_geometry(struct format_log *log, __u64 leg_sectors,
			 __u32 region_sectors);

/* Sectors that a log has to have. */
static inline __u64 format_log_sectors(const struct format_log *log)
{
	return FORMAT_FIRST_MARKS + (__u64)log->blocks * FORMAT_BLOCK_SECTORS;
}

void format_log_super_encode(struct format_log_super *super,
			     const struct format_log *log, __u64 sequence,
			     const struct format_log_state *state);
bool format_log_super_decode(struct format_log_super *super, unsigned int copy,
			     struct format_log *log, __u64 *sequence,
			     struct format_log_state *state,
			     char *why, size_t size);

void format_marks_encode(struct format_marks *marks,
			 const struct format_log *log, __u32 index);
bool format_marks_check(struct format_marks *marks,
			const struct format_log *log, __u32 index,
			char *why, size_t size);

/* Of a region within its sector of marks, from 0. */
static inline bool format_mark_test(const struct format_marks *marks,
				    unsigned int i)
{
	return marks->bits[i / 8] & (1U << i % 8);
}

static inline void format_mark_set(struct format_marks *marks, unsigned int i)
{
	marks->bits[i / 8] |= 1U << i % 8;
}

#endif
