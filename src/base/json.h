/* The JSON library, chosen in one place: plots of the report and the manifest of a bundle are written with it. */
#ifndef BESTFIT_SRC_BASE_JSON_H
#define BESTFIT_SRC_BASE_JSON_H

#include <jansson.h>

#endif
