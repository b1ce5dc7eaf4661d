/* SPDX-License-Identifier: GPL-2.0-only */
/* What format.c takes from the kernel's header of this name. */
#ifndef TOOLS_LINUX_STRING_H
#define TOOLS_LINUX_STRING_H

#include <string.h>

/* The first byte that is not @byte, or NULL. */
static inline void *memchr_inv(const void *start, int byte, size_t size)
{
	const unsigned char *p = start;

	for (; size; p++, size--)
		if (*p != (unsigned char)byte)
			return (void *)p;
	return NULL;
}

#endif
