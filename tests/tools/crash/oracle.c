// SPDX-License-Identifier: GPL-2.0
/*
 * What a recovery may find: the content of the last transition that was
 * acknowledged, or of the one that was being made, as a whole. On top of a
 * failover or stop, or before a start, of what was written since: all that was
 * flushed, and of all else, in each sector, that write or what it was before.
 *
 * Each sector says which op wrote it, and where.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash.h"

#define WORDS		(SECTOR / sizeof(uint64_t))
#define MAGIC		UINT64_C(0x687361724350456c)
#define GARBAGE		UINT32_MAX

struct state *states;
unsigned int nr_states;

/*
 * ---- Sectors ----
 */

void sector_make(void *sector, uint32_t where, writer_t op)
{
	uint64_t *word = sector, x = (MAGIC ^ op) * UINT64_C(0x9e3779b97f4a7c15) + where;
	unsigned int i;

	word[0] = MAGIC;
	word[1] = (uint64_t)where << 32 | op;
	for (i = 2; i < WORDS; i++)
		word[i] = x * i;
}

/* Who wrote this; 0 is zeroes. */
writer_t sector_read(const void *sector, uint32_t where)
{
	static const uint64_t zeroes[WORDS];
	const uint64_t *word = sector;
	uint64_t expected[WORDS];
	writer_t op = word[1];

	if (!word[0] && !memcmp(sector, zeroes, SECTOR))
		return 0;
	if (word[0] != MAGIC || word[1] >> 32 != where || !op)
		return GARBAGE;
	sector_make(expected, where, op);
	return memcmp(sector, expected, SECTOR) ? GARBAGE : op;
}

/* What op leaves in a sector that it covers. */
static writer_t leaves(writer_t op)
{
	return op && ops[op].kind == OP_WRITE ? op : 0;
}

static bool covers(const struct op *o, uint32_t sector)
{
	return o->kind <= OP_DISCARD && sector - o->sector < o->sectors;
}

static void describe(char *text, size_t size, writer_t op, const uint8_t *data)
{
	static const char * const kind[] = { "write", "zeroes", "discard", "flush", "start",
					     "checkpoint", "stop", "failover", "resync" };
	const struct op *o = &ops[op];
	uint64_t word[2];

	if (op == GARBAGE) {
		memcpy(word, data, sizeof(word));
		snprintf(text, size, "nothing of ours (%016" PRIx64 " %016" PRIx64 ")", word[0],
			 word[1]);
	} else if (!op) {
		snprintf(text, size, "zeroes");
	} else if (op > nr_ops) {
		snprintf(text, size, "op %u, which never was", op);
	} else {
		snprintf(text, size, "op %u (%s of the %s view at %u+%u, events %zd to %zd)", op,
			 kind[o->kind], o->view == INBOUND ? "inbound" : "active", o->sector,
			 o->sectors, (ssize_t)o->begin, (ssize_t)o->end);
	}
}

/*
 * ---- States ----
 */

static void add_state(struct state state, const writer_t *content)
{
	size_t size = opt.sectors[DISK] * sizeof(*content);

	states = realloc(states, (nr_states + 1) * sizeof(*states));
	if (!states)
		die("out of memory");
	state.content = allocate(size);
	memcpy(state.content, content, size);
	states[nr_states++] = state;
}

/* Forgets all, but what there is at first, after all ops so far. */
void oracle_begin(enum stage stage, uint64_t epoch, enum view view, const writer_t *content)
{
	while (nr_states)
		free(states[--nr_states].content);
	add_state((struct state) { nr_ops, stage, epoch, view, NULL }, content);
}

/* @op is about to begin, and would lead there. */
void oracle_transition(writer_t op, enum stage stage, uint64_t epoch, enum view view,
		       const writer_t *content)
{
	add_state((struct state) { op, stage, epoch, view, NULL }, content);
}

/* Return: the last state that was acknowledged; and which one was being made. */
const struct state *oracle_at(size_t time, const struct state **next)
{
	unsigned int i = 0;

	while (i + 1 < nr_states && ops[states[i + 1].op].end < time)
		i++;
	*next = NULL;
	if (i + 1 < nr_states && ops[states[i + 1].op].begin < time)
		*next = &states[i + 1];
	return &states[i];
}

/* The last op by a plain view that nobody may lose any more, for each sector. */
static void find_flushed(const struct state *s, size_t time, writer_t *flushed)
{
	size_t begun = ops[s->op].begin;
	writer_t op, f;
	uint32_t i;

	memset(flushed, 0, opt.sectors[DISK] * sizeof(*flushed));
	if (s->stage == STAGE_RUNNING)
		return;
	for (op = 1; op <= nr_ops; op++) {
		const struct op *o = &ops[op];
		bool kept = o->fua;

		if (o->kind > OP_DISCARD || o->end >= time || op == s->op ||
		    (op < s->op && (o->view != s->view || o->end <= begun)))
			continue;
		for (f = op + 1; !kept && f <= nr_ops; f++)
			kept = ops[f].kind == OP_FLUSH && ops[f].begin > o->end &&
			       ops[f].end < time;
		for (i = 0; kept && i < o->sectors; i++)
			flushed[o->sector + i] = op;
	}
}

/* Went what @op did to the base, at once or by the transition after it? */
static bool reached_base(writer_t op)
{
	unsigned int i;

	for (i = 1; i < nr_states && states[i].op < op; i++)
		;
	return i == nr_states || states[i - 1].stage != STAGE_RUNNING ||
	       states[i].view == ops[op].view;
}

