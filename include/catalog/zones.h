/*
 * Time zones of the machine, read from the tz database when first asked for (contract 4.6: the key is
 * case-sensitive, relative and normalized, the file is TZif). $TZDIR, else /usr/share/zoneinfo.
 *
 * Owner: whoever called zones_new(); one thread. The zones handed out are borrowed from it and live
 * until zones_free().
 */
#ifndef FF_CATALOG_ZONES_H
#define FF_CATALOG_ZONES_H

#include "base/err.h"
#include "core/tz.h"

struct zones;

struct zones *zones_new(void);
void zones_free(struct zones *zones);

/*
 * NULL, "" and "UTC" are UTC even without a tz database. NULL with err (ERR_USAGE) when there is no
 * such zone; the error says the nearest name that there is.
 */
const struct tz *zones_get(struct zones *zones, const char *name, struct err *err);

/* The same as a zone_cb (core/world.h): arg is the struct zones. */
const struct tz *zones_find(const char *name, void *arg, struct err *err);

/* The folder that is looked in. Borrowed. */
const char *zones_dir(const struct zones *zones);

#endif
