// SPDX-License-Identifier: GPL-2.0
/*
 * What buffers and dirty logs have in common.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mutate.h"
#include "tests/tools/sample.h"

#define NAME	"mutant"

struct reason {
	char *text;
	unsigned int count;
};

uint64_t seed = 1, count = 1000, only, number;
const char *uuid = "";
const char *subject = "";
char did[1024];

static uint64_t rng;
static int control_fd, log_fd;
static struct reason reasons[256];
static unsigned int nr_reasons;

void die(const char *fmt, ...)
{
	va_list args;

	fflush(stderr);
	printf("mutate: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\nmutate: seed %" PRIu64 ", mutation %" PRIu64 " of %s:%s\n", seed, number,
	       subject, did);
	exit(1);
}

void random_begin(uint64_t from)
{
	rng = from;
}

uint64_t random_number(void)
{
	uint64_t x;

	rng += UINT64_C(0x9e3779b97f4a7c15);
	x = rng;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t below(uint64_t limit)
{
	return random_number() % limit;
}

void tell(const char *fmt, ...)
{
	size_t used = strlen(did);
	va_list args;

	if (used + 1 >= sizeof(did))
		return;
	did[used++] = ' ';
	va_start(args, fmt);
	vsnprintf(did + used, sizeof(did) - used, fmt, args);
	va_end(args);
}

void *memory(size_t bytes)
{
	void *p;

	if (posix_memalign(&p, BLOCK, bytes))
		die("out of memory");
	memset(p, 0, bytes);
	return p;
}

uint64_t get(const uint8_t *p, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, p, size);
	return le64toh(value);
}

void put(uint8_t *p, unsigned int size, uint64_t value)
{
	value = htole64(value);
	memcpy(p, &value, size);
}

uint32_t crc32c(const uint8_t *p, size_t bytes)
{
	static uint32_t table[256];
	uint32_t crc = ~0U, i, j;

	for (i = 1; !table[255] && i < 256; i++)
		for (table[i] = i, j = 0; j < 8; j++)
			table[i] = table[i] & 1 ? table[i] >> 1 ^ 0x82f63b78 : table[i] >> 1;
	while (bytes--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return crc;
}

uint32_t block_crc(const uint8_t *block, size_t size)
{
	uint8_t copy[BLOCK];

	memcpy(copy, block, size);
	memset(copy + CRC, 0, 4);
	return crc32c(copy, size);
}

void seal(uint8_t *block, size_t size)
{
	put(block + CRC, 4, block_crc(block, size));
}

bool zeroes(const uint8_t *p, size_t bytes)
{
	while (bytes--)
		if (*p++)
			return false;
	return true;
}

uint64_t sample_sector(uint64_t sectors, unsigned int i)
{
	uint64_t blocks = sectors / BLOCK_SECTORS;

	return (blocks / SAMPLES * i + blocks % SAMPLES * i / SAMPLES) * BLOCK_SECTORS;
}

/* A block that has nothing but one byte repeated gets 0. */
uint32_t sample_crc(const uint8_t *block)
{
	uint32_t crc = crc32c(block, BLOCK);

	if (!memcmp(block, block + 1, BLOCK - 1))
		return 0;
	return crc ? crc : 1;
}

/*
 * ---- Mutations of anything ----
 */

/* @used: bytes from the start that most of the bits are of */
void change_bits(uint8_t *block, unsigned int used, unsigned int size)
{
	unsigned int bits = 1 + below(4), at, bit;

	while (bits--) {
		at = below(below(4) ? used : size);
		bit = below(8);
		tell("bit %u of byte %u", bit, at);
		block[at] ^= 1 << bit;
	}
}

void change_bytes(uint8_t *block, unsigned int size)
{
	unsigned int at = below(size), n = 1 + below(size - at), fill = below(3), i;

	tell("%u bytes from %u: %s", n, at, fill ? fill == 1 ? "ones" : "zeroes" : "random");
	for (i = at; i < at + n; i++)
		block[i] = fill ? fill == 1 ? 0xff : 0 : random_number();
}

