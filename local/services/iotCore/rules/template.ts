import { evaluateExpression, type RuleMessage } from './sql/evaluate';
import { parseExpression } from './sql/parse';
import type { Expression } from './sql/syntax';

/** Text with `${expression}` in it, evaluated over the message that came in, not over what was selected. */
export type Template = readonly (string | Expression)[];

/** Throws SqlParseException for an expression that the local cloud does not understand. */
export function parseTemplate(text: string): Template {
  return text
    .split(/(\$\{[^}]*\})/)
    .filter((part) => part !== '')
    .map((part) => (part.startsWith('${') && part.endsWith('}') ? parseExpression(part.slice(2, -1)) : part));
}

/** Throws when the message has no value for an expression: what would be written there is no name. */
export function fillTemplate(template: Template, message: RuleMessage): string {
  return template
    .map((part) => {
      if (typeof part === 'string') return part;
      const value = evaluateExpression(part, message);
      if (value === undefined) throw new Error(`the message has no ${describe(part)}`);
      return typeof value === 'string' ? value : JSON.stringify(value);
    })
    .join('');
}

function describe(expression: Expression): string {
  if (expression.kind === 'field') return `field ${expression.path.join('.')}`;
  return expression.kind === 'call' ? `${expression.name}() here` : 'JSON payload';
}
