dist_man_MANS += \
	man/flowfile.1 \
	man/flowfile_scheduler.8 \
	man/scheduler.ini.5
