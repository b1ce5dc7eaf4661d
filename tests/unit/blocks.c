// SPDX-License-Identifier: GPL-2.0-only
#include "blocks.h"

#define POLYNOMIAL	0x82f63b78	/* Castagnoli's, bits reversed */

u64 get64(const u8 *block, unsigned int at)
{
	return get32(block, at) | (u64)get32(block, at + 4) << 32;
}

u32 get32(const u8 *block, unsigned int at)
{
	return block[at] | block[at + 1] << 8 | block[at + 2] << 16 | (u32)block[at + 3] << 24;
}

void put64(u8 *block, unsigned int at, u64 value)
{
	put32(block, at, value);
	put32(block, at + 4, value >> 32);
}

void put32(u8 *block, unsigned int at, u32 value)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		block[at + i] = value >> 8 * i;
}

/* Four bits at a time: two table entries for each byte, 16 of them by hand. */
static u32 step(u32 crc, u8 byte)
{
	static u32 table[16];
	unsigned int i, bit;

	if (!table[1])
		for (i = 0; i < 16; i++)
			for (table[i] = i, bit = 0; bit < 4; bit++)
				table[i] = table[i] >> 1 ^ (table[i] & 1 ? POLYNOMIAL : 0);
	crc ^= byte;
	crc = crc >> 4 ^ table[crc & 15];
	return crc >> 4 ^ table[crc & 15];
}

u32 plain_crc32c(const u8 *bytes, size_t size)
{
	u32 crc = ~0U;

	while (size--)
		crc = step(crc, *bytes++);
	return crc;
}

u32 block_crc32c(const u8 *block, size_t size)
{
	u32 crc = ~0U;
	size_t i;

	for (i = 0; i < size; i++)
		crc = step(crc, i >= 8 && i < 12 ? 0 : block[i]);
	return crc;
}

/* Back from @crc, one bit at a time, to the state that the last bytes must meet. */
void force_crc32c(u8 *bytes, size_t size, u32 crc)
{
	u32 before = plain_crc32c(bytes, size - 4);
	unsigned int bit;

	for (bit = 0; bit < 32; bit++)
		crc = crc & 1U << 31 ? (crc ^ POLYNOMIAL) << 1 | 1 : crc << 1;
	put32(bytes, size - 4, crc ^ before);
}
