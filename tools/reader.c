// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "reader.h"

/* So many faults tell the story; a hostile buffer could have millions. */
#define KEPT_FAULTS	100

/*
 * ---- Memory and faults ----
 */

void *reader_grow(void *array, size_t nr, size_t size)
{
	/* has room for the next power of two from 16 on */
	if (nr && (nr < 16 || nr & (nr - 1)))
		return array;
	array = reallocarray(array, nr < 16 ? 16 : nr * 2, size);
	if (!array) {
		fprintf(stderr, "Out of memory\n");
		exit(1);
	}
	return array;
}

void reader_fault(struct reader_faults *faults, const char *format, ...)
{
	va_list arguments;
	char *text;

	faults->nr++;
	if (faults->kept == KEPT_FAULTS)
		return;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0) {
		fprintf(stderr, "Out of memory\n");
		exit(1);
	}
	va_end(arguments);
	faults->text = reader_grow(faults->text, faults->kept, sizeof(*faults->text));
	faults->text[faults->kept++] = text;
}

void reader_free_faults(struct reader_faults *faults)
{
	while (faults->kept)
		free(faults->text[--faults->kept]);
	free(faults->text);
	*faults = (struct reader_faults) { };
}

/*
 * ---- Devices ----
 */

int reader_open(const char *path, u64 *sectors, struct reader_faults *faults)
{
	int flags = O_RDONLY | O_CLOEXEC;
	struct stat info;
	off_t length;
	int fd;

	if (stat(path, &info)) {
		reader_fault(faults, "cannot open %s: %s", path, strerror(errno));
		return -1;
	}
	if (!S_ISBLK(info.st_mode) && !S_ISREG(info.st_mode)) {
		reader_fault(faults, "%s is neither a block device nor a file", path);
		return -1;
	}
	/* what a mapped device or a file system claims cannot be opened so */
	if (S_ISBLK(info.st_mode))
		flags |= O_EXCL;
	fd = open(path, flags);
	if (fd < 0) {
		if (errno == EBUSY)
			reader_fault(faults,
				    "%s is in use: remove the mapped device, or unmount it, first",
				    path);
		else
			reader_fault(faults, "cannot open %s: %s", path, strerror(errno));
		return -1;
	}
	length = lseek(fd, 0, SEEK_END);
	if (length < 0) {
		reader_fault(faults, "cannot tell the length of %s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	*sectors = (u64)length / READER_SECTOR_SIZE;
	return fd;
}

int reader_block(int fd, u64 sector, void *block)
{
	off_t offset = sector * READER_SECTOR_SIZE;
	size_t done = 0;
	ssize_t n;

	if (sector > INT64_MAX / READER_SECTOR_SIZE - FORMAT_BLOCK_SECTORS)
		return -ENODATA;
	while (done < FORMAT_BLOCK_SIZE) {
		n = pread(fd, block + done, FORMAT_BLOCK_SIZE - done, offset + done);
		if (!n)
			return -ENODATA;
		if (n > 0)
			done += n;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/*
 * ---- Superblocks ----
 */

unsigned int reader_supers(int fd, __u8 block[FORMAT_SUPER_COPIES][FORMAT_BLOCK_SIZE],
			   struct reader_copy *copy)
{
	unsigned int i, read = 0;
	int error;

	for (i = 0; i < FORMAT_SUPER_COPIES; i++) {
		error = reader_block(fd, i * FORMAT_BLOCK_SECTORS, block[i]);
		if (!error) {
			read |= 1U << i;
			continue;
		}
		memset(block[i], 0, FORMAT_BLOCK_SIZE);
		scnprintf(copy[i].why, sizeof(copy[i].why), "cannot be read: %s",
			  strerror(-error));
	}
	return read;
}

unsigned int reader_choose(const struct reader_copy *copy, struct reader_faults *faults)
{
	unsigned int i, live = READER_NO_SUPER;

	for (i = 0; i < FORMAT_SUPER_COPIES; i++) {
		if (!copy[i].valid)
			reader_fault(faults, "superblock copy %u: %s", i, copy[i].why);
		else if (live == READER_NO_SUPER || copy[i].sequence > copy[live].sequence)
			live = i;
	}
	return live;
}
