/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UNIT_LINUX_UUID_H
#define UNIT_LINUX_UUID_H

void generate_random_guid(unsigned char guid[16]);

#endif
