# Fails when a committed page is not what a program prints: cmake -DPROGRAM=... -DPAGE=... -P compare.cmake
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed RESULT_VARIABLE code)
file(READ ${PAGE} page)
if(NOT code EQUAL 0 OR NOT printed STREQUAL page)
    message(FATAL_ERROR "${PAGE} is out of date: ${PROGRAM} > ${PAGE}")
endif()
