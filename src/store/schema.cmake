# Embeds schema/NNN-*.sql into the library as arrays of characters: a string literal may not be that long in C17.
file(GLOB schema_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/schema/*.sql)
list(SORT schema_files)
set(schema_arrays "")
set(schema_rows "")
set(schema_count 0)
foreach(schema_file ${schema_files})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${schema_file})
  get_filename_component(schema_name ${schema_file} NAME)
  math(EXPR schema_count "${schema_count} + 1")
  if(NOT schema_name MATCHES "^0*${schema_count}-")
    message(FATAL_ERROR "${schema_name}: schema steps are numbered 001, 002, … without gaps")
  endif()
  file(READ ${schema_file} schema_hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," schema_hex "${schema_hex}")
  string(APPEND schema_arrays "static const char step_${schema_count}[] = {${schema_hex}0};\n")
  string(APPEND schema_rows "  {\"${schema_name}\", step_${schema_count}},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/store_schema.c @ONLY CONTENT [[
/* Made from src/store/schema/ by schema.cmake. */
#include "store/schema.h"

@schema_arrays@
const bf__schema_step bf__schema_steps[] = {
@schema_rows@};
const size_t bf__schema_step_count = @schema_count@;
]])
list(APPEND BESTFIT_SOURCES ${CMAKE_CURRENT_BINARY_DIR}/store_schema.c)
