# Tests against real databases, processes and files.
if TESTS_BUILT
# For tests that need a PostgreSQL server.
check_LIBRARIES += libpgcluster.a
libpgcluster_a_SOURCES = \
	tests/integration/pg_cluster.c \
	tests/integration/pg_cluster.h
endif
