# Design effects of rates in clusters, by integrating over the intra-cluster correlation and the
# rate on fine grids. Run from this folder: Rscript intracluster.R
library(jsonlite)

tables <- list(
  none = list(x = c(0), n = c(20), w = c(50)),
  one = list(x = c(1, 0), n = c(20, 20), w = c(1, 49)),
  apart = list(x = c(1, 0), n = c(20, 20), w = c(10, 40)),
  together = list(x = c(5, 0), n = c(20, 20), w = c(2, 48)),
  mixed = list(x = c(1, 0, 1, 0), n = c(1, 1, 50, 50), w = c(10, 990, 10, 10)),
  unequal = list(x = c(0, 1, 3, 2, 5, 4, 6), n = c(3, 4, 5, 1, 7, 9, 8) + 3, w = c(9, 6, 4, 3, 2, 2, 1)),
  dominated = list(x = c(0, 1, 2, 70), n = c(10, 10, 10, 300), w = c(8, 8, 4, 1)),
  alike = list(x = c(0, 1, 2, 3, 4, 5), n = rep(5, 6), w = c(20, 12, 8, 9, 11, 20))
)
a <- 0.4
b <- 0.05 # the prior of the correlation

rise <- function(from, by) lgamma(from + by) - lgamma(from)

deff <- function(x, n, w) {
  # The density of Beta(2/5, 1/20) has a pole at either end: rho is taken at equal steps of t,
  # which thins out both, and the rate at equal steps of the angle, flat under Jeffreys' prior.
  t <- (seq_len(400) - 0.5) / 400
  rho <- t^4 / (t^4 + (1 - t)^8)
  prior <- diff(pbeta(c(0, (rho[-1] + rho[-400]) / 2, 1), a, b))
  angle <- (seq_len(1000) - 0.5) / 1000 * pi / 2
  p <- sin(angle)^2
  fits <- sapply(seq_along(rho), function(i) {
    s <- min(1e7, (1 - t[i])^8 / t[i]^4)  # larger ones are as good as independent
    log_l <- rowSums(sapply(seq_along(x), function(g) {
      w[g] * (rise(p * s, x[g]) + rise((1 - p) * s, n[g] - x[g]) - rise(s, n[g]))
    }))
    top <- max(log_l)
    top + log(mean(exp(log_l - top)))
  })
  belief <- prior * exp(fits - max(fits))
  belief <- belief / sum(belief)
  effects <- 1 + rho * (sum(w * n^2) / sum(w * n) - 1)
  rare <- min(sum(w * x), sum(w * (n - x)))
  if (rare == 1) return(exp(sum(belief * log(effects))))
  r <- (1 - rare) / (1 + rare)
  sum(belief * effects^r)^(1 / r)
}

write(toJSON(
  list(
    R = R.version.string, functions = "lgamma, pbeta",
    tables = lapply(tables, function(t) c(t, deff = deff(t$x, t$n, t$w)))
  ),
  auto_unbox = FALSE, digits = NA, pretty = TRUE
), "intracluster.json")
