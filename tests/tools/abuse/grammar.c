// SPDX-License-Identifier: GPL-2.0
/*
 * Table lines and messages from a grammar, with mutations. What must come of
 * each is worked out here, from the documentation: a second parser, that knows
 * nothing of the module's.
 *
 * Devices, made by the scenario: "pri" over local, remote and log, "sec" over
 * disk and buffer, "in" above it. The lines are for a device "try", and are
 * about those of the table below.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "abuse.h"

#define WORDS		32
#define WORD		2200
#define LENGTH		4096

static struct device {
	const char *name;
	uint64_t sectors;
	enum { PLAIN, BLANK, BUSY, SECONDARY } kind;
	char number[16];
} devices[] = {
	{ .name = "l2", .sectors = 4096 },
	{ .name = "r2", .sectors = 4096 },
	{ .name = "d2", .sectors = 8192 },
	{ .name = "tiny", .sectors = 2048 },
	{ .name = "g2", .sectors = 64, .kind = BLANK },
	{ .name = "b2", .sectors = 4096, .kind = BLANK },
	{ .name = "small", .sectors = 16, .kind = BLANK },
	{ .name = "local", .sectors = 4096, .kind = BUSY },
	{ .name = "remote", .sectors = 4096, .kind = BUSY },
	{ .name = "log", .sectors = 64, .kind = BUSY },
	{ .name = "disk", .sectors = 4096, .kind = BUSY },
	{ .name = "buffer", .sectors = 8192, .kind = BUSY },
	{ .name = "sec", .sectors = 4096, .kind = SECONDARY },
};

static struct chance c;
static char words[WORDS][WORD];
static unsigned int nr_words;
static uint64_t length, number;
/* what the line must be, when it is right: its words in any order */
static char canonical[WORDS][40];
static unsigned int nr_canonical;

static uint64_t any(uint64_t n)
{
	return below(&c, n);
}

static void word(const char *text)
{
	if (nr_words < WORDS)
		snprintf(words[nr_words++], WORD, "%s", text);
}

static void join(char *text, size_t size)
{
	unsigned int i, at = 0;

	*text = '\0';
	for (i = 0; i < nr_words && at < size; i++)
		at += snprintf(text + at, size - at, "%s%s", i ? " " : "", words[i]);
}

/* --- Making them */

/* No space, no backslash, nothing of device mapper's own, and no BUG. */
static void garbage(char *text, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		do {
			text[i] = 1 + any(255);
		} while (strchr(" \t\n\v\f\r\\@G\xa0", text[i]));
	text[n] = '\0';
}

static void bad_number(char *text)
{
	static const char * const numbers[] = {
		"0", "-1", "1", "-0", "4294967295", "4294967296", "4294967298", "2147483648",
		"8589934594", "18446744073709551615", "18446744073709551616",
		"18446744073709551618", "99999999999999999999999999", "1.5", "1e3", "12x", "0x",
		"-9223372036854775808", "2048,", "--2", "NaN", "%d", "%s%n",
	};

	snprintf(text, WORD, "%s", numbers[any(ARRAY_SIZE(numbers))]);
}

static void mutate_word(char *text)
{
	size_t n = strlen(text);

	switch (any(7)) {
	case 0:
		bad_number(text);
		break;
	case 1:
		garbage(text, 1 + any(12));
		break;
	case 2:
		memset(text, 'a' + any(6), WORD - 1);
		text[30 + any(any(4) ? 10 : 2000)] = '\0';
		break;
	case 3:
		if (n > 1)
			text[n - 1] = '\0';
		break;
	case 4:
		snprintf(text + n, WORD - n, "%c", (char)('a' + any(26)));
		break;
	case 5:
		if (n)
			garbage(text, n > 20 ? 20 : n);
		break;
	default:
		if (n)
			text[any(n)] ^= 0x20;
		/* what makes it two words, or less of one */
		if (strpbrk(text, " \t\n\v\f\r\\@\xa0") || !*text)
			bad_number(text);
	}
}

