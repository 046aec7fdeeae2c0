/** Litres per hour that a closed network still shows on a worn meter. */
const REST = 2;

/** Whether the flow of a whole night, in litres per hour, never comes to rest; with the size of the leak. */
export async function handler({ flow }) {
  if (!Array.isArray(flow) || flow.length === 0) throw new TypeError('flow: expected one or more numbers');
  const lowest = Math.min(...flow);
  return { leak: lowest > REST, litresPerHour: lowest > REST ? lowest : 0 };
}
