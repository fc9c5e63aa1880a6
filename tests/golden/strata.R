# Rates from pairs that people labelled by strata of what a grader said, and of one file alone.
# Run from this folder: Rscript strata.R
suppressMessages(library(survey))
library(jsonlite)

# Three strata of the grader's (0 outside, 1 no event, 2 event); people's state likewise.
made <- function(prompts, most, seed) {
  set.seed(seed)
  pairs <- do.call(rbind, lapply(seq_len(prompts), function(g) {
    n <- sample.int(most, 1)
    hard <- runif(1)
    stratum <- sample(0:2, n, replace = TRUE, prob = c(0.25, 0.55, 0.1 + 0.4 * hard))
    people <- ifelse(runif(n) < 0.75, stratum, sample(0:2, n, replace = TRUE, prob = c(0.2, 0.8 - 0.4 * hard, hard)))
    data.frame(prompt = g, stratum = stratum, people = people)
  }))
  pairs$labelled <- FALSE
  for (h in 0:2) {
    members <- which(pairs$stratum == h)
    pairs$labelled[sample(members, round(length(members) * c(0.2, 0.25, 0.6)[h + 1]))] <- TRUE
  }
  pairs$y <- as.numeric(pairs$people == 2)
  pairs$d <- as.numeric(pairs$people >= 1)
  pairs
}

# theta is a smooth function of sums over whole prompts: the package differentiates it.
theta <- function(pairs) {
  for (h in 0:2) {
    own <- pairs$stratum == h
    pairs[paste0("N", h)] <- as.numeric(own)
    pairs[paste0("n", h)] <- as.numeric(own & pairs$labelled)
    pairs[paste0("x", h)] <- own * pairs$labelled * pairs$y
    pairs[paste0("d", h)] <- own * pairs$labelled * pairs$d
  }
  design <- svydesign(ids = ~prompt, weights = ~1, data = pairs)
  totals <- svytotal(~ N0 + N1 + N2 + n0 + n1 + n2 + x0 + x1 + x2 + d0 + d1 + d2, design)
  svycontrast(totals, list(
    mean = quote((N0 * x0 / n0 + N1 * x1 / n1 + N2 * x2 / n2) / (N0 + N1 + N2)),
    ratio = quote((N0 * x0 / n0 + N1 * x1 / n1 + N2 * x2 / n2) / (N0 * d0 / n0 + N1 * d1 / n1 + N2 * d2 / n2))
  ))
}

# The same by two phases: prompts, then labels within strata of their pairs.
two_phases <- function(pairs, method) {
  design <- twophase(
    id = list(~prompt, ~1), strata = list(NULL, ~stratum), subset = ~labelled, data = pairs, method = method
  )
  mean <- svymean(~y, design)
  ratio <- svyratio(~y, ~d, design)
  list(
    mean = as.numeric(coef(mean)), mean_variance = as.numeric(vcov(mean)),
    ratio = as.numeric(coef(ratio)), ratio_variance = as.numeric(vcov(ratio))
  )
}

case <- function(prompts, most, seed, methods) {
  pairs <- made(prompts, most, seed)
  delta <- theta(pairs)
  list(
    prompts = prompts, pairs = as.list(pairs[c("prompt", "stratum", "people", "labelled")]),
    estimates = as.numeric(coef(delta)), variances = as.numeric(diag(vcov(delta))),
    two_phases = sapply(methods, function(method) two_phases(pairs, method), simplify = FALSE)
  )
}

# One file, strata labelled at random without replacement: the finite population correction.
file_mean <- function(pairs) {
  pairs$size <- ave(pairs$y, pairs$stratum, FUN = length)
  design <- svydesign(ids = ~1, strata = ~stratum, fpc = ~size, data = pairs[pairs$labelled, ])
  mean <- svymean(~y, design)
  ratio <- svyratio(~y, ~d, design)
  list(
    mean = as.numeric(coef(mean)), mean_variance = as.numeric(vcov(mean)),
    ratio = as.numeric(coef(ratio)), ratio_variance = as.numeric(vcov(ratio))
  )
}

# One file, and a plain random sample of its pairs, or of whole prompts of three pairs each. With
# lam fixed, theta = mean of y - lam T/(T - n) f over the sample, and what is known of the file.
lam <- 0.7
difference <- function(whole, seed) {
  set.seed(seed)
  prompt <- rep(1:60, each = 3)
  hard <- runif(60)[prompt]
  people <- rbinom(180, 1, hard^2)
  grader <- ifelse(runif(180) < 0.85, people, 1 - people)
  chosen <- if (whole) prompt %in% sample(60, 15) else seq_len(180) %in% sample(180, 45)
  pairs <- data.frame(prompt = prompt, people = people, grader = grader, labelled = chosen)
  pairs$e <- pairs$people - lam * 180 / (180 - 45) * pairs$grader
  sample <- pairs[chosen, ]
  sample$size <- if (whole) 60 else 180
  design <- if (whole) svydesign(ids = ~prompt, fpc = ~size, data = sample) else svydesign(ids = ~1, fpc = ~size, data = sample)
  e <- svymean(~e, design)
  list(
    lam = lam, pairs = as.list(pairs[c("prompt", "people", "grader", "labelled")]),
    # T/(T - n) times the file's mean of f by the grader is known.
    estimate = as.numeric(coef(e)) + lam * 180 / (180 - 45) * mean(grader),
    variance = as.numeric(vcov(e))
  )
}

alone <- made(300, 1, 21)
write(toJSON(
  list(
    R = R.version.string, survey = as.character(packageVersion("survey")),
    functions = "survey::svytotal, svycontrast, twophase, svymean, svyratio, svydesign(fpc), vcov",
    alone = c(case(300, 1, 21, c("approx", "simple", "full")), list(file = file_mean(alone))),
    shared = case(80, 6, 22, c("full")),
    file_pairs = difference(FALSE, 23), file_prompts = difference(TRUE, 24)
  ),
  auto_unbox = TRUE, digits = NA, pretty = FALSE
), "strata.json")
