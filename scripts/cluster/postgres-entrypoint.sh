#!/bin/sh
# Starts PostgreSQL as the Docker project's image does, as far as the chart and docs/kubernetes.md rely on it.
set -eu
bin=/usr/local/postgresql/bin
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	# Under another name until it is complete, so that a pod killed meanwhile begins anew.
	new=$PGDATA.new
	rm -rf "$new"
	# Whoever is in the pod is let in, as in that image.
	"$bin/initdb" --pgdata="$new" --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" \
		--auth=trust --encoding=UTF8 --locale=C --no-instructions
	echo 'host all all all scram-sha-256' >>"$new/pg_hba.conf"
	for file in /docker-entrypoint-initdb.d/*.sql; do
		# Its log would hold the passwords.
		"$bin/postgres" --single -D "$new" -c exit_on_error=on -c log_min_messages=panic postgres <"$file" >/dev/null
	done
	mv "$new" "$PGDATA"
fi
"$bin/postgres" -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@" &
# On a TERM, PostgreSQL itself would wait for everyone to disconnect.
trap 'kill -INT $!' TERM INT
while kill -0 $! 2>/dev/null; do wait $! || status=$?; done
exit "${status:-0}"
