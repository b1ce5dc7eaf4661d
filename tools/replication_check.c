// SPDX-License-Identifier: GPL-2.0-only
/*
 * replication_check - is a secondary's disk buffer in order?
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <json-c/json.h>

#include "image.h"

enum {
	EXIT_FINE = 0,
	EXIT_FAULTY = 1,
	EXIT_USAGE = 2,
};

/**
 * struct samples - how the superblock's samples compare with the disk
 * @skipped: why none was compared, or NULL
 * @equal: the disk has what the superblock says
 * @blank: the disk has nothing there, which may be what it made of a discard
 * @different: it has something else
 * @covered: not compared, the block is in the buffer
 * @unknown: not compared, the superblock does not know
 */
struct samples {
	const char *skipped;
	unsigned int equal;
	unsigned int blank;
	unsigned int different;
	unsigned int covered;
	unsigned int unknown;
};

/*
 * ---- The disk ----
 */

static bool covers(const struct image_range *map, size_t nr, u64 sector, u64 sectors)
{
	size_t low = 0, high = nr, middle;

	/* the first range that ends behind @sector */
	while (low < high) {
		middle = low + (high - low) / 2;
		if (map[middle].sector + map[middle].sectors > sector)
			high = middle;
		else
			low = middle + 1;
	}
	return low < nr && map[low].sector < sector + sectors;
}

static void compare_samples(const struct image_super *super, int fd,
			    const struct image_range *map, size_t nr_ranges,
			    struct samples *samples, struct image_faults *faults)
{
	unsigned char block[FORMAT_BLOCK_SIZE];
	unsigned int i;
	u64 sector;
	int error;

	for (i = 0; i < FORMAT_SAMPLES; i++) {
		sector = format_sample_sector(super->buffer.disk_sectors, i);
		if (!super->state.sample[i]) {
			samples->unknown++;
			continue;
		}
		if (covers(map, nr_ranges, sector, FORMAT_BLOCK_SECTORS)) {
			samples->covered++;
			continue;
		}
		error = image_read_block(fd, sector, block);
		if (error) {
			image_fault(faults, "sector %llu of the disk cannot be read: %s", sector,
				    strerror(-error));
			continue;
		}
		switch (format_sample_compare(super->state.sample[i], block)) {
		case FORMAT_SAMPLE_EQUAL:
			samples->equal++;
			break;
		case FORMAT_SAMPLE_BLANK:
			samples->blank++;
			break;
		default:
			samples->different++;
			image_fault(faults, "sample %u: the disk has changed at sector %llu", i,
				    sector);
		}
	}
	if (samples->blank && !samples->equal && !samples->different)
		image_fault(faults, "the disk is blank where the superblock knows of data");
}

static void check_disk(struct image *image, const char *path, struct samples *samples)
{
	const struct image_super *super = &image->super[image->live];
	struct image_range *map;
	u64 sectors;
	size_t nr;
	int fd;

	fd = image_open_device(path, &sectors, &image->faults);
	if (fd < 0) {
		samples->skipped = "the disk cannot be opened";
		return;
	}
	if (image->content != IMAGE_BUFFER) {
		samples->skipped = "there is no superblock";
	} else if (sectors < super->buffer.disk_sectors) {
		image_fault(&image->faults,
			    "the disk is too short: it has %llu sectors, the buffer is for one of %llu",
			    sectors, super->buffer.disk_sectors);
		samples->skipped = "the disk is too short";
	} else if (super->state.stage != FORMAT_STAGE_RUNNING) {
		samples->skipped = "the disk may change in this stage";
	} else if (!image->complete) {
		samples->skipped = "the chain is damaged";
	} else {
		map = image_map(image, &nr);
		compare_samples(super, fd, map, nr, samples, &image->faults);
		free(map);
	}
	close(fd);
}

/*
 * ---- Output ----
 */

static const char *result(const struct image *image)
{
	if (image->faults.nr)
		return "faulty";
	return image->content == IMAGE_EMPTY ? "not formatted" : "fine";
}

static void print_super(const struct image *image, unsigned int copy)
{
	const struct image_super *super = &image->super[copy];

	if (!super->valid)
		printf("superblock copy %u: not valid: %s\n", copy, super->why);
	else
		printf("superblock copy %u: valid, sequence %llu\n", copy, super->sequence);
}

static void print_buffer(const struct image *image)
{
	const struct image_super *super = &image->super[image->live];

	print_super(image, 0);
	print_super(image, 1);
	printf("superblock copy %u counts: %s\n", image->live,
	       image->super[!image->live].valid ? "its sequence is the higher one" :
						  "it is the only valid one");
	printf("stage %s, epoch %llu, merged up to epoch %llu\n",
	       image_stage_name(super->state.stage), super->state.epoch,
	       super->state.merged_epoch);
	printf("chain: %zu summaries, %zu entries, %s\n", image->nr_summaries, image->nr_entries,
	       image->complete ? "complete" : "broken off");
}

static void print_samples(const struct samples *samples)
{
	if (samples->skipped)
		printf("samples: not compared: %s\n", samples->skipped);
	else
		printf("samples: %u equal, %u blank, %u different, %u covered by the buffer, %u unknown\n",
		       samples->equal, samples->blank, samples->different, samples->covered,
		       samples->unknown);
}