static void mutate(void)
{
	unsigned int a = nr_words ? any(nr_words) : 0, b = nr_words ? any(nr_words) : 0;
	char held[WORD];

	switch (any(6)) {
	case 0:				/* missing */
		if (nr_words) {
			memmove(words[a], words[a + 1], (--nr_words - a) * sizeof(words[0]));
			break;
		}
		/* fall through */
	case 1:				/* one more */
		if (nr_words < WORDS - 1) {
			memmove(words[a + 1], words[a], (nr_words++ - a) * sizeof(words[0]));
			memmove(words[a], words[b], WORD);
			if (any(2))
				mutate_word(words[a]);
		}
		break;
	case 2:				/* exchanged */
		memcpy(held, words[a], WORD);
		memmove(words[a], words[b], WORD);
		memcpy(words[b], held, WORD);
		break;
	default:
		if (nr_words)
			mutate_word(words[a]);
	}
}

static void device_word(const char *name)
{
	char text[64];
	unsigned int i;

	if (!any(12))
		name = devices[any(ARRAY_SIZE(devices))].name;
	snprintf(text, sizeof(text), "/dev/mapper/%s", any(40) ? name : "nothing");
	for (i = 0; i < ARRAY_SIZE(devices) && !any(3); i++)
		if (!strcmp(name, devices[i].name))
			snprintf(text, sizeof(text), "%s", devices[i].number);
	word(text);
}

static void numbered(const char *name, uint64_t value)
{
	char text[32];

	word(name);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	word(text);
}

static void group_word(void)
{
	static const char letters[] = "abcXYZ019_.:+-";
	unsigned int n = 1 + any(31), i;
	char text[32];

	for (i = 0; i < n; i++)
		text[i] = letters[any(sizeof(letters) - 1)];
	text[n] = '\0';
	word("group");
	word(text);
}

static void make_line(void)
{
	enum { PRIMARY, SECOND, INBOUND } form = any(8) < 5 ? PRIMARY : any(3) ? SECOND : INBOUND;
	unsigned int at, args;
	char text[16];

	nr_words = 0;
	length = LENGTH;
	if (form == INBOUND) {
		word("inbound");
		device_word("sec");
	} else if (form == SECOND) {
		word("secondary");
		device_word(any(2) ? "l2" : "d2");
		device_word("b2");
	} else {
		word("primary");
		device_word("l2");
		device_word(any(2) ? "r2" : "d2");
	}
	at = nr_words;
	word("0");
	if (form == PRIMARY) {
		bool async = any(2);

		if (any(2))
			numbered("region_size", UINT64_C(8) << any(19));
		if (any(2))
			word("nosync");
		if (async || !any(3))
			word(async ? "async" : "sync");
		if (async && any(2))
			numbered("max_behind", any(2) ? 8 + any(100000) : 2147483647 - any(2));
		if (!any(3)) {
			word("on_remote_error");
			word(any(2) ? "degrade" : "stall");
		}
		if (!any(3)) {
			word("dirty_log");
			device_word("g2");
		}
	} else if (form == SECOND && any(2)) {
		numbered("high_watermark", 1 + any(100));
	}
	if (form != INBOUND && !any(3))
		group_word();
	if (!any(30))
		word("inband");
	args = nr_words - at - 1;
	if (!args && any(2)) {
		nr_words--;
	} else {
		snprintf(text, sizeof(text), "%u", args);
		strcpy(words[at], text);
	}
	if (any(2))
		mutate();
	if (!any(4))
		mutate();
	if (!any(30))
		length = any(3) ? 1 + any(10000) : UINT64_C(1) << (20 + any(43));
}

/* --- Judging them */

enum verdict { WRONG, RIGHT, UNKNOWN };

