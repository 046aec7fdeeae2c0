/** Values of condition keys and policy variables, by key (`aws:SourceArn`); keys match in any case. */
export type PolicyContext = Record<string, string | string[] | undefined>;

/** `${key}`, `${key, 'default'}`, and `${*}`, `${?}`, `${$}` for the characters themselves. */
const VARIABLE = /\$\{([^}]*)\}/y;

/**
 * The pattern of a policy element as an anchored expression. `*` and `?` are wildcards; the values of
 * policy variables are literal, so a name that holds `*` cannot widen a policy. Undefined when a
 * variable has no value: such an element matches nothing.
 */
export function patternOf(pattern: string, context: PolicyContext, flags = ''): RegExp | undefined {
  let source = '';
  for (let at = 0; at < pattern.length;) {
    VARIABLE.lastIndex = at;
    const variable = VARIABLE.exec(pattern);
    if (variable !== null) {
      const value = variableValue(variable[1] ?? '', context);
      if (value === undefined) return undefined;
      source += escapeLiteral(value);
      at = VARIABLE.lastIndex;
    } else {
      source += wildcard(pattern.charAt(at));
      at += 1;
    }
  }
  return new RegExp(`^${source}$`, `s${flags}`);
}

/** The text with its variables replaced; undefined when one has no value. Wildcards stay as they are. */
export function substitute(text: string, context: PolicyContext): string | undefined {
  const missing: string[] = [];
  const substituted = text.replace(/\$\{([^}]*)\}/g, (_all, name: string) => {
    const value = variableValue(name, context);
    if (value === undefined) missing.push(name);
    return value ?? '';
  });
  return missing.length > 0 ? undefined : substituted;
}

/** The value of a context key, whatever the case of its name. */
export function contextValue(context: PolicyContext, key: string): string | string[] | undefined {
  if (key in context) return context[key];
  const wanted = key.toLowerCase();
  return Object.entries(context).find(([name]) => name.toLowerCase() === wanted)?.[1];
}

function variableValue(expression: string, context: PolicyContext): string | undefined {
  if (expression === '*' || expression === '?' || expression === '$') return expression;
  const [, key = expression, fallback] = /^([^,]+?)\s*,\s*'([^']*)'$/.exec(expression) ?? [];
  const value = contextValue(context, key.trim());
  // A list has no single value to put in.
  return typeof value === 'string' ? value : value === undefined ? fallback : undefined;
}

function wildcard(character: string): string {
  if (character === '*') return '.*';
  if (character === '?') return '.';
  return escapeLiteral(character);
}

function escapeLiteral(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
