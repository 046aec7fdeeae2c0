import { stripVTControlCharacters } from 'node:util';
import { createColors } from 'picocolors';

export type Colours = ReturnType<typeof createColors>;

/** Where lines go: how wide it is, unless it is no terminal, and what colours it takes. */
export interface Screen {
  /** Undefined: nothing has to fit. */
  columns: () => number | undefined;
  colours: Colours;
}

/** Colours for terminals alone, and never under NO_COLOR (no-color.org); FORCE_COLOR has them everywhere. */
export function screenOf(
  stream: { isTTY?: boolean; columns?: number },
  env: NodeJS.ProcessEnv = process.env,
): Screen {
  const terminal = stream.isTTY === true && env['TERM'] !== 'dumb';
  const wanted = isOn(env['FORCE_COLOR']) || terminal;
  return {
    columns: () => (stream.isTTY === true ? stream.columns : undefined),
    colours: createColors(wanted && !env['NO_COLOR']),
  };
}

function isOn(variable: string | undefined): boolean {
  return variable !== undefined && variable !== '' && variable !== '0';
}

const SEGMENTS = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** East Asian wide and full-width characters, and pictures: two columns each. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NONE = /^[\p{Cc}\p{Cf}\p{Mn}]+$/u;

/** Columns that the text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of SEGMENTS.segment(stripVTControlCharacters(text))) width += widthOfOne(segment);
  return width;
}

function widthOfOne(segment: string): number {
  if (NONE.test(segment)) return 0;
  return WIDE.test(segment) ? 2 : 1;
}

/** The beginning of a text without colours, in so many columns; what is left out stands as `…`. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of SEGMENTS.segment(text)) {
    width += widthOfOne(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns > 0 ? `${kept}…` : '';
}

/** One line of any text: no line breaks, nothing that moves the cursor or changes colours. */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\s+/g, ' ')
    .replace(/\p{Cc}/gu, '')
    .trim();
}
