noinst_LIBRARIES += liblease.a
liblease_a_SOURCES = \
	src/lease/guard.c \
	src/lease/guard_file.c \
	src/lease/guard_postgres.c \
	src/lease/lease.c
noinst_HEADERS += \
	include/lease/guard.h \
	include/lease/guard_backend.h \
	include/lease/lease.h
