# Percentile bootstrap of whole clusters. Run from this folder: Rscript resample.R
library(boot)
library(jsonlite)

data <- fromJSON("cluster.json")$data
data <- as.data.frame(data)
set.seed(20260709)
ratio <- boot(data, function(d, i) sum(d$xa[i]) / sum(d$na[i]), R = 200000)
difference <- boot(data, function(d, i) {
  sum(d$xa[i]) / sum(d$na[i]) - sum(d$xb[i]) / sum(d$nb[i])
}, R = 200000)
percentile <- function(result, level) as.numeric(boot.ci(result, conf = level, type = "perc")$percent[4:5])

write(toJSON(
  list(
    R = R.version.string, boot = as.character(packageVersion("boot")),
    functions = "boot::boot(R = 200000), boot.ci(type = 'perc') on the clusters of cluster.json",
    ratio = percentile(ratio, 0.95),
    difference = percentile(difference, 0.95), difference_simultaneous = percentile(difference, 0.99)
  ),
  auto_unbox = TRUE, digits = NA, pretty = TRUE
), "resample.json")
