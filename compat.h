/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that differs between the kernels this builds for, keyed by the presence
 * of a macro: distributions backport, so a version number tells nothing.
 */
#ifndef REPL_COMPAT_H
#define REPL_COMPAT_H

#include <linux/blkdev.h>
#include <linux/device-mapper.h>

#ifdef BLK_FEAT_STABLE_WRITES
/* The limits carry the wish for stable pages. */
#define compat_stable_writes_target(ti)		do { } while (0)
#define compat_stable_writes_limits(limits)	\
	((limits)->features |= BLK_FEAT_STABLE_WRITES)
#else
/* The target does; dm core sets the queue's flag from it. */
#define compat_stable_writes_target(ti)		((ti)->needs_stable_writes = true)
#define compat_stable_writes_limits(limits)	do { } while (0)
#endif

/* What a table opened for writing has in its mode. */
#ifdef BLK_OPEN_WRITE
#define COMPAT_OPEN_WRITE	BLK_OPEN_WRITE
#else
#define COMPAT_OPEN_WRITE	FMODE_WRITE
#endif

#if BITS_PER_LONG < 64
#error "dm-replication keeps sector ranges in maple trees and needs a 64 bit kernel"
#endif

#endif
