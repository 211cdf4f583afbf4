# The configuration: a library of its own, because the daemon and the command line both read it.
noinst_LIBRARIES += libffconfig.a
libffconfig_a_SOURCES = \
	src/daemon/config.c \
	src/daemon/config_ini.c \
	src/daemon/config_options.c \
	src/daemon/config_print.c
noinst_HEADERS += \
	include/daemon/config.h \
	include/daemon/config_option.h
