// SPDX-License-Identifier: GPL-2.0-only
#include "disk.h"
#include "unit.h"

struct block_device *disk_new(u64 sectors)
{
	struct block_device *disk = unit_zeroes(1, sizeof(*disk));

	pthread_mutex_init(&disk->lock, NULL);
	disk->sectors = sectors;
	disk->cached = unit_zeroes(sectors, 512);
	disk->durable = unit_zeroes(sectors, 512);
	disk->dirty = unit_zeroes(sectors, sizeof(bool));
	return disk;
}

void disk_free(struct block_device *disk)
{
	pthread_mutex_destroy(&disk->lock);
	free(disk->cached);
	free(disk->durable);
	free(disk->dirty);
	free(disk);
}

/* Each sector that is not durable is from now on, with a chance of @percent. */
static void settle(struct block_device *disk, u64 first, u64 sectors, unsigned int percent)
{
	u64 s;

	for (s = first; s < first + sectors; s++) {
		if (!disk->dirty[s])
			continue;
		if (unit_chance(percent))
			memcpy(disk->durable[s], disk->cached[s], 512);
		else if (percent < 100)
			memcpy(disk->cached[s], disk->durable[s], 512);
		disk->dirty[s] = false;
	}
}

void disk_crash(struct block_device *disk)
{
	pthread_mutex_lock(&disk->lock);
	settle(disk, 0, disk->sectors, unit_random(100));
	pthread_mutex_unlock(&disk->lock);
}

static int write_sectors(struct block_device *disk, const struct bio *bio, const u8 *data,
			 unsigned int sectors)
{
	bool fails = disk->write_fails && !unit_random(disk->write_fails);
	u64 first = bio->bi_iter.bi_sector, s;

	disk->writes++;
	for (s = 0; s < sectors; s++) {
		if (fails && unit_chance(50))
			continue;
		memcpy(disk->cached[first + s], data + 512 * s, 512);
		disk->dirty[first + s] = true;
	}
	if (!fails && bio->bi_opf & REQ_FUA)
		settle(disk, first, sectors, 100);
	return fails ? -EIO : 0;
}

int submit_bio_wait(struct bio *bio)
{
	struct block_device *disk = bio->bi_bdev;
	const struct bio_vec *vec = bio->bi_io_vec;
	u8 *data = (u8 *)vec->page + vec->offset;
	unsigned int sectors = vec->bytes / 512;
	int error = 0;

	EXPECT(bio->bi_iter.bi_sector + sectors <= disk->sectors && vec->bytes % 512 == 0,
	       "beyond the device: sector %llu", (unsigned long long)bio->bi_iter.bi_sector);
	EXPECT(vec->offset + vec->bytes <= PAGE_SIZE, "more than a page");
	pthread_mutex_lock(&disk->lock);
	switch (bio->bi_opf & REQ_OP_MASK) {
	case REQ_OP_READ:
		memcpy(data, disk->cached[bio->bi_iter.bi_sector], vec->bytes);
		break;
	case REQ_OP_WRITE:
		error = write_sectors(disk, bio, data, sectors);
		break;
	default:
		FAIL("operation %u", bio->bi_opf & REQ_OP_MASK);
	}
	pthread_mutex_unlock(&disk->lock);
	return error;
}

/* One that fails has lost what it has lost: the next one knows nothing of it. */
int blkdev_issue_flush(struct block_device *disk)
{
	bool fails;

	pthread_mutex_lock(&disk->lock);
	fails = disk->flush_fails && !unit_random(disk->flush_fails);
	settle(disk, 0, disk->sectors, fails ? 50 : 100);
	pthread_mutex_unlock(&disk->lock);
	return fails ? -EIO : 0;
}

sector_t bdev_nr_sectors(const struct block_device *disk)
{
	return disk->sectors;
}

bool bdev_write_cache(const struct block_device *disk)
{
	(void)disk;
	return true;
}
