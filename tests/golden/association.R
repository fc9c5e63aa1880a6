# Association in two-way tables. Run from this folder: Rscript association.R
suppressMessages({
  library(vcd)
  library(coin)
  library(survey)
})
library(numDeriv)
library(jsonlite)

tables <- list(
  list(c(28, 71, 1010), c(1, 6, 88), c(0, 14, 25), c(0, 1, 6)),
  list(c(0, 0, 37), c(0, 3, 15), c(0, 10, 48), c(1, 9, 23)),
  list(c(1, 3, 10, 6), c(2, 3, 10, 7), c(1, 6, 14, 12), c(0, 1, 9, 11)),
  list(c(20, 10, 5), c(10, 10, 15))
)
set.seed(20260709)
as_matrix <- function(rows) do.call(rbind, rows)

# Gamma as a function of the cell shares, so that its error can be had by numerical derivatives.
gamma_of <- function(shares, rows, columns) {
  p <- matrix(shares, rows, columns)
  concordant <- discordant <- 0
  for (i in seq_len(rows)) for (j in seq_len(columns)) {
    concordant <- concordant + p[i, j] * sum(p[row(p) > i & col(p) > j])
    discordant <- discordant + p[i, j] * sum(p[row(p) > i & col(p) < j])
  }
  (concordant - discordant) / (concordant + discordant)
}
gamma_with_error <- function(shares, covariance, rows, columns) {
  gradient <- grad(gamma_of, shares, rows = rows, columns = columns)
  list(
    estimate = gamma_of(shares, rows, columns),
    error = as.numeric(sqrt(t(gradient) %*% covariance %*% gradient))
  )
}

one <- function(rows) {
  m <- as_matrix(rows)
  n <- sum(m)
  shares <- as.numeric(m) / n
  chi <- suppressWarnings(chisq.test(m, correct = FALSE))
  trend <- statistic(lbl_test(as.table(m), distribution = "asymptotic"))
  list(
    table = rows, chi_square = as.numeric(chi$statistic), df = as.numeric(chi$parameter), p = chi$p.value,
    p_simulated = suppressWarnings(chisq.test(m, simulate.p.value = TRUE, B = 1000000)$p.value),
    cramers_v = assocstats(m)$cramer,
    gamma = gamma_with_error(shares, (diag(shares) - outer(shares, shares)) / n, nrow(m), ncol(m)),
    linear_by_linear = as.numeric(trend)^2,
    linear_by_linear_p = as.numeric(pvalue(lbl_test(as.table(m), distribution = "asymptotic")))
  )
}

squares <- list(
  list(c(25, 14), c(1104, 107)), list(c(37, 0), c(1092, 121)), list(c(23, 10), c(37, 0)),
  list(c(3, 1), c(1, 3)), list(c(0, 5), c(9, 2))
)
fisher <- lapply(squares, function(rows) list(table = rows, p = fisher.test(as_matrix(rows))$p.value))

scored <- as.table(as_matrix(tables[[3]]))
names(dimnames(scored)) <- c("income", "satisfaction")
with_scores <- as.numeric(statistic(lbl_test(scored,
  scores = list(income = c(3, 10, 20, 35), satisfaction = c(1, 3, 4, 5))
)))^2

# Six kinds of cluster: counts over a 3 x 3 table, columns within rows, and how often each occurs.
cells <- list(
  list(c(2, 1, 0), c(0, 0, 1), c(0, 0, 0)), list(c(0, 0, 0), c(1, 2, 0), c(0, 1, 0)),
  list(c(0, 0, 0), c(0, 0, 1), c(0, 1, 2)), list(c(1, 0, 0), c(1, 0, 0), c(0, 0, 1)),
  list(c(0, 1, 1), c(0, 0, 0), c(1, 0, 0)), list(c(0, 0, 0), c(0, 1, 0), c(0, 0, 0))
)
weight <- c(9, 12, 10, 6, 7, 11)
records <- NULL
cluster <- 0
for (kind in seq_along(cells)) {
  m <- as_matrix(cells[[kind]])
  for (copy in seq_len(weight[kind])) {
    cluster <- cluster + 1
    at <- rep(seq_along(m), as.numeric(m))
    records <- rbind(records, data.frame(
      cluster = cluster, row = factor(row(m)[at], 1:3), column = factor(col(m)[at], 1:3),
      cell = factor(at, 1:9)
    ))
  }
}
design <- svydesign(ids = ~cluster, weights = ~1, data = records)
test <- svychisq(~ row + column, design, statistic = "Chisq")
pooled <- table(records$row, records$column)
shares <- svymean(~cell, design)

write(toJSON(
  list(
    R = R.version.string, vcd = as.character(packageVersion("vcd")),
    coin = as.character(packageVersion("coin")), survey = as.character(packageVersion("survey")),
    numDeriv = as.character(packageVersion("numDeriv")),
    functions = paste(
      "stats::chisq.test, fisher.test; vcd::assocstats; coin::lbl_test; survey::svychisq(statistic",
      "= 'Chisq'); gamma's error: numDeriv::grad with the multinomial or survey::svymean covariance"
    ),
    tables = lapply(tables, one), fisher = fisher,
    scored = list(table = tables[[3]], row_scores = c(3, 10, 20, 35), column_scores = c(1, 3, 4, 5),
      statistic = with_scores),
    clustered = list(
      cells = cells, weight = weight,
      pearson = as.numeric(test$statistic), df = as.numeric(test$parameter), p = as.numeric(test$p.value),
      gamma = gamma_with_error(as.numeric(coef(shares)), vcov(shares), 3, 3), df_t = degf(design)
    ),
    holm = list(
      list(p = c(0.01, 0.04, 0.03, 0.005, 0.5, 0.9), adjusted = p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.5, 0.9), "holm")),
      list(p = c(0.02, 0.02, 0.9), adjusted = p.adjust(c(0.02, 0.02, 0.9), "holm"))
    )
  ),
  auto_unbox = TRUE, digits = NA, pretty = TRUE
), "association.json")
