# Writes ${OUT} (struct qn_build) when what it would say has changed. Needs SOURCE, VERSION, TARGET, PROFILE.
cmake_minimum_required(VERSION 3.25)
set(commit "0000000000000000000000000000000000000000")
set(date "1970-01-01T00:00:00Z")
set(tags "")
find_program(GIT git)
if(GIT AND EXISTS ${SOURCE}/.git)
  function(git_says out)
    execute_process(COMMAND ${GIT} -c safe.directory=* -C ${SOURCE} ${ARGN} OUTPUT_VARIABLE text
      RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT failed AND text)
      string(REPLACE "\n" "," text "${text}")
      set(${out} ${text} PARENT_SCOPE)
    endif()
  endfunction()
  git_says(commit rev-parse HEAD)
  set(ENV{TZ} UTC)
  git_says(date log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)
  git_says(tags tag --points-at HEAD)
endif()
string(SUBSTRING ${commit} 0 8 short)
string(TOLOWER "${PROFILE}" PROFILE)
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT
"#include \"api/build.h\"
extern const struct qn_build qn_build;
const struct qn_build qn_build = {
    .version = \"@VERSION@\",
    .commit = \"@commit@\",
    .commit_short = \"@short@\",
    .commit_tags = \"@tags@\",
    .date = \"@date@\",
    .target = \"@TARGET@\",
    .profile = \"@PROFILE@\",
};
")
