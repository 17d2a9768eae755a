#!/usr/bin/env bash
# Runs weaved behind an unprivileged lighttpd, for this user; Ctrl-C or TERM stops both.
#
#   run.sh PROGRAM
#
# Everything lies in ./run: run/conf (copied from conf/ at the first start, yours to edit) and
# run/data (the database). Set in the environment if the defaults are taken:
#
#   WEAVED_RUN        run          where everything lies
#   WEAVED_PORT       5000         weaved's port; counts at the first start, then edit run/conf
#   WEAVED_WEB_PORT   8080         the port for browsers
#   WEAVED_MOUNT      /yourpath    where Sync begins; / for the whole server
set -euo pipefail

program=$1
here=$(cd "$(dirname "$0")/.." && pwd)
run=${WEAVED_RUN:-$here/run}
web_port=${WEAVED_WEB_PORT:-8080}
mount=${WEAVED_MOUNT:-/yourpath}
export PATH="$PATH:/usr/sbin:/usr/local/sbin"

umask 027
mkdir -p "$run/conf" "$run/data" "$run/tmp"
run=$(cd "$run" && pwd)
for file in development.ini sync.conf; do
    [ -e "$run/conf/$file" ] || cp "$here/conf/$file" "$run/conf/$file"
done
if [ -n "${WEAVED_PORT:-}" ]; then
    sed -i "s/^port *=.*/port = $WEAVED_PORT/" "$run/conf/development.ini"
fi
port=$(sed -n 's/^port *= *\([0-9]*\).*/\1/p' "$run/conf/development.ini" | head -n 1)

children=()
stop() {
    trap - INT TERM
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
    done
    wait
    exit "$1"
}
trap 'stop 0' INT TERM

# A port that somebody else has would answer in our place.
if (exec 3<>"/dev/tcp/127.0.0.1/$web_port") 2>/dev/null; then
    echo "port $web_port is taken; set WEAVED_WEB_PORT to another one" >&2
    exit 1
fi

# Process groups of their own: Ctrl-C is for this script, which then ends both, once.
set -m
"$program" serve "$run/conf/development.ini" &
children+=($!)
WEAVED_PORT=$port WEAVED_WEB_PORT=$web_port WEAVED_MOUNT=$mount WEAVED_RUN=$run/tmp \
    lighttpd -D -f "$here/lighttpd/weaved.conf" &
children+=($!)

# The heartbeat, asked for through lighttpd, as a browser would.
answers() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$web_port" || return 1
    printf 'GET %s/__heartbeat__ HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "${mount%/}" >&3
    read -r -t 5 line <&3 || return 1
    exec 3>&-
    [[ $line == *" 200 "* ]]
}
tries=0
until (answers) 2>/dev/null; do
    for child in "${children[@]}"; do
        if ! kill -0 "$child" 2>/dev/null; then
            echo "could not start; see above" >&2
            stop 1
        fi
    done
    tries=$((tries + 1))
    if [ $tries -gt 300 ]; then
        echo "no answer through lighttpd on port $web_port" >&2
        stop 1
    fi
    sleep 0.1
done

# What is said about others depends on what the file says now.
case $(sed -n 's/^allow_new_users *= *\([a-z]*\).*/\1/p' "$run/conf/sync.conf" | tail -n 1) in
first)
    registration="Registration is closed after the first account; for more people:
    $program invite $run/conf/development.ini"
    ;;
'' | true) registration="Registration is open to everybody (allow_new_users in $run/conf/sync.conf)" ;;
*)
    registration="Registration is closed; for more people:
    $program invite $run/conf/development.ini"
    ;;
esac

cat <<END

Sync is ready. Server URL for the browser: http://127.0.0.1:$web_port${mount%/}/
Data: $run/data   Configuration: $run/conf   Stop: Ctrl-C
$registration

END

# Whichever ends first takes the other one with it.
wait -n || true
echo "one of the two has ended; see above" >&2
stop 1
