# Power of a rule on a paired difference, by every table: for stats/test_margin_power.
# The score test's constrained maximum is found by a general optimiser, not by Tango's formula; the
# exact limits by binom.test.
# Run from this folder: Rscript margin_power.R
library(jsonlite)

score <- function(a, b, n, delta) {
  loglik <- function(q) {
    part <- function(k, p) if (k == 0) 0 else k * log(max(p, 1e-300))
    part(a, q + delta) + part(b, q) + part(n - a - b, 1 - 2 * q - delta)
  }
  q <- optimize(loglik, c(0, (1 - delta) / 2), maximum = TRUE, tol = 1e-12)$maximum
  (a - b - n * delta) / sqrt(n * (2 * q + delta * (1 - delta)))
}
upper <- function(a, b, n, confidence) {
  d <- a + b
  if (d == 0) return(0)
  given <- (2 * binom.test(a, d, conf.level = confidence)$conf.int[2] - 1) * d / n
  max(given, (a / n - binom.test(b, n, conf.level = confidence)$conf.int[1]))
}
power <- function(n, pa, pb, margin, confidence) {
  z <- qnorm((1 + confidence) / 2)
  passes <- fails <- 0
  for (a in 0:n) {
    for (b in 0:(n - a)) {
      p <- dmultinom(c(a, b, n - a - b), prob = c(pa, pb, 1 - pa - pb))
      if (p < 1e-13) next
      s <- score(a, b, n, margin)
      if (s <= -z && upper(a, b, n, confidence) <= margin) passes <- passes + p
      if (s > z && -upper(b, a, n, confidence) > margin) fails <- fails + p
    }
  }
  list(
    n = n, a_only_rate = pa, b_only_rate = pb, margin = margin, confidence = confidence,
    passes = passes, fails = fails
  )
}

cases <- list(
  c(60, 0.1, 0.05, 0.02, 0.95), c(45, 0.02, 0.02, 0.1, 0.95), c(80, 0.3, 0.05, 0.1, 0.9),
  c(50, 0.2, 0, 0.03, 0.95), c(40, 0, 0.1, 0.05, 0.99),
  c(200, 0.03, 0, 0.01, 0.95)
)
write_json(list(
  versions = list(R = R.version.string),
  power = lapply(cases, function(x) power(x[1], x[2], x[3], x[4], x[5]))
), "margin_power.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
