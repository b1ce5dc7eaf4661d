/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Crash tests of a secondary or a primary: what the parts know of each other.
 *
 *	main.c		the kinds of test
 *	cut.c		when power is lost, and with which writes
 *	workload.c	random operations on both views
 *	oracle.c	what a recovery may find
 *	events.c	what disk and buffer were asked for, and when
 *	image.c		what a loss of power leaves of them
 *	recover.c	recovers that with the module, and looks
 *	primary.c	tests of a primary: its workload, its oracle
 *	window.c	what a primary was doing when power was lost
 *	dm.c		device mapper's ioctls
 *
 * All sizes are in sectors of 512 bytes. Time is counted in events: those of
 * the log, in which the marks of the workload are as well.
 */
#ifndef CRASH_H
#define CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECTOR		512
#define NEVER		SIZE_MAX

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* those of a secondary; of a primary */
enum device { DISK, BUFFER, REMOTE, DEVICES, LOCAL = DISK, LOG = BUFFER };
enum view { INBOUND, ACTIVE, VIEWS };
enum stage { STAGE_NONE, STAGE_RUNNING, STAGE_PLAIN };

/**
 * struct op - an operation of the workload
 * @kind: what
 * @view: of all but transitions
 * @sector: first one
 * @sectors: how many
 * @fua: of writes
 * @unsure: it was in flight at a transition, or failed: nobody knows in which
 *	epoch it is, if in any
 * @begin: event before which it had not begun
 * @end: event after which it had been acknowledged, or NEVER
 */
struct op {
	enum op_kind {
		OP_WRITE,
		OP_ZERO,
		OP_DISCARD,
		OP_FLUSH,
		OP_START,
		OP_CHECKPOINT,
		OP_STOP,
		OP_FAILOVER,
		OP_RESYNC,
	} kind;
	enum view view;
	uint32_t sector, sectors;
	bool fua, unsure;
	size_t begin, end;
};

/* what wrote a sector: the number of an op, or 0 for zeroes at first */
typedef uint32_t writer_t;

/**
 * struct state - what a transition makes durable
 * @op: the transition's number; 0 for what was there at first
 * @stage: that it leads to
 * @epoch: that it leads to
 * @view: the view whose writes it commits
 * @content: writer of each sector, as far as writes were acknowledged before
 */
struct state {
	writer_t op;
	enum stage stage;
	uint64_t epoch;
	enum view view;
	writer_t *content;
};

/* main.c */
struct options {
	uint64_t seed;
	uint32_t sectors[DEVICES];
	unsigned int epochs, batches, plain, limit, rounds, sample;
	unsigned int region, behind;
	bool fill, log_writes, verbose, async, nosync;
};

extern struct options opt;

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *allocate(size_t size);
void random_seed(uint64_t seed);
uint64_t random_below(uint64_t n);

/* dm.c */
struct mapped {
	char name[32];
	char number[16];	/* major:minor, for tables */
	int fd;
};

int dm_create(struct mapped *m, const char *name, uint64_t sectors, const char *type,
	      const char *params);
void dm_remove(struct mapped *m);
int dm_message(const char *name, const char *text);
int dm_ask(const char *name, const char *text, char *reply, size_t size);
uint32_t dm_status(const char *name, char *text, size_t size);
void dm_wait(const char *name, uint32_t event);

/* recover.c */

/**
 * struct found - what a secondary is found to be
 * @stage: in the words of its status
 * @state: the same
 * @epoch: of its status
 * @committed: sectors that are not merged yet, of its status
 * @both: there is an inbound view
 * @closed: it is
 * @data: what was read of each view
 * @content: who wrote each sector, see oracle.c
 */
struct found {
	char stage[24];
	enum stage state;
	uint64_t epoch, committed;
	bool both, closed;
	uint8_t *data[VIEWS];
	writer_t *content;
};

/* what is tested: a primary or secondary; and the latter's other view */
extern struct mapped subject, inbound;

void recover_init(void);
void recover_exit(void);
void found_init(struct found *found);
uint32_t recover_status(struct found *found);
int recover(struct found *found, bool both);
void recover_remove(const struct found *found);

/* workload.c */
extern struct op *ops;
extern writer_t nr_ops;
extern unsigned int nr_full;

void workload_begin(const struct found *found);
void workload_fill(void);
void workload_start(void);
void workload_epochs(unsigned int n);
void workload_stop(bool failover);
void workload_plain(unsigned int batches);
void workload_merge(void);
writer_t workload_op(enum op_kind kind, enum view view, uint32_t sector, uint32_t sectors);
void workload_begins(writer_t op);
void workload_acknowledged(writer_t op);
void workload_ops(void);
void workload_send(void);
void workload_wait(void);

/* oracle.c */
enum verdict { LAST, NEXT, WRONG };

extern struct state *states;
extern unsigned int nr_states;

