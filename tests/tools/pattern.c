// SPDX-License-Identifier: GPL-2.0
/*
 * pattern - writes and checks sectors that say where they belong
 *
 *	pattern write DEV FIRST SECTORS TAG
 *	pattern check DEV FIRST SECTORS TAG
 *	pattern zero DEV FIRST SECTORS
 *	pattern compare DEV DEV FIRST SECTORS
 *	pattern cat DEV FIRST SECTORS
 *	pattern show DEV FIRST SECTORS		what is in each sector
 *
 * Each sector holds a magic number, TAG, its own sector number, and words that
 * follow from these. A sector at the wrong place, of another time, or torn
 * is told from the right one, and from each other. Direct I/O throughout.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR		512
#define WORDS		(SECTOR / sizeof(uint64_t))
#define CHUNK_SECTORS	2048
#define MAGIC		UINT64_C(0x6e72657474617044)

struct sector {
	uint64_t word[WORDS];
};

static void die(const char *what)
{
	fprintf(stderr, "pattern: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || end == text || *end) {
		fprintf(stderr, "pattern: not a number: '%s'\n", text);
		exit(2);
	}
	return n;
}

static struct sector *buffer(void)
{
	struct sector *b;

	errno = posix_memalign((void **)&b, 4096, CHUNK_SECTORS * SECTOR);
	if (errno)
		die("memory");
	return b;
}

static int open_device(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT);

	if (fd < 0)
		die(path);
	return fd;
}

static void make_sector(struct sector *s, uint64_t where, uint64_t tag)
{
	uint64_t x = where * UINT64_C(0x9e3779b97f4a7c15) ^
		     (tag + 1) * UINT64_C(0xd1342543de82ef95);
	unsigned int i;

	s->word[0] = MAGIC;
	s->word[1] = tag;
	s->word[2] = where;
	for (i = 3; i < WORDS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		s->word[i] = x;
	}
}

static void describe(char *text, size_t size, const struct sector *s)
{
	static const struct sector zero;
	struct sector whole;

	if (!memcmp(s, &zero, sizeof(zero))) {
		snprintf(text, size, "zeroes");
		return;
	}
	if (s->word[0] != MAGIC) {
		snprintf(text, size, "no pattern (%016" PRIx64 "...)", s->word[0]);
		return;
	}
	make_sector(&whole, s->word[2], s->word[1]);
	snprintf(text, size, "%stag %" PRIu64 " of sector %" PRIu64,
		 memcmp(s, &whole, sizeof(whole)) ? "torn, begins with " : "",
		 s->word[1], s->word[2]);
}

struct range {
	const char *path;
	uint64_t first, count;
	uint64_t (*one)(const struct sector *s, uint64_t where);
};

/* Calls one() for each sector of the range; sums up what it returns. */
static uint64_t walk(struct range r)
{
	struct sector *b = buffer();
	int fd = open_device(r.path, O_RDONLY);
	uint64_t bad = 0;

	while (r.count) {
		uint64_t n = r.count < CHUNK_SECTORS ? r.count : CHUNK_SECTORS, i;
		ssize_t got = pread(fd, b, n * SECTOR, r.first * SECTOR);

		if (got < 0)
			die(r.path);
		if (got == 0 || got % SECTOR) {
			fprintf(stderr, "pattern: %s: ends at sector %" PRIu64 "\n",
				r.path, r.first + got / SECTOR);
			exit(1);
		}
		n = got / SECTOR;
		for (i = 0; i < n; i++)
			bad += r.one(&b[i], r.first + i);
		r.first += n;
		r.count -= n;
	}
	close(fd);
	free(b);
	return bad;
}

static const char *name;
static uint64_t expected_tag, complaints;

static uint64_t complain(const struct sector *s, uint64_t where, const char *expected)
{
	char text[128];

	if (complaints++ < 8) {
		describe(text, sizeof(text), s);
		printf("%s: sector %" PRIu64 ": expected %s, found %s\n",
		       name, where, expected, text);
	}
	return 1;
}

