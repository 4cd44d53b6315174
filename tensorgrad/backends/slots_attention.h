// Slots of ops/attention.cpp.
#pragma once
#include "tensorgrad/backends/common/attention_args.h"
#include "tensorgrad/dispatch/slot.h"

TG_SLOT(attention, void(const AttentionArgs&))               // writes out and logsumexp
TG_SLOT(attention_backward, void(const AttentionGradArgs&))  // reads both; writes dq, dk, dv
