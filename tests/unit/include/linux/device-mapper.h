/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of dm, and its messages, which go nowhere. */
#ifndef UNIT_LINUX_DEVICE_MAPPER_H
#define UNIT_LINUX_DEVICE_MAPPER_H

#include <linux/blkdev.h>

#define DM_NAME_LEN	128
#define DM_UUID_LEN	129

struct mapped_device;
struct dm_target;

#define DM_MAPIO_SUBMITTED	0
#define DM_MAPIO_REMAPPED	1
#define DM_ENDIO_DONE		0
#define DM_ENDIO_INCOMPLETE	1

const char *dm_device_name(struct mapped_device *md);
int dm_copy_name_and_uuid(struct mapped_device *md, char *name, char *uuid);
void dm_accept_partial_bio(struct bio *bio, unsigned int sectors);

#define DMEMIT(...) \
	(sz += sz >= maxlen ? 0 : scnprintf(result + sz, maxlen - sz, __VA_ARGS__))

__attribute__((format(printf, 1, 2)))
static inline void unit_message(const char *format, ...)
{
}

#define DMERR(...)	unit_message(__VA_ARGS__)
#define DMWARN(...)	unit_message(__VA_ARGS__)
#define DMINFO(...)	unit_message(__VA_ARGS__)

#endif
