// SPDX-License-Identifier: GPL-2.0-only
/*
 * replication_check - is a secondary's disk buffer, or a primary's dirty log, in
 * order?
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <json-c/json.h>

#include "image.h"
#include "log_image.h"

enum {
	EXIT_FINE = 0,
	EXIT_FAULTY = 1,
	EXIT_USAGE = 2,
};

/**
 * struct samples - how the superblock's samples compare with the device
 * @device: which it is, in words
 * @covered_by: why some are not compared, in words
 * @skipped: why none was compared, or NULL
 * @equal: the device has what the superblock says
 * @blank: the device has nothing there, which may be what it made of a discard
 * @different: it has something else
 * @covered: not compared, the block may have been written
 * @unknown: not compared, the superblock does not know
 */
struct samples {
	const char *device;
	const char *covered_by;
	const char *skipped;
	unsigned int equal;
	unsigned int blank;
	unsigned int different;
	unsigned int covered;
	unsigned int unknown;
};

/*
 * ---- Samples ----
 */

static void compare_sample(struct samples *samples, unsigned int i, u32 sample, int fd, u64 sector,
			   struct reader_faults *faults)
{
	unsigned char block[FORMAT_BLOCK_SIZE];
	int error = reader_block(fd, sector, block);

	if (error) {
		reader_fault(faults, "sector %llu of the %s cannot be read: %s", sector,
			     samples->device, strerror(-error));
		return;
	}
	switch (format_sample_compare(sample, block)) {
	case FORMAT_SAMPLE_EQUAL:
		samples->equal++;
		break;
	case FORMAT_SAMPLE_BLANK:
		samples->blank++;
		break;
	default:
		samples->different++;
		reader_fault(faults, "sample %u: the %s has changed at sector %llu", i,
			     samples->device, sector);
	}
}

/**
 * compare_samples() - compare the samples with a device
 * @samples: gets the result
 * @sample: of the superblock
 * @length: of the device, as the superblock has it
 * @fd: the device
 * @covered: does a block mean nothing? Gets @image, and the block's first sector
 * @image: for @covered
 * @faults: gets what is wrong
 */
static void compare_samples(struct samples *samples, const u32 *sample, u64 length, int fd,
			    bool (*covered)(const void *image, u64 sector), const void *image,
			    struct reader_faults *faults)
{
	unsigned int i;
	u64 sector;

	for (i = 0; i < FORMAT_SAMPLES; i++) {
		sector = format_sample_sector(length, i);
		if (!sample[i])
			samples->unknown++;
		else if (covered(image, sector))
			samples->covered++;
		else
			compare_sample(samples, i, sample[i], fd, sector, faults);
	}
	if (samples->blank && !samples->equal && !samples->different)
		reader_fault(faults, "the %s is blank where the superblock knows of data",
			     samples->device);
}

