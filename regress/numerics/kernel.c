/* Sums of products of columns: in float64, and without rounding.

   Cells are read through a pointer and a step for each column, so rows may lie row by row or column by column. Some rows
   at a time are copied into panels of eight columns, which stay in the cache, and blocks of products stay in registers.

   A sum of products is a chain of fused multiply-adds in the order of the rows. So every CPU computes the same bits,
   however wide its vectors are. regress/numerics/kernel.py calls these functions. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PANEL = 8 };  /* columns side by side */

typedef double Cells __attribute__((vector_size(64), aligned(64), may_alias));
typedef double Loose __attribute__((vector_size(64), aligned(8), may_alias)); /* anywhere in memory */
typedef int64_t Bits __attribute__((vector_size(64), aligned(64), may_alias));
typedef int64_t LooseBits __attribute__((vector_size(64), aligned(8), may_alias));

#ifdef __AVX512F__
enum { HIGH = 8, WIDE = 2 }; /* a block of HIGH x (PANEL * WIDE) sums fits in the registers */
#else
enum { HIGH = 4, WIDE = 1 };
#endif

/* Columns: their first cells, and how many cells further the next row is. */
typedef struct {
  const double *const *first;
  const int64_t *step;
  int64_t rows, columns;
} Table;

static void *zeroed(size_t bytes) {
  bytes = (bytes + 63) & ~(size_t)63;
  void *memory = aligned_alloc(64, bytes);
  return memory ? memset(memory, 0, bytes) : NULL;
}

static int some(Bits mask) {
  int64_t any = 0;
  for (int j = 0; j < PANEL; j++) any |= mask[j];
  return any != 0;
}

static int64_t panels_of(const Table *table) { return (table->columns + PANEL - 1) / PANEL; }

/* Copy the cells of a panel's columns in some rows, less `shift` if that is not NULL; columns behind the last are zero. */
static void copy_panel(Cells *to, const Table *table, int64_t panel, int64_t from, int64_t rows, const double *shift) {
  static const double zero;
  Cells by = {0};
  const double *cell[PANEL];
  int64_t step[PANEL], side_by_side = 1;
  if (shift) by = *(const Loose *)(shift + panel * PANEL);
  for (int64_t j = 0, column = panel * PANEL; j < PANEL; j++, column++) {
    int there = column < table->columns;
    step[j] = there ? table->step[column] : 0;
    cell[j] = there ? table->first[column] + from * step[j] : &zero;
    side_by_side &= there && cell[j] == cell[0] + j && step[j] == step[0];
  }
  if (side_by_side) {
    for (int64_t i = 0; i < rows; i++) to[i] = *(const Loose *)(cell[0] + i * step[0]) - by;
    return;
  }
  for (int64_t i = 0; i < rows; i++) {
    Cells row = {0};
    for (int j = 0; j < PANEL; j++) row[j] = cell[j][i * step[j]];
    to[i] = row - by;
  }
}

/* Sum a[i]^T b[i] over rows: HIGH columns of one panel, from `top` on, by all columns of `wide` panels. */
static inline __attribute__((always_inline)) void narrow_block(Cells *sums, const Cells *a, int top, const Cells *b,
                                                           int64_t between, int64_t rows, const int wide) {
  Cells sum[HIGH][WIDE] = {0};
  for (int64_t i = 0; i < rows; i++) {
    const double *left = (const double *)(a + i) + top;
    for (int j = 0; j < wide; j++) {
      Cells right = b[j * between + i];
      for (int k = 0; k < HIGH; k++) sum[k][j] += left[k] * right;
    }
  }
  for (int k = 0; k < HIGH; k++)
    for (int j = 0; j < wide; j++) sums[(top + k) * WIDE + j] = sum[k][j];
}

/* The products of a panel with `wide` ones, `between` rows of cells apart. */
static void block(Cells sums[PANEL * WIDE], const Cells *a, const Cells *b, int64_t between, int64_t rows, int wide) {
  for (int top = 0; top < PANEL; top += HIGH) {
    if (wide == WIDE)
      narrow_block(sums, a, top, b, between, rows, WIDE);
    else
      narrow_block(sums, a, top, b, between, rows, 1);
  }
}

/* Add the sums of (x - shift) root and of their products to `gram`, of which the blocks on and above the diagonal are used.

   gram has 8 ceil(columns / 8) rows and columns; shift has as many. root has a number for each row, or is NULL. */
