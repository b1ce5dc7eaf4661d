// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another module that uses the interface of dm-replication.h: it registers
 * states of its own and calls the groups, as told by what is written to
 * <debugfs>/registry_test:
 *
 *	add GROUP NAME			registers a state
 *	remove NAME			takes it out
 *	fail NAME OP ERRNO		its op fails from now on (0: no longer)
 *	slow NAME 1			each of its ops waits for "go"
 *	go				lets them go on
 *	start_all GROUP primary|secondary
 *	checkpoint_all GROUP
 *	get_error_all GROUP
 *	stop_all GROUP [failover]
 *	new_wrong			what replication_new() must refuse
 *
 * The write returns what the call returned. Each op called is a line in the
 * kernel log ("registry_test: NAME start primary"), and so is the reason of an
 * error ("registry_test: why: ...").
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "dm-replication.h"

#undef pr_fmt
#define pr_fmt(fmt) "registry_test: " fmt

enum op { OP_START, OP_CHECKPOINT, OP_GET_ERROR, OP_STOP, OPS };

static const char * const op_name[OPS] = { "start", "checkpoint", "get_error", "stop" };

/**
 * struct state - one of ours
 * @rs: in the registry
 * @name: in the log
 * @list: in states; under states_lock
 * @error: what each op returns
 * @slow: each op waits until the gate is open
 * @calls: ops under way
 */
struct state {
	struct replication_state *rs;
	char name[16];
	struct list_head list;
	int error[OPS];
	bool slow;
	atomic_t calls;
};

static LIST_HEAD(states);
/* Not held over calls of the registry: a slow op must not delay remove. */
static DEFINE_MUTEX(states_lock);
static struct dentry *file;
/* What ops of slow states wait for. */
static DECLARE_WAIT_QUEUE_HEAD(gate);
static bool gate_open = true;

static int called(struct replication_state *rs, enum op op, const char *how,
		  struct replication_reason *why)
{
	struct state *s = rs->opaque;

	atomic_inc(&s->calls);
	pr_info("%s %s%s%s\n", s->name, op_name[op], *how ? " " : "", how);
	if (s->slow) {
		wait_event(gate, READ_ONCE(gate_open));
		pr_info("%s %s ends\n", s->name, op_name[op]);
	}
	if (s->error[op])
		snprintf(why->text, sizeof(why->text), "%s was told to fail",
			 s->name);
	atomic_dec(&s->calls);
	return -s->error[op];
}

static int state_start(struct replication_state *rs, enum replication_mode mode,
		       struct replication_reason *why)
{
	return called(rs, OP_START, mode == REPLICATION_MODE_PRIMARY ?
		      "primary" : "secondary", why);
}

static int state_checkpoint(struct replication_state *rs,
			    struct replication_reason *why)
{
	return called(rs, OP_CHECKPOINT, "", why);
}

static int state_get_error(struct replication_state *rs,
			   struct replication_reason *why)
{
	return called(rs, OP_GET_ERROR, "", why);
}

static int state_stop(struct replication_state *rs, bool failover,
		      struct replication_reason *why)
{
	return called(rs, OP_STOP, failover ? "failover" : "", why);
}

static const struct replication_ops state_ops = {
	.start = state_start,
	.checkpoint = state_checkpoint,
	.get_error = state_get_error,
	.stop = state_stop,
};

static struct state *find(const char *name)
{
	struct state *s;