/* Returns a file descriptor, or -1 if the device is of no use. */
static int open_sampled(struct samples *samples, const char *path, bool has_super, u64 expected,
			const char *what, struct reader_faults *faults)
{
	u64 sectors;
	int fd;

	fd = reader_open(path, &sectors, faults);
	if (fd < 0) {
		samples->skipped = "it cannot be opened";
		return -1;
	}
	if (!has_super) {
		samples->skipped = "there is no superblock";
	} else if (sectors < expected) {
		reader_fault(faults,
			     "the %s is too short: it has %llu sectors, the %s is for one of %llu",
			     samples->device, sectors, what, expected);
		samples->skipped = "it is too short";
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

/*
 * ---- A buffer's disk ----
 */

/* The effective map of a buffer */
struct map {
	const struct image_range *range;
	size_t nr;
};

static bool map_covers(const void *image, u64 sector)
{
	const struct map *map = image;
	size_t low = 0, high = map->nr, middle;

	/* the first range that ends behind @sector */
	while (low < high) {
		middle = low + (high - low) / 2;
		if (map->range[middle].sector + map->range[middle].sectors > sector)
			high = middle;
		else
			low = middle + 1;
	}
	return low < map->nr && map->range[low].sector < sector + FORMAT_BLOCK_SECTORS;
}

static void check_disk(struct image *image, const char *path, struct samples *samples)
{
	bool has_super = image->content == IMAGE_BUFFER;
	const struct image_super *super = has_super ? &image->super[image->live] : NULL;
	struct image_range *ranges;
	struct map map;
	int fd;

	samples->device = "disk";
	samples->covered_by = "covered by the buffer";
	fd = open_sampled(samples, path, has_super, super ? super->buffer.disk_sectors : 0,
			  "buffer", &image->faults);
	if (fd < 0)
		return;
	if (super->state.stage != FORMAT_STAGE_RUNNING) {
		samples->skipped = "the disk may change in this stage";
	} else if (!image->complete) {
		samples->skipped = "the chain is damaged";
	} else {
		ranges = image_map(image, &map.nr);
		map.range = ranges;
		compare_samples(samples, super->state.sample, super->buffer.disk_sectors, fd,
				map_covers, &map, &image->faults);
		free(ranges);
	}
	close(fd);
}

/*
 * ---- A dirty log's local leg ----
 */

/* A block is never in two regions. */
static bool is_marked(const void *image, u64 sector)
{
	const struct log_image *log = image;

	return log_image_mark(log, sector / log->super[log->live].log.region_sectors) != LOG_CLEAN;
}

static void check_leg(struct log_image *image, const char *path, struct samples *samples)
{
	bool has_super = image->live != READER_NO_SUPER;
	const struct log_super *super = has_super ? &image->super[image->live] : NULL;
	int fd;

	samples->device = "local leg";
	samples->covered_by = "in marked regions";
	fd = open_sampled(samples, path, has_super, super ? super->log.leg_sectors : 0,
			  "dirty log", &image->faults);
	if (fd < 0)
		return;
	compare_samples(samples, super->state.sample, super->log.leg_sectors, fd, is_marked, image,
			&image->faults);
	close(fd);
}

/*
 * ---- Output ----
 */

static const char *result(const struct reader_faults *faults, bool empty)
{
	if (faults->nr)
		return "faulty";
	return empty ? "not formatted" : "fine";
}

static void print_supers(const struct reader_copy *copy, unsigned int live)
{
	unsigned int i;

	for (i = 0; i < FORMAT_SUPER_COPIES; i++) {
		if (!copy[i].valid)
			printf("superblock copy %u: not valid: %s\n", i, copy[i].why);
		else
			printf("superblock copy %u: valid, sequence %llu\n", i, copy[i].sequence);
	}
	printf("superblock copy %u counts: %s\n", live,
	       copy[!live].valid ? "its sequence is the higher one" : "it is the only valid one");
}

static void print_buffer(const struct image *image)
{
	const struct image_super *super = &image->super[image->live];

	print_supers(image->copy, image->live);
	printf("stage %s, epoch %llu, merged up to epoch %llu\n",
	       image_stage_name(super->state.stage), super->state.epoch,
	       super->state.merged_epoch);
	printf("chain: %zu summaries, %zu entries, %s\n", image->nr_summaries, image->nr_entries,
	       image->complete ? "complete" : "broken off");
}

static void print_empty(const struct image *image)
{
	printf("not formatted: the first %d bytes are zero; a secondary formats it as its buffer, a primary as its dirty log\n",
	       FORMAT_BLOCK_SIZE);
	if (image->sectors < FORMAT_MIN_SECTORS)
		printf("too small for a buffer, which has at least %d sectors\n",
		       FORMAT_MIN_SECTORS);
	if (image->copy[1].valid || image->was_log)
		printf("superblock copy 1 is valid: the %s was given up, or was being formatted\n",
		       image->was_log ? "dirty log" : "buffer");
}

static void print_log(const struct log_image *image)
{
	const struct log_super *super = &image->super[image->live];

	print_supers(image->copy, image->live);
	printf("dirty log of a primary of %llu sectors, marks of %u sectors each\n",
	       super->log.leg_sectors, super->log.region_sectors);
	printf("epoch %llu, marks since epoch %llu\n", super->state.epoch, super->state.base);
	printf("marks: %u of %u sectors valid\n", image->nr_valid,
	       super->log.blocks * FORMAT_BLOCK_SECTORS);
	printf("regions: %u, %llu marked, %llu unknown\n", super->log.regions, image->nr_marked,
	       image->nr_unknown);
}

static void print_end(const char *path, const struct samples *samples,
		      const struct reader_faults *faults, const char *result)
{
	size_t i;

	if (samples && samples->skipped)
		printf("samples: not compared: %s\n", samples->skipped);
	else if (samples)
		printf("samples: %u equal, %u blank, %u different, %u %s, %u unknown\n",
		       samples->equal, samples->blank, samples->different, samples->covered,
		       samples->covered_by, samples->unknown);
	for (i = 0; i < faults->kept; i++)
		printf("fault: %s\n", faults->text[i]);
	if (faults->kept < faults->nr)
		printf("fault: and %zu more\n", faults->nr - faults->kept);
	printf("%s: %s\n", path, result);
}

static void add_number(struct json_object *json, const char *key, u64 number)
{
	json_object_object_add(json, key, json_object_new_uint64(number));
}

static void json_supers(struct json_object *json, const struct reader_copy *copy,
			unsigned int live)
{
	struct json_object *supers = json_object_new_array(), *super;
	unsigned int i;

	for (i = 0; i < FORMAT_SUPER_COPIES; i++) {
		super = json_object_new_object();
		json_object_object_add(super, "copy", json_object_new_int(i));
		json_object_object_add(super, "valid", json_object_new_boolean(copy[i].valid));
		json_object_object_add(super, "counts", json_object_new_boolean(i == live));
		if (copy[i].valid)
			add_number(super, "sequence", copy[i].sequence);
		else
			json_object_object_add(super, "why", json_object_new_string(copy[i].why));
		json_object_array_add(supers, super);
	}
	json_object_object_add(json, "superblocks", supers);
}

static void json_buffer(struct json_object *json, const struct image *image)
{
	const struct format_state *state = &image->super[image->live].state;

	json_supers(json, image->copy, image->live);
	json_object_object_add(json, "stage",
			       json_object_new_string(image_stage_name(state->stage)));
	add_number(json, "epoch", state->epoch);
	add_number(json, "merged_epoch", state->merged_epoch);
	add_number(json, "summaries", image->nr_summaries);
	add_number(json, "entries", image->nr_entries);
	json_object_object_add(json, "complete", json_object_new_boolean(image->complete));
}

static void json_log(struct json_object *json, const struct log_image *image)
{
	const struct log_super *super = &image->super[image->live];

	json_supers(json, image->copy, image->live);
	add_number(json, "leg_sectors", super->log.leg_sectors);
	add_number(json, "region_sectors", super->log.region_sectors);
	add_number(json, "epoch", super->state.epoch);
	add_number(json, "base", super->state.base);
	add_number(json, "marks_sectors", super->log.blocks * FORMAT_BLOCK_SECTORS);
	add_number(json, "valid_marks_sectors", image->nr_valid);
	add_number(json, "regions", super->log.regions);
	add_number(json, "marked", image->nr_marked);
	add_number(json, "unknown", image->nr_unknown);
}

static struct json_object *json_samples(const struct samples *samples)
{
	struct json_object *json = json_object_new_object();

	if (samples->skipped) {
		json_object_object_add(json, "skipped", json_object_new_string(samples->skipped));
		return json;
	}
	add_number(json, "equal", samples->equal);
	add_number(json, "blank", samples->blank);
	add_number(json, "different", samples->different);
	add_number(json, "covered", samples->covered);
	add_number(json, "unknown", samples->unknown);
	return json;
}

/* Prints it and frees it. */
static void json_end(struct json_object *json, const struct samples *samples,
		     const struct reader_faults *kept)
{
	struct json_object *faults = json_object_new_array();
	size_t i;

	if (samples)
		json_object_object_add(json, "samples", json_samples(samples));
	for (i = 0; i < kept->kept; i++)
		json_object_array_add(faults, json_object_new_string(kept->text[i]));
	add_number(json, "nr_faults", kept->nr);
	json_object_object_add(json, "faults", faults);
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
						  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}

static struct json_object *json_begin(const char *what, const char *path, const char *result)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, what, json_object_new_string(path));
	json_object_object_add(json, "result", json_object_new_string(result));
	return json;
}

