/* SPDX-License-Identifier: GPL-2.0-only */
/* What format.c takes from the kernel's header of this name. */
#ifndef TOOLS_LINUX_KERNEL_H
#define TOOLS_LINUX_KERNEL_H

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <linux/types.h>

#define U64_MAX		((u64)~0ULL)

#define cpu_to_le32	htole32
#define cpu_to_le64	htole64
#define le32_to_cpu	le32toh
#define le64_to_cpu	le64toh

/* The kernel's differs from snprintf() in what it returns: what there was room for. */
__attribute__((format(printf, 3, 4)))
static inline int scnprintf(char *buffer, size_t size, const char *format, ...)
{
	va_list arguments;
	int length;

	if (!size)
		return 0;
	va_start(arguments, format);
	length = vsnprintf(buffer, size, format, arguments);
	va_end(arguments);
	return length < (int)size ? length : (int)size - 1;
}

#endif
