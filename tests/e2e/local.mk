# The built programs as a user runs them.
e2e_tests = \
	tests/e2e/test_demo_flows.sh \
	tests/e2e/test_entrypoint.sh
dist_check_SCRIPTS += $(e2e_tests)
EXTRA_DIST += tests/e2e/demo_expected.sh
TESTS += $(e2e_tests)
