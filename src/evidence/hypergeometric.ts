/** ln n! by n, as far as it was asked for. */
const lnFactorials: number[] = [0];

function lnFactorial(n: number): number {
  for (let i = lnFactorials.length; i <= n; i++) lnFactorials.push((lnFactorials[i - 1] as number) + Math.log(i));
  return lnFactorials[n] as number;
}

const lnChoose = (n: number, k: number) => lnFactorial(n) - lnFactorial(k) - lnFactorial(n - k);

/**
 * ln of the probability that of `drawn` out of `all`, of which `bad` are bad, `atLeast` or more are bad: the upper tail of the hypergeometric distribution, which is Fisher's exact test,
 * one-sided (Fisher 1935). Whole numbers.
 */
export function lnUpperTail(atLeast: number, drawn: number, bad: number, all: number): number {
  const most = Math.min(drawn, bad);
  const whole = lnChoose(all, drawn);
  let [sum, first] = [0, Number.NEGATIVE_INFINITY];
  for (let k = Math.max(atLeast, drawn + bad - all, 0); k <= most; k++) {
    const term = lnChoose(bad, k) + lnChoose(all - bad, drawn - k) - whole;
    if (first === Number.NEGATIVE_INFINITY) first = term;
    sum += Math.exp(term - first);
  }
  return Math.min(0, first + Math.log(sum));
}
