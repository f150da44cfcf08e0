#!/bin/sh
# Takes the secrets from their files to where each program wants them, then becomes the given command.
# Copies lie in /tmp, which is memory, readable by this user only: libpq and the platform refuse files open to others.
set -eu
umask 077

secrets=${SECRETS_FOLDER:-/run/secrets}
private=${PRIVATE_FOLDER:-/tmp/private}
mkdir -p "$private"

stop() { printf '%s\n' "$*" >&2; exit 2; }

if [ -e "$secrets/db_password" ]; then
    # A backslash or a colon in the password is written with a backslash before it.
    printf '*:*:*:*:%s\n' "$(sed 's/[\\:]/\\&/g' "$secrets/db_password")" >"$private/pgpass"
    export PGPASSFILE="$private/pgpass"
fi

if [ -e "$secrets/broker_password" ]; then
    password=$(cat "$secrets/broker_password")
    case $password in
        '' | *[!A-Za-z0-9]*) stop "broker_password must be letters and digits only; make it with: openssl rand -hex 32" ;;
    esac
    export SECOPS_BROKER_URL="redis://:$password@redis:6379/0"
fi

if [ -e "$secrets/session_key" ]; then
    cp "$secrets/session_key" "$private/session_key"
    chmod 600 "$private/session_key"
    export SECOPS_SECRET_KEY_FILE="$private/session_key"
fi

exec "$@"
