# As %systemd_preun does: at the last removal, not at an upgrade.
if [ "$1" -eq 0 ] && command -v systemctl >/dev/null; then
  systemctl --no-reload disable --now yarder.service || :
fi
