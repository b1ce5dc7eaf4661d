/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UNIT_LINUX_DM_KCOPYD_H
#define UNIT_LINUX_DM_KCOPYD_H

struct dm_kcopyd_client;

struct dm_kcopyd_throttle {
	unsigned int throttle;
};

#endif
