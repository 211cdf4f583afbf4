# The demo: run from the source tree, and installed as a whole.
demodir = $(pkgdatadir)/demo
demoflowsdir = $(demodir)/flows
demodatadir = $(demodir)/data

dist_demo_SCRIPTS = contrib/demo/demo.sh
dist_demo_DATA = contrib/demo/README.md
dist_demoflows_DATA = \
	contrib/demo/flows/clean_weather.yaml \
	contrib/demo/flows/first_year.yaml \
	contrib/demo/flows/import_co2.yaml \
	contrib/demo/flows/import_weather.yaml \
	contrib/demo/flows/monthly_report.yaml \
	contrib/demo/flows/rain_diary.yaml \
	contrib/demo/flows/rainy_days.yaml
dist_demodata_DATA = \
	contrib/demo/data/LICENSE \
	contrib/demo/data/co2-concentration.csv \
	contrib/demo/data/seattle-weather.csv
