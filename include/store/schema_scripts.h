/* The files of src/store/sql/schema, compiled in. Private to src/store. */
#ifndef FF_STORE_SCHEMA_SCRIPTS_H
#define FF_STORE_SCHEMA_SCRIPTS_H

struct schema_script {
	const char *name; /* the file's, without ".sql" */
	const char *text;
};

/* Ends with a row of NULLs. */
extern const struct schema_script schema_scripts[];

#endif
