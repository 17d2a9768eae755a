#!/bin/sh
# What Apache's mod_fcgid starts: copy it to /usr/local/lib/weaved/, mode 0755.
#
# Change: the paths of the program and of its configuration.
exec /usr/local/sbin/weaved serve /etc/weaved/development.ini
