# The built programs as a user runs them; $abs_top_builddir tells the scripts where they are.
AM_TESTS_ENVIRONMENT = abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir;

e2e_tests = \
	tests/e2e/test_demo_flows.sh
dist_check_SCRIPTS += $(e2e_tests)
EXTRA_DIST += tests/e2e/demo_expected.sh
TESTS += $(e2e_tests)
