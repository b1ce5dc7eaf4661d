// SPDX-License-Identifier: GPL-2.0
/*
 * Makes the mistake that it is told to make, so that the selftest can show
 * that a debug kernel notices. On another kernel it does nothing.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *mistake = "";
module_param(mistake, charp, 0);
MODULE_PARM_DESC(mistake, "what to do wrong");

static DEFINE_MUTEX(one);
static DEFINE_MUTEX(two);
static DEFINE_SPINLOCK(lock);
static unsigned long counter;

static void use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL), *q = p;

	OPTIMIZER_HIDE_VAR(q);
	kfree(p);
	if (q)
		WRITE_ONCE(q[8], 1);
}

static void out_of_bounds(void)
{
	int array[8] = { }, index = ARRAY_SIZE(array) + 1;

	OPTIMIZER_HIDE_VAR(index);
	WRITE_ONCE(array[index], 1);
}

static void wrong_order(void)
{
	mutex_lock(&one);
	mutex_lock(&two);
	mutex_unlock(&two);
	mutex_unlock(&one);
	mutex_lock(&two);
	mutex_lock(&one);
	mutex_unlock(&one);
	mutex_unlock(&two);
}

static void sleep_in_atomic(void)
{
	spin_lock(&lock);
	msleep(20);
	spin_unlock(&lock);
}

static void leak(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
}

static void count_without_a_lock(void)
{
	unsigned long end = jiffies + 2 * HZ;

	while (time_before(jiffies, end)) {
		counter++;
		/* or the compiler counts in a register */
		barrier();
		cond_resched();
	}
}

static int racer(void *unused)
{
	count_without_a_lock();
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static void race(void)
{
	struct task_struct *other;

	other = kthread_run(racer, NULL, "planted");
	if (IS_ERR(other))
		return;
	count_without_a_lock();
	kthread_stop(other);
}

static int __init planted_init(void)
{
	if (!strcmp(mistake, "leak")) {
		leak();
		return 0;
	}
	if (!strcmp(mistake, "race")) {
		race();
		return 0;
	}
	if (!IS_ENABLED(CONFIG_KASAN) || !IS_ENABLED(CONFIG_PROVE_LOCKING))
		return 0;
	if (!strcmp(mistake, "use-after-free"))
		use_after_free();
	else if (!strcmp(mistake, "out-of-bounds"))
		out_of_bounds();
	else if (!strcmp(mistake, "wrong-order"))
		wrong_order();
	else if (!strcmp(mistake, "sleep-in-atomic"))
		sleep_in_atomic();
	else
		return -EINVAL;
	return 0;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);

MODULE_DESCRIPTION("mistakes for the selftest");
MODULE_LICENSE("GPL");
