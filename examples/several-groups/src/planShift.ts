interface Order {
  loaves: number;
  minutes: number;
}

/** Spreads orders over ovens, longest first, each to the oven that is free soonest. */
export async function handler({ orders, ovens }: { orders: Order[]; ovens: number }) {
  const busyUntil = Array.from({ length: ovens }, () => 0);
  for (const { loaves, minutes } of [...orders].sort((a, b) => b.loaves * b.minutes - a.loaves * a.minutes)) {
    const soonest = busyUntil.indexOf(Math.min(...busyUntil));
    busyUntil[soonest] = (busyUntil[soonest] ?? 0) + loaves * minutes;
  }
  return { busyUntil, done: Math.max(...busyUntil) };
}
