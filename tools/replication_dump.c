// SPDX-License-Identifier: GPL-2.0-only
/*
 * replication_dump - what is in a secondary's disk buffer, or a primary's dirty
 * log?
 *
 * All that is printed is a record, a JSON object, of some section. As text it
 * becomes one line: the name of a record of the section, and key=value for
 * each of its fields.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "image.h"
#include "log_image.h"

enum {
	EXIT_FINE = 0,
	EXIT_FAULTY = 1,
	EXIT_USAGE = 2,
};

/**
 * struct output - where records go
 * @json: one JSON object, which has an array for each section
 * @record: name of a record of this section
 * @nr_sections: begun so far
 * @nr_records: in this section
 */
struct output {
	bool json;
	const char *record;
	unsigned int nr_sections;
	size_t nr_records;
};

/*
 * ---- Records ----
 */

static void begin_section(struct output *out, const char *name, const char *record)
{
	out->record = record;
	out->nr_records = 0;
	if (out->json)
		printf("%s\n  \"%s\": [", out->nr_sections ? "," : "{", name);
	out->nr_sections++;
}

static void end_section(struct output *out)
{
	if (out->json)
		printf("%s]", out->nr_records ? "\n  " : "");
}

static void end_output(struct output *out)
{
	if (out->json)
		printf("\n}\n");
}

/* A string of which every character is one that needs no quotes. */
static bool plain(struct json_object *value)
{
	const char *c = json_object_get_string(value);

	if (!json_object_is_type(value, json_type_string) || !*c)
		return false;
	while (isalnum(*c) || *c == '-')
		c++;
	return !*c;
}

