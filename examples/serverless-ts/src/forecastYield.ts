const AIR_DENSITY = 1.225;
const BETZ = 0.593;

/** Watt-hours from hourly wind speeds in m/s, for a rotor of `radius` metres. */
export async function handler({ speeds, radius }: { speeds: number[]; radius: number }) {
  const area = Math.PI * radius ** 2;
  const power = speeds.map((speed) => 0.5 * AIR_DENSITY * BETZ * area * speed ** 3);
  return { wattHours: Math.round(power.reduce((sum, each) => sum + each, 0)) };
}