	list_for_each_entry(s, &states, list)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

static int add(const char *group, const char *name)
{
	struct state *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	strscpy(s->name, name, sizeof(s->name));
	s->rs = replication_new(group, s, &state_ops);
	if (IS_ERR(s->rs)) {
		int error = PTR_ERR(s->rs);

		kfree(s);
		return error;
	}
	mutex_lock(&states_lock);
	list_add_tail(&s->list, &states);
	mutex_unlock(&states_lock);
	return 0;
}

static void drop(struct state *s)
{
	replication_remove(s->rs);
	WARN_ON(atomic_read(&s->calls));
	pr_info("%s is removed\n", s->name);
	kfree(s);
}

static int remove_state(const char *name)
{
	struct state *s;

	mutex_lock(&states_lock);
	s = find(name);
	if (s)
		list_del(&s->list);
	mutex_unlock(&states_lock);
	if (!s)
		return -ENOENT;
	drop(s);
	return 0;
}

static int set(const char *name, const char *what, const char *value)
{
	struct state *s;
	int number, error = kstrtoint(value, 10, &number);
	int op = match_string(op_name, OPS, what);

	if (error)
		return error;
	mutex_lock(&states_lock);
	s = find(name);
	if (!s)
		error = -ENOENT;
	else if (op >= 0)
		s->error[op] = number;
	else
		s->slow = number;
	mutex_unlock(&states_lock);
	return error;
}

static int new_wrong(void)
{
	struct replication_ops ops = state_ops;
	static const char name[] = "a-name-of-32-bytes-is-one-too-many";
	char longest[REPLICATION_GROUP_LEN];
	struct replication_state *rs;
	unsigned int wrong = 0;

	BUILD_BUG_ON(sizeof(name) <= REPLICATION_GROUP_LEN);
	memset(longest, 'g', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';

	replication_remove(NULL);
	wrong += replication_new(NULL, NULL, &ops) != ERR_PTR(-EINVAL);
	wrong += replication_new("", NULL, &ops) != ERR_PTR(-EINVAL);
	wrong += replication_new(name, NULL, &ops) != ERR_PTR(-EINVAL);
	wrong += replication_new("g", NULL, NULL) != ERR_PTR(-EINVAL);
	ops.stop = NULL;
	wrong += replication_new("g", NULL, &ops) != ERR_PTR(-EINVAL);
	rs = replication_new(longest, NULL, &state_ops);
	wrong += IS_ERR(rs);
	if (!IS_ERR(rs))
		replication_remove(rs);
	return wrong ? -EIO : 0;
}

static int call(const char *what, const char *group, const char *arg)
{
	struct replication_reason why = { "" };
	int error;

	if (!strcmp(what, "start_all"))
		error = replication_start_all(group, !strcmp(arg, "primary") ?
					      REPLICATION_MODE_PRIMARY :
					      REPLICATION_MODE_SECONDARY, &why);
	else if (!strcmp(what, "checkpoint_all"))
		error = replication_do_checkpoint_all(group, &why);
	else if (!strcmp(what, "get_error_all"))
		error = replication_get_error_all(group, &why);
	else if (!strcmp(what, "stop_all"))
		error = replication_stop_all(group, !strcmp(arg, "failover"), &why);
	else
		return -EINVAL;
	if (error)
		pr_info("why: %s\n", why.text);
	return error;
}

static int command(char *text)
{
	char *word[4] = { "", "", "", "" };
	unsigned int i;

	text = strim(text);
	for (i = 0; i < ARRAY_SIZE(word) && text; i++)
		word[i] = strsep(&text, " ");

	if (!strcmp(word[0], "add"))
		return add(word[1], word[2]);
	if (!strcmp(word[0], "remove"))
		return remove_state(word[1]);
	if (!strcmp(word[0], "fail"))
		return set(word[1], word[2], word[3]);
	if (!strcmp(word[0], "slow")) {
		WRITE_ONCE(gate_open, false);
		return set(word[1], "slow", word[2]);
	}
	if (!strcmp(word[0], "go")) {
		WRITE_ONCE(gate_open, true);
		wake_up_all(&gate);
		return 0;
	}
	if (!strcmp(word[0], "new_wrong"))
		return new_wrong();
	return call(word[0], word[1], word[2]);
}

static ssize_t file_write(struct file *f, const char __user *data, size_t size,
			  loff_t *pos)
{
	char *text;
	int error;

	if (size > 256)
		return -EINVAL;
	text = memdup_user_nul(data, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	error = command(text);
	kfree(text);
	return error ? error : size;
}

static const struct file_operations file_ops = {
	.owner = THIS_MODULE,
	.write = file_write,
	.llseek = noop_llseek,
};

static int __init registry_test_init(void)
{
	file = debugfs_create_file("registry_test", 0200, NULL, NULL, &file_ops);
	return PTR_ERR_OR_ZERO(file);
}

static void __exit registry_test_exit(void)
{
	struct state *s, *next;

	debugfs_remove(file);
	list_for_each_entry_safe(s, next, &states, list)
		drop(s);
}

module_init(registry_test_init);
module_exit(registry_test_exit);
MODULE_DESCRIPTION("Test of the in-kernel interface of dm-replication");
MODULE_LICENSE("GPL");
