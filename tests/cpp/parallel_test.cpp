// The thread pool: every index once, chunks that do not depend on the thread count, nesting, several callers,
// exceptions, fork.
#include "tensorgrad/backends/common/parallel.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace tensorgrad;

#define EXPECT(condition)                                                 \
  do {                                                                    \
    if (!(condition)) {                                                   \
      std::printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                       \
    }                                                                     \
  } while (0)

static std::set<std::pair<int64_t, int64_t>> chunks_of(int64_t n, int64_t grain) {
  std::mutex mutex;
  std::set<std::pair<int64_t, int64_t>> chunks;
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    std::lock_guard lock(mutex);
    EXPECT(chunks.emplace(begin, end).second);
  });
  return chunks;
}

static void every_index_once() {
  for (int64_t n : {0, 1, 7, 64, 1000, 100003}) {
    for (int64_t grain : {1, 3, 100, 4096}) {
      std::vector<std::atomic<int>> hits(n);
      parallel_for(n, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) hits[i]++;
      });
      for (auto& hit : hits) EXPECT(hit == 1);
    }
  }
}

static void chunks_do_not_depend_on_threads() {
  for (int64_t n : {5, 1000, 1000003}) {
    for (int64_t grain : {1, 7, 1000}) {
      set_num_threads(1);
      auto one = chunks_of(n, grain);
      EXPECT(one.size() <= 256);
      for (int threads : {2, 3, 8}) {
        set_num_threads(threads);
        EXPECT(chunks_of(n, grain) == one);
      }
    }
  }
}

static void nested_runs_inline() {
  set_num_threads(4);
  std::atomic<int> total{0};
  parallel_for(64, 1, [&](int64_t, int64_t) {
    EXPECT(in_parallel_region());
    auto self = std::this_thread::get_id();
    parallel_for(8, 1, [&](int64_t begin, int64_t end) {
      EXPECT(std::this_thread::get_id() == self);
      total += int(end - begin);
    });
  });
  EXPECT(total == 64 * 8);
  EXPECT(!in_parallel_region());
}

static void several_callers() {
  set_num_threads(3);
  std::vector<std::thread> callers;
  std::atomic<int64_t> total{0};
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 2000; ++repeat) {
        parallel_for(40, 1, [&](int64_t begin, int64_t end) { total += end - begin; });
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT(total == 4 * 2000 * 40);
}

static void exceptions_reach_the_caller() {
  set_num_threads(4);
  for (int repeat = 0; repeat < 200; ++repeat) {
    bool caught = false;
    try {
      parallel_for(100, 1, [&](int64_t begin, int64_t) {
        if (begin == repeat % 100) throw std::runtime_error("boom");
      });
    } catch (const std::runtime_error& error) {
      caught = std::string(error.what()) == "boom";
    }
    EXPECT(caught);
  }
  every_index_once();
}

static void fork_starts_fresh() {
  set_num_threads(4);
  every_index_once();
  pid_t child = fork();
  if (child == 0) {
    every_index_once();
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  every_index_once();
}

static void scratch_is_per_thread_and_slot() {
  void* a = thread_scratch(Scratch::pack_a, 1000);
  void* b = thread_scratch(Scratch::pack_b, 1000);
  EXPECT(a != b);
  EXPECT(reinterpret_cast<uintptr_t>(a) % 64 == 0);
#ifndef __SANITIZE_ADDRESS__  // there each request has memory of its own size
  EXPECT(thread_scratch(Scratch::pack_a, 500) == a);
#endif
  std::thread([&] { EXPECT(thread_scratch(Scratch::pack_a, 1000) != a); }).join();
}

int main() {
  EXPECT(get_num_threads() >= 1);
  every_index_once();
  chunks_do_not_depend_on_threads();
  nested_runs_inline();
  several_callers();
  exceptions_reach_the_caller();
  fork_starts_fresh();
  scratch_is_per_thread_and_slot();
  std::puts("parallel: ok");
  return 0;
}
