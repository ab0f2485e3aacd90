#!/usr/bin/env bash
# Builds target/deb/waterwheel_VERSION_ARCH.deb from a release binary.
# Usage: packaging/linux/build-deb.sh [path to the binary]
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-target}
binary=${1:-$target/release/waterwheel}
if [ ! -x "$binary" ]; then
  cargo build --release --bin waterwheel
fi
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
arch=$(dpkg --print-architecture)
root=$target/deb/root
rm -rf "$root"

install -Dm755 "$binary" "$root/usr/bin/waterwheel"
install -Dm644 packaging/linux/waterwheel.desktop "$root/usr/share/applications/waterwheel.desktop"
install -Dm644 assets/icon/waterwheel.svg "$root/usr/share/icons/hicolor/scalable/apps/waterwheel.svg"
install -Dm644 README.md "$root/usr/share/doc/waterwheel/README.md"
cat LICENSE-MIT LICENSE-APACHE > "$root/usr/share/doc/waterwheel/copyright"
gzip -9nc CHANGELOG.md > "$root/usr/share/doc/waterwheel/changelog.gz"

mkdir -p "$root/DEBIAN"
cat > "$root/DEBIAN/control" <<CONTROL
Package: waterwheel
Version: $version
Architecture: $arch
Maintainer: The Waterwheel developers <waterwheel@localhost.localdomain>
Section: devel
Priority: optional
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: libc6, libgcc-s1, libx11-6, libx11-xcb1, libxcursor1, libxi6, libxrandr2, libxkbcommon-x11-0, libgl1
Recommends: libwayland-client0, libwayland-egl1, libdbus-1-3, xdg-desktop-portal | zenity
Description: console for DynamoDB tables, their streams and the functions they trigger
 Shows a write become a stream record, a batch, an invocation, a retry and a
 log line, on real AWS or in a simulated cloud inside the application that
 needs no account, no container and no network.
CONTROL
chmod -R u=rwX,go=rX "$root"
dpkg-deb --root-owner-group --build "$root" "$target/deb/waterwheel_${version}_${arch}.deb"
