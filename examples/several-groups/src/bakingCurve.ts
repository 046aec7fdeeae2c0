/** Degrees Celsius the oven should have `minute` minutes into a loaf of `grams`: hot start, falling heat. */
export async function handler({ grams, minute }: { grams: number; minute: number }) {
  const minutes = 25 + grams / 40;
  const progress = Math.min(1, Math.max(0, minute / minutes));
  return { target: Math.round(250 - 40 * progress), minutesLeft: Math.max(0, minutes - minute) };
}
