/* SPDX-License-Identifier: GPL-2.0-only */
/* No events here. */
#define trace_ma_op(...)	do { } while (0)
#define trace_ma_read(...)	do { } while (0)
#define trace_ma_write(...)	do { } while (0)
