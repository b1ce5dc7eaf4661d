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
 *
 * This header and format.c are all that knows the encoding. They are compiled
 * into the module and into the tools; what they read may be hostile.
 */
#ifndef REPL_FORMAT_H
#define REPL_FORMAT_H

#include <linux/types.h>

#define FORMAT_BLOCK_SECTORS	8
#define FORMAT_BLOCK_SIZE	4096
#define FORMAT_SUPER_COPIES	2
#define FORMAT_FIRST_SEGMENT	64

#define FORMAT_MIN_SEGMENTS	8
#define FORMAT_MIN_SEGMENT	128	/* sectors */
#define FORMAT_MAX_SEGMENT	2048	/* sectors */
#define FORMAT_MIN_SECTORS \
	(FORMAT_FIRST_SEGMENT + FORMAT_MIN_SEGMENTS * FORMAT_MIN_SEGMENT)
#define FORMAT_MAX_SECTORS	0x7fffffff
/* no sequence or epoch gets there by counting */
#define FORMAT_MAX_COUNT	(~0ULL >> 1)

#define FORMAT_SUPER_MAGIC	0x315455424c504552ULL	/* "REPLBUT1" */
#define FORMAT_SUMMARY_MAGIC	0x314d55534c504552ULL	/* "REPLSUM1" */
#define FORMAT_VERSION		1

#define FORMAT_UUID_SIZE	16
#define FORMAT_OWNER_SIZE	128
#define FORMAT_SAMPLES		64

/* flags of a superblock */
#define FORMAT_INBOUND_CLOSED	1	/* by a failover */
#define FORMAT_FLAGS		FORMAT_INBOUND_CLOSED

/* stage of a superblock */
enum format_stage {
	FORMAT_STAGE_NONE = 0,
	FORMAT_STAGE_RUNNING = 1,
	FORMAT_STAGE_FAILOVER = 2,
	/* 3 is never written */
	FORMAT_STAGE_DONE = 4,
};

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
 * @stage: enum format_stage
 * @epoch: the last checkpoint
 * @merged_epoch: all up to this epoch is on the disk
 * @newest_summary: of the committed layers, 0 for none
 * @newest_sequence: its sequence
 * @newest_epoch: its epoch: not above @merged_epoch, and there is no chain
 * @flags: FORMAT_INBOUND_CLOSED
 * @reserved1: zero
 * @owner: the secondary's dm UUID, padded with zeroes; empty if it has none
 * @sample: of some blocks of the disk, see format_sample_sector() and
 *	format_sample_crc()
 * @reserved2: zero; room for a history of checkpoints
 *
 * All that is not zero lies in the first 512 bytes.
 */
struct format_super {
	__le64 magic;
	__le32 crc;
	__le32 version;
	__u8 uuid[FORMAT_UUID_SIZE];
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
	__le32 flags;
	__le32 reserved1;
	__u8 owner[FORMAT_OWNER_SIZE];
	__le32 sample[FORMAT_SAMPLES];
	__u8 reserved2[FORMAT_BLOCK_SIZE - 496];
} __packed;

enum format_kind {
	FORMAT_DATA = 0,	/* at @place */
	FORMAT_ZERO = 1,	/* reads as zeroes */
	FORMAT_DISCARD = 2,	/* discarded; reads as zeroes until merged */
	FORMAT_HOLE = 3,	/* the disk is newer than all below */
	FORMAT_VOID = 4,	/* the write failed: there is no such entry */
};

/**
 * struct format_entry - a range that was written
 * @sector: of the secondary
 * @place: of FORMAT_DATA, else 0
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

#define FORMAT_ENTRIES	((FORMAT_BLOCK_SIZE - 96) / sizeof(struct format_entry))

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
 * @entry: in the order of the writes; zeroes where none is
 */
struct format_summary {
	__le64 magic;
	__le32 crc;
	__le32 entries;
	__u8 uuid[FORMAT_UUID_SIZE];
	__le64 sequence;
	__le64 epoch;
	__le64 previous;
	__le64 previous_sequence;
	__le64 previous_epoch;
	__u8 reserved[24];
	struct format_entry entry[FORMAT_ENTRIES];
} __packed;

