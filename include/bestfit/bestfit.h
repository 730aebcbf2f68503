/* bestfit/bestfit.h: everything; one header a room. */
#ifndef BESTFIT_BESTFIT_H
#define BESTFIT_BESTFIT_H

#include <bestfit/base.h>
#include <bestfit/benchmark.h>
#include <bestfit/card.h>
#include <bestfit/dataset.h>
#include <bestfit/estimate.h>
#include <bestfit/evaluation.h>
#include <bestfit/fetch.h>
#include <bestfit/index.h>
#include <bestfit/label.h>
#include <bestfit/measure.h>
#include <bestfit/metrics.h>
#include <bestfit/model.h>
#include <bestfit/predictions.h>
#include <bestfit/registration.h>
#include <bestfit/report.h>
#include <bestfit/search.h>
#include <bestfit/sketch.h>
#include <bestfit/store.h>

#endif
