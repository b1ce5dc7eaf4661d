# title: Primary, two CPUs
# cpus: 2
# Both run from one clock, in turns: what grows is what they spend on each other.
. /t/scenarios/lib/bench.sh

# four_jobs SYSTEM DEV
four_jobs()
{
	figure "$1" write-4-jobs "$(DEV=$2 RUNTIME=2 CPUS=0-1 fio_rate cpus write-4-jobs)" /s
}

written_once /dev/ram0 /dev/ram1 /dev/ram3
baseline /dev/ram3
random linear-2-cpus /dev/mapper/lin write-qd1
four_jobs linear-2-cpus /dev/mapper/lin
start_primary /dev/ram0 /dev/ram1
random primary-sync-2-cpus /dev/mapper/pri write-qd1
four_jobs primary-sync-2-cpus /dev/mapper/pri
dm_remove pri
start_primary /dev/ram0 /dev/ram1 async
random primary-async-2-cpus /dev/mapper/pri write-qd1
four_jobs primary-async-2-cpus /dev/mapper/pri
dm_remove pri
