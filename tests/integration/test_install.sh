# `make install`: the program runs from another folder, and a program is built against the library with pkg-config.
. "$(dirname "$0")/cli_helpers.sh"
: "${BESTFIT_SOURCE_DIR:?BESTFIT_SOURCE_DIR is not set}"
build=$(dirname "$BESTFIT")
prefix=$work/prefix
runs 0 "install" cmake --install "$build" --prefix "$prefix"
printf 'a,b\n1,2\n3,5\n4,4\n' >data.csv
runs 0 "the installed program reads a table" "$prefix/bin/bestfit" sketch data.csv -o data.sketch
holds "it uses its own libraries" sh -c "ldd '$prefix/bin/bestfit' | grep -q '$prefix'"
holds "it uses its own DuckDB" test -f "$(find "$prefix" -name libduckdb.so | head -1)"
library=$(dirname "$(find "$prefix" -name libbestfit.so | head -1)")
holds "pkg-config finds it" env PKG_CONFIG_PATH="$library/pkgconfig" pkg-config --exists bestfit
flags=$(PKG_CONFIG_PATH="$library/pkgconfig" pkg-config --define-prefix --cflags --libs bestfit)
if nm -D "$library/libbestfit.so" | grep -q __asan; then flags="$flags -fsanitize=address,undefined"; fi
# shellcheck disable=SC2086
runs 0 "a program against the installed library" cc "$BESTFIT_SOURCE_DIR/examples/c/rank_models.c" $flags "-Wl,-rpath,$library" -o rank_models
runs 3 "it runs" ./rank_models "$work/none" data.csv
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(user C)
find_package(bestfit REQUIRED)
add_executable(user rank_models.c)
target_link_libraries(user PRIVATE bestfit::bestfit)
END
cp "$BESTFIT_SOURCE_DIR/examples/c/rank_models.c" .
runs 0 "find_package finds it" cmake -S . -B user-build -DCMAKE_PREFIX_PATH="$prefix"
finish
