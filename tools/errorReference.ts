import { ERROR_TABLE } from '../protocol';

export function errorReference(): string {
  const rows = Object.entries(ERROR_TABLE).map(
    ([code, [status, retryable, meaning, action]]) =>
      `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${meaning} | ${action} |`,
  );
  return [
    '# Error codes',
    '',
    'Generated from `protocol/errors.ts`. Every failure is one of these, with the same JSON form in MQTT replies and HTTP bodies: `{ "code", "message", "field"?, "expected"?, "details"? }`. "Retry" says whether the same request may succeed later unchanged.',
    '',
    '| code | HTTP | retry | what happened | what to do |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