static void print_faults(const struct image_faults *faults)
{
	size_t i;

	for (i = 0; i < faults->kept; i++)
		printf("fault: %s\n", faults->text[i]);
	if (faults->kept < faults->nr)
		printf("fault: and %zu more\n", faults->nr - faults->kept);
}

static void print_text(const struct image *image, const struct samples *samples)
{
	if (image->content == IMAGE_BUFFER)
		print_buffer(image);
	if (image->content == IMAGE_EMPTY)
		printf("not formatted: the first %u bytes are zero; a secondary formats it\n",
		       FORMAT_BLOCK_SIZE);
	if (image->content == IMAGE_EMPTY && image->super[1].valid)
		printf("superblock copy 1 is valid: the buffer was given up, or was being formatted\n");
	if (samples)
		print_samples(samples);
	print_faults(&image->faults);
	printf("%s: %s\n", image->path, result(image));
}

static struct json_object *json_super(const struct image *image, unsigned int copy)
{
	const struct image_super *super = &image->super[copy];
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "copy", json_object_new_int(copy));
	json_object_object_add(json, "valid", json_object_new_boolean(super->valid));
	json_object_object_add(json, "counts", json_object_new_boolean(copy == image->live));
	if (super->valid)
		json_object_object_add(json, "sequence",
				       json_object_new_uint64(super->sequence));
	else
		json_object_object_add(json, "why", json_object_new_string(super->why));
	return json;
}

static void json_buffer(struct json_object *json, const struct image *image)
{
	const struct format_state *state = &image->super[image->live].state;
	struct json_object *supers = json_object_new_array();

	json_object_array_add(supers, json_super(image, 0));
	json_object_array_add(supers, json_super(image, 1));
	json_object_object_add(json, "superblocks", supers);
	json_object_object_add(json, "stage",
			       json_object_new_string(image_stage_name(state->stage)));
	json_object_object_add(json, "epoch", json_object_new_uint64(state->epoch));
	json_object_object_add(json, "merged_epoch", json_object_new_uint64(state->merged_epoch));
	json_object_object_add(json, "summaries", json_object_new_uint64(image->nr_summaries));
	json_object_object_add(json, "entries", json_object_new_uint64(image->nr_entries));
	json_object_object_add(json, "complete", json_object_new_boolean(image->complete));
}

static struct json_object *json_samples(const struct samples *samples)
{
	struct json_object *json = json_object_new_object();

	if (samples->skipped) {
		json_object_object_add(json, "skipped", json_object_new_string(samples->skipped));
		return json;
	}
	json_object_object_add(json, "equal", json_object_new_int(samples->equal));
	json_object_object_add(json, "blank", json_object_new_int(samples->blank));
	json_object_object_add(json, "different", json_object_new_int(samples->different));
	json_object_object_add(json, "covered", json_object_new_int(samples->covered));
	json_object_object_add(json, "unknown", json_object_new_int(samples->unknown));
	return json;
}

static void print_json(const struct image *image, const struct samples *samples)
{
	struct json_object *json = json_object_new_object();
	struct json_object *faults = json_object_new_array();
	size_t i;

	json_object_object_add(json, "buffer", json_object_new_string(image->path));
	json_object_object_add(json, "result", json_object_new_string(result(image)));
	if (image->content == IMAGE_BUFFER)
		json_buffer(json, image);
	if (samples)
		json_object_object_add(json, "samples", json_samples(samples));
	for (i = 0; i < image->faults.kept; i++)
		json_object_array_add(faults, json_object_new_string(image->faults.text[i]));
	json_object_object_add(json, "nr_faults", json_object_new_uint64(image->faults.nr));
	json_object_object_add(json, "faults", faults);
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
						  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}

/*
 * ---- Arguments ----
 */

static void usage(FILE *to)
{
	fprintf(to,
		"usage: replication_check [options] BUFFER\n"
		"\n"
		"Checks a disk buffer of dm-replication, a block device that is not in use\n"
		"or a file. Nothing is written.\n"
		"\n"
		"  -d, --disk DISK  compare the superblock's samples with this disk\n"
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
	struct samples samples = { };
	const char *disk = NULL;
	struct image image;
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
			printf("replication_check %s, format version %u\n", VERSION,
			       FORMAT_VERSION);
			return EXIT_FINE;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (argc - optind != 1) {
		fprintf(stderr, "replication_check: %s\n",
			argc == optind ? "which buffer?" : "one buffer at a time");
		usage(stderr);
		return EXIT_USAGE;
	}

	image_read(&image, argv[optind]);
	image_check_places(&image);
	if (disk)
		check_disk(&image, disk, &samples);
	(json ? print_json : print_text)(&image, disk ? &samples : NULL);
	status = image.faults.nr ? EXIT_FAULTY : EXIT_FINE;
	image_free(&image);
	if (fflush(stdout) || ferror(stdout)) {
		perror("replication_check: cannot write the result");
		status = EXIT_FAULTY;
	}
	return status;
}
