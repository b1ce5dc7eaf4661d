/* SPDX-License-Identifier: GPL-2.0-only */
/* What format.c takes from the kernel's header of this name. */
#ifndef TOOLS_LINUX_CRC32C_H
#define TOOLS_LINUX_CRC32C_H

#include <linux/types.h>

u32 crc32c(u32 crc, const void *address, unsigned int length);

#endif
