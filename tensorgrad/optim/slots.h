// The kernel slots of the optimizers; each call is a stretch of one parameter.
#pragma once
#include "tensorgrad/backends/optimizer_args.h"
#include "tensorgrad/dispatch/slot.h"

TG_SLOT(sgd_step, void(const SgdArgs&))
TG_SLOT(adam_step, void(const AdamArgs&))
TG_SLOT(rmsprop_step, void(const AdaptiveArgs&))
TG_SLOT(adagrad_step, void(const AdaptiveArgs&))
TG_SLOT(adadelta_step, void(const AdaptiveArgs&))
TG_SLOT(adamax_step, void(const AdaptiveArgs&))
TG_SLOT(nadam_step, void(const AdaptiveArgs&))
TG_SLOT(radam_step, void(const AdaptiveArgs&))
