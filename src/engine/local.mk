noinst_LIBRARIES += libengine.a
libengine_a_SOURCES = \
	src/engine/engine.c \
	src/engine/engine_impl.h \
	src/engine/figures.c \
	src/engine/launch.c \
	src/engine/load.c \
	src/engine/requests.c \
	src/engine/tasks.c \
	src/engine/write.c
noinst_HEADERS += \
	include/engine/engine.h