int products(const double *const *first, const int64_t *step, int64_t rows, int64_t columns, const double *shift,
            const double *root, double *gram) {
  enum { TILE = 256 };
  Table table = {first, step, rows, columns};
  int64_t panels = panels_of(&table), size = panels * PANEL;
  Cells *cells = zeroed(panels * TILE * sizeof(Cells)), sums[PANEL * WIDE];
  if (!cells) return -1;
  for (int64_t from = 0; from < rows; from += TILE) {
    int64_t count = rows - from < TILE ? rows - from : TILE;
    for (int64_t p = 0; p < panels; p++) {
      Cells *panel = cells + p * TILE;
      copy_panel(panel, &table, p, from, count, shift);
      for (int64_t i = 0; root && i < count; i++) panel[i] *= root[from + i];
    }
    for (int64_t p = 0; p < panels; p++)
      for (int64_t q = p, wide; q < panels; q += wide) {
        wide = panels - q < WIDE ? 1 : WIDE;
        block(sums, cells + p * TILE, cells + q * TILE, TILE, count, wide);
        for (int k = 0; k < PANEL; k++)
          for (int j = 0; j < wide; j++) {
            Loose *to = (Loose *)(gram + (p * PANEL + k) * size + (q + j) * PANEL);
            *to += sums[k * WIDE + j];
          }
      }
  }
  free(cells);
  return 0;
}

/* Sums without rounding. A cell is cut into slices: integers of at most 2^22, in units 2^23 times as fine as those of the
   one before. All sums of their products are those of squares, as Karatsuba (1962) multiplies:

     AᵀB + BᵀA = (A + B)ᵀ(A + B) - AᵀA - BᵀB

   A + B is at most 2^23, its products at most 2^46, and the sum of 128 of them at most 2^53, which a double holds. */
enum { EXACT = 128, SLICES = 3, LEVELS = 2 * SLICES - 1 };
enum { A0, A1, A2, A01, A02, A12, KINDS }; /* the slices, and sums of two */

/* A cell's slices; the power of two below it, at the first slice where that is 1 or more; whether the cell is no
   integer below 2^53; whether the slices are not all of it. */
typedef struct {
  Cells slice[SLICES], power[SLICES];
  Bits inexact, left;
} Cut;

/* What is counted of the cells of a panel: squares of their powers, and those that are inexact. */
typedef struct {
  Cells squares[SLICES];
  Bits inexact;
} Tally;

typedef struct {
  Table table;
  const double *scale; /* of each column: a power of two */
  int64_t panels, apart;
  Cells *cells; /* (KINDS, panels, EXACT) */
  Tally *tally; /* (panels) */
  int *depth;   /* slices of each panel that are not all zero */
} Work;

static inline Cells where(Bits mask, Cells cells) { return (Cells)((Bits)cells & mask); }

static inline Cells magnitude(Cells cells) { return where((Bits){} + INT64_MAX, cells); }

static inline Cut cut(Cells x, Cells scale) {
  Cut found;
  Cells z = x * scale, rest = z;
  for (int k = 0; k < SLICES; k++) {
    found.slice[k] = __builtin_elementwise_rint(rest);
    rest = (rest - found.slice[k]) * 0x1p23;
  }
  Bits fits = magnitude(z) <= 0x1p22, above = {0};
  Cells power = where(fits & 0x7FF0000000000000, z);
  for (int k = 0; k < SLICES; k++) {
    Bits here = (power >= 1.0) & ~above;
    found.power[k] = where(here, power);
    above |= here;
    power *= 0x1p23;
  }
  found.left = ~fits | (rest != 0.0) | ((z == 0.0) & (x != 0.0));
  found.inexact = (x != __builtin_elementwise_rint(x)) | (magnitude(x) >= 0x1p53);
  return found;
}

static inline void count(Tally *tally, const Cut *found, int once_more) {
  for (int k = 0; k < SLICES; k++) {
    Cells square = found->power[k] * found->power[k];
    tally->squares[k] += once_more ? square : -square;
  }
  tally->inexact += once_more ? -found->inexact : found->inexact; /* a mask is -1 */
}

static inline void put(Cells *cells, int64_t apart, const Cells slice[SLICES]) {
  for (int k = 0; k < SLICES; k++) cells[k * apart] = slice[k];
  cells[A01 * apart] = slice[0] + slice[1];
  cells[A02 * apart] = slice[0] + slice[2];
  cells[A12 * apart] = slice[1] + slice[2];
}

/* Cut the cells of some rows of a panel; mark in `left` the rows whose slices are not all of them. */
static void cut_panel(Work *work, int64_t p, int64_t from, int64_t rows, Bits *left) {
  Cells *panel = work->cells + p * EXACT, scale = *(const Loose *)(work->scale + p * PANEL);
  Bits deep[SLICES] = {0};
  Tally tally = {0};
  copy_panel(panel, &work->table, p, from, rows, NULL);
  for (int64_t i = 0; i < rows; i++) {
    Cut found = cut(panel[i], scale);
    put(panel + i, work->apart, found.slice);
    count(&tally, &found, 1);
    left[i] |= found.left;
    for (int k = 1; k < SLICES; k++) deep[k] |= found.slice[k] != 0.0;
  }
  work->tally[p] = tally;
  work->depth[p] = some(deep[2]) ? 3 : some(deep[1]) ? 2 : 1;
}