/*
 * ---- Either ----
 */

static int check_buffer(const char *path, const char *disk, bool json)
{
	struct samples samples = { }, *compared = disk ? &samples : NULL;
	struct json_object *object;
	const char *is;
	struct image image;
	int status;

	image_read(&image, path);
	image_check_places(&image);
	if (disk)
		check_disk(&image, disk, &samples);
	is = result(&image.faults, image.content == IMAGE_EMPTY);
	if (json) {
		object = json_begin("buffer", path, is);
		if (image.content == IMAGE_BUFFER)
			json_buffer(object, &image);
		json_end(object, compared, &image.faults);
	} else {
		if (image.content == IMAGE_BUFFER)
			print_buffer(&image);
		if (image.content == IMAGE_EMPTY)
			print_empty(&image);
		print_end(path, compared, &image.faults, is);
	}
	status = image.faults.nr ? EXIT_FAULTY : EXIT_FINE;
	image_free(&image);
	return status;
}

static int check_log(const char *path, const char *leg, bool json)
{
	struct samples samples = { }, *compared = leg ? &samples : NULL;
	struct json_object *object;
	struct log_image image;
	const char *is;
	int status;

	log_image_read(&image, path);
	if (leg)
		check_leg(&image, leg, &samples);
	is = result(&image.faults, false);
	if (json) {
		object = json_begin("dirty_log", path, is);
		if (image.live != READER_NO_SUPER)
			json_log(object, &image);
		json_end(object, compared, &image.faults);
	} else {
		if (image.live != READER_NO_SUPER)
			print_log(&image);
		print_end(path, compared, &image.faults, is);
	}
	status = image.faults.nr ? EXIT_FAULTY : EXIT_FINE;
	log_image_free(&image);
	return status;
}

