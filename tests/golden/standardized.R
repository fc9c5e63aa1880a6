# Directly standardised rates: MOVER over Wilson limits, and the score interval of a weighted sum of
# proportions. Run from this folder: Rscript standardized.R
library(jsonlite)

# Likeliest rates that add up to `total`: x/p - (n - x)/(1 - p) = multiplier * w in every stratum.
constrained <- function(x, n, w, total) {
  rate_at <- function(multiplier) {
    mapply(function(x, n, w) {
      score <- function(p) x * (1 - p) - (n - x) * p - multiplier * w * p * (1 - p)
      if (x == 0 && n + multiplier * w >= 0) return(0)
      if (x == n && n - multiplier * w >= 0) return(1)
      edge <- if (x == 0) 1e-12 else 0
      uniroot(score, c(edge, if (x == n) 1 - 1e-12 else 1), tol = 1e-15)$root
    }, x, n, w)
  }
  multiplier <- uniroot(function(m) sum(w * rate_at(m)) - total, c(-1e9, 1e9), tol = 1e-12, maxiter = 10000)$root
  rate_at(multiplier)
}

score_interval <- function(x, n, w, level) {
  estimate <- sum(w * x / n)
  z <- qnorm(1 - (1 - level) / 2)
  excess <- function(total) {
    p <- constrained(x, n, w, total)
    (estimate - total)^2 - z^2 * sum(w^2 * p * (1 - p) / n)
  }
  small <- 1e-6
  low <- if (estimate == 0) 0 else uniroot(excess, c(small, estimate - small), tol = 1e-13)$root
  high <- if (estimate == 1) 1 else uniroot(excess, c(estimate + small, 1 - small), tol = 1e-13)$root
  c(low, high)
}

mover <- function(x, n, w, level) {
  limits <- sapply(seq_along(x), function(i) {
    suppressWarnings(prop.test(x[i], n[i], conf.level = level, correct = FALSE))$conf.int
  })
  p <- x / n
  estimate <- sum(w * p)
  c(estimate - sqrt(sum(w^2 * (p - limits[1, ])^2)), estimate + sqrt(sum(w^2 * (limits[2, ] - p)^2)))
}

settings <- list(
  list(x = c(3, 2, 2, 0), n = c(250, 100, 40, 10), w = c(0.25, 0.25, 0.25, 0.25), level = 0.95),
  list(x = c(3, 2, 2, 0), n = c(250, 100, 40, 10), w = c(0.4, 0.3, 0.2, 0.1), level = 0.95),
  list(x = c(12, 30, 8), n = c(80, 60, 9), w = c(0.5, 0.3, 0.2), level = 0.9),
  list(x = c(1, 0, 1, 0, 2), n = c(25, 25, 20, 30, 25), w = rep(0.2, 5), level = 0.99),
  list(x = c(17), n = c(60), w = c(1), level = 0.95)
)
cases <- lapply(settings, function(s) {
  c(s, list(
    estimate = sum(s$w * s$x / s$n), mover = mover(s$x, s$n, s$w, s$level),
    score = score_interval(s$x, s$n, s$w, s$level)
  ))
})
write(toJSON(
  list(
    R = R.version.string, functions = "stats::prop.test(correct = FALSE), uniroot",
    cases = cases
  ),
  auto_unbox = TRUE, digits = NA, pretty = TRUE
), "standardized.json")
