/** The value of JSON text; undefined when it is none. */
export function tryParseJson(text: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof text === 'string' ? text : Buffer.from(text).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** As JSON text; undefined for what JSON has no text for, which the declared type of `JSON.stringify` leaves out. */
export const jsonText = JSON.stringify as (value: unknown) => string | undefined;

/** As JSON text; `null` for what JSON has no text for, as for an element of an array. */
export function toJson(value: unknown): string {
  return jsonText(value) ?? 'null';
}
