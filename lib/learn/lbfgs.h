#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace flowmark {

/// f(x), and its gradient into `gradient`.
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;

struct LbfgsOptions {
  uint32_t memory = 12;  ///< pairs kept
  uint32_t max_iterations = 2000;
  double gradient_tolerance = 1e-7;  ///< largest component, relative to gradient_scale
  double gradient_scale = 0;         ///< 0: the largest component at the start
  double value_tolerance =
      1e-15;  ///< relative decrease of f in an iteration below which it is done
  /// Called after every iteration; false stops.
  std::function<bool(uint32_t iteration, std::span<const double> x, double value)> on_iteration;
};

struct LbfgsResult {
  double value = 0;
  double gradient_max = 0;  ///< largest component at the end
  uint32_t iterations = 0;
  bool converged = false;  ///< by either tolerance
};

/// Minimises a smooth function by limited-memory BFGS (Nocedal & Wright 2006, algorithm 7.5) with a
/// line search for the weak Wolfe conditions by bisection (Lewis & Overton 2013). `x` is start and
/// result. Throws Error when f is not finite.
LbfgsResult minimise_lbfgs(const Objective& objective, std::vector<double>& x,
                           const LbfgsOptions& options);

}  // namespace flowmark
