/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The disk buffer's format. All fields are little endian, all places and
 * lengths are in sectors of 512 bytes from the start of the buffer.
 *
 *	sector 0	superblock, copy 0
 *	sector 8	superblock, copy 1
 *	sector 64	segments, all of one size, up to the end
 *
 * A segment holds data and summaries of one layer. A summary lists what was
 * written before and after it and points to the summary before it; the newer
 * of the two superblocks points to the newest summary of the committed layers.
 * What no chain reaches is free.
 */
#ifndef REPL_FORMAT_H
#define REPL_FORMAT_H

#include <linux/types.h>

#define FORMAT_BLOCK_SECTORS	8
#define FORMAT_BLOCK_SIZE	4096
#define FORMAT_SUPER_COPIES	2
#define FORMAT_FIRST_SEGMENT	64

#define FORMAT_SUPER_MAGIC	0x315455424c504552ULL	/* "REPLBUT1" */
#define FORMAT_SUMMARY_MAGIC	0x314d55534c504552ULL	/* "REPLSUM1" */
#define FORMAT_VERSION		1

/**
 * struct format_super - a superblock
 * @magic: FORMAT_SUPER_MAGIC
 * @crc: CRC32C of the block with this field zero, start value ~0
 * @version: FORMAT_VERSION
 * @uuid: of this buffer, made when it was formatted
 * @sequence: one more with each superblock written; its lowest bit is the copy
 * @disk_sectors: length of the secondary
 * @buffer_sectors: length of the buffer when it was formatted
 * @segment_sectors: length of a segment
 * @stage: enum repl_stage
 * @epoch: the last checkpoint
 * @merged_epoch: all up to this epoch is on the disk
 * @newest_summary: of the committed layers, 0 for none
 * @newest_sequence: its sequence
 * @newest_epoch: its epoch: not above @merged_epoch, and there is no chain
 * @reserved: zero; room for a history of checkpoints
 */
struct format_super {
	__le64 magic;
	__le32 crc;
	__le32 version;
	__u8 uuid[16];
	__le64 sequence;
	__le64 disk_sectors;
	__le64 buffer_sectors;
	__le32 segment_sectors;
	__le32 stage;
	__le64 epoch;
	__le64 merged_epoch;
	__le64 newest_summary;
	__le64 newest_sequence;
	__le64 newest_epoch;
	__u8 reserved[4096 - 104];
} __packed;

enum format_kind {
	FORMAT_DATA = 0,	/* at @place */
	FORMAT_ZERO = 1,	/* reads as zeroes */
	FORMAT_DISCARD = 2,	/* discarded; reads as zeroes until merged */
	FORMAT_VOID = 3,	/* the write failed: there is no such entry */
};

/**
 * struct format_entry - a range that was written
 * @sector: of the secondary
 * @place: of FORMAT_DATA
 * @sectors: length
 * @crc: CRC32C of the data; zero, not used by version 1
 * @kind: enum format_kind
 * @reserved: zero
 */
struct format_entry {
	__le64 sector;
	__le64 place;
	__le32 sectors;
	__le32 crc;
	__u8 kind;
	__u8 reserved[7];
} __packed;

#define FORMAT_ENTRIES	((4096 - 96) / sizeof(struct format_entry))

/**
 * struct format_summary - a summary
 * @magic: FORMAT_SUMMARY_MAGIC
 * @crc: CRC32C of the block with this field zero, start value ~0
 * @entries: how many there are; a later one overrides an earlier one
 * @uuid: the buffer's
 * @sequence: one more with each summary begun in this buffer
 * @epoch: that it becomes part of
 * @previous: the summary before this one, 0 for none
 * @previous_sequence: its sequence
 * @previous_epoch: its epoch: the chain ends where that is merged
 * @reserved: zero
 * @entry: in the order of the writes
 */
struct format_summary {
	__le64 magic;
	__le32 crc;
	__le32 entries;
	__u8 uuid[16];
	__le64 sequence;
	__le64 epoch;
	__le64 previous;
	__le64 previous_sequence;
	__le64 previous_epoch;
	__u8 reserved[24];
	struct format_entry entry[FORMAT_ENTRIES];
} __packed;

#endif
