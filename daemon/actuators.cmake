# The actuators: programs that bring the daemon's marks into the kernel or to a command. The libraries
# of the first two are under the GPL, so each is built where its library is found, and nothing else
# links with it.
pkg_check_modules(MNL QUIET IMPORTED_TARGET libmnl)
pkg_check_modules(CONNTRACK QUIET IMPORTED_TARGET libnetfilter_conntrack)
pkg_check_modules(NFTABLES QUIET IMPORTED_TARGET libnftables libnftnl)

set(actuators)

# flowmark_actuator(PROGRAM LIBRARY ...): the folder PROGRAM, a library for the tests and a main.cc.
function(flowmark_actuator program)
  file(GLOB sources CONFIGURE_DEPENDS ${program}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  add_library(flowmark_${program} STATIC ${sources})
  target_link_libraries(flowmark_${program} PUBLIC flowmark::actuator ${ARGN})
  add_library(flowmark::${program} ALIAS flowmark_${program})
  add_executable(${program} ${program}/main.cc)
  target_link_libraries(${program} PRIVATE flowmark::${program})
  foreach(target ${program} flowmark_${program})
    target_precompile_headers(${target} REUSE_FROM flowmark_schema_control)
  endforeach()
  set(actuators ${actuators} ${program} PARENT_SCOPE)
endfunction()

if(MNL_FOUND)
  add_library(flowmark_netlink STATIC netlink/netlink.cc)
  target_link_libraries(flowmark_netlink PUBLIC flowmark::base PkgConfig::MNL)
endif()
if(MNL_FOUND AND CONNTRACK_FOUND)
  flowmark_actuator(flowmark-conntrack flowmark_netlink PkgConfig::CONNTRACK)
else()
  message(STATUS "flowmark-conntrack is not built: libnetfilter_conntrack or libmnl is not there")
endif()
if(MNL_FOUND AND NFTABLES_FOUND)
  flowmark_actuator(flowmark-nft flowmark_netlink PkgConfig::NFTABLES)
else()
  message(STATUS "flowmark-nft is not built: libnftables, libnftnl or libmnl is not there")
endif()
flowmark_actuator(flowmark-exec)

set(FLOWMARK_ACTUATORS ${actuators} CACHE INTERNAL "The actuators that are built")
