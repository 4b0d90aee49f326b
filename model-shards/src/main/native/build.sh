#!/bin/sh
# Compiles the native kernels into the classes, where there is a C compiler:  build.sh SOURCE CLASSES
# Without one, or on a machine that they are not written for, Sluice uses its kernels in Java.
set -eu
source=$1 classes=$2
case $(uname -s) in
  Linux) system=linux library=libsluice-kernels.so ;;
  Darwin) system=mac library=libsluice-kernels.dylib ;;
  *) echo "native kernels: not for $(uname -s); Java's are used"; exit 0 ;;
esac
case $(uname -m) in
  x86_64 | amd64) machine=amd64 ;;
  *) echo "native kernels: not for $(uname -m); Java's are used"; exit 0 ;;
esac
compiler=
for candidate in "${CC:-cc}" gcc clang; do
  if command -v "$candidate" >/dev/null 2>&1; then compiler=$candidate; break; fi
done
if [ -z "$compiler" ]; then
  echo "native kernels: no C compiler (cc, gcc, clang) found; Java's are used"
  exit 0
fi
target=$classes/dev/sluice/model/kernel/native/$system-$machine
if [ -e "$target/$library" ] && [ "$target/$library" -nt "$source" ]; then exit 0; fi
mkdir -p "$target"
# No contraction: which products and sums are fused is part of the result.
"$compiler" -std=gnu11 -O3 -Wall -Wextra -Werror -ffp-contract=off -fvisibility=hidden -fPIC -shared \
  -o "$target/$library.new" "$source"
mv "$target/$library.new" "$target/$library"