/* Digits only, and no more than 64 bits: what else may be a number is left open. */
static enum verdict read_number(const char *text, uint64_t *value)
{
	size_t digits = strspn(text, "0123456789");

	if (*text == '+' || (*text == '0' && text[1]))
		return UNKNOWN;
	if (!digits || text[digits])
		return WRONG;
	errno = 0;
	*value = strtoull(text, NULL, 10);
	return errno ? WRONG : RIGHT;
}

static enum verdict read_range(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
	enum verdict v = read_number(text, value);

	return v == RIGHT && (*value < least || *value > most) ? WRONG : v;
}

static void expect_word(const char *text)
{
	snprintf(canonical[nr_canonical++], sizeof(canonical[0]), "%.39s", text);
}

static struct device *find_device(const char *text)
{
	unsigned int i;

	if (!strncmp(text, "/dev/mapper/", 12))
		text += 12;
	else if (!strchr(text, ':'))
		return NULL;
	for (i = 0; i < ARRAY_SIZE(devices); i++)
		if (!strcmp(text, devices[i].name) || !strcmp(text, devices[i].number))
			return &devices[i];
	return NULL;
}

/* Some other words name a device, too: a path, major:minor, or the hexadecimal 1e3 (1:227). */
static enum verdict other_device(const char *text)
{
	return strpbrk(text, "/:") || !text[strspn(text, "0123456789abcdefABCDEFx")] ?
		UNKNOWN : WRONG;
}

static bool is_group(const char *text)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:+-";
	size_t n = strlen(text);

	return n && n <= 31 && strspn(text, allowed) == n;
}

/* Which of its words are right is documented; which others may pass is not. */
static enum verdict judge_line(void)
{
	bool primary, secondary, inbound, sync = false, async = false, behind = false;
	uint64_t value, args = 0, region = 2048;
	struct device *dev[3] = { };
	unsigned int i, j, devs;
	enum verdict v;
	unsigned int seen = 0;

