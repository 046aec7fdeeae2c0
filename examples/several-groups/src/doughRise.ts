/** Minutes until dough doubles. Yeast doubles its pace every ten degrees Celsius. */
export async function handler({ celsius, yeastPercent }: { celsius: number; yeastPercent: number }) {
  const atTwentyFive = 90 / yeastPercent;
  return { minutes: Math.round(atTwentyFive * 2 ** ((25 - celsius) / 10)) };
}
