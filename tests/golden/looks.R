# Boundaries for looks at growing data: for stats/test_looks.
# Run from this folder: Rscript looks.R
suppressMessages(library(rpact))
library(jsonlite)

spending <- function(rates) {
  k <- length(rates)
  design <- getDesignGroupSequential(
    kMax = k, alpha = 0.025, sided = 1, typeOfDesign = "asUser",
    informationRates = rates / rates[k], userAlphaSpending = pmin(0.025, 0.025 * seq_len(k) / k)
  )
  list(sizes = rates, tails = pnorm(-design$criticalValues))
}
pocock <- function(k) {
  design <- getDesignGroupSequential(kMax = k, alpha = 0.05, sided = 2, typeOfDesign = "P")
  list(looks = k, z = design$criticalValues[1])
}

write_json(list(
  versions = list(R = R.version.string, rpact = as.character(packageVersion("rpact"))),
  spending = lapply(list(1:3, 1:10, c(1, 1.2, 4), c(1, 4)), spending),
  pocock = lapply(c(2, 3, 5, 10), pocock)
), "looks.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
