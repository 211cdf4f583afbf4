# What belongs to the project but is not built: sample files, scripts, the container.
dist_doc_DATA = \
	LICENSE \
	README.md \
	contrib/grafana/flowfile-scheduler.json \
	contrib/prometheus/alerts.yaml \
	etc/scheduler.ini.minimal \
	etc/scheduler.ini.sample

EXTRA_DIST += \
	.clang-format \
	contrib/docker/Dockerfile \
	contrib/docker/Dockerfile.dockerignore \
	contrib/docker/compose.yaml \
	contrib/docker/entrypoint.sh \
	contrib/engine.sh \
	contrib/install.sh \
	contrib/lint.sh \
	contrib/quickstart.sh \
	contrib/run-tests.sh \
	contrib/setup/cppcheck.h \
	contrib/setup/lib.sh \
	doc

.PHONY: lint
lint:
	$(srcdir)/contrib/lint.sh
