# A difference of paired differences between two categories: for comparison/test_across.
# Run from this folder: Rscript across.R
suppressMessages(library(survey))
library(jsonlite)

# Kinds of prompts: harmful in a, in b; candidate's and baseline's event in a, then in b; how many.
kinds <- rbind(
  c(1, 0, 0, 1, 0, 0, 21), c(1, 0, 1, 1, 0, 0, 30), c(1, 0, 0, 0, 0, 0, 40), c(1, 0, 1, 0, 0, 0, 4),
  c(0, 1, 0, 0, 0, 1, 6), c(0, 1, 0, 0, 1, 1, 25), c(0, 1, 0, 0, 0, 0, 33), c(0, 1, 0, 0, 1, 0, 5),
  c(1, 1, 0, 1, 0, 1, 9), c(1, 1, 1, 0, 1, 0, 2), c(1, 1, 1, 1, 1, 1, 14), c(1, 1, 0, 0, 0, 0, 11),
  c(1, 1, 0, 1, 1, 0, 1), c(1, 1, 0, 1, 0, 0, 3)
)
prompts <- kinds[rep(seq_len(nrow(kinds)), kinds[, 7]), 1:6]
frame <- function(p) data.frame(
  id = seq_len(nrow(p)), n_a = p[, 1], n_b = p[, 2],
  gain_a = p[, 1] * (p[, 3] - p[, 4]), gain_b = p[, 2] * (p[, 5] - p[, 6])
)

# Both differences are ratios over one sample of prompts; survey linearises them together.
joint <- function(data) {
  ratios <- svyratio(~ gain_a + gain_b, ~ n_a + n_b, svydesign(ids = ~id, weights = ~1, data = data), covmat = TRUE)
  v <- vcov(ratios)[c(1, 4), c(1, 4)]
  list(estimate = diag(as.matrix(ratios$ratio)), covariance = v, correlation = v[1, 2] / sqrt(v[1, 1] * v[2, 2]))
}
seen <- joint(frame(prompts))
# Four more prompts, harmful in both, with every combination of a gain of 1 and of -1.
four <- data.frame(id = -(1:4), n_a = 1, n_b = 1, gain_a = c(1, 1, -1, -1), gain_b = c(1, -1, 1, -1))
shrunken <- joint(rbind(frame(prompts), four))
correlation <- min(seen$correlation, shrunken$correlation)

# Tango: the score test inverted, the constrained maximum by a general optimiser; see paired.R.
score <- function(delta, t) {
  n <- sum(t)
  loglik <- function(p21) {
    p12 <- p21 + delta
    rest <- max(1 - p12 - p21, 1e-300)
    part <- function(k, p) if (k == 0) 0 else k * log(max(p, 1e-300))
    part(t[1], p12) + part(t[2], p21) + part(t[3], rest)
  }
  p21 <- optimize(loglik, c(max(0, -delta), (1 - delta) / 2), maximum = TRUE, tol = 1e-14)$maximum
  (t[1] - t[2] - n * delta) / sqrt(n * (2 * p21 + delta - delta^2))
}
# Held to the exact test: joined with the Clopper-Pearson interval of the share of one sort.
paired <- function(t, level) {
  z <- qnorm((1 + level) / 2)
  estimate <- (t[1] - t[2]) / sum(t)
  low <- uniroot(function(d) score(d, t) - z, c(-1 + 1e-9, estimate - 1e-9), tol = 1e-12)$root
  high <- uniroot(function(d) score(d, t) + z, c(estimate + 1e-9, 1 - 1e-9), tol = 1e-12)$root
  share <- binom.test(t[1], t[1] + t[2], conf.level = level)$conf.int
  exact <- (2 * share - 1) * (t[1] + t[2]) / sum(t)
  c(min(low, exact[1]), max(high, exact[2]))
}
tally <- function(gain, n) c(sum(gain == 1), sum(gain == -1), sum(n == 1 & gain == 0))
data <- frame(prompts)
tables <- list(a = tally(data$gain_a, data$n_a), b = tally(data$gain_b, data$n_b))

# Zou and Donner 2008, section 2.
mover <- function(level) {
  d <- seen$estimate
  a <- paired(tables$a, level)
  b <- paired(tables$b, level)
  side <- function(x, y) sqrt(x^2 + y^2 - 2 * correlation * x * y)
  d[1] - d[2] + c(-side(d[1] - a[1], b[2] - d[2]), side(a[2] - d[1], d[2] - b[1]))
}

write_json(list(
  versions = list(R = R.version.string, survey = as.character(packageVersion("survey"))),
  kinds = kinds, tables = tables,
  differences = seen$estimate, covariance = seen$covariance,
  correlation = seen$correlation, shrunken = shrunken$correlation,
  intervals = list(
    list(confidence = 0.95, ends = mover(0.95)),
    list(confidence = 1 - 0.05 / 6, ends = mover(1 - 0.05 / 6))
  )
), "across.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
