#pragma once

namespace tensorgrad {

// How many threads this process should use: TENSORGRAD_NUM_THREADS, else OMP_NUM_THREADS, else the least of
// the affinity mask and the cpu quotas of its control groups (versions 1 and 2). At least 1.
int default_num_threads();

}  // namespace tensorgrad
