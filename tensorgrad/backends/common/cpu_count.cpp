#include "tensorgrad/backends/common/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace tensorgrad {
namespace {

int from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text ? std::max(0, std::atoi(text)) : 0;
}

int from_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return 1024;
}

int whole_cpus(double quota, double period) {
  return quota > 0 && period > 0 ? std::max(1, int(std::ceil(quota / period))) : 1024;
}

// cpu.max holds "<quota or max> <period>".
int from_cpu_max(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max") return 1024;
  return whole_cpus(std::atof(quota.c_str()), period);
}

int from_cfs(const std::string& folder) {
  double quota = 0, period = 0;
  std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
  std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  return whole_cpus(quota, period);
}

// A limit may sit on any ancestor of the group, so every folder up to the root is read.
template <class Read>
int least_up_the_tree(const std::string& root, std::string path, Read read) {
  int least = read(root);
  while (path.size() > 1) {
    least = std::min(least, read(root + path));
    path.erase(path.find_last_of('/'));
  }
  return least;
}

int from_control_groups() {
  int least = 1024;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string path = line.substr(second + 1);
    if (path.empty() || path[0] != '/') continue;
    if (controllers == ",,") {
      least = std::min(least, least_up_the_tree("/sys/fs/cgroup", path, from_cpu_max));
    } else if (controllers.find(",cpu,") != std::string::npos) {
      least = std::min(least, least_up_the_tree("/sys/fs/cgroup/cpu", path, from_cfs));
    }
  }
  return least;
}

}  // namespace

int default_num_threads() {
  for (const char* name : {"TENSORGRAD_NUM_THREADS", "OMP_NUM_THREADS"}) {
    if (int count = from_environment(name)) return count;
  }
  return std::max(1, std::min(from_affinity(), from_control_groups()));
}

}  // namespace tensorgrad
