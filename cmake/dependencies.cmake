# Libraries: Debian's through pkg-config, DuckDB and ONNX Runtime from .deps (scripts/bootstrap).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
foreach(pair "SQLITE:sqlite3" "JANSSON:jansson" "YAML:yaml-0.1" "ZIP:libzip" "ZSTD:libzstd" "ZLIB:zlib" "XXHASH:libxxhash"
             "CRYPTO:libcrypto" "UTF8PROC:libutf8proc" "VIPS:vips" "SECCOMP:libseccomp" "CURL:libcurl")
  string(REPLACE ":" ";" pair "${pair}")
  list(GET pair 0 name)
  list(GET pair 1 module)
  pkg_check_modules(${name} IMPORTED_TARGET ${module})
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "${module} is missing: run scripts/bootstrap (or `make`), which installs it")
  endif()
endforeach()

find_library(DUCKDB_LIBRARY duckdb HINTS ${BESTFIT_DEPS}/lib)
find_path(DUCKDB_INCLUDE_DIR duckdb.h HINTS ${BESTFIT_DEPS}/include)
if(NOT DUCKDB_LIBRARY OR NOT DUCKDB_INCLUDE_DIR)
  message(FATAL_ERROR "libduckdb is missing: run scripts/bootstrap (or `make`), which puts it into .deps")
endif()
add_library(duckdb SHARED IMPORTED)
set_target_properties(duckdb PROPERTIES IMPORTED_LOCATION ${DUCKDB_LIBRARY} IMPORTED_NO_SONAME OFF
  INTERFACE_INCLUDE_DIRECTORIES ${DUCKDB_INCLUDE_DIR})

# Loaded at run time. One of the system wins; make install then has none to install.
find_library(ONNXRUNTIME_LIBRARY NAMES libonnxruntime.so.1)
if(NOT ONNXRUNTIME_LIBRARY)
  find_library(ONNXRUNTIME_OWN NAMES libonnxruntime.so.1 PATHS ${BESTFIT_DEPS}/lib NO_DEFAULT_PATH)
  if(NOT ONNXRUNTIME_OWN)
    message(WARNING "libonnxruntime.so.1 is missing: models cannot be run before scripts/bootstrap has put it into .deps")
  endif()
endif()
