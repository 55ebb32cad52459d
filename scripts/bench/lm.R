# Fits a CSV file by R's lm, which reads it completely, or by biglm, in chunks; prints [b, w...] as JSON.
# Rscript lm.R lm|biglm FILE TARGET

CHUNK <- 100000 # rows that biglm sees at once

numbers <- function(...) read.csv(..., colClasses = "numeric") # which is much faster than guessing types

complete <- function(path, target) lm(reformulate(".", target), data = numbers(path))

in_chunks <- function(path, target) {
  if (!requireNamespace("biglm", quietly = TRUE)) stop("biglm is not installed")
  file <- file(path, "r")
  chunk <- numbers(file, nrows = CHUNK)
  columns <- names(chunk)
  model <- biglm::biglm(reformulate(setdiff(columns, target), target), chunk)
  repeat {
    chunk <- numbers(file, header = FALSE, nrows = CHUNK, col.names = columns)
    if (nrow(chunk) == 0) return(model)
    model <- update(model, chunk)
  }
}

words <- commandArgs(trailingOnly = TRUE)
fit <- list(lm = complete, biglm = in_chunks)[[words[1]]]
model <- tryCatch(fit(words[2], words[3]), error = function(e) {
  message(conditionMessage(e))
  quit(status = 1)
})
cat("[", paste(sprintf("%.17g", coef(model)), collapse = ", "), "]\n", sep = "")
