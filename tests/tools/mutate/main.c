// SPDX-License-Identifier: GPL-2.0
/*
 * mutate - is what is damaged refused, or else read right?
 *
 *	mutate [options] DISK BUFFER IMAGE...		a secondary's buffers
 *	mutate -r SECTORS [options] LOCAL REMOTE LOG IMAGE...
 *							a primary's dirty logs
 *	mutate -w [-s SEED] [-n COUNT] VIEW	random writes, zeroes and discards
 *
 *	-s SEED		what all chance is made from
 *	-n COUNT	of mutations
 *	-o NUMBER	mutation NUMBER of a SEED is always the same one: repeat it
 *	-u UUID		of the mapped device
 *	-r SECTORS	region_size of the logs
 *
 * With SAMPLE=N in the environment one mutation in N is tried.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mutate.h"

static int usage(void)
{
	fprintf(stderr,
		"usage: mutate [-s SEED] [-n COUNT] [-o NUMBER] [-u UUID] DISK BUFFER IMAGE...\n"
		"       mutate -r SECTORS [...] LOCAL REMOTE LOG IMAGE...\n"
		"       mutate -w [-s SEED] [-n COUNT] VIEW\n");
	return 2;
}

int main(int argc, char **argv)
{
	unsigned int region_sectors = 0, devices;
	bool write_only = false;
	int c;

	while ((c = getopt(argc, argv, "s:n:o:u:r:w")) != -1) {
		switch (c) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			count = strtoull(optarg, NULL, 0);
			break;
		case 'o':
			only = strtoull(optarg, NULL, 0);
			break;
		case 'u':
			uuid = optarg;
			break;
		case 'r':
			region_sectors = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			write_only = true;
			break;
		default:
			return usage();
		}
	}
	argc -= optind;
	argv += optind;
	if (write_only) {
		if (argc != 1)
			return usage();
		scribble(argv[0]);
		return 0;
	}
	devices = region_sectors ? 3 : 2;
	if (argc <= (int)devices)
		return usage();
	if (region_sectors)
		mutate_logs((const char *const *)argv, argc - devices, region_sectors);
	else
		mutate_buffers((const char *const *)argv, argc - devices);
	return 0;
}
