/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the recorder writes down; user space reads it.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include <linux/types.h>

enum recorder_type {
	RECORDER_SUBMIT,	/* a bio has come in */
	RECORDER_COMPLETE,	/* it has been answered */
	RECORDER_MARK,		/* a message told so */
	RECORDER_FULL,		/* there was no more room: the log ends here */
};

enum recorder_op {
	RECORDER_WRITE,
	RECORDER_ZERO,		/* write zeroes, or a discard: it reads as zeroes */
	RECORDER_FLUSH,
};

#define RECORDER_FUA	1	/* when it is submitted */
#define RECORDER_ERROR	2	/* when it is completed: it did nothing */

/**
 * struct recorder_event - one event, in the order in which they happened
 * @type: enum recorder_type
 * @device: the number in the device's table
 * @id: of the bio, the same when it is submitted and completed; or of the mark
 * @sector: first one
 * @sectors: how many
 * @op: enum recorder_op
 * @flags: RECORDER_FUA, RECORDER_ERROR
 * @bytes: of data behind this, when a write is submitted
 */
struct recorder_event {
	__u32 type;
	__u32 device;
	__u64 id;
	__u64 sector;
	__u32 sectors;
	__u16 op;
	__u16 flags;
	__u64 bytes;
};

#endif
