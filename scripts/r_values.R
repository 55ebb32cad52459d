# Fits of formulas, bases of splines and designs of factors as R computes them: constants for the tests of formulas.
#
#   Rscript scripts/r_values.R > tests/oracles/r_values.json
#
# It runs in the root of a checkout and needs base R only. It also writes the tables that R brings along to
# tests/oracles/r_tables/. Without R, WebAssembly's build of it does the same under Node:
#
#   npm install --prefix "$HOME/webr" webr@0.6.0 ws@8
#   cat > "$HOME/webr/run.mjs" <<'EOF'
#   import { WebR } from 'webr'
#   const r = new WebR({ interactive: false })
#   await r.init()
#   await r.FS.mkdir('/checkout')
#   await r.FS.mount('NODEFS', { root: process.cwd() }, '/checkout')
#   await r.evalRVoid("setwd('/checkout'); sink('tests/oracles/r_values.json'); source('scripts/r_values.R'); sink()")
#   process.exit(0)
#   EOF
#   node "$HOME/webr/run.mjs"
#
# How the fits are made:
# - A table is read from its CSV file. The levels of a text column are sorted by code point, as regress sorts them.
# - Rows with a missing cell in a column of the formula are dropped first. So knots, means and orthogonal polynomials
#   are those of the rows that are fitted. lm(na.action = na.omit) takes them from all rows of the column.
# - Contrasts are contr.treatment for every factor.
# - Terms keep R's order: by degree, and within a degree as written.
# - "aliased" marks formulas where R's columns depend on each other, so that R leaves coefficients out. A coding by
#   marginality has fewer columns there, and the same fitted values.

library(splines)
options(contrasts = c("contr.treatment", "contr.treatment"), warn = 1)

TABLES <- "tests/oracles/r_tables"
OWN <- c("penguins", "gapminder", "iris", "diabetes")  # in data/, not from R

# Writing -----------------------------------------------------------------------------------------------------------

shortest <- function(v) {  # a number as the shortest text of 15, 16 or 17 digits that reads back the same
  if (is.na(v)) return("")
  for (digits in 15:17) {
    text <- sprintf("%.*g", digits, v)
    if (as.numeric(text) == v) break
  }
  text
}

number <- function(v) if (length(v) != 1 || is.na(v)) "null" else shortest(v)
numbers <- function(v) paste0("[", paste(vapply(unname(v), number, ""), collapse = ", "), "]")
quoted <- function(v) paste0("\"", gsub("\"", "\\\"", gsub("\\", "\\\\", v, fixed = TRUE), fixed = TRUE), "\"")
texts <- function(v) paste0("[", paste(quoted(v), collapse = ", "), "]")
as_texts <- function(v) texts(as.character(v))
columns <- function(m) paste0("[", paste(apply(m, 2, numbers), collapse = ", "), "]")
object <- function(...) {  # values are JSON already
  values <- c(...)
  paste0("{", paste(quoted(names(values)), values, sep = ": ", collapse = ", "), "}")
}
list_of <- function(items) paste0("[\n", paste0("  ", items, collapse = ",\n"), "\n ]")

write_table <- function(name) {
  table <- get(name, "package:datasets")
  cells <- lapply(table, function(v) if (is.numeric(v)) vapply(v, shortest, "") else as.character(v))
  lines <- c(paste(names(table), collapse = ","), do.call(paste, c(unname(cells), sep = ",")))
  file <- file(file.path(TABLES, paste0(name, ".csv")), "wb")
  writeLines(lines, file, sep = "\n")
  close(file)
}

path_of <- function(name) file.path(if (name %in% OWN) "data" else TABLES, paste0(name, ".csv"))

read_table <- function(name) {
  table <- read.csv(path_of(name), na.strings = c("", "NA"), check.names = FALSE)
  for (column in names(table)) {
    v <- table[[column]]
    if (is.character(v)) table[[column]] <- factor(v, levels = sort(unique(v), method = "radix"))
  }
  table
}

# Fits --------------------------------------------------------------------------------------------------------------