	nr_canonical = 0;
	if (!nr_words)
		return WRONG;
	primary = !strcmp(words[0], "primary");
	secondary = !strcmp(words[0], "secondary");
	inbound = !strcmp(words[0], "inbound");
	devs = inbound ? 1 : 2;
	if ((!primary && !secondary && !inbound) || nr_words < 1 + devs)
		return WRONG;
	expect_word(words[0]);
	for (i = 0; i < devs; i++) {
		dev[i] = find_device(words[1 + i]);
		if (!dev[i])
			return other_device(words[1 + i]);
		expect_word(dev[i]->number);
	}
	i = 1 + devs;
	if (i < nr_words) {
		v = read_number(words[i], &args);
		if (v != RIGHT)
			return v;
		if (args != nr_words - i - 1)
			return WRONG;
		if (args)
			expect_word(words[i]);
	}
	for (i++; i < nr_words; i++) {
		static const struct {
			const char *name;
			bool primary, secondary, argument;
		} options[] = {
			{ "region_size", true, false, true }, { "nosync", true, false, false },
			{ "sync", true, false, false }, { "async", true, false, false },
			{ "max_behind", true, false, true },
			{ "on_remote_error", true, false, true },
			{ "group", true, true, true }, { "high_watermark", false, true, true },
			{ "dirty_log", true, false, true },
		};
		const char *arg;

		for (j = 0; j < ARRAY_SIZE(options) && strcmp(words[i], options[j].name); j++)
			;
		if (j == ARRAY_SIZE(options) || seen & 1u << j || inbound ||
		    (primary && !options[j].primary) || (secondary && !options[j].secondary))
			return WRONG;
		seen |= 1u << j;
		expect_word(words[i]);
		sync |= !strcmp(words[i], "sync");
		async |= !strcmp(words[i], "async");
		if (!options[j].argument)
			continue;
		if (i + 1 == nr_words)
			return WRONG;
		arg = words[i + 1];
		v = RIGHT;
		if (j == 0) {
			v = read_range(arg, 8, 2097152, &region);
			if (v == RIGHT && region & (region - 1))
				v = WRONG;
		} else if (j == 4) {
			behind = true;
			v = read_range(arg, 8, INT32_MAX, &value);
		} else if (j == 5) {
			v = strcmp(arg, "stall") && strcmp(arg, "degrade") ? WRONG : RIGHT;
		} else if (j == 6) {
			v = is_group(arg) ? RIGHT : WRONG;
		} else if (j == 7) {
			v = read_range(arg, 1, 100, &value);
		} else {
			dev[2] = find_device(arg);
			if (!dev[2])
				v = other_device(arg);
		}
		if (v != RIGHT)
			return v;
		expect_word(dev[2] && j == 8 ? dev[2]->number : arg);
		i++;
	}
	if ((sync && async) || (behind && !async))
		return WRONG;
	if (inbound)
		return dev[0]->kind == SECONDARY && length == dev[0]->sectors ? RIGHT : WRONG;
	for (i = 0; i < ARRAY_SIZE(dev); i++) {
		if (!dev[i])
			continue;
		/* a device above another may be used, and is of no use */
		if (dev[i]->kind == SECONDARY)
			return UNKNOWN;
		if (dev[i]->kind == BUSY)
			return WRONG;
		for (j = 0; j < i; j++)
			if (dev[i] == dev[j])
				return WRONG;
	}
	if (dev[0]->sectors < length || (primary && dev[1]->sectors < length))
		return WRONG;
	if (secondary && (dev[1]->kind != BLANK || dev[1]->sectors < 1088))
		return WRONG;
	if (dev[2] && (dev[2]->kind != BLANK ||
		       dev[2]->sectors < 16 + 8 * (((length + region - 1) / region + 30719) / 30720)))
		return WRONG;
	return RIGHT;
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The line that comes back has the words that went in, and is right again. */
static void check_table(const char *line, bool inactive)
{
	static char text[TEXT], again[TEXT], found[WORDS][40];
	char expected[TEXT] = "", *save, *p;
	unsigned int n = 0, i, at = 0;

	if (dm_table("try", inactive, text))
		die("case %" PRIu64 ": no table of '%s'", number, line);
	snprintf(again, sizeof(again), "%s", text);
	for (p = strtok_r(again, " ", &save); p && n < WORDS; p = strtok_r(NULL, " ", &save))
		snprintf(found[n++], sizeof(found[0]), "%s", p);
	qsort(found, n, sizeof(found[0]), compare_words);
	qsort(canonical, nr_canonical, sizeof(canonical[0]), compare_words);
	for (i = 0; i < nr_canonical; i++)
		at += snprintf(expected + at, sizeof(expected) - at, " %s", canonical[i]);
	if (n != nr_canonical)
		die("case %" PRIu64 ": '%s' came back as '%s', expected%s", number, line, text,
		    expected);
	for (i = 0; i < n; i++)
		if (strcmp(found[i], canonical[i]))
			die("case %" PRIu64 ": '%s' came back as '%s', expected%s", number, line,
			    text, expected);
	if (dm_load("try", length, "replication", text) || dm_table("try", true, again) ||
	    strcmp(text, again))
		die("case %" PRIu64 ": '%s' comes back as '%s' and is not taken then, or not as it is",
		    number, line, text);
}

/* The first bytes of what was formatted become zeroes again. */
static void make_blank(void)
{
	static uint8_t *zero;
	unsigned int i;
	int fd;

	if (!zero)
		zero = memory(4096);
	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		if (devices[i].kind != BLANK)
			continue;
		fd = dm_open(devices[i].name, O_WRONLY | O_DIRECT);
		if (fd < 0 || pwrite(fd, zero, 4096, 0) != 4096)
			die("cannot write to %s", devices[i].name);
		close(fd);
	}
}

