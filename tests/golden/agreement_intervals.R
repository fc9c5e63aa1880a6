# Intervals of alpha, kappa and macro-F1, written anew from their definition with numerical slopes.
# Run from this folder: Rscript agreement_intervals.R
suppressMessages(library(numDeriv))
options(digits = 15)

alpha_of <- function(metric) function(o) {
  n <- rowSums(o); N <- sum(n); K <- length(n)
  d <- outer(1:K, 1:K, Vectorize(function(i, j) switch(metric,
    nominal = as.numeric(i != j),
    interval = (i - j)^2,
    ordinal = if (i == j) 0 else (sum(n[min(i, j):max(i, j)]) - (n[i] + n[j]) / 2)^2)))
  1 - (N - 1) * sum(o * d) / sum(outer(n, n) * d)
}
kappa_of <- function(t) {
  K <- nrow(t); d <- outer(1:K, 1:K, function(i, j) (i - j)^2)
  1 - sum(t * d) * sum(t) / sum(outer(rowSums(t), colSums(t)) * d)
}
f1_of <- function(t) mean(2 * diag(t) / (rowSums(t) + colSums(t)))
pairs_of <- function(r) {  # ratings at each level, of one item
  m <- sum(r)
  if (m < 2) matrix(0, length(r), length(r)) else (outer(r, r) - diag(r)) / (m - 1)
}

# Half an imaginary unit that agrees, spread over all levels but the commonest, and half a one that
# differs, spread over all pairs of levels.
imagined <- function(total, both) {
  K <- nrow(total); top <- which.max(rowSums(total) + colSums(total)); made <- list()
  for (i in 1:K) for (j in 1:K) {
    if (i == j && i == top) next
    t <- matrix(0, K, K); t[i, j] <- 1
    if (both) t <- t + t(t)
    made[[length(made) + 1]] <- list(
      t = t, w = 0.5 * (if (i == j) 1 / (K - 1) else 1 / (K * (K - 1))), same = i == j)
  }
  made
}
size_of <- function(units) { m <- sapply(units, sum); sum(m^2) / sum(m) }
spread <- function(units, statistic, both, size) {
  total <- Reduce(`+`, units); K <- nrow(total)
  extra <- imagined(total, both)
  for (k in seq_along(extra))
    extra[[k]]$t <- extra[[k]]$t * size^(if (extra[[k]]$same) 0.6 else 0.3)
  table <- total + Reduce(`+`, lapply(extra, function(e) e$w * e$t))
  slope <- matrix(grad(function(x) statistic(matrix(x, K, K)), as.vector(table)), K, K)
  w <- c(rep(1, length(units)), sapply(extra, function(e) e$w))
  psi <- c(sapply(units, function(u) sum(u * slope)), sapply(extra, function(e) sum(e$t * slope)))
  n <- sum(w); psi <- psi - sum(w * psi) / n
  real <- seq_along(units)
  psi[real] <- psi[real] / pmax(1 - sapply(units, sum) / sum(total), 0.1)
  v2 <- sum(w * psi^2); v4 <- sum(w * psi^4)
  list(smooth = statistic(table), v = n / (n - 1) * v2, own = sum(psi[real]^2) / v2,
       df = max(1, min(2 * v2^2 / (v4 - v2^2 / n), n - 1)))
}
interval <- function(items, statistic, lowest, both = FALSE, cluster = NULL, level = 0.95) {
  keep <- sapply(items, sum) > 0
  cluster <- cluster[keep]; items <- items[keep]
  units <- if (is.null(cluster)) items else lapply(split(items, cluster), function(x) Reduce(`+`, x))
  found <- spread(units, statistic, both, size_of(units) / size_of(items))
  if (!is.null(cluster)) {
    found$v <- max(found$v, spread(items, statistic, both, 1)$v)
    found$df <- max(1, found$df / 2)
  }
  scale <- 1 - lowest
  p <- (statistic(Reduce(`+`, items)) - lowest) / scale
  s <- (found$smooth - lowest) / scale
  n <- s * (1 - s) * scale^2 / found$v
  z <- qt((1 + level) / 2, found$df)
  ends <- (p + z^2 / (2 * n) + c(-1, 1) * z * sqrt(p * (1 - p) / n + z^2 / (4 * n^2))) / (1 + z^2 / n)
  list(estimate = statistic(Reduce(`+`, items)), own = found$own,
       ends = pmin(1, pmax(lowest, lowest + scale * ends)))
}

set.seed(5)
truth <- sample(1:4, 120, TRUE, c(0.55, 0.2, 0.15, 0.1))
rate <- function(truth) pmin(4, pmax(1, truth + sample(-1:1, length(truth), TRUE, c(0.1, 0.8, 0.1))))
ratings <- replicate(3, rate(truth))
ratings[sample(length(ratings), 30)] <- NA
prompts <- rep(1:40, each = 3)
counts <- t(apply(ratings, 1, function(r) tabulate(r, 4)))
seen <- lapply(1:120, function(i) pairs_of(counts[i, ]))
two <- cbind(rate(truth), rate(truth))
cells <- lapply(1:120, function(i) { t <- matrix(0, 4, 4); t[two[i, 1], two[i, 2]] <- 1; t })

found <- list()
for (metric in c("nominal", "ordinal", "interval")) {
  found[[paste0("alpha ", metric)]] <- interval(seen, alpha_of(metric), -1, TRUE)
  found[[paste0("alpha ", metric, " shared")]] <- interval(seen, alpha_of(metric), -1, TRUE, prompts)
}
found[["kappa"]] <- interval(cells, kappa_of, -1)
found[["kappa shared"]] <- interval(cells, kappa_of, -1, FALSE, prompts)
found[["f1"]] <- interval(cells, f1_of, 0)
found[["f1 shared"]] <- interval(cells, f1_of, 0, FALSE, prompts)

number <- function(x) sprintf("%.12g", x)
array <- function(x) paste0("[", paste(x, collapse = ","), "]")
rows <- function(x) array(apply(x, 1, array))
writeLines(c("{",
  sprintf('"R": "%s",', R.version.string),
  sprintf('"numDeriv": "%s",', packageVersion("numDeriv")),
  sprintf('"counts": %s,', rows(counts)),
  sprintf('"prompts": %s,', array(prompts)),
  sprintf('"two": %s,', rows(two - 1)),
  '"intervals": {',
  paste(sapply(names(found), function(name) sprintf(
    '"%s": {"estimate": %s, "own": %s, "ends": %s}', name, number(found[[name]]$estimate),
    number(found[[name]]$own), array(number(found[[name]]$ends)))), collapse = ",\n"),
  "}}"), "agreement_intervals.json")