void sector_make(void *sector, uint32_t where, writer_t op);
void oracle_begin(enum stage stage, uint64_t epoch, enum view view, const writer_t *content);
void oracle_transition(writer_t op, enum stage stage, uint64_t epoch, enum view view,
		       const writer_t *content);
const struct state *oracle_at(size_t time, const struct state **next);
enum verdict oracle_judge(struct found *found, size_t time, char *why, size_t size);
writer_t sector_read(const void *sector, uint32_t where);
bool oracle_keeps(const writer_t *content, size_t time, char *why, size_t size);

/* events.c */

/**
 * struct io - what a device was asked for
 * @device: which
 * @op: what
 * @fua: of writes
 * @failed: it was answered with an error, and did nothing
 * @sector: first one
 * @sectors: how many
 * @data: of IO_WRITE
 * @submit: the event when it came in
 * @complete: when it was answered, or NEVER
 * @durable: when it could no longer be lost, or NEVER; of REMOTE see cut.c
 */
struct io {
	enum device device;
	enum { IO_WRITE, IO_ZERO, IO_FLUSH } op;
	bool fua, failed;
	uint32_t sector, sectors;
	const uint8_t *data;
	size_t submit, complete, durable;
};

extern struct io *ios;
extern unsigned int nr_ios;
extern size_t nr_events;
extern unsigned int nr_devices;
extern struct mapped devices[DEVICES];

void devices_create(void);
void devices_remove(void);
void events_begin(void);
void events_mark(uint64_t mark);
void events_end(void);
void events_fail(enum device device, bool fail);

/* image.c */

/**
 * struct choice - what becomes of a write that may be lost
 * @part: how much of it is kept
 * @sectors: of PART_FIRST and PART_LAST; of PART_ANY a mask, repeated; of
 *	PART_BYTES it is bytes, and all behind them is as it was
 */
struct choice {
	enum { PART_NONE, PART_ALL, PART_FIRST, PART_LAST, PART_ANY, PART_BYTES } part;
	uint32_t sectors;
};

extern uint8_t *image[DEVICES];
extern struct choice *choices;		/* one for each io */
extern uint8_t *remote_older[2];	/* see image_older() */
extern int remote_base;			/* index there, or -1: what it was first */

static inline bool io_lost(const struct io *io, size_t time)
{
	return io->op != IO_FLUSH && !io->failed && io->submit < time && io->durable >= time;
}

void image_remember(void);
void choices_reset(void);
uint64_t image_key(size_t time);
void image_build(size_t time);
void image_load(void);
void image_older(const uint8_t *before, const uint8_t *last);

/* cut.c */

/**
 * struct cut - a loss of power
 * @time: events that had happened
 * @how: what is lost of what can be
 * @io: of CUT_TORN and CUT_BYTES
 * @bits: of CUT_SUBSET those that are kept; of CUT_ANY the seed; of CUT_TORN
 *	how many sectors of @io are kept, negative: at its end; of CUT_BYTES
 *	how many bytes
 * @remote: what becomes of the remote leg
 * @back: of REMOTE_BACK: events that had happened when its host took the
 *	checkpoint that it is back at
 * @sure: it is to be tried whatever the sample is, see cuts_sample()
 * @base: index in remote_older[], or -1: that was after the log began
 */
struct cut {
	size_t time;
	enum how { CUT_NONE, CUT_ALL, CUT_DONE, CUT_SUBSET, CUT_ANY, CUT_TORN,
		CUT_BYTES } how;
	unsigned int io;
	int64_t bits;
	enum remote { REMOTE_DONE, REMOTE_ALL, REMOTE_ANY, REMOTE_BACK } remote;
	size_t back;
	int base;
	bool sure;
};

extern struct cut *cuts;
extern unsigned int nr_cuts;

bool is_super(const struct io *io);
bool is_summary(const struct io *io);
size_t merged_at(void);
void cut_every(size_t first, size_t last);
void cut_subsets(size_t first, size_t last);
void cut_torn(void);
void cuts_remote(void);
size_t cut_checkpoint(size_t time, unsigned int before, int *index);
unsigned int cuts_unique(void);
unsigned int cuts_sample(void);
void cut_choose(const struct cut *cut);
void cut_describe(char *text, size_t size, const struct cut *cut);
void cut_show(const struct cut *cut);

/* main.c */
void now_is(const char *text);
void need(const char *what, unsigned int n);

/* primary.c */
int primary_test(const char *name);

/* window.c */

/**
 * enum window - what a primary may be doing
 * @FORMATTING: making a log
 * @MARKING: a mark is on its way to the log
 * @MARKED: it is there, and nothing was sent yet that needed it
 * @CLEARING: marks are being taken out of the log; they may come back
 * @NOTING: a superblock is on its way
 * @RESYNC: copying
 * @CUT: a checkpoint is being taken
 */
enum window { FORMATTING, MARKING, MARKED, CLEARING, NOTING, RESYNC, CUT, WINDOWS };

void windows_find(void);
size_t windows_any(void);
unsigned int windows_count(enum window window);
unsigned int windows_at(size_t time);

#endif