# table, formula of R, the same formula for regress where it is written differently, column of weights
fit <- function(table, r, ours = r, weights = "") list(table = table, r = r, ours = ours, weights = weights)

FITS <- list(
  # powers, logarithms and products of numbers
  fit("mtcars", "log(mpg) ~ log(hp) + sqrt(wt) + exp(drat)"),
  fit("mtcars", "I(1/mpg) ~ wt + hp", "I(1 / mpg) ~ wt + hp"),
  fit("mtcars", "mpg ~ (wt + hp + qsec)^2", "mpg ~ (wt + hp + qsec) ** 2"),
  fit("mtcars", "mpg ~ wt + I(wt^2) + I(wt * hp)", "mpg ~ wt + I(wt ** 2) + I(wt * hp)"),
  fit("mtcars", "mpg ~ wt + hp + wt:hp:qsec", weights = "qsec"),
  fit("mtcars", "mpg ~ (wt + hp + am)^3 - wt:hp:am", "mpg ~ (wt + hp + am) ** 3 - wt:hp:am"),
  # numbers as categories, another reference level, sum coding
  fit("mtcars", "mpg ~ relevel(factor(cyl), ref = \"6\") * wt", "mpg ~ C(cyl, ref=6) * wt"),
  fit("mtcars", "mpg ~ 0 + factor(cyl) + wt", "mpg ~ 0 + C(cyl) + wt"),
  fit("mtcars", "mpg ~ C(factor(cyl), contr.sum) + C(factor(am), contr.sum) + hp",
      "mpg ~ C(cyl, coding='sum') + C(am, coding='sum') + hp"),
  fit("mtcars", "mpg ~ C(factor(cyl), contr.sum) * C(factor(am), contr.sum)",
      "mpg ~ C(cyl, coding='sum') * C(am, coding='sum')"),
  # patsy codes all levels of C(cyl, Sum) as a mean and differences here, R as indicators
  fit("mtcars", "mpg ~ C(factor(cyl), contr.sum):hp", "mpg ~ C(cyl, coding='sum'):hp"),
  # comparisons, scaled and centered columns
  fit("mtcars", "mpg ~ I(wt > 3) * hp"),
  fit("mtcars", "mpg ~ I(wt > 3) + I(hp >= 110)"),
  fit("mtcars", "mpg ~ scale(wt) + scale(hp, scale = FALSE)", "mpg ~ scale(wt) + center(hp)"),
  fit("mtcars", "mpg ~ scale(wt) * scale(hp)"),
  fit("mtcars", "mpg ~ poly(hp, 3)", "mpg ~ poly(hp, 3, orthogonal=True)"),

  # a factor and a number, in every way
  fit("iris", "sepal_length ~ species * petal_length"),
  fit("iris", "log(petal_width) ~ species + log(petal_length)"),
  fit("iris", "petal_width ~ 0 + species + species:petal_length"),
  fit("iris", "petal_width ~ species/petal_length"),
  fit("iris", "petal_width ~ species/petal_length - 1"),
  fit("iris", "petal_width ~ species:petal_length"),
  fit("iris", "petal_width ~ petal_length + species:petal_length"),
  fit("iris", "petal_width ~ 0 + species:petal_length"),
  fit("iris", "petal_width ~ 0 + petal_length + species"),
  fit("iris", "sepal_length ~ poly(petal_length, 3, raw = TRUE)", "sepal_length ~ poly(petal_length, 3)"),
  fit("iris", "sepal_length ~ species * poly(petal_length, 2, raw = TRUE)",
      "sepal_length ~ species * poly(petal_length, 2)"),
  fit("iris", "sepal_length ~ C(species, contr.sum) * sepal_width",
      "sepal_length ~ C(species, coding='sum') * sepal_width"),
  fit("iris", "sepal_length ~ relevel(species, ref = \"virginica\") + sepal_width",
      "sepal_length ~ C(species, ref='virginica') + sepal_width"),

  # missing cells; a column whose name is not an identifier
  fit("airquality", "log(Ozone) ~ Solar.R + Wind + Temp + factor(Month)",
      "log(Ozone) ~ `Solar.R` + Wind + Temp + C(Month)"),
  fit("airquality", "Ozone ~ Solar.R * Wind", "Ozone ~ `Solar.R` * Wind"),
  fit("airquality", "Ozone ~ bs(Temp, df = 5) + Wind", "Ozone ~ bs(Temp, df=5) + Wind"),
  fit("airquality", "sqrt(Ozone) ~ scale(Temp) + ns(Wind, df = 3)", "sqrt(Ozone) ~ scale(Temp) + ns(Wind, df=3)"),
  fit("airquality", "sqrt(Ozone) ~ cut(Temp, c(50, 70, 80, 100)) * Wind",
      "sqrt(Ozone) ~ cut(Temp, [50, 70, 80, 100]) * Wind"),
  fit("airquality", "Ozone ~ Wind:Temp + I(Wind^2)", "Ozone ~ Wind:Temp + I(Wind ** 2)"),

  # two factors, with and without an intercept
  fit("ToothGrowth", "len ~ supp * dose"),
  fit("ToothGrowth", "len ~ supp * log(dose)"),
  fit("ToothGrowth", "len ~ supp * factor(dose)", "len ~ supp * C(dose)"),
  fit("ToothGrowth", "len ~ 0 + supp + factor(dose)", "len ~ 0 + supp + C(dose)"),
  fit("ToothGrowth", "len ~ 0 + supp:factor(dose)", "len ~ 0 + supp:C(dose)"),
  fit("ToothGrowth", "len ~ supp:factor(dose)", "len ~ supp:C(dose)"),
  fit("ToothGrowth", "len ~ supp/dose"),
  fit("ToothGrowth", "len ~ supp/factor(dose)", "len ~ supp/C(dose)"),
  fit("ToothGrowth", "len ~ factor(dose) + supp:factor(dose) - 1", "len ~ C(dose) + supp:C(dose) - 1"),
  fit("warpbreaks", "breaks ~ wool * tension"),
  fit("warpbreaks", "log(breaks) ~ wool + tension"),
  fit("warpbreaks", "breaks ~ wool + tension - 1"),
  fit("warpbreaks", "breaks ~ 0 + wool * tension"),
  fit("warpbreaks", "breaks ~ 0 + wool:tension"),
  fit("warpbreaks", "breaks ~ tension/wool"),
  fit("warpbreaks", "breaks ~ wool:tension"),
  fit("warpbreaks", "sqrt(breaks) ~ wool * relevel(tension, ref = \"L\")", "sqrt(breaks) ~ wool * C(tension, ref='L')"),
  fit("warpbreaks", "breaks ~ C(wool, contr.sum) * C(tension, contr.sum)",
      "breaks ~ C(wool, coding='sum') * C(tension, coding='sum')"),
  # as above: indicators of both levels of wool
  fit("warpbreaks", "breaks ~ 0 + C(wool, contr.sum) + C(tension, contr.sum)",
      "breaks ~ 0 + C(wool, coding='sum') + C(tension, coding='sum')"),
  fit("InsectSprays", "sqrt(count) ~ spray"),
  fit("InsectSprays", "sqrt(count) ~ 0 + spray"),
  fit("InsectSprays", "log(count + 1) ~ C(spray, contr.sum)", "log(count + 1) ~ C(spray, coding='sum')"),
  fit("InsectSprays", "count ~ relevel(spray, ref = \"C\")", "count ~ C(spray, ref='C')"),

  # three factors and a number
  fit("CO2", "uptake ~ Type * Treatment + log(conc)"),
  fit("CO2", "uptake ~ (Type + Treatment + log(conc))^2", "uptake ~ (Type + Treatment + log(conc)) ** 2"),
  fit("CO2", "uptake ~ Type * Treatment * log(conc)"),
  fit("CO2", "uptake ~ Type:Treatment:log(conc)"),
  fit("CO2", "uptake ~ 0 + Type:Treatment + conc"),
  fit("CO2", "uptake ~ Type + Type:Treatment:log(conc)"),
  fit("CO2", "uptake ~ ns(conc, knots = c(200, 500)) * Type", "uptake ~ ns(conc, knots=[200, 500]) * Type"),
  fit("CO2", "sqrt(uptake) ~ Type/Treatment + poly(conc, 2)",
      "sqrt(uptake) ~ Type/Treatment + poly(conc, 2, orthogonal=True)"),
  fit("CO2", "uptake ~ Type:Treatment + Treatment + log(conc)"),
  fit("ChickWeight", "weight ~ factor(Diet) * Time", "weight ~ C(Diet) * Time"),
  fit("ChickWeight", "weight ~ Time + Time:factor(Diet)", "weight ~ Time + Time:C(Diet)"),
  fit("ChickWeight", "log(weight) ~ 0 + factor(Diet) + factor(Diet):Time", "log(weight) ~ 0 + C(Diet) + C(Diet):Time"),
  fit("ChickWeight", "log(weight) ~ ns(Time, df = 3) * factor(Diet)", "log(weight) ~ ns(Time, df=3) * C(Diet)"),
  fit("ChickWeight", "log(weight) ~ factor(Diet):bs(Time, df = 4)", "log(weight) ~ C(Diet):bs(Time, df=4)"),
  fit("esoph", "log1p(ncases) ~ agegp + alcgp * tobgp"),
  fit("esoph", "log1p(ncases) ~ agegp + alcgp + tobgp", weights = "ncontrols"),
  fit("esoph", "sqrt(ncases) ~ C(agegp, contr.sum) + alcgp:log(ncontrols + 1)",
      "sqrt(ncases) ~ C(agegp, coding='sum') + alcgp:log(ncontrols + 1)"),
  fit("npk", "yield ~ factor(block) + N * P + K", "yield ~ C(block) + N * P + K"),
  fit("npk", "yield ~ factor(block) + factor(N):factor(P)", "yield ~ C(block) + C(N):C(P)"),
  fit("npk", "yield ~ N * P * K - N:P:K"),

  # bases
  fit("swiss", "Fertility ~ bs(Agriculture, knots = c(30, 60), degree = 2) + Infant.Mortality",
      "Fertility ~ bs(Agriculture, knots=[30, 60], degree=2) + `Infant.Mortality`"),
  fit("swiss", "Fertility ~ poly(Education, 2) + log(Agriculture)",
      "Fertility ~ poly(Education, 2, orthogonal=True) + log(Agriculture)"),
  fit("swiss", "Fertility ~ cut(Catholic, c(0, 20, 80, 100)) * Education",
      "Fertility ~ cut(Catholic, [0, 20, 80, 100]) * Education"),
  fit("swiss", "Fertility ~ ns(Education, df = 4) + I(Catholic > 50)",
      "Fertility ~ ns(Education, df=4) + I(Catholic > 50)"),
  fit("women", "weight ~ bs(height, df = 5)", "weight ~ bs(height, df=5)"),
  fit("women", "weight ~ ns(height, df = 5)", "weight ~ ns(height, df=5)"),
  fit("women", "weight ~ height + I(height^2)", "weight ~ height + I(height ** 2)"),
  fit("women", "weight ~ poly(height, 3)", "weight ~ poly(height, 3, orthogonal=True)"),
  fit("cars", "dist ~ speed + I(speed^2)", "dist ~ speed + I(speed ** 2)"),
  fit("cars", "sqrt(dist) ~ speed"),
  fit("cars", "dist ~ 0 + speed + I(speed^2)", "dist ~ 0 + speed + I(speed ** 2)"),
  fit("cars", "dist ~ 0 + poly(speed, 2, raw = TRUE)", "dist ~ 0 + poly(speed, 2)"),
  fit("cars", "dist ~ bs(speed, degree = 2)", "dist ~ bs(speed, degree=2)"),
  fit("cars", "log(dist) ~ ns(log(speed), df = 3)", "log(dist) ~ ns(log(speed), df=3)"),
  fit("trees", "log(Volume) ~ log(Girth) + log(Height)"),
  fit("trees", "Volume ~ 0 + I(Girth^2 * Height)", "Volume ~ 0 + I(Girth ** 2 * Height)"),
  fit("trees", "Volume ~ Girth * Height"),
  fit("trees", "I(Volume^(1/3)) ~ Girth + Height", "I(Volume ** (1 / 3)) ~ Girth + Height"),
  fit("trees", "Volume ~ poly(Girth, 2) + poly(Height, 2)",
      "Volume ~ poly(Girth, 2, orthogonal=True) + poly(Height, 2, orthogonal=True)"),
  fit("quakes", "mag ~ log(stations) * depth"),
  fit("quakes", "mag ~ bs(lat, df = 5) + ns(long, df = 4) + log(stations)",
      "mag ~ bs(lat, df=5) + ns(long, df=4) + log(stations)"),
  fit("quakes", "mag ~ cut(depth, c(0, 70, 300, 700)) + log10(stations)",
      "mag ~ cut(depth, [0, 70, 300, 700]) + log10(stations)"),
  # values outside the breaks are missing
  fit("quakes", "mag ~ cut(depth, c(100, 300, 500), right = FALSE)", "mag ~ cut(depth, [100, 300, 500], right=False)"),
  fit("longley", "log(Employed) ~ log(GNP) + Unemployed + GNP.deflator",
      "log(Employed) ~ log(GNP) + Unemployed + `GNP.deflator`"),
  fit("longley", "Employed ~ scale(GNP) + scale(Population, scale = FALSE) + I(Year > 1954)",
      "Employed ~ scale(GNP) + center(Population) + I(Year > 1954)"),
  fit("longley", "Employed ~ I(GNP / Population) + I((GNP - Unemployed)^2)",
      "Employed ~ I(GNP / Population) + I((GNP - Unemployed) ** 2)"),

  # larger tables
  fit("penguins", "body_mass_g ~ species * sex + flipper_length_mm"),
  fit("penguins", "log(body_mass_g) ~ relevel(species, ref = \"Gentoo\") * bill_length_mm",
      "log(body_mass_g) ~ C(species, ref='Gentoo') * bill_length_mm"),
  fit("penguins", "body_mass_g ~ species/sex + bs(bill_depth_mm, df = 4)",
      "body_mass_g ~ species/sex + bs(bill_depth_mm, df=4)"),
  fit("penguins", "body_mass_g ~ 0 + species:sex + scale(flipper_length_mm, scale = FALSE)",
      "body_mass_g ~ 0 + species:sex + center(flipper_length_mm)"),
  fit("penguins", "body_mass_g ~ species:sex:flipper_length_mm"),
  fit("gapminder", "lifeExp ~ continent * log(gdpPercap) + year"),
  fit("gapminder", "lifeExp ~ 0 + continent + continent:log(gdpPercap)", weights = "pop"),
  fit("gapminder", "lifeExp ~ bs(log(gdpPercap), knots = c(7, 9)) + C(continent, contr.sum)",
      "lifeExp ~ bs(log(gdpPercap), knots=[7, 9]) + C(continent, coding='sum')"),
  fit("gapminder", "log(gdpPercap) ~ relevel(continent, ref = \"Europe\") + poly(year, 2)",
      "log(gdpPercap) ~ C(continent, ref='Europe') + poly(year, 2, orthogonal=True)"),
  fit("gapminder", "lifeExp ~ log(pop) * I(year - 1952)"),
  fit("diabetes", "progression ~ (bmi + bp + s5)^2", "progression ~ (bmi + bp + s5) ** 2"),
  fit("diabetes", "log(progression) ~ C(factor(sex), contr.sum) * bmi + s3",
      "log(progression) ~ C(sex, coding='sum') * bmi + s3"),
  fit("diabetes", "progression ~ ns(bmi, df = 3) + ns(s5, df = 3) + factor(sex)",
      "progression ~ ns(bmi, df=3) + ns(s5, df=3) + C(sex)"),
  fit("diabetes", "sqrt(progression) ~ bmi * factor(sex) + log(s5) + I(bp^2)",
      "sqrt(progression) ~ bmi * C(sex) + log(s5) + I(bp ** 2)")
)

