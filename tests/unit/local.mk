# One program per module. Those of the core link only base and core, which is how the build holds
# the rule that the core touches nothing else.
if TESTS_BUILT
unit_base_ldadd = libbase.a $(CJSON_LIBS) $(CHECK_LIBS)
unit_core_ldadd = libcore.a $(unit_base_ldadd)

unit_tests = \
	tests/unit/test_base \
	tests/unit/test_tz \
	tests/unit/test_cron
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(CJSON_CFLAGS)
tests_unit_test_base_LDADD = $(unit_base_ldadd)

tests_unit_test_tz_SOURCES = tests/unit/test_tz.c
tests_unit_test_tz_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_tz_LDADD = $(unit_core_ldadd)

tests_unit_test_cron_SOURCES = tests/unit/test_cron.c
tests_unit_test_cron_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_cron_LDADD = $(unit_core_ldadd)
endif
