# Slopes within sets, and the interval of their mean. Run from this folder: Rscript slopes.R
# Slopes by lm(); the plain t interval by t.test(); Wilson's limits by prop.test(correct = FALSE).
library(jsonlite)

slopes <- function(set, x, y) {
  sapply(unique(set), function(s) unname(coef(lm(y[set == s] ~ x[set == s]))[2]))
}

# MOVER (Zou and Donner 2008, section 2) of what lies above and below the median.
around_median <- function(values, low, high, level) {
  g <- length(values)
  middle <- median(values)
  shrink <- (qnorm(1 - (1 - level) / 2) / qt(1 - (1 - level) / 2, g - 1))^2
  parts <- list(pmax(values - middle, 0), pmax(middle - values, 0))
  most <- c(high - middle, middle - low)
  limits <- sapply(1:2, function(i) {
    if (most[i] == 0) return(c(0, 0))
    share <- parts[[i]] / most[i]
    m <- mean(share)
    n <- shrink * if (length(unique(share)) == 1) g else m * (1 - m) / (var(share) / g)
    most[i] * suppressWarnings(prop.test(m * n, n, conf.level = level, correct = FALSE))$conf.int
  })
  rho <- if (sd(parts[[1]]) == 0 || sd(parts[[2]]) == 0) 0 else cor(parts[[1]], parts[[2]])
  means <- sapply(parts, mean)
  below <- means - limits[1, ]
  above <- limits[2, ] - means
  joint <- function(one, other) sqrt(one^2 + other^2 - 2 * rho * one * other)
  estimate <- mean(values)
  c(
    max(low, estimate - joint(below[1], above[2])),
    min(high, estimate + joint(above[1], below[2]))
  )
}

set.seed(20260709)
set <- rep(1:40, times = rep(c(2, 3, 4, 3), 10))
x <- unlist(lapply(split(set, set), function(s) c(0, sample(1:3, length(s) - 1, replace = TRUE))))
y <- pmin(3, pmax(0, x * (runif(length(x)) < 0.4) + (runif(length(x)) < 0.2)))
within <- slopes(set, x, y)

settings <- list(
  list(values = within, bounds = c(-3, 3), level = 0.95),
  list(values = within[1:7], bounds = c(-3, 3), level = 0.9),
  list(values = c(rep(0, 92), rep(1, 6), -1, -1), bounds = c(-1, 1), level = 0.95),
  list(values = c(rep(1, 19), 0), bounds = c(-1, 1), level = 0.99),
  list(values = rep(0, 30), bounds = c(-1, 1), level = 0.95),
  list(values = rep(1, 12), bounds = c(-1, 1), level = 0.95)
)
cases <- lapply(settings, function(s) {
  plain <- if (sd(s$values) > 0) t.test(s$values, conf.level = s$level)$conf.int else NULL
  ends <- around_median(s$values, s$bounds[1], s$bounds[2], s$level)
  c(s, list(mean = mean(s$values), ends = ends, t = as.numeric(plain)))
})
write(toJSON(
  list(
    R = R.version.string, functions = "stats::lm, prop.test(correct = FALSE), t.test, qt, cor",
    set = set, x = x, y = y, slopes = within, cases = cases
  ),
  auto_unbox = TRUE, digits = NA, pretty = TRUE
), "slopes.json")
