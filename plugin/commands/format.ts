import Table from 'cli-table3';

/** Plain columns; nothing that a terminal without colours would miss. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left'] as const;
  const more = ['bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'] as const;
  const chars = Object.fromEntries([...none, ...more].map((name) => [name, '']));
  const made = new Table({
    head: [...head],
    chars: { ...chars, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  made.push(...rows.map((row) => [...row]));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** `3 min ago`; what lies ahead is `now`, because the clocks of two machines are never quite the same. */
export function ago(iso: string, now = Date.now()): string {
  const seconds = Math.round((now - Date.parse(iso)) / 1000);
  if (Number.isNaN(seconds)) return iso;
  if (seconds < 1) return 'now';
  const unit = UNITS.find(([, size]) => seconds >= size);
  return unit === undefined ? `${seconds} s ago` : `${Math.floor(seconds / unit[1])} ${unit[0]} ago`;
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const kib = count / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}

const DIGEST_DIGITS = 12;

export function shortDigest(digest: string): string {
  return digest.slice(0, DIGEST_DIGITS);
}
