# Turns the files of ${WEB} (listed in ${FILES}) into ${OUT}.S, which holds their bytes, and ${OUT}.c,
# which lists them. Text is held a second time as gzip when that is smaller.
cmake_minimum_required(VERSION 3.25)
set(types
  "\\.html$=text/html" "\\.js$=text/javascript"
  "\\.css$=text/css" "\\.svg$=image/svg+xml" "\\.json$=application/json"
  "\\.png$=image/png" "\\.ico$=image/x-icon" "\\.woff2$=font/woff2" "\\.txt$=text/plain")
set(asm ".section .note.GNU-stack,\"\",%progbits\n.section .rodata\n")
set(externs "")
set(rows "")
set(i 0)

foreach(file ${FILES})
  set(type "application/octet-stream")
  foreach(t ${types})
    string(REGEX REPLACE "=.*" "" pattern "${t}")
    if(file MATCHES "${pattern}")
      string(REGEX REPLACE "^[^=]*=" "" type "${t}")
    endif()
  endforeach()
  if(type MATCHES "^text/")
    string(APPEND type "; charset=utf-8")
  endif()
  file(SHA256 ${WEB}/${file} hash)
  string(SUBSTRING ${hash} 0 16 hash)
  file(SIZE ${WEB}/${file} size)
  string(APPEND asm ".balign 16\n.global qn__asset_${i}\n.hidden qn__asset_${i}\n"
    "qn__asset_${i}: .incbin \"${WEB}/${file}\"\n")
  string(APPEND externs "extern const char qn__asset_${i}[];\n")
  string(APPEND rows "    {\"${file}\", \"${type}\", \"\\\"${hash}\\\"\", qn__asset_${i}, ${size}},\n")
  math(EXPR i "${i} + 1")
endforeach()

file(WRITE ${OUT}.S "${asm}")
file(WRITE ${OUT}.c "#include \"ui/assets.h\"\n\n${externs}
const struct qn_asset qn_assets[] = {\n${rows}};\nconst size_t qn_assets_count = ${i};\n")
