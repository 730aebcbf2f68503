# make install: programs, library, headers, DuckDB and ONNX Runtime beside the library, plot scripts, manual pages, completion, pkg-config and CMake config.
include(CMakePackageConfigHelpers)
install(TARGETS bestfit EXPORT bestfitTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/bestfit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${DUCKDB_LIBRARY} DESTINATION ${CMAKE_INSTALL_LIBDIR}/bestfit)
if(ONNXRUNTIME_OWN)
  install(FILES ${ONNXRUNTIME_OWN} DESTINATION ${CMAKE_INSTALL_LIBDIR}/bestfit)
endif()
if(TARGET bestfit-worker)
  install(TARGETS bestfit-worker RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/bestfit)
endif()
file(GLOB BESTFIT_SHARE ${BESTFIT_DEPS}/share/bestfit/*.js)
install(FILES ${BESTFIT_SHARE} DESTINATION ${CMAKE_INSTALL_DATADIR}/bestfit)
file(GLOB BESTFIT_MANIFESTS bench/datasets/*.json)
install(FILES ${BESTFIT_MANIFESTS} DESTINATION ${CMAKE_INSTALL_DATADIR}/bestfit/datasets)
if(TARGET bestfit-cli)
  install(TARGETS bestfit-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # The program prints its own manual and completion, so that neither can say what it does not know.
  install(CODE "execute_process(COMMAND ${CMAKE_COMMAND} -DBESTFIT=$<TARGET_FILE:bestfit-cli> -DFOLDER=${CMAKE_BINARY_DIR}/documentation
    -P ${CMAKE_SOURCE_DIR}/cmake/print_documentation.cmake COMMAND_ERROR_IS_FATAL ANY)")
  install(DIRECTORY ${CMAKE_BINARY_DIR}/documentation/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
  install(FILES ${CMAKE_BINARY_DIR}/documentation/bestfit.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME bestfit)
  install(FILES ${CMAKE_BINARY_DIR}/documentation/_bestfit DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${CMAKE_BINARY_DIR}/documentation/bestfit.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

configure_file(cmake/bestfit.pc.in bestfit.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/bestfit.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(EXPORT bestfitTargets NAMESPACE bestfit:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bestfit)
configure_package_config_file(cmake/bestfitConfig.cmake.in bestfitConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bestfit)
write_basic_package_version_file(bestfitConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/bestfitConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/bestfitConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bestfit)
