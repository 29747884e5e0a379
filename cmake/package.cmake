# `cpack`: a Debian package of what `cmake --install` puts in place. Its dependencies are read off the binaries.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME pvmscope)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "the pvmscope authors <pvmscope@invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "run PVM programs and see exactly what they cost")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The library in this very package needs no other one.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_STRIP_FILES ON)
include(CPack)