static uint64_t check_one(const struct sector *s, uint64_t where)
{
	struct sector right;
	char text[64];

	make_sector(&right, where, expected_tag);
	if (!memcmp(s, &right, sizeof(right)))
		return 0;
	snprintf(text, sizeof(text), "tag %" PRIu64, expected_tag);
	return complain(s, where, text);
}

static uint64_t zero_one(const struct sector *s, uint64_t where)
{
	static const struct sector zero;

	if (!memcmp(s, &zero, sizeof(zero)))
		return 0;
	return complain(s, where, "zeroes");
}

static uint64_t cat_one(const struct sector *s, uint64_t where)
{
	(void)where;
	if (fwrite(s, sizeof(*s), 1, stdout) != 1)
		die("stdout");
	return 0;
}

static uint64_t show_one(const struct sector *s, uint64_t where)
{
	char text[128];

	describe(text, sizeof(text), s);
	printf("%" PRIu64 ": %s\n", where, text);
	return 0;
}

static int other_fd;
static struct sector *other;
static uint64_t other_first, other_count;
static const char *other_name;

static uint64_t compare_one(const struct sector *s, uint64_t where)
{
	char a[128], b[128];

	if (where < other_first || where >= other_first + other_count) {
		ssize_t got = pread(other_fd, other, CHUNK_SECTORS * SECTOR, where * SECTOR);

		if (got < SECTOR)
			die(other_name);
		other_first = where;
		other_count = got / SECTOR;
	}
	if (!memcmp(s, &other[where - other_first], sizeof(*s)))
		return 0;
	if (complaints++ < 8) {
		describe(a, sizeof(a), s);
		describe(b, sizeof(b), &other[where - other_first]);
		printf("sector %" PRIu64 ": %s has %s, %s has %s\n", where, name, a,
		       other_name, b);
	}
	return 1;
}

static void write_pattern(const char *path, uint64_t first, uint64_t count, uint64_t tag)
{
	struct sector *b = buffer();
	int fd = open_device(path, O_WRONLY);

	while (count) {
		uint64_t n = count < CHUNK_SECTORS ? count : CHUNK_SECTORS, i;
		ssize_t put;

		for (i = 0; i < n; i++)
			make_sector(&b[i], first + i, tag);
		put = pwrite(fd, b, n * SECTOR, first * SECTOR);
		if (put < 0)
			die(path);
		if (put == 0 || put % SECTOR) {
			fprintf(stderr, "pattern: %s: short write at sector %" PRIu64 "\n",
				path, first);
			exit(1);
		}
		first += put / SECTOR;
		count -= put / SECTOR;
	}
	/* What was acknowledged late may fail late. */
	if (close(fd))
		die(path);
	free(b);
}

static int usage(void)
{
	fprintf(stderr, "usage: pattern write|check DEV FIRST SECTORS TAG\n"
		"       pattern zero|cat|show DEV FIRST SECTORS\n"
		"       pattern compare DEV DEV FIRST SECTORS\n");
	return 2;
}

static int report(struct range r)
{
	uint64_t bad;

	name = r.path;
	bad = walk(r);
	if (bad)
		printf("%" PRIu64 " sectors are wrong\n", bad);
	if (fflush(stdout))
		die("stdout");
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 6 && !strcmp(what, "compare")) {
		other_name = argv[3];
		other_fd = open_device(other_name, O_RDONLY);
		other = buffer();
		return report((struct range){ argv[2], number(argv[4]), number(argv[5]), compare_one });
	}
	if (argc == 6 && !strcmp(what, "write")) {
		write_pattern(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
		return 0;
	}
	if (argc == 6 && !strcmp(what, "check")) {
		expected_tag = number(argv[5]);
		return report((struct range){ argv[2], number(argv[3]), number(argv[4]), check_one });
	}
	if (argc == 5 && !strcmp(what, "zero"))
		return report((struct range){ argv[2], number(argv[3]), number(argv[4]), zero_one });
	if (argc == 5 && !strcmp(what, "cat"))
		return report((struct range){ argv[2], number(argv[3]), number(argv[4]), cat_one });
	if (argc == 5 && !strcmp(what, "show"))
		return report((struct range){ argv[2], number(argv[3]), number(argv[4]), show_one });
	return usage();
}
