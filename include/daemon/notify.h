/* Words to the service manager (sd_notify); nothing happens where there is none. */
#ifndef FF_DAEMON_NOTIFY_H
#define FF_DAEMON_NOTIFY_H

void notify_ready(void);
void notify_stopping(void);
/* The watchdog's sign of life; the heartbeat makes a turn often enough. */
void notify_alive(void);
/* The start takes so many seconds more. */
void notify_patience(int seconds);
/* Said only when it differs from what was said last. */
void notify_status(const char *text);

#endif