/**
 * struct format_buffer - what a superblock says of the buffer for good
 * @uuid: made when it was formatted
 * @disk_sectors: length of the secondary
 * @buffer_sectors: length of the buffer
 * @segment_sectors: length of a segment, a power of two
 * @nr_segments: how many fit
 */
struct format_buffer {
	__u8 uuid[FORMAT_UUID_SIZE];
	__u64 disk_sectors;
	__u64 buffer_sectors;
	__u32 segment_sectors;
	__u32 nr_segments;
};

/**
 * struct summary_id - what points to a summary
 * @place: sector, 0 for none
 * @sequence: the summary's
 * @epoch: the summary's
 */
struct summary_id {
	__u64 place;
	__u64 sequence;
	__u64 epoch;
};

/**
 * struct format_state - what a superblock says of the layers and the disk
 * @stage: enum format_stage
 * @flags: FORMAT_INBOUND_CLOSED
 * @epoch: the last checkpoint
 * @merged_epoch: all up to this epoch is on the disk
 * @newest: the newest summary of the committed layers
 * @owner: dm UUID, a string
 * @sample: of blocks of the disk
 */
struct format_state {
	__u32 stage;
	__u32 flags;
	__u64 epoch;
	__u64 merged_epoch;
	struct summary_id newest;
	char owner[FORMAT_OWNER_SIZE + 1];
	__u32 sample[FORMAT_SAMPLES];
};

/**
 * struct format_range - an entry of a summary, decoded
 * @sector: of the secondary
 * @place: of FORMAT_DATA, else 0
 * @sectors: length, not 0
 * @kind: not FORMAT_VOID, unless said otherwise
 */
struct format_range {
	__u64 sector;
	__u64 place;
	__u32 sectors;
	enum format_kind kind;
};

/**
 * enum format_sample - a block of the disk, held against its sample
 * @FORMAT_SAMPLE_EQUAL: as it was
 * @FORMAT_SAMPLE_BLANK: nothing but one byte repeated: a disk may make that of
 *	what was once discarded. If all are so it is another disk.
 * @FORMAT_SAMPLE_OTHER: something else
 */
enum format_sample {
	FORMAT_SAMPLE_EQUAL,
	FORMAT_SAMPLE_BLANK,
	FORMAT_SAMPLE_OTHER,
	FORMAT_SAMPLE_RESULTS,
};

void format_geometry(struct format_buffer *b, __u64 buffer_sectors,
		     __u64 disk_sectors);
bool format_place_valid(const struct format_buffer *b, __u64 place,
			__u64 sectors);
__u32 format_crc(void *block, size_t size, __le32 *field);
bool format_all_zero(const void *bytes, size_t size);
__u64 format_sample_sector(__u64 disk_sectors, unsigned int i);
__u32 format_sample_crc(const void *block);
enum format_sample format_sample_compare(__u32 sample, const void *block);

void format_super_encode(struct format_super *super,
			 const struct format_buffer *b, __u64 sequence,
			 const struct format_state *state);
bool format_super_decode(struct format_super *super, unsigned int copy,
			 struct format_buffer *b, __u64 *sequence,
			 struct format_state *state, char *why, size_t size);

void format_summary_begin(struct format_summary *summary,
			  const struct format_buffer *b,
			  const struct summary_id *id,
			  const struct summary_id *previous);
void format_entry_encode(struct format_entry *entry,
			 const struct format_range *range);
void format_summary_seal(struct format_summary *summary, unsigned int entries);
bool format_summary_check(struct format_summary *summary,
			  const struct format_buffer *b,
			  const struct summary_id *id, char *why, size_t size);
void format_summary_previous(const struct format_summary *summary,
			     struct summary_id *previous);
void format_entry_decode(const struct format_entry *entry,
			 struct format_range *range);

/**
 * format_chain_goes_on() - does a pointer lead to a summary that counts?
 * @id: the pointer, from a superblock or a summary
 * @merged_epoch: of the superblock
 *
 * What is merged may have been overwritten.
 */
static inline bool format_chain_goes_on(const struct summary_id *id,
					__u64 merged_epoch)
{
	return id->place && id->epoch > merged_epoch;
}

#endif
