/* What is old and of no use any more on this host; one bad file harms no other. */
#ifndef FF_DAEMON_UPKEEP_H
#define FF_DAEMON_UPKEEP_H

#include <stdint.h>

#include "base/err.h"
#include "base/paths.h"
#include "store/db.h"

/*
 * Old run logs (contract 4.12). Deletes scheduled_run_*.log and flow_*.log directly in dir whose last change is more than max_age_s ago.
 * Returns how many went. A folder that is not there has nothing to delete.
 */
int upkeep_clear_logs(const char *dir, int64_t max_age_s, int64_t now_us);

/*
 * The runner's files of runs that are over (runner/exitfile.h): left by a daemon that died between storing
 * an end and removing them, or that does not lead and only reported it. Runs that are active in the
 * catalog keep theirs. Also clears what ended runs of this catalog left in the folders beside dir, which
 * were its own before its address was changed. Returns how many runs' files went; -1 when the database does
 * not answer.
 */
int upkeep_clear_exits(const char *dir, struct db *db, struct err *err);

/*
 * Notes in the folder of logs that they are this catalog's, and warns when they were another one's until now: their
 * logs are written over.
 */
void upkeep_note_catalog(const struct paths *paths, const char *catalog);

#endif
