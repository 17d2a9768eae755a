#!/usr/bin/env bash
# Installs what is missing on this machine, and says so. Usage: install.sh run|test|bench
#
#   run    a C compiler (the build of SQLite needs one) and lighttpd
#   test   these, every other web server of the tests, MariaDB, PostgreSQL and OpenLDAP, openssl,
#          the tools that judge systemd's units, fail2ban's, and Python's cryptography for the Sync client
#          that is written in Python; Chromium with its driver and a font, and tidy, for the pages; Valgrind, to
#          count instructions
#   bench  what run needs, libfcgi, nginx, Apache, MariaDB and PostgreSQL
set -euo pipefail

have() { PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v "$1" >/dev/null; }
have_file() { [ -n "$(find /usr/lib /usr/local/lib -name "$1" -print -quit 2>/dev/null)" ]; }

packages=()
# Those of the packages that Debian would start: on port 80, or as databases.
services=()
have cc || packages+=(build-essential)
have lighttpd || packages+=(lighttpd) services+=(lighttpd)
case ${1:-run} in
test | bench)
    have nginx || packages+=(nginx) services+=(nginx)
    have apache2 || packages+=(apache2) services+=(apache2)
    have mariadbd && have mariadb-install-db || packages+=(mariadb-server) services+=(mariadb)
    have_file initdb || packages+=(postgresql) services+=(postgresql)
    ;;
esac
if [ "${1:-run}" = bench ]; then
    have_file libfcgi.so || packages+=(libfcgi-dev)
fi
if [ "${1:-run}" = test ]; then
    have_file mod_openssl.so || packages+=(lighttpd-mod-openssl)
    have_file mod_fcgid.so || packages+=(libapache2-mod-fcgid)
    have caddy || packages+=(caddy) services+=(caddy)
    have spawn-fcgi || packages+=(spawn-fcgi)
    have openssl || packages+=(openssl)
    have python3 || packages+=(python3)
    python3 -c 'import cryptography' 2>/dev/null || packages+=(python3-cryptography)
    have systemd-analyze || packages+=(systemd)
    have slapd || packages+=(slapd) services+=(slapd)
    have ldapmodify || packages+=(ldap-utils)
    have chromium || packages+=(chromium)
    have chromedriver || packages+=(chromium-driver)
    [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || packages+=(fonts-dejavu-core)
    have tidy || packages+=(tidy)
    have valgrind || packages+=(valgrind)
    have fail2ban-regex || packages+=(fail2ban) services+=(fail2ban)
fi

if [ ${#packages[@]} -gt 0 ]; then
    if ! have apt-get; then
        echo "missing: ${packages[*]} (named as in Debian); please install them" >&2
        exit 1
    fi
    sudo=()
    if [ "$(id -u)" != 0 ]; then
        if ! have sudo; then
            echo "missing: ${packages[*]}; please install them as root" >&2
            exit 1
        fi
        sudo=(sudo)
    fi
    echo "installing: ${packages[*]}"
    "${sudo[@]}" apt-get update -qq
    # Debian starts the services that it installs, unless this script says no.
    policy=/usr/sbin/policy-rc.d
    if [ ${#services[@]} -gt 0 ] && [ ! -e $policy ]; then
        trap '"${sudo[@]}" rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee $policy >/dev/null
        "${sudo[@]}" chmod 755 $policy
    fi
    # sudo passes no environment on.
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${packages[@]}"
    if [ ${#services[@]} -gt 0 ] && have systemctl; then
        echo "not to be started by systemd either: ${services[*]}"
        "${sudo[@]}" systemctl disable "${services[@]}" || true
    fi
fi

# A python3 that is not Debian's does not see Debian's packages.
if [ "${1:-run}" = test ] && ! python3 -c 'import cryptography' 2>/dev/null; then
    echo "installing: cryptography (pip)"
    python3 -m pip install --quiet cryptography 2>/dev/null ||
        python3 -m pip install --quiet --user cryptography ||
        echo "no cryptography for python3: the Python client will not be run" >&2
fi