fitted_by_r <- function(case) {
  formula <- as.formula(case$r)
  table <- read_table(case$table)
  used <- intersect(names(table), c(all.vars(formula), case$weights))
  kept <- table[complete.cases(table[used]), ]
  weights <- if (nzchar(case$weights)) kept[[case$weights]] else rep(1, nrow(kept))
  environment(formula) <- environment()  # where lm finds the weights
  model <- lm(formula, kept, weights = weights)
  figures <- summary(model)
  std_err <- coef(model)
  std_err[!is.na(std_err)] <- figures$coefficients[, "Std. Error"]
  object(
    table = quoted(path_of(case$table)), r = quoted(case$r), formula = quoted(case$ours),
    weights = if (nzchar(case$weights)) quoted(case$weights) else "null",
    intercept = if (attr(terms(model), "intercept") == 1) "true" else "false",
    aliased = if (anyNA(coef(model))) "true" else "false",
    nobs = number(model$rank + df.residual(model)), rank = number(model$rank),
    names = texts(names(coef(model))), coef = numbers(coef(model)), std_err = numbers(std_err),
    sigma = number(figures$sigma), r2 = number(figures$r.squared), rss = number(deviance(model))
  )
}

# Bases -------------------------------------------------------------------------------------------------------------

X <- c(0.3, 1.7, 2.2, 2.9, 3.1, 3.1, 4.8, 5.5, 6.25, 7, 8.4, 9.6, 11.3, 12)
NEW_X <- c(-1, 0.3, 0.75, 3.1, 6, 9.9, 12, 13.5)  # the first and the last lie outside the boundary knots

