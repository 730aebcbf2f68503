# make install: program, library, headers, DuckDB beside the library, plot scripts, pkg-config and CMake config.
include(CMakePackageConfigHelpers)
install(TARGETS bestfit EXPORT bestfitTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/bestfit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${DUCKDB_LIBRARY} DESTINATION ${CMAKE_INSTALL_LIBDIR}/bestfit)
file(GLOB BESTFIT_SHARE ${BESTFIT_DEPS}/share/bestfit/*.js)
install(FILES ${BESTFIT_SHARE} DESTINATION ${CMAKE_INSTALL_DATADIR}/bestfit)
if(TARGET bestfit-cli)
  install(TARGETS bestfit-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

configure_file(cmake/bestfit.pc.in bestfit.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/bestfit.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(EXPORT bestfitTargets NAMESPACE bestfit:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bestfit)
configure_package_config_file(cmake/bestfitConfig.cmake.in bestfitConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bestfit)
write_basic_package_version_file(bestfitConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/bestfitConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/bestfitConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/bestfit)
