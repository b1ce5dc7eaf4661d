/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of dm, and its messages, which go nowhere. */
#ifndef UNIT_LINUX_DEVICE_MAPPER_H
#define UNIT_LINUX_DEVICE_MAPPER_H

#include <linux/blkdev.h>

#define DM_NAME_LEN	128
#define DM_UUID_LEN	129

struct mapped_device;
struct dm_target;

__attribute__((format(printf, 1, 2)))
static inline void unit_message(const char *format, ...)
{
	(void)format;
}

#define DMERR(...)	unit_message(__VA_ARGS__)
#define DMWARN(...)	unit_message(__VA_ARGS__)
#define DMINFO(...)	unit_message(__VA_ARGS__)

#endif
