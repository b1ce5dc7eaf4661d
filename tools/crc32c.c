// SPDX-License-Identifier: GPL-2.0-only
/*
 * CRC32C as the kernel has it: neither the start value nor the result is
 * inverted here. Debian 12 has no library that offers it for a static program
 * too, as the tests' guests need one.
 */
#include <linux/crc32c.h>

#define POLYNOMIAL	0x82f63b78	/* Castagnoli's, bits reversed */

static u32 table[256];

__attribute__((constructor))
static void make_table(void)
{
	u32 byte, bit, crc;

	for (byte = 0; byte < 256; byte++) {
		crc = byte;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[byte] = crc;
	}
}

u32 crc32c(u32 crc, const void *address, unsigned int length)
{
	const u8 *p = address;

	while (length--)
		crc = crc >> 8 ^ table[(u8)crc ^ *p++];
	return crc;
}
