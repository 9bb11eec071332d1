#!/bin/sh
# What PostgreSQL runs once, in an empty volume: the roles with the passwords of their password files, and both databases.
set -eu
psql --set=ON_ERROR_STOP=1 --username=postgres --set=database=yuanmeng --file=/deploy/roles.sql
psql --set=ON_ERROR_STOP=1 --username=postgres --command='CREATE ROLE prefect LOGIN' --command='CREATE DATABASE prefect OWNER prefect'
cat /run/secrets/pgpass_owner /run/secrets/pgpass_app | while IFS=: read -r _ _ _ role password; do
  # By its input, never by its command line.
  psql --quiet --set=ON_ERROR_STOP=1 --username=postgres <<SQL
\set password \`sed -n 's/^[^:]*:[^:]*:[^:]*:$role://p' /run/secrets/pgpass_owner /run/secrets/pgpass_app\`
ALTER ROLE $role PASSWORD :'password';
SQL
done
