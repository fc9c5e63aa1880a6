# Paired comparisons, square tables and power: for test_paired, test_homogeneity and test_power.
# Run from this folder: Rscript paired.R
suppressMessages(library(coin))
library(jsonlite)

# McNemar: two-sided exact binomial test.
discordant <- list(c(1, 7), c(6, 16), c(0, 5), c(12, 12), c(130, 171), c(0, 1))
mcnemar <- sapply(discordant, function(x) binom.test(x[1], sum(x))$p.value)

# Tango: the score test inverted, with the constrained maximum found by a general optimiser.
score <- function(delta, t) {
  n <- sum(t)
  loglik <- function(p21) {
    p12 <- p21 + delta
    rest <- max(1 - p12 - p21, 1e-300)
    part <- function(k, p) if (k == 0) 0 else k * log(max(p, 1e-300))
    part(t[2], p12) + part(t[3], p21) + part(t[1] + t[4], rest)
  }
  p21 <- optimize(loglik, c(max(0, -delta), (1 - delta) / 2), maximum = TRUE, tol = 1e-14)$maximum
  (t[2] - t[3] - n * delta) / sqrt(n * (2 * p21 + delta - delta^2))
}
tango <- function(t) {
  z <- qnorm(0.975)
  estimate <- (t[2] - t[3]) / sum(t)
  low <- uniroot(function(d) score(d, t) - z, c(-1 + 1e-9, estimate - 1e-9), tol = 1e-12)$root
  high <- uniroot(function(d) score(d, t) + z, c(estimate + 1e-9, 1 - 1e-9), tol = 1e-12)$root
  c(low, high)
}
tables <- list(c(59, 6, 16, 80), c(1, 1, 7, 12), c(43, 0, 1, 0), c(10, 3, 9, 478))

# Cochran's Q is Friedman's test on 0 and 1.
patterns <- rbind(c(1, 0, 0, 0), c(1, 1, 0, 0), c(0, 1, 1, 0), c(1, 1, 1, 1), c(0, 0, 0, 0), c(0, 0, 0, 1))
weight <- c(14, 9, 5, 11, 60, 3)
q <- friedman.test(patterns[rep(1:6, weight), ])

# Square tables.
square <- matrix(c(210, 31, 9, 2, 14, 55, 12, 6, 3, 8, 20, 9, 1, 2, 4, 13), 4, byrow = TRUE)
bowker <- mcnemar.test(square, correct = FALSE)
stuart <- mh_test(as.table(square))

# A gate by binom.test's Clopper-Pearson interval, outcome by outcome.
gate <- function(n, rate, tolerance) {
  ends <- sapply(0:n, function(x) binom.test(x, n)$conf.int)
  chance <- dbinom(0:n, n, rate)
  c(sum(chance[ends[2, ] <= tolerance]), sum(chance[ends[1, ] > tolerance]))
}
gates <- lapply(list(c(100, 0.01, 0.05), c(237, 0.10, 0.05), c(60, 0.5, 0.6)), function(x) {
  list(n = x[1], rate = x[2], tolerance = x[3], power = gate(x[1], x[2], x[3]))
})

# McNemar's power over every outcome of the trinomial.
power <- function(n, a, b) {
  total <- 0
  for (m in 1:n) {
    p <- sapply(0:m, function(x) binom.test(x, m)$p.value)
    total <- total + dbinom(m, n, a + b) * sum(dbinom(0:m, m, a / (a + b))[p <= 0.05])
  }
  total
}
powers <- lapply(list(c(60, 0.25, 0.05), c(30, 0.6, 0.4), c(45, 0.2, 0)), function(x) {
  list(n = x[1], a_only_rate = x[2], b_only_rate = x[3], power = power(x[1], x[2], x[3]))
})

write_json(list(
  versions = list(
    R = R.version.string, coin = as.character(packageVersion("coin"))
  ),
  mcnemar = lapply(seq_along(discordant), function(i) {
    list(a_only = discordant[[i]][1], b_only = discordant[[i]][2], p = mcnemar[i])
  }),
  tango = lapply(tables, function(t) list(counts = t, ends = tango(t))),
  cochran = list(
    patterns = patterns, weight = weight, test = as.numeric(c(q$statistic, q$parameter, q$p.value))
  ),
  square = list(
    table = square,
    bowker = as.numeric(c(bowker$statistic, bowker$parameter, bowker$p.value)),
    stuart_maxwell = as.numeric(c(statistic(stuart), stuart@statistic@df, pvalue(stuart)))
  ),
  gate_power = gates,
  mcnemar_power = powers
), "paired.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
