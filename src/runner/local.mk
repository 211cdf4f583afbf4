noinst_LIBRARIES += librunner.a
librunner_a_SOURCES = \
	src/runner/command.c \
	src/runner/exitfile.c \
	src/runner/host.c \
	src/runner/job.c \
	src/runner/job.h \
	src/runner/job_alone.c \
	src/runner/job_shim.c \
	src/runner/proc.c \
	src/runner/runlog.c \
	src/runner/runner.c \
	src/runner/wire.c
librunner_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
noinst_HEADERS += \
	include/runner/command.h \
	include/runner/exitfile.h \
	include/runner/proc.h \
	include/runner/runlog.h \
	include/runner/runner.h \
	include/runner/wire.h

# Every run pays for the start of its shim, and a static program starts in two thirds of the time. Of
# the libraries it takes only what it calls: no event loop, no database.
pkglibexec_PROGRAMS += flowfile-shim
flowfile_shim_SOURCES = src/runner/shim.c
flowfile_shim_LDADD = librunner.a libbase.a
flowfile_shim_LDFLAGS = $(AM_LDFLAGS) $(SHIM_LDFLAGS)
