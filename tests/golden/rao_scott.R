# Second-order Rao-Scott tests of clustered tables. Run from this folder: Rscript rao_scott.R
suppressMessages(library(survey))
library(jsonlite)

# Kinds of cluster: counts over a table, columns within rows, and how often each kind occurs.
tables <- list(
  list(
    cells = list(
      list(c(2, 1, 0), c(0, 0, 1), c(0, 0, 0)), list(c(0, 0, 0), c(1, 2, 0), c(0, 1, 0)),
      list(c(0, 0, 0), c(0, 0, 1), c(0, 1, 2)), list(c(1, 0, 0), c(1, 0, 0), c(0, 0, 1)),
      list(c(0, 1, 1), c(0, 0, 0), c(1, 0, 0)), list(c(0, 0, 0), c(0, 1, 0), c(0, 0, 0))
    ),
    weight = c(9, 12, 10, 6, 7, 11)
  ),
  list(
    cells = list(
      list(c(4, 1), c(0, 0)), list(c(0, 3), c(1, 0)), list(c(1, 0), c(0, 4)), list(c(0, 0), c(2, 3)),
      list(c(1, 1), c(1, 1))
    ),
    weight = c(8, 5, 7, 6, 4)
  ),
  list(
    cells = list(
      list(c(5, 0, 1), c(0, 0, 0), c(0, 0, 0), c(1, 0, 0)), list(c(0, 2, 2), c(0, 1, 0), c(0, 0, 0), c(0, 0, 0)),
      list(c(0, 0, 0), c(3, 0, 1), c(0, 0, 1), c(0, 0, 0)), list(c(0, 1, 0), c(0, 0, 0), c(2, 1, 0), c(0, 1, 0)),
      list(c(0, 0, 3), c(0, 0, 0), c(0, 0, 0), c(0, 1, 2)), list(c(0, 0, 0), c(1, 1, 1), c(0, 1, 0), c(0, 0, 0)),
      list(c(1, 1, 1), c(0, 0, 0), c(1, 0, 0), c(0, 0, 1))
    ),
    weight = c(6, 9, 5, 7, 4, 8, 3)
  )
)

one <- function(design_of) {
  records <- NULL
  cluster <- 0
  for (kind in seq_along(design_of$cells)) {
    m <- do.call(rbind, design_of$cells[[kind]])
    at <- rep(seq_along(m), as.numeric(m))
    for (copy in seq_len(design_of$weight[kind])) {
      cluster <- cluster + 1
      records <- rbind(records, data.frame(cluster = cluster, row = row(m)[at], column = col(m)[at]))
    }
  }
  records$row <- factor(records$row)
  records$column <- factor(records$column)
  design <- svydesign(ids = ~cluster, weights = ~1, data = records)
  chi <- svychisq(~ row + column, design, statistic = "Chisq")
  f <- svychisq(~ row + column, design, statistic = "F")
  c(design_of, list(
    pearson = as.numeric(chi$statistic), statistic = as.numeric(f$statistic),
    df = as.numeric(f$parameter[1]), df_denominator = as.numeric(f$parameter[2]), p = as.numeric(f$p.value)
  ))
}

write(toJSON(
  list(
    R = R.version.string, survey = as.character(packageVersion("survey")),
    functions = "survey::svychisq(statistic = 'F' and 'Chisq')", cases = lapply(tables, one)
  ),
  auto_unbox = TRUE, digits = NA, pretty = TRUE
), "rao_scott.json")
