#!/bin/sh
# Builds trackerd_VERSION_ARCH.deb: a virtual environment of its own for Debian's python3, units, user, configuration.
#   sh packaging/deb.sh OUTPUT-FOLDER        (make deb)
# What must stay true here: nothing of the machine that builds is in the package.
# Needs uv, dpkg-deb, and the python3 of the Debian it is built for, as /usr/bin/python3; with gcc and python3-dev the
# part that is done with every fix is compiled (setup.py).
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-"$here/dist"}
python=${DEB_PYTHON:-/usr/bin/python3}
uv=${UV:-"$here/.venv/bin/uv"}
minor=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
next=$("$python" -c 'import sys; print("%d.%d" % (sys.version_info[0], sys.version_info[1] + 1))')
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT INT TERM
umask 022
mkdir -p "$out"

"$uv" build --quiet --wheel --python "$python" --out-dir "$stage/wheel" "$here"
wheel=$(echo "$stage"/wheel/*.whl)
version=$(basename "$wheel" | cut -d- -f2)
root="$stage/root"
home="$root/usr/lib/trackerd"
mkdir -p "$home"
"$python" -m venv --without-pip --symlinks "$home"
ln -sf "$python" "$home/bin/python3"
"$uv" pip install --quiet --python "$home/bin/python3" --constraint "$here/constraints.txt" --link-mode copy \
    "trackerd[postgres] @ file://$wheel"
find "$home/bin" ! -name 'python*' -type f -delete
rm -rf "$home/.lock" "$home/include"
rm -f "$home"/lib/python*/site-packages/*.dist-info/direct_url.json
printf 'home = /usr/bin\ninclude-system-site-packages = false\nversion = %s\n' "$minor" > "$home/pyvenv.cfg"
"$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$root" "$home/lib" >/dev/null || true
mkdir -p "$root/usr/bin"
cat > "$root/usr/bin/trackerd" <<'RUN'
#!/usr/lib/trackerd/bin/python3 -I
from trackerd.cli import main

main()
RUN
chmod 755 "$root/usr/bin/trackerd"

install -Dm644 -t "$root/usr/lib/systemd/system" "$here"/systemd/*.service "$here"/systemd/*.timer
install -Dm644 "$here/systemd/trackerd.sysusers" "$root/usr/lib/sysusers.d/trackerd.conf"
install -Dm644 "$here/systemd/trackerd.tmpfiles" "$root/usr/lib/tmpfiles.d/trackerd.conf"
install -Dm644 -t "$root/usr/lib/udev/rules.d" "$here/systemd/60-trackerd.rules"
doc="$root/usr/share/doc/trackerd"
mkdir -p "$doc"
cp -r "$here/docs" "$here/config" "$here/README.md" "$here/CHANGELOG.md" "$doc/"
cp "$here/LICENSE" "$doc/copyright"

mkdir -p "$root/etc"
said=$("$home/bin/python3" -I -m trackerd init --yes --folder "$root/etc/trackerd" 2>&1) || { echo "$said" >&2; exit 1; }
sed -i "s|$root||; s|^url = \"sqlite:.*|url = \"sqlite:////var/lib/trackerd/trackerd.db\"|" "$root/etc/trackerd/trackerd.toml"

mkdir "$root/DEBIAN"
for script in postinst prerm postrm; do install -m755 "$here/packaging/$script" "$root/DEBIAN/$script"; done
(cd "$root" && find etc -type f | sed 's|^|/|' | sort) > "$root/DEBIAN/conffiles"
cat > "$root/DEBIAN/control" <<CONTROL
Package: trackerd
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: the trackerd authors <trackerd@localhost>
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: python3 (>= $minor), python3 (<< $next), systemd
Recommends: mosquitto, ca-certificates
Section: net
Priority: optional
Description: where a town's wardens are, and which problem zones were visited or skipped
 Reads positions from phones and GPS receivers, judges them against the town's zones and plan, keeps the record on your
 own machine, and tells MQTT, webhooks and mail when a warden comes to a zone, leaves, or skips it.
CONTROL
file="$out/trackerd_${version}_$(dpkg --print-architecture).deb"
dpkg-deb --root-owner-group -Zxz -z1 --build "$root" "$file" >/dev/null
echo "$file"
