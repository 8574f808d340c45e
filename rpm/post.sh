# As %systemd_post does: the presets of the distribution say whether it is enabled.
if command -v systemd-tmpfiles >/dev/null; then
  systemd-tmpfiles --create yarder.conf || :
fi
if [ "$1" -eq 1 ] && command -v systemctl >/dev/null; then
  systemctl --no-reload preset yarder.service || :
fi
