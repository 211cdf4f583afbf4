# The units carry the directory of the programs, hence they are made. Nothing outside the prefix is
# touched: systemd makes /var/lib/flowfile at the first start.
if SYSTEMD
systemdsystemunit_DATA = contrib/systemd/flowfile-scheduler.service
systemduserunit_DATA = contrib/systemd/user/flowfile-scheduler.service
sysusers_DATA = contrib/systemd/flowfile-scheduler.conf
endif

EXTRA_DIST += \
	contrib/systemd/flowfile-scheduler.conf \
	contrib/systemd/flowfile-scheduler.service.in \
	contrib/systemd/flowfile-scheduler-user.service.in
CLEANFILES += $(systemdsystemunit_DATA) $(systemduserunit_DATA)

systemd_fill = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) 's|@bindir[@]|$(bindir)|g' <$< >$@

contrib/systemd/flowfile-scheduler.service: contrib/systemd/flowfile-scheduler.service.in Makefile
	$(systemd_fill)
contrib/systemd/user/flowfile-scheduler.service: contrib/systemd/flowfile-scheduler-user.service.in \
		Makefile
	$(systemd_fill)
