import { describe, expect, it } from 'vitest';
import { chiSquareTail, type Distance, distanceOf } from '../../../src/drift/distance.ts';

const REFERENCE = [100, 200, 400, 200, 100];
const distance = (reference: number[], current: number[]) => distanceOf(reference, current) as Distance;

describe('the distance of two distributions over the same bins', () => {
  it('is that of the published formulas', () => {
    const found = distance(REFERENCE, [80, 150, 380, 250, 140]);
    expect(found.psi).toBeCloseTo(0.044488908, 9);
    expect(found.js).toBeCloseTo(0.089425096, 9);
    expect(found.hellinger).toBeCloseTo(0.074511965, 9);
    expect(found.lInfinity).toBeCloseTo(0.05, 12);
    expect(found.ks).toBeCloseTo(0.09, 12);
    expect(found.chiSquare).toBeCloseTo(22.100122, 6);
    expect(found.p).toBeCloseTo(1.914e-4, 7);
  });

  it('puts a half into every bin where one is empty, and only then', () => {
    expect(distance(REFERENCE, [0, 150, 400, 280, 170]).psi).toBeCloseTo(0.607016695, 9);
  });

  it('is nothing where both are alike, however many rows either has', () => {
    const found = distance(REFERENCE, [10, 20, 40, 20, 10]);
    expect([found.js, found.psi, found.hellinger, found.ks, found.chiSquare].every(value => value < 1e-7)).toBe(true);
    expect(found.p).toBe(1);
  });

  it('knows nothing where one side has no rows, and passes over bins that nobody has', () => {
    expect(distanceOf(REFERENCE, [0, 0, 0, 0, 0])).toBeUndefined();
    expect(distanceOf([0, 0], [3, 4])).toBeUndefined();
    expect(distanceOf([10, 0], [9, 0])).toBeUndefined();
    expect(distance([...REFERENCE, 0], [80, 150, 380, 250, 140, 0]).psi).toBeCloseTo(0.044488908, 9);
  });

  it('has a floor of noise that is higher for fewer rows: χ² of 99.9 % over both numbers of rows', () => {
    const found = distance(REFERENCE, [80, 150, 380, 250, 140]);
    expect(found.psiFloor).toBeCloseTo(18.4668 * (1 / 1000 + 1 / 1000), 5);
    expect(found.jsFloor).toBeCloseTo(Math.sqrt(found.psiFloor / (8 * Math.LN2)), 12);
    expect(distance(REFERENCE, [8, 15, 38, 25, 14]).psiFloor).toBeGreaterThan(5 * found.psiFloor);
  });

  it.each([
    [3.841459, 1, 0.05],
    [5.991465, 2, 0.05],
    [7.814728, 3, 0.05],
    [18.466827, 4, 0.001],
    [29.588298, 10, 0.001],
    [31.264134, 11, 0.001],
    [86.660815, 50, 0.001],
  ])('χ² %d of %d degrees of freedom has a tail of %d', (x, df, tail) => {
    expect(chiSquareTail(x, df)).toBeCloseTo(tail, 7);
  });
});
