# Several answers a prompt, and intervals held to an exact test: for test_paired and
# test_paired_clusters. Run from this folder: Rscript paired_exact.R
suppressMessages(library(survey))

# Sign-flip test: every choice of signs.
enumerated <- function(d) {
  d <- d[d != 0]
  signs <- as.matrix(expand.grid(rep(list(c(-1, 1)), length(d))))
  mean(abs(signs %*% d) >= abs(sum(d)) - 1e-9)
}
flips <- list(
  c(1, 1, 1, 1), c(3, 3, 3, 3), c(5, -2, 1, 1, 3, -1, 4), c(2, 2, -1, 0, 0, 1, 3, 3, -2, 1, 1),
  c(0.5, 1 / 3, -0.25, 1, 1, 0.5), c(10, 1, -1, 1, 1, 1, -1, 1, 1, 1, 1, 1), c(1, -1, 2, -2)
)

# The same for many prompts: chances of each sum, prompt by prompt.
summed <- function(d) {
  d <- d[d != 0]
  reach <- sum(abs(d))
  chance <- numeric(2 * reach + 1)
  chance[reach + 1] <- 1
  at <- seq_along(chance)
  for (size in abs(d)) {
    moved <- function(by) ifelse(at - by >= 1 & at - by <= length(at), chance[pmin(pmax(at - by, 1), length(at))], 0)
    chance <- (moved(size) + moved(-size)) / 2
  }
  sum(chance[abs(at - reach - 1) >= abs(sum(d))])
}
sizes <- c(rep(5, 16), rep(-5, 4), rep(3, 20), rep(-3, 11), rep(2, 30), rep(-2, 31), rep(1, 40), rep(-1, 25))

# Tango's score test and exact limits joined: the score inverted with the constrained maximum found
# by a general optimiser, and binom.test's intervals for the share of one sort among the discordant
# pairs, and for each sort among all pairs with the other as it is.
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
held <- function(t, level) {
  z <- qnorm((1 + level) / 2)
  n <- sum(t)
  estimate <- (t[2] - t[3]) / n
  low <- uniroot(function(d) score(d, t) - z, c(-1 + 1e-9, estimate - 1e-9), tol = 1e-12)$root
  high <- uniroot(function(d) score(d, t) + z, c(estimate + 1e-9, 1 - 1e-9), tol = 1e-12)$root
  share <- binom.test(t[2], t[2] + t[3], conf.level = level)$conf.int
  given <- (2 * share - 1) * (t[2] + t[3]) / n
  least <- sapply(t[2:3], function(k) binom.test(k, n, conf.level = level)$conf.int[1])
  c(min(low, given[1], least[1] - t[3] / n), max(high, given[2], t[2] / n - least[2]))
}
tables <- list(c(3, 4, 0, 43), c(0, 30, 0, 570), c(40, 1, 60, 399), c(59, 6, 16, 80), c(1, 1, 7, 12), c(10, 30, 9, 451), c(0, 12, 1, 187))

# Clusters: variance of the mean of d by Taylor linearisation.
set.seed(20)
size <- sample(1:5, 60, replace = TRUE)
lean <- rbeta(60, 0.4, 1.6)
a_only <- rbinom(60, size, lean * 0.7)
b_only <- rbinom(60, size - a_only, lean * 0.25)
values <- mapply(function(a, b, n) rep(c(1, -1, 0), c(a, b, n - a - b)), a_only, b_only, size, SIMPLIFY = FALSE)
pairs <- data.frame(d = unlist(values), prompt = rep(seq_along(size), size))
variance <- as.numeric(SE(svymean(~d, svydesign(ids = ~prompt, weights = ~1, data = pairs)))^2)

number <- function(x) paste(sprintf("%.15g", x), collapse = ", ")
list_of <- function(x) sprintf("[%s]", number(x))
objects <- function(x) paste(sprintf("    %s", x), collapse = ",\n")
cat(sprintf('{
  "versions": {"R": "%s", "survey": "%s"},
  "sign_flip": [
%s
  ],
  "sign_flip_many": {"lean": %s, "p": %s},
  "held": [
%s
  ],
  "clusters": {"size": %s, "a_only": %s, "b_only": %s, "variance": %s}
}
',
  R.version.string, as.character(packageVersion("survey")),
  objects(sapply(flips, function(d) sprintf('{"lean": %s, "p": %s}', list_of(d), number(enumerated(d))))),
  list_of(sizes), number(summed(sizes)),
  objects(unlist(lapply(tables, function(t) lapply(c(0.95, 1 - 0.05 / 15), function(level) {
    sprintf('{"counts": %s, "confidence": %s, "ends": %s}', list_of(t), number(level), list_of(held(t, level)))
  })))),
  list_of(size), list_of(a_only), list_of(b_only), number(variance)
), file = "paired_exact.json")