/*
 * ---- Arguments ----
 */

static void usage(FILE *to)
{
	fprintf(to,
		"usage: replication_check [options] DEVICE\n"
		"\n"
		"Checks a disk buffer or a dirty log of dm-replication, a block device that is\n"
		"not in use or a file. Nothing is written.\n"
		"\n"
		"  -d, --disk DISK  compare the superblock's samples with this device: the disk\n"
		"                   of a buffer, the local leg of a dirty log\n"
		"  -j, --json       print JSON\n"
		"  -h, --help       print this\n"
		"  -V, --version    print the version\n"
		"\n"
		"Exit status: 0 fine, 1 something is wrong or cannot be read, 2 usage.\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "disk", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	const char *disk = NULL, *path;
	bool json = false;
	int option, status;

	while ((option = getopt_long(argc, argv, "d:jhV", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			disk = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_FINE;
		case 'V':
			printf("replication_check %s, buffers of version %d, dirty logs of version %d\n",
			       VERSION, FORMAT_VERSION, FORMAT_LOG_VERSION);
			return EXIT_FINE;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (argc - optind != 1) {
		fprintf(stderr, "replication_check: %s\n",
			argc == optind ? "which device?" : "one device at a time");
		usage(stderr);
		return EXIT_USAGE;
	}

	path = argv[optind];
	status = (log_image_recognized(path) ? check_log : check_buffer)(path, disk, json);
	if (fflush(stdout) || ferror(stdout)) {
		perror("replication_check: cannot write the result");
		status = EXIT_FAULTY;
	}
	return status;
}
