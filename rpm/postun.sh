# As %systemd_postun_with_restart does.
if command -v systemctl >/dev/null; then
  systemctl daemon-reload || :
  if [ "$1" -ge 1 ]; then
    systemctl try-restart yarder.service || :
  fi
fi