basis <- function(name, ...) list(name = name, options = list(...))

BASES <- list(
  basis("bs"), basis("bs", df = 5), basis("bs", df = 8), basis("bs", knots = c(2.5, 7)), basis("bs", degree = 5),
  basis("bs", knots = c(3.1, 5, 9), degree = 2), basis("bs", df = 3, degree = 1), basis("bs", df = 4, intercept = TRUE),
  basis("bs", df = 6, intercept = TRUE), basis("bs", df = 5, Boundary.knots = c(-2, 15)),
  basis("ns"), basis("ns", df = 3), basis("ns", df = 5), basis("ns", knots = 5), basis("ns", knots = c(2.5, 7)),
  basis("ns", df = 4, intercept = TRUE), basis("ns", df = 3, Boundary.knots = c(1, 10)),
  basis("poly", degree = 1), basis("poly", degree = 3), basis("poly", degree = 5),
  basis("poly", degree = 3, raw = TRUE), basis("scale"), basis("scale", scale = FALSE)
)

option <- function(name, value) {
  if (is.logical(value)) return(if (value) "true" else "false")
  if (name %in% c("knots", "Boundary.knots")) numbers(value) else number(value)
}

basis_by_r <- function(case) {
  made <- do.call(case$name, c(list(X), case$options))
  center <- attr(made, "scaled:center")
  spread <- attr(made, "scaled:scale")
  at_new <- if (case$name == "scale") {
    scale(NEW_X, center, if (is.null(spread)) FALSE else spread)
  } else {
    suppressWarnings(predict(made, NEW_X))  # bs() warns of values outside the boundary knots
  }
  object(
    name = quoted(case$name),
    options = if (length(case$options)) object(unlist(Map(option, names(case$options), case$options))) else "{}",
    knots = numbers(attr(made, "knots")), columns = columns(made), new_columns = columns(at_new)
  )
}

