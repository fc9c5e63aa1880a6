# Rates, correlations and means of records in clusters. Run from this folder: Rscript cluster.R
suppressMessages(library(survey))
library(jsonlite)

# Events and trials of two rates, and a score, in 24 clusters of unequal size.
data <- data.frame(
  xa = c(0, 1, 3, 0, 0, 2, 5, 1, 0, 0, 4, 0, 1, 0, 0, 2, 0, 6, 1, 0, 0, 3, 0, 1),
  na = c(2, 4, 5, 1, 3, 3, 7, 4, 2, 1, 4, 6, 3, 2, 5, 4, 1, 8, 2, 3, 3, 3, 4, 5),
  xb = c(1, 0, 2, 1, 0, 2, 4, 0, 1, 0, 3, 2, 0, 0, 1, 1, 0, 5, 1, 1, 0, 2, 0, 0),
  nb = c(3, 1, 4, 1, 2, 2, 6, 3, 3, 2, 4, 5, 1, 2, 3, 2, 2, 6, 1, 4, 1, 2, 3, 3),
  score = c(-3, 1, 4, 0, -2, 2, 6, -1, -4, -2, 5, -7, 0, -1, -6, 3, 1, 9, 0, -2, -3, 2, -5, 0)
)

# One row per record, so that the package sees clusters and not sums.
records <- do.call(rbind, lapply(seq_len(nrow(data)), function(g) {
  data.frame(cluster = g, event = rep(c(1, 0), c(data$xa[g], data$na[g] - data$xa[g])))
}))
design <- svydesign(ids = ~cluster, weights = ~1, data = records)
rate <- svymean(~event, design)
beta <- lapply(c(0.9, 0.95, 0.99), function(level) {
  ci <- attr(svyciprop(~I(event == 1), design, method = "beta", level = level), "ci")
  list(confidence = level, ci = as.numeric(ci))
})

# A simple random sample of the same records has the variance p(1-p)/(n-1).
plain_deff <- as.numeric(vcov(rate)) / (as.numeric(coef(rate)) * (1 - as.numeric(coef(rate))) / nrow(records))

sums <- svydesign(ids = ~1, weights = ~1, data = data)
ratios <- svyratio(~ xa + xb, ~ na + nb, sums, covmat = TRUE)
covariance <- vcov(ratios)
same <- c("xa/na", "xb/nb")
mean_score <- svyratio(~score, ~na, sums)

write(toJSON(
  list(
    R = R.version.string, survey = as.character(packageVersion("survey")),
    functions = "survey::svymean, svyciprop(method = 'beta'), svyratio, vcov, confint",
    data = as.list(data),
    rate = as.numeric(coef(rate)), variance = as.numeric(vcov(rate)), plain_deff = plain_deff, beta = beta,
    correlation = covariance[same[1], same[2]] / sqrt(covariance[same[1], same[1]] * covariance[same[2], same[2]]),
    mean = list(
      estimate = as.numeric(coef(mean_score)), variance = as.numeric(SE(mean_score))^2,
      ci = as.numeric(confint(mean_score, df = degf(sums)))
    ),
    t_test = list(values = c(-2, -2, -2, 0, 0, 0, 0, 0, 1, 1),
      ci = as.numeric(t.test(c(-2, -2, -2, 0, 0, 0, 0, 0, 1, 1))$conf.int)),
    t_quantiles = lapply(c(1, 2, 9, 1249, 1e6), function(df) list(df = df, t = qt(0.975, df)))
  ),
  auto_unbox = TRUE, digits = NA, pretty = TRUE
), "cluster.json")
