# Fits a CSV file by R's lm, which reads it completely, or by biglm, in chunks; prints [b, w...] as JSON.
# Rscript lm.R lm|biglm FILE TARGET

CHUNK <- 100000 # rows that biglm sees at once

whole <- function(path, target) lm(reformulate(".", target), data = read.csv(path))

in_chunks <- function(path, target) {
  if (!requireNamespace("biglm", quietly = TRUE)) stop("biglm is not installed")
  file <- file(path, "r")
  chunk <- read.csv(file, nrows = CHUNK)
  columns <- names(chunk)
  model <- biglm::biglm(reformulate(setdiff(columns, target), target), chunk)
  repeat {
    chunk <- tryCatch(
      read.csv(file, header = FALSE, nrows = CHUNK, col.names = columns),
      error = function(e) NULL # there are no more lines
    )
    if (is.null(chunk)) return(model)
    model <- update(model, chunk)
  }
}

words <- commandArgs(trailingOnly = TRUE)
fit <- list(lm = whole, biglm = in_chunks)[[words[1]]]
model <- tryCatch(fit(words[2], words[3]), error = function(e) {
  message(conditionMessage(e))
  quit(status = 1)
})
cat("[", paste(sprintf("%.17g", coef(model)), collapse = ", "), "]\n", sep = "")
