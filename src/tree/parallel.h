// SPDX-License-Identifier: Apache-2.0
//
// tree/parallel: independent work handed to an executor that the application provides; without one it runs in place.
#ifndef WHIMBREL_TREE_PARALLEL_H
#define WHIMBREL_TREE_PARALLEL_H

#include "tree/label.h"

// Runs task(task_arg, 0) … task(task_arg, n - 1) in any order, on any threads, and returns when all have ended.
struct executor {
    void (*run)(void *arg, void (*task)(void *task_arg, size_t i), void *task_arg, size_t n);
    void *arg;
};

// Calls job(a, arg, i) for each i in 0..n, and returns the error of the first i that has one. Each thread has its own struct
// crypto. job must touch nothing but what belongs to its i. x may be NULL. Small n runs in place. ERR_MISUSE if the executor
// returns without having called every task.
enum err parallel_run(const struct algo *a, const struct executor *x, size_t n,
                      enum err (*job)(const struct algo *a, void *arg, size_t i), void *arg);

#endif
