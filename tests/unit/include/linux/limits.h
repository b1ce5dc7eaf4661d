/* SPDX-License-Identifier: GPL-2.0-only */
/* The C library asks for this one too. */
#include_next <linux/limits.h>
