-- What schema*.c asks of a catalog, and the catch-up of our own tables.

-- name: schema_revision
SELECT version_num FROM alembic_version;
