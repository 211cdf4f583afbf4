noinst_LIBRARIES += liblease.a
liblease_a_SOURCES = \
	src/lease/lease.c
noinst_HEADERS += \
	include/lease/guard.h \
	include/lease/lease.h
