/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Of long loops one case in $SAMPLE is tried, which one is up to $SEED: sampled() of
 * tests/guest/lib.sh. Without SAMPLE in the environment, all are.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static inline uint64_t sample_env(const char *name, uint64_t other)
{
	const char *text = getenv(name);

	return text && strtoull(text, NULL, 10) ? strtoull(text, NULL, 10) : other;
}

/* Return: one case in how many is tried. */
static inline uint64_t sample_of(void)
{
	return sample_env("SAMPLE", 1);
}

/* Is case @i, from 0 on, to be tried? One of each sample_of() in a row is. */
static inline bool sampled(uint64_t i)
{
	uint64_t n = ((i / sample_of() + 1) * 2654435761u ^ sample_env("SEED", 1) * 40503) >> 8;

	return (n & 0xffffff) % sample_of() == i % sample_of();
}

#endif
