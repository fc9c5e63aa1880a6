# Intervals for one proportion. Run from this folder: Rscript proportion.R
library(jsonlite)

counts <- list(c(81, 263), c(15, 148), c(0, 20), c(1, 29), c(40, 1250), c(5, 5), c(37, 1000000))
one <- function(count, level) {
  score <- suppressWarnings(prop.test(count[1], count[2], conf.level = level, correct = FALSE))
  exact <- binom.test(count[1], count[2], conf.level = level)
  list(
    events = count[1], trials = count[2], confidence = level,
    wilson = as.numeric(score$conf.int), clopper_pearson = as.numeric(exact$conf.int)
  )
}
cases <- list()
for (level in c(0.8, 0.95, 0.999)) cases <- c(cases, lapply(counts, one, level = level))

write(toJSON(
  list(R = R.version.string, functions = "stats::prop.test(correct = FALSE), stats::binom.test", cases = cases),
  auto_unbox = TRUE, digits = NA, pretty = TRUE
), "proportion.json")
