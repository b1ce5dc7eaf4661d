# SPDX-License-Identifier: GPL-2.0
# What kbuild reads is in Kbuild. This is for people: make help

KDIR ?= /lib/modules/$(shell uname -r)/build

all: modules

modules modules_install:
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@

clean:
	$(MAKE) -C tools clean
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

tools:
	$(MAKE) -C tools

tools_install:
	$(MAKE) -C tools install

# make check [T=part]
check:
	tests/check $(T)

# make test [T=scenario] [K=6.1|6.12|6.12-um]
test:
	tests/run $(if $(K),-k $(K)) $(if $(PART),--part $(PART)) $(T)

# all of them on these kernels, and all that was remembered anew; takes hours
test-all:
	tests/run -k 6.1,6.12,6.12-um,6.12-um-debug --all --fresh

# with KASAN, lockdep and others; LEAKS=1: with a look for lost memory after each scenario
test-debug:
	tests/run -k $(or $(K),6.12-um-debug) $(if $(PART),--part $(PART)) \
		$(if $(SHORT),--short) $(if $(LEAKS),--leaks) $(T)

# the same on a kernel that finds data races
test-kcsan:
	tests/run -k 6.12-kcsan $(T)

# the same on Debian's PREEMPT_RT kernels
test-rt:
	tests/run -k 6.1-rt,6.12-rt $(T)

# what of the module the scenarios reach
coverage:
	tests/run -k 6.12-gcov --coverage $(T)

# The random tests over and over: make soak [MINUTES=60] [K=6.12-um-debug] [LEAKS=1]
MINUTES ?= 60
soak:
	tests/run -k $(or $(K),6.12-um-debug) --minutes $(MINUTES) $(if $(LEAKS),--leaks) $(T)

# 250,000 table lines and messages, 1,000 lives of a device
abuse:
	tests/run -k $(or $(K),6.12-um) --soak 25 $(or $(T),\
		table-lines-and-messages-of-any-kind-are-judged-right \
		tables-come-and-go-and-nothing-is-left)

# Tests on a module with bugs
test-planted:
	tests/planted-test $(if $(K),-k $(K)) $(T)

demo:
	tests/demo

# make bench [BENCH=case]
bench:
	tests/benchmark $(BENCH)

# make bench-check [SHORT=1] [BENCH=case]
bench-check:
	tests/benchmark --check $(if $(SHORT),--short) $(BENCH)

lint:
	tests/lint

help:
	@echo 'make [modules]          build dm-replication.ko for the running kernel'
	@echo '                        (KDIR=<build directory> for another one)'
	@echo 'make modules_install    install it (as root)'
	@echo 'make tools              build replication_check and replication_dump (needs'
	@echo '                        libjson-c-dev)'
	@echo 'make tools_install      install them in PREFIX (/usr/local), below DESTDIR'
	@echo 'make clean              remove what was built here'
	@echo 'make check [T=part]     unit tests of parts of the module, in user space, in seconds'
	@echo 'make test               what every change has to pass: all scenarios on User-Mode Linux,'
	@echo '                        many of them on both stock kernels, pairs of guests, unit'
	@echo '                        tests, the lint; gets what it needs with apt (Debian 12)'
	@echo 'make test T=<scenario> [K=6.1|6.12|6.12-um]'
	@echo '                        one of tests/scenarios, on all three kernels or one; with K'
	@echo '                        alone: all of them on that kernel'
	@echo 'make test-all           all scenarios on both stock kernels, on User-Mode Linux, and'
	@echo '                        there with KASAN and lockdep; takes hours'
	@echo 'make test-debug [PART=I/N] [LEAKS=1] [K=6.12-debug [SHORT=1]] [T=<scenario>]'
	@echo '                        on a kernel with KASAN and lockdep, which is compiled for it'
	@echo '                        when it is first used. PART: the Ith of N parts of them.'
	@echo '                        LEAKS: looks for memory that was lost as well. 6.12-debug: an'
	@echo '                        emulated machine, slow; SHORT: a choice of them'
	@echo 'make test-kcsan [T=<scenario>]'
	@echo '                        on one that finds data races, as slow'
	@echo 'make test-rt [T=<scenario>]'
	@echo '                        on the PREEMPT_RT kernels of Debian'
	@echo 'make coverage [T=<scenario>]'
	@echo '                        on one that counts, compiled as well: says which lines and'
	@echo '                        functions were not reached'
	@echo 'make soak [MINUTES=60] [K=6.12-um-debug] [LEAKS=1] [T=<scenario>]'
	@echo '                        the random tests, over and over with other seeds'
	@echo 'make abuse [K=6.12-um] [T=<scenario>]'
	@echo '                        250,000 table lines and messages, 1,000 lives of a device'
	@echo 'make test-planted [T=<patch>] [K=6.12-um]'
	@echo '                        planted bugs: tests must fail with each'
	@echo 'make demo [K=6.1|6.12]  PostgreSQL on a replica, the failure of its host, and the'
	@echo '                        failover, in two emulated guests'
	@echo 'make bench [BENCH=case]  speed, beside that of other drivers, in emulated guests whose'
	@echo '                        clock counts instructions; writes Documentation/performance.md'
	@echo 'make bench-check [SHORT=1] [BENCH=case]'
	@echo '                        the same of ours only, against the last release: fails when'
	@echo '                        a figure is worse by more than 3%'
	@echo 'make lint               shellcheck, sparse, analyzer, coccinelle, checkpatch; part of'
	@echo '                        make test'

.PHONY: all modules modules_install clean tools tools_install check test test-all test-debug \
	test-kcsan test-rt coverage test-planted soak abuse demo bench bench-check lint help
