/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mutate: what the parts share.
 *
 *	main.c		arguments
 *	buffer.c	a secondary's buffers: what is changed, what must come of it
 *	log.c		a primary's dirty logs
 *	common.c	chance, encoding, device mapper, the kernel's log
 */
#ifndef MUTATE_H
#define MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define SECTOR		512
#define BLOCK		4096
#define BLOCK_SECTORS	8

/* From Documentation/format.rst, of buffers and dirty logs alike */
#define CRC		8
#define UUID		16
#define UUID_SIZE	16
#define OWNER_SIZE	128
#define SAMPLES		64

struct field {
	const char *name;
	unsigned int at, size;
};

/* From the command line */
extern uint64_t seed, count, only;
extern const char *uuid;
/* Of the mutation: its number, the image, and in words what was done to it */
extern uint64_t number;
extern const char *subject;
extern char did[1024];

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void random_begin(uint64_t from);
uint64_t random_number(void);
uint64_t below(uint64_t limit);

void *memory(size_t bytes);
uint64_t get(const uint8_t *p, unsigned int size);
void put(uint8_t *p, unsigned int size, uint64_t value);
uint32_t crc32c(const uint8_t *p, size_t bytes);
uint32_t block_crc(const uint8_t *block, size_t size);
void seal(uint8_t *block, size_t size);
bool zeroes(const uint8_t *p, size_t bytes);
uint64_t sample_sector(uint64_t sectors, unsigned int i);
uint32_t sample_crc(const uint8_t *block);

void change_bits(uint8_t *block, unsigned int used, unsigned int size);
void change_bytes(uint8_t *block, unsigned int size);

int open_device(const char *path, int flags);
uint64_t length_of(int fd);
void read_all(int fd, uint8_t *to, uint64_t sectors, const char *what);
void write_at(int fd, const uint8_t *from, uint64_t offset, size_t bytes);
uint8_t *load_file(const char *name, const char *suffix, uint64_t sectors);

void device_init(uint64_t sectors);
void device_clear(void);
void device_remove(void);
int device_open(void);
int device_load(const char *type, const char *parameters);
bool device_refused_late(void);
const char *device_status(void);
int device_message(const char *message);

bool take_reason(void);

enum outcome { REFUSED, ACCEPTED, FORMATTED };

extern const char *const outcome_name[];

/**
 * struct trial - buffers or dirty logs
 * @take: puts an image onto the devices, if it is not there
 * @try_as_it_is: it has to be accepted
 * @try_mutated: changes the image, tries it, and puts it back
 */
struct trial {
	void (*take)(unsigned int n);
	void (*try_as_it_is)(unsigned int n);
	enum outcome (*try_mutated)(unsigned int n);
};

void announce(void);
void run(const struct trial *trial, unsigned int images);

void mutate_buffers(const char *const *arg, unsigned int images);
void mutate_logs(const char *const *arg, unsigned int images, unsigned int region_sectors);
void scribble(const char *view);

#endif
