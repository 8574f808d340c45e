"""What an installed yarder is: run by pytest with testinfra on the host itself, or over ssh with --hosts."""

import json

ADDRESS = "127.0.0.1:9680"


def fetch(host, path):
    return host.check_output("curl -sS -m 10 http://%s%s", ADDRESS, path)


def test_package(host):
    package = host.package("yarder")
    assert package.is_installed
    assert package.version.split("-")[0] == host.check_output("yarder --version").split()[-1]


def test_service(host):
    service = host.service("yarder")
    assert service.is_running
    assert service.is_enabled


def test_socket(host):
    assert host.socket("tcp://%s" % ADDRESS).is_listening


def test_metrics(host):
    assert "yarder_build_info{" in fetch(host, "/metrics")


def test_health(host):
    health = json.loads(fetch(host, "/health/"))
    assert health["status"] != "red", health
    assert health["ready"] is True


def test_user(host):
    user = host.user("yarder")
    assert user.shell == "/usr/sbin/nologin"
    assert user.home == "/var/lib/yarder"


def test_files(host):
    for path, mode, owner in (
        ("/etc/yarder", 0o750, "root"),
        ("/etc/yarder/yarder.yaml", 0o640, "root"),
        ("/var/lib/yarder", 0o700, "yarder"),
        ("/run/yarder", 0o750, "yarder"),
        ("/run/yarder/yarder.sock", 0o660, "yarder"),
    ):
        found = host.file(path)
        assert (path, found.mode, found.user, found.group) == (path, mode, owner, "yarder")


def test_config(host):
    assert host.run("yarder validate").rc == 0
