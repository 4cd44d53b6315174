// The kernel slots of the optimizers; each call is a stretch of one parameter.
#pragma once
#include "tensorgrad/backends/optimizer_args.h"
#include "tensorgrad/dispatch/slot.h"

TG_SLOT(sgd_step, void(const SgdArgs&))
TG_SLOT(adam_step, void(const AdamArgs&))