/* All that a line may have taken is free again, but for what is loaded. */
static void nothing_is_left(const char *line)
{
	unsigned int opens, i;
	bool inactive;
	uint64_t dev;

	if (dm_info("try", &opens, &inactive, &dev) || inactive)
		die("case %" PRIu64 ": '%s' left a table", number, line);
	for (i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i].kind != BUSY && devices[i].kind != SECONDARY &&
		    (dm_info(devices[i].name, &opens, &inactive, &dev) || opens))
			die("case %" PRIu64 ": '%s' holds %s", number, line, devices[i].name);
}

static unsigned int seen_right, seen_wrong, seen_unknown, seen_resumed;

static void try_line(void)
{
	static char line[TEXT], live[TEXT];
	enum verdict v;
	int error;

	make_line();
	v = judge_line();
	join(line, sizeof(line));
	error = dm_load("try", length, "replication", line);
	if (error ? v == RIGHT : v == WRONG)
		die("case %" PRIu64 ": '0 %" PRIu64 " replication %s' was %s%s", number, length, line,
		    error ? "refused: " : "accepted", error ? strerror(error) : "");
	if (error) {
		if (!log_has("device-mapper: ", ": "))
			die("case %" PRIu64 ": nothing was said about '%s'", number, line);
		nothing_is_left(line);
		seen_wrong++;
		return;
	}
	if (v == UNKNOWN) {
		seen_unknown++;
	} else {
		seen_right++;
		check_table(line, true);
		if (!any(8)) {
			seen_resumed++;
			if (dm_resume("try"))
				die("case %" PRIu64 ": '%s' cannot be resumed", number, line);
			if (dm_table("try", false, live) || dm_status("try", live, NULL))
				die("case %" PRIu64 ": no status of '%s'", number, line);
			if (dm_load("try", LENGTH, "error", "") || dm_resume("try"))
				die("case %" PRIu64 ": '%s' does not go", number, line);
			make_blank();
			nothing_is_left(line);
		}
	}
	dm_clear("try");
	nothing_is_left(line);
}

/* --- Messages */

enum argument { NONE, MODE, FAILOVER, PERCENT, STOP, EPOCH };

static const struct message {
	const char *name;
	enum argument argument;
	bool optional, primary, secondary, inbound;
} messages[] = {
	{ "start", MODE, false, true, true, false },
	{ "checkpoint", NONE, false, true, true, false },
	{ "stop", FAILOVER, true, true, true, false },
	{ "get_error", NONE, false, true, true, true },
	{ "start_all", MODE, false, true, true, true },
	{ "checkpoint_all", NONE, false, true, true, true },
	{ "get_error_all", NONE, false, true, true, true },
	{ "stop_all", FAILOVER, true, true, true, true },
	{ "merge_throttle", PERCENT, false, false, true, false },
	{ "resync_throttle", PERCENT, false, true, false, false },
	{ "verify", STOP, true, true, false, false },
	{ "changed_since", EPOCH, false, true, false, false },
};

static void make_message(void)
{
	/* what makes most of the others possible, more often */
	const struct message *m = &messages[any(4) ? any(ARRAY_SIZE(messages)) : 0];
	char text[24];

	nr_words = 0;
	word(m->name);
	if (m->argument == MODE)
		word(any(2) ? "primary" : "secondary");
	else if (m->argument == FAILOVER && any(2))
		word("failover");
	else if (m->argument == STOP && any(2))
		word("stop");
	if (m->argument == PERCENT || m->argument == EPOCH) {
		snprintf(text, sizeof(text), "%" PRIu64, m->argument == PERCENT ?
			 1 + any(100) : any(20));
		word(text);
	}
	if (any(2))
		mutate();
	if (!any(4))
		mutate();
}