/*
 * ---- Devices ----
 */

int open_device(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

uint64_t length_of(int fd)
{
	return lseek(fd, 0, SEEK_END) / SECTOR;
}

void read_all(int fd, uint8_t *to, uint64_t sectors, const char *what)
{
	ssize_t n = pread(fd, to, sectors * SECTOR, 0);

	if (n != (ssize_t)(sectors * SECTOR))
		die("cannot read %s: %s", what, n < 0 ? strerror(errno) : "short");
}

void write_at(int fd, const uint8_t *from, uint64_t offset, size_t bytes)
{
	if (pwrite(fd, from + offset, bytes, offset) != (ssize_t)bytes)
		die("cannot write to a device below: %s", strerror(errno));
}

/* What is in the file NAME.SUFFIX */
uint8_t *load_file(const char *name, const char *suffix, uint64_t sectors)
{
	uint8_t *p = memory(sectors * SECTOR);
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s.%s", name, suffix);
	fd = open_device(path, O_RDONLY);
	read_all(fd, p, sectors, path);
	close(fd);
	return p;
}

/* Tables come and go quickly where nobody waits for the end of a grace period. */
static void expedite(const char *yes)
{
	int fd = open_device("/sys/kernel/rcu_expedited", O_WRONLY);

	if (write(fd, yes, 1) != 1)
		printf("rcu_expedited: %s\n", strerror(errno));
	close(fd);
}

static void calm_down(void)
{
	expedite("0");
}

/*
 * ---- The device under test ----
 */

static union {
	struct dm_ioctl head;
	char room[8192];
} dm;
static int dm_minor = -1;
static bool dm_loaded;		/* the last table */
static uint64_t dm_sectors;

static int dm_do(unsigned long request, unsigned int flags)
{
	dm.head = (struct dm_ioctl) {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(dm),
		.data_start = sizeof(dm.head),
		.target_count = 1,
		.flags = flags,
		.name = NAME,
	};
	if (request == DM_DEV_CREATE)
		snprintf(dm.head.uuid, sizeof(dm.head.uuid), "%s", uuid);
	return ioctl(control_fd, request, &dm) ? -errno : 0;
}

/* To be called once, before all the others */
void device_init(uint64_t sectors)
{
	control_fd = open_device("/dev/mapper/control", O_RDWR);
	log_fd = open_device("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	lseek(log_fd, 0, SEEK_END);
	dm_sectors = sectors;
	expedite("1");
	atexit(calm_down);
}

/* Loads a table and resumes with it. */
int device_load(const char *type, const char *parameters)
{
	struct dm_target_spec *spec = (void *)(dm.room + sizeof(dm.head));
	int error;

	memset(&dm, 0, sizeof(dm));
	spec->length = dm_sectors;
	strcpy(spec->target_type, type);
	snprintf((char *)(spec + 1), sizeof(dm) - sizeof(dm.head) - sizeof(*spec), "%s",
		 parameters);
	error = dm_do(DM_TABLE_LOAD, 0);
	dm_loaded = !error;
	/* DM_DEV_SUSPEND without its flag is resume */
	return error ? error : dm_do(DM_DEV_SUSPEND, 0);
}

/* The last table was taken, and refused by resume? */
bool device_refused_late(void)
{
	return dm_loaded;
}

void device_remove(void)
{
	int error = dm_do(DM_DEV_REMOVE, 0);

	if (error)
		die("cannot remove the device: %s", strerror(-error));
	dm_minor = -1;
}

/*
 * A mapped device takes long to go: what is under test goes when it gets another
 * table, and only from time to time with the device.
 */
void device_clear(void)
{
	int error;

	if (dm_minor >= 0 && below(32) == 0)
		device_remove();
	if (dm_minor < 0) {
		error = dm_do(DM_DEV_CREATE, 0);
		if (error)
			die("cannot create a device: %s", strerror(-error));
		dm_minor = minor(dm.head.dev);
	}
	error = device_load("error", "");
	if (error)
		die("cannot remove what is under test: %s", strerror(-error));
}

int device_open(void)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/dm-%d", dm_minor);
	return open_device(path, O_RDWR | O_DIRECT);
}

/* The target's words, as dmsetup has them */
const char *device_status(void)
{
	struct dm_target_spec *spec = (void *)(dm.room + sizeof(dm.head));

	if (dm_do(DM_TABLE_STATUS, DM_NOFLUSH_FLAG))
		die("no status: %s", strerror(errno));
	return (char *)(spec + 1);
}

int device_message(const char *message)
{
	struct dm_target_msg *msg = (void *)(dm.room + sizeof(dm.head));

	memset(&dm, 0, sizeof(dm));
	strcpy(msg->message, message);
	return dm_do(DM_TARGET_MSG, 0);
}

/*
 * ---- Reasons ----
 */

/* Numbers, and what looks like one, count as the same. */
static void normalize(char *text)
{
	char *in = text, *out = text, *end;

	end = strstr(text, "UUID is ");
	if (end)
		end[8] = '\0';
	/* the rest says what to do about it, or as much of it as there is room for */
	end = strstr(text, "; zero");
	if (end)
		*end = '\0';
	while (*in) {
		size_t hex = strspn(in, "0123456789abcdef");

		if (hex && (strspn(in, "0123456789") == hex || hex >= 8)) {
			*out++ = '#';
			in += hex;
		} else {
			do
				*out++ = *in++;
			while (strchr("0123456789abcdef", in[-1]) && *in &&
			       strchr("0123456789abcdef", *in));
		}
	}
	*out = '\0';
}

/* Takes what is new in the kernel's log. Return: whether it is a reason. */
bool take_reason(void)
{
	char record[4096], *text, *end;
	bool reason = false;
	unsigned int i;
	ssize_t n;

	for (;;) {
		n = read(log_fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return reason;
		record[n] = '\0';
		text = strchr(record, ';');
		end = text ? strchr(text, '\n') : NULL;
		if (!end)
			continue;
		*end = '\0';
		text = strstr(text, "replication: ");
		if (!text || strstr(text, "recovered at") || strstr(text, " -> ") ||
		    strstr(text, "the dirty log knows") || strstr(text, "leg is in sync") ||
		    strstr(text, "preresume failed") || strstr(text, "cannot resume") ||
		    strstr(text, "the line before this one"))
			continue;
		/* that a copy is damaged is no reason as long as the other one is not */
		if (!strstr(text, " counts"))
			reason = true;
		normalize(text);
		for (i = 0; i < nr_reasons && strcmp(reasons[i].text, text); i++)
			;
		if (i == nr_reasons) {
			if (i == ARRAY_SIZE(reasons))
				continue;
			reasons[nr_reasons++].text = strdup(text);
		}
		reasons[i].count++;
	}
}

/*
 * ---- All of them ----
 */

const char *const outcome_name[] = { "refused", "accepted", "formatted" };

void announce(void)
{
	if (only)
		printf("%s:%s\n", subject, did);
}

void run(const struct trial *trial, unsigned int images)
{
	unsigned int outcomes[ARRAY_SIZE(outcome_name)] = { }, n;

	device_clear();
	for (number = 0; number < count + images; number++) {
		/* first each one as it is; then by turns, for a while each */
		n = number < images ? number : (number - images) / 64 % images;
		if (only && number >= images && number != only)
			continue;
		if (!only && number >= images && !sampled(number - images))
			continue;
		trial->take(n);
		random_begin(seed * UINT64_C(0xd1342543de82ef95) + number);
		*did = '\0';
		if (number < images)
			trial->try_as_it_is(n);
		else
			outcomes[trial->try_mutated(n)]++;
	}
	printf("%u refused, %u read right, %u formatted; why they were refused:\n",
	       outcomes[REFUSED], outcomes[ACCEPTED], outcomes[FORMATTED]);
	for (n = 0; n < nr_reasons; n++)
		printf("%6u %s\n", reasons[n].count, reasons[n].text);
	device_remove();
	if (!only && (!outcomes[REFUSED] || !outcomes[ACCEPTED]))
		die("that was no test");
}
