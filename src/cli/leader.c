/* Whether a leader that is recorded still lives, as far as this machine can tell. */
#include <errno.h>
#include <signal.h>

#include "cli/cli.h"
#include "runner/proc.h"
#include "runner/runner.h"

/* /proc may hide other users' processes; a signal that is not sent tells of them all the same. */
static bool
is_dead(const struct proc_id *process)
{
	if (proc_alive(process))
		return false;
	return (kill(process->pid, 0) < 0 && errno == ESRCH) || proc_is_reused(process) ||
		proc_is_zombie(process);
}

bool
process_is_gone(const struct cli *cli, const char *host, const char *boot_id, int64_t pid,
	int64_t pid_start)
{
	const struct proc_id process = {(pid_t)pid, (uint64_t)pid_start};
	struct err ignored = ERR_INIT;
	struct host_id here;

	if (pid <= 0 || pid_start <= 0 || host_id_get(&here, &ignored) < 0)
		return false;
	return catalog_same(host, cli->config->instance_name) &&
		catalog_same(boot_id, here.boot_id) && is_dead(&process);
}

bool
leader_is_gone(const struct cli *cli, const struct leader_info *leader)
{
	return leader->ours &&
		process_is_gone(cli, leader->host, leader->boot_id, leader->pid, leader->pid_start);
}

bool
leader_lives(const struct cli *cli, const struct leader_info *leader)
{
	return leader->active && !leader_is_gone(cli, leader);
}

const char *
leader_lost(struct cli *cli, const struct leader_info *leader)
{
	int64_t now_us = clock_wall(cli->catalog.clock);
	struct arena *a = &cli->arena;
	const char *heard = out_age(a, leader->heartbeat_us, now_us);
	bool gone = leader_is_gone(cli, leader);

	if (!leader->ours)
		return arena_printf(a, "%s stopped answering %s", leader->holder_id, heard);
	return arena_printf(a, "the %slast one (pid %lld on %s) %s; its last heartbeat was %s",
		gone ? "process of the " : "", (long long)leader->pid, leader->host,
		gone ? "is gone" : "stopped answering", heard);
}
