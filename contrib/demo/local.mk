# The demo: run from the source tree, and installed as a whole.
demodir = $(pkgdatadir)/demo
demoflowsdir = $(demodir)/flows
demodatadir = $(demodir)/data

dist_demo_SCRIPTS = contrib/demo/demo.sh
dist_demo_DATA = contrib/demo/README.md
dist_demoflows_SCRIPTS = \
	contrib/demo/flows/clean_weather \
	contrib/demo/flows/import_co2 \
	contrib/demo/flows/import_weather \
	contrib/demo/flows/monthly_report
dist_demoflows_DATA = contrib/demo/flows/lib.sh
dist_demodata_DATA = \
	contrib/demo/data/LICENSE \
	contrib/demo/data/co2-concentration.csv \
	contrib/demo/data/seattle-weather.csv
