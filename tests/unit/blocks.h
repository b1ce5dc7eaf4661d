/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes of a block, and checksums computed bit by bit. */
#ifndef UNIT_BLOCKS_H
#define UNIT_BLOCKS_H

#include <stddef.h>
#include <linux/types.h>

u32 get32(const u8 *block, unsigned int at);
u64 get64(const u8 *block, unsigned int at);
void put32(u8 *block, unsigned int at, u32 value);
void put64(u8 *block, unsigned int at, u64 value);

/* CRC32C with a start value of ~0, not inverted in the end */
u32 plain_crc32c(const u8 *bytes, size_t size);
/* the same, with the 4 bytes from 8 on taken for zeroes */
u32 block_crc32c(const u8 *block, size_t size);
/* Sets the last 4 bytes such that the checksum is @crc. */
void force_crc32c(u8 *bytes, size_t size, u32 crc);

#endif
