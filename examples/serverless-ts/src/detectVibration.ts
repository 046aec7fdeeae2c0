/** Root mean square of the velocity in mm/s, against the limit of ISO 10816 for machines of this class. */
export async function handler({ velocity }: { velocity: number[] }) {
  if (velocity.length === 0) throw new TypeError('velocity: expected one or more numbers');
  const rms = Math.sqrt(velocity.reduce((sum, each) => sum + each ** 2, 0) / velocity.length);
  return { rms, alarm: rms > Number(process.env['LIMIT']) };
}
