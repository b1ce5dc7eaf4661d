// SPDX-License-Identifier: GPL-2.0-only
/* Runs unit tests: see unit.h. */
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#define HANGS	60	/* seconds */
#define FAILED	99	/* exit status: the reason has been said */

#ifdef __SANITIZE_THREAD__
#define SANITIZER	"thread"
#else
#define SANITIZER	"address"
#endif

static uint64_t seed;
static int why_fd;
static unsigned int threads_made;
static __thread uint64_t state;
static __thread bool seeded;

/*
 * ---- Chance ----
 */

/* The finalizer of MurmurHash3 over a counter: any seed is as good as another. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdULL;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

static void seed_thread(uint64_t nr)
{
	state = mix(seed + nr * 0x9e3779b97f4a7c15ULL);
	seeded = true;
}

uint64_t unit_random(uint64_t below)
{
	if (!seeded)
		seed_thread(1000 + __atomic_fetch_add(&threads_made, 1, __ATOMIC_RELAXED));
	state += 0x9e3779b97f4a7c15ULL;
	return mix(state) % below;
}

bool unit_chance(unsigned int percent)
{
	return unit_random(100) < percent;
}

uint64_t unit_random_size(uint64_t below)
{
	unsigned int bits = 64 - __builtin_clzll(below);
	uint64_t most = 1ULL << unit_random(bits);

	return unit_random(most < below ? most : below);
}

void unit_random_bytes(void *bytes, size_t size)
{
	unsigned char *p = bytes;

	while (size--)
		*p++ = unit_random(256);
}

unsigned int unit_rounds(unsigned int plain)
{
#ifdef __SANITIZE_THREAD__
	return plain / 4 + 1;
#else
	return plain;
#endif
}

void unit_sleep_us(unsigned int us)
{
	struct timespec t = { .tv_nsec = us * 1000L };

	nanosleep(&t, NULL);
}

void *unit_zeroes(size_t number, size_t size)
{
	void *p = calloc(number, size);

	EXPECT(p, "out of memory");
	return p;
}

/*
 * ---- Threads ----
 */

struct thread {
	pthread_t thread;
	void (*run)(unsigned int nr);
	unsigned int nr;
};

static void *run_thread(void *data)
{
	struct thread *t = data;

	seed_thread(t->nr + 1);
	t->run(t->nr);
	return NULL;
}

void unit_threads(unsigned int number, void (*run)(unsigned int nr))
{
	struct thread threads[16];
	unsigned int i;

	EXPECT(number <= 16, "more threads than there is room for");
	for (i = 0; i < number; i++) {
		threads[i].run = run;
		threads[i].nr = i;
		if (pthread_create(&threads[i].thread, NULL, run_thread, &threads[i]))
			FAIL("no thread");
	}
	for (i = 0; i < number; i++)
		pthread_join(threads[i].thread, NULL);
}

/*
 * ---- Tests ----
 */

void unit_fail(const char *file, int line, const char *format, ...)
{
	const char *base = strrchr(file, '/');
	char why[512];
	va_list arguments;
	int n;

	n = snprintf(why, sizeof(why), "%s:%d: ", base ? base + 1 : file, line);
	va_start(arguments, format);
	vsnprintf(why + n, sizeof(why) - n, format, arguments);
	va_end(arguments);
	if (write(why_fd, why, strlen(why)) < 0)
		abort();
	_exit(FAILED);
}

static void run_test(const struct unit_test *test)
{
	const char *p;
	uint64_t nr = 0;

	for (p = test->name; *p; p++)
		nr = mix(nr + *p);
	seed += nr;
	seed_thread(0);
	alarm(HANGS);
	test->run();
	/* the sanitizers look for leaks */
	exit(0);
}

/* Return: true when it holds; else @why is the reason. */
static bool test_holds(const struct unit_test *test, char *why, size_t size)
{
	int status, fds[2];
	ssize_t n;
	pid_t pid;

	fflush(stdout);
	if (pipe(fds))
		abort();
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid) {
		close(fds[0]);
		why_fd = fds[1];
		run_test(test);
	}
	close(fds[1]);
	n = read(fds[0], why, size - 1);
	why[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	if (waitpid(pid, &status, 0) != pid)
		abort();
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(why, size, "hangs");
	else if (WIFSIGNALED(status))
		snprintf(why, size, "killed by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != FAILED)
		snprintf(why, size, "ends with %d: see above", WEXITSTATUS(status));
	return false;
}

static bool is_wanted(const char *name, char **wanted)
{
	if (!*wanted)
		return true;
	for (; *wanted; wanted++)
		if (strstr(name, *wanted))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const struct unit_test *test;
	unsigned int passed = 0, failed = 0;
	char why[600];

	argv++;
	if (argc > 2 && !strcmp(argv[0], "--seed")) {
		seed = strtoull(argv[1], NULL, 0);
		argv += 2;
	} else {
		seed = (uint64_t)time(NULL) ^ (uint64_t)getpid() << 20;
	}
	printf("seed %llu\n", (unsigned long long)seed);
	for (test = unit_tests; test->name; test++) {
		if (!is_wanted(test->name, argv))
			continue;
		if (test_holds(test, why, sizeof(why))) {
			passed++;
			printf("ok   %s/%s: %s\n", unit_part, SANITIZER, test->name);
		} else {
			failed++;
			printf("FAIL %s/%s: %s: %s\n", unit_part, SANITIZER, test->name, why);
		}
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0;
}
