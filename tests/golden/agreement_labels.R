# Kappas of two raters, and the variance of rates corrected for a grader's errors.
# Run from this folder: Rscript agreement_labels.R
suppressMessages({library(survey); library(vcd)})
library(jsonlite)

tables <- list(
  four = matrix(c(88, 9, 2, 0, 7, 21, 6, 1, 1, 5, 14, 4, 0, 2, 3, 12), 4, byrow = TRUE),
  three = matrix(c(20, 5, 2, 3, 15, 4, 1, 6, 30), 3, byrow = TRUE),
  two = matrix(c(90, 4, 3, 8), 2, byrow = TRUE)
)
kappa_of <- function(table, weights) {
  fit <- Kappa(table, weights = weights)
  list(
    unweighted = as.numeric(fit$Unweighted), weighted = as.numeric(fit$Weighted),
    limits = as.numeric(confint(fit, level = 0.95)["Weighted", ]),
    plain_limits = as.numeric(confint(fit, level = 0.95)["Unweighted", ])
  )
}
kappas <- lapply(tables, function(table) list(
  table = table,
  linear = kappa_of(table, "Equal-Spacing"), quadratic = kappa_of(table, "Fleiss-Cohen")
))

# 30 prompts; two models answer each once or twice; some pairs have people's label. State 0 is
# outside the denominator, 1 inside without the event, 2 with it.
set.seed(11)
pairs <- do.call(rbind, lapply(1:30, function(g) {
  n <- sample(3:6, 1)
  people <- sample(0:2, n, replace = TRUE, prob = c(0.3, 0.5 + 0.3 * (g %% 2), 0.4))
  grader <- ifelse(runif(n) < 0.8, people, sample(0:2, n, replace = TRUE))
  data.frame(prompt = g, model = sample(c("a", "b"), n, replace = TRUE),
             people = people, grader = grader, labelled = runif(n) < 0.4)
}))
lam <- 0.6
for (m in c("a", "b")) {
  own <- pairs$model == m
  pairs[paste0(m, "y")] <- own * pairs$labelled * (pairs$people == 2)
  pairs[paste0(m, "d")] <- own * pairs$labelled * (pairs$people >= 1)
  pairs[paste0(m, "f")] <- own * pairs$labelled * (pairs$grader == 2)
  pairs[paste0(m, "c")] <- own * pairs$labelled * (pairs$grader >= 1)
  pairs[paste0(m, "g")] <- own * (!pairs$labelled) * (pairs$grader == 2)
  pairs[paste0(m, "e")] <- own * (!pairs$labelled) * (pairs$grader >= 1)
}
design <- svydesign(ids = ~prompt, weights = ~1, data = pairs)
totals <- svytotal(~ ay + ad + af + ac + ag + ae + by + bd + bf + bc + bg + be, design)
rates <- svycontrast(totals, list(
  a = quote(ay / ad + 0.6 * (ag / ae - af / ac)),
  b = quote(by / bd + 0.6 * (bg / be - bf / bc))
))

write(toJSON(
  list(
    R = R.version.string, vcd = as.character(packageVersion("vcd")),
    survey = as.character(packageVersion("survey")),
    functions = "vcd::Kappa, confint; survey::svytotal, svycontrast, vcov",
    kappas = kappas, pairs = as.list(pairs[1:5]), lam = lam, prompts = 30,
    rates = as.numeric(coef(rates)), covariance = vcov(rates)
  ),
  auto_unbox = TRUE, digits = NA, pretty = FALSE
), "agreement_labels.json")