static enum verdict judge_message(unsigned int view)
{
	const struct message *m = NULL;
	uint64_t value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(messages) && nr_words; i++)
		if (!strcmp(words[0], messages[i].name))
			m = &messages[i];
	if (!m || nr_words > 2 || !(view == 0 ? m->primary : view == 1 ? m->secondary : m->inbound))
		return WRONG;
	if (nr_words == 1)
		return m->argument == NONE || m->optional ? RIGHT : WRONG;
	switch (m->argument) {
	case NONE:
		return WRONG;
	case MODE:
		/* that of another device is refused alone */
		if (!strcmp(m->name, "start"))
			return !strcmp(words[1], view ? "secondary" : "primary") ? RIGHT : WRONG;
		return strcmp(words[1], "primary") && strcmp(words[1], "secondary") ? WRONG : RIGHT;
	case FAILOVER:
		return strcmp(words[1], "failover") ? WRONG : RIGHT;
	case STOP:
		return strcmp(words[1], "stop") ? WRONG : RIGHT;
	case PERCENT:
		return read_range(words[1], 1, 100, &value);
	default:
		return read_number(words[1], &value);
	}
}

/* The stage and the epoch, in words. */
static void state_of(const char *name, char *text)
{
	char stage[32] = "", epoch[32] = "";
	static char status[TEXT];

	if (dm_status(name, status, NULL) || sscanf(status, "%*s %31s %31s", stage, epoch) != 2)
		die("case %" PRIu64 ": no status of %s: '%s'", number, name, status);
	/* this one comes by itself */
	if (!strcmp(stage, "failover"))
		strcpy(stage, "done");
	snprintf(text, 80, "%s %s", stage, epoch);
}

static unsigned int answered, failed;

static void try_message(void)
{
	static const char * const names[] = { "pri", "sec", "in" };
	unsigned int view = any(8) < 4 ? 0 : any(4) ? 1 : 2;
	char before[80], after[80];
	static char text[TEXT], reply[TEXT];
	enum verdict v;
	int error;

	make_message();
	v = judge_message(view);
	join(text, sizeof(text));
	state_of(names[view], before);
	error = dm_message(names[view], text, reply);
	state_of(names[view], after);
	if (v == WRONG && error != EINVAL)
		die("case %" PRIu64 ": %s took '%s': %s", number, names[view], text, strerror(error));
	if (!error) {
		answered++;
		return;
	}
	failed++;
	/* what a group did before the error stays */
	if (!strstr(words[0], "_all") && strcmp(before, after))
		die("case %" PRIu64 ": '%s' failed, and %s is %s, was %s", number, text, names[view],
		    after, before);
	if (error != EINVAL && error != EBUSY && error != ENODATA)
		die("case %" PRIu64 ": '%s' to %s, which is %s: %s", number, text, names[view], before,
		    strerror(error));
	/* nothing at all is refused by device mapper itself */
	if (nr_words && !log_has("replication: ", " failed: "))
		die("case %" PRIu64 ": nothing was said about '%s' to %s", number, text, names[view]);
}

void grammar(void)
{
	unsigned int i, opens;
	bool inactive;
	uint64_t dev;

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		if (dm_info(devices[i].name, &opens, &inactive, &dev))
			die("no device %s", devices[i].name);
		snprintf(devices[i].number, sizeof(devices[i].number), "%u:%u", major(dev),
			 minor(dev));
	}
	log_begin();
	expedite();
	if (dm_create("try"))
		die("cannot create a device");
	for (number = 0; number < count; number++) {
		chance_begin(&c, number);
		if (any(2))
			try_line();
		else
			try_message();
	}
	if (dm_remove("try"))
		die("cannot remove the device");
	printf("abuse: seed %" PRIu64 ": lines: %u right (%u of them used), %u wrong, %u unknown; "
	       "messages: %u answered, %u failed\n", seed, seen_right, seen_resumed, seen_wrong,
	       seen_unknown, answered, failed);
	if (!seen_resumed || !seen_wrong || !answered || !failed)
		die("that was no test");
}
