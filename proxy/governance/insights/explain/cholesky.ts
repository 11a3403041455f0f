/** A symmetric matrix, row by row. */
export type SquareMatrix = readonly Float64Array[];

/**
 * Inverts a symmetric positive definite matrix by its Cholesky factor.
 *
 * @see Golub, G. H. and Van Loan, C. F. (2013). Matrix Computations, section 4.2
 */
export function invert(matrix: SquareMatrix): Float64Array[] {
  const size = matrix.length;
  const factor = factorize(matrix);
  const inverse = matrix.map(() => new Float64Array(size));
  for (let column = 0; column < size; column += 1) {
    const unit = new Float64Array(size);
    unit[column] = 1;
    const solved = solve(factor, unit);
    for (let row = 0; row < size; row += 1) at(inverse, row)[column] = solved[row] ?? 0;
  }
  return inverse;
}

export function multiply(matrix: SquareMatrix, vector: ArrayLike<number>): Float64Array {
  return Float64Array.from(matrix, (row) => row.reduce((sum, value, column) => sum + value * (vector[column] ?? 0), 0));
}

/** The lower triangle whose product with its transpose is the matrix. */
function factorize(matrix: SquareMatrix): Float64Array[] {
  const factor = matrix.map(() => new Float64Array(matrix.length));
  for (let row = 0; row < matrix.length; row += 1) {
    for (let column = 0; column <= row; column += 1) {
      const [one, other] = [at(factor, row), at(factor, column)];
      let left = at(matrix, row)[column] ?? 0;
      for (let before = 0; before < column; before += 1) left -= (one[before] ?? 0) * (other[before] ?? 0);
      one[column] = row === column ? Math.sqrt(left) : left / (other[column] ?? 1);
    }
  }
  return factor;
}

/** Solves by forward and back substitution. */
function solve(factor: SquareMatrix, right: Float64Array): Float64Array {
  const size = factor.length;
  const solved = Float64Array.from(right);
  for (let row = 0; row < size; row += 1) {
    let left = solved[row] ?? 0;
    for (let before = 0; before < row; before += 1) left -= (at(factor, row)[before] ?? 0) * (solved[before] ?? 0);
    solved[row] = left / (at(factor, row)[row] ?? 1);
  }
  for (let row = size - 1; row >= 0; row -= 1) {
    let left = solved[row] ?? 0;
    for (let after = row + 1; after < size; after += 1) left -= (at(factor, after)[row] ?? 0) * (solved[after] ?? 0);
    solved[row] = left / (at(factor, row)[row] ?? 1);
  }
  return solved;
}

function at(matrix: SquareMatrix, row: number): Float64Array {
  return matrix[row] as Float64Array;
}
