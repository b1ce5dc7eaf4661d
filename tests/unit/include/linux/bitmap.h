/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bit operations and bitmaps. Those that change one bit are atomic; the others
 * go word by word, which races with them in the kernel too, without harm.
 */
#ifndef UNIT_LINUX_BITMAP_H
#define UNIT_LINUX_BITMAP_H

#include <linux/atomic.h>
#include <linux/slab.h>

#define BIT(n)			(1UL << (n))
#define BIT_WORD(n)		((n) / BITS_PER_LONG)
#define BIT_MASK(n)		(1UL << (n) % BITS_PER_LONG)
#define GENMASK(high, low)	((~0UL << (low)) & (~0UL >> (BITS_PER_LONG - 1 - (high))))
#define BITS_TO_LONGS(bits)	(((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline bool test_bit(unsigned long bit, const unsigned long *bits)
{
	return READ_ONCE(bits[BIT_WORD(bit)]) & BIT_MASK(bit);
}

static inline bool test_and_set_bit(unsigned long bit, unsigned long *bits)
{
	return __atomic_fetch_or(&bits[BIT_WORD(bit)], BIT_MASK(bit),
				 __ATOMIC_SEQ_CST) & BIT_MASK(bit);
}

static inline bool test_and_clear_bit(unsigned long bit, unsigned long *bits)
{
	return __atomic_fetch_and(&bits[BIT_WORD(bit)], ~BIT_MASK(bit),
				  __ATOMIC_SEQ_CST) & BIT_MASK(bit);
}

static inline void set_bit(unsigned long bit, unsigned long *bits)
{
	test_and_set_bit(bit, bits);
}

static inline void clear_bit(unsigned long bit, unsigned long *bits)
{
	test_and_clear_bit(bit, bits);
}

static inline unsigned int hweight_long(unsigned long word)
{
	return __builtin_popcountl(word);
}

static inline unsigned long unit_find_next(const unsigned long *bits, unsigned long end,
					   unsigned long from, unsigned long flip)
{
	unsigned long word;

	if (from >= end)
		return end;
	word = (READ_ONCE(bits[BIT_WORD(from)]) ^ flip) & ~0UL << from % BITS_PER_LONG;
	for (from -= from % BITS_PER_LONG; !word; ) {
		from += BITS_PER_LONG;
		if (from >= end)
			return end;
		word = READ_ONCE(bits[BIT_WORD(from)]) ^ flip;
	}
	return min(from + __builtin_ctzl(word), end);
}

static inline unsigned long find_next_bit(const unsigned long *bits, unsigned long end,
					  unsigned long from)
{
	return unit_find_next(bits, end, from, 0);
}

static inline unsigned long find_next_zero_bit(const unsigned long *bits,
					       unsigned long end, unsigned long from)
{
	return unit_find_next(bits, end, from, ~0UL);
}

#define for_each_set_bit_from(bit, bits, end)				\
	for (bit = find_next_bit(bits, end, bit); bit < (end);		\
	     bit = find_next_bit(bits, end, bit + 1))
#define for_each_set_bit(bit, bits, end)				\
	for (bit = find_next_bit(bits, end, 0); bit < (end);		\
	     bit = find_next_bit(bits, end, bit + 1))

/* Sets or clears @n bits from @bit on, as the kernel does: not atomically. */
static inline void unit_bitmap_put(unsigned long *bits, unsigned long bit,
				   unsigned long n, bool set)
{
	unsigned long part, mask, *word;

	for (; n; bit += part, n -= part) {
		part = min(BITS_PER_LONG - bit % BITS_PER_LONG, n);
		mask = ~0UL >> (BITS_PER_LONG - part) << bit % BITS_PER_LONG;
		word = &bits[BIT_WORD(bit)];
		WRITE_ONCE(*word, set ? READ_ONCE(*word) | mask : READ_ONCE(*word) & ~mask);
	}
}

static inline void bitmap_set(unsigned long *bits, unsigned int bit, unsigned int n)
{
	unit_bitmap_put(bits, bit, n, true);
}

static inline void bitmap_clear(unsigned long *bits, unsigned int bit, unsigned int n)
{
	unit_bitmap_put(bits, bit, n, false);
}

/* These take whole words, and may change what is behind the last bit. */
static inline void bitmap_zero(unsigned long *bits, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS((unsigned long)n); i++)
		WRITE_ONCE(bits[i], 0);
}

static inline void bitmap_fill(unsigned long *bits, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS((unsigned long)n); i++)
		WRITE_ONCE(bits[i], ~0UL);
}

static inline void bitmap_copy(unsigned long *to, const unsigned long *from, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS((unsigned long)n); i++)
		WRITE_ONCE(to[i], READ_ONCE(from[i]));
}

static inline unsigned long *bitmap_zalloc(unsigned int n, gfp_t gfp)
{
	return kzalloc(BITS_TO_LONGS((unsigned long)n) * sizeof(long), gfp);
}

#define bitmap_free(bits)	kfree(bits)

static inline void bitmap_or(unsigned long *to, const unsigned long *a,
			     const unsigned long *b, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS((unsigned long)n); i++)
		WRITE_ONCE(to[i], READ_ONCE(a[i]) | READ_ONCE(b[i]));
}

#endif