/* Prints a record and frees it. */
static void put_record(struct output *out, struct json_object *record)
{
	if (out->json) {
		printf("%s\n    %s", out->nr_records ? "," : "",
		       json_object_to_json_string_ext(record, JSON_C_TO_STRING_SPACED |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	} else {
		printf("%s", out->record);
		json_object_object_foreach(record, key, value)
			printf(" %s=%s", key,
			       plain(value) ? json_object_get_string(value) :
			       json_object_to_json_string_ext(value,
							      JSON_C_TO_STRING_NOSLASHESCAPE));
		printf("\n");
	}
	out->nr_records++;
	json_object_put(record);
}

static void add_number(struct json_object *record, const char *key, u64 number)
{
	json_object_object_add(record, key, json_object_new_uint64(number));
}

static void add_string(struct json_object *record, const char *key, const char *string)
{
	json_object_object_add(record, key, json_object_new_string(string));
}

static void add_bool(struct json_object *record, const char *key, bool value)
{
	json_object_object_add(record, key, json_object_new_boolean(value));
}

static void add_uuid(struct json_object *record, const __u8 *uuid)
{
	char text[2 * FORMAT_UUID_SIZE + 1];
	unsigned int i;

	for (i = 0; i < FORMAT_UUID_SIZE; i++)
		sprintf(text + 2 * i, "%02x", uuid[i]);
	add_string(record, "uuid", text);
}

/* What is on the buffer could be anything: a terminal and JSON take ASCII. */
static void add_owner(struct json_object *record, const char *owner)
{
	char text[4 * FORMAT_OWNER_SIZE + 1], *to = text;

	for (; *owner; owner++) {
		if (*owner >= ' ' && *owner <= '~' && *owner != '\\')
			*to++ = *owner;
		else
			to += sprintf(to, "\\x%02x", (unsigned char)*owner);
	}
	*to = '\0';
	add_string(record, "owner", text);
}

/*
 * ---- Superblocks and samples ----
 */

/* Puts @super into a record of its own; the rest of its fields are added by @add. */
static void put_supers(struct output *out, const struct reader_copy *copy, unsigned int live,
		       void (*add)(struct json_object *record, const void *super),
		       const void *super, size_t size)
{
	struct json_object *record;
	unsigned int i;

	begin_section(out, "superblocks", "superblock");
	for (i = 0; i < FORMAT_SUPER_COPIES; i++) {
		record = json_object_new_object();
		add_number(record, "copy", i);
		add_bool(record, "valid", copy[i].valid);
		add_bool(record, "counts", i == live);
		if (copy[i].valid) {
			add_number(record, "sequence", copy[i].sequence);
			add(record, super + i * size);
		} else {
			add_string(record, "why", copy[i].why);
		}
		put_record(out, record);
	}
	end_section(out);
}

static void add_super(struct json_object *record, const void *is)
{
	const struct image_super *super = is;
	const struct format_buffer *buffer = &super->buffer;
	const struct format_state *state = &super->state;

	add_uuid(record, buffer->uuid);
	add_number(record, "disk_sectors", buffer->disk_sectors);
	add_number(record, "buffer_sectors", buffer->buffer_sectors);
	add_number(record, "segment_sectors", buffer->segment_sectors);
	add_number(record, "segments", buffer->nr_segments);
	add_string(record, "stage", image_stage_name(state->stage));
	add_number(record, "epoch", state->epoch);
	add_number(record, "merged_epoch", state->merged_epoch);
	add_number(record, "newest_summary", state->newest.place);
	add_number(record, "newest_sequence", state->newest.sequence);
	add_number(record, "newest_epoch", state->newest.epoch);
	add_bool(record, "inbound_closed", state->flags & FORMAT_INBOUND_CLOSED);
	add_owner(record, state->owner);
}

static void add_log_super(struct json_object *record, const void *is)
{
	const struct log_super *super = is;
	const struct format_log *log = &super->log;
	const struct format_log_state *state = &super->state;

	add_uuid(record, log->uuid);
	add_number(record, "leg_sectors", log->leg_sectors);
	add_number(record, "region_sectors", log->region_sectors);
	add_number(record, "regions", log->regions);
	add_number(record, "marks_sectors", log->blocks * FORMAT_BLOCK_SECTORS);
	add_number(record, "epoch", state->epoch);
	add_number(record, "base", state->base);
	add_owner(record, state->owner);
}

/* @sample may be NULL: there are none */
static void put_samples(struct output *out, const u32 *sample, u64 length)
{
	struct json_object *record;
	unsigned int i;

	begin_section(out, "samples", "sample");
	for (i = 0; sample && i < FORMAT_SAMPLES; i++) {
		if (!sample[i])
			continue;
		record = json_object_new_object();
		add_number(record, "sample", i);
		add_number(record, "sector", format_sample_sector(length, i));
		add_number(record, "crc", sample[i]);
		put_record(out, record);
	}
	end_section(out);
}

/*
 * ---- A buffer ----
 */

/* Down the chain the epoch does not rise: those of one epoch are in a row. */
static void put_epochs(struct output *out, const struct image *image)
{
	struct json_object *record;
	size_t i, first, entries;
	u64 epoch;

	begin_section(out, "epochs", "epoch");
	for (i = 0; i < image->nr_summaries;) {
		epoch = image->summary[i].id.epoch;
		entries = 0;
		for (first = i; i < image->nr_summaries &&
				image->summary[i].id.epoch == epoch; i++)
			entries += image->summary[i].entries;
		record = json_object_new_object();
		add_number(record, "epoch", epoch);
		add_number(record, "summaries", i - first);
		add_number(record, "entries", entries);
		put_record(out, record);
	}
	end_section(out);
}

static void put_summaries(struct output *out, const struct image *image)
{
	struct json_object *record;
	size_t i;

	begin_section(out, "summaries", "summary");
	for (i = 0; i < image->nr_summaries; i++) {
		const struct image_summary *summary = &image->summary[i];

		record = json_object_new_object();
		add_number(record, "place", summary->id.place);
		add_number(record, "sequence", summary->id.sequence);
		add_number(record, "epoch", summary->id.epoch);
		add_number(record, "entries", summary->entries);
		add_number(record, "previous", summary->previous.place);
		add_number(record, "previous_sequence", summary->previous.sequence);
		add_number(record, "previous_epoch", summary->previous.epoch);
		put_record(out, record);
	}
	end_section(out);
}

static void put_range(struct output *out, struct json_object *record, u64 sector, u64 sectors,
		      enum format_kind kind, u64 place)
{
	add_number(record, "sector", sector);
	add_number(record, "sectors", sectors);
	add_string(record, "kind", image_kind_name(kind));
	if (kind == FORMAT_DATA || kind == FORMAT_VOID)
		add_number(record, "place", place);
	put_record(out, record);
}

static void put_entries(struct output *out, const struct image *image)
{
	const struct image_summary *summary;
	struct json_object *record;
	size_t i;

	begin_section(out, "entries", "entry");
	for (i = 0; i < image->nr_entries; i++) {
		const struct image_entry *entry = &image->entry[i];

		summary = &image->summary[entry->summary];
		record = json_object_new_object();
		add_number(record, "summary", summary->id.sequence);
		add_number(record, "entry", summary->entries - 1 - (i - summary->first));
		put_range(out, record, entry->range.sector, entry->range.sectors,
			  entry->range.kind, entry->range.place);
	}
	end_section(out);
}

static void put_map(struct output *out, const struct image *image)
{
	struct json_object *record;
	struct image_range *map;
	size_t i, nr;

	begin_section(out, "ranges", "range");
	map = image_map(image, &nr);
	for (i = 0; i < nr; i++) {
		record = json_object_new_object();
		add_number(record, "epoch", map[i].epoch);
		put_range(out, record, map[i].sector, map[i].sectors, map[i].kind, map[i].place);
	}
	free(map);
	end_section(out);
}

/*
 * ---- A dirty log ----
 */

static void put_marks(struct output *out, const struct log_image *image)
{
	struct json_object *record;
	struct log_range range;
	u64 region = 0;

	begin_section(out, "ranges", "range");
	while (log_image_next(image, &region, &range)) {
		record = json_object_new_object();
		add_number(record, "sector", range.sector);
		add_number(record, "sectors", range.sectors);
		add_string(record, "kind", range.mark == LOG_MARKED ? "marked" : "unknown");
		put_record(out, record);
	}
	end_section(out);
}

/*
 * ---- Either ----
 */

static void put_faults(struct output *out, const struct reader_faults *faults)
{
	struct json_object *record;
	size_t i;

	begin_section(out, "faults", "fault");
	for (i = 0; i < faults->kept; i++) {
		record = json_object_new_object();
		add_string(record, "what", faults->text[i]);
		put_record(out, record);
	}
	end_section(out);
}

static bool dump_buffer(struct output *out, const char *path, bool entries)
{
	const struct image_super *super = NULL;
	struct image image;
	bool fine;

	fine = image_read(&image, path);
	if (image.content == IMAGE_BUFFER)
		super = &image.super[image.live];
	put_supers(out, image.copy, image.live, add_super, image.super, sizeof(image.super[0]));
	put_samples(out, super ? super->state.sample : NULL,
		    super ? super->buffer.disk_sectors : 0);
	put_epochs(out, &image);
	put_summaries(out, &image);
	if (entries)
		put_entries(out, &image);
	put_map(out, &image);
	put_faults(out, &image.faults);
	end_output(out);
	image_free(&image);
	return fine;
}

static bool dump_log(struct output *out, const char *path)
{
	const struct log_super *super = NULL;
	struct log_image image;
	bool fine;

	fine = log_image_read(&image, path);
	if (image.live != READER_NO_SUPER)
		super = &image.super[image.live];
	put_supers(out, image.copy, image.live, add_log_super, image.super,
		   sizeof(image.super[0]));
	put_samples(out, super ? super->state.sample : NULL, super ? super->log.leg_sectors : 0);
	put_marks(out, &image);
	put_faults(out, &image.faults);
	end_output(out);
	log_image_free(&image);
	return fine;
}

/*
 * ---- Arguments ----
 */

static void usage(FILE *to)
{
	fprintf(to,
		"usage: replication_dump [options] DEVICE\n"
		"\n"
		"Prints what is in a disk buffer or a dirty log of dm-replication, a block device\n"
		"that is not in use or a file. Nothing is written.\n"
		"\n"
		"  -e, --entries    also all entries of a buffer's summaries, newest first\n"
		"  -j, --json       print JSON\n"
		"  -h, --help       print this\n"
		"  -V, --version    print the version\n"
		"\n"
		"Exit status: 0 all was printed, 1 something is wrong or cannot be read, 2 usage.\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "entries", no_argument, NULL, 'e' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	struct output out = { };
	bool entries = false, fine;
	const char *path;
	int option, status;

	while ((option = getopt_long(argc, argv, "ejhV", options, NULL)) != -1) {
		switch (option) {
		case 'e':
			entries = true;
			break;
		case 'j':
			out.json = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_FINE;
		case 'V':
			printf("replication_dump %s, buffers of version %d, dirty logs of version %d\n",
			       VERSION, FORMAT_VERSION, FORMAT_LOG_VERSION);
			return EXIT_FINE;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (argc - optind != 1) {
		fprintf(stderr, "replication_dump: %s\n",
			argc == optind ? "which device?" : "one device at a time");
		usage(stderr);
		return EXIT_USAGE;
	}

	path = argv[optind];
	fine = log_image_recognized(path) ? dump_log(&out, path) : dump_buffer(&out, path, entries);
	status = fine ? EXIT_FINE : EXIT_FAULTY;
	if (fflush(stdout) || ferror(stdout)) {
		perror("replication_dump: cannot write the result");
		status = EXIT_FAULTY;
	}
	return status;
}
