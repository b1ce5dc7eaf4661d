/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UNIT_LINUX_COMPLETION_H
#define UNIT_LINUX_COMPLETION_H

#include <pthread.h>
#include <linux/kernel.h>

/* Time is ten times as fast as in the kernel. */
#define HZ		1000
#define UNIT_JIFFY_NS	100000

struct completion {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	unsigned int done;
};

void init_completion(struct completion *c);
void complete(struct completion *c);
void wait_for_completion(struct completion *c);
unsigned long wait_for_completion_timeout(struct completion *c, unsigned long jiffies);

#endif
