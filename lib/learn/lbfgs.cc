#include "learn/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace flowmark {
namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double largest(std::span<const double> x) {
  double most = 0;
  for (const double v : x) {
    most = std::max(most, std::fabs(v));
  }
  return most;
}

struct Pair {
  std::vector<double> step;      ///< x' - x
  std::vector<double> gradient;  ///< g' - g
  double rho = 0;
};

/// -H g by the two-loop recursion.
std::vector<double> direction(std::span<const double> gradient, const std::deque<Pair>& pairs) {
  std::vector<double> d(gradient.begin(), gradient.end());
  std::vector<double> alpha(pairs.size());
  for (size_t i = pairs.size(); i-- > 0;) {
    alpha[i] = pairs[i].rho * dot(pairs[i].step, d);
    for (size_t j = 0; j < d.size(); ++j) {
      d[j] -= alpha[i] * pairs[i].gradient[j];
    }
  }
  if (!pairs.empty()) {
    const Pair& last = pairs.back();
    const double scale = 1.0 / (last.rho * dot(last.gradient, last.gradient));
    for (double& v : d) {
      v *= scale;
    }
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    const double beta = pairs[i].rho * dot(pairs[i].gradient, d);
    for (size_t j = 0; j < d.size(); ++j) {
      d[j] += (alpha[i] - beta) * pairs[i].step[j];
    }
  }
  for (double& v : d) {
    v = -v;
  }
  return d;
}

/// A point of the search, with everything known there.
struct Point {
  std::vector<double> x;
  std::vector<double> gradient;
  double value = 0;
};

/// Moves `at` along `d` until both Wolfe conditions hold. False: no decrease can be found.
bool line_search(const Objective& objective, std::span<const double> d, double first_step,
                 Point& at) {
  constexpr double kDecrease = 1e-4;
  constexpr double kCurvature = 0.9;
  constexpr int kMostTries = 60;
  const double slope = dot(d, at.gradient);
  double low = 0;
  double high = std::numeric_limits<double>::infinity();
  double step = first_step;
  Point next{at.x, at.gradient, 0};
  for (int i = 0; i < kMostTries; ++i) {
    for (size_t j = 0; j < d.size(); ++j) {
      next.x[j] = at.x[j] + step * d[j];
    }
    next.value = objective(next.x, next.gradient);
    if (!(next.value <= at.value + kDecrease * step * slope)) {
      high = step;
    } else if (dot(d, next.gradient) < kCurvature * slope) {
      low = step;
    } else {
      std::swap(at, next);
      return true;
    }
    step = std::isinf(high) ? 2 * step : 0.5 * (low + high);
  }
  // Rounding hides the curvature near the optimum: take what went down.
  if (std::isfinite(next.value) && next.value < at.value) {
    std::swap(at, next);
    return true;
  }
  return false;
}

}  // namespace

LbfgsResult minimise_lbfgs(const Objective& objective, std::vector<double>& x,
                           const LbfgsOptions& options) {
  Point at{x, std::vector<double>(x.size()), 0};
  at.value = objective(at.x, at.gradient);
  if (!std::isfinite(at.value)) {
    fail("training: the loss is {} at the start: a value of the data is not finite", at.value);
  }
  const double scale = options.gradient_scale > 0 ? options.gradient_scale : largest(at.gradient);
  const double enough = options.gradient_tolerance * std::max(1e-12, scale);
  std::deque<Pair> pairs;
  LbfgsResult result;
  while (result.iterations < options.max_iterations) {
    if (largest(at.gradient) <= enough) {
      result.converged = true;
      break;
    }
    const std::vector<double> d = direction(at.gradient, pairs);
    const Point before = at;
    const double first_step =
        pairs.empty() ? std::min(1.0, 1.0 / std::sqrt(dot(at.gradient, at.gradient))) : 1.0;
    if (!line_search(objective, d, first_step, at)) {
      result.converged = pairs.empty();  // not even steepest descent helps: as far as floats go
      if (pairs.empty()) {
        break;
      }
      pairs.clear();
      continue;
    }
    ++result.iterations;
    Pair pair{at.x, at.gradient, 0};
    for (size_t j = 0; j < x.size(); ++j) {
      pair.step[j] -= before.x[j];
      pair.gradient[j] -= before.gradient[j];
    }
    const double curvature = dot(pair.step, pair.gradient);
    if (curvature > 0) {
      pair.rho = 1 / curvature;
      pairs.push_back(std::move(pair));
      if (pairs.size() > options.memory) {
        pairs.pop_front();
      }
    }
    if (options.on_iteration && !options.on_iteration(result.iterations, at.x, at.value)) {
      break;
    }
    if (before.value - at.value <= options.value_tolerance * std::fabs(before.value)) {
      result.converged = true;
      break;
    }
  }
  result.value = at.value;
  result.gradient_max = largest(at.gradient);
  x = std::move(at.x);
  return result;
}

}  // namespace flowmark
