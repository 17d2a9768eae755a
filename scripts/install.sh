#!/usr/bin/env bash
# Installs what is missing on this machine, and says so. Usage: install.sh run|test
#
#   run    a C compiler (the build of SQLite needs one) and lighttpd
#   test   these, Python's cryptography for the Sync client that is written in Python, and the
#          tools that judge systemd's units
set -euo pipefail

have() { PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v "$1" >/dev/null; }

packages=()
have cc || packages+=(build-essential)
have lighttpd || packages+=(lighttpd)
if [ "${1:-run}" = test ]; then
    have python3 || packages+=(python3)
    python3 -c 'import cryptography' 2>/dev/null || packages+=(python3-cryptography)
    have systemd-analyze || packages+=(systemd)
fi

if [ ${#packages[@]} -gt 0 ]; then
    if ! have apt-get; then
        echo "missing: ${packages[*]} (named as in Debian); please install them" >&2
        exit 1
    fi
    sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo)
    echo "installing: ${packages[*]}"
    "${sudo[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq "${packages[@]}"
    # Debian starts a lighttpd of its own, on port 80, which nobody asked for.
    case " ${packages[*]} " in
    *" lighttpd "*)
        if [ -d /run/systemd/system ]; then
            echo "stopping the lighttpd service that Debian has started on port 80"
            "${sudo[@]}" systemctl disable --now lighttpd || true
        fi
        ;;
    esac
fi

# A python3 that is not Debian's does not see Debian's packages.
if [ "${1:-run}" = test ] && ! python3 -c 'import cryptography' 2>/dev/null; then
    echo "installing: cryptography (pip)"
    python3 -m pip install --quiet cryptography 2>/dev/null ||
        python3 -m pip install --quiet --user cryptography ||
        echo "no cryptography for python3: the Python client will not be run" >&2
fi
