/* The files of viewer/html, embedded at build time (CMakeLists.txt lists them, embed.cmake makes them C strings). */
#ifndef PVM_VIEWER_HTML_ASSETS_H
#define PVM_VIEWER_HTML_ASSETS_H

extern const char pvm_asset_head[];
extern const char pvm_asset_style[];
extern const char pvm_asset_body[];
/** The scripts, in the order in which they need each other: parts of one program. */
#define PVM_HTML_SCRIPT(name) extern const char pvm_asset_##name[];
#include "viewer/html/scripts.def"
static const char *const pvm_asset_scripts[] = {
#define PVM_HTML_SCRIPT(name) pvm_asset_##name,
#include "viewer/html/scripts.def"
};

#endif
