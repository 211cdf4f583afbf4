dist_man_MANS += \
	man/scheduler.ini.5