/* May @op be what is found in this sector, though it is not @least? */
static bool may_be(const struct state *s, size_t time, writer_t op, uint32_t sector,
		   writer_t least)
{
	const struct op *o = &ops[op];

	if (op < least || op > nr_ops || !covers(o, sector) || o->begin >= time)
		return false;
	if (op > s->op)
		return s->stage != STAGE_RUNNING;
	/* what was found first is known for sure */
	if (s == states)
		return false;
	if (o->unsure && (o->view == INBOUND || reached_base(op)))
		return true;
	/* in flight when the transition was made; what is older was dropped */
	return op < s->op && op > s[-1].op && o->view == s->view && o->end > ops[s->op].begin;
}

static bool allowed(const struct state *s, size_t time, uint32_t sector, writer_t found,
		    writer_t flushed)
{
	writer_t op, least = s->content[sector];

	if (flushed > least)
		least = flushed;
	if (found == leaves(least))
		return true;
	if (found)
		return found != GARBAGE && may_be(s, time, found, sector, least);
	for (op = least + 1; op <= nr_ops; op++)
		if (!leaves(op) && may_be(s, time, op, sector, least))
			return true;
	return false;
}

/*
 * ---- Verdicts ----
 */

static const char *view_is(const struct found *found)
{
	return !found->both ? "not there" : found->closed ? "closed" : "open";
}

/* Return: how many sectors are not what they may be. */
static unsigned int compare_content(const writer_t *content, const uint8_t *data,
				    const struct state *s, size_t time, char *why, size_t size)
{
	uint32_t sectors = opt.sectors[DISK], i;
	writer_t *flushed = allocate(sectors * sizeof(*flushed));
	unsigned int wrong = 0;
	char text[2][160];

	find_flushed(s, time, flushed);
	for (i = 0; i < sectors; i++) {
		writer_t least = flushed[i] > s->content[i] ? flushed[i] : s->content[i];

		if (allowed(s, time, i, content[i], flushed[i]))
			continue;
		if (!wrong++) {
			describe(text[0], sizeof(text[0]), content[i], data + (size_t)i * SECTOR);
			describe(text[1], sizeof(text[1]), least, NULL);
			snprintf(why, size, "sector %u: found %s, expected %s", i, text[0], text[1]);
		}
	}
	free(flushed);
	if (wrong) {
		size_t used = strlen(why);

		snprintf(why + used, size - used, "; %u sectors are wrong", wrong);
	}
	return wrong;
}

static unsigned int compare(struct found *found, const struct state *s, size_t time, char *why,
			    size_t size)
{
	bool stage;

	*why = '\0';
	switch (s->stage) {
	case STAGE_NONE:
		stage = !strcmp(found->stage, "none");
		break;
	case STAGE_RUNNING:
		stage = !strcmp(found->stage, "running");
		break;
	default:
		stage = !strcmp(found->stage, "failover") || !strcmp(found->stage, "done");
	}
	if (!stage || found->epoch != s->epoch || (found->both &&
	    found->closed != (s->stage == STAGE_PLAIN && s->view == ACTIVE))) {
		static const char * const name[] = { "none", "running", "failover or done" };

		snprintf(why, size, "stage %s, epoch %" PRIu64 ", inbound view %s; expected %s, epoch %"
			 PRIu64, found->stage, found->epoch, view_is(found),
			 name[s->stage], s->epoch);
		return opt.sectors[DISK];
	}
	return compare_content(found->content, found->data[ACTIVE], s, time, why, size);
}

/**
 * oracle_keeps() - does image[LOCAL] have all that a primary's local leg must have?
 * @content: who wrote each sector of it
 * @time: of the crash
 * @why: gets what is wrong
 * @size: of @why in bytes
 */
bool oracle_keeps(const writer_t *content, size_t time, char *why, size_t size)
{
	*why = '\0';
	return !compare_content(content, image[LOCAL], &states[0], time, why, size);
}

/* Who wrote what was read; and both views show the same. */
static bool read_content(struct found *found, char *why, size_t size)
{
	bool none = !strcmp(found->stage, "none");
	const uint8_t *data = found->data[none ? INBOUND : ACTIVE];
	size_t at = 0;
	uint32_t i;

	for (i = 0; i < opt.sectors[DISK]; i++, at += SECTOR) {
		found->content[i] = sector_read(data + at, i);
		if (none || !found->both || found->closed ||
		    !memcmp(found->data[INBOUND] + at, data + at, SECTOR))
			continue;
		snprintf(why, size, "sector %u is not the same in both views", i);
		return false;
	}
	return true;
}

/**
 * oracle_judge() - may this be found?
 * @found: what was read; gets its content
 * @time: of the crash
 * @why: gets what is wrong
 * @size: of @why in bytes
 */
enum verdict oracle_judge(struct found *found, size_t time, char *why, size_t size)
{
	const struct state *next, *last = oracle_at(time, &next);
	unsigned int wrong, less;
	char other[512];

	if (!read_content(found, why, size))
		return WRONG;
	wrong = compare(found, last, time, why, size);
	if (!wrong)
		return LAST;
	if (!next)
		return WRONG;
	less = compare(found, next, time, other, sizeof(other));
	if (!less)
		return NEXT;
	if (less < wrong)
		snprintf(why, size, "%s (and it is not the one before)", other);
	return WRONG;
}
