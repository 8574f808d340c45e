# The account stands before its files are unpacked. systemd-sysusers cannot do it yet: its file is among them.
getent group yarder >/dev/null || groupadd -r yarder
getent passwd yarder >/dev/null ||
  useradd -r -g yarder -d /var/lib/yarder -s /usr/sbin/nologin -c "yarder host agent" yarder
exit 0