/* Undo the cut of a row: its slices become zeros, and its cells are not counted. */
static void drop_row(Work *work, int64_t from, int64_t i) {
  static const Cells zeros[SLICES];
  for (int64_t p = 0; p < work->panels; p++) {
    Cells x = {0};
    copy_panel(&x, &work->table, p, from + i, 1, NULL);
    Cut found = cut(x, *(const Loose *)(work->scale + p * PANEL));
    count(work->tally + p, &found, 0);
    put(work->cells + p * EXACT + i, work->apart, zeros);
  }
}

static inline void add(int64_t *to, Bits digits) { *(LooseBits *)to += digits; }

static inline Bits whole(Cells cells) { return __builtin_convertvector(cells, Bits); }

/* Add products of slices i of a panel and j of `wide` others, from q on, to the levels i + j at `to`. */
static void add_products(const Work *work, int64_t p, int64_t q, int wide, int64_t rows, int64_t *to) {
  static const int kinds[] = {0, 1, 3, KINDS}; /* by depth: A0; then A1 and A01 too; then all */
  static const int order[KINDS] = {A0, A1, A01, A2, A02, A12};
  int64_t size = work->panels * PANEL;
  Cells found[KINDS][PANEL * WIDE];
  int depth = work->depth[p];
  for (int j = 0; j < wide; j++) depth = work->depth[q + j] > depth ? work->depth[q + j] : depth;
  for (int s = 0; s < kinds[depth]; s++) {
    const Cells *cells = work->cells + order[s] * work->apart;
    block(found[order[s]], cells + p * EXACT, cells + q * EXACT, EXACT, rows, wide);
  }
  for (int k = 0; k < PANEL; k++)
    for (int j = 0; j < wide; j++) {
      int at = k * WIDE + j;
      int64_t *here = to + (p * PANEL + k) * size + (q + j) * PANEL, level = size * size;
      Bits s0 = whole(found[A0][at]);
      add(here, s0);
      if (depth == 1) continue;
      Bits s1 = whole(found[A1][at]);
      add(here + level, whole(found[A01][at]) - s0 - s1);
      add(here + 2 * level, s1);
      if (depth == 2) continue;
      Bits s2 = whole(found[A2][at]);
      add(here + 2 * level, whole(found[A02][at]) - s0 - s2);
      add(here + 3 * level, whole(found[A12][at]) - s1 - s2);
      add(here + 4 * level, s2);
    }
}

/* Add the sums of products of columns to `sums`, by level of the slices, and what is counted to `squares` and `inexact`.

   A row is only marked in `aside` if a cell is too large for the first slice, or something remains after the last.
   `sums` is (LEVELS, size, size) for size = 8 ceil(columns / 8), of which the blocks on and above the diagonal are
   used; `squares` is (SLICES, size), `scale` and `inexact` are (size), `aside` is (rows). Up to 2^16 rows, 512 times
   EXACT, add at most 2^62 to a level. */
int exact_products(const double *const *first, const int64_t *step, int64_t rows, int64_t columns, const double *scale,
          int64_t *sums, int64_t *squares, int64_t *inexact, uint8_t *aside) {
  Work work = {.table = {first, step, rows, columns}, .scale = scale};
  int64_t panels = work.panels = panels_of(&work.table), size = panels * PANEL;
  work.apart = panels * EXACT;
  work.cells = zeroed(KINDS * work.apart * sizeof(Cells));
  work.tally = zeroed(panels * sizeof(Tally));
  work.depth = zeroed(panels * sizeof(int));
  int failed = !work.cells || !work.tally || !work.depth;
  for (int64_t from = 0; from < rows && !failed; from += EXACT) {
    int64_t count = rows - from < EXACT ? rows - from : EXACT;
    Bits left[EXACT] = {0};
    for (int64_t p = 0; p < panels; p++) cut_panel(&work, p, from, count, left);
    for (int64_t i = 0; i < count; i++)
      if (some(left[i])) {
        aside[from + i] = 1;
        drop_row(&work, from, i);
      }
    for (int64_t p = 0; p < panels; p++) {
      for (int k = 0; k < SLICES; k++) add(squares + k * size + p * PANEL, whole(work.tally[p].squares[k]));
      add(inexact + p * PANEL, work.tally[p].inexact);
    }
    for (int64_t p = 0; p < panels; p++)
      for (int64_t q = p, wide; q < panels; q += wide) {
        wide = panels - q < WIDE ? 1 : WIDE;
        add_products(&work, p, q, wide, count, sums);
      }
  }
  free(work.cells);
  free(work.tally);
  free(work.depth);
  return -failed;
}
