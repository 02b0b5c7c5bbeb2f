#!/bin/sh
# layer.sh NODE GUARD OUT: lays out /opt/atlas below OUT: Node, every library that it loads, and the guard.
# Node finds its own loader and libraries there, so that the folder runs in any Linux image of the same processor, with or without a C library.
set -eu
node=$1 guard=$2 out=$3/opt/atlas
mkdir -p "$out/bin" "$out/lib"
cp "$node" "$out/bin/node"
cp "$guard" "$out/guard.mjs"
ldd "$node" | grep -o '/[^ ]*' | while read -r library; do cp -L "$library" "$out/lib/"; done
loader=$(basename "$(patchelf --print-interpreter "$node")")
patchelf --set-interpreter "/opt/atlas/lib/$loader" --set-rpath /opt/atlas/lib "$out/bin/node"
chmod 755 "$out/bin/node" "$out/lib/$loader"
chmod 644 "$out/guard.mjs"