PROBABILITIES <- c(0, 0.1, 0.25, 1/3, 0.5, 2/3, 0.75, 0.9, 1)
SAMPLES <- list(X, c(5, 1, 4), c(2, 2, 2, 9), c(-1.5, 1e6, 0.1, 0.2, 0.30000000000000004), 1:10)

quantiles <- function(x) {
  object(x = numbers(x), p = numbers(PROBABILITIES), quantiles = numbers(quantile(x, PROBABILITIES, type = 7)))
}

# Designs -----------------------------------------------------------------------------------------------------------

ROWS <- expand.grid(a = c("p", "q"), b = c("u", "v", "w"), twice = 1:2, KEEP.OUT.ATTRS = FALSE, stringsAsFactors = TRUE)
ROWS$x <- c(2, 3, 5, 7, 11, 13, 1, 6, 4, 8, 0, 9)
ROWS$z <- c(1, -1, 4, 2, -3, 6, 0, 5, 7, -2, 3, -4)

# as in FITS: the formula of R, and for regress where it is written differently
DESIGNS <- list(
  "~ a", "~ 0 + a", "~ b", "~ a + b", "~ 0 + a + b", "~ 0 + b + a", "~ a * b", "~ 0 + a * b", "~ a:b",
  "~ 0 + a:b", "~ a/b", "~ b/a", "~ 0 + a/b", "~ a + a:b - 1", "~ b + a:b", "~ a * b - a",
  "~ x - 1", "~ a * x", "~ 0 + a * x", "~ x * a", "~ a:x", "~ 0 + a:x", "~ x + a:x", "~ 0 + x + a:x", "~ x + a",
  "~ 0 + x + b", "~ a/x", "~ a + b:x", "~ a:x + b:z", "~ a * x - x", "~ x:z", "~ x * z", "~ a * x * z",
  "~ a:b:x", "~ 0 + a:b:x", "~ x + a:b:x", "~ a * b * x", "~ a * b + a:x", "~ a:x:z + b",
  c("~ (a + b + x)^2", "~ (a + b + x) ** 2"), c("~ (a + b + x)^2 - a:b", "~ (a + b + x) ** 2 - a:b"),
  c("~ relevel(b, ref = \"w\")", "~ C(b, ref='w')"), c("~ a * relevel(b, ref = \"v\")", "~ a * C(b, ref='v')"),
  c("~ C(b, contr.sum)", "~ C(b, coding='sum')"), c("~ 0 + C(b, contr.sum)", "~ 0 + C(b, coding='sum')"),
  c("~ C(a, contr.sum) * C(b, contr.sum)", "~ C(a, coding='sum') * C(b, coding='sum')"),
  c("~ 0 + C(a, contr.sum) + C(b, contr.sum)", "~ 0 + C(a, coding='sum') + C(b, coding='sum')"),
  c("~ C(b, contr.sum) * x", "~ C(b, coding='sum') * x"), c("~ C(b, contr.sum):x", "~ C(b, coding='sum'):x"),
  c("~ a * poly(x, 2, raw = TRUE)", "~ a * poly(x, 2)"),
  c("~ poly(x, 2, raw = TRUE):poly(z, 2, raw = TRUE)", "~ poly(x, 2):poly(z, 2)"),
  c("~ I(x > 5) * a", "~ I(x > 5) * a"), c("~ cut(x, c(-1, 3, 7, 13)) + a", "~ cut(x, [-1, 3, 7, 13]) + a"),
  c("~ I(x^2) + I(x * z)", "~ I(x ** 2) + I(x * z)")
)

