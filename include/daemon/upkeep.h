/* Old run logs (contract 4.12): deleted by age, one bad file harms no other. */
#ifndef FF_DAEMON_UPKEEP_H
#define FF_DAEMON_UPKEEP_H

#include <stdint.h>

/*
 * Deletes scheduled_run_*.log and flow_*.log directly in dir whose last change is more than max_age_s ago.
 * Returns how many went. A folder that is not there has nothing to delete.
 */
int upkeep_clear_logs(const char *dir, int64_t max_age_s, int64_t now_us);

#endif
