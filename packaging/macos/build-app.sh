#!/usr/bin/env bash
# Builds target/macos/Waterwheel.app on a Mac with Rust, Xcode's command line tools and rsvg-convert.
# Written without a Mac at hand: the steps are Apple's documented ones, the result was not yet started.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${CARGO_TARGET_DIR:-target}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
app=$target/macos/Waterwheel.app
cargo build --profile dist --bin waterwheel

rm -rf "$app"
mkdir -p "$app/Contents/MacOS" "$app/Contents/Resources"
cp "$target/dist/waterwheel" "$app/Contents/MacOS/waterwheel"
sed "s/@VERSION@/$version/g" packaging/macos/Info.plist > "$app/Contents/Info.plist"

iconset=$target/macos/waterwheel.iconset
rm -rf "$iconset"
mkdir -p "$iconset"
for size in 16 32 128 256 512; do
  rsvg-convert -w "$size" assets/icon/waterwheel.svg -o "$iconset/icon_${size}x${size}.png"
  rsvg-convert -w "$((size * 2))" assets/icon/waterwheel.svg -o "$iconset/icon_${size}x${size}@2x.png"
done
iconutil -c icns "$iconset" -o "$app/Contents/Resources/waterwheel.icns"

# A signature of your own: CODESIGN_IDENTITY="Developer ID Application: …"; without one the app is signed ad hoc.
codesign --force --options runtime --sign "${CODESIGN_IDENTITY:--}" "$app"
echo "$app"