design <- function(formulas) {
  X <- model.matrix(as.formula(formulas[1]), ROWS)
  object(
    r = quoted(formulas[1]), formula = quoted(formulas[length(formulas)]),
    aliased = if (qr(X)$rank < ncol(X)) "true" else "false",
    names = texts(colnames(X)), columns = columns(X)
  )
}

# All ---------------------------------------------------------------------------------------------------------------

dir.create(TABLES, showWarnings = FALSE)
for (name in setdiff(unique(vapply(FITS, function(case) case$table, "")), OWN)) write_table(name)
cat(
  "{\n",
  "\"r\": ", quoted(R.version.string), ",\n \"platform\": ", quoted(R.version$platform), ",\n",
  " \"fits\": ", list_of(vapply(FITS, fitted_by_r, "")), ",\n",
  " \"x\": ", numbers(X), ",\n \"new_x\": ", numbers(NEW_X), ",\n",
  " \"bases\": ", list_of(vapply(BASES, basis_by_r, "")), ",\n",
  " \"quantiles\": ", list_of(vapply(SAMPLES, quantiles, "")), ",\n",
  " \"rows\": ", object(lapply(ROWS[c("a", "b")], as_texts), lapply(ROWS[c("x", "z")], numbers)), ",\n",
  " \"designs\": ", list_of(vapply(DESIGNS, design, "")), "\n",
  "}\n", sep = ""
)
