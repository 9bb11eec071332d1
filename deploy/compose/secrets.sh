#!/bin/sh
# Makes the secrets of compose.yaml, once: random passwords, password files, and the keys of personal numbers.
# Only its owner may enter the folder; the files in it may be read, for each container has a user of its own.
# Back up secrets/keys.toml apart from the database: without it the numbers are lost.
set -eu
cd "$(dirname "$0")"
[ ! -e secrets ] || { echo "secrets/ is there already: nothing was changed" >&2; exit 2; }
making=$(mktemp -d ./.secrets.XXXXXX)
word() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
key() { head -c 64 /dev/urandom | base64 | tr -d '\n'; }
cd "$making"
word 24 > postgres_password
word 24 > redis_password
echo "postgres:5432:yuanmeng:yuanmeng_owner:$(word 24)" > pgpass_owner
printf 'postgres:5432:yuanmeng:yuanmeng_app:%s\npostgres:5432:prefect:prefect:%s\n' "$(word 24)" "$(word 24)" > pgpass_app
echo "redis://:$(cat redis_password)@redis:6379/0" > redis_url
echo "coordinator:$(word 24)" > prefect_auth
printf 'current = "k1"\nmatching = "%s"\n\n[keys]\nk1 = "%s"\n' "$(key)" "$(key)" > keys.toml
chmod 644 ./*
cd ..
mv "$making" secrets
chmod 700 secrets
echo "made secrets/: back up secrets/keys.toml apart from the database"
