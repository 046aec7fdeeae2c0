export function capitalised(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`;
}

/** Logical id of the role of a system function. */
export function roleLogicalId(systemFunction: string): string {
  return `Edge${capitalised(systemFunction)}Role`;
}
