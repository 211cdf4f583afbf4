/*
 * PostgreSQL's client library, loaded when the first postgresql:// URL is met. Private to
 * src/store.
 *
 * It is not linked: with it come libssl, LDAP and Kerberos, 5.3 MB of resident memory (1 MB of it
 * private) in every daemon, also in those that sit on SQLite.
 */
#ifndef FF_STORE_LIBPQ_H
#define FF_STORE_LIBPQ_H

#include <libpq-fe.h>

#include "base/err.h"

#define LIBPQ_FUNCTIONS(X)                                                                         \
	X(PQclear)                                                                                 \
	X(PQcmdStatus)                                                                             \
	X(PQcmdTuples)                                                                             \
	X(PQconnectPoll)                                                                           \
	X(PQconnectStartParams)                                                                    \
	X(PQconnectionNeedsPassword)                                                               \
	X(PQconninfoFree)                                                                          \
	X(PQconninfoParse)                                                                         \
	X(PQconsumeInput)                                                                          \
	X(PQenterPipelineMode)                                                                     \
	X(PQerrorMessage)                                                                          \
	X(PQexitPipelineMode)                                                                      \
	X(PQfinish)                                                                                \
	X(PQflush)                                                                                 \
	X(PQfreemem)                                                                               \
	X(PQgetResult)                                                                             \
	X(PQgetisnull)                                                                             \
	X(PQgetvalue)                                                                              \
	X(PQisBusy)                                                                                \
	X(PQnfields)                                                                               \
	X(PQnotifies)                                                                              \
	X(PQntuples)                                                                               \
	X(PQpipelineSync)                                                                          \
	X(PQpass)                                                                                  \
	X(PQresultErrorField)                                                                      \
	X(PQresultErrorMessage)                                                                    \
	X(PQresultStatus)                                                                          \
	X(PQsendPrepare)                                                                           \
	X(PQsendQuery)                                                                             \
	X(PQsendQueryParams)                                                                       \
	X(PQsendQueryPrepared)                                                                     \
	X(PQserverVersion)                                                                         \
	X(PQsetNoticeProcessor)                                                                    \
	X(PQsetnonblocking)                                                                        \
	X(PQsocket)                                                                                \
	X(PQstatus)                                                                                \
	X(PQtransactionStatus)

/* Each function under its own name, with its own type. */
struct libpq {
#define X(name) __typeof__(name) *name;
	LIBPQ_FUNCTIONS(X)
#undef X
};

/* The functions; NULL with err where the library is not installed. Safe from any thread. */
const struct libpq *libpq_load(struct err *err);

#endif
